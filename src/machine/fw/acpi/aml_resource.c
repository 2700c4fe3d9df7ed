/* SPDX-License-Identifier: Apache-2.0 */
/* Resource templates: ACPI 6.3, 6.4. */
#include <errno.h>

#include "machine/fw/acpi/aml.h"

enum {
    END_TAG = 0x79,
    MEMORY32_FIXED = 0x86,
    DWORD_SPACE = 0x87,
    WORD_SPACE = 0x88,
    EXTENDED_INTERRUPT = 0x89,
    QWORD_SPACE = 0x8a,
};

/* 6.4.3.5: resource types, general flags, and those of memory and I/O. */
enum { SPACE_MEMORY = 0, SPACE_IO = 1, SPACE_BUS = 2 };
enum { CONSUMER = 1, MIN_FIXED = 4, MAX_FIXED = 8 };
enum { MEMORY_READ_WRITE = 1, IO_ENTIRE_RANGE = 3, IO_IS_MEMORY = 0x10 };

/* 6.4.3.6 */
enum { INTERRUPT_CONSUMER = 1, INTERRUPT_EDGE = 2 };

void aml_resources(struct aml *aml, const char *name)
{
    if (aml->in_resources)
        blob_fail(&aml->code, -EINVAL);
    aml->in_resources = true;
    aml->resources.size = 0;
    aml_name(aml, name);
}

void aml_resources_end(struct aml *aml)
{
    if (!aml->in_resources)
        blob_fail(&aml->code, -EINVAL);
    aml->in_resources = false;
    blob_le(&aml->resources, 1, END_TAG);
    blob_le(&aml->resources, 1, 0); /* checksum: 0 is taken as good */
    if (aml->resources.error)
        blob_fail(&aml->code, aml->resources.error);
    else
        aml_buffer(aml, aml->resources.data, aml->resources.size);
}

/* The head of a large descriptor: what follows it has `size` bytes. */
static void begin(struct aml *aml, unsigned type, unsigned size)
{
    if (!aml->in_resources)
        blob_fail(&aml->code, -EINVAL);
    blob_le(&aml->resources, 1, type);
    blob_le(&aml->resources, 2, size);
}

void aml_memory32(struct aml *aml, uint32_t base, uint32_t size)
{
    begin(aml, MEMORY32_FIXED, 9);
    blob_le(&aml->resources, 1, MEMORY_READ_WRITE);
    blob_le(&aml->resources, 4, base);
    blob_le(&aml->resources, 4, size);
}

struct space {
    unsigned type, flags, type_flags;
    uint64_t min, size, translation;
};

/* An address space descriptor with fields of 2, 4 or 8 bytes, of a fixed place. */
static void put_space(struct aml *aml, unsigned width, const struct space *space)
{
    unsigned tag = width == 2 ? WORD_SPACE : width == 4 ? DWORD_SPACE : QWORD_SPACE;
    uint64_t last = space->min + space->size - 1;
    if (space->size == 0 || last < space->min || (width < 8 && last >> (8 * width)))
        blob_fail(&aml->code, -ERANGE);
    begin(aml, tag, 3 + 5 * width);
    blob_le(&aml->resources, 1, space->type);
    blob_le(&aml->resources, 1, space->flags | MIN_FIXED | MAX_FIXED);
    blob_le(&aml->resources, 1, space->type_flags);
    blob_le(&aml->resources, width, 0); /* granularity: any */
    blob_le(&aml->resources, width, space->min);
    blob_le(&aml->resources, width, last);
    blob_le(&aml->resources, width, space->translation);
    blob_le(&aml->resources, width, space->size);
}

void aml_memory(struct aml *aml, uint64_t base, uint64_t size)
{
    struct space space = {SPACE_MEMORY, CONSUMER, MEMORY_READ_WRITE, base, size, 0};
    if (base <= UINT32_MAX && size <= UINT32_MAX)
        aml_memory32(aml, (uint32_t)base, (uint32_t)size);
    else
        put_space(aml, 8, &space);
}

void aml_window_memory32(struct aml *aml, uint64_t min, uint64_t size)
{
    put_space(aml, 4, &(struct space){SPACE_MEMORY, 0, MEMORY_READ_WRITE, min, size, 0});
}

void aml_window_memory64(struct aml *aml, uint64_t min, uint64_t size)
{
    put_space(aml, 8, &(struct space){SPACE_MEMORY, 0, MEMORY_READ_WRITE, min, size, 0});
}

void aml_window_io(struct aml *aml, uint64_t min, uint64_t size, uint64_t translation)
{
    struct space space = {SPACE_IO, 0, IO_ENTIRE_RANGE | IO_IS_MEMORY, min, size, translation};
    put_space(aml, translation > UINT32_MAX ? 8 : 4, &space);
}

void aml_window_bus(struct aml *aml, uint16_t first, unsigned buses)
{
    put_space(aml, 2, &(struct space){SPACE_BUS, 0, 0, first, buses, 0});
}

void aml_interrupt(struct aml *aml, uint32_t gsiv, bool edge)
{
    begin(aml, EXTENDED_INTERRUPT, 6);
    blob_le(&aml->resources, 1, INTERRUPT_CONSUMER | (edge ? INTERRUPT_EDGE : 0));
    blob_le(&aml->resources, 1, 1); /* how many */
    blob_le(&aml->resources, 4, gsiv);
}
