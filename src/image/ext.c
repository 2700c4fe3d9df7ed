/* SPDX-License-Identifier: Apache-2.0 */
/* The volume: superblock, group descriptors, inodes. */
#include "image/ext.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/ext_impl.h"

enum {
    SUPER = 1024,
    MAGIC = 0xef53,
    INCOMPAT_RECOVER = 0x4,
    INCOMPAT_META_BG = 0x10,
    INCOMPAT_64BIT = 0x80,
    /* filetype, recover, meta_bg, extents, 64bit, mmp, flex_bg, ea_inode, csum_seed, largedir,
     * inline_data, encrypt, casefold */
    INCOMPAT_KNOWN = 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 |
                     0x8000 | 0x10000 | 0x20000,
    MODE_KIND = 0xf000,
    MODE_DIRECTORY = 0x4000,
    MODE_FILE = 0x8000,
};

static bool power_of_two(uint32_t x)
{
    return x && !(x & (x - 1));
}

static int geometry(const uint8_t *s, struct ext *ext, struct error *err)
{
    uint32_t incompat = (uint32_t)ld_le(s + 96, 4), log = (uint32_t)ld_le(s + 24, 4);
    bool dynamic = ld_le(s + 76, 4) >= 1;

    if (ld_le(s + 56, 2) != MAGIC)
        return error_set(err, -EINVAL, "no ext file system: there is no superblock");
    if (incompat & ~(uint32_t)INCOMPAT_KNOWN)
        return error_set(err, -ENOTSUP, "an ext file system with unknown features (%08" PRIX32 ")",
                         incompat & ~(uint32_t)INCOMPAT_KNOWN);
    if (log > 6)
        return error_set(err, -EINVAL, "no ext file system: blocks of 2^%" PRIu32 " bytes",
                         log + 10);
    ext->block_size = 1024u << log;
    ext->wide = incompat & INCOMPAT_64BIT;
    ext->recovery = incompat & INCOMPAT_RECOVER;
    ext->inodes = (uint32_t)ld_le(s, 4);
    ext->blocks = ld_le(s + 4, 4) | (ext->wide ? ld_le(s + 0x150, 4) << 32 : 0);
    ext->first_block = (uint32_t)ld_le(s + 20, 4);
    ext->blocks_per_group = (uint32_t)ld_le(s + 32, 4);
    ext->inodes_per_group = (uint32_t)ld_le(s + 40, 4);
    ext->inode_size = dynamic ? (uint32_t)ld_le(s + 88, 2) : 128;
    ext->descriptor_size = ext->wide ? (uint32_t)ld_le(s + 0xfe, 2) : 32;
    ext->first_meta_group = incompat & INCOMPAT_META_BG ? (uint32_t)ld_le(s + 0x104, 4) : ~0u;
    if (!ext->inodes || !ext->blocks_per_group || !ext->inodes_per_group ||
        ext->first_block != (ext->block_size == 1024))
        return error_set(err, -EINVAL, "no ext file system: the superblock is damaged");
    if (!power_of_two(ext->inode_size) || ext->inode_size < 128 ||
        ext->inode_size > ext->block_size || !power_of_two(ext->descriptor_size) ||
        ext->descriptor_size < (ext->wide ? 64 : 32) || ext->descriptor_size > ext->block_size)
        return error_set(err, -EINVAL, "no ext file system: the superblock is damaged");
    ext->groups = (ext->inodes - 1) / ext->inodes_per_group + 1;
    return 0;
}

int ext_open(const struct image_source *source, struct ext **result, struct error *err)
{
    struct ext *ext;
    uint8_t s[1024];
    int rc = source_read(source, SUPER, s, sizeof(s));

    if (rc)
        return rc == -ERANGE ? error_set(err, -EINVAL, "no ext file system: too small for one")
                             : error_set(err, rc, "cannot be read: %s", strerror(-rc));
    ext = calloc(1, sizeof(*ext));
    if (!ext)
        return error_set(err, -ENOMEM, "out of memory");
    ext->source = *source;
    rc = geometry(s, ext, err);
    if (!rc) {
        memset(ext->cached, 0xff, sizeof(ext->cached));
        ext->cache = malloc((size_t)EXT_CACHE_SLOTS * ext->block_size);
        if (!ext->cache)
            rc = error_set(err, -ENOMEM, "out of memory");
    }
    if (rc) {
        ext_close(ext);
        return rc;
    }
    *result = ext;
    return 0;
}

