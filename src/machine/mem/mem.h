/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's physical address space: RAM, ROM and device windows. The only way to guest memory.
 * The map is built before PEs run and is immutable while they do; look-ups take no lock.
 */
#ifndef ARMVM_MACHINE_MEM_MEM_H
#define ARMVM_MACHINE_MEM_MEM_H

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

struct mem_slot {
    uint64_t base, size;
    uint8_t *host;     /* RAM and ROM; NULL for a device window */
    bool readonly;     /* ROM: guest writes are ignored */
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

/* The slot that holds pa, or NULL. Slots are sorted by base; index for walking (NULL past the end). */
const struct mem_slot *mem_find(const struct mem *mem, uint64_t pa);
const struct mem_slot *mem_at(const struct mem *mem, unsigned index);

/* Host address of [pa, pa+len) if that lies wholly in one RAM slot (writable RAM if write), else
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

/* Zeroes all RAM (reset). */
void mem_clear(struct mem *mem);

#endif
