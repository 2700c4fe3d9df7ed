/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about CPUs beside MADT: GTDT (ACPI 6.3, 5.2.24), PPTT (5.2.29). */
#include "machine/fw/acpi/tables.h"

enum { GTDT_REVISION = 3, PPTT_REVISION = 2 };
enum { TIMER_ALWAYS_ON = 4 /* level, active high otherwise */ };
enum { PPTT_PACKAGE = 1, PPTT_ID_VALID = 2, PPTT_LEAF = 8 };

static const uint64_t no_address = UINT64_MAX;

void acpi_write_gtdt(struct acpi_writer *writer, const struct acpi *acpi)
{
    acpi_begin(writer, "GTDT", GTDT_REVISION);
    acpi_put(writer, 8, no_address); /* CntControlBase */
    acpi_put(writer, 4, 0);
    for (unsigned i = 0; i < 4; i++) {
        acpi_put(writer, 4, acpi->timer.gsiv[i]);
        acpi_put(writer, 4, TIMER_ALWAYS_ON);
    }
    acpi_put(writer, 8, no_address); /* CntReadBase */
    acpi_put(writer, 4, 0);          /* platform timers */
    acpi_put(writer, 4, 0);
    acpi_put(writer, 4, 0); /* virtual EL2 timer */
    acpi_put(writer, 4, 0);
    acpi_end_listed(writer);
}

static void write_processor(struct acpi_writer *writer, unsigned flags, size_t parent, unsigned uid)
{
    acpi_put(writer, 1, 0);  /* processor hierarchy node */
    acpi_put(writer, 1, 20); /* length */
    acpi_put(writer, 2, 0);
    acpi_put(writer, 4, flags);
    acpi_put(writer, 4, parent);
    acpi_put(writer, 4, uid);
    acpi_put(writer, 4, 0); /* private resources */
}

/* One package with all cores: what the device tree's cpu-map says. */
void acpi_write_pptt(struct acpi_writer *writer, const struct acpi *acpi)
{
    acpi_begin(writer, "PPTT", PPTT_REVISION);
    size_t package = acpi_offset(writer);
    write_processor(writer, PPTT_PACKAGE, 0, 0);
    for (unsigned cpu = 0; cpu < acpi->cpus; cpu++)
        write_processor(writer, PPTT_ID_VALID | PPTT_LEAF, package, cpu);
    acpi_end_listed(writer);
}
