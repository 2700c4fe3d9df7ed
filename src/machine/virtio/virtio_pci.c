/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio over PCI (virtio 1.2, 4.1): a 64-bit BAR with the common configuration, the interrupt
 * status, the device's configuration and the queues' doorbells; MSI-X in a BAR of its own; the
 * legacy interface (virtio_pci_legacy.c) in an I/O BAR of transitional devices.
 */
#include "machine/virtio/virtio_pci_impl.h"

#include <stdlib.h>

#include "base/bits.h"

/* common configuration (4.1.4.3) */
enum {
    DeviceFeatureSelect = 0,
    DeviceFeature = 4,
    DriverFeatureSelect = 8,
    DriverFeature = 12,
    ConfigMsixVector = 16,
    NumQueues = 18,
    DeviceStatus = 20,
    ConfigGeneration = 21,
    QueueSelect = 22,
    QueueSize = 24,
    QueueMsixVector = 26,
    QueueEnable = 28,
    QueueNotifyOff = 30,
    QueueDesc = 32,
    QueueDriver = 40,
    QueueDevice = 48,
    COMMON_BYTES = 56,
};

/* The modern BAR. A page each, so that each can be mapped by itself. */
enum {
    COMMON = 0x0000,
    ISR = 0x1000,
    DEVICE = 0x2000,
    NOTIFY = 0x3000,
    AREA = 0x1000,
    MODERN_BYTES = 0x4000,
    NOTIFY_MULTIPLIER = 4,
};

/* Structures (4.1.4) and the offsets in a capability. */
enum { CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_PCI = 5 };
enum {
    CAP_LEN = 2,
    CFG_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_BYTES = 16,
    CAP_EXTRA = 16, /* notify_off_multiplier, pci_cfg_data */
};

enum { VENDOR = 0x1af4, MODERN_IDS = 0x1040, MODERN_SUBSYSTEM = 0x1100 };

/* --- shared with the legacy interface --------------------------------------------------------*/

struct virtq *virtio_pci_selected(struct virtio_pci *p)
{
    return p->queue_select < p->v->type->queues ? &p->v->queue[p->queue_select] : NULL;
}

void virtio_pci_use_interface(struct virtio_pci *p, bool legacy)
{
    struct virtio *v = p->v;
    if (v->legacy == legacy || v->status || v->resetting)
        return;
    for (unsigned i = 0; i < v->type->queues; i++)
        if (v->queue[i].active)
            return;
    virtio_set_interface(v, legacy);
}

uint8_t virtio_pci_read_isr(struct virtio_pci *p)
{
    uint8_t isr = p->isr;
    if (isr) {
        p->isr = 0;
        pci_set_intx(&p->pci, false);
    }
    return isr;
}

uint16_t virtio_pci_vector(const struct virtio_pci *p, uint64_t asked)
{
    return asked < p->pci.msix.vectors ? (uint16_t)asked : VIRTIO_MSI_NO_VECTOR;
}

static void reset_registers(struct virtio_pci *p)
{
    p->device_feature_select = p->driver_feature_select = 0;
    p->queue_select = 0;
    p->config_vector = VIRTIO_MSI_NO_VECTOR;
    for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
        p->queue_vector[i] = VIRTIO_MSI_NO_VECTOR;
    virtio_pci_read_isr(p);
}

void virtio_pci_set_status(struct virtio_pci *p, uint8_t status)
{
    virtio_set_status(p->v, status);
    if (!status)
        reset_registers(p);
}

/* Called by the device. */
static void interrupt(void *ctx, unsigned bits, unsigned queue)
{
    struct virtio_pci *p = ctx;
    if (pci_msix_enabled(&p->pci)) {
        if (bits & VIRTIO_INT_QUEUE)
            pci_msix_notify(&p->pci, p->queue_vector[queue]);
        if (bits & VIRTIO_INT_CONFIG)
            pci_msix_notify(&p->pci, p->config_vector);
        return;
    }
    uint8_t before = p->isr;
    p->isr |= (uint8_t)bits;
    if (!before)
        pci_set_intx(&p->pci, true);
}

/* --- common configuration --------------------------------------------------------------------*/

