/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues. Layout (virtio 1.2, 2.7):
 *   descriptor  { le64 addr; le32 len; le16 flags; le16 next; }
 *   available   { le16 flags, idx, ring[size], used_event; }
 *   used        { le16 flags, idx; { le32 id, len; } ring[size]; le16 avail_event; }
 */
#include "machine/virtio/queue.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "machine/mem/mem.h"

enum {
    DESC_F_NEXT = 1,
    DESC_F_WRITE = 2,
    DESC_F_INDIRECT = 4,
    AVAIL_F_NO_INTERRUPT = 1,
    DESC_SIZE = 16,
};

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* A descriptor table: the queue's own, or an indirect one. */
struct table {
    uint64_t pa;
    const uint8_t *host; /* NULL where it does not lie in one piece of RAM */
    uint32_t entries;
};

static int broken(struct virtq *q, const char *why)
{
    q->broken = true;
    q->why = why;
    return -EINVAL;
}

/* Sequentially consistent both: what one side writes must be out before it looks at what the other
 * side wrote, in notifications either way (2.7.7.2, 2.7.10, 2.7.13.4.1). */
static uint16_t load16(const uint8_t *p)
{
    return le16toh(__atomic_load_n((const uint16_t *)p, __ATOMIC_SEQ_CST));
}

static void store16(uint8_t *p, uint16_t value)
{
    __atomic_store_n((uint16_t *)p, htole16(value), __ATOMIC_SEQ_CST);
}

void virtq_reset(struct virtq *q)
{
    struct mem *mem = q->mem;
    unsigned max = q->max;

    memset(q, 0, sizeof(*q));
    q->mem = mem;
    q->max = max;
    q->size = max;
}

static uint64_t avail_bytes(const struct virtq *q)
{
    return 4 + 2ull * q->size + (q->event_idx ? 2 : 0);
}

static uint64_t used_bytes(const struct virtq *q)
{
    return 4 + 8ull * q->size + (q->event_idx ? 2 : 0);
}

int virtq_activate(struct virtq *q, bool event_idx, bool indirect)
{
    if (!q->size || q->size > q->max || (q->size & (q->size - 1)))
        return broken(q, "its size is not a power of two within QueueNumMax");
    if (q->desc % 16 || q->avail % 2 || q->used % 4)
        return broken(q, "one of its areas is misaligned");

    q->event_idx = event_idx;
    q->indirect = indirect;
    q->desc_ring = mem_ptr(q->mem, q->desc, (uint64_t)q->size * DESC_SIZE, false);
    q->avail_ring = mem_ptr(q->mem, q->avail, avail_bytes(q), false);
    q->used_ring = mem_ptr(q->mem, q->used, used_bytes(q), true);
    if (!q->desc_ring || !q->avail_ring || !q->used_ring)
        return broken(q, "one of its areas is not in RAM");

    q->last_avail = q->used_idx = q->signalled = 0;
    q->signalled_valid = false;
    q->taken = 0;
    q->broken = false;
    q->active = true;
    return 0;
}

void virtq_deactivate(struct virtq *q)
{
    q->active = false;
    q->desc_ring = q->avail_ring = q->used_ring = NULL;
}

void virtq_set_legacy(struct virtq *q, uint64_t base, uint32_t align)
{
    q->desc = base;
    q->avail = base + (uint64_t)q->size * DESC_SIZE;
    q->used = align_up(q->avail + 6 + 2ull * q->size, align);
}

static int read_desc(struct virtq *q, const struct table *table, unsigned index, struct desc *desc)
{
    uint8_t raw[DESC_SIZE];

    /* One copy: the driver may change it while it is looked at. */
    if (table->host)
        memcpy(raw, table->host + (size_t)index * DESC_SIZE, DESC_SIZE);
    else if (mem_read(q->mem, table->pa + (uint64_t)index * DESC_SIZE, raw, DESC_SIZE))
        return broken(q, "an indirect table is not in RAM");
    desc->addr = ld_le(raw, 8);
    desc->len = (uint32_t)ld_le(raw + 8, 4);
    desc->flags = (uint16_t)ld_le(raw + 12, 2);
    desc->next = (uint16_t)ld_le(raw + 14, 2);
    return 0;
}

