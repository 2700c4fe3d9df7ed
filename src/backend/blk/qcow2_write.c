/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing. What lies in a cluster of our own is written in place. Anything else gets new clusters:
 * they are filled completely (what the request does not cover is copied), and only then the L2
 * entries point to them; what the entries pointed to before is given back.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"

enum { MAX_GROWTHS = 16 };

/* Where a piece of a request goes. */
struct target {
    uint64_t len;  /* bytes of the request */
    uint64_t host; /* in place: of the first byte; else of the first new cluster */
    bool in_place;
    bool reserved;     /* the cluster was kept for this: nothing is allocated */
    bool fresh;        /* nothing is in the new clusters, not even garbage */
    uint64_t clusters; /* new ones */
    struct qcow2_page *page;
    unsigned index;
};

/* How many clusters from index on, of those that len bytes touch, need new ones. */
static uint64_t count_new(const struct qcow2 *q, const struct target *t, uint64_t touched)
{
    uint64_t n = 0;

    while (n < touched && t->index + n < 1u << qcow2_page_bits(q)) {
        struct qcow2_extent e;
        if (qcow2_decode(q, qcow2_entry(t->page, t->index + (unsigned)n), &e) ||
            (e.type == QCOW2_DATA && e.copied))
            break;
        n++;
    }
    return n;
}

/* Finds clusters for what is at offset; the request's op says so until settle. */
static int reserve(struct qcow2 *q, struct qcow2_op *op, uint64_t offset, uint64_t len,
                   const struct qcow2_extent *e, uint64_t want, struct target *t)
{
    uint64_t skip = offset & (q->cluster_size - 1), cluster;
    int r;

    t->in_place = false;
    t->reserved = e->type == QCOW2_ZEROES && e->copied;
    t->fresh = false;
    if (t->reserved) {
        t->host = e->host;
        t->clusters = 1;
    } else {
        r = qcow2_alloc_locked(q, want, &cluster, &t->clusters, &t->fresh);
        if (r)
            return r;
        t->host = cluster << q->cluster_bits;
    }
    t->len = (t->clusters << q->cluster_bits) - skip;
    if (t->len > len)
        t->len = len;
    op->first = offset >> q->cluster_bits;
    op->end = op->first + t->clusters;
    return 0;
}

/* May release the lock. -E2BIG: the refcount table must grow. */
static int aim(struct qcow2 *q, struct qcow2_op *op, uint64_t offset, uint64_t len,
               struct target *t)
{
    uint64_t first = offset >> q->cluster_bits;
    uint64_t touched = ((offset + len - 1) >> q->cluster_bits) - first + 1, n;
    struct qcow2_extent e;
    int r;

    for (;;) {
        r = qcow2_l2_writable_locked(q, offset, &t->page, &t->index);
        if (r)
            return r;
        r = qcow2_look(q, t->page, offset, len, &e);
        if (r)
            break;
        if (e.type == QCOW2_DATA && e.copied) {
            t->in_place = true;
            t->host = e.host;
            t->len = e.len;
            break;
        }
        n = count_new(q, t, touched);
        if (qcow2_wait_overlap_locked(q, op, first, first + n)) {
            qcow2_page_put_locked(t->page);
            continue;
        }
        r = reserve(q, op, offset, len, &e, n, t);
        if (r)
            break;
        return 0;
    }
    qcow2_page_put_locked(t->page);
    return r;
}

/* Enters the new clusters, or gives them back. */
static void settle(struct qcow2 *q, struct qcow2_op *op, const struct target *t, bool failed)
{
    for (uint64_t i = 0; !failed && i < t->clusters; i++) {
        unsigned index = t->index + (unsigned)i;
        uint64_t old = qcow2_entry(t->page, index);
        qcow2_set_entry_locked(q, t->page, index,
                               (t->host + (i << q->cluster_bits)) | QCOW2_COPIED);
        if (!t->reserved)
            qcow2_drop_entry_locked(q, old);
    }
    if (failed && !t->reserved)
        qcow2_release_locked(q, t->host >> q->cluster_bits, t->clusters);
    op->first = op->end = 0;
    pthread_cond_broadcast(&q->changed);
    qcow2_page_put_locked(t->page);
}

/* Do len bytes at offset read as zeroes without any I/O? */
static int reads_zero(struct qcow2 *q, uint64_t offset, uint64_t len, bool *zero)
{
    struct qcow2_extent e = {0};
    int r;

    *zero = true;
    if (!len)
        return 0;
    pthread_mutex_lock(&q->lock);
    r = qcow2_lookup_locked(q, offset, len, &e);
    pthread_mutex_unlock(&q->lock);
    *zero = e.len == len && (e.type == QCOW2_ZEROES ||
                             (e.type == QCOW2_HOLE && (!q->backing || offset >= q->backing->size)));
    return r;
}

