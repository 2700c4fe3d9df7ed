/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference counts of host clusters: reading, counting down, and finding free clusters. A refcount
 * block that does not exist stands for clusters that are all free; it is made in the first of them
 * that is wanted, and so counts itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"

enum { MAX_FREES = 1 << 20 };

/* Counts narrower than a byte start at its low bits; wider ones are big-endian. */
uint64_t qcow2_ref_get(const uint8_t *block, uint64_t index, unsigned order)
{
    unsigned per_byte = order < 3 ? 3 - order : 0;

    if (order >= 3)
        return ld_be(block + (index << (order - 3)), 1u << (order - 3));
    return block[index >> per_byte] >> ((index & ones(per_byte)) << order) & ones(1u << order);
}

void qcow2_ref_set(uint8_t *block, uint64_t index, unsigned order, uint64_t value)
{
    unsigned per_byte = order < 3 ? 3 - order : 0, shift;
    uint8_t *byte = block + (index >> per_byte);

    if (order >= 3) {
        st_be(block + (index << (order - 3)), 1u << (order - 3), value);
        return;
    }
    shift = (unsigned)(index & ones(per_byte)) << order;
    *byte = (uint8_t)((*byte & ~(ones(1u << order) << shift)) | value << shift);
}

/* How many counts a page holds, as a logarithm. */
static unsigned page_ref_bits(const struct qcow2 *q)
{
    unsigned page_bits = q->cluster_bits < 12 ? q->cluster_bits : 12;

    return page_bits + 3 - q->refcount_order;
}

/* Pins the page with a cluster's count. NULL with 0: there is no such block, the count is 0. */
static int ref_page(struct qcow2 *q, uint64_t cluster, struct qcow2_page **page)
{
    uint64_t block = cluster >> q->ref_bits, offset;
    uint64_t index = cluster & ones(q->ref_bits);

    *page = NULL;
    if (block >= q->ref.entries || !q->ref.entry[block])
        return 0;
    offset = q->ref.entry[block];
    if (offset & (q->cluster_size - 1) || offset >> 56)
        return -EIO;
    offset += (index >> page_ref_bits(q)) * q->page_size;
    return qcow2_page_get_locked(q, offset, true, page);
}

int qcow2_refcount_locked(struct qcow2 *q, uint64_t cluster, uint64_t *count)
{
    struct qcow2_page *page;
    int r = ref_page(q, cluster, &page);

    *count = 0;
    if (r || !page)
        return r;
    *count = qcow2_ref_get(page->data, cluster & ones(page_ref_bits(q)), q->refcount_order);
    qcow2_page_put_locked(page);
    return 0;
}

/* What no count may talk us into giving away. */
static bool is_fixed(const struct qcow2 *q, uint64_t cluster)
{
    uint64_t l1 = q->l1.offset >> q->cluster_bits, ref = q->ref.offset >> q->cluster_bits;

    return !cluster || (cluster >= l1 && cluster - l1 < qcow2_clusters(q, 8ull * q->l1.entries)) ||
           (cluster >= ref && cluster - ref < qcow2_clusters(q, 8ull * q->ref.entries));
}

/* Makes the block whose range begins the cluster lies in, in that cluster. */
static int make_block(struct qcow2 *q, uint64_t cluster)
{
    uint64_t offset = cluster << q->cluster_bits;
    struct qcow2_page *page;
    uint8_t *zeroes = calloc(1, q->cluster_size);
    struct iovec iov = {zeroes, q->cluster_size};
    int r;

    if (!zeroes)
        return -ENOMEM;
    qcow2_page_forget_locked(q, offset, q->cluster_size);
    r = fd_writev(q->fd, offset, &iov, 1);
    free(zeroes);
    if (r)
        return r;
    if (cluster >= q->file_end)
        q->file_end = cluster + 1;
    qcow2_table_set(&q->ref, (uint32_t)(cluster >> q->ref_bits), offset);
    r = ref_page(q, cluster, &page);
    if (r) {
        qcow2_table_set(&q->ref, (uint32_t)(cluster >> q->ref_bits), 0);
        return r;
    }
    qcow2_ref_set(page->data, cluster & ones(page_ref_bits(q)), q->refcount_order, 1);
    qcow2_page_dirty_locked(q, page, QCOW2_REFCOUNTS);
    qcow2_page_put_locked(page);
    return 0;
}

