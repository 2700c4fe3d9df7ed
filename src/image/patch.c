/* SPDX-License-Identifier: Apache-2.0 */
#include "image/patch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void patch_init(struct patch *patch, const struct image_source *base)
{
    memset(patch, 0, sizeof(*patch));
    patch->base = *base;
}

static void free_block(void *ctx, uint64_t key, void *value)
{
    free(value);
}

void patch_free(struct patch *patch)
{
    map_each(&patch->blocks, free_block, NULL);
    map_clear(&patch->blocks);
}

static size_t within(uint64_t offset, size_t len)
{
    size_t room = PATCH_BLOCK - (size_t)(offset % PATCH_BLOCK);

    return len < room ? len : room;
}

static int read_patched(void *ctx, uint64_t offset, void *buf, size_t len)
{
    struct patch *patch = ctx;
    uint8_t *out = buf;
    int rc = source_read(&patch->base, offset, buf, len);

    while (!rc && len) {
        size_t n = within(offset, len);
        const uint8_t *block = map_get(&patch->blocks, offset / PATCH_BLOCK);
        if (block)
            memcpy(out, block + offset % PATCH_BLOCK, n);
        out += n;
        offset += n;
        len -= n;
    }
    return rc;
}

static uint64_t next_data(void *ctx, uint64_t offset)
{
    struct patch *patch = ctx;
    uint64_t at = source_next_data(&patch->base, offset);

    for (uint64_t b = offset / PATCH_BLOCK; b * PATCH_BLOCK < at && patch->count; b++)
        if (map_get(&patch->blocks, b))
            return b * PATCH_BLOCK > offset ? b * PATCH_BLOCK : offset;
    return at;
}

struct image_source patch_source(struct patch *patch)
{
    return (struct image_source){
        .read = read_patched, .next_data = next_data, .ctx = patch, .size = patch->base.size};
}

static int block_for(struct patch *patch, uint64_t number, uint8_t **block)
{
    uint64_t at = number * PATCH_BLOCK, left = patch->base.size - at;
    int rc;

    *block = map_get(&patch->blocks, number);
    if (*block)
        return 0;
    if (patch->count == PATCH_BLOCKS_MAX)
        return -EFBIG;
    *block = calloc(1, PATCH_BLOCK);
    if (!*block)
        return -ENOMEM;
    rc = source_read(&patch->base, at, *block, left < PATCH_BLOCK ? (size_t)left : PATCH_BLOCK);
    if (!rc)
        rc = map_put(&patch->blocks, number, *block);
    if (rc)
        free(*block);
    patch->count += !rc;
    return rc;
}

int patch_write(struct patch *patch, uint64_t offset, const void *data, size_t len)
{
    const uint8_t *in = data;

    if (offset > patch->base.size || len > patch->base.size - offset)
        return -ERANGE;
    while (len) {
        size_t n = within(offset, len);
        uint8_t *block;
        int rc = block_for(patch, offset / PATCH_BLOCK, &block);
        if (rc)
            return rc;
        memcpy(block + offset % PATCH_BLOCK, in, n);
        in += n;
        offset += n;
        len -= n;
    }
    return 0;
}

struct applying {
    struct patch *patch;
    int (*write)(void *ctx, uint64_t offset, const void *data, size_t len);
    void *ctx;
    int rc;
};

static void apply_block(void *ctx, uint64_t key, void *value)
{
    struct applying *a = ctx;
    uint64_t at = key * PATCH_BLOCK, left = a->patch->base.size - at;

    if (!a->rc)
        a->rc = a->write(a->ctx, at, value, left < PATCH_BLOCK ? (size_t)left : PATCH_BLOCK);
}

int patch_apply(struct patch *patch,
                int (*write)(void *ctx, uint64_t offset, const void *data, size_t len), void *ctx)
{
    struct applying applying = {patch, write, ctx, 0};

    map_each(&patch->blocks, apply_block, &applying);
    return applying.rc;
}
