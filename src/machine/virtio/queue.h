/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues, the device's side (virtio 1.2, 2.6 and 2.7). Everything a driver puts into a
 * ring is hostile: an index, length, address or chain that breaks the rules breaks the queue for
 * good (-EINVAL until it is set up anew), and nothing else.
 *
 * Rings are little-endian. The legacy interface says "the guest's own byte order"; the guests that
 * speak it here are little-endian ones.
 *
 * A queue has no lock: its device holds its own while it calls in here.
 */
#ifndef ARMVM_MACHINE_VIRTIO_QUEUE_H
#define ARMVM_MACHINE_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct mem;

enum {
    VIRTQ_MAX_SIZE = 256, /* descriptors a queue */
    VIRTQ_MAX_SEGS = 256, /* pieces of memory a chain */
};

struct virtq {
    struct mem *mem;
    unsigned max; /* QueueNumMax */

    /* What the driver sets; frozen while active. */
    unsigned size;
    uint64_t desc, avail, used;

    bool active;
    bool broken;
    const char *why;    /* of broken */
    bool event_idx;     /* VIRTIO_F_EVENT_IDX */
    bool indirect;      /* VIRTIO_F_INDIRECT_DESC */
    uint8_t *desc_ring; /* host addresses while active */
    uint8_t *avail_ring;
    uint8_t *used_ring;
    uint16_t last_avail; /* next available entry to take */
    uint16_t used_idx;   /* next used entry to write */
    uint16_t signalled;  /* used_idx at the last decision to notify */
    bool signalled_valid;
    unsigned taken; /* chains popped and not pushed yet */
};

/* A descriptor chain: first what the device reads, then what it may write. A descriptor whose
 * memory is not contiguous in the host takes several pieces. */
struct virtq_chain {
    uint16_t head;
    unsigned outs, ins;       /* pieces: iov[0..outs) to read, iov[outs..outs+ins) to write */
    uint64_t out_len, in_len; /* bytes, together less than 4 GiB */
    struct iovec iov[VIRTQ_MAX_SEGS];
    uint64_t pa[VIRTQ_MAX_SEGS];
};

/* Back to the state after reset: no addresses, size = max. */
void virtq_reset(struct virtq *q);

/* Takes the queue into use with the size and addresses it has. -EINVAL: the size is no power of
 * two or above max, or an area is misaligned or not RAM. */
int virtq_activate(struct virtq *q, bool event_idx, bool indirect);
void virtq_deactivate(struct virtq *q);

/* Puts the three areas where the legacy interface has them, from one address (2.7.2). */
void virtq_set_legacy(struct virtq *q, uint64_t base, uint32_t align);

/* Takes the next chain: 1, 0 when there is none, -EINVAL when the queue is or becomes broken. */
int virtq_pop(struct virtq *q, struct virtq_chain *chain);
/* Puts the last popped chain back: the next pop returns it again. */
void virtq_unpop(struct virtq *q);
/* Are there chains to pop? */
bool virtq_pending(const struct virtq *q);
/* Returns a chain with the number of bytes written into it. The driver sees it at once. */
void virtq_push(struct virtq *q, uint16_t head, uint32_t written);
/* The same in two steps, for several chains that must appear together: the n-th entry from the
 * next one, then all of them. */
void virtq_fill(struct virtq *q, unsigned n, uint16_t head, uint32_t written);
void virtq_publish(struct virtq *q, unsigned count);
/* Does the driver want an interrupt for what was pushed since the last time this was asked? */
bool virtq_interrupt_wanted(struct virtq *q);
/* Asks the driver for notifications from here on. Afterwards virtq_pending must be looked at. */
void virtq_enable_notify(struct virtq *q);

/* Copies between a chain and a buffer, from an offset in bytes of its read or write part; returns
 * the number of bytes copied. virtq_write tells the engine about the change. */
size_t virtq_read(const struct virtq_chain *chain, uint64_t offset, void *buf, size_t len);
size_t virtq_write(struct mem *mem, const struct virtq_chain *chain, uint64_t offset,
                   const void *buf, size_t len);
/* Tells the engine that the first len bytes of the write part changed. */
void virtq_written(struct mem *mem, const struct virtq_chain *chain, uint64_t len);

#endif