/* Takes free clusters out of one page of counts, from *cluster on; *got = 0: there are none, and
 * *cluster is the next page's first. */
static void take_run(struct qcow2 *q, struct qcow2_page *page, uint64_t *cluster, uint64_t want,
                     uint64_t *got)
{
    uint64_t at = *cluster, end = (at | ones(page_ref_bits(q))) + 1;
    uint64_t mask = ones(page_ref_bits(q));

    *got = 0;
    while (at < end && (qcow2_ref_get(page->data, at & mask, q->refcount_order) || is_fixed(q, at)))
        at++;
    *cluster = at;
    for (; at < end && *got < want; at++, ++*got) {
        if (qcow2_ref_get(page->data, at & mask, q->refcount_order) || is_fixed(q, at))
            break;
        qcow2_ref_set(page->data, at & mask, q->refcount_order, 1);
    }
    if (*got)
        qcow2_page_dirty_locked(q, page, QCOW2_REFCOUNTS);
}

int qcow2_alloc_locked(struct qcow2 *q, uint64_t want, uint64_t *cluster, uint64_t *got,
                       bool *fresh)
{
    uint64_t at = q->free_hint;

    for (;;) {
        struct qcow2_page *page;
        int r;
        if (at >> q->ref_bits >= q->ref.entries) {
            q->free_hint = at;
            return -E2BIG;
        }
        r = ref_page(q, at, &page);
        if (!r && !page) {
            r = is_fixed(q, at) ? 0 : make_block(q, at);
            at++;
        }
        if (r)
            return r;
        if (!page)
            continue;
        take_run(q, page, &at, want, got);
        qcow2_page_put_locked(page);
        if (*got)
            break;
    }
    *cluster = at;
    *fresh = at >= q->file_end;
    if (at + *got > q->file_end)
        q->file_end = at + *got;
    q->free_hint = at + *got;
    return 0;
}

void qcow2_release_locked(struct qcow2 *q, uint64_t cluster, uint64_t count)
{
    for (; count; cluster++, count--) {
        uint64_t index = cluster & ones(page_ref_bits(q)), refs;
        struct qcow2_page *page;
        /* Where the count cannot be read, the cluster stays taken. */
        if (ref_page(q, cluster, &page) || !page)
            continue;
        refs = qcow2_ref_get(page->data, index, q->refcount_order);
        if (refs) {
            qcow2_ref_set(page->data, index, q->refcount_order, refs - 1);
            qcow2_page_dirty_locked(q, page, QCOW2_REFCOUNTS);
            if (refs == 1 && cluster < q->free_hint)
                q->free_hint = cluster;
        }
        qcow2_page_put_locked(page);
    }
}

void qcow2_free_later_locked(struct qcow2 *q, uint64_t cluster, uint64_t count)
{
    struct qcow2_free *last = q->free_count > q->frees_staged ? &q->frees[q->free_count - 1] : NULL;

    if (last && !last->durable && last->cluster + last->count == cluster) {
        last->count += count;
        last->seq = q->next_seq;
        return;
    }
    if (q->free_count == q->free_room) {
        size_t room = q->free_room ? 2 * q->free_room : 256;
        struct qcow2_free *frees = NULL;
        if (room <= MAX_FREES)
            frees = realloc(q->frees, room * sizeof(*frees));
        if (!frees)
            return; /* they are lost until the image is checked */
        q->frees = frees;
        q->free_room = room;
    }
    q->frees[q->free_count++] =
        (struct qcow2_free){.cluster = cluster, .count = count, .seq = q->next_seq};
}
