/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device as its transport sees it, and the transport as the device sees it. The device is
 * a private struct with struct virtio first and one struct virtio_type; virtio.c holds what is the
 * same for all: feature negotiation, the status register, activation, failure, reset.
 *
 * Locking: v->lock covers all of struct virtio and of the device behind it. The transport takes it
 * around every access and calls the type's functions with it held; back ends' callbacks take it
 * themselves. The interrupt is raised under it: device lock, then interrupt controller. No lock of
 * a back end may be held when its callback is called.
 */
#ifndef ARMVM_MACHINE_VIRTIO_VIRTIO_H
#define ARMVM_MACHINE_VIRTIO_VIRTIO_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/virtio/queue.h"

struct mem;
struct trace;
struct virtio;

enum { VIRTIO_MAX_QUEUES = 4, VIRTIO_MAX_CONFIG = 64 };

/* Device status (2.1). */
enum {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

/* Features that belong to no device (6). */
#define VIRTIO_F_NOTIFY_ON_EMPTY (1ull << 24)
#define VIRTIO_F_ANY_LAYOUT      (1ull << 27)
#define VIRTIO_F_INDIRECT_DESC   (1ull << 28)
#define VIRTIO_F_EVENT_IDX       (1ull << 29)
#define VIRTIO_F_VERSION_1       (1ull << 32)

/* Why an interrupt: the bits of InterruptStatus. */
enum { VIRTIO_INT_QUEUE = 1, VIRTIO_INT_CONFIG = 2 };

struct virtio_type {
    const char *name;
    uint32_t id;
    unsigned queues;
    uint16_t queue_max[VIRTIO_MAX_QUEUES];
    uint64_t features; /* the device's own, offered in both interfaces */

    /* The driver wrote into the configuration (which already holds the new bytes). May be NULL. */
    void (*configured)(struct virtio *v, unsigned offset, unsigned size);
    /* There may be something in a queue. */
    void (*notify)(struct virtio *v, unsigned queue);
    /* The driver is ready (DRIVER_OK, or in the legacy interface its first queue). May be NULL. */
    void (*started)(struct virtio *v);
    /* Returns when nothing of the device is under way in the host; may release the lock while it
     * waits. May be NULL. */
    void (*quiesce)(struct virtio *v);
    /* Back to power-on, after quiesce. May be NULL. */
    void (*reset)(struct virtio *v);
    /* Frees everything including v itself; no callback of a back end comes afterwards. */
    void (*destroy)(struct virtio *v);
};

struct virtio {
    const struct virtio_type *type;
    pthread_mutex_t lock;
    pthread_cond_t idle; /* of resetting */
    bool legacy;
    struct mem *mem;
    const struct trace *trace;

    uint64_t offered; /* features */
    uint64_t accepted;
    uint8_t status;
    bool failed;         /* a queue broke: nothing more until reset */
    bool resetting;      /* a thread waits in quiesce */
    bool no_dma;         /* the transport is cut off from memory: no queue is live */
    uint32_t generation; /* ConfigGeneration */
    uint8_t config[VIRTIO_MAX_CONFIG];
    unsigned config_size;
    struct virtq queue[VIRTIO_MAX_QUEUES];

    /* The transport's; which queue it is about, if VIRTIO_INT_QUEUE is among the bits. */
    void (*interrupt)(void *ctx, unsigned bits, unsigned queue);
    void *interrupt_ctx;
};

/* For a type's create function: v is zeroed memory. */
void virtio_init(struct virtio *v, const struct virtio_type *type, bool legacy, uint64_t features);
/* For a type's destroy function. */
void virtio_fini(struct virtio *v);

/* The devices (each in its own file). NULL when out of memory. */
struct blk;
struct chr;
struct net;
struct virtio *virtio_blk_create(struct blk *blk, const char *serial, bool legacy);
struct virtio *virtio_net_create(struct net *net, const unsigned char mac[6], bool legacy);
struct virtio *virtio_console_create(struct chr *chr, bool legacy);
struct virtio *virtio_rng_create(bool legacy);

/* For transports; v->lock held. */
void virtio_set_status(struct virtio *v, uint8_t status);
void virtio_accept(struct virtio *v, unsigned word, uint32_t features);
void virtio_queue_start(struct virtio *v, unsigned queue);
void virtio_queue_stop(struct virtio *v, unsigned queue);
void virtio_notify(struct virtio *v, unsigned queue);
uint64_t virtio_config_read(const struct virtio *v, uint64_t offset, unsigned size);
void virtio_config_write(struct virtio *v, uint64_t offset, unsigned size, uint64_t value);
void virtio_reset(struct virtio *v);
/* For transports with both interfaces: which one the driver uses, before it set any status. */
void virtio_set_interface(struct virtio *v, bool legacy);
/* For transports that can be cut off from memory: on return the device leaves it alone; or goes on
 * with what is in the queues. */
void virtio_set_dma(struct virtio *v, bool on);

/* For devices; v->lock held. */
/* May the device use this queue now? */
bool virtio_queue_live(const struct virtio *v, unsigned queue);
static inline bool virtio_has(const struct virtio *v, uint64_t feature)
{
    return (v->accepted & feature) != 0;
}
/* Pops a chain; a broken queue fails the device, and gives false as an empty one does. */
bool virtio_pop(struct virtio *v, unsigned queue, struct virtq_chain *chain);
/* Interrupts the driver for what was pushed, if it wants that. */
void virtio_signal(struct virtio *v, unsigned queue);
void virtio_config_changed(struct virtio *v);
/* The driver broke the rules: DEVICE_NEEDS_RESET, and no queue is served until it resets. */
void virtio_fail(struct virtio *v, const char *why);

#endif
