/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script by which firmware takes tables over from fw_cfg (file etc/table-loader): allocate a
 * file's contents in memory, turn offsets inside the files into addresses, make checksums good.
 * Entries have 128 bytes; file names have 56 at most, the last one 0.
 */
#ifndef ARMVM_MACHINE_FW_ACPI_LOADER_H
#define ARMVM_MACHINE_FW_ACPI_LOADER_H

#include <stddef.h>
#include <stdint.h>

#include "machine/fw/blob.h"

enum { LOADER_ENTRY_SIZE = 128, LOADER_NAME_SIZE = 56 };
enum loader_command {
    LOADER_ALLOCATE = 1,
    LOADER_ADD_POINTER = 2,
    LOADER_ADD_CHECKSUM = 3,
};
enum loader_zone {
    LOADER_HIGH = 1,  /* anywhere */
    LOADER_SEGMENT_F, /* where a BIOS would look for it; UEFI ignores that */
};

/* Memory for a file, aligned to a power of two. Before all other entries about it. */
void loader_allocate(struct blob *script, const char *file, uint32_t align, enum loader_zone zone);
/* Adds the address of `target` to the `size` bytes at `at` of `file`: an offset in target so far.
 */
void loader_add_pointer(struct blob *script, const char *file, const char *target, size_t at,
                        unsigned size);
/* Makes the bytes [start, start + length) of `file` sum up to 0 by the byte at `at`, which is 0. */
void loader_add_checksum(struct blob *script, const char *file, size_t at, size_t start,
                         size_t length);

#endif
