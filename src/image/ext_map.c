/* SPDX-License-Identifier: Apache-2.0 */
/* Where a file's blocks are: trees of extents, or the older maps of blocks; and reading by them. */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "image/ext_impl.h"

enum {
    FLAG_EXTENTS = 0x80000,
    FLAG_ENCRYPTED = 0x800,
    FLAG_INLINE = 0x10000000,
    EXTENT_MAGIC = 0xf30a,
    EXTENT_DEPTH_MAX = 5,
    EXTENT_UNWRITTEN = 32768, /* lengths above are of extents that read as zeroes */
    DIRECT = 12,
};

/* --- extents ---------------------------------------------------------------------------------- */

/* The last entry of a node that begins at or before logical; NULL: none does. Sets *next to where
 * the entry behind it begins. */
static const uint8_t *find_entry(const uint8_t *header, uint64_t logical, uint64_t *next)
{
    unsigned entries = (unsigned)ld_le(header + 2, 2), low = 0, high = entries;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (ld_le(header + 12 + 12 * (size_t)middle, 4) <= logical)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < entries) {
        uint64_t begin = ld_le(header + 12 + 12 * (size_t)low, 4);
        if (begin > logical && begin < *next)
            *next = begin;
    }
    return low ? header + 12 * (size_t)low : NULL;
}

static int check_header(const uint8_t *header, size_t size, int depth)
{
    unsigned entries = (unsigned)ld_le(header + 2, 2);

    if (ld_le(header, 2) != EXTENT_MAGIC || entries > (size - 12) / 12 ||
        ld_le(header + 6, 2) > EXTENT_DEPTH_MAX)
        return -EIO;
    return depth < 0 || (int)ld_le(header + 6, 2) == depth ? 0 : -EIO;
}

static int map_extents(struct ext *ext, const struct ext_node *node, uint64_t logical,
                       struct ext_run *run)
{
    const uint8_t *header = node->block, *entry;
    uint64_t next = 1ull << 32, begin, physical, len;
    int depth, rc = check_header(header, sizeof(node->block), -1);

    if (rc)
        return rc;
    for (depth = (int)ld_le(header + 6, 2);; depth--) {
        entry = find_entry(header, logical, &next);
        if (!entry) {
            *run = (struct ext_run){0, next > logical ? next - logical : 1};
            return 0;
        }
        if (!depth)
            break;
        header = ext_block(ext, ld_le(entry + 4, 4) | ld_le(entry + 8, 2) << 32, &rc);
        if (!header)
            return rc;
        rc = check_header(header, ext->block_size, depth - 1);
        if (rc)
            return rc;
    }
    begin = ld_le(entry, 4);
    len = ld_le(entry + 4, 2);
    physical = ld_le(entry + 8, 4) | ld_le(entry + 6, 2) << 32;
    if (len > EXTENT_UNWRITTEN) {
        len -= EXTENT_UNWRITTEN;
        physical = 0;
    } else if (!physical || physical >= ext->blocks || len > ext->blocks - physical) {
        return -EIO;
    }
    if (logical - begin >= len)
        *run = (struct ext_run){0, next > logical ? next - logical : 1};
    else
        *run =
            (struct ext_run){physical ? physical + (logical - begin) : 0, len - (logical - begin)};
    return 0;
}

/* --- maps of blocks --------------------------------------------------------------------------- */

/* Goes down `levels` blocks of numbers. */
static int map_indirect(struct ext *ext, uint64_t block, unsigned levels, uint64_t index,
                        struct ext_run *run)
{
    uint64_t each = ext->block_size / 4, below = 1;

    for (unsigned i = 1; i < levels; i++)
        below *= each;
    for (; levels; levels--, below /= each) {
        const uint8_t *table;
        int rc;
        if (!block) {
            *run = (struct ext_run){0, levels == 1 ? 1 : below - index % below};
            return 0;
        }
        table = ext_block(ext, block, &rc);
        if (!table)
            return rc;
        block = ld_le(table + 4 * (index / below % each), 4);
        index %= below;
    }
    if (block >= ext->blocks)
        return -EIO;
    *run = (struct ext_run){block, 1};
    return 0;
}

static int map_blocks(struct ext *ext, const struct ext_node *node, uint64_t logical,
                      struct ext_run *run)
{
    uint64_t each = ext->block_size / 4, reach = each;

    if (logical < DIRECT) {
        uint64_t block = ld_le(node->block + 4 * logical, 4);
        if (block >= ext->blocks)
            return -EIO;
        *run = (struct ext_run){block, 1};
        return 0;
    }
    logical -= DIRECT;
    for (unsigned levels = 1; levels <= 3; levels++, reach *= each) {
        if (logical < reach)
            return map_indirect(ext, ld_le(node->block + 4 * (DIRECT + levels - 1), 4), levels,
                                logical, run);
        logical -= reach;
    }
    return -EIO;
}

int ext_map(struct ext *ext, const struct ext_node *node, uint64_t logical, struct ext_run *run)
{
    if (node->flags & (FLAG_INLINE | FLAG_ENCRYPTED))
        return -ENOTSUP;
    if (node->flags & FLAG_EXTENTS)
        return logical >> 32 ? -EIO : map_extents(ext, node, logical, run);
    return map_blocks(ext, node, logical, run);
}

/* --- reading ---------------------------------------------------------------------------------- */

int ext_read(struct ext *ext, const struct ext_node *node, uint64_t offset, void *buf, size_t len)
{
    uint8_t *out = buf;

    if (offset > node->size || len > node->size - offset)
        return -ERANGE;
    while (len) {
        uint64_t within = offset % ext->block_size, n;
        struct ext_run run;
        int rc = ext_map(ext, node, offset / ext->block_size, &run);
        if (rc)
            return rc;
        n = run.count > len / ext->block_size + 1 ? len : run.count * ext->block_size - within;
        if (n > len)
            n = len;
        if (run.physical)
            rc = source_read(&ext->source, run.physical * ext->block_size + within, out, n);
        else
            memset(out, 0, n);
        if (rc)
            return rc == -ERANGE ? -EIO : rc;
        out += n;
        offset += n;
        len -= n;
    }
    return 0;
}
