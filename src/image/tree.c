/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/text.h"

int tree_open(const struct image_source *source, struct tree *tree, struct error *err)
{
    struct error other = {0};
    int rc;

    memset(tree, 0, sizeof(*tree));
    rc = ext_open(source, &tree->ext, err);
    if (rc != -EINVAL)
        return rc;
    rc = fat_open(source, &tree->fat, &other);
    if (rc && rc != -EINVAL)
        return error_set(err, rc, "%s", other.text);
    return rc ? error_set(err, rc, "neither FAT nor ext") : 0;
}

void tree_close(struct tree *tree)
{
    ext_close(tree->ext);
    tree->ext = NULL;
}

static void from_ext(const struct ext_node *ext, struct tree_node *node)
{
    memset(node, 0, sizeof(*node));
    node->ext = *ext;
    node->directory = ext_is_directory(ext);
    node->file = ext_is_file(ext);
    node->size = ext->size;
}

static void from_fat(const struct fat_entry *fat, struct tree_node *node)
{
    memset(node, 0, sizeof(*node));
    node->fat = *fat;
    node->directory = fat->directory;
    node->file = !fat->directory;
    node->size = fat->size;
}

int tree_lookup(struct tree *tree, const char *path, struct tree_node *node)
{
    struct ext_node ext;
    struct fat_entry fat;
    int rc;

    if (tree->ext) {
        rc = ext_lookup(tree->ext, path, &ext);
        if (!rc)
            from_ext(&ext, node);
        return rc;
    }
    rc = fat_lookup(&tree->fat, path, &fat);
    if (!rc)
        from_fat(&fat, node);
    if (rc != -EISDIR)
        return rc;
    memset(node, 0, sizeof(*node));
    node->directory = true;
    node->fat_root = true;
    return 0;
}

/* --- lists ------------------------------------------------------------------------------------ */

struct lister {
    struct tree *tree;
    int (*each)(void *ctx, const char *name, const struct tree_node *node);
    void *ctx;
};

static int each_ext(void *ctx, const char *name, uint32_t number)
{
    struct lister *l = ctx;
    char safe[3 * EXT_NAME_MAX + 1];
    struct ext_node ext;
    struct tree_node node;
    int rc = ext_node(l->tree->ext, number, &ext);

    if (rc)
        return rc == -EIO ? 0 : rc;
    from_ext(&ext, &node);
    text_utf8((const uint8_t *)name, strlen(name), safe, sizeof(safe));
    return l->each(l->ctx, safe, &node);
}

static int each_fat(void *ctx, const struct fat_entry *entry)
{
    struct lister *l = ctx;
    struct tree_node node;

    from_fat(entry, &node);
    return l->each(l->ctx, entry->name, &node);
}

int tree_list(struct tree *tree, const struct tree_node *dir,
              int (*each)(void *ctx, const char *name, const struct tree_node *node), void *ctx)
{
    struct lister lister = {tree, each, ctx};

    if (tree->ext)
        return ext_list(tree->ext, &dir->ext, each_ext, &lister);
    return fat_list(&tree->fat, dir->fat_root ? NULL : &dir->fat, each_fat, &lister);
}

/* --- contents --------------------------------------------------------------------------------- */

static int read_ext(void *ctx, uint64_t offset, void *buf, size_t len)
{
    struct tree_file *file = ctx;

    return ext_read(file->tree->ext, &file->node.ext, offset, buf, len);
}

struct image_source tree_source(struct tree *tree, const struct tree_node *node,
                                struct tree_file *file)
{
    file->tree = tree;
    file->node = *node;
    if (tree->ext)
        return (struct image_source){.read = read_ext, .ctx = file, .size = node->size};
    file->fat = (struct fat_file){.fat = &tree->fat, .entry = node->fat};
    return fat_source(&file->fat);
}

int tree_load(struct tree *tree, const struct tree_node *node, size_t limit, uint8_t **data,
              size_t *size)
{
    struct tree_file file;
    struct image_source source = tree_source(tree, node, &file);
    int rc;

    if (!node->file)
        return -EISDIR;
    if (node->size > limit)
        return -EFBIG;
    *size = (size_t)node->size;
    *data = malloc(*size + 1);
    if (!*data)
        return -ENOMEM;
    rc = source_read(&source, 0, *data, *size);
    (*data)[*size] = 0;
    if (rc)
        free(*data);
    return rc;
}
