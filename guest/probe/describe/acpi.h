/* SPDX-License-Identifier: Apache-2.0 */
/* ACPI tables (ACPI 6.5, chapter 5), as far as the machine is described by static ones. */
#ifndef PROBE_ACPI_H
#define PROBE_ACPI_H

#include "base/base.h"

enum { ACPI_TABLES = 64, ACPI_HEADER = 36, ACPI_SIZE_MAX = 16 << 20 };

struct acpi {
    u32 tables;
    const u8 *table[ACPI_TABLES]; /* all that the XSDT names, and the DSDT; whole, sums checked */
};

/* Reads RSDP and XSDT and checks every table; tells each problem. False: not usable at all. */
bool acpi_open(struct acpi *acpi, const void *rsdp, void (*bad)(const char *text));
/* The first of that signature, at least so long; NULL: none. */
const u8 *acpi_find(const struct acpi *acpi, const char *signature, u32 least);
static inline u32 acpi_length(const u8 *table)
{
    return le32(table + 4);
}

#endif
