/* SPDX-License-Identifier: Apache-2.0 */
/* A driver for virtio devices (Virtio 1.2), enough to move data: one request at a time. */
#ifndef PROBE_VIRTIO_H
#define PROBE_VIRTIO_H

#include "base/base.h"

enum { VIRTIO_NET = 1, VIRTIO_BLOCK, VIRTIO_CONSOLE, VIRTIO_ENTROPY };
enum { VIRTIO_QUEUES = 2, VIRTIO_ENTRIES = 8, VIRTIO_DEVICES = 24 };
#define VIRTIO_F_VERSION_1       (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)

struct virtio;

/* What differs between PCI and MMIO. */
struct virtio_transport {
    u8 (*status)(const struct virtio *dev);
    void (*set_status)(const struct virtio *dev, u8 status);
    u64 (*features)(const struct virtio *dev);
    void (*set_features)(const struct virtio *dev, u64 features);
    /* Gives a queue its memory; false: the device does not have it. */
    bool (*set_queue)(struct virtio *dev, u32 index);
    void (*notify)(const struct virtio *dev, u32 index);
    u32 (*acknowledge)(const struct virtio *dev); /* reads and clears the interrupt status */
    u64 (*config)(const struct virtio *dev); /* the address of the device's own configuration */
};

struct virtqueue {
    u32 size;
    u8 *memory; /* descriptors; available ring behind them; used ring on the next page */
    u16 next, seen;
    u64 doorbell; /* PCI */
};

struct virtio {
    const struct virtio_transport *transport;
    char name[32]; /* "virtio-mmio 0xa003e00" */
    u32 kind;      /* VIRTIO_x */
    u32 intid;     /* 0: not described in a way that we read */
    bool legacy, failed, assigned, started;
    u64 regs;                   /* MMIO */
    u64 common, isr, own, bell; /* PCI */
    u32 bell_step;
    u64 offered;
    struct virtqueue queue[VIRTIO_QUEUES];
};

struct virtio_part {
    const void *data;
    u32 size;
    bool from_device;
};

/* Resets the device and takes the features of `wanted` that it offers. NULL, or what went wrong. */
const char *virtio_start(struct virtio *dev, u64 wanted, u32 queues);
void virtio_stop(struct virtio *dev);
/* Puts a chain of parts into a queue and rings. */
void virtio_post(struct virtio *dev, u32 queue, const struct virtio_part *part, u32 parts);
/* Whether a chain has come back and waits to be taken. */
bool virtio_waiting(const struct virtio *dev, u32 queue);
/* Takes it; *written: bytes from the device. */
bool virtio_done(struct virtio *dev, u32 queue, u32 *written);
/* Post and wait, with the interrupt that belongs to it. NULL, or what went wrong. */
const char *virtio_transfer(struct virtio *dev, u32 queue, const struct virtio_part *part,
                            u32 parts, u32 *written);

/* What both transports do alike, at the addresses where each has its registers. */
u64 virtio_read_features(u64 select, u64 value);
void virtio_write_features(u64 select, u64 value, u64 features);
/* Takes the size from the device's largest; false: the device does not have this queue. */
bool virtqueue_size(struct virtqueue *q, u32 most);
/* Tells the device where the queue is: three 64-bit registers. */
void virtqueue_place(const struct virtqueue *q, u64 desc, u64 driver, u64 device);

/* virtio_mmio.c, virtio_pci.c: finds what is there. */
struct virtio_list {
    u32 count;
    struct virtio dev[VIRTIO_DEVICES];
};
extern struct virtio_list virtio_devices;
struct virtio *virtio_new(void); /* NULL: the list is full */
void virtio_mmio_find(void);
struct pci_function;
void virtio_pci_add(const struct pci_function *function);

/* pci.c */
struct pci_function {
    u32 bus, device, function;
    u64 config; /* address */
    u32 vendor, id;
};
/* Goes through all functions; tell: as a test. */
void pci_find(bool tell);
u64 pci_bar(const struct pci_function *function, u32 index); /* CPU address of a memory BAR; 0 */

/* devices.c */
void test_devices(void);

#endif
