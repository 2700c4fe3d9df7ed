/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new refcount table behind the last cluster, and the blocks that count the new clusters. The
 * header is changed last, in one write: until then nothing refers to what is new, afterwards
 * nothing to what is old.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"

struct plan {
    uint64_t start;       /* cluster; first the blocks, then the table */
    uint64_t first_block; /* of the new ones, an index into the table */
    uint64_t blocks, table_clusters;
    uint64_t slots; /* in the new table, all of it */
};

/* Blocks count themselves and the table, whose length depends on them: it settles soon, because
 * both only grow. */
static int make_plan(const struct qcow2 *q, uint64_t start, bool all, struct plan *p)
{
    uint64_t slots_each = q->cluster_size / 8;

    p->start = start;
    p->first_block = all ? 0 : start >> q->ref_bits;
    p->blocks = 1;
    p->table_clusters = 1;
    for (;;) {
        uint64_t last = (start + p->blocks + p->table_clusters - 1) >> q->ref_bits;
        uint64_t blocks = last + 1 - p->first_block;
        uint64_t slots = last + 1 + last / 2;
        uint64_t tables = (slots + slots_each - 1) / slots_each;
        if (tables << q->cluster_bits > QCOW2_MAX_REF_BYTES)
            return -EFBIG;
        if (blocks <= p->blocks && tables <= p->table_clusters)
            break;
        if (blocks > p->blocks)
            p->blocks = blocks;
        if (tables > p->table_clusters)
            p->table_clusters = tables;
    }
    p->slots = p->table_clusters * slots_each;
    return 0;
}

static int write_at(struct qcow2 *q, uint64_t cluster, uint8_t *bytes, uint64_t clusters)
{
    struct iovec iov = {bytes, clusters << q->cluster_bits};

    return fd_writev(q->fd, cluster << q->cluster_bits, &iov, 1);
}

static int write_blocks(struct qcow2 *q, const struct plan *p, const uint32_t *counts, uint64_t n)
{
    uint64_t new_end = p->start + p->blocks + p->table_clusters;
    uint8_t *block = malloc(q->cluster_size);
    int r = block ? 0 : -ENOMEM;

    for (uint64_t b = 0; !r && b < p->blocks; b++) {
        uint64_t first = (p->first_block + b) << q->ref_bits;
        memset(block, 0, q->cluster_size);
        for (uint64_t i = 0; i < 1ull << q->ref_bits; i++) {
            uint64_t cluster = first + i;
            if (cluster >= p->start && cluster < new_end)
                qcow2_ref_set(block, i, q->refcount_order, 1);
            else if (cluster < n && counts[cluster])
                qcow2_ref_set(block, i, q->refcount_order, counts[cluster]);
        }
        r = write_at(q, p->start + b, block, 1);
    }
    free(block);
    return r;
}

static int sync_file(const struct qcow2 *q)
{
    return fdatasync(q->fd) ? -errno : 0;
}

/* entry: those in front of the first new block are there already. */
static int write_table(struct qcow2 *q, const struct plan *p, uint64_t *entry)
{
    uint8_t *bytes = calloc(p->slots, 8);
    uint64_t table = p->start + p->blocks;
    int r = bytes ? 0 : -ENOMEM;

    for (uint64_t b = 0; b < p->blocks; b++)
        entry[p->first_block + b] = (p->start + b) << q->cluster_bits;
    for (uint64_t i = 0; !r && i < p->slots; i++)
        st_be(bytes + 8 * i, 8, entry[i]);
    if (!r)
        r = write_at(q, table, bytes, p->table_clusters);
    free(bytes);
    if (!r)
        r = sync_file(q);
    if (!r)
        r = qcow2_write_reftable_pointer(q->fd, table << q->cluster_bits,
                                         (uint32_t)p->table_clusters);
    return r ? r : sync_file(q);
}

/* commit_lock and lock held (or nobody else is there yet), nothing dirty in the old table. */
static int replace(struct qcow2 *q, const struct plan *p, const uint32_t *counts, uint64_t n)
{
    uint64_t *entry = calloc(p->slots, sizeof(*entry));
    uint8_t *dirty = calloc(p->slots / 64 + 1, 1);
    uint64_t keep = p->first_block < q->ref.entries ? p->first_block : q->ref.entries;
    int r = entry && dirty ? 0 : -ENOMEM;

    if (!r) {
        memcpy(entry, q->ref.entry, keep * sizeof(*entry));
        qcow2_page_forget_locked(q, p->start << q->cluster_bits, p->blocks << q->cluster_bits);
        r = write_blocks(q, p, counts, n);
    }
    if (!r)
        r = write_table(q, p, entry);
    if (r) {
        free(entry);
        free(dirty);
        return r;
    }
    free(q->ref.entry);
    free(q->ref.dirty);
    q->ref = (struct qcow2_table){.offset = (p->start + p->blocks) << q->cluster_bits,
                                  .entries = (uint32_t)p->slots,
                                  .entry = entry,
                                  .dirty = dirty};
    q->file_end = p->start + p->blocks + p->table_clusters;
    return 0;
}

int qcow2_grow(struct qcow2 *q)
{
    uint32_t entries;
    uint64_t start, old;
    struct plan plan;
    int r;

    pthread_mutex_lock(&q->lock);
    entries = q->ref.entries;
    pthread_mutex_unlock(&q->lock);

    pthread_mutex_lock(&q->commit_lock);
    /* New blocks must be in the file before a table names them. */
    do {
        r = qcow2_commit_inner(q);
        pthread_mutex_lock(&q->lock);
        if (r || !q->ref.any_dirty)
            break;
        pthread_mutex_unlock(&q->lock);
    } while (true);

    if (!r && q->ref.entries == entries && q->free_hint >> q->ref_bits >= entries) {
        start = (uint64_t)entries << q->ref_bits;
        if (start < q->file_end)
            start = align_up(q->file_end, 1ull << q->ref_bits);
        old = q->ref.offset >> q->cluster_bits;
        r = make_plan(q, start, false, &plan);
        if (!r)
            r = replace(q, &plan, NULL, 0);
        if (!r) {
            qcow2_release_locked(q, old, qcow2_clusters(q, 8ull * entries));
            if (q->free_hint > start)
                q->free_hint = start;
        }
    }
    pthread_mutex_unlock(&q->lock);
    pthread_mutex_unlock(&q->commit_lock);
    return r == -EFBIG ? -ENOSPC : r;
}

int qcow2_write_refcounts(struct qcow2 *q, const uint32_t *counts, uint64_t n)
{
    struct plan plan;
    int r = make_plan(q, n, true, &plan);

    return r ? r : replace(q, &plan, counts, n);
}
