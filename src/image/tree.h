/* SPDX-License-Identifier: Apache-2.0 */
/* Directories and files of a partition, whichever of the file systems that can be read it holds. */
#ifndef ARMVM_IMAGE_TREE_H
#define ARMVM_IMAGE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/ext.h"
#include "image/fat.h"
#include "image/source.h"

struct error;

struct tree {
    struct fat fat;
    struct ext *ext; /* NULL: it is fat */
};

struct tree_node {
    bool directory, file; /* neither: a device, a link, ... */
    uint64_t size;
    struct fat_entry fat;
    bool fat_root;
    struct ext_node ext;
};

/* -EINVAL, -ENOTSUP: not one of these file systems, with the reason; or the source's error. */
int tree_open(const struct image_source *source, struct tree *tree, struct error *err);
void tree_close(struct tree *tree);

/* Both as fat_lookup() and ext_lookup(); FAT without regard to case. "" and "/" are the root. */
int tree_lookup(struct tree *tree, const char *path, struct tree_node *node);
/* each gets names made printable. An entry whose inode is damaged is left out. */
int tree_list(struct tree *tree, const struct tree_node *dir,
              int (*each)(void *ctx, const char *name, const struct tree_node *node), void *ctx);

/* A file as a source; tree and file must stay. */
struct tree_file {
    struct tree *tree;
    struct tree_node node;
    struct fat_file fat;
};
struct image_source tree_source(struct tree *tree, const struct tree_node *node,
                                struct tree_file *file);
/* All of a file of at most limit bytes, with a zero behind it; the caller frees it. -EFBIG. */
int tree_load(struct tree *tree, const struct tree_node *node, size_t limit, uint8_t **data,
              size_t *size);

#endif
