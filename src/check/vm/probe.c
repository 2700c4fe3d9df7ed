/* SPDX-License-Identifier: Apache-2.0 */
#include "check/vm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "image/esp_out.h"

/* guest/probe/device/devices.c looks for it. */
static const char scratch_mark[] = "ARMVM PROBE SCRATCH DISK";

enum { SCRATCH_BYTES = 1 << 20 };

int probe_write_image(const char *path, struct error *err)
{
    const struct esp_file file = {"/EFI/BOOT/BOOTAA64.EFI", probe_aarch64, probe_aarch64_size};

    if (!probe_aarch64_size)
        return error_set(err, -ENOTSUP,
                         "this build has no probe: it was built without a compiler for AArch64 "
                         "(package gcc-aarch64-linux-gnu); build it again with one");
    return esp_write(path, &file, 1, err);
}

int probe_write_scratch(const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), rc = 0;

    if (fd < 0)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    if (ftruncate(fd, SCRATCH_BYTES) < 0 ||
        write(fd, scratch_mark, sizeof(scratch_mark)) != sizeof(scratch_mark))
        rc = error_set(err, errno ? -errno : -EIO, "%s: cannot be written", path);
    close(fd);
    return rc;
}
