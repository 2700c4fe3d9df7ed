/* SPDX-License-Identifier: Apache-2.0 */
/* The PCI transport's two interfaces among themselves; v->lock is held. */
#ifndef ARMVM_MACHINE_VIRTIO_VIRTIO_PCI_IMPL_H
#define ARMVM_MACHINE_VIRTIO_VIRTIO_PCI_IMPL_H

#include "machine/pci/pci.h"
#include "machine/virtio/virtio.h"
#include "machine/virtio/virtio_pci.h"

enum { VIRTIO_MSI_NO_VECTOR = 0xffff };

/* BARs. */
enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4, LEGACY_BYTES = 128 };

struct virtio_pci {
    struct pci_function pci;
    struct virtio *v;
    unsigned cfg_cap; /* offset of VIRTIO_PCI_CAP_PCI_CFG */

    /* Under v->lock. */
    uint32_t device_feature_select, driver_feature_select;
    uint16_t queue_select;
    uint8_t isr;
    uint16_t config_vector, queue_vector[VIRTIO_MAX_QUEUES];
};

/* The selected queue, or NULL. */
struct virtq *virtio_pci_selected(struct virtio_pci *p);
/* The driver speaks this interface, if it may still choose. */
void virtio_pci_use_interface(struct virtio_pci *p, bool legacy);
/* Reads and clears the interrupt status. */
uint8_t virtio_pci_read_isr(struct virtio_pci *p);
void virtio_pci_set_status(struct virtio_pci *p, uint8_t status);
/* What a vector register becomes: a vector that does not exist is none (4.1.5.1.2.1). */
uint16_t virtio_pci_vector(const struct virtio_pci *p, uint64_t asked);

extern const struct pci_bar_ops virtio_pci_legacy_ops;

#endif
