/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images whose "dirty" bit is set: a program that updates counts lazily did not end well. All
 * tables are walked, the active ones and those of snapshots, and the counts and COPIED flags are
 * made what they should be. Until the header points to the new counts the bit stays set, so that an
 * interrupted repair is begun again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"
#include "base/error.h"

enum {
    MAX_TABLES = 1 << 22, /* L2 tables looked at */
    SNAPSHOT_HEADER = 40,
};
#define MAX_CLUSTERS (1ull << 28)

struct repair {
    struct qcow2 *q;
    uint32_t *counts;
    uint64_t n;      /* clusters of the file */
    uint64_t used;   /* behind the last one in use */
    uint64_t tables; /* looked at so far */
    uint8_t *seen;   /* a bit a cluster: this L1's table */
    uint64_t *table; /* an L2 table */
};

static int count(struct repair *p, uint64_t offset, uint64_t bytes)
{
    uint64_t first = offset >> p->q->cluster_bits;
    uint64_t last = (offset + (bytes ? bytes - 1 : 0)) >> p->q->cluster_bits;
    uint64_t most = ones(1u << p->q->refcount_order);

    if (last >= p->n)
        return -EINVAL;
    for (; first <= last; first++) {
        if (p->counts[first] >= most || p->counts[first] == UINT32_MAX)
            return -EINVAL;
        p->counts[first]++;
    }
    if (last >= p->used)
        p->used = last + 1;
    return 0;
}

static int transfer(struct repair *p, uint64_t offset, void *bytes, uint64_t len, bool write)
{
    struct iovec iov = {bytes, len};

    return write ? fd_writev(p->q->fd, offset, &iov, 1) : fd_readv(p->q->fd, offset, &iov, 1);
}

static int count_entries(struct repair *p)
{
    int r = 0;

    for (uint64_t i = 0; !r && i < 1ull << p->q->l2_bits; i++) {
        struct qcow2_extent e;
        r = qcow2_decode(p->q, be64toh(p->table[i]), &e);
        if (!r && e.host)
            r = count(p, e.host, e.type == QCOW2_PACKED ? e.packed_len : p->q->cluster_size);
    }
    return r;
}

/* What an L1 table refers to. An L2 table that is there twice is a damage that counts cannot mend.
 */
static int count_l1(struct repair *p, const uint64_t *l1, uint32_t entries)
{
    int r = 0;

    memset(p->seen, 0, p->n / 8 + 1);
    for (uint32_t i = 0; !r && i < entries; i++) {
        uint64_t offset = l1[i] & QCOW2_OFFSET, cluster = offset >> p->q->cluster_bits;
        if (!offset)
            continue;
        if (offset & (p->q->cluster_size - 1) || cluster >= p->n ||
            (p->seen[cluster / 8] & 1 << cluster % 8) || p->tables++ == MAX_TABLES)
            return -EINVAL;
        p->seen[cluster / 8] |= (uint8_t)(1 << cluster % 8);
        r = count(p, offset, p->q->cluster_size);
        if (!r)
            r = transfer(p, offset, p->table, p->q->cluster_size, false);
        if (!r)
            r = count_entries(p);
    }
    return r;
}

static int count_snapshot(struct repair *p, const uint8_t *header)
{
    uint64_t offset = ld_be(header, 8);
    uint32_t entries = (uint32_t)ld_be(header + 8, 4);
    struct qcow2_table l1 = {0};
    int r;

    if (offset & (p->q->cluster_size - 1) || offset >> 56 || entries > QCOW2_MAX_L1_BYTES / 8)
        return -EINVAL;
    if (!entries)
        return 0;
    r = count(p, offset, 8ull * entries);
    if (!r)
        r = qcow2_table_load(p->q->fd, &l1, offset, entries);
    if (!r)
        r = count_l1(p, l1.entry, entries);
    free(l1.entry);
    free(l1.dirty);
    return r;
}