static int add_piece(struct virtq *q, struct virtq_chain *chain, uint64_t pa, void *host,
                     uint64_t len, bool write)
{
    unsigned n = chain->outs + chain->ins;

    if (n == VIRTQ_MAX_SEGS)
        return broken(q, "a chain has too many pieces");
    chain->iov[n] = (struct iovec){host, len};
    chain->pa[n] = pa;
    if (write) {
        chain->ins++;
        chain->in_len += len;
    } else {
        chain->outs++;
        chain->out_len += len;
    }
    return 0;
}

/* Adds a descriptor's memory, cut where RAM slots end. */
static int add_memory(struct virtq *q, struct virtq_chain *chain, const struct desc *desc)
{
    bool write = desc->flags & DESC_F_WRITE;
    uint64_t pa = desc->addr, left = desc->len;

    if (!write && chain->ins)
        return broken(q, "a chain has a part to read behind one to write");
    if (chain->out_len + chain->in_len + left > UINT32_MAX)
        return broken(q, "a chain is longer than 4 GiB");

    while (left) {
        uint64_t len = left;
        void *host = mem_ptr(q->mem, pa, len, write);
        if (!host) {
            const struct mem_slot *slot = mem_find(q->mem, pa);
            if (slot && len > slot->base + slot->size - pa)
                len = slot->base + slot->size - pa;
            host = len < left ? mem_ptr(q->mem, pa, len, write) : NULL;
        }
        if (!host)
            return broken(q, "a descriptor points outside RAM");
        int r = add_piece(q, chain, pa, host, len, write);
        if (r)
            return r;
        pa += len;
        left -= len;
    }
    return 0;
}

/* Steps into an indirect table, which is the last descriptor of a chain (2.7.5.3). */
static int enter_indirect(struct virtq *q, const struct desc *desc, struct table *table)
{
    if (!q->indirect)
        return broken(q, "an indirect descriptor without VIRTIO_F_INDIRECT_DESC");
    if (desc->flags & DESC_F_NEXT)
        return broken(q, "an indirect descriptor with a next one");
    if (!desc->len || desc->len % DESC_SIZE)
        return broken(q, "an indirect table of a bad length");
    table->pa = desc->addr;
    table->entries = desc->len / DESC_SIZE;
    table->host = mem_ptr(q->mem, desc->addr, desc->len, false);
    return 0;
}

static int walk(struct virtq *q, unsigned head, struct virtq_chain *chain)
{
    struct table table = {q->desc, q->desc_ring, q->size};
    unsigned index = head, limit = q->size;
    bool inside = false;

    for (unsigned count = 0; count < limit; count++) {
        struct desc desc;
        int r = read_desc(q, &table, index, &desc);
        if (r)
            return r;
        if (desc.flags & DESC_F_INDIRECT) {
            if (inside)
                return broken(q, "an indirect table inside another");
            r = enter_indirect(q, &desc, &table);
            if (r)
                return r;
            inside = true;
            index = 0;
            count = ~0u;
            limit = table.entries < VIRTQ_MAX_SEGS ? table.entries : VIRTQ_MAX_SEGS;
            continue;
        }
        r = add_memory(q, chain, &desc);
        if (r || !(desc.flags & DESC_F_NEXT))
            return r;
        index = desc.next;
        if (index >= table.entries)
            return broken(q, "a descriptor's next is outside the table");
    }
    return broken(q, "a chain has a loop or is too long");
}

bool virtq_pending(const struct virtq *q)
{
    return q->active && !q->broken && load16(q->avail_ring + 2) != q->last_avail;
}

