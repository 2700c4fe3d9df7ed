/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generic PCI Express host bridge: configuration space through ECAM (PCIe 7.2.2), windows into
 * the bus's I/O and memory space, four INTx lines. MMIO windows: ECAM, I/O, 32-bit memory, 64-bit
 * memory; interrupts: INTA# to INTD# of device 0, whom the other devices follow in turns.
 */
#ifndef ARMVM_MACHINE_PCI_HOST_H
#define ARMVM_MACHINE_PCI_HOST_H

#include "machine/dev/device.h"
#include "machine/dev/msi.h"
#include "machine/pci/windows.h"

struct error;
struct pci_function;

enum { PCI_HOST_SLOTS = 31 /* devices 1 to 31; device 0 is the bridge's own */ };

struct pci_host_config {
    struct pci_windows windows;
    struct msi_sink msi;   /* send is NULL: functions get no MSI-X */
    bool msi_by_requester; /* the sink tells devices apart by their requester ID, as an ITS does */
};

/* Sets its own resources. NULL when out of memory. */
struct device *pci_host_create(const struct pci_host_config *config);

/* Puts a function (NULL: out of memory) in as function 0 of a device, 1 to 31, on the root bus.
 * The bridge must be mapped already; it owns the function from here on, also on error. PEs stand
 * still. */
int pci_host_add(struct device *host, unsigned device, struct pci_function *f, struct error *err);

#endif