static uint64_t read_queue(struct virtio_pci *p, uint64_t offset)
{
    const struct virtq *q = virtio_pci_selected(p);
    if (!q)
        return offset == QueueMsixVector ? VIRTIO_MSI_NO_VECTOR : 0;
    switch (offset) {
    case QueueSize:
        return q->size;
    case QueueMsixVector:
        return p->queue_vector[p->queue_select];
    case QueueEnable:
        return q->active;
    case QueueNotifyOff:
        return p->queue_select;
    case QueueDesc:
        return q->desc;
    case QueueDriver:
        return q->avail;
    case QueueDevice:
        return q->used;
    default:
        return 0;
    }
}

/* How wide a field is; 0 where none begins. */
static unsigned field_size(uint64_t offset)
{
    if (offset <= DriverFeature)
        return offset % 4 ? 0 : 4;
    if (offset == DeviceStatus || offset == ConfigGeneration)
        return 1;
    if (offset < QueueDesc)
        return offset % 2 ? 0 : 2;
    return offset < COMMON_BYTES && offset % 8 == 0 ? 8 : 0;
}

static uint64_t read_field(struct virtio_pci *p, uint64_t offset)
{
    const struct virtio *v = p->v;
    switch (offset) {
    case DeviceFeatureSelect:
        return p->device_feature_select;
    case DeviceFeature:
        return p->device_feature_select > 1
                   ? 0
                   : (uint32_t)(v->offered >> (32 * p->device_feature_select));
    case DriverFeatureSelect:
        return p->driver_feature_select;
    case DriverFeature:
        return p->driver_feature_select > 1
                   ? 0
                   : (uint32_t)(v->accepted >> (32 * p->driver_feature_select));
    case ConfigMsixVector:
        return p->config_vector;
    case NumQueues:
        return v->type->queues;
    case DeviceStatus:
        return v->status;
    case ConfigGeneration:
        return (uint8_t)v->generation;
    case QueueSelect:
        return p->queue_select;
    default:
        return read_queue(p, offset);
    }
}

/* Fields are read as they are wide; the long ones also in halves (4.1.3.1). */
static uint64_t common_read(struct virtio_pci *p, uint64_t offset, unsigned size)
{
    uint64_t start = offset >= QueueDesc ? align_down(offset, 8) : offset;
    unsigned width = field_size(start);
    if (size != width && !(width == 8 && size == 4))
        return 0;
    virtio_pci_use_interface(p, false);
    return read_field(p, start) >> (8 * (offset - start)) & ones(8 * size);
}

static void write_address(uint64_t *address, uint64_t offset, unsigned size, uint64_t value)
{
    uint64_t mask = ones(8 * size) << (8 * (offset % 8));
    *address = (*address & ~mask) | (value << (8 * (offset % 8)) & mask);
}

/* Registers of the selected queue. While it is active its size and place are frozen. */
static void write_queue(struct virtio_pci *p, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtq *q = virtio_pci_selected(p);
    if (!q)
        return;
    if (offset == QueueMsixVector)
        p->queue_vector[p->queue_select] = virtio_pci_vector(p, value);
    if (q->active || p->v->resetting)
        return;
    if (offset == QueueEnable && value == 1)
        virtio_queue_start(p->v, p->queue_select);
    else if (offset == QueueSize)
        q->size = (unsigned)value;
    else if (align_down(offset, 8) == QueueDesc)
        write_address(&q->desc, offset, size, value);
    else if (align_down(offset, 8) == QueueDriver)
        write_address(&q->avail, offset, size, value);
    else if (align_down(offset, 8) == QueueDevice)
        write_address(&q->used, offset, size, value);
}

