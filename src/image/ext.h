/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads ext2, ext3 and ext4 (the kernel's Documentation/filesystems/ext4), without replaying the
 * journal. The volume is not trusted: every block, inode and length is checked, trees and links
 * have a depth, so that reading always ends.
 */
#ifndef ARMVM_IMAGE_EXT_H
#define ARMVM_IMAGE_EXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/source.h"

struct error;
struct ext;

enum { EXT_ROOT = 2, EXT_NAME_MAX = 255 };

struct ext_node {
    uint32_t number;
    uint16_t mode;
    uint32_t flags;
    uint64_t size;
    uint8_t block[60]; /* the map, or a short link's target */
};

/* -EINVAL: no ext volume, -ENOTSUP: with features that are unknown here; both with the reason; or
 * the source's error. */
int ext_open(const struct image_source *source, struct ext **ext, struct error *err);
void ext_close(struct ext *ext);
/* It was not unmounted: its journal has newer things than what is read here. */
bool ext_needs_recovery(const struct ext *ext);

/* -EIO: damaged or no such inode. */
int ext_node(struct ext *ext, uint32_t number, struct ext_node *node);
bool ext_is_directory(const struct ext_node *node);
bool ext_is_file(const struct ext_node *node); /* a regular one */

/* Calls each for what is in a directory, without "." and "..", until it returns other than 0, which
 * becomes the result. name is not printable as it is. -EIO: damaged. */
int ext_list(struct ext *ext, const struct ext_node *dir,
             int (*each)(void *ctx, const char *name, uint32_t number), void *ctx);

/* "/boot/vmlinuz": follows links, within the volume. -ENOENT, -ENOTDIR, -ELOOP, -EIO, -ENOTSUP
 * (encrypted), or the source's error. */
int ext_lookup(struct ext *ext, const char *path, struct ext_node *node);

/* Reads from a file; holes are zeroes. The range must lie inside it: -ERANGE. -EIO: damaged,
 * -ENOTSUP: kept in a way that is not known here. */
int ext_read(struct ext *ext, const struct ext_node *node, uint64_t offset, void *buf, size_t len);

#endif
