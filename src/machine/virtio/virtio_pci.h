/* SPDX-License-Identifier: Apache-2.0 */
/* virtio devices as PCI functions. */
#ifndef ARMVM_MACHINE_VIRTIO_VIRTIO_PCI_H
#define ARMVM_MACHINE_VIRTIO_VIRTIO_PCI_H

#include <stdbool.h>

struct pci_function;
struct virtio;

/* Puts a device, made with legacy = false, behind a PCI function, which owns it from here on (also
 * on error). transitional: drivers of virtio 0.9.5 find it too, through an I/O BAR. NULL when out
 * of memory, or if v is NULL. */
struct pci_function *virtio_pci_create(struct virtio *v, bool transitional);

#endif