static void common_write(struct virtio_pci *p, uint64_t offset, unsigned size, uint64_t value)
{
    unsigned width = field_size(offset >= QueueDesc ? align_down(offset, 8) : offset);
    if (size != width && !(width == 8 && size == 4))
        return;
    virtio_pci_use_interface(p, false);
    /* The driver speaks the other interface: this one is closed to it until a reset. */
    if (p->v->legacy && offset != DeviceStatus)
        return;
    switch (offset) {
    case DeviceFeatureSelect:
        p->device_feature_select = (uint32_t)value;
        break;
    case DriverFeatureSelect:
        p->driver_feature_select = (uint32_t)value;
        break;
    case DriverFeature:
        virtio_accept(p->v, p->driver_feature_select, (uint32_t)value);
        break;
    case ConfigMsixVector:
        p->config_vector = virtio_pci_vector(p, value);
        break;
    case DeviceStatus:
        virtio_pci_set_status(p, (uint8_t)value);
        break;
    case QueueSelect:
        p->queue_select = (uint16_t)value;
        break;
    default:
        write_queue(p, offset, size, value);
    }
}

/* --- the BAR ---------------------------------------------------------------------------------*/

static uint64_t modern_read(struct pci_function *f, uint64_t offset, unsigned size)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    uint64_t value = 0;
    pthread_mutex_lock(&p->v->lock);
    if (offset < COMMON + AREA)
        value = common_read(p, offset - COMMON, size);
    else if (offset == ISR)
        value = virtio_pci_read_isr(p);
    else if (offset >= DEVICE && offset < DEVICE + AREA)
        value = virtio_config_read(p->v, offset - DEVICE, size);
    pthread_mutex_unlock(&p->v->lock);
    return value;
}

static void modern_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    pthread_mutex_lock(&p->v->lock);
    if (offset >= NOTIFY)
        virtio_notify(p->v, (unsigned)(offset - NOTIFY) / NOTIFY_MULTIPLIER);
    else if (offset < COMMON + AREA)
        common_write(p, offset - COMMON, size, value);
    else if (offset >= DEVICE)
        virtio_config_write(p->v, offset - DEVICE, size, value);
    pthread_mutex_unlock(&p->v->lock);
}

static const struct pci_bar_ops modern_ops = {modern_read, modern_write};

/* --- configuration space ---------------------------------------------------------------------*/

static void add_structure(struct pci_function *f, unsigned type, uint32_t offset, uint32_t length)
{
    unsigned size = type == CAP_NOTIFY ? CAP_BYTES + 4 : CAP_BYTES;
    unsigned at = pci_add_capability(f, PCI_CAP_VENDOR, size);
    if (!at)
        return;
    f->config[at + CAP_LEN] = (uint8_t)size;
    f->config[at + CFG_TYPE] = (uint8_t)type;
    f->config[at + CAP_BAR] = BAR_MODERN;
    st_le(f->config + at + CAP_OFFSET, 4, offset);
    st_le(f->config + at + CAP_LENGTH, 4, length);
    if (type == CAP_NOTIFY)
        st_le(f->config + at + CAP_EXTRA, 4, NOTIFY_MULTIPLIER);
}

/* A window into the BAR for firmware that cannot map it (4.1.4.9). */
static unsigned add_access(struct pci_function *f)
{
    unsigned at = pci_add_capability(f, PCI_CAP_VENDOR, CAP_BYTES + 4);
    if (!at)
        return 0;
    f->config[at + CAP_LEN] = CAP_BYTES + 4;
    f->config[at + CFG_TYPE] = CAP_PCI;
    f->writable[at + CAP_BAR] = 0xff;
    st_le(f->writable + at + CAP_OFFSET, 8, ~0ull); /* and CAP_LENGTH */
    st_le(f->writable + at + CAP_EXTRA, 4, ~0ull);
    return at;
}

/* Where the window points to, if an access to configuration space touches its data. */
static bool window(const struct virtio_pci *p, unsigned offset, unsigned size, uint32_t *at,
                   unsigned *length)
{
    const uint8_t *cap = p->pci.config + p->cfg_cap;
    unsigned data = p->cfg_cap + CAP_EXTRA;
    if (!p->cfg_cap || offset >= data + 4 || offset + size <= data || cap[CAP_BAR] != BAR_MODERN)
        return false;
    *at = (uint32_t)ld_le(cap + CAP_OFFSET, 4);
    *length = (unsigned)ld_le(cap + CAP_LENGTH, 4);
    return (*length == 1 || *length == 2 || *length == 4) && *at % *length == 0 &&
           *at < MODERN_BYTES;
}

