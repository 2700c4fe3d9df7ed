/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's physical address space: RAM, ROM and device windows. The only way to guest memory.
 * The map is built before PEs run and is immutable while they do; look-ups take no lock.
 */
#ifndef ARMVM_MACHINE_MEM_MEM_H
#define ARMVM_MACHINE_MEM_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct mem;

/* A device window. size is 1, 2, 4 or 8; the access lies inside the window and is aligned. Values
 * are little-endian numbers. 0, or negative: the guest gets a synchronous external abort. Called
 * on vCPU threads with no lock held. */
struct mem_io_ops {
    int (*read)(void *dev, uint64_t offset, unsigned size, uint64_t *value);
    int (*write)(void *dev, uint64_t offset, unsigned size, uint64_t value);
};

/* What changes about a ROM device while PEs run. */
struct mem_rom {
    _Atomic bool direct; /* reads come from host memory, else from the device */
    _Atomic bool cached; /* a TLB may hold reads from host memory: see mem_rom_cache */
};

struct mem_slot {
    uint64_t base, size;
    uint8_t *host;       /* RAM and ROM; NULL for a device window */
    bool readonly;       /* guest writes go to ops */
    bool borrowed;       /* host is somebody else's */
    struct mem_rom *rom; /* ROM device, else NULL */
    const struct mem_io_ops *ops;
    void *dev;
    const char *name;
};

int mem_create(struct mem **mem, struct error *err);
void mem_destroy(struct mem *mem);

/* Adds page-aligned, zeroed RAM (lazily backed by the host; a size beyond what the host can give
 * is refused with one line). Overlaps are refused. */
int mem_add_ram(struct mem *mem, uint64_t base, uint64_t size, const char *name, struct error *err);
int mem_add_io(struct mem *mem, uint64_t base, uint64_t size, const struct mem_io_ops *ops, void *dev,
               const char *name, struct error *err);

/*
 * A ROM device, such as flash: host (page-aligned, size bytes, the caller's; it outlives mem) is
 * what instruction fetches, table walks and DMA read at all times, and what loads read in direct
 * mode, which is how it starts. Stores go to ops->write, and so do loads to ops->read in the other
 * mode. Who changes the bytes calls mem_written.
 */
int mem_add_rom_device(struct mem *mem, uint64_t base, uint64_t size, uint8_t *host,
                       const struct mem_io_ops *ops, void *dev, const char *name,
                       struct error *err);

/* Switches the mode of the ROM device at base. Its callers take turns (the device's lock); on a
 * vCPU thread the access that led here is complete for the guest only when no PE reads by the old
 * mode any more. Costs nothing where no load was served directly since the last switch. */
void mem_rom_direct(struct mem *mem, uint64_t base, bool direct);

/* Whether loads from a slot come straight from its host memory. */
static inline bool mem_is_direct(const struct mem_slot *slot)
{
    return slot->host && (!slot->rom || atomic_load(&slot->rom->direct));
}

/* To be asked before a TLB entry for loads from slot->host is made: false forbids it. The order of
 * the two words makes either the switch see the entry coming or the entry see the switch. */
static inline bool mem_rom_cache(const struct mem_slot *slot)
{
    if (!slot->rom)
        return true;
    if (!atomic_load(&slot->rom->cached))
        atomic_store(&slot->rom->cached, true);
    return atomic_load(&slot->rom->direct);
}

/* The slot that holds pa, or NULL. Slots are sorted by base; index for walking (NULL past the end). */
const struct mem_slot *mem_find(const struct mem *mem, uint64_t pa);
const struct mem_slot *mem_at(const struct mem *mem, unsigned index);

/* Host address of [pa, pa+len) if that lies wholly in one RAM or ROM slot (RAM if write), else
 * NULL. Guest-controlled values are welcome. After writing through it call mem_written. */
void *mem_ptr(const struct mem *mem, uint64_t pa, uint64_t len, bool write);

/* DMA: copies to or from RAM; -EFAULT (nothing done) if any byte is not RAM. mem_write notifies. */
int mem_read(const struct mem *mem, uint64_t pa, void *buf, uint64_t len);
int mem_write(struct mem *mem, uint64_t pa, const void *buf, uint64_t len);

/* One access by a PE to a device window: splits nothing; -EFAULT where there is no device or the
 * access is not aligned or crosses its end. */
int mem_io_read(const struct mem *mem, uint64_t pa, unsigned size, uint64_t *value);
int mem_io_write(struct mem *mem, uint64_t pa, unsigned size, uint64_t value);

/* The engine learns of writes that PEs did not make (translations may be stale). Any thread. */
void mem_set_observer(struct mem *mem, void (*written)(void *ctx, uint64_t pa, uint64_t len), void *ctx);
void mem_written(struct mem *mem, uint64_t pa, uint64_t len);

/* The engine learns that loads from [pa, pa + len) have to ask the device from now on. Any thread,
 * with a device's lock held. */
void mem_set_switch_observer(struct mem *mem,
                             void (*switched)(void *ctx, uint64_t pa, uint64_t len), void *ctx);

/* Zeroes all RAM (reset). */
void mem_clear(struct mem *mem);

#endif
