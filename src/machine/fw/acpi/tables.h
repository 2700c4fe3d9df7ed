/* SPDX-License-Identifier: Apache-2.0 */
/* The tables among themselves: each group of tables is a file and writes itself here. */
#ifndef ARMVM_MACHINE_FW_ACPI_TABLES_H
#define ARMVM_MACHINE_FW_ACPI_TABLES_H

#include "machine/fw/acpi/acpi.h"

enum { ACPI_HEADER_SIZE = 36, ACPI_TABLE_ALIGN = 16, ACPI_MAX_TABLES = 16 };

struct acpi_writer {
    struct acpi_files *files;
    size_t start;                   /* of the open table */
    size_t listed[ACPI_MAX_TABLES]; /* offsets of the tables that XSDT names */
    unsigned count;
};

/* Opens a table at a 16-byte boundary of files->tables: header (5.2.6) without length. */
void acpi_begin(struct acpi_writer *writer, const char *signature, unsigned revision);
/* Appends to the open table. */
void acpi_put(struct acpi_writer *writer, unsigned size, uint64_t value);
void acpi_put_zeros(struct acpi_writer *writer, size_t size);
/* A system memory address as a Generic Address Structure (5.2.3.2), accessed in 32 bits. */
void acpi_put_register(struct acpi_writer *writer, uint64_t address);
/* The 64-bit address of what is at an offset of files->tables. */
void acpi_put_pointer(struct acpi_writer *writer, size_t target);
/* Bytes of the open table so far: the next one's offset in it. */
size_t acpi_offset(const struct acpi_writer *writer);
/* Closes the table: length and checksum. Returns where it is. */
size_t acpi_end(struct acpi_writer *writer);
/* The same, and lists it in XSDT. */
void acpi_end_listed(struct acpi_writer *writer);

size_t acpi_write_dsdt(struct acpi_writer *writer, struct acpi *acpi);
void acpi_write_fadt(struct acpi_writer *writer, size_t dsdt);
void acpi_write_madt(struct acpi_writer *writer, const struct acpi *acpi);
void acpi_write_gtdt(struct acpi_writer *writer, const struct acpi *acpi);
void acpi_write_pptt(struct acpi_writer *writer, const struct acpi *acpi);
void acpi_write_mcfg(struct acpi_writer *writer, const struct acpi *acpi);
void acpi_write_iort(struct acpi_writer *writer, const struct acpi *acpi);
void acpi_write_spcr(struct acpi_writer *writer, const struct acpi *acpi);
void acpi_write_dbg2(struct acpi_writer *writer, const struct acpi *acpi);

#endif
