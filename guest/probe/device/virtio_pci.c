/* SPDX-License-Identifier: Apache-2.0 */
/* virtio over PCI (Virtio 1.2, section 4.1), through the capabilities of version 1. */
#include "bare/bare.h"
#include "device/virtio.h"

enum { CAP_VENDOR = 9, CAP_LIST = 0x34, PIN = 0x3d };
enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE };
enum {
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    DEVICE_STATUS = 0x14,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY_OFF = 0x1e,
    QUEUE_DESC = 0x20,
    QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
};

static u8 status(const struct virtio *dev)
{
    return io_read8(dev->common + DEVICE_STATUS);
}

static void set_status(const struct virtio *dev, u8 status)
{
    barrier();
    io_write8(dev->common + DEVICE_STATUS, status);
}

static u64 features(const struct virtio *dev)
{
    return virtio_read_features(dev->common + DEVICE_FEATURE_SELECT, dev->common + DEVICE_FEATURE);
}

static void set_features(const struct virtio *dev, u64 features)
{
    virtio_write_features(dev->common + DRIVER_FEATURE_SELECT, dev->common + DRIVER_FEATURE,
                          features);
}

static bool set_queue(struct virtio *dev, u32 index)
{
    struct virtqueue *q = &dev->queue[index];

    io_write16(dev->common + QUEUE_SELECT, (u16)index);
    if (!virtqueue_size(q, io_read16(dev->common + QUEUE_SIZE)))
        return false;
    io_write16(dev->common + QUEUE_SIZE, (u16)q->size);
    virtqueue_place(q, dev->common + QUEUE_DESC, dev->common + QUEUE_DRIVER,
                    dev->common + QUEUE_DEVICE);
    q->doorbell = dev->bell + io_read16(dev->common + QUEUE_NOTIFY_OFF) * dev->bell_step;
    io_write16(dev->common + QUEUE_ENABLE, 1);
    return io_read16(dev->common + QUEUE_ENABLE) & 1;
}

static void notify(const struct virtio *dev, u32 index)
{
    io_write16(dev->queue[index].doorbell, (u16)index);
}

static u32 acknowledge(const struct virtio *dev)
{
    return io_read8(dev->isr);
}

static u64 config(const struct virtio *dev)
{
    return dev->own;
}

static const struct virtio_transport pci = {
    .status = status,
    .set_status = set_status,
    .features = features,
    .set_features = set_features,
    .set_queue = set_queue,
    .notify = notify,
    .acknowledge = acknowledge,
    .config = config,
};

/* struct virtio_pci_cap: kind at 3, BAR at 4, offset at 8, length at 12; then the doorbells' step.
 */
static void capability(struct virtio *dev, const struct pci_function *f, u64 at)
{
    u32 kind = io_read8(at + 3), offset = io_read32(at + 8);
    u64 bar;

    if (kind < CFG_COMMON || kind > CFG_DEVICE)
        return;
    bar = pci_bar(f, io_read8(at + 4));
    if (!bar)
        return;
    if (kind == CFG_COMMON && !dev->common)
        dev->common = bar + offset;
    if (kind == CFG_ISR && !dev->isr)
        dev->isr = bar + offset;
    if (kind == CFG_DEVICE && !dev->own)
        dev->own = bar + offset;
    if (kind == CFG_NOTIFY && !dev->bell) {
        dev->bell = bar + offset;
        dev->bell_step = io_read32(at + 16);
    }
}

void virtio_pci_add(const struct pci_function *f)
{
    static const u8 transitional[] = {VIRTIO_NET, VIRTIO_BLOCK,  5, VIRTIO_CONSOLE,
                                      8,          VIRTIO_ENTROPY};
    u32 kind = f->id >= 0x1040                        ? f->id - 0x1040
               : f->id - 0x1000 < COUNT(transitional) ? transitional[f->id - 0x1000]
                                                      : 0;
    u32 at = io_read8(f->config + CAP_LIST) & 0xfc, pin = io_read8(f->config + PIN);
    struct virtio *dev = kind ? virtio_new() : NULL;

    if (!dev)
        return;
    dev->transport = &pci;
    dev->kind = kind;
    format(dev->name, sizeof(dev->name), "PCI %02x:%02x.%u", f->bus, f->device, f->function);
    for (u32 i = 0; at && i < 48; i++) {
        if (io_read8(f->config + at) == CAP_VENDOR)
            capability(dev, f, f->config + at);
        at = io_read8(f->config + at + 1) & 0xfc;
    }
    dev->intid = f->bus == machine.platform.pci.first_bus
                     ? platform_intx(&machine.platform, machine.fdt, f->device, pin)
                     : 0;
    /* Only the ways of before the standard: not for us. */
    dev->failed = !dev->common || !dev->isr || !dev->bell;
}
