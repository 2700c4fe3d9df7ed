/* SPDX-License-Identifier: Apache-2.0 */
#include "host/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "host/image_lock.h"

enum { PIECE = 1 << 20 };

struct replacement {
    char *path; /* without links */
    char *directory, *copy;
    int fd; /* of the file, locked */
};

static void release(struct replacement *r)
{
    if (r->fd >= 0)
        close(r->fd); /* and with it the lock */
    free(r->path);
    free(r->directory);
    free(r->copy);
    free(r);
}

/* --- copying ---------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *data, size_t len, off_t at)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int copy_range(int from, int to, off_t at, off_t end)
{
    uint8_t *piece = malloc(PIECE);
    int rc = piece ? 0 : -ENOMEM;

    while (!rc && at < end) {
        ssize_t n = pread(from, piece, end - at < PIECE ? (size_t)(end - at) : PIECE, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            rc = n < 0 ? -errno : -EIO; /* it has become shorter */
            break;
        }
        rc = write_all(to, piece, (size_t)n, at);
        at += n;
    }
    free(piece);
    return rc;
}

/* Holes stay holes. */
static int copy_file(int from, int to, off_t size)
{
    off_t at = 0;
    int rc = 0;

    if (!ioctl(to, FICLONE, from))
        return 0;
    if (ftruncate(to, size))
        return -errno;
    while (!rc && at < size) {
        off_t data = lseek(from, at, SEEK_DATA), end;
        if (data < 0)
            return errno == ENXIO ? 0 : copy_range(from, to, at, size);
        end = lseek(from, data, SEEK_HOLE);
        if (end < 0)
            end = size;
        rc = copy_range(from, to, data, end);
        at = end;
    }
    return rc;
}

static int make_copy(struct replacement *r, const struct stat *st, struct error *err)
{
    int rc = 0, to;

    unlink(
        r->copy); /* of an attempt that was killed; nobody else makes one, for we hold the lock */
    to = open(r->copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return error_set(err, -errno, "%s: %s", r->copy, strerror(errno));
    rc = copy_file(r->fd, to, st->st_size);
    if (!rc && fchown(to, st->st_uid, st->st_gid) && (st->st_uid != geteuid() || errno != EPERM))
        rc = -errno;
    if (!rc && fchmod(to, st->st_mode & 07777))
        rc = -errno;
    if (close(to) && !rc)
        rc = -errno;
    if (rc) {
        unlink(r->copy);
        return error_set(
            err, rc,
            "%s: cannot be copied (%s); changing an image takes as much room beside it as "
            "it has data",
            r->path, strerror(-rc));
    }
    return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

/* ".NAME.armvm-new" in the same directory. */
static int make_names(struct replacement *r, const char *path, struct error *err)
{
    char *dir, *base;
    int rc = 0;

    r->path = realpath(path, NULL);
    if (!r->path)
        return errno == ENOENT ? error_set(err, -ENOENT, "%s: there is no such file", path)
                               : error_set(err, -errno, "%s: %s", path, strerror(errno));
    dir = strdup(r->path);
    base = strdup(r->path);
    if (dir && base)
        r->directory = strdup(dirname(dir));
    if (!r->directory || asprintf(&r->copy, "%s/.%s.armvm-new", r->directory, basename(base)) < 0) {
        r->copy = NULL;
        rc = error_set(err, -ENOMEM, "%s: out of memory", path);
    }
    free(dir);
    free(base);
    return rc;
}

static int lock(struct replacement *r, struct stat *st, struct error *err)
{
    if (stat(r->path, st))
        return error_set(err, -errno, "%s: %s", r->path, strerror(errno));
    if (!S_ISREG(st->st_mode))
        return error_set(err, -ENOTSUP,
                         "%s: is no file; copy it to one first (armvm changes a copy "
                         "and puts it in the file's place)",
                         r->path);
    r->fd = open(r->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (r->fd < 0 || fstat(r->fd, st))
        return error_set(err, -errno, "%s: %s", r->path, strerror(errno));
    if (host_image_lock(r->fd, true))
        return error_set(err, -EBUSY, "%s: is in use by a machine; stop it first", r->path);
    return 0;
}

/* --- the steps -------------------------------------------------------------------------------- */

int replace_begin(const char *path, struct replacement **replacement, struct error *err)
{
    struct replacement *r = calloc(1, sizeof(*r));
    struct stat st;
    int rc;

    if (!r)
        return error_set(err, -ENOMEM, "%s: out of memory", path);
    r->fd = -1;
    rc = make_names(r, path, err);
    if (!rc)
        rc = lock(r, &st, err);
    if (!rc)
        rc = make_copy(r, &st, err);
    if (rc) {
        release(r);
        return rc;
    }
    *replacement = r;
    return 0;
}

const char *replace_copy(const struct replacement *r)
{
    return r->copy;
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC), rc = 0;

    if (fd < 0)
        return -errno;
    if (fsync(fd))
        rc = -errno;
    close(fd);
    return rc;
}

int replace_commit(struct replacement *r, struct error *err)
{
    int rc = sync_path(r->copy, O_RDWR);

    if (!rc && rename(r->copy, r->path))
        rc = -errno;
    if (rc) {
        unlink(r->copy);
        error_set(err, rc, "%s: %s", r->path, strerror(-rc));
    } else {
        sync_path(r->directory, O_RDONLY | O_DIRECTORY); /* some file systems have no such thing */
    }
    release(r);
    return rc;
}

void replace_abort(struct replacement *r)
{
    if (!r)
        return;
    unlink(r->copy);
    release(r);
}