int virtq_pop(struct virtq *q, struct virtq_chain *chain)
{
    uint16_t ready;
    unsigned head;

    if (!q->active)
        return 0;
    if (q->broken)
        return -EINVAL;

    ready = (uint16_t)(load16(q->avail_ring + 2) - q->last_avail);
    if (!ready)
        return 0;
    /* A driver has at most `size` chains with the device, new ones and those under way. */
    if (ready > q->size || q->taken >= q->size)
        return broken(q, "more chains available than there are descriptors");

    head = load16(q->avail_ring + 4 + 2 * (q->last_avail & (q->size - 1)));
    if (head >= q->size)
        return broken(q, "an available entry is outside the table");

    chain->head = (uint16_t)head;
    chain->outs = chain->ins = 0;
    chain->out_len = chain->in_len = 0;
    int r = walk(q, head, chain);
    if (r)
        return r;
    q->last_avail++;
    q->taken++;
    return 1;
}

void virtq_unpop(struct virtq *q)
{
    q->last_avail--;
    q->taken--;
}

void virtq_fill(struct virtq *q, unsigned n, uint16_t head, uint32_t written)
{
    unsigned slot = (uint16_t)(q->used_idx + n) & (q->size - 1);

    st_le(q->used_ring + 4 + 8 * slot, 4, head);
    st_le(q->used_ring + 8 + 8 * slot, 4, written);
}

void virtq_publish(struct virtq *q, unsigned count)
{
    q->used_idx = (uint16_t)(q->used_idx + count);
    q->taken -= count;
    /* The entries before the index. */
    store16(q->used_ring + 2, q->used_idx);
    mem_written(q->mem, q->used, used_bytes(q));
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
    virtq_fill(q, 0, head, written);
    virtq_publish(q, 1);
}

bool virtq_interrupt_wanted(struct virtq *q)
{
    uint16_t old = q->signalled, now = q->used_idx;
    bool first = !q->signalled_valid;

    if (!q->event_idx)
        return !(load16(q->avail_ring) & AVAIL_F_NO_INTERRUPT);

    q->signalled = now;
    q->signalled_valid = true;
    uint16_t event = load16(q->avail_ring + 4 + 2 * q->size);
    return first || (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

void virtq_enable_notify(struct virtq *q)
{
    if (q->event_idx)
        store16(q->used_ring + 4 + 8 * q->size, q->last_avail);
}

/* Walks the pieces of one part of a chain; copies to or from buf. */
static size_t copy(struct mem *mem, const struct iovec *iov, const uint64_t *pa, unsigned n,
                   uint64_t offset, uint8_t *buf, size_t len, bool write)
{
    size_t done = 0;

    for (unsigned i = 0; i < n && done < len; i++) {
        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        size_t part = iov[i].iov_len - offset;
        uint8_t *host = (uint8_t *)iov[i].iov_base + offset;
        if (part > len - done)
            part = len - done;
        if (write) {
            memcpy(host, buf + done, part);
            mem_written(mem, pa[i] + offset, part);
        } else {
            memcpy(buf + done, host, part);
        }
        done += part;
        offset = 0;
    }
    return done;
}

size_t virtq_read(const struct virtq_chain *chain, uint64_t offset, void *buf, size_t len)
{
    return copy(NULL, chain->iov, chain->pa, chain->outs, offset, buf, len, false);
}

size_t virtq_write(struct mem *mem, const struct virtq_chain *chain, uint64_t offset,
                   const void *buf, size_t len)
{
    /* Only read from when write is set. */
    return copy(mem, chain->iov + chain->outs, chain->pa + chain->outs, chain->ins, offset,
                (uint8_t *)buf, len, true);
}

void virtq_written(struct mem *mem, const struct virtq_chain *chain, uint64_t len)
{
    for (unsigned i = chain->outs; i < chain->outs + chain->ins && len; i++) {
        uint64_t part = chain->iov[i].iov_len < len ? chain->iov[i].iov_len : len;
        mem_written(mem, chain->pa[i], part);
        len -= part;
    }
}
