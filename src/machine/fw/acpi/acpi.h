/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables (ACPI 6.3, Arm's server base profile) of a machine that has no ACPI hardware, and
 * their way to firmware through fw_cfg.
 *
 * Each device of the machine writes itself into the namespace and notes what the static tables
 * say about it (struct acpi); then acpi_finish makes the tables. Interrupts are GSIVs, that is
 * INTIDs of the GIC.
 */
#ifndef ARMVM_MACHINE_FW_ACPI_ACPI_H
#define ARMVM_MACHINE_FW_ACPI_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/fw/acpi/aml.h"
#include "machine/pci/windows.h"

/* The files' names in fw_cfg. */
#define ACPI_TABLES_FILE "etc/acpi/tables"
#define ACPI_RSDP_FILE   "etc/acpi/rsdp"
#define ACPI_LOADER_FILE "etc/table-loader"

struct acpi {
    struct aml dsdt; /* inside \_SB: where devices are written */

    /* Facts of the static tables; all zero where there is no such device. */
    unsigned cpus;
    const uint64_t *mpidr; /* affinity fields of each; the caller's */
    struct {
        unsigned version; /* 2 or 3 */
        uint64_t distributor;
        uint64_t cpu_interface;                      /* version 2 */
        uint64_t redistributors, redistributor_size; /* version 3: of all */
    } gic;
    uint64_t its; /* its GITS frame */
    struct {
        uint64_t base; /* a GICv2m frame */
        uint16_t first_gsiv, count;
    } msi_frame;
    struct {
        uint32_t gsiv[4]; /* secure physical, physical, virtual, hypervisor's */
    } timer;
    struct {
        uint32_t gsiv; /* overflow interrupt, a PPI */
    } pmu;
    struct {
        uint64_t base;
        uint32_t gsiv;
    } uart;
    struct pci_windows pci;

    unsigned virtio; /* virtio-mmio devices so far: their names and unique numbers */
};

/* What firmware gets. */
struct acpi_files {
    struct blob tables, rsdp, loader;
};

/* Starts the namespace. */
void acpi_init(struct acpi *acpi);
/* All tables; the files are the caller's, to acpi_files_free(). acpi is empty afterwards. 0 or
 * negative errno, nothing left then. */
int acpi_finish(struct acpi *acpi, struct acpi_files *files);
void acpi_discard(struct acpi *acpi);
void acpi_files_free(struct acpi_files *files);

/* The next table in files->tables at *at (0 at first), as a copy with its checksum made good;
 * addresses of other tables are offsets in the file, as firmware has placed nothing yet. False
 * after the last one. The caller frees *table. NULL in *table: out of memory. */
bool acpi_next_table(const struct acpi_files *files, size_t *at, uint8_t **table, size_t *size);

/* --- parts of the namespace that are no device of their own in this program ---*/

/* ACPI0007 processor devices, numbered from 0. */
void acpi_cpus(struct acpi *acpi, unsigned cpus);
/* A PCI Express host bridge, its interrupt links, and the facts for MCFG and IORT. */
void acpi_pci_host(struct acpi *acpi, const struct pci_windows *windows);

#endif
