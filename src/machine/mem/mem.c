/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's physical address space. Slots live in one array sorted by base address that does not
 * change while PEs run, so that look-ups are a lock-free binary search. */
#include "machine/mem/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "host/ram.h"

enum { MEM_SLOTS = 128, MEM_PAGE = 4096 };

/* Physical addresses have 48 bits (ID_AA64MMFR0_EL1.PARange's largest without LPA). */
#define MEM_LIMIT (1ull << 48)

struct mem {
    uint64_t base[MEM_SLOTS]; /* of slot[], apart: a search touches few cache lines */
    unsigned count;
    struct mem_slot slot[MEM_SLOTS];
    void (*written)(void *ctx, uint64_t pa, uint64_t len);
    void *written_ctx;
    void (*switched)(void *ctx, uint64_t pa, uint64_t len);
    void *switched_ctx;
    uint64_t ram_total;
};

int mem_create(struct mem **out, struct error *err)
{
    struct mem *mem = calloc(1, sizeof(*mem));
    if (!mem)
        return error_set(err, -ENOMEM, "out of memory");
    *out = mem;
    return 0;
}

void mem_destroy(struct mem *mem)
{
    if (!mem)
        return;
    for (unsigned i = 0; i < mem->count; i++) {
        free(mem->slot[i].rom);
        if (mem->slot[i].host && !mem->slot[i].borrowed)
            host_ram_unmap(mem->slot[i].host, mem->slot[i].size);
    }
    free(mem);
}

/* Where a new slot goes, or a negative error. */
static int place(const struct mem *mem, const struct mem_slot *new, struct error *err)
{
    if (!new->size)
        return error_set(err, -EINVAL, "%s at 0x%" PRIx64 " has size 0", new->name, new->base);
    if (new->base >= MEM_LIMIT || new->size > MEM_LIMIT - new->base)
        return error_set(err, -EINVAL,
                         "%s at 0x%" PRIx64 " with 0x%" PRIx64
                         " bytes goes beyond the 48-bit physical address space",
                         new->name, new->base, new->size);
    if (mem->count == MEM_SLOTS)
        return error_set(err, -ENOSPC, "%s: the memory map holds no more than %d entries",
                         new->name, MEM_SLOTS);
    unsigned at = 0;
    while (at < mem->count && mem->slot[at].base < new->base)
        at++;
    const struct mem_slot *other = NULL;
    if (at < mem->count && mem->slot[at].base - new->base < new->size)
        other = &mem->slot[at];
    if (at > 0 && new->base - mem->slot[at - 1].base < mem->slot[at - 1].size)
        other = &mem->slot[at - 1];
    if (other)
        return error_set(err, -EEXIST,
                         "%s at 0x%" PRIx64 " (0x%" PRIx64 " bytes) overlaps %s at 0x%" PRIx64,
                         new->name, new->base, new->size, other->name, other->base);
    return (int)at;
}

static void insert(struct mem *mem, unsigned at, const struct mem_slot *new)
{
    memmove(&mem->slot[at + 1], &mem->slot[at], (mem->count - at) * sizeof(mem->slot[0]));
    memmove(&mem->base[at + 1], &mem->base[at], (mem->count - at) * sizeof(mem->base[0]));
    mem->slot[at] = *new;
    mem->base[at] = new->base;
    mem->count++;
}

/* What the host cannot give would only show as a killed process, minutes later. */
static int check_host_memory(const struct mem *mem, uint64_t size, struct error *err)
{
    uint64_t total, available, want = mem->ram_total + size;
    host_ram_sizes(&total, &available);
    if (want > total)
        return error_set(err, -ENOMEM,
                         "%" PRIu64 " MiB of guest memory is more than this host has (%" PRIu64
                         " MiB, of which %" PRIu64 " MiB are free); ask for less with --memory",
                         want >> 20, total >> 20, (available < total ? available : total) >> 20);
    return 0;
}