static void config_read(struct pci_function *f, unsigned offset, unsigned size)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    uint32_t at;
    unsigned length;
    if (window(p, offset, size, &at, &length))
        st_le(f->config + p->cfg_cap + CAP_EXTRA, 4, modern_read(f, at, length));
}

static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    uint32_t at;
    unsigned length;
    if (window(p, offset, size, &at, &length))
        modern_write(f, at, length, ld_le(f->config + p->cfg_cap + CAP_EXTRA, length));
}

static void mastering(struct pci_function *f, bool on)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    pthread_mutex_lock(&p->v->lock);
    virtio_set_dma(p->v, on);
    pthread_mutex_unlock(&p->v->lock);
}

/* --- life ------------------------------------------------------------------------------------*/

static void reset(struct pci_function *f)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    pthread_mutex_lock(&p->v->lock);
    p->v->mem = f->mem;
    p->v->trace = f->trace;
    virtio_reset(p->v);
    virtio_set_interface(p->v, false);
    reset_registers(p);
    pthread_mutex_unlock(&p->v->lock);
}

static void destroy(struct pci_function *f)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    p->v->type->destroy(p->v);
    pci_fini(f);
    free(p);
}

static const struct pci_function_ops ops = {
    .name = "virtio-pci",
    .reset = reset,
    .destroy = destroy,
    .config_read = config_read,
    .config_written = config_written,
    .mastering = mastering,
};

/* Class codes as drivers and people expect them, by virtio device ID. */
static uint32_t class_code(uint32_t id)
{
    static const uint32_t codes[] = {[1] = 0x020000, [2] = 0x010000, [3] = 0x078000};
    return id < ARRAY_SIZE(codes) && codes[id] ? codes[id] : 0x00ff00;
}

/* Transitional devices have IDs of their own (4.1.2), by virtio device ID. */
static uint16_t transitional_id(uint32_t id)
{
    static const uint16_t ids[] = {[1] = 0x1000, [2] = 0x1001, [3] = 0x1003, [4] = 0x1005};
    return id < ARRAY_SIZE(ids) ? ids[id] : 0;
}

static void init(struct virtio_pci *p, bool transitional)
{
    uint32_t id = p->v->type->id;
    struct pci_ids ids = {
        .vendor = VENDOR,
        .device = (uint16_t)(MODERN_IDS + id),
        .subsystem_vendor = VENDOR,
        .subsystem = MODERN_SUBSYSTEM,
        .class_code = class_code(id),
        .revision = 1,
    };
    if (transitional) {
        ids.device = transitional_id(id);
        ids.subsystem = (uint16_t)id;
        ids.revision = 0;
    }
    pci_init(&p->pci, &ops, &ids);
    pci_add_intx(&p->pci);
    if (transitional)
        pci_add_bar(&p->pci, BAR_LEGACY, PCI_BAR_IO, LEGACY_BYTES, &virtio_pci_legacy_ops);
    pci_add_bar(&p->pci, BAR_MODERN, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, MODERN_BYTES, &modern_ops);
    pci_add_msix(&p->pci, BAR_MSIX, p->v->type->queues + 1);
    pci_add_express(&p->pci);
    add_structure(&p->pci, CAP_COMMON, COMMON, COMMON_BYTES);
    add_structure(&p->pci, CAP_NOTIFY, NOTIFY, p->v->type->queues * NOTIFY_MULTIPLIER);
    add_structure(&p->pci, CAP_ISR, ISR, 1);
    if (p->v->config_size)
        add_structure(&p->pci, CAP_DEVICE, DEVICE, p->v->config_size);
    p->cfg_cap = add_access(&p->pci);
}

struct pci_function *virtio_pci_create(struct virtio *v, bool transitional)
{
    struct virtio_pci *p = v ? calloc(1, sizeof(*p)) : NULL;
    if (!p) {
        if (v)
            v->type->destroy(v);
        return NULL;
    }
    p->v = v;
    v->interrupt = interrupt;
    v->interrupt_ctx = p;
    init(p, transitional && transitional_id(v->type->id));
    return &p->pci;
}
