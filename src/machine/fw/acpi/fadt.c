/* SPDX-License-Identifier: Apache-2.0 */
/* FADT (ACPI 6.3, 5.2.9): hardware-reduced, so that nearly all of it is 0; power states, reset and
 * the start of CPUs go through PSCI. */
#include "machine/fw/acpi/tables.h"

enum { REVISION = 6, MINOR_REVISION = 3, SIZE = 276 };
enum { FLAGS = 112, ARM_BOOT_ARCH = 129, X_DSDT = 140, HYPERVISOR = 268 };
enum { HW_REDUCED_ACPI = 1 << 20 };
enum { PSCI_COMPLIANT = 1, PSCI_USE_HVC = 2 };

static void skip_to(struct acpi_writer *writer, size_t offset)
{
    acpi_put_zeros(writer, offset - acpi_offset(writer));
}

void acpi_write_fadt(struct acpi_writer *writer, size_t dsdt)
{
    acpi_begin(writer, "FACP", REVISION);
    skip_to(writer, FLAGS);
    acpi_put(writer, 4, HW_REDUCED_ACPI);
    skip_to(writer, ARM_BOOT_ARCH);
    acpi_put(writer, 2, PSCI_COMPLIANT | PSCI_USE_HVC);
    acpi_put(writer, 1, MINOR_REVISION);
    skip_to(writer, X_DSDT);
    acpi_put_pointer(writer, dsdt);
    skip_to(writer, HYPERVISOR);
    blob_text(&writer->files->tables, 8, "armvm", 0);
    skip_to(writer, SIZE);
    acpi_end_listed(writer);
}
