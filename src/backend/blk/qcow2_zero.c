/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zeroing and discarding. Whole clusters become entries that read as zeroes (version 3), or, where
 * no backing file would show through, no entries. Version 2 over a backing file has nothing of the
 * kind: there zeroes are written, and a discard does nothing.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"

enum { CHUNK = 1 << 20, MAX_GROWTHS = 16 };

static bool can_map_zeroes(const struct qcow2 *q)
{
    return q->version >= 3 || !q->backing;
}

/* Is there nothing to do for what this extent is part of? */
static bool is_done(const struct qcow2 *q, const struct qcow2_extent *e, bool keep)
{
    return (e->type == QCOW2_HOLE && !q->backing) ||
           (e->type == QCOW2_ZEROES && (!e->host || keep));
}

static void zero_entry(struct qcow2 *q, struct qcow2_page *page, unsigned index, bool keep)
{
    uint64_t old = qcow2_entry(page, index), new = q->version >= 3 ? QCOW2_ZERO : 0;
    struct qcow2_extent e;

    if (!qcow2_decode(q, old, &e)) {
        if (is_done(q, &e, keep))
            return;
        keep = keep && q->version >= 3 && e.copied;
        if (keep)
            new |= e.host | QCOW2_COPIED;
    }
    if (new == old)
        return;
    qcow2_set_entry_locked(q, page, index, new);
    if (!keep)
        qcow2_drop_entry_locked(q, old);
}

/* Zeroes clusters from *at on that one page of entries has; lock held, may be released. */
static int zero_some(struct qcow2 *q, struct qcow2_op *op, uint64_t *at, uint64_t end, bool keep)
{
    uint64_t offset = *at << q->cluster_bits, stop;
    struct qcow2_extent e;
    struct qcow2_page *page;
    unsigned index;
    int r = qcow2_lookup_locked(q, offset, (end - *at) << q->cluster_bits, &e);

    if (!r && is_done(q, &e, keep)) {
        *at += e.len >> q->cluster_bits;
        return 0;
    }
    stop = (*at | ones(qcow2_page_bits(q))) + 1;
    if (stop > end)
        stop = end;
    if (qcow2_wait_overlap_locked(q, op, *at, stop))
        return 0;
    r = qcow2_l2_writable_locked(q, offset, &page, &index);
    if (r)
        return r;
    /* The lock may have been released: somebody may be allocating now. */
    if (!qcow2_wait_overlap_locked(q, op, *at, stop))
        for (; *at < stop; ++*at)
            zero_entry(q, page, index++, keep);
    qcow2_page_put_locked(page);
    return 0;
}

static int zero_clusters(struct qcow2 *q, uint64_t first, uint64_t end, bool keep)
{
    unsigned growths = 0;
    struct qcow2_op op;
    bool due;
    int r = 0;

    pthread_mutex_lock(&q->lock);
    qcow2_op_begin_locked(q, &op);
    while (!r && first < end) {
        r = zero_some(q, &op, &first, end, keep);
        if (r == -E2BIG && growths++ < MAX_GROWTHS) {
            pthread_mutex_unlock(&q->lock);
            r = qcow2_grow(q);
            pthread_mutex_lock(&q->lock);
        }
    }
    qcow2_op_end_locked(q, &op);
    due = qcow2_commit_due_locked(q);
    pthread_mutex_unlock(&q->lock);
    if (due)
        qcow2_commit_in_passing(q);
    return r == -E2BIG ? -ENOSPC : r;
}

static int write_zeroes(struct qcow2 *q, uint64_t offset, uint64_t len)
{
    void *zeroes = len ? calloc(1, CHUNK) : NULL;
    int r = zeroes || !len ? 0 : -ENOMEM;

    while (!r && len) {
        struct iovec iov = {zeroes, len < CHUNK ? len : CHUNK};
        r = qcow2_write(&q->image, offset, &iov, 1);
        offset += iov.iov_len;
        len -= iov.iov_len;
    }
    free(zeroes);
    return r;
}

/* Less than a cluster: nothing to do where there are zeroes already. */
static int zero_part(struct qcow2 *q, uint64_t offset, uint64_t len)
{
    struct qcow2_extent e;
    bool zero;
    int r;

    if (!len)
        return 0;
    pthread_mutex_lock(&q->lock);
    r = qcow2_lookup_locked(q, offset, len, &e);
    pthread_mutex_unlock(&q->lock);
    if (r)
        return r;
    zero = e.type == QCOW2_ZEROES || (e.type == QCOW2_HOLE && !q->backing);
    return zero && e.len == len ? 0 : write_zeroes(q, offset, len);
}

/* The clusters that lie in the range as a whole; the last one of the disk may be short. */
static void whole_clusters(const struct qcow2 *q, uint64_t offset, uint64_t len, uint64_t *first,
                           uint64_t *end)
{
    *first = qcow2_clusters(q, offset);
    *end = offset + len == q->image.size ? qcow2_clusters(q, q->image.size)
                                         : (offset + len) >> q->cluster_bits;
}

int qcow2_zero(struct image *image, uint64_t offset, uint64_t len, bool unmap)
{
    struct qcow2 *q = (struct qcow2 *)image;
    uint64_t first, end, first_byte, end_byte;
    int r;

    if (!len)
        return 0;
    whole_clusters(q, offset, len, &first, &end);
    if (first >= end)
        return zero_part(q, offset, len);
    if (!can_map_zeroes(q))
        return write_zeroes(q, offset, len);
    first_byte = first << q->cluster_bits;
    end_byte = end << q->cluster_bits;
    r = zero_part(q, offset, first_byte - offset);
    if (!r)
        r = zero_clusters(q, first, end, !unmap);
    if (!r && end_byte < offset + len)
        r = zero_part(q, end_byte, offset + len - end_byte);
    return r;
}

int qcow2_discard(struct image *image, uint64_t offset, uint64_t len)
{
    struct qcow2 *q = (struct qcow2 *)image;
    uint64_t first, end;

    if (!len || !can_map_zeroes(q))
        return 0;
    whole_clusters(q, offset, len, &first, &end);
    return first < end ? zero_clusters(q, first, end, false) : 0;
}
