/* SPDX-License-Identifier: Apache-2.0 */
#include "describe/acpi.h"

enum { RSDP_SIZE = 36 };

static bool sums_to_zero(const u8 *at, u32 size)
{
    u8 sum = 0;

    while (size--)
        sum = (u8)(sum + *at++);
    return !sum;
}

static void signature(char text[5], const u8 *table)
{
    memcpy(text, table, 4);
    text[4] = 0;
}

static void tell(void (*bad)(const char *text), const char *name, const char *what)
{
    char text[80];

    format(text, sizeof(text), "%s: %s", name, what);
    bad(text);
}

static bool whole(const u8 *table, void (*bad)(const char *text))
{
    char name[5];

    if (!table) {
        bad("a table's address is 0");
        return false;
    }
    signature(name, table);
    if (acpi_length(table) < ACPI_HEADER || acpi_length(table) > ACPI_SIZE_MAX) {
        tell(bad, name, "its length is impossible");
        return false;
    }
    if (!sums_to_zero(table, acpi_length(table))) {
        tell(bad, name, "its checksum is wrong");
        return false;
    }
    return true;
}

static void add(struct acpi *acpi, const u8 *table, void (*bad)(const char *text))
{
    if (acpi->tables < ACPI_TABLES && whole(table, bad))
        acpi->table[acpi->tables++] = table;
}

bool acpi_open(struct acpi *acpi, const void *data, void (*bad)(const char *text))
{
    const u8 *rsdp = data, *xsdt, *fadt;
    u64 dsdt;

    acpi->tables = 0;
    if (memcmp(rsdp, "RSD PTR ", 8) || rsdp[15] < 2 || le32(rsdp + 20) < RSDP_SIZE) {
        bad("RSDP: no signature, or a revision below 2");
        return false;
    }
    if (!sums_to_zero(rsdp, 20) || !sums_to_zero(rsdp, RSDP_SIZE))
        bad("RSDP: a checksum is wrong");
    xsdt = (const u8 *)(uptr)le64(rsdp + 24);
    if (!whole(xsdt, bad) || memcmp(xsdt, "XSDT", 4)) {
        bad("there is no XSDT");
        return false;
    }
    for (u32 at = ACPI_HEADER; at + 8 <= acpi_length(xsdt); at += 8)
        add(acpi, (const u8 *)(uptr)le64(xsdt + at), bad);
    fadt = acpi_find(acpi, "FACP", 148);
    if (fadt) {
        dsdt = le64(fadt + 140); /* X_DSDT */
        add(acpi, (const u8 *)(uptr)(dsdt ? dsdt : le32(fadt + 40)), bad);
    }
    return true;
}

const u8 *acpi_find(const struct acpi *acpi, const char *signature, u32 least)
{
    for (u32 i = 0; i < acpi->tables; i++)
        if (!memcmp(acpi->table[i], signature, 4) && acpi_length(acpi->table[i]) >= least)
            return acpi->table[i];
    return NULL;
}
