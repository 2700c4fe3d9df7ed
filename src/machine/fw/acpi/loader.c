/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/fw/acpi/loader.h"

#include <errno.h>
#include <string.h>

static void put_name(struct blob *script, const char *file)
{
    if (strlen(file) >= LOADER_NAME_SIZE)
        blob_fail(script, -ENAMETOOLONG);
    blob_text(script, LOADER_NAME_SIZE, file, 0);
}

static void put_offset(struct blob *script, size_t offset)
{
    if (offset > UINT32_MAX)
        blob_fail(script, -EFBIG);
    blob_le(script, 4, offset);
}

static void finish_entry(struct blob *script)
{
    blob_align(script, LOADER_ENTRY_SIZE);
}

void loader_allocate(struct blob *script, const char *file, uint32_t align, enum loader_zone zone)
{
    blob_le(script, 4, LOADER_ALLOCATE);
    put_name(script, file);
    blob_le(script, 4, align);
    blob_le(script, 1, zone);
    finish_entry(script);
}

void loader_add_pointer(struct blob *script, const char *file, const char *target, size_t at,
                        unsigned size)
{
    blob_le(script, 4, LOADER_ADD_POINTER);
    put_name(script, file);
    put_name(script, target);
    put_offset(script, at);
    blob_le(script, 1, size);
    finish_entry(script);
}

void loader_add_checksum(struct blob *script, const char *file, size_t at, size_t start,
                         size_t length)
{
    blob_le(script, 4, LOADER_ADD_CHECKSUM);
    put_name(script, file);
    put_offset(script, at);
    put_offset(script, start);
    put_offset(script, length);
    finish_entry(script);
}
