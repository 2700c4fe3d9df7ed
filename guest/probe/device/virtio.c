/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the driver that both transports share: Virtio 1.2, sections 2.7 and 3.1. */
#include "device/virtio.h"

#include "bare/bare.h"

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { DESC_NEXT = 1, DESC_WRITE = 2, QUEUE_BYTES = 2 * PAGE, USED = PAGE, WAIT_MS = 10000 };

struct virtio_list virtio_devices;
static u8 memory[VIRTIO_DEVICES * VIRTIO_QUEUES][QUEUE_BYTES] PAGE_ALIGNED;

static volatile u32 interrupts;

struct virtio *virtio_new(void)
{
    struct virtio *dev;
    u32 n = virtio_devices.count;

    if (n == VIRTIO_DEVICES)
        return NULL;
    dev = &virtio_devices.dev[virtio_devices.count++];
    memset(dev, 0, sizeof(*dev));
    for (u32 i = 0; i < VIRTIO_QUEUES; i++)
        dev->queue[i].memory = memory[n * VIRTIO_QUEUES + i];
    return dev;
}

/* 32 bits at a time, chosen by a register of its own. */
u64 virtio_read_features(u64 select, u64 value)
{
    u64 low, high;

    io_write32(select, 0);
    low = io_read32(value);
    io_write32(select, 1);
    high = io_read32(value);
    return low | high << 32;
}

void virtio_write_features(u64 select, u64 value, u64 features)
{
    io_write32(select, 0);
    io_write32(value, (u32)features);
    io_write32(select, 1);
    io_write32(value, (u32)(features >> 32));
}

bool virtqueue_size(struct virtqueue *q, u32 most)
{
    q->size = most < VIRTIO_ENTRIES ? most : VIRTIO_ENTRIES;
    return q->size;
}

/* Neither transport promises more than accesses of 32 bits. */
static void write64(u64 at, u64 value)
{
    io_write32(at, (u32)value);
    io_write32(at + 4, (u32)(value >> 32));
}

void virtqueue_place(const struct virtqueue *q, u64 desc, u64 driver, u64 device)
{
    u64 memory = (u64)(uptr)q->memory;

    write64(desc, memory);
    write64(driver, memory + 16 * q->size);
    write64(device, memory + USED);
}

static void put16(volatile u8 *at, u32 value)
{
    *(volatile u16 *)at = (u16)value;
}

static u32 get16(const volatile u8 *at)
{
    return *(const volatile u16 *)at;
}

void virtio_stop(struct virtio *dev)
{
    dev->started = false;
    dev->transport->set_status(dev, 0);
    for (u32 i = 0; i < 1000000 && dev->transport->status(dev); i++)
        ;
}

const char *virtio_start(struct virtio *dev, u64 wanted, u32 queues)
{
    const struct virtio_transport *t = dev->transport;

    virtio_stop(dev);
    if (t->status(dev))
        return "it does not come out of its reset";
    t->set_status(dev, ACKNOWLEDGE);
    t->set_status(dev, ACKNOWLEDGE | DRIVER);
    dev->offered = t->features(dev);
    if (!dev->legacy && !(dev->offered & VIRTIO_F_VERSION_1))
        return "it does not offer VIRTIO_F_VERSION_1";
    wanted |= VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM;
    t->set_features(dev, dev->offered & wanted);
    if (!dev->legacy) {
        t->set_status(dev, ACKNOWLEDGE | DRIVER | FEATURES_OK);
        if (!(t->status(dev) & FEATURES_OK))
            return "it does not accept the features that it offers";
    }
    for (u32 i = 0; i < queues && i < VIRTIO_QUEUES; i++) {
        dev->queue[i].next = dev->queue[i].seen = 0;
        memset(dev->queue[i].memory, 0, QUEUE_BYTES);
        arch_clean(dev->queue[i].memory, QUEUE_BYTES);
        if (!t->set_queue(dev, i))
            return "it does not have the queues of its kind";
    }
    t->set_status(dev, ACKNOWLEDGE | DRIVER | DRIVER_OK | (dev->legacy ? 0 : FEATURES_OK));
    dev->started = true;
    return NULL;
}

/* One chain at a time uses the descriptors from the first. */
void virtio_post(struct virtio *dev, u32 queue, const struct virtio_part *part, u32 parts)
{
    struct virtqueue *q = &dev->queue[queue];
    volatile u8 *desc = q->memory, *avail = q->memory + 16 * q->size;

    for (u32 i = 0; i < parts && i < q->size; i++, desc += 16) {
        *(volatile u64 *)desc = (u64)(uptr)part[i].data;
        *(volatile u32 *)(desc + 8) = part[i].size;
        put16(desc + 12, (i + 1 < parts ? DESC_NEXT : 0) | (part[i].from_device ? DESC_WRITE : 0));
        put16(desc + 14, i + 1);
    }
    put16(avail + 4 + q->next % q->size * 2, 0);
    barrier();
    put16(avail + 2, ++q->next);
    barrier();
    dev->transport->notify(dev, queue);
}

bool virtio_waiting(const struct virtio *dev, u32 queue)
{
    const struct virtqueue *q = &dev->queue[queue];

    return (u16)get16(q->memory + USED + 2) != q->seen;
}

bool virtio_done(struct virtio *dev, u32 queue, u32 *written)
{
    struct virtqueue *q = &dev->queue[queue];
    const volatile u8 *used = q->memory + USED;

    if (!virtio_waiting(dev, queue))
        return false;
    barrier();
    *written = *(const volatile u32 *)(used + 4 + q->seen % q->size * 8 + 4);
    q->seen++;
    return true;
}

static void count_interrupt(u32 intid)
{
    gic_enable(intid, false); /* it stays asserted until the device is asked */
    interrupts++;
}

const char *virtio_transfer(struct virtio *dev, u32 queue, const struct virtio_part *part,
                            u32 parts, u32 *written)
{
    u64 start = arch_counter();
    const char *wrong = NULL;
    u32 got = 0, status;

    arch_cpu()->irq = count_interrupt;
    interrupts = 0;
    if (dev->intid) {
        gic_clear_pending(dev->intid);
        gic_enable(dev->intid, true);
    }
    virtio_post(dev, queue, part, parts);
    while (!virtio_done(dev, queue, written))
        if (arch_counter() - start > ms_to_ticks(WAIT_MS))
            return "a request never comes back";
    if (!dev->intid) {
        while (!dev->intid && arch_counter() - start < ms_to_ticks(WAIT_MS))
            dev->intid = gic_next_pending(0);
        if (dev->intid)
            gic_enable(dev->intid, true);
        else
            wrong = "a request comes back without any interrupt";
    }
    if (dev->intid) {
        got = gic_wait(WAIT_MS);
        if (got != dev->intid)
            wrong = got ? "another interrupt arrives than is described"
                        : "a request comes back without its interrupt";
        gic_enable(dev->intid, false);
    }
    status = dev->transport->acknowledge(dev);
    if (!wrong && !(status & 1))
        wrong = "the interrupt status does not say that a queue was used";
    return wrong;
}
