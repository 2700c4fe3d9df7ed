/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over MMIO (virtio 1.2, 4.2): one window of 0x200, registers below 0x100, the device's
 * configuration above; one interrupt. Version 2, and version 1 (4.2.4, the legacy interface),
 * which differs in how queues are placed and in the features' meaning.
 */
#include "machine/virtio/virtio_mmio.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"
#include "machine/dev/device.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fdt.h"
#include "machine/mem/mem.h"
#include "machine/virtio/virtio.h"

enum {
    MagicValue = 0x000,
    Version = 0x004,
    DeviceID = 0x008,
    VendorID = 0x00c,
    DeviceFeatures = 0x010,
    DeviceFeaturesSel = 0x014,
    DriverFeatures = 0x020,
    DriverFeaturesSel = 0x024,
    GuestPageSize = 0x028, /* legacy */
    QueueSel = 0x030,
    QueueNumMax = 0x034,
    QueueNum = 0x038,
    QueueAlign = 0x03c, /* legacy */
    QueuePFN = 0x040,   /* legacy */
    QueueReady = 0x044,
    QueueNotify = 0x050,
    InterruptStatus = 0x060,
    InterruptACK = 0x064,
    Status = 0x070,
    QueueDescLow = 0x080,
    QueueDescHigh = 0x084,
    QueueDriverLow = 0x090,
    QueueDriverHigh = 0x094,
    QueueDeviceLow = 0x0a0,
    QueueDeviceHigh = 0x0a4,
    SHMLenLow = 0x0b0,
    SHMBaseHigh = 0x0bc,
    ConfigGeneration = 0x0fc,
    Config = 0x100,
};

enum { MAGIC = 0x74726976 /* "virt" */, VENDOR = 0x4d565241 /* "ARVM" */ };

struct virtio_mmio {
    struct device dev;
    struct virtio *v; /* NULL: an empty slot */
    bool legacy;

    /* Under v->lock. */
    uint32_t device_features_sel, driver_features_sel, queue_sel;
    uint32_t interrupt_status;
    uint32_t page_size, queue_align; /* legacy */
};

/* Bits go up: called by the device. */
static void interrupt(void *ctx, unsigned bits, unsigned queue)
{
    struct virtio_mmio *m = ctx;
    uint32_t before = m->interrupt_status;

    m->interrupt_status |= bits;
    if (!before)
        irq_set(&m->dev.irq[0], true);
}

static void acknowledge(struct virtio_mmio *m, uint32_t bits)
{
    m->interrupt_status &= ~bits;
    /* On an edge-triggered input, what is left must make an edge of its own. */
    if (!m->interrupt_status || m->dev.resources.irq[0].edge)
        irq_set(&m->dev.irq[0], false);
    if (m->interrupt_status)
        irq_set(&m->dev.irq[0], true);
}

/* The selected queue, or NULL. */
static struct virtq *selected(struct virtio_mmio *m)
{
    return m->queue_sel < m->v->type->queues ? &m->v->queue[m->queue_sel] : NULL;
}

static void reset_registers(struct virtio_mmio *m)
{
    m->device_features_sel = m->driver_features_sel = m->queue_sel = 0;
    m->page_size = m->queue_align = 4096;
    acknowledge(m, ~0u);
}

static uint32_t read_queue(struct virtio_mmio *m, uint64_t offset)
{
    const struct virtq *q = selected(m);

    if (!q)
        return 0;
    switch (offset) {
    case QueueNumMax:
        return m->legacy && q->active ? 0 : q->max;
    case QueueReady:
        return m->legacy ? 0 : q->active;
    case QueuePFN:
        return m->legacy && q->active ? (uint32_t)(q->desc / m->page_size) : 0;
    default:
        return 0;
    }
}

static uint32_t read_register(struct virtio_mmio *m, uint64_t offset)
{
    struct virtio *v = m->v;

    switch (offset) {
    case DeviceFeatures:
        return m->device_features_sel > 1 ? 0
                                          : (uint32_t)(v->offered >> (32 * m->device_features_sel));
    case QueueNumMax:
    case QueueReady:
    case QueuePFN:
        return read_queue(m, offset);
    case InterruptStatus:
        return m->interrupt_status;
    case Status:
        return v->status;
    case ConfigGeneration:
        return m->legacy ? 0 : v->generation;
    default:
        /* No shared memory region exists: length and base are all ones (4.2.2). */
        return !m->legacy && offset >= SHMLenLow && offset <= SHMBaseHigh ? ~0u : 0;
    }
}

static int io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct virtio_mmio *m = dev;

    *value = 0;
    if (offset < Config && (size != 4 || offset % 4))
        return 0;
    if (offset == MagicValue)
        *value = MAGIC;
    else if (offset == Version)
        *value = m->legacy ? 1 : 2;
    else if (offset == DeviceID)
        *value = m->v ? m->v->type->id : 0;
    else if (offset == VendorID)
        *value = VENDOR;
    else if (m->v) {
        pthread_mutex_lock(&m->v->lock);
        *value = offset < Config ? read_register(m, offset)
                                 : virtio_config_read(m->v, offset - Config, size);
        pthread_mutex_unlock(&m->v->lock);
    }
    return 0;
}

static void set_half(uint64_t *address, bool high, uint32_t value)
{
    *address = high ? (*address & 0xffffffff) | (uint64_t)value << 32
                    : (*address & ~0xffffffffull) | value;
}

/* Legacy: an address other than 0 puts the queue into use, 0 takes it away. */
static void write_pfn(struct virtio_mmio *m, struct virtq *q, uint32_t pfn)
{
    if (!pfn) {
        virtio_queue_stop(m->v, m->queue_sel);
        return;
    }
    if (q->active)
        return;
    virtq_set_legacy(q, (uint64_t)pfn * m->page_size, m->queue_align);
    virtio_queue_start(m->v, m->queue_sel);
}