int mem_add_ram(struct mem *mem, uint64_t base, uint64_t size, const char *name, struct error *err)
{
    struct mem_slot slot = {.base = base, .size = size, .name = name};
    if (!size)
        return error_set(err, -EINVAL, "guest memory must be larger than 0");
    if (base % MEM_PAGE || size % MEM_PAGE)
        return error_set(err, -EINVAL,
                         "guest memory of 0x%" PRIx64 " bytes at 0x%" PRIx64
                         " is not a whole number of 4 KiB pages",
                         size, base);
    int at = place(mem, &slot, err);
    if (at < 0)
        return at;
    int rc = check_host_memory(mem, size, err);
    if (rc)
        return rc;
    slot.host = host_ram_map(size);
    if (!slot.host)
        return error_set(err, -ENOMEM, "the host has no room for %" PRIu64 " MiB of guest memory",
                         size >> 20);
    insert(mem, (unsigned)at, &slot);
    mem->ram_total += size;
    return 0;
}

int mem_add_io(struct mem *mem, uint64_t base, uint64_t size, const struct mem_io_ops *ops,
               void *dev, const char *name, struct error *err)
{
    struct mem_slot slot = {.base = base, .size = size, .ops = ops, .dev = dev, .name = name};
    int at = place(mem, &slot, err);
    if (at < 0)
        return at;
    insert(mem, (unsigned)at, &slot);
    return 0;
}

int mem_add_rom_device(struct mem *mem, uint64_t base, uint64_t size, uint8_t *host,
                       const struct mem_io_ops *ops, void *dev, const char *name, struct error *err)
{
    struct mem_slot slot = {
        .base = base,
        .size = size,
        .host = host,
        .readonly = true,
        .borrowed = true,
        .ops = ops,
        .dev = dev,
        .name = name,
    };
    if (base % MEM_PAGE || size % MEM_PAGE)
        return error_set(err, -EINVAL, "%s at 0x%" PRIx64 " is not a whole number of 4 KiB pages",
                         name, base);
    int at = place(mem, &slot, err);
    if (at < 0)
        return at;
    slot.rom = calloc(1, sizeof(*slot.rom));
    if (!slot.rom)
        return error_set(err, -ENOMEM, "out of memory");
    atomic_store(&slot.rom->direct, true);
    insert(mem, (unsigned)at, &slot);
    return 0;
}

void mem_rom_direct(struct mem *mem, uint64_t base, bool direct)
{
    const struct mem_slot *slot = mem_find(mem, base);
    if (!slot || !slot->rom)
        return;
    if (atomic_exchange(&slot->rom->direct, direct) == direct || direct)
        return;
    if (atomic_exchange(&slot->rom->cached, false) && mem->switched)
        mem->switched(mem->switched_ctx, slot->base, slot->size);
}

const struct mem_slot *mem_find(const struct mem *mem, uint64_t pa)
{
    /* The last slot whose base is not above pa: halving without unpredictable branches. */
    const uint64_t *base = mem->base;
    unsigned n = mem->count;
    if (!n)
        return NULL;
    while (n > 1) {
        unsigned half = n / 2;
        base = base[half] <= pa ? base + half : base;
        n -= half;
    }
    const struct mem_slot *slot = &mem->slot[base - mem->base];
    return pa - slot->base < slot->size ? slot : NULL;
}

const struct mem_slot *mem_at(const struct mem *mem, unsigned index)
{
    return index < mem->count ? &mem->slot[index] : NULL;
}

void *mem_ptr(const struct mem *mem, uint64_t pa, uint64_t len, bool write)
{
    const struct mem_slot *slot = mem_find(mem, pa);
    if (!slot || !slot->host || (write && slot->readonly))
        return NULL;
    uint64_t offset = pa - slot->base;
    return len <= slot->size - offset ? slot->host + offset : NULL;
}

/* A range that spans adjacent slots is served piece by piece, after all of it was checked. */
static bool all_ram(const struct mem *mem, uint64_t pa, uint64_t len, bool write)
{
    if (len > UINT64_MAX - pa)
        return false;
    while (len) {
        const struct mem_slot *slot = mem_find(mem, pa);
        if (!slot || !slot->host || (write && slot->readonly))
            return false;
        uint64_t piece = slot->size - (pa - slot->base);
        if (piece >= len)
            return true;
        pa += piece;
        len -= piece;
    }
    return true;
}

