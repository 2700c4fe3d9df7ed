/* SPDX-License-Identifier: Apache-2.0 */
/* Directories (also hashed ones, whose leaves are plain blocks and whose inner blocks look empty),
 * paths and links. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "image/ext_impl.h"

enum {
    DIRECTORY_MAX = 8 << 20, /* bytes: half a million names */
    LINKS_MAX = 40,
    PATH_MAX_CHARS = 4096,
    FAST_LINK = 60,
    MODE_KIND = 0xf000,
    MODE_LINK = 0xa000,
    FLAG_EXTENTS = 0x80000,
};

/* --- directories ------------------------------------------------------------------------------ */

static int entries_in(const uint8_t *block, uint32_t size,
                      int (*each)(void *ctx, const char *name, uint32_t number), void *ctx)
{
    for (uint32_t at = 0; at + 8 <= size;) {
        uint32_t number = (uint32_t)ld_le(block + at, 4), len = (uint32_t)ld_le(block + at + 4, 2);
        unsigned name_len = block[at + 6];
        char name[EXT_NAME_MAX + 1];
        int rc;
        if (len == 65535 || (!len && size == 65536)) /* a block of 64 KiB */
            len = 65536;
        if (len < 8 || len % 4 || len > size - at || name_len > len - 8)
            return -EIO;
        memcpy(name, block + at + 8, name_len);
        name[name_len] = 0;
        at += len;
        if (!number || !name_len || strlen(name) != name_len || strchr(name, '/') ||
            !strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        rc = each(ctx, name, number);
        if (rc)
            return rc;
    }
    return 0;
}

int ext_list(struct ext *ext, const struct ext_node *dir,
             int (*each)(void *ctx, const char *name, uint32_t number), void *ctx)
{
    uint64_t size = dir->size < DIRECTORY_MAX ? dir->size : DIRECTORY_MAX;
    uint8_t *block;
    int rc = 0;

    if (!ext_is_directory(dir))
        return -ENOTDIR;
    block = malloc(ext->block_size); /* each may use the cache */
    if (!block)
        return -ENOMEM;
    for (uint64_t at = 0; !rc && at + ext->block_size <= size; at += ext->block_size) {
        rc = ext_read(ext, dir, at, block, ext->block_size);
        if (!rc)
            rc = entries_in(block, ext->block_size, each, ctx);
    }
    free(block);
    return rc;
}

/* --- paths ------------------------------------------------------------------------------------ */

struct search {
    const char *name;
    size_t len;
    uint32_t number;
};

static int compare(void *ctx, const char *name, uint32_t number)
{
    struct search *search = ctx;

    if (strlen(name) != search->len || memcmp(name, search->name, search->len))
        return 0;
    search->number = number;
    return 1;
}

static int read_link(struct ext *ext, const struct ext_node *node, char *target, size_t room)
{
    int rc = 0;

    if (!node->size || node->size >= room)
        return -EIO;
    if (node->size < FAST_LINK && !(node->flags & FLAG_EXTENTS))
        memcpy(target, node->block, node->size);
    else
        rc = ext_read(ext, node, 0, target, node->size);
    target[node->size] = 0;
    return rc;
}

/* A walk's state: directories from the root, for "..", and the path that is left. */
struct walk {
    uint32_t *above;
    unsigned depth, room;
    unsigned links;
    char *left; /* PATH_MAX_CHARS + 1 */
};

static int push(struct walk *walk, uint32_t number)
{
    if (walk->depth == walk->room)
        return -ELOOP;
    walk->above[walk->depth++] = number;
    return 0;
}

/* Puts a link's target before what is left of the path. */
static int follow(struct ext *ext, const struct ext_node *node, struct walk *walk, size_t done)
{
    char *target = malloc(2 * PATH_MAX_CHARS + 2);
    size_t len, rest = strlen(walk->left + done);
    int rc = target ? read_link(ext, node, target, PATH_MAX_CHARS) : -ENOMEM;

    if (!rc && ++walk->links > LINKS_MAX)
        rc = -ELOOP;
    if (!rc) {
        len = strlen(target);
        if (len + rest + 1 > PATH_MAX_CHARS) {
            rc = -ENAMETOOLONG;
        } else {
            target[len] = '/';
            memcpy(target + len + 1, walk->left + done, rest + 1);
            memcpy(walk->left, target, len + rest + 2);
            if (target[0] == '/')
                walk->depth = 1;
        }
    }
    free(target);
    return rc;
}

/* One name; the path left becomes shorter, or a link's target is put in its place. */
static int step(struct ext *ext, struct walk *walk, struct ext_node *node)
{
    struct search search = {.name = walk->left, .len = strcspn(walk->left, "/")};
    size_t done = search.len + strspn(walk->left + search.len, "/");
    struct ext_node next;
    int rc = 0;

    if (!ext_is_directory(node))
        return -ENOTDIR;
    if (search.len == 2 && !memcmp(search.name, "..", 2)) {
        walk->depth -= walk->depth > 1;
        rc = ext_node(ext, walk->above[walk->depth - 1], node);
    } else if (search.len != 1 || search.name[0] != '.') {
        rc = ext_list(ext, node, compare, &search);
        if (rc != 1)
            return rc ? rc : -ENOENT;
        rc = ext_node(ext, search.number, &next);
        if (!rc && (next.mode & MODE_KIND) == MODE_LINK) {
            rc = follow(ext, &next, walk, done);
            done = 0;
            if (!rc)
                rc = ext_node(ext, walk->above[walk->depth - 1], node);
        } else if (!rc) {
            rc = ext_is_directory(&next) ? push(walk, next.number) : 0;
            *node = next;
        }
    }
    memmove(walk->left, walk->left + done, strlen(walk->left + done) + 1);
    return rc;
}

int ext_lookup(struct ext *ext, const char *path, struct ext_node *node)
{
    uint32_t above[64];
    char left[PATH_MAX_CHARS + 1];
    struct walk walk = {.above = above, .room = 64, .left = left};
    int rc;

    if (strlen(path) > PATH_MAX_CHARS)
        return -ENAMETOOLONG;
    strcpy(left, path);
    rc = ext_node(ext, EXT_ROOT, node);
    if (!rc)
        rc = push(&walk, EXT_ROOT);
    while (!rc) {
        size_t slashes = strspn(left, "/");
        memmove(left, left + slashes, strlen(left + slashes) + 1);
        if (!*left)
            return 0;
        rc = step(ext, &walk, node);
    }
    return rc;
}
