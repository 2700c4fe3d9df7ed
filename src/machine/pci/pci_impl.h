/* SPDX-License-Identifier: Apache-2.0 */
/* The PCI framework's parts among themselves. */
#ifndef ARMVM_MACHINE_PCI_PCI_IMPL_H
#define ARMVM_MACHINE_PCI_PCI_IMPL_H

#include "machine/dev/msi.h"
#include "machine/pci/pci.h"

/* What a function sees of the bus that it is on. */
struct pci_bus {
    uint8_t number;
    struct msi_sink msi; /* send is NULL: no messages */
    /* BARs or their enables changed. The configuration lock is held. */
    void (*reroute)(struct pci_bus *bus);
    /* A device's pin (0: INTA#) went up or down. The function's lock is held. */
    void (*intx)(struct pci_bus *bus, unsigned device, unsigned pin, bool level);
};

/* Gives a function its place on a bus; then it is as after power-on. */
void pci_attach(struct pci_function *f, struct pci_bus *bus, unsigned devfn, struct mem *mem,
                const struct trace *trace);
/* To the state after power-on. Routes are the caller's to renew. */
void pci_reset(struct pci_function *f);

/* Accesses to configuration space, configuration lock held. offset < 4096, aligned; size 1 to 4. */
uint32_t pci_config_read(struct pci_function *f, unsigned offset, unsigned size);
void pci_config_write(struct pci_function *f, unsigned offset, unsigned size, uint32_t value);

/* The address that a BAR has now, if it has one: decoding is enabled. Configuration lock held. */
bool pci_bar_address(const struct pci_function *f, unsigned n, uint64_t *address);

/* Function's lock held: what the line must be, after anything it depends on changed. */
void pci_update_intx_locked(struct pci_function *f);

/* msix.c. install: if messages have somewhere to go. */
void pci_msix_install(struct pci_function *f);
void pci_msix_reset(struct pci_function *f);
/* Message Control may have been written: configuration lock held. */
void pci_msix_control_written(struct pci_function *f);
/* Function's lock held: sends what may be sent now. */
void pci_msix_flush_locked(struct pci_function *f);

#endif
