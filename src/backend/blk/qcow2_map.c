/* SPDX-License-Identifier: Apache-2.0 */
/* From the guest's clusters to the host's: L1 and L2 tables. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"

static int decode_packed(const struct qcow2 *q, uint64_t entry, struct qcow2_extent *e)
{
    unsigned offset_bits = 62 - (q->cluster_bits - 8);

    e->type = QCOW2_PACKED;
    e->host = entry & ones(offset_bits);
    e->packed_len = (bits(entry, 61, offset_bits) + 1) * 512 - e->host % 512;
    return e->host >> 56 ? -EIO : 0;
}

int qcow2_decode(const struct qcow2 *q, uint64_t entry, struct qcow2_extent *e)
{
    *e = (struct qcow2_extent){.type = QCOW2_HOLE};
    if (entry & QCOW2_COMPRESSED)
        return decode_packed(q, entry, e);
    e->host = entry & QCOW2_OFFSET;
    if (e->host & (q->cluster_size - 1))
        return -EIO;
    e->copied = e->host && entry & QCOW2_COPIED;
    if (q->version >= 3 && entry & QCOW2_ZERO)
        e->type = QCOW2_ZEROES;
    else if (e->host)
        e->type = QCOW2_DATA;
    return 0;
}

/* The place of the page with an entry in the L2 table that an L1 entry names; -EIO if it cannot be
 * there, 0 in *at for no table. */
static int page_place(const struct qcow2 *q, uint64_t l1, uint64_t cluster, uint64_t *at)
{
    uint64_t table = l1 & QCOW2_OFFSET, index = cluster & ones(q->l2_bits);

    *at = 0;
    if (!table)
        return 0;
    if (table & (q->cluster_size - 1))
        return -EIO;
    *at = table + (index >> qcow2_page_bits(q)) * q->page_size;
    return 0;
}

/* How far the extent reaches over the entries that follow in its page. */
static void extend(const struct qcow2 *q, const struct qcow2_page *page, unsigned index,
                   uint64_t len, struct qcow2_extent *e)
{
    uint64_t host = e->host;

    while (e->len < len && ++index < 1u << qcow2_page_bits(q)) {
        struct qcow2_extent next;
        host += q->cluster_size;
        if (qcow2_decode(q, qcow2_entry(page, index), &next) || next.type != e->type ||
            next.copied != e->copied || (e->type == QCOW2_DATA && next.host != host))
            break;
        e->len += q->cluster_size;
    }
}

int qcow2_look(const struct qcow2 *q, const struct qcow2_page *page, uint64_t offset, uint64_t len,
               struct qcow2_extent *e)
{
    unsigned index = (unsigned)(offset >> q->cluster_bits & ones(qcow2_page_bits(q)));
    uint64_t skip = offset & (q->cluster_size - 1);
    int r = qcow2_decode(q, qcow2_entry(page, index), e);

    if (r)
        return r;
    e->len = q->cluster_size - skip;
    if (e->type != QCOW2_PACKED && (e->type != QCOW2_ZEROES || !e->host))
        extend(q, page, index, len, e);
    if (e->type == QCOW2_DATA)
        e->host += skip;
    if (e->len > len)
        e->len = len;
    return 0;
}

static void hole(const struct qcow2 *q, uint64_t offset, uint64_t len, struct qcow2_extent *e)
{
    uint64_t covers = q->cluster_size << q->l2_bits;

    *e = (struct qcow2_extent){.type = QCOW2_HOLE, .len = covers - (offset & (covers - 1))};
    if (e->len > len)
        e->len = len;
}

int qcow2_lookup_locked(struct qcow2 *q, uint64_t offset, uint64_t len, struct qcow2_extent *e)
{
    uint64_t cluster = offset >> q->cluster_bits, at;
    struct qcow2_page *page;
    int r = page_place(q, q->l1.entry[cluster >> q->l2_bits], cluster, &at);

    if (r)
        return r;
    if (!at) {
        hole(q, offset, len, e);
        return 0;
    }
    r = qcow2_page_get_locked(q, at, false, &page);
    if (r)
        return r;
    r = qcow2_look(q, page, offset, len, e);
    qcow2_page_put_locked(page);
    return r;
}