void ext_close(struct ext *ext)
{
    if (ext)
        free(ext->cache);
    free(ext);
}

bool ext_needs_recovery(const struct ext *ext)
{
    return ext->recovery;
}

const uint8_t *ext_block(struct ext *ext, uint64_t number, int *rc)
{
    unsigned slot = number % EXT_CACHE_SLOTS;
    uint8_t *data = ext->cache + (size_t)slot * ext->block_size;

    *rc = 0;
    if (ext->cached[slot] == number)
        return data;
    if (!number || number >= ext->blocks) {
        *rc = -EIO;
        return NULL;
    }
    ext->cached[slot] = ~0ull;
    *rc = source_read(&ext->source, number * ext->block_size, data, ext->block_size);
    if (*rc) {
        *rc = *rc == -ERANGE ? -EIO : *rc;
        return NULL;
    }
    ext->cached[slot] = number;
    return data;
}

/* The block with a group's descriptor: behind the superblock, or with META_BG in the first group of
 * as many as one block describes. */
static uint64_t descriptor_block(const struct ext *ext, uint32_t group)
{
    uint32_t in_block = ext->block_size / ext->descriptor_size, meta = group / in_block;
    uint64_t first;

    if (meta < ext->first_meta_group)
        return (uint64_t)ext->first_block + 1 + meta;
    first = ext->first_block + (uint64_t)meta * in_block * ext->blocks_per_group;
    /* Behind a copy of the superblock; there is one in groups 0, 1 and the powers of 3, 5 and 7. */
    for (uint32_t base = 3; base <= 7; base += 2)
        for (uint64_t power = 1; power <= (uint64_t)meta * in_block; power *= base)
            if (power == (uint64_t)meta * in_block)
                return first + 1;
    return meta ? first : first + 1;
}

int ext_node(struct ext *ext, uint32_t number, struct ext_node *node)
{
    uint32_t group, index, in_block = ext->block_size / ext->inode_size;
    const uint8_t *p;
    uint64_t table;
    int rc;

    if (!number || number > ext->inodes)
        return -EIO;
    group = (number - 1) / ext->inodes_per_group;
    index = (number - 1) % ext->inodes_per_group;
    p = ext_block(ext, descriptor_block(ext, group), &rc);
    if (!p)
        return rc;
    p += (size_t)(group % (ext->block_size / ext->descriptor_size)) * ext->descriptor_size;
    table = ld_le(p + 8, 4) | (ext->wide ? ld_le(p + 40, 4) << 32 : 0);
    if (table >= ext->blocks)
        return -EIO;
    p = ext_block(ext, table + index / in_block, &rc);
    if (!p)
        return rc;
    p += (size_t)(index % in_block) * ext->inode_size;
    node->number = number;
    node->mode = (uint16_t)ld_le(p, 2);
    node->flags = (uint32_t)ld_le(p + 32, 4);
    node->size = ld_le(p + 4, 4);
    if ((node->mode & MODE_KIND) == MODE_FILE || (node->mode & MODE_KIND) == MODE_DIRECTORY)
        node->size |= ld_le(p + 108, 4) << 32;
    memcpy(node->block, p + 40, sizeof(node->block));
    return node->mode ? 0 : -EIO; /* not in use */
}

bool ext_is_directory(const struct ext_node *node)
{
    return (node->mode & MODE_KIND) == MODE_DIRECTORY;
}

bool ext_is_file(const struct ext_node *node)
{
    return (node->mode & MODE_KIND) == MODE_FILE;
}
