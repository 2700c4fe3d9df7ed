/* SPDX-License-Identifier: Apache-2.0 */
/* The ACPI tables and the SMBIOS structures: what belongs to the machine as a whole is said here,
 * the rest by the devices. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm/cpu.h"
#include "base/error.h"
#include "machine/board/board_impl.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fw_cfg.h"
#include "machine/fw/smbios.h"

/* MADT's MPIDR has the affinity fields alone (ACPI 6.3, table 5-60). */
static const uint64_t AFFINITY = 0xff00ffffff;

int board_acpi(struct board *board, struct acpi_files *files, struct error *err)
{
    struct acpi acpi;
    unsigned cpus = board->config.cpus;
    uint64_t *mpidr = calloc(cpus, sizeof(*mpidr));
    if (!mpidr)
        return error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < cpus; i++)
        mpidr[i] = engine_cpu(board->engine, i)->mpidr & AFFINITY;
    acpi_init(&acpi);
    acpi.cpus = cpus;
    acpi.mpidr = mpidr;
    acpi_cpus(&acpi, cpus);
    for (struct device *dev = board->devices; dev; dev = dev->next)
        if (dev->ops->describe_acpi && !dev->hidden)
            dev->ops->describe_acpi(dev, &acpi);
    int rc = acpi_finish(&acpi, files);
    free(mpidr);
    return rc ? error_set(err, rc, "the ACPI tables cannot be built: %s", strerror(-rc)) : 0;
}

int board_visit_acpi(struct board *board,
                     int (*visit)(void *ctx, const char *name, const void *table, size_t size,
                                  struct error *err),
                     void *ctx, struct error *err)
{
    struct acpi_files files;
    size_t at = 0, size;
    uint8_t *table;
    int rc = board_acpi(board, &files, err);
    if (rc)
        return rc;
    while (!rc && acpi_next_table(&files, &at, &table, &size)) {
        char name[5] = "";
        if (!table) {
            rc = error_set(err, -ENOMEM, "out of memory");
            break;
        }
        for (unsigned i = 0; i < 4; i++)
            name[i] = (char)tolower(table[i]);
        rc = visit(ctx, name, table, size, err);
        free(table);
    }
    acpi_files_free(&files);
    return rc;
}

/* --- handed over -----------------------------------------------------------------------------*/

static int add_file(struct board *board, const char *name, const struct blob *blob,
                    struct error *err)
{
    int rc = fw_cfg_add_file(board->fw_cfg, name, blob->data, blob->size);
    return rc ? error_set(err, rc, "firmware cannot be given %s: %s", name, strerror(-rc)) : 0;
}

static int add_smbios(struct board *board, struct error *err)
{
    const struct smbios_facts facts = {
        .board = board->map->title,
        .cpu = board->features.model,
        .midr = board->features.midr,
        .cpus = board->config.cpus,
        .ram_base = board->map->ram_base,
        .ram_size = board->config.memory,
    };
    struct blob anchor, tables;
    int rc = smbios_build(&facts, &anchor, &tables);
    if (rc)
        return error_set(err, rc, "the SMBIOS structures cannot be built: %s", strerror(-rc));
    rc = add_file(board, SMBIOS_ANCHOR_FILE, &anchor, err);
    if (!rc)
        rc = add_file(board, SMBIOS_TABLES_FILE, &tables, err);
    blob_free(&anchor);
    blob_free(&tables);
    return rc;
}

/* Firmware that finds the loader's script shows ACPI to its guests, else the device tree. */
static int add_acpi(struct board *board, struct error *err)
{
    struct acpi_files files;
    int rc = board_acpi(board, &files, err);
    if (rc)
        return rc;
    rc = add_file(board, ACPI_TABLES_FILE, &files.tables, err);
    if (!rc)
        rc = add_file(board, ACPI_RSDP_FILE, &files.rsdp, err);
    if (!rc)
        rc = add_file(board, ACPI_LOADER_FILE, &files.loader, err);
    acpi_files_free(&files);
    return rc;
}

int board_add_tables(struct board *board, struct error *err)
{
    if (!board->fw_cfg)
        return 0;
    int rc = add_smbios(board, err);
    return !rc && board->config.acpi ? add_acpi(board, err) : rc;
}