/* Registers of the selected queue. While it is active its size and place are frozen. */
static void write_queue(struct virtio_mmio *m, uint64_t offset, uint32_t value)
{
    struct virtq *q = selected(m);

    if (!q)
        return;
    if (offset == QueueReady && !m->legacy) {
        if (value == 1)
            virtio_queue_start(m->v, m->queue_sel);
        else if (value == 0)
            virtio_queue_stop(m->v, m->queue_sel);
        return;
    }
    if (offset == QueuePFN && m->legacy) {
        write_pfn(m, q, value);
        return;
    }
    if (q->active || m->v->resetting)
        return;
    if (offset == QueueNum)
        q->size = value;
    else if (m->legacy)
        return;
    else if (offset == QueueDescLow || offset == QueueDescHigh)
        set_half(&q->desc, offset == QueueDescHigh, value);
    else if (offset == QueueDriverLow || offset == QueueDriverHigh)
        set_half(&q->avail, offset == QueueDriverHigh, value);
    else if (offset == QueueDeviceLow || offset == QueueDeviceHigh)
        set_half(&q->used, offset == QueueDeviceHigh, value);
}

static bool power_of_two(uint32_t value)
{
    return value && !(value & (value - 1));
}

static void write_register(struct virtio_mmio *m, uint64_t offset, uint32_t value)
{
    struct virtio *v = m->v;

    /* The board sets these after creation. */
    v->mem = m->dev.mem;
    v->trace = m->dev.trace;
    switch (offset) {
    case DeviceFeaturesSel:
        m->device_features_sel = value;
        break;
    case DriverFeaturesSel:
        m->driver_features_sel = value;
        break;
    case DriverFeatures:
        virtio_accept(v, m->driver_features_sel, value);
        break;
    case GuestPageSize:
        if (m->legacy && power_of_two(value))
            m->page_size = value;
        break;
    case QueueAlign:
        if (m->legacy && power_of_two(value) && value >= 4)
            m->queue_align = value;
        break;
    case QueueSel:
        m->queue_sel = value;
        break;
    case InterruptACK:
        acknowledge(m, value);
        break;
    case Status:
        virtio_set_status(v, (uint8_t)value);
        if (!(uint8_t)value)
            reset_registers(m);
        break;
    default:
        write_queue(m, offset, value);
    }
}

static int io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_mmio *m = dev;

    if (!m->v || (offset < Config && (size != 4 || offset % 4)))
        return 0;
    pthread_mutex_lock(&m->v->lock);
    if (offset == QueueNotify)
        virtio_notify(m->v, (unsigned)value);
    else if (offset < Config)
        write_register(m, offset, (uint32_t)value);
    else
        virtio_config_write(m->v, offset - Config, size, value);
    pthread_mutex_unlock(&m->v->lock);
    return 0;
}

static void reset(struct device *dev)
{
    struct virtio_mmio *m = (struct virtio_mmio *)dev;

    if (!m->v)
        return;
    pthread_mutex_lock(&m->v->lock);
    virtio_reset(m->v);
    reset_registers(m);
    pthread_mutex_unlock(&m->v->lock);
}

static void destroy(struct device *dev)
{
    struct virtio_mmio *m = (struct virtio_mmio *)dev;

    if (m->v)
        m->v->type->destroy(m->v);
    free(m);
}

static int describe(struct device *dev, struct fdt_builder *fdt)
{
    device_dt_begin(dev, fdt, "virtio_mmio", "virtio,mmio");
    dt_empty(fdt, "dma-coherent");
    dt_end(fdt);
    return 0;
}

static void describe_acpi(struct device *dev, struct acpi *acpi)
{
    char name[8];

    snprintf(name, sizeof(name), "VR%02X", acpi->virtio & 0xff);
    device_acpi_begin(dev, &acpi->dsdt, name, "LNRO0005", acpi->virtio++);
    aml_name_int(&acpi->dsdt, "_CCA", 1);
    aml_end(&acpi->dsdt);
}

static const struct mem_io_ops io_ops = {io_read, io_write};

static const struct device_ops ops = {
    .name = "virtio-mmio",
    .reset = reset,
    .destroy = destroy,
    .describe = describe,
    .describe_acpi = describe_acpi,
    .io = {&io_ops},
};

static struct device *create(struct virtio *v, bool legacy)
{
    struct virtio_mmio *m = calloc(1, sizeof(*m));

    if (!m) {
        if (v)
            v->type->destroy(v);
        return NULL;
    }
    m->dev.ops = &ops;
    m->v = v;
    m->legacy = legacy;
    m->page_size = m->queue_align = 4096;
    if (v) {
        v->interrupt = interrupt;
        v->interrupt_ctx = m;
    }
    return &m->dev;
}

struct device *virtio_mmio_create(struct virtio *v, bool legacy)
{
    return v ? create(v, legacy) : NULL;
}

struct device *virtio_mmio_blk_create(struct blk *blk, const char *serial, bool legacy)
{
    return virtio_mmio_create(virtio_blk_create(blk, serial, legacy), legacy);
}

struct device *virtio_mmio_net_create(struct net *net, const unsigned char mac[6], bool legacy)
{
    return virtio_mmio_create(virtio_net_create(net, mac, legacy), legacy);
}

struct device *virtio_mmio_console_create(struct chr *chr, bool legacy)
{
    return virtio_mmio_create(virtio_console_create(chr, legacy), legacy);
}

struct device *virtio_mmio_rng_create(bool legacy)
{
    return virtio_mmio_create(virtio_rng_create(legacy), legacy);
}

struct device *virtio_mmio_empty_create(bool legacy)
{
    return create(NULL, legacy);
}
