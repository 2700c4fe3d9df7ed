/* SPDX-License-Identifier: Apache-2.0 */
/* MADT (ACPI 6.3, 5.2.12): the interrupt controller and its CPU interfaces. */
#include "machine/fw/acpi/tables.h"

enum { REVISION = 5 };
enum {
    TYPE_GICC = 0x0b,
    TYPE_GICD = 0x0c,
    TYPE_MSI_FRAME = 0x0d,
    TYPE_GICR = 0x0e,
    TYPE_ITS = 0x0f,
};
enum { GICC_ENABLED = 1, MSI_SPI_SELECT = 1 };

/* Type, length and the reserved field that all of these structures have. */
static void begin(struct acpi_writer *writer, unsigned type, unsigned length)
{
    acpi_put(writer, 1, type);
    acpi_put(writer, 1, length);
    acpi_put(writer, 2, 0);
}

static void write_gicd(struct acpi_writer *writer, const struct acpi *acpi)
{
    begin(writer, TYPE_GICD, 24);
    acpi_put(writer, 4, 0); /* GIC ID */
    acpi_put(writer, 8, acpi->gic.distributor);
    acpi_put(writer, 4, 0); /* system vector base */
    acpi_put(writer, 1, acpi->gic.version);
    acpi_put(writer, 3, 0);
}

/* 5.2.12.14. No parking protocol, no virtualisation extensions, no SPE. */
static void write_gicc(struct acpi_writer *writer, const struct acpi *acpi, unsigned cpu)
{
    begin(writer, TYPE_GICC, 80);
    acpi_put(writer, 4, cpu); /* CPU interface number */
    acpi_put(writer, 4, cpu); /* ACPI processor UID, of the DSDT */
    acpi_put(writer, 4, GICC_ENABLED);
    acpi_put(writer, 4, 0);              /* parking protocol version */
    acpi_put(writer, 4, acpi->pmu.gsiv); /* performance interrupt, level-triggered */
    acpi_put(writer, 8, 0);              /* parked address */
    acpi_put(writer, 8, acpi->gic.cpu_interface);
    acpi_put(writer, 8, 0); /* GICV */
    acpi_put(writer, 8, 0); /* GICH */
    acpi_put(writer, 4, 0); /* maintenance interrupt */
    acpi_put(writer, 8, 0); /* redistributor: a GICR structure has all */
    acpi_put(writer, 8, acpi->mpidr[cpu]);
    acpi_put(writer, 1, 0); /* efficiency class */
    acpi_put(writer, 1, 0);
    acpi_put(writer, 2, 0); /* SPE overflow interrupt */
}

void acpi_write_madt(struct acpi_writer *writer, const struct acpi *acpi)
{
    acpi_begin(writer, "APIC", REVISION);
    acpi_put(writer, 4, 0); /* local interrupt controller address: a PC's */
    acpi_put(writer, 4, 0);
    write_gicd(writer, acpi);
    for (unsigned cpu = 0; cpu < acpi->cpus; cpu++)
        write_gicc(writer, acpi, cpu);
    if (acpi->gic.version >= 3) {
        begin(writer, TYPE_GICR, 16);
        acpi_put(writer, 8, acpi->gic.redistributors);
        acpi_put(writer, 4, acpi->gic.redistributor_size);
    }
    if (acpi->its) {
        begin(writer, TYPE_ITS, 20);
        acpi_put(writer, 4, 0); /* GIC ITS ID, of IORT */
        acpi_put(writer, 8, acpi->its);
        acpi_put(writer, 4, 0);
    }
    if (acpi->msi_frame.base) {
        begin(writer, TYPE_MSI_FRAME, 24);
        acpi_put(writer, 4, 0); /* GIC MSI frame ID */
        acpi_put(writer, 8, acpi->msi_frame.base);
        acpi_put(writer, 4, MSI_SPI_SELECT); /* count and base are said here */
        acpi_put(writer, 2, acpi->msi_frame.count);
        acpi_put(writer, 2, acpi->msi_frame.first_gsiv);
    }
    acpi_end_listed(writer);
}