int qcow2_lookup_cached_locked(struct qcow2 *q, uint64_t offset, uint64_t len,
                               struct qcow2_extent *e)
{
    uint64_t cluster = offset >> q->cluster_bits, at;
    const struct qcow2_page *page;
    int r = page_place(q, q->l1.entry[cluster >> q->l2_bits], cluster, &at);

    if (r)
        return r;
    if (!at) {
        hole(q, offset, len, e);
        return 0;
    }
    page = qcow2_page_find_locked(q, at);
    return page ? qcow2_look(q, page, offset, len, e) : -EAGAIN;
}

/* Writes a new L2 table into a cluster: a copy of another, or empty. */
static int fill_table(struct qcow2 *q, uint64_t to, uint64_t from)
{
    uint8_t *bytes = calloc(1, q->cluster_size);
    struct iovec iov = {bytes, q->cluster_size};
    int r = bytes ? 0 : -ENOMEM;

    if (!r && from)
        r = fd_readv(q->fd, from, &iov, 1);
    qcow2_page_forget_locked(q, to, q->cluster_size);
    if (!r)
        r = fd_writev(q->fd, to, &iov, 1);
    free(bytes);
    return r;
}

/* Makes the L2 table of L1 entry i one of our own. Tables shared with a snapshot are never changed,
 * so the file's copy is the current one. */
static int own_table(struct qcow2 *q, uint32_t i)
{
    uint64_t old = q->l1.entry[i] & QCOW2_OFFSET, cluster, got;
    bool fresh;
    int r = qcow2_alloc_locked(q, 1, &cluster, &got, &fresh);

    if (r)
        return r;
    r = fill_table(q, cluster << q->cluster_bits, old);
    if (r) {
        qcow2_release_locked(q, cluster, 1);
        return r;
    }
    qcow2_table_set(&q->l1, i, cluster << q->cluster_bits | QCOW2_COPIED);
    if (old)
        qcow2_free_later_locked(q, old >> q->cluster_bits, 1);
    return 0;
}

int qcow2_l2_writable_locked(struct qcow2 *q, uint64_t offset, struct qcow2_page **page,
                             unsigned *index)
{
    uint64_t cluster = offset >> q->cluster_bits, at;
    uint32_t i = (uint32_t)(cluster >> q->l2_bits);
    int r;

    for (;;) {
        uint64_t l1 = q->l1.entry[i];
        r = page_place(q, l1, cluster, &at);
        if (!r && (!at || !(l1 & QCOW2_COPIED))) {
            r = own_table(q, i);
            if (!r)
                continue;
        }
        if (!r)
            r = qcow2_page_get_locked(q, at, false, page);
        if (r)
            return r;
        if (q->l1.entry[i] == l1)
            break;
        qcow2_page_put_locked(*page); /* somebody else copied the table meanwhile */
    }
    *index = (unsigned)(cluster & ones(qcow2_page_bits(q)));
    return 0;
}

void qcow2_set_entry_locked(struct qcow2 *q, struct qcow2_page *page, unsigned index,
                            uint64_t entry)
{
    st_be(page->data + 8 * (size_t)index, 8, entry);
    qcow2_page_dirty_locked(q, page, QCOW2_L2);
}

void qcow2_drop_entry_locked(struct qcow2 *q, uint64_t entry)
{
    struct qcow2_extent e;
    uint64_t first, last;

    if (qcow2_decode(q, entry, &e) || !e.host)
        return;
    first = last = e.host >> q->cluster_bits;
    if (e.type == QCOW2_PACKED)
        last = (e.host + e.packed_len - 1) >> q->cluster_bits;
    qcow2_free_later_locked(q, first, last - first + 1);
}

bool qcow2_wait_overlap_locked(struct qcow2 *q, const struct qcow2_op *op, uint64_t first,
                               uint64_t end)
{
    for (const struct qcow2_op *other = q->oldest; other; other = other->next)
        if (other != op && other->first < end && first < other->end) {
            pthread_cond_wait(&q->changed, &q->lock);
            return true;
        }
    return false;
}
