/* SPDX-License-Identifier: Apache-2.0 */
/* Where an inspection reads from: a disk, a partition of it, a file in a file system on it. */
#ifndef ARMVM_IMAGE_SOURCE_H
#define ARMVM_IMAGE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

struct blk;

struct image_source {
    /* Reads len bytes that lie inside [0, size). 0 or negative errno. */
    int (*read)(void *ctx, uint64_t offset, void *buf, size_t len);
    /* The first byte at or behind offset that may be other than zero, or the end; NULL: not known.
     * Offsets as those of read. */
    uint64_t (*next_data)(void *ctx, uint64_t offset);
    void *ctx;
    uint64_t base; /* added to every offset, so that a part of a source is a source */
    uint64_t size; /* bytes */
};

/* Reads all of the range or fails: -ERANGE when it is not inside the source. */
int source_read(const struct image_source *source, uint64_t offset, void *buf, size_t len);
/* Where at or behind offset there may be other bytes than zeroes; size: nowhere. */
uint64_t source_next_data(const struct image_source *source, uint64_t offset);
/* The part [offset, offset + size) of a source; what lies behind its end is left out. */
struct image_source source_part(const struct image_source *source, uint64_t offset, uint64_t size);

/* data must stay. */
struct image_source source_memory(const void *data, size_t size);
/* An open image, whatever its format; blk must stay. */
struct image_source source_blk(struct blk *blk);
/* Wait until it is done; 0 or negative errno. */
int blk_write_now(struct blk *blk, uint64_t offset, const void *data, size_t len);
int blk_flush_now(struct blk *blk);

#endif
