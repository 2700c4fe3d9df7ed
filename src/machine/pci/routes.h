/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which BAR an address belongs to. Looked up on every access to a device, on any thread, without a
 * lock; replaced as a whole when a BAR moves. There are two copies: a new table is written into
 * the one not in use, then the version goes up. A reader that sees another version afterwards
 * looks again; it never waits for a writer.
 */
#ifndef ARMVM_MACHINE_PCI_ROUTES_H
#define ARMVM_MACHINE_PCI_ROUTES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pci_bar;

enum { PCI_ROUTES_MAX = 6 * 256 /* every BAR of every function of a bus */ };

struct pci_route {
    atomic_uint_least64_t first, last;
    _Atomic(struct pci_bar *) bar;
};

struct pci_routes {
    atomic_uint version; /* its bit 0 is the copy in use */
    struct {
        atomic_uint count;
        struct pci_route route[PCI_ROUTES_MAX]; /* sorted, disjoint */
    } copy[2];
};

/* A table in the making, by one thread at a time: begin, add, publish. */
struct pci_routes_edit {
    struct pci_routes *routes;
    unsigned copy, count;
};
void pci_routes_begin(struct pci_routes *routes, struct pci_routes_edit *edit);
/* Adds [first, last] unless it overlaps what was added before: who comes first wins. */
void pci_routes_add(struct pci_routes_edit *edit, uint64_t first, uint64_t last,
                    struct pci_bar *bar);
void pci_routes_publish(struct pci_routes_edit *edit);

/* The BAR at an address, and the offset into it; or NULL. */
struct pci_bar *pci_routes_find(struct pci_routes *routes, uint64_t address, uint64_t *offset);

#endif
