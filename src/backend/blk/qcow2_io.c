/* SPDX-License-Identifier: Apache-2.0 */
/* Reading. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "backend/blk/qcow2.h"

static void fill_zero(const struct iovec *iov, int iovcnt)
{
    for (int i = 0; i < iovcnt; i++)
        if (iov[i].iov_len)
            memset(iov[i].iov_base, 0, iov[i].iov_len);
}

/* A backing file may be shorter than we are: behind its end are zeroes. */
static int read_backing(struct qcow2 *q, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct iovec part[IOV_MAX];
    uint64_t len = iov_bytes(iov, iovcnt), there = 0;
    int r = 0, parts;

    if (q->backing && offset < q->backing->size)
        there = len < q->backing->size - offset ? len : q->backing->size - offset;
    if (there == len)
        return q->backing->ops->read(q->backing, offset, iov, iovcnt);
    if (there) {
        parts = iov_slice(iov, iovcnt, 0, there, part);
        r = q->backing->ops->read(q->backing, offset, part, parts);
    }
    parts = iov_slice(iov, iovcnt, there, len - there, part);
    fill_zero(part, parts);
    return r;
}

static int read_extent(struct qcow2 *q, const struct qcow2_extent *e, uint64_t offset,
                       const struct iovec *iov, int iovcnt)
{
    switch (e->type) {
    case QCOW2_HOLE:
        return read_backing(q, offset, iov, iovcnt);
    case QCOW2_ZEROES:
        fill_zero(iov, iovcnt);
        return 0;
    case QCOW2_DATA:
        return fd_readv(q->fd, e->host, iov, iovcnt);
    case QCOW2_PACKED:
        return qcow2_read_packed(q, e, offset & (q->cluster_size - 1), iov, iovcnt);
    }
    return -EIO;
}

int qcow2_read_range(struct qcow2 *q, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    uint64_t len = iov_bytes(iov, iovcnt), done = 0;
    struct iovec part[IOV_MAX];
    int r = 0;

    while (!r && done < len) {
        struct qcow2_extent e;
        pthread_mutex_lock(&q->lock);
        r = qcow2_lookup_locked(q, offset + done, len - done, &e);
        pthread_mutex_unlock(&q->lock);
        if (r)
            break;
        if (e.len == len) {
            r = read_extent(q, &e, offset, iov, iovcnt);
        } else {
            int parts = iov_slice(iov, iovcnt, done, e.len, part);
            r = read_extent(q, &e, offset + done, part, parts);
        }
        done += e.len;
    }
    return r;
}

int qcow2_read(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct qcow2 *q = (struct qcow2 *)image;
    struct qcow2_op op;
    int r;

    pthread_mutex_lock(&q->lock);
    qcow2_op_begin_locked(q, &op);
    pthread_mutex_unlock(&q->lock);
    r = qcow2_read_range(q, offset, iov, iovcnt);
    pthread_mutex_lock(&q->lock);
    qcow2_op_end_locked(q, &op);
    pthread_mutex_unlock(&q->lock);
    return r;
}

static int extent_now(struct qcow2 *q, const struct qcow2_extent *e, uint64_t offset, uint64_t len,
                      const struct iovec *iov, int iovcnt)
{
    switch (e->type) {
    case QCOW2_DATA:
        return fd_readv_now(q->fd, e->host, iov, iovcnt);
    case QCOW2_HOLE:
        if (q->backing && offset < q->backing->size) {
            if (len > q->backing->size - offset)
                return -EAGAIN;
            return q->backing->ops->read_now(q->backing, offset, iov, iovcnt);
        }
        /* fall through */
    case QCOW2_ZEROES:
        fill_zero(iov, iovcnt);
        return 0;
    case QCOW2_PACKED:
        break;
    }
    return -EAGAIN;
}

int qcow2_read_now(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct qcow2 *q = (struct qcow2 *)image;
    uint64_t len = iov_bytes(iov, iovcnt);
    struct qcow2_extent e;
    struct qcow2_op op;
    int r;

    if (!len)
        return 0;
    pthread_mutex_lock(&q->lock);
    r = qcow2_lookup_cached_locked(q, offset, len, &e);
    if (r || e.len != len) {
        pthread_mutex_unlock(&q->lock);
        return -EAGAIN;
    }
    qcow2_op_begin_locked(q, &op);
    pthread_mutex_unlock(&q->lock);
    r = extent_now(q, &e, offset, len, iov, iovcnt);
    pthread_mutex_lock(&q->lock);
    qcow2_op_end_locked(q, &op);
    pthread_mutex_unlock(&q->lock);
    return r;
}

/* Moves *offset to the backing file's next data if that is within len bytes. */
static bool backing_has_data(struct qcow2 *q, uint64_t *offset, uint64_t len)
{
    struct image *backing = q->backing;
    uint64_t at = *offset;

    if (!backing || at >= backing->size)
        return false;
    if (backing->ops->next_data)
        at = backing->ops->next_data(backing, at);
    if (at >= backing->size || at - *offset >= len)
        return false;
    *offset = at;
    return true;
}

uint64_t qcow2_next_data(struct image *image, uint64_t offset)
{
    struct qcow2 *q = (struct qcow2 *)image;

    while (offset < image->size) {
        struct qcow2_extent e;
        int r;
        pthread_mutex_lock(&q->lock);
        r = qcow2_lookup_locked(q, offset, image->size - offset, &e);
        pthread_mutex_unlock(&q->lock);
        if (r || e.type == QCOW2_DATA || e.type == QCOW2_PACKED)
            return offset;
        if (e.type == QCOW2_HOLE && backing_has_data(q, &offset, e.len))
            return offset;
        offset += e.len;
    }
    return image->size;
}
