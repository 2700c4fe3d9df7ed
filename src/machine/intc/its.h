/* SPDX-License-Identifier: Apache-2.0 */
/* The ITS's parts among themselves. Functions here expect its lock to be held, those that name it
 * the GIC's too; its lock is taken first. */
#ifndef ARMVM_MACHINE_INTC_ITS_H
#define ARMVM_MACHINE_INTC_ITS_H

#include <pthread.h>

#include "machine/intc/gicv3.h"

/* What GITS_TYPER says: bits of DeviceID, EventID and collection ID; bytes of our table entries. */
enum {
    ITS_DEVICE_BITS = 16,
    ITS_EVENT_BITS = 16,
    ITS_COLLECTION_BITS = 16,
    ITS_ENTRY = 8,
    ITS_COMMAND = 32,
};

enum its_table { ITS_DEVICES, ITS_COLLECTIONS, ITS_TABLES };

#define GITS_BASER_VALID    (1ull << 63)
#define GITS_BASER_INDIRECT (1ull << 62)
#define GITS_CBASER_VALID   (1ull << 63)

/* Translations that were found, by a hash of device and event: event 63:48, device 47:32, LPI
 * 31:16, CPU 15:0. 0 is none, since no LPI is 0. */
enum { ITS_CACHE_BITS = 11 };

struct its {
    struct device dev;
    struct gicv3 *gic;
    pthread_mutex_t lock; /* all below */
    bool enabled, stalled;
    uint64_t cbaser, baser[ITS_TABLES];
    uint32_t cwriter, creadr;
    bool cache_used;
    uint64_t cache[1 << ITS_CACHE_BITS];
};

/* --- its_table.c ---
 * Tables are the guest's memory. 0; -ENOENT: something is out of range or not mapped, an error of
 * the command; -EFAULT: there is no memory where the guest put a table. */

struct its_device {
    uint64_t itt;
    uint32_t events;
};

struct its_event {
    uint64_t at; /* of its entry in memory */
    uint32_t lpi;
    uint16_t collection;
};

int its_map_device(struct its *its, uint32_t device, uint64_t itt, unsigned event_bits);
int its_unmap_device(struct its *its, uint32_t device);
int its_find_device(const struct its *its, uint32_t device, struct its_device *found);

int its_map_collection(struct its *its, uint32_t collection, unsigned cpu);
int its_unmap_collection(struct its *its, uint32_t collection);
int its_find_collection(const struct its *its, uint32_t collection, unsigned *cpu);
/* Whether the collection table has a place for it. */
int its_check_collection(const struct its *its, uint32_t collection);

int its_map_event(struct its *its, uint32_t device, uint32_t event, uint32_t lpi,
                  uint32_t collection);
int its_unmap_event(struct its *its, uint32_t device, uint32_t event,
                    const struct its_event *found);
int its_find_event(const struct its *its, uint32_t device, uint32_t event, struct its_event *found);

/* The whole translation, from the cache if possible. */
int its_translate(struct its *its, uint32_t device, uint32_t event, uint32_t *lpi, unsigned *cpu);
/* After anything but one event changed. */
void its_cache_flush(struct its *its);

/* --- its_cmd.c --- */

/* Executes what is in the command queue, as long as it is enabled and not stalled. Drops the lock
 * from time to time; ends after a queue full of commands. Takes the GIC's lock. */
void its_run_commands(struct its *its);
/* The command queue's size in bytes. */
uint32_t its_queue_size(const struct its *its);

/* --- gicv3_its.c --- */

/* Its node, for the GIC to put inside of its own. */
void gicv3_its_describe(struct device *its, struct fdt_builder *fdt);

#endif
