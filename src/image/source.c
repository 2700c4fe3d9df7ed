/* SPDX-License-Identifier: Apache-2.0 */
#include "image/source.h"

#include <errno.h>
#include <string.h>

int source_read(const struct image_source *source, uint64_t offset, void *buf, size_t len)
{
    if (offset > source->size || len > source->size - offset)
        return -ERANGE;
    return len ? source->read(source->ctx, source->base + offset, buf, len) : 0;
}

uint64_t source_next_data(const struct image_source *source, uint64_t offset)
{
    uint64_t at;

    if (!source->next_data || offset >= source->size)
        return offset < source->size ? offset : source->size;
    at = source->next_data(source->ctx, source->base + offset);
    if (at < source->base + offset)
        return offset;
    return at - source->base < source->size ? at - source->base : source->size;
}

struct image_source source_part(const struct image_source *source, uint64_t offset, uint64_t size)
{
    struct image_source part = *source;

    if (offset > source->size)
        offset = source->size;
    part.base = source->base + offset;
    part.size = size < source->size - offset ? size : source->size - offset;
    return part;
}

static int read_memory(void *ctx, uint64_t offset, void *buf, size_t len)
{
    memcpy(buf, (const uint8_t *)ctx + offset, len);
    return 0;
}

struct image_source source_memory(const void *data, size_t size)
{
    return (struct image_source){.read = read_memory, .ctx = (void *)data, .size = size};
}
