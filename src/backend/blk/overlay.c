/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes that vanish: clusters of 64 KiB that were written live in an unlinked temporary file, the
 * rest is read from the image below, which is never written. One bit a cluster says where it is; a
 * bit only ever goes up.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend/blk/image.h"
#include "base/bits.h"
#include "base/error.h"

#define CLUSTER 65536ull

struct overlay {
    struct image image;
    struct image *base;
    int fd;
    uint64_t clusters;
    uint64_t *present;       /* bits; set under `copying`, read without */
    pthread_mutex_t copying; /* clusters come into being one at a time */
    uint8_t *buffer;         /* one cluster, under `copying` */
};

static bool is_present(const struct overlay *o, uint64_t cluster)
{
    return __atomic_load_n(&o->present[cluster / 64], __ATOMIC_ACQUIRE) >> (cluster % 64) & 1;
}

static void set_present(struct overlay *o, uint64_t cluster)
{
    __atomic_fetch_or(&o->present[cluster / 64], 1ull << (cluster % 64), __ATOMIC_RELEASE);
}

/* The length of the run of clusters from offset on that are all in the same place, cut to len. */
static uint64_t run(const struct overlay *o, uint64_t offset, uint64_t len, bool *present)
{
    uint64_t cluster = offset / CLUSTER, end = offset + len;
    uint64_t at = (cluster + 1) * CLUSTER;

    *present = is_present(o, cluster);
    while (at < end && is_present(o, at / CLUSTER) == *present)
        at += CLUSTER;
    return (at < end ? at : end) - offset;
}

static int overlay_read(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct overlay *o = (struct overlay *)image;
    uint64_t len = iov_bytes(iov, iovcnt), done = 0;
    struct iovec part[IOV_MAX];
    int r = 0;

    while (!r && done < len) {
        bool present;
        uint64_t n = run(o, offset + done, len - done, &present);
        int parts = iov_slice(iov, iovcnt, done, n, part);
        r = present ? fd_readv(o->fd, offset + done, part, parts)
                    : o->base->ops->read(o->base, offset + done, part, parts);
        done += n;
    }
    return r;
}

static int overlay_read_now(struct image *image, uint64_t offset, const struct iovec *iov,
                            int iovcnt)
{
    struct overlay *o = (struct overlay *)image;
    uint64_t len = iov_bytes(iov, iovcnt);
    bool present;

    if (!len || run(o, offset, len, &present) != len)
        return -EAGAIN;
    if (!present)
        return o->base->ops->read_now(o->base, offset, iov, iovcnt);
    return fd_readv_now(o->fd, offset, iov, iovcnt);
}

/* `copying` held: brings the cluster in, unless the caller is about to write all of it. */
static int copy_up_locked(struct overlay *o, uint64_t cluster)
{
    uint64_t offset = cluster * CLUSTER;
    struct iovec iov = {o->buffer, CLUSTER};
    int r;

    if (iov.iov_len > o->image.size - offset)
        iov.iov_len = o->image.size - offset;
    r = o->base->ops->read(o->base, offset, &iov, 1);
    return r ? r : fd_writev(o->fd, offset, &iov, 1);
}

static bool all_present(const struct overlay *o, uint64_t offset, uint64_t len)
{
    bool present;

    return run(o, offset, len, &present) == len && present;
}

/* Writes with `fill`, after the clusters that are only partly covered have been copied. */
static int change(struct overlay *o, uint64_t offset, uint64_t len,
                  int (*fill)(struct overlay *o, uint64_t offset, uint64_t len,
                              const struct iovec *iov, int iovcnt),
                  const struct iovec *iov, int iovcnt)
{
    uint64_t first, last;
    int r = 0;

    if (!len)
        return 0;
    if (all_present(o, offset, len))
        return fill(o, offset, len, iov, iovcnt);

    first = offset / CLUSTER;
    last = (offset + len - 1) / CLUSTER;
    pthread_mutex_lock(&o->copying);
    if (!is_present(o, first) && offset % CLUSTER)
        r = copy_up_locked(o, first);
    if (!r && !is_present(o, last) && (offset + len) % CLUSTER && offset + len < o->image.size &&
        (last != first || !(offset % CLUSTER)))
        r = copy_up_locked(o, last);
    if (!r)
        r = fill(o, offset, len, iov, iovcnt);
    for (uint64_t c = first; !r && c <= last; c++)
        set_present(o, c);
    pthread_mutex_unlock(&o->copying);
    return r;
}

