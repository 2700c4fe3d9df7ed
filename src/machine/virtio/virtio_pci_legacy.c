/* SPDX-License-Identifier: Apache-2.0 */
/* The legacy interface of transitional virtio PCI devices (virtio 1.2, 4.1.4.10): registers in an
 * I/O BAR, the device's configuration after them. */
#include "machine/virtio/virtio_pci_impl.h"

#include "base/bits.h"

enum {
    DeviceFeatures = 0,
    DriverFeatures = 4,
    QueueAddress = 8, /* in pages */
    QueueSize = 12,
    QueueSelect = 14,
    QueueNotify = 16,
    DeviceStatus = 18,
    ISRStatus = 19,
    ConfigMsixVector = 20, /* these two only while MSI-X is enabled */
    QueueMsixVector = 22,
    PAGE = 4096,
};

static unsigned config_offset(const struct virtio_pci *p)
{
    return pci_msix_enabled(&p->pci) ? 24 : 20;
}

/* How wide the register is that begins at an offset; 0 where none does. */
static unsigned register_size(uint64_t offset)
{
    switch (offset) {
    case DeviceFeatures:
    case DriverFeatures:
    case QueueAddress:
        return 4;
    case DeviceStatus:
    case ISRStatus:
        return 1;
    default:
        return offset % 2 ? 0 : 2;
    }
}

static uint64_t read_register(struct virtio_pci *p, uint64_t offset)
{
    const struct virtio *v = p->v;
    const struct virtq *q = virtio_pci_selected(p);
    switch (offset) {
    case DeviceFeatures:
        return (uint32_t)v->offered;
    case DriverFeatures:
        return (uint32_t)v->accepted;
    case QueueAddress:
        return q && q->active ? (uint32_t)(q->desc / PAGE) : 0;
    case QueueSize:
        return q ? q->max : 0;
    case QueueSelect:
        return p->queue_select;
    case DeviceStatus:
        return v->status;
    case ISRStatus:
        return virtio_pci_read_isr(p);
    case ConfigMsixVector:
        return p->config_vector;
    case QueueMsixVector:
        return q ? p->queue_vector[p->queue_select] : VIRTIO_MSI_NO_VECTOR;
    default:
        return 0;
    }
}

/* An address other than 0 puts the queue into use, 0 takes it away. */
static void write_address(struct virtio_pci *p, uint32_t page)
{
    struct virtq *q = virtio_pci_selected(p);
    if (!q || p->v->resetting)
        return;
    if (!page) {
        virtio_queue_stop(p->v, p->queue_select);
    } else if (!q->active) {
        q->size = q->max;
        virtq_set_legacy(q, (uint64_t)page * PAGE, PAGE);
        virtio_queue_start(p->v, p->queue_select);
    }
}

static void write_register(struct virtio_pci *p, uint64_t offset, uint64_t value)
{
    switch (offset) {
    case DriverFeatures:
        virtio_accept(p->v, 0, (uint32_t)value);
        break;
    case QueueAddress:
        write_address(p, (uint32_t)value);
        break;
    case QueueSelect:
        p->queue_select = (uint16_t)value;
        break;
    case QueueNotify:
        virtio_notify(p->v, (unsigned)value);
        break;
    case DeviceStatus:
        virtio_pci_set_status(p, (uint8_t)value);
        break;
    case ConfigMsixVector:
        p->config_vector = virtio_pci_vector(p, value);
        break;
    case QueueMsixVector:
        if (virtio_pci_selected(p))
            p->queue_vector[p->queue_select] = virtio_pci_vector(p, value);
        break;
    default:
        break;
    }
}

static uint64_t legacy_read(struct pci_function *f, uint64_t offset, unsigned size)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    uint64_t value = 0;
    pthread_mutex_lock(&p->v->lock);
    virtio_pci_use_interface(p, true);
    if (offset >= config_offset(p))
        value = virtio_config_read(p->v, offset - config_offset(p), size);
    else if (size == register_size(offset))
        value = read_register(p, offset);
    pthread_mutex_unlock(&p->v->lock);
    return value;
}

static void legacy_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_pci *p = (struct virtio_pci *)f;
    pthread_mutex_lock(&p->v->lock);
    virtio_pci_use_interface(p, true);
    /* A driver of the other interface may reset the device here, no more. */
    bool open = p->v->legacy || (offset == DeviceStatus && value == 0);
    if (open && offset >= config_offset(p))
        virtio_config_write(p->v, offset - config_offset(p), size, value);
    else if (open && size == register_size(offset))
        write_register(p, offset, value);
    pthread_mutex_unlock(&p->v->lock);
}

const struct pci_bar_ops virtio_pci_legacy_ops = {legacy_read, legacy_write};