/* One write if the vector has room for it. */
static int write_around(struct qcow2 *q, uint64_t host, struct iovec head, const struct iovec *iov,
                        int iovcnt, struct iovec tail)
{
    struct iovec all[IOV_MAX];
    int n = 0, r;

    if (iovcnt + 2 <= IOV_MAX) {
        if (head.iov_len)
            all[n++] = head;
        memcpy(all + n, iov, (size_t)iovcnt * sizeof(*iov));
        n += iovcnt;
        if (tail.iov_len)
            all[n++] = tail;
        return fd_writev(q->fd, host, all, n);
    }
    r = fd_writev(q->fd, host, &head, 1);
    if (!r)
        r = fd_writev(q->fd, host + head.iov_len, iov, iovcnt);
    if (!r)
        r = fd_writev(q->fd, host + head.iov_len + iov_bytes(iov, iovcnt), &tail, 1);
    return r;
}

/* Fills the new clusters: the data, and in front and behind what was there before. */
static int write_new(struct qcow2 *q, const struct target *t, uint64_t offset,
                     const struct iovec *iov, int iovcnt)
{
    uint64_t skip = offset & (q->cluster_size - 1);
    struct iovec head = {NULL, skip};
    struct iovec tail = {NULL, (t->clusters << q->cluster_bits) - skip - t->len};
    bool zero_head, zero_tail;
    uint8_t *buffer;
    int r = reads_zero(q, offset - skip, skip, &zero_head);

    if (!r)
        r = reads_zero(q, offset + t->len, tail.iov_len, &zero_tail);
    if (r)
        return r;
    if (t->fresh && zero_head && zero_tail)
        return fd_writev(q->fd, t->host + skip, iov, iovcnt);
    buffer = calloc(1, skip + tail.iov_len + 1);
    if (!buffer)
        return -ENOMEM;
    head.iov_base = buffer;
    tail.iov_base = buffer + skip;
    if (!zero_head)
        r = qcow2_read_range(q, offset - skip, &head, 1);
    if (!r && !zero_tail)
        r = qcow2_read_range(q, offset + t->len, &tail, 1);
    if (!r)
        r = write_around(q, t->host, head, iov, iovcnt, tail);
    free(buffer);
    return r;
}

static int write_target(struct qcow2 *q, const struct target *t, uint64_t offset,
                        const struct iovec *iov, int iovcnt)
{
    return t->in_place ? fd_writev(q->fd, t->host, iov, iovcnt)
                       : write_new(q, t, offset, iov, iovcnt);
}

/* Lock held, and released during I/O. */
static int write_all(struct qcow2 *q, struct qcow2_op *op, uint64_t offset, const struct iovec *iov,
                     int iovcnt)
{
    uint64_t len = iov_bytes(iov, iovcnt), done = 0;
    struct iovec part[IOV_MAX];
    unsigned growths = 0;
    int r = 0;

    while (!r && done < len) {
        struct target t;
        r = aim(q, op, offset + done, len - done, &t);
        if (r == -E2BIG && growths++ < MAX_GROWTHS) {
            pthread_mutex_unlock(&q->lock);
            r = qcow2_grow(q);
            pthread_mutex_lock(&q->lock);
            continue;
        }
        if (r)
            break;
        pthread_mutex_unlock(&q->lock);
        if (t.len == len) {
            r = write_target(q, &t, offset, iov, iovcnt);
        } else {
            int parts = iov_slice(iov, iovcnt, done, t.len, part);
            r = write_target(q, &t, offset + done, part, parts);
        }
        pthread_mutex_lock(&q->lock);
        if (!t.in_place)
            settle(q, op, &t, r);
        done += t.len;
    }
    return r == -E2BIG ? -ENOSPC : r;
}

int qcow2_write(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct qcow2 *q = (struct qcow2 *)image;
    struct qcow2_op op;
    bool due;
    int r;

    pthread_mutex_lock(&q->lock);
    qcow2_op_begin_locked(q, &op);
    r = write_all(q, &op, offset, iov, iovcnt);
    qcow2_op_end_locked(q, &op);
    due = qcow2_commit_due_locked(q);
    pthread_mutex_unlock(&q->lock);
    if (due)
        qcow2_commit_in_passing(q);
    return r;
}
