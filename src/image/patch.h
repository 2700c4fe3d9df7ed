/* SPDX-License-Identifier: Apache-2.0 */
/* A disk with changes that are kept in memory, so that they can be planned, judged, and written all
 * or not. */
#ifndef ARMVM_IMAGE_PATCH_H
#define ARMVM_IMAGE_PATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "image/source.h"

enum { PATCH_BLOCK = 4096, PATCH_BLOCKS_MAX = 65536 };

struct patch {
    struct image_source base;
    struct map blocks; /* by number */
    size_t count;
};

void patch_init(struct patch *patch, const struct image_source *base);
void patch_free(struct patch *patch);
/* The disk as it would be. patch must stay. */
struct image_source patch_source(struct patch *patch);
/* -ERANGE: not inside the disk; -EFBIG: more than 256 MiB of changes; or the source's error. */
int patch_write(struct patch *patch, uint64_t offset, const void *data, size_t len);
/* Hands every changed block to write, until it fails. The last one may be cut at the disk's end. */
int patch_apply(struct patch *patch,
                int (*write)(void *ctx, uint64_t offset, const void *data, size_t len), void *ctx);

#endif
