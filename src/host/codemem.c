/* SPDX-License-Identifier: Apache-2.0 */
#include "host/codemem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

/* Linux 6.3 wants to be told that a memfd may be mapped executable (sysctl vm.memfd_noexec);
 * older kernels refuse the flag they do not know. */
enum { MEMFD_EXEC = 0x10 };

static int open_memfd(void)
{
    int fd = memfd_create("armvm-code", MFD_CLOEXEC | MEMFD_EXEC);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("armvm-code", MFD_CLOEXEC);
    return fd;
}

int codemem_create(struct codemem *code, size_t size, struct error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *rw = MAP_FAILED, *rx = MAP_FAILED;
    int fd = -1, rc;

    if (!size || size > SIZE_MAX / 2)
        return error_set(err, -EINVAL, "a code cache of %zu bytes makes no sense", size);
    size = (size + page - 1) & ~(page - 1);

    fd = open_memfd();
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
        goto fail;
    rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (rw == MAP_FAILED)
        goto fail;
    rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (rx == MAP_FAILED)
        goto fail;
    close(fd);
    *code = (struct codemem){.rw = rw, .rx = rx, .size = size};
    return 0;

fail:
    rc = -errno;
    if (rw != MAP_FAILED)
        munmap(rw, size);
    if (fd >= 0)
        close(fd);
    if (rc == -EPERM || rc == -EACCES)
        return error_set(err, rc,
                         "the host forbids executable shared memory (%s): allow memfd mappings "
                         "with PROT_EXEC, or use --engine interpret",
                         strerror(-rc));
    return error_set(err, rc, "cannot map %zu MiB for translated code: %s", size >> 20,
                     strerror(-rc));
}

void codemem_destroy(struct codemem *code)
{
    if (code->rw)
        munmap(code->rw, code->size);
    if (code->rx)
        munmap(code->rx, code->size);
    memset(code, 0, sizeof(*code));
}

void codemem_release(struct codemem *code, size_t from)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (from + page - 1) & ~(page - 1);

    if (whole > code->size)
        return;
    memset(code->rw + from, 0, whole - from);
    /* Punches a hole into the file behind both mappings. */
    if (whole < code->size && madvise(code->rw + whole, code->size - whole, MADV_REMOVE) < 0)
        memset(code->rw + whole, 0, code->size - whole);
}