static int fill_data(struct overlay *o, uint64_t offset, uint64_t len, const struct iovec *iov,
                     int iovcnt)
{
    return fd_writev(o->fd, offset, iov, iovcnt);
}

/* The temporary file is sparse: a hole is the cheapest zero. */
static int fill_zero(struct overlay *o, uint64_t offset, uint64_t len, const struct iovec *iov,
                     int iovcnt)
{
    struct iovec chunk = {NULL, CLUSTER};
    int r = 0;

    if (!fallocate(o->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len))
        return 0;
    chunk.iov_base = calloc(1, CLUSTER);
    if (!chunk.iov_base)
        return -ENOMEM;
    while (!r && len) {
        chunk.iov_len = len < CLUSTER ? len : CLUSTER;
        r = fd_writev(o->fd, offset, &chunk, 1);
        offset += chunk.iov_len;
        len -= chunk.iov_len;
    }
    free(chunk.iov_base);
    return r;
}

static int overlay_write(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    return change((struct overlay *)image, offset, iov_bytes(iov, iovcnt), fill_data, iov, iovcnt);
}

static int overlay_zero(struct image *image, uint64_t offset, uint64_t len, bool unmap)
{
    return change((struct overlay *)image, offset, len, fill_zero, NULL, 0);
}

static int overlay_discard(struct image *image, uint64_t offset, uint64_t len)
{
    return overlay_zero(image, offset, len, true);
}

/* Nothing here outlives us: there is nothing to make durable. */
static int overlay_flush(struct image *image)
{
    return 0;
}

static void overlay_close(struct image *image)
{
    struct overlay *o = (struct overlay *)image;

    close(o->fd);
    o->base->ops->close(o->base);
    pthread_mutex_destroy(&o->copying);
    free(o->present);
    free(o->buffer);
    free(o);
}

static const struct image_ops overlay_ops = {
    .read = overlay_read,
    .write = overlay_write,
    .flush = overlay_flush,
    .discard = overlay_discard,
    .zero = overlay_zero,
    .read_now = overlay_read_now,
    .close = overlay_close,
};

/* On a disk rather than in memory where the user has not said otherwise. */
static int open_temporary(struct error *err)
{
    const char *dir = getenv("TMPDIR");
    char path[4096];
    int fd;

    if (!dir || !*dir)
        dir = "/var/tmp";
    fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof(path), "%s/armvm-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return error_set(err, -errno,
                         "%s: cannot make a temporary file for an ephemeral disk: %s (TMPDIR "
                         "chooses another directory)",
                         dir, strerror(errno));
    unlink(path);
    return fd;
}

int overlay_open(struct image *base, struct image **image, struct error *err)
{
    struct overlay *o = calloc(1, sizeof(*o));
    int fd;

    if (!o)
        return error_set(err, -ENOMEM, "out of memory");
    o->clusters = (base->size + CLUSTER - 1) / CLUSTER;
    o->present = calloc(o->clusters / 64 + 1, 8);
    o->buffer = malloc(CLUSTER);
    fd = o->present && o->buffer ? open_temporary(err)
                                 : error_set(err, -ENOMEM, "out of memory for an ephemeral disk");
    if (fd < 0) {
        free(o->present);
        free(o->buffer);
        free(o);
        return fd;
    }
    o->fd = fd;
    o->image.ops = &overlay_ops;
    o->image.size = base->size;
    o->base = base;
    pthread_mutex_init(&o->copying, NULL);
    *image = &o->image;
    return 0;
}
