/* SPDX-License-Identifier: Apache-2.0 */
/* A virtio driver for tests: RAM, a device without a board, a fake interrupt line, and rings made
 * by hand. */
#ifndef ARMVM_TESTS_VIRTIO_RIG_H
#define ARMVM_TESTS_VIRTIO_RIG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct device;
struct mem;

#define RAM_BASE  0x40000000ull
#define RAM_SIZE  0x01000000ull /* a second slot of RAM2_SIZE follows at once */
#define RAM2_SIZE 0x1000ull
#define RAM_END   (RAM_BASE + RAM_SIZE + RAM2_SIZE)
#define BUFFERS   (RAM_BASE + 0x100000) /* for the test's own use */

#define F_INDIRECT  (1ull << 28)
#define F_EVENT_IDX (1ull << 29)
#define F_VERSION_1 (1ull << 32)

enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4 };

struct rig {
    struct mem *mem;
    struct device *dev;
    bool legacy;
    atomic_int level;
    atomic_uint edges; /* from low to high */
};

struct ring {
    unsigned index, size;
    uint64_t desc, avail, used;
    uint16_t avail_idx, used_idx;
};

struct used {
    uint32_t id, len;
};

void rig_create(struct rig *rig);
void rig_attach(struct rig *rig, struct device *dev, bool legacy);
void rig_destroy(struct rig *rig);

uint32_t reg_read(struct rig *rig, unsigned offset);
void reg_write(struct rig *rig, unsigned offset, uint32_t value);
uint64_t config_read(struct rig *rig, unsigned offset, unsigned size);
void config_write(struct rig *rig, unsigned offset, unsigned size, uint64_t value);

/* Guest memory. */
uint64_t peek(struct rig *rig, uint64_t pa, unsigned size);
void poke(struct rig *rig, uint64_t pa, unsigned size, uint64_t value);
void *guest(struct rig *rig, uint64_t pa, uint64_t len);

/* Negotiates (features are ANDed with the device's) up to FEATURES_OK; returns what was accepted.
 */
uint64_t driver_begin(struct rig *rig, uint64_t features);
/* Sets up queue `index` at its usual place and activates it. */
void driver_queue(struct rig *rig, struct ring *ring, unsigned index, unsigned size);
void driver_ok(struct rig *rig);

void set_desc(struct rig *rig, uint64_t table, unsigned i, uint64_t addr, uint32_t len,
              unsigned flags, unsigned next);
void make_available(struct rig *rig, struct ring *ring, unsigned head);
void notify(struct rig *rig, const struct ring *ring);
/* Waits (up to some seconds) for the next used entry. */
struct used wait_used(struct rig *rig, struct ring *ring);
bool has_used(struct rig *rig, const struct ring *ring);
bool needs_reset(struct rig *rig);

#endif