/* Entries { header; extra data, id, name }, padded to 8. */
static int count_snapshots(struct repair *p)
{
    uint64_t at = p->q->snapshots_offset;
    int r = 0;

    for (uint32_t i = 0; !r && i < p->q->snapshots; i++) {
        uint8_t header[SNAPSHOT_HEADER];
        r = transfer(p, at, header, sizeof(header), false);
        if (!r)
            r = count_snapshot(p, header);
        at += align_up(SNAPSHOT_HEADER + ld_be(header + 36, 4) + ld_be(header + 12, 2) +
                           ld_be(header + 14, 2),
                       8);
        if (at >> 56)
            return -EINVAL;
    }
    if (!r && p->q->snapshots)
        r = count(p, p->q->snapshots_offset, at - p->q->snapshots_offset);
    return r;
}

/* Our own tables: COPIED where the count is one, and only there. */
static int mend_l2(struct repair *p, uint64_t offset)
{
    bool changed = false;
    int r = transfer(p, offset, p->table, p->q->cluster_size, false);

    for (uint64_t i = 0; !r && i < 1ull << p->q->l2_bits; i++) {
        uint64_t entry = be64toh(p->table[i]), flag;
        struct qcow2_extent e;
        if (qcow2_decode(p->q, entry, &e) || e.type == QCOW2_PACKED || !e.host)
            continue;
        flag = p->counts[e.host >> p->q->cluster_bits] == 1 ? QCOW2_COPIED : 0;
        if ((entry & QCOW2_COPIED) == flag)
            continue;
        p->table[i] = htobe64((entry & ~QCOW2_COPIED) | flag);
        changed = true;
    }
    return r || !changed ? r : transfer(p, offset, p->table, p->q->cluster_size, true);
}

static int mend_flags(struct repair *p)
{
    struct qcow2_table *l1 = &p->q->l1;
    int r = 0;

    for (uint32_t i = 0; !r && i < l1->entries; i++) {
        uint64_t entry = l1->entry[i], offset = entry & QCOW2_OFFSET, flag;
        if (!offset)
            continue;
        flag = p->counts[offset >> p->q->cluster_bits] == 1 ? QCOW2_COPIED : 0;
        if ((entry & QCOW2_COPIED) != flag)
            qcow2_table_set(l1, i, (entry & ~QCOW2_COPIED) | flag);
        /* A table shared with a snapshot has the snapshot's flags, which nobody reads. */
        if (flag)
            r = mend_l2(p, offset);
    }
    return r;
}

static int count_all(struct repair *p)
{
    struct qcow2 *q = p->q;
    int r = count(p, 0, 1);

    if (!r)
        r = count(p, q->l1.offset, 8ull * q->l1.entries);
    if (!r)
        r = count_l1(p, q->l1.entry, q->l1.entries);
    return r ? r : count_snapshots(p);
}

int qcow2_repair(struct qcow2 *q, struct error *err)
{
    struct repair p = {.q = q, .n = q->file_end};
    int r = p.n > MAX_CLUSTERS ? -EFBIG : 0;

    if (!r) {
        /* Tables may end behind the file's end, as a last cluster does. */
        p.counts = calloc(p.n, sizeof(*p.counts));
        p.seen = malloc(p.n / 8 + 1);
        p.table = malloc(q->cluster_size);
        r = p.counts && p.seen && p.table ? count_all(&p) : -ENOMEM;
    }
    if (!r)
        r = mend_flags(&p);
    if (!r)
        r = qcow2_write_refcounts(q, p.counts, p.used);
    if (!r)
        r = qcow2_commit(q);
    free(p.counts);
    free(p.seen);
    free(p.table);
    if (!r)
        return 0;
    return error_set(err, r,
                     "%s: was not closed properly, and its reference counts cannot be put right "
                     "here (%s); repair it: qemu-img check -r all %s",
                     q->path, r == -EINVAL ? "its tables are damaged" : strerror(-r), q->path);
}
