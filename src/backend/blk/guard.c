/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw images that were opened without a word about their format. If the guest could write another
 * format's first bytes, the next machine would take the disk for that format: its guest would see
 * something else, and a backing file named there, any file of the host. Such a write fails. What is
 * looked at is a copy, because the guest may change its memory meanwhile.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/blk.h"
#include "backend/blk/image.h"
#include "base/error.h"

enum { HEAD = 512 };

struct guard {
    struct image image;
    struct image *base;
    pthread_mutex_t lock; /* of the first sector */
    const char *path;     /* of the first message; NULL afterwards */
    void (*notice)(void *ctx, const char *line);
    void *notice_ctx;
};

static int guard_read(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct image *base = ((struct guard *)image)->base;

    return base->ops->read(base, offset, iov, iovcnt);
}

static int guard_read_now(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct image *base = ((struct guard *)image)->base;

    return base->ops->read_now(base, offset, iov, iovcnt);
}

/* Once: who did not mean it wants to know why the guest has an I/O error. */
static void tell_locked(struct guard *guard, const char *format)
{
    char line[512];

    if (!guard->path || !guard->notice)
        return;
    snprintf(
        line, sizeof(line),
        "%s: the guest's attempt to write the beginning of a %s image over its disk was refused, "
        "because the disk would be taken for that next time; format=raw allows it",
        guard->path, format);
    guard->path = NULL;
    guard->notice(guard->notice_ctx, line);
}

/* The first sector as it would be, out of what is there and the first n bytes of the vector. */
static int write_head_locked(struct guard *guard, uint64_t offset, uint64_t n,
                             const struct iovec *iov, int iovcnt)
{
    struct image *base = guard->base;
    uint8_t head[HEAD], *at = head + offset;
    struct iovec whole = {head, HEAD};
    const char *name;
    int r = base->ops->read(base, 0, &whole, 1);

    if (r)
        return r;
    for (int i = 0; i < iovcnt && n; i++) {
        uint64_t part = iov[i].iov_len < n ? iov[i].iov_len : n;
        if (part)
            memcpy(at, iov[i].iov_base, part);
        at += part;
        n -= part;
    }
    if (image_probe(head, &name) != IMAGE_RAW) {
        tell_locked(guard, name);
        return -EPERM;
    }
    return base->ops->write(base, 0, &whole, 1);
}

static int guard_write(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct guard *guard = (struct guard *)image;
    struct image *base = guard->base;
    uint64_t len = iov_bytes(iov, iovcnt), head;
    struct iovec rest[IOV_MAX];
    int r, n;

    if (offset >= HEAD || !len)
        return base->ops->write(base, offset, iov, iovcnt);
    head = len < HEAD - offset ? len : HEAD - offset;
    pthread_mutex_lock(&guard->lock);
    r = write_head_locked(guard, offset, head, iov, iovcnt);
    pthread_mutex_unlock(&guard->lock);
    if (r || head == len)
        return r;
    n = iov_slice(iov, iovcnt, head, len - head, rest);
    return base->ops->write(base, HEAD, rest, n);
}

static int guard_flush(struct image *image)
{
    struct image *base = ((struct guard *)image)->base;

    return base->ops->flush(base);
}

static int guard_discard(struct image *image, uint64_t offset, uint64_t len)
{
    struct image *base = ((struct guard *)image)->base;

    return base->ops->discard(base, offset, len);
}

static int guard_zero(struct image *image, uint64_t offset, uint64_t len, bool unmap)
{
    struct image *base = ((struct guard *)image)->base;

    return base->ops->zero(base, offset, len, unmap);
}

static void guard_close(struct image *image)
{
    struct guard *guard = (struct guard *)image;

    guard->base->ops->close(guard->base);
    pthread_mutex_destroy(&guard->lock);
    free(guard);
}

static const struct image_ops guard_ops = {
    .read = guard_read,
    .write = guard_write,
    .flush = guard_flush,
    .discard = guard_discard,
    .zero = guard_zero,
    .read_now = guard_read_now,
    .close = guard_close,
};

int guard_open(struct image *base, const struct blk_config *config, struct image **image,
               struct error *err)
{
    struct guard *guard = calloc(1, sizeof(*guard));

    if (!guard)
        return error_set(err, -ENOMEM, "out of memory");
    guard->image.ops = &guard_ops;
    guard->image.size = base->size;
    guard->base = base;
    guard->path = config->path;
    guard->notice = config->notice;
    guard->notice_ctx = config->notice_ctx;
    pthread_mutex_init(&guard->lock, NULL);
    *image = &guard->image;
    return 0;
}
