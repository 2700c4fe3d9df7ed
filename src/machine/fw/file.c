/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/fw/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "host/read.h"

static int check(const struct stat *st, const char *path, const char *what, struct error *err)
{
    if (S_ISDIR(st->st_mode))
        return error_set(err, -EISDIR, "%s %s is a directory", what, path);
    if (!S_ISREG(st->st_mode))
        return error_set(err, -EINVAL, "%s %s is not a regular file", what, path);
    if (st->st_size == 0)
        return error_set(err, -ENODATA, "%s %s is empty", what, path);
    return 0;
}

int fw_file_open(const char *path, const char *what, struct fw_file *file, struct error *err)
{
    struct stat st;
    /* O_NONBLOCK: opening a pipe without a writer must not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, -errno, "%s %s: %s", what, path, strerror(errno));
    int rc = fstat(fd, &st) == 0 ? check(&st, path, what, err)
                                 : error_set(err, -errno, "%s %s: %s", what, path, strerror(errno));
    if (rc) {
        close(fd);
        return rc;
    }
    *file = (struct fw_file){fd, (size_t)st.st_size, path, what};
    return 0;
}

int fw_file_read(const struct fw_file *file, uint64_t offset, void *to, size_t len,
                 struct error *err)
{
    int rc = host_read_at(file->fd, offset, to, len);

    if (rc == -ENODATA)
        return error_set(err, rc, "%s %s has become shorter while it was read", file->what,
                         file->path);
    return rc ? error_set(err, rc, "%s %s: %s", file->what, file->path, strerror(-rc)) : 0;
}

void fw_file_close(struct fw_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}
