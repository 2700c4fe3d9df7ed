/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel modules: in a directory tree, and in an initial RAM disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "check/guest_files.h"
#include "image/cpio.h"

enum { DEPTH_MAX = 12, NODES_MAX = 100000, LIST_MAX = 16 << 20 };

/* --- names ------------------------------------------------------------------------------------ */

/* "virtio_pci" of "virtio-pci.ko.zst"; false: no module's file. */
static bool module_of(const char *file, char *name, size_t size)
{
    const char *end = strstr(file, ".ko");
    size_t len = end ? (size_t)(end - file) : 0;

    if (!end ||
        (end[3] && strcmp(end + 3, ".xz") && strcmp(end + 3, ".zst") && strcmp(end + 3, ".gz")) ||
        !len || len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        name[i] = file[i] == '-' ? '_' : file[i];
    name[len] = 0;
    return true;
}

static uint64_t bit_of(const char *file, const struct module_name *modules, unsigned count)
{
    char name[64];

    if (!module_of(file, name, sizeof(name)))
        return 0;
    for (unsigned i = 0; i < count; i++)
        if (modules[i].name && !strcmp(modules[i].name, name))
            return 1ull << i;
    return 0;
}

/* --- modules.alias, modules.builtin ----------------------------------------------------------- */

static void read_aliases(const char *text, const struct module_name *modules, unsigned count,
                         struct module_set *set)
{
    char line[128];

    set->aliases = true;
    for (unsigned i = 0; i < count; i++) {
        const char *at = text;
        size_t len;
        if (!modules[i].alias)
            continue;
        len = (size_t)snprintf(line, sizeof(line), "alias %s", modules[i].alias);
        while ((at = strstr(at, line)) && at != text && at[-1] != '\n')
            at += len;
        set->aliased |= at ? 1ull << i : 0;
    }
}

static void read_builtins(char *text, const struct module_name *modules, unsigned count,
                          struct module_set *set)
{
    char *save = NULL;

    set->builtins = true;
    for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
        const char *slash = strrchr(line, '/');
        set->built_in |= bit_of(slash ? slash + 1 : line, modules, count);
    }
}

static void read_list(const char *name, char *text, const struct module_name *modules,
                      unsigned count, struct module_set *set)
{
    if (!strcmp(name, "modules.alias"))
        read_aliases(text, modules, count, set);
    else if (!strcmp(name, "modules.builtin"))
        read_builtins(text, modules, count, set);
}

static bool is_list(const char *name)
{
    return !strcmp(name, "modules.alias") || !strcmp(name, "modules.builtin");
}

/* --- a directory tree ------------------------------------------------------------------------- */

struct walk {
    struct tree *tree;
    const struct module_name *modules;
    unsigned count, depth, nodes;
    struct module_set *set;
    int failed;
};

static int visit(void *ctx, const char *name, const struct tree_node *node)
{
    struct walk *walk = ctx;

    if (++walk->nodes > NODES_MAX)
        return 1;
    if (node->directory) {
        /* "build" and "source" are links, so that nothing but modules is in it. */
        if (walk->depth < DEPTH_MAX) {
            walk->depth++;
            tree_list(walk->tree, node, visit, walk);
            walk->depth--;
        }
    } else if (node->file && walk->depth == 0 && is_list(name)) {
        uint8_t *text;
        size_t size;
        int rc = tree_load(walk->tree, node, LIST_MAX, &text, &size);
        if (!rc) {
            read_list(name, (char *)text, walk->modules, walk->count, walk->set);
            free(text);
        }
        walk->failed = rc == -ENOMEM ? rc : 0;
    } else if (node->file) {
        walk->set->there |= bit_of(name, walk->modules, walk->count);
    }
    return walk->failed;
}

int guest_modules_read(struct tree *tree, const char *dir, const struct module_name *modules,
                       unsigned count, struct module_set *set)
{
    struct walk walk = {.tree = tree, .modules = modules, .count = count, .set = set};
    struct tree_node node;
    int rc = tree_lookup(tree, dir, &node);

    if (rc || !node.directory)
        return rc == -ENOMEM ? rc : 0;
    set->known = true;
    tree_list(tree, &node, visit, &walk);
    return walk.failed;
}

/* --- an initial RAM disk ---------------------------------------------------------------------- */

struct unpacking {
    const struct module_name *modules;
    unsigned count;
    struct guest_files *files;
};

/* "usr/lib/modules/6.1.0/modules.alias", possibly with "./" or "/" in front. */
static bool in_modules(const char *path, const char *version)
{
    const char *at = strstr(path, "lib/modules/");

    if (!at || (at != path && at[-1] != '/'))
        return false;
    at += strlen("lib/modules/");
    if (!*version) /* the kernel's name does not tell it */
        return strchr(at, '/');
    return !strncmp(at, version, strlen(version)) && at[strlen(version)] == '/';
}

static int each_entry(void *ctx, struct cpio *cpio, const struct cpio_entry *entry)
{
    struct unpacking *u = ctx;
    const char *slash = strrchr(entry->name, '/'), *name = slash ? slash + 1 : entry->name;
    char *text;
    int rc;

    if ((entry->mode & 0xf000) == 0x4000 || !in_modules(entry->name, u->files->version))
        return 0;
    u->files->ram.there |= bit_of(name, u->modules, u->count);
    if (!is_list(name) || entry->size > LIST_MAX)
        return 0;
    text = malloc(entry->size + 1);
    rc = text ? cpio_read(cpio, text, entry->size) : -ENOMEM;
    if (!rc) {
        text[entry->size] = 0;
        read_list(name, text, u->modules, u->count, &u->files->ram);
    }
    free(text);
    return rc;
}

int guest_initrd_read(const struct image_source *source, const struct module_name *modules,
                      unsigned count, struct guest_files *files)
{
    struct unpacking u = {modules, count, files};
    struct cpio_summary summary;
    struct error err = {0};
    int rc = cpio_walk(source, each_entry, &u, &summary, &err);

    snprintf(files->ram_kinds, sizeof(files->ram_kinds), "%s", summary.kinds);
    files->ram.known = !rc;
    files->ram_damaged = rc == -EBADMSG || (rc == -EINVAL && summary.kinds[0]);
    if (rc) {
        memset(&files->ram, 0, sizeof(files->ram)); /* the kernel would not get that far, either */
        snprintf(files->ram_problem, sizeof(files->ram_problem), "%.199s",
                 err.text[0] ? err.text : strerror(-rc));
    }
    return rc == -ENOMEM ? rc : 0;
}
