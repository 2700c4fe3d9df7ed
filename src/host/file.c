/* SPDX-License-Identifier: Apache-2.0 */
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static int fail(struct error *err, int code, const char *what, const char *path)
{
    return error_set(err, code, "%s: %s: %s", what, path, strerror(-code));
}

/* Opens without waiting (a FIFO would) and refuses all but regular files. */
static int open_checked(const char *what, const char *path, uint64_t limit, int *fd,
                        struct stat *st, struct error *err)
{
    int rc = 0;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return fail(err, -errno, what, path);
    if (fstat(*fd, st) < 0)
        rc = fail(err, -errno, what, path);
    else if (S_ISDIR(st->st_mode))
        rc = error_set(err, -EISDIR, "%s: %s is a directory, a file is needed", what, path);
    else if (!S_ISREG(st->st_mode))
        rc = error_set(err, -ENOTSUP, "%s: %s is not a regular file", what, path);
    else if (st->st_size == 0)
        rc = error_set(err, -ENODATA, "%s: %s is empty", what, path);
    else if ((uint64_t)st->st_size > limit)
        rc =
            error_set(err, -EFBIG,
                      "%s: %s has %" PRIu64 " MiB, more than the %" PRIu64 " MiB that are possible",
                      what, path, (uint64_t)st->st_size >> 20, limit >> 20);
    if (rc)
        close(*fd);
    return rc;
}

int file_check(const char *what, const char *path, uint64_t limit, uint64_t *size,
               struct error *err)
{
    struct stat st;
    int fd, rc = open_checked(what, path, limit, &fd, &st, err);

    if (rc)
        return rc;
    close(fd);
    if (size)
        *size = (uint64_t)st.st_size;
    return 0;
}

int file_read(const char *what, const char *path, size_t limit, uint8_t **data, size_t *size,
              struct error *err)
{
    uint8_t *buf = NULL;
    size_t want, got = 0;
    struct stat st;
    int fd, rc = open_checked(what, path, limit, &fd, &st, err);

    if (rc)
        return rc;
    want = (size_t)st.st_size;
    buf = malloc(want + 1);
    if (!buf) {
        rc = error_set(err, -ENOMEM, "%s: %s: no memory for its %zu MiB", what, path, want >> 20);
        goto out;
    }
    while (got < want) {
        ssize_t n = read(fd, buf + got, want - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            rc = n < 0
                     ? fail(err, -errno, what, path)
                     : error_set(err, -EIO, "%s: %s became shorter while it was read", what, path);
            goto out;
        }
        got += (size_t)n;
    }
    buf[got] = 0;
    *data = buf;
    *size = got;
    buf = NULL;
out:
    free(buf);
    close(fd);
    return rc;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

int file_write(const char *what, const char *path, const void *data, size_t size, struct error *err)
{
    char *temp = NULL;
    int fd, rc;

    if (asprintf(&temp, "%s.%d.new", path, (int)getpid()) < 0)
        return error_set(err, -ENOMEM, "%s: %s: out of memory", what, path);
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        rc = fail(err, -errno, what, path);
        goto out;
    }
    rc = write_all(fd, data, size);
    if (close(fd) < 0 && !rc)
        rc = -errno;
    if (!rc && rename(temp, path) < 0)
        rc = -errno;
    if (rc) {
        unlink(temp);
        fail(err, rc, what, path);
    }
out:
    free(temp);
    return rc;
}

int file_make_directory(const char *what, const char *path, struct error *err)
{
    struct stat st;

    if (mkdir(path, 0777) == 0)
        return 0;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return fail(err, errno == EEXIST ? -ENOTDIR : -errno, what, path);
}

int file_anonymous(const char *name, const void *data, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC), rc = 0;

    if (fd < 0)
        return -errno;
    for (size_t at = 0; at < size && !rc;) {
        ssize_t n = write(fd, (const uint8_t *)data + at, size - at);
        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            rc = n ? -errno : -EIO;
    }
    if (!rc)
        return fd;
    close(fd);
    return rc;
}
