/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by ext.c, ext_map.c and ext_dir.c. */
#ifndef ARMVM_IMAGE_EXT_IMPL_H
#define ARMVM_IMAGE_EXT_IMPL_H

#include "image/ext.h"

enum { EXT_CACHE_SLOTS = 64 };

struct ext {
    struct image_source source;
    uint32_t block_size;
    uint64_t blocks;
    uint32_t inodes, inodes_per_group, inode_size;
    uint32_t blocks_per_group, first_block, descriptor_size, groups;
    uint32_t first_meta_group; /* groups from here on have descriptors of their own; ~0: none */
    bool wide;                 /* 64-bit block numbers in descriptors */
    bool recovery;
    uint64_t cached[EXT_CACHE_SLOTS]; /* block numbers; ~0: none */
    uint8_t *cache;                   /* EXT_CACHE_SLOTS blocks */
};

/* A block of metadata, valid until the next call; NULL with *rc set: -EIO, or the source's error.
 */
const uint8_t *ext_block(struct ext *ext, uint64_t number, int *rc);

struct ext_run {
    uint64_t physical; /* 0: a hole */
    uint64_t count;    /* blocks, at least 1 */
};
/* Where block `logical` of a file and those behind it are. */
int ext_map(struct ext *ext, const struct ext_node *node, uint64_t logical, struct ext_run *run);

#endif
