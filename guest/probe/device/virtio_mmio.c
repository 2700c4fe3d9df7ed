/* SPDX-License-Identifier: Apache-2.0 */
/* virtio over MMIO (Virtio 1.2, section 4.2): version 2, and 1 as of before the standard. */
#include "bare/bare.h"
#include "device/virtio.h"

enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    GUEST_PAGE_SIZE = 0x028,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_ALIGN = 0x03c,
    QUEUE_PFN = 0x040,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    CONFIG = 0x100,
    MAGIC_VALUE = 0x74726976,
};

static u8 status(const struct virtio *dev)
{
    return (u8)io_read32(dev->regs + STATUS);
}

static void set_status(const struct virtio *dev, u8 status)
{
    barrier();
    io_write32(dev->regs + STATUS, status);
}

static u64 features(const struct virtio *dev)
{
    u64 all = virtio_read_features(dev->regs + DEVICE_FEATURES_SEL, dev->regs + DEVICE_FEATURES);

    return dev->legacy ? (u32)all : all;
}

static void set_features(const struct virtio *dev, u64 features)
{
    virtio_write_features(dev->regs + DRIVER_FEATURES_SEL, dev->regs + DRIVER_FEATURES, features);
    if (dev->legacy)
        io_write32(dev->regs + GUEST_PAGE_SIZE, PAGE);
}

static bool set_queue(struct virtio *dev, u32 index)
{
    struct virtqueue *q = &dev->queue[index];
    u64 memory = (u64)(uptr)q->memory;

    io_write32(dev->regs + QUEUE_SEL, index);
    if (!virtqueue_size(q, io_read32(dev->regs + QUEUE_NUM_MAX)))
        return false;
    io_write32(dev->regs + QUEUE_NUM, q->size);
    if (dev->legacy) {
        io_write32(dev->regs + QUEUE_ALIGN, PAGE);
        io_write32(dev->regs + QUEUE_PFN, (u32)(memory / PAGE));
        return memory >> 44 == 0;
    }
    virtqueue_place(q, dev->regs + QUEUE_DESC, dev->regs + QUEUE_DRIVER, dev->regs + QUEUE_DEVICE);
    io_write32(dev->regs + QUEUE_READY, 1);
    return io_read32(dev->regs + QUEUE_READY) & 1;
}

static void notify(const struct virtio *dev, u32 index)
{
    io_write32(dev->regs + QUEUE_NOTIFY, index);
}

static u32 acknowledge(const struct virtio *dev)
{
    u32 status = io_read32(dev->regs + INTERRUPT_STATUS);

    io_write32(dev->regs + INTERRUPT_ACK, status);
    return status;
}

static u64 config(const struct virtio *dev)
{
    return dev->regs + CONFIG;
}

static const struct virtio_transport mmio = {
    .status = status,
    .set_status = set_status,
    .features = features,
    .set_features = set_features,
    .set_queue = set_queue,
    .notify = notify,
    .acknowledge = acknowledge,
    .config = config,
};

void virtio_mmio_find(void)
{
    const struct platform *p = &machine.platform;

    for (u32 i = 0; i < p->virtios; i++) {
        u64 at = p->virtio[i].regs.base;
        u32 magic = 0, version, kind;
        struct virtio *dev;
        if (!mmu_device(at, p->virtio[i].regs.size) || !arch_try_read32(at + MAGIC, &magic) ||
            magic != MAGIC_VALUE)
            continue;
        version = io_read32(at + VERSION);
        kind = io_read32(at + DEVICE_ID);
        if (!kind || (version != 1 && version != 2)) /* 0: a place without a device */
            continue;
        dev = virtio_new();
        if (!dev)
            return;
        dev->transport = &mmio;
        dev->regs = at;
        dev->kind = kind;
        dev->legacy = version == 1;
        dev->intid = p->virtio[i].intid;
        format(dev->name, sizeof(dev->name), "virtio-mmio 0x%llx", at);
    }
}
