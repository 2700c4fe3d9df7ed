/* SPDX-License-Identifier: Apache-2.0 */
/* Where a PCI Express host bridge is in the machine's physical address space: the one record that
 * mapping, device tree and ACPI tables read. */
#ifndef ARMVM_MACHINE_PCI_WINDOWS_H
#define ARMVM_MACHINE_PCI_WINDOWS_H

#include <stdint.h>

/* Memory windows show the same addresses on the bus; the I/O window shows port 0 at its start.
 * INTA# to INTD# of device 0 are intx_spi and the three SPIs after it. */
struct pci_windows {
    uint64_t ecam, ecam_size;
    uint64_t pio, pio_size;
    uint64_t mmio32, mmio32_size;
    uint64_t mmio64, mmio64_size;
    uint32_t intx_spi;
    unsigned buses;
};

#endif
