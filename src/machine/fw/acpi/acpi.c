/* SPDX-License-Identifier: Apache-2.0 */
/* What all tables have, the root tables (ACPI 6.3, 5.2.5 to 5.2.8) and the order of things. */
#include "machine/fw/acpi/acpi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "machine/fw/acpi/loader.h"
#include "machine/fw/acpi/tables.h"

#define OEM_ID       "ARMVM"
#define OEM_TABLE_ID "ARMVM"
#define CREATOR_ID   "ARMV"

enum { OEM_REVISION = 1, HEADER_LENGTH = 4, HEADER_CHECKSUM = 9 };
enum { RSDP_CHECKSUM = 8, RSDP_SIZE_V1 = 20, RSDP_XSDT = 24, RSDP_EXTENDED = 32, RSDP_SIZE = 36 };

/* --- tables ----------------------------------------------------------------------------------*/

void acpi_begin(struct acpi_writer *writer, const char *signature, unsigned revision)
{
    struct blob *tables = &writer->files->tables;
    blob_align(tables, ACPI_TABLE_ALIGN);
    writer->start = tables->size;
    blob_text(tables, 4, signature, 0);
    blob_le(tables, 4, 0); /* length */
    blob_le(tables, 1, revision);
    blob_le(tables, 1, 0); /* checksum */
    blob_text(tables, 6, OEM_ID, ' ');
    blob_text(tables, 8, OEM_TABLE_ID, ' ');
    blob_le(tables, 4, OEM_REVISION);
    blob_text(tables, 4, CREATOR_ID, ' ');
    blob_le(tables, 4, OEM_REVISION);
}

void acpi_put(struct acpi_writer *writer, unsigned size, uint64_t value)
{
    blob_le(&writer->files->tables, size, value);
}

void acpi_put_zeros(struct acpi_writer *writer, size_t size)
{
    blob_put(&writer->files->tables, NULL, size);
}

void acpi_put_register(struct acpi_writer *writer, uint64_t address)
{
    acpi_put(writer, 1, 0);  /* system memory */
    acpi_put(writer, 1, 32); /* bits */
    acpi_put(writer, 1, 0);  /* bit offset */
    acpi_put(writer, 1, 3);  /* accessed in 32 bits */
    acpi_put(writer, 8, address);
}

void acpi_put_pointer(struct acpi_writer *writer, size_t target)
{
    struct acpi_files *files = writer->files;
    loader_add_pointer(&files->loader, ACPI_TABLES_FILE, ACPI_TABLES_FILE, files->tables.size, 8);
    acpi_put(writer, 8, target);
}

size_t acpi_offset(const struct acpi_writer *writer)
{
    return writer->files->tables.size - writer->start;
}

size_t acpi_end(struct acpi_writer *writer)
{
    struct acpi_files *files = writer->files;
    size_t length = acpi_offset(writer);
    blob_patch(&files->tables, writer->start + HEADER_LENGTH, 4, length);
    loader_add_checksum(&files->loader, ACPI_TABLES_FILE, writer->start + HEADER_CHECKSUM,
                        writer->start, length);
    return writer->start;
}

void acpi_end_listed(struct acpi_writer *writer)
{
    size_t at = acpi_end(writer);
    if (writer->count == ACPI_MAX_TABLES)
        blob_fail(&writer->files->tables, -E2BIG);
    else
        writer->listed[writer->count++] = at;
}

static size_t write_xsdt(struct acpi_writer *writer)
{
    acpi_begin(writer, "XSDT", 1);
    for (unsigned i = 0; i < writer->count; i++)
        acpi_put_pointer(writer, writer->listed[i]);
    return acpi_end(writer);
}

/* 5.2.5.3. There is no RSDT: it could not name tables above 4 GiB. */
static void write_rsdp(struct acpi_files *files, size_t xsdt)
{
    struct blob *rsdp = &files->rsdp;
    blob_text(rsdp, 8, "RSD PTR ", 0);
    blob_le(rsdp, 1, 0); /* checksum of the part that ACPI 1.0 had */
    blob_text(rsdp, 6, OEM_ID, ' ');
    blob_le(rsdp, 1, 2); /* revision */
    blob_le(rsdp, 4, 0); /* RSDT */
    blob_le(rsdp, 4, RSDP_SIZE);
    blob_le(rsdp, 8, xsdt);
    blob_le(rsdp, 1, 0); /* checksum of all */
    blob_le(rsdp, 3, 0);
    loader_add_pointer(&files->loader, ACPI_RSDP_FILE, ACPI_TABLES_FILE, RSDP_XSDT, 8);
    loader_add_checksum(&files->loader, ACPI_RSDP_FILE, RSDP_CHECKSUM, 0, RSDP_SIZE_V1);
    loader_add_checksum(&files->loader, ACPI_RSDP_FILE, RSDP_EXTENDED, 0, RSDP_SIZE);
}

/* --- the whole -------------------------------------------------------------------------------*/

void acpi_init(struct acpi *acpi)
{
    *acpi = (struct acpi){0};
    aml_scope(&acpi->dsdt, "\\_SB");
}

void acpi_discard(struct acpi *acpi)
{
    aml_discard(&acpi->dsdt);
}

void acpi_files_free(struct acpi_files *files)
{
    blob_free(&files->tables);
    blob_free(&files->rsdp);
    blob_free(&files->loader);
}

static int first_error(const struct acpi *acpi, const struct acpi_files *files)
{
    return acpi->dsdt.code.error ? acpi->dsdt.code.error
           : files->tables.error ? files->tables.error
           : files->rsdp.error   ? files->rsdp.error
                                 : files->loader.error;
}

int acpi_finish(struct acpi *acpi, struct acpi_files *files)
{
    *files = (struct acpi_files){0};
    struct acpi_writer writer = {.files = files};
    loader_allocate(&files->loader, ACPI_RSDP_FILE, ACPI_TABLE_ALIGN, LOADER_SEGMENT_F);
    loader_allocate(&files->loader, ACPI_TABLES_FILE, 64, LOADER_HIGH);
    size_t dsdt = acpi_write_dsdt(&writer, acpi);
    acpi_write_fadt(&writer, dsdt);
    acpi_write_madt(&writer, acpi);
    acpi_write_gtdt(&writer, acpi);
    acpi_write_pptt(&writer, acpi);
    if (acpi->pci.ecam_size) {
        acpi_write_mcfg(&writer, acpi);
        if (acpi->its)
            acpi_write_iort(&writer, acpi);
    }
    if (acpi->uart.base) {
        acpi_write_spcr(&writer, acpi);
        acpi_write_dbg2(&writer, acpi);
    }
    write_rsdp(files, write_xsdt(&writer));
    int rc = first_error(acpi, files);
    acpi_discard(acpi);
    if (rc)
        acpi_files_free(files);
    return rc;
}

bool acpi_next_table(const struct acpi_files *files, size_t *at, uint8_t **table, size_t *size)
{
    size_t start = align_up(*at, ACPI_TABLE_ALIGN);
    if (start >= files->tables.size)
        return false;
    const uint8_t *data = files->tables.data + start;
    *size = ld_le(data + HEADER_LENGTH, 4);
    *at = start + *size;
    *table = malloc(*size);
    if (!*table)
        return true;
    memcpy(*table, data, *size);
    uint8_t sum = 0;
    for (size_t i = 0; i < *size; i++)
        sum += data[i];
    (*table)[HEADER_CHECKSUM] = (uint8_t)-sum;
    return true;
}