int mem_read(const struct mem *mem, uint64_t pa, void *buf, uint64_t len)
{
    const void *whole = mem_ptr(mem, pa, len, false);
    if (whole) {
        memcpy(buf, whole, len);
        return 0;
    }
    if (!all_ram(mem, pa, len, false))
        return -EFAULT;
    for (uint8_t *to = buf; len;) {
        const struct mem_slot *slot = mem_find(mem, pa);
        uint64_t room = slot->size - (pa - slot->base), piece = len < room ? len : room;
        memcpy(to, slot->host + (pa - slot->base), piece);
        to += piece;
        pa += piece;
        len -= piece;
    }
    return 0;
}

int mem_write(struct mem *mem, uint64_t pa, const void *buf, uint64_t len)
{
    if (!all_ram(mem, pa, len, true))
        return -EFAULT;
    uint64_t at = pa, left = len;
    for (const uint8_t *from = buf; left;) {
        const struct mem_slot *slot = mem_find(mem, at);
        uint64_t room = slot->size - (at - slot->base), piece = left < room ? left : room;
        memcpy(slot->host + (at - slot->base), from, piece);
        from += piece;
        at += piece;
        left -= piece;
    }
    if (len)
        mem_written(mem, pa, len);
    return 0;
}

static const struct mem_slot *find_io(const struct mem *mem, uint64_t pa, unsigned size)
{
    if (size == 0 || size > 8 || (size & (size - 1)) || (pa & (size - 1)))
        return NULL;
    const struct mem_slot *slot = mem_find(mem, pa);
    if (!slot || !slot->ops || size > slot->size - (pa - slot->base))
        return NULL;
    return slot;
}

/* Firmware may reach a ROM device through Normal memory, where unaligned accesses are allowed: they
 * are made of bytes. */
static bool in_bytes(const struct mem *mem, uint64_t pa, unsigned size)
{
    const struct mem_slot *slot = pa & (size - 1) ? mem_find(mem, pa) : NULL;
    return slot && slot->rom && size <= 8 && size <= slot->size - (pa - slot->base);
}

int mem_io_read(const struct mem *mem, uint64_t pa, unsigned size, uint64_t *value)
{
    *value = 0;
    if (in_bytes(mem, pa, size)) {
        for (unsigned i = 0; i < size; i++) {
            uint64_t byte;
            int rc = mem_io_read(mem, pa + i, 1, &byte);
            if (rc)
                return rc;
            *value |= byte << (8 * i);
        }
        return 0;
    }
    const struct mem_slot *slot = find_io(mem, pa, size);
    if (!slot || !slot->ops->read)
        return -EFAULT;
    int rc = slot->ops->read(slot->dev, pa - slot->base, size, value);
    *value &= ones(8 * size);
    return rc;
}

int mem_io_write(struct mem *mem, uint64_t pa, unsigned size, uint64_t value)
{
    int rc = 0;
    if (in_bytes(mem, pa, size)) {
        for (unsigned i = 0; i < size && !rc; i++)
            rc = mem_io_write(mem, pa + i, 1, value >> (8 * i));
        return rc;
    }
    const struct mem_slot *slot = find_io(mem, pa, size);
    if (!slot || !slot->ops->write)
        return -EFAULT;
    return slot->ops->write(slot->dev, pa - slot->base, size, value & ones(8 * size));
}

void mem_set_observer(struct mem *mem, void (*written)(void *ctx, uint64_t pa, uint64_t len),
                      void *ctx)
{
    mem->written = written;
    mem->written_ctx = ctx;
}

void mem_set_switch_observer(struct mem *mem,
                             void (*switched)(void *ctx, uint64_t pa, uint64_t len), void *ctx)
{
    mem->switched = switched;
    mem->switched_ctx = ctx;
}

void mem_written(struct mem *mem, uint64_t pa, uint64_t len)
{
    if (mem->written)
        mem->written(mem->written_ctx, pa, len);
}

void mem_clear(struct mem *mem)
{
    for (unsigned i = 0; i < mem->count; i++) {
        struct mem_slot *slot = &mem->slot[i];
        if (!slot->host || slot->readonly)
            continue;
        host_ram_clear(slot->host, slot->size);
        mem_written(mem, slot->base, slot->size);
    }
}
