/* SPDX-License-Identifier: Apache-2.0 */
/* DSDT (ACPI 6.3, 5.2.11.1): the namespace that the devices have written, and the processors. */
#include "machine/fw/acpi/tables.h"

enum { REVISION = 2 /* integers have 64 bits */ };

void acpi_cpus(struct acpi *acpi, unsigned cpus)
{
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        aml_device(&acpi->dsdt, "C%03X", cpu);
        aml_name_string(&acpi->dsdt, "_HID", "ACPI0007");
        aml_name_int(&acpi->dsdt, "_UID", cpu);
        aml_end(&acpi->dsdt);
    }
}

size_t acpi_write_dsdt(struct acpi_writer *writer, struct acpi *acpi)
{
    struct aml *aml = &acpi->dsdt;
    aml_end(aml);
    acpi_begin(writer, "DSDT", REVISION);
    if (aml_check(aml) == 0)
        blob_put(&writer->files->tables, aml->code.data, aml->code.size);
    return acpi_end(writer);
}
