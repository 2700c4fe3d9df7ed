/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where systems keep their kernels: /boot or the root of a partition (vmlinuz-VERSION,
 * Image-VERSION,
 * ...), \EFI\Linux\*.efi (unified kernel images), \ENTRY-TOKEN\VERSION\linux (kernel-install), and
 * /lib/modules/VERSION/vmlinuz. The newest version counts, as boot loaders' menus have it.
 */
#include "check/guest_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/kconfig.h"

enum { INITRD_MAX = 1 << 30, CONFIG_MAX = 4 << 20, LOOKUPS_MAX = 256 };

/* --- partitions ------------------------------------------------------------------------------- */

static int open_tree(struct image_check *c, struct guest_files *files, int partition)
{
    struct image_source source = partition_source(c, partition);
    const struct fs *fs = partition < 0 ? &c->in.whole : &c->in.partition[partition].fs;
    struct guest_tree *tree = &files->tree[files->trees];
    struct error err = {0};
    size_t len = strlen(files->unreadable);
    int rc;

    if (files->trees == TREES_MAX || !fs->kind || !strcmp(fs->kind, "swap"))
        return 0;
    partition_name(c, partition, tree->name, sizeof(tree->name));
    rc = tree_open(&source, &tree->tree, &err);
    if (!rc) {
        tree->partition = partition;
        files->trees++;
    } else if (rc == -EINVAL || rc == -ENOTSUP || rc == -EIO) {
        snprintf(files->unreadable + len, sizeof(files->unreadable) - len, "%s%s (%s)",
                 len ? ", " : "", tree->name, fs->kind);
        rc = 0;
    }
    return rc;
}

/* --- kernels ---------------------------------------------------------------------------------- */

struct search {
    struct guest_files *files;
    int tree;
    const char *dir;
    bool unified;      /* of \EFI\Linux */
    unsigned *lookups; /* what is left of them, for names that are looked up one by one */
};

static const char *after(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(name, prefix, len) ? NULL : name + len;
}

/* The version that a kernel's name tells; NULL: it is none, "": it is one without. */
static const char *kernel_version(const char *name)
{
    static const char *const prefixes[] = {"vmlinuz-", "vmlinux-", "Image-", "zImage-", "kernel-"};
    static const char *const plain[] = {"vmlinuz", "Image", "zImage", "Image.gz"};

    for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++) {
        const char *version = after(name, prefixes[i]);
        if (version && *version && !strstr(version, ".old") && !strstr(version, "rescue"))
            return version;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(plain); i++)
        if (!strcmp(name, plain[i]))
            return "";
    return NULL;
}

static void consider(struct search *search, const char *name, const char *version)
{
    struct guest_files *files = search->files;

    if (files->found && !strcmp(files->version, version))
        return;
    files->others += files->found;
    if (files->found && strverscmp(version, files->version) < 0)
        return;
    files->found = true;
    files->kernel_tree = search->tree;
    snprintf(files->version, sizeof(files->version), "%s", version);
    snprintf(files->kernel, sizeof(files->kernel), "%s/%s", search->dir, name);
}

static int visit_kernel(void *ctx, const char *name, const struct tree_node *node)
{
    struct search *search = ctx;
    const char *version = kernel_version(name);
    size_t len = strlen(name);
    char base[GUEST_NAME];

    if (!node->file || len >= GUEST_NAME)
        return 0;
    if (search->unified && len > 4 && !strcasecmp(name + len - 4, ".efi")) {
        snprintf(base, sizeof(base), "%.*s", (int)(len - 4), name);
        consider(search, name, base);
    } else if (!search->unified && version) {
        consider(search, name, version);
    }
    return 0;
}

/* \ENTRY-TOKEN\VERSION\linux. */
static int visit_version(void *ctx, const char *name, const struct tree_node *node)
{
    struct search *search = ctx, below = *search;
    struct guest_tree *tree = &search->files->tree[search->tree];
    char dir[2 * GUEST_NAME], path[3 * GUEST_NAME];
    struct tree_node kernel;

    if (!node->directory || strlen(name) >= GUEST_NAME)
        return 0;
    if (!--*search->lookups)
        return 1;
    snprintf(dir, sizeof(dir), "%.*s/%s", GUEST_NAME - 1, search->dir, name);
    snprintf(path, sizeof(path), "%s/linux", dir);
    below.dir = dir;
    if (!tree_lookup(&tree->tree, path, &kernel) && kernel.file)
        consider(&below, "linux", name);
    return 0;
}

/* A directory in a FAT volume's root that may be an entry token. */
static int visit_token(void *ctx, const char *name, const struct tree_node *node)
{
    struct search *search = ctx, below = *search;
    char dir[GUEST_NAME + 2];

    if (!node->directory || strlen(name) >= GUEST_NAME || !strcasecmp(name, "EFI"))
        return 0;
    if (*search->lookups <= 1 || !--*search->lookups)
        return 1;
    snprintf(dir, sizeof(dir), "/%s", name);
    below.dir = dir;
    tree_list(&search->files->tree[search->tree].tree, node, visit_version, &below);
    return 0;
}

static void search_dir(struct guest_files *files, int tree, const char *dir, bool unified)
{
    struct search search = {files, tree, dir, unified, NULL};
    struct tree_node node;

    if (!tree_lookup(&files->tree[tree].tree, *dir ? dir : "/", &node) && node.directory)
        tree_list(&files->tree[tree].tree, &node, visit_kernel, &search);
}

/* Only where nothing else names a kernel: Fedora's and others' second copy. */
static int visit_modules(void *ctx, const char *name, const struct tree_node *node)
{
    struct search *search = ctx, below = *search;
    struct tree_node kernel;
    char dir[GUEST_NAME * 2], path[GUEST_NAME * 3];

    if (!node->directory || strlen(name) >= GUEST_NAME)
        return 0;
    if (!--*search->lookups)
        return 1;
    snprintf(dir, sizeof(dir), "/lib/modules/%s", name);
    snprintf(path, sizeof(path), "%s/vmlinuz", dir);
    below.dir = dir;
    if (!tree_lookup(&search->files->tree[search->tree].tree, path, &kernel) && kernel.file)
        consider(&below, "vmlinuz", name);
    return 0;
}

static void find_kernel(struct guest_files *files)
{
    for (unsigned i = 0; i < files->trees; i++) {
        unsigned lookups = LOOKUPS_MAX;
        struct search search = {files, (int)i, "", false, &lookups};
        struct tree_node root;
        search_dir(files, (int)i, "/boot", false);
        search_dir(files, (int)i, "", false);
        if (files->tree[i].tree.ext)
            continue;
        search_dir(files, (int)i, "/EFI/Linux", true);
        if (!tree_lookup(&files->tree[i].tree, "/", &root))
            tree_list(&files->tree[i].tree, &root, visit_token, &search);
    }
    for (unsigned i = 0; i < files->trees && !files->found; i++) {
        unsigned lookups = LOOKUPS_MAX;
        struct search search = {files, (int)i, "", false, &lookups};
        struct tree_node node;
        if (!tree_lookup(&files->tree[i].tree, "/lib/modules", &node) && node.directory)
            tree_list(&files->tree[i].tree, &node, visit_modules, &search);
    }
}

/* --- modules ---------------------------------------------------------------------------------- */

struct choice {
    const char *version;
    char name[GUEST_NAME];
    unsigned fitting, all;
};

/* The directory of the version; else one that ends in it (Alpine's "virt"), or the only one. */
static int choose(void *ctx, const char *name, const struct tree_node *node)
{
    struct choice *choice = ctx;
    size_t len = strlen(name), n = strlen(choice->version);
    bool exact = !strcmp(name, choice->version);
    bool ends = n && len > n && !strcmp(name + len - n, choice->version);

    if (!node->directory || len >= GUEST_NAME)
        return 0;
    choice->all++;
    if (exact || ends || (!choice->fitting && choice->all == 1))
        snprintf(choice->name, sizeof(choice->name), "%s", name);
    choice->fitting += exact || ends;
    return exact;
}

static int find_modules(struct guest_files *files, const struct module_name *modules,
                        unsigned count)
{
    int rc = 0;

    for (unsigned i = 0; !rc && i < files->trees && !files->root.known; i++) {
        struct choice choice = {.version = files->version};
        struct tree *tree = &files->tree[i].tree;
        struct tree_node node;
        char dir[GUEST_NAME * 2];
        if (tree_lookup(tree, "/lib/modules", &node) || !node.directory)
            continue;
        tree_list(tree, &node, choose, &choice);
        if (!choice.fitting && choice.all != 1)
            continue;
        snprintf(dir, sizeof(dir), "/lib/modules/%s", choice.name);
        rc = guest_modules_read(tree, dir, modules, count, &files->root);
        snprintf(files->root.where, sizeof(files->root.where), "%s", dir);
        if (!files->version[0] || strcmp(files->version, choice.name))
            snprintf(files->version, sizeof(files->version), "%s", choice.name);
    }
    return rc;
}

/* --- configuration ---------------------------------------------------------------------------- */

static int load_config(struct guest_files *files, unsigned tree, const char *path)
{
    struct tree_node node;
    uint8_t *text;
    size_t size;
    int rc = tree_lookup(&files->tree[tree].tree, path, &node);

    if (!rc)
        rc = tree_load(&files->tree[tree].tree, &node, CONFIG_MAX, &text, &size);
    if (rc)
        return rc == -ENOMEM ? rc : 0;
    if (!kconfig_plausible((char *)text)) {
        free(text);
        return 0;
    }
    files->config = (char *)text;
    snprintf(files->config_from, sizeof(files->config_from), "%s", path);
    return 0;
}

/* A short file name's suffix ("virt") may stand for the version that the modules have. */
static int find_config(struct guest_files *files, const char *suffix)
{
    static const char *const places[] = {"/boot/config-%s", "/config-%s", "/lib/modules/%s/config",
                                         "/usr/lib/modules/%s/config"};
    const char *const versions[] = {files->version, suffix};
    char path[GUEST_NAME * 2];
    int rc = 0;

    for (unsigned i = 0; i < files->trees; i++)
        for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
            for (unsigned v = 0; v < ARRAY_SIZE(versions) && !files->config && !rc; v++) {
                const char *hole = strstr(places[p], "%s");
                if (!*versions[v])
                    continue;
                snprintf(path, sizeof(path), "%.*s%s%s", (int)(hole - places[p]), places[p],
                         versions[v], hole + 2);
                rc = load_config(files, i, path);
            }
    return rc;
}

static int config_from_kernel(struct guest_files *files)
{
    struct tree *tree = &files->tree[files->kernel_tree].tree;
    struct tree_file file;
    struct image_source source;
    struct tree_node node;
    int rc = tree_lookup(tree, files->kernel, &node);

    if (rc)
        return rc == -ENOMEM ? rc : 0;
    source = tree_source(tree, &node, &file);
    rc = kconfig_extract(&source, &files->config);
    if (!rc)
        snprintf(files->config_from, sizeof(files->config_from), "%.360s (IKCONFIG)",
                 files->kernel);
    else
        files->config = NULL;
    return rc == -ENOMEM ? rc : 0;
}

/* --- initial RAM disk ------------------------------------------------------------------------- */

static int read_initrd(struct guest_files *files, const struct image_source *source,
                       const struct module_name *modules, unsigned count)
{
    if (source->size > INITRD_MAX) {
        snprintf(files->ram_problem, sizeof(files->ram_problem), "it is larger than 1 GiB");
        return 0;
    }
    return guest_initrd_read(source, modules, count, files);
}

/* In a section of a unified kernel image. */
static int initrd_in_unified(struct guest_files *files, const struct module_name *modules,
                             unsigned count)
{
    struct tree *tree = &files->tree[files->kernel_tree].tree;
    const struct pe_section *section;
    struct image_source source, part;
    struct tree_file file;
    struct tree_node node;
    struct pe *pe;
    int rc = tree_lookup(tree, files->kernel, &node);

    if (rc || !node.file)
        return rc == -ENOMEM ? rc : 0;
    pe = malloc(sizeof(*pe));
    if (!pe)
        return -ENOMEM;
    source = tree_source(tree, &node, &file);
    rc = pe_read(&source, pe, NULL);
    section = rc ? NULL : pe_find(pe, ".initrd");
    if (section) {
        uint32_t size = section->size && section->size < section->file_size ? section->size
                                                                            : section->file_size;
        part = source_part(&source, section->offset, size);
        snprintf(files->initrd, sizeof(files->initrd), "%.300s (.initrd)", files->kernel);
        rc = read_initrd(files, &part, modules, count);
    }
    free(pe);
    return rc == -ENOMEM ? rc : 0;
}

static int find_initrd(struct guest_files *files, const char *suffix,
                       const struct module_name *modules, unsigned count)
{
    static const struct {
        const char *before, *behind;
    } names[] = {{"initrd.img-", ""}, {"initramfs-", ".img"}, {"initrd-", ""},
                 {"initrd-", ".img"}, {"initramfs-", ""},     {"initrd", ""},
                 {"initrd.img", ""}};
    struct tree *tree = &files->tree[files->kernel_tree].tree;
    char dir[GUEST_NAME * 3], path[GUEST_NAME * 6];
    char *slash;

    snprintf(dir, sizeof(dir), "%s", files->kernel);
    slash = strrchr(dir, '/');
    if (slash)
        *slash = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        bool plain = names[i].before[strlen(names[i].before) - 1] != '-';
        struct tree_file file;
        struct tree_node node;
        struct image_source source;
        snprintf(path, sizeof(path), "%s/%s%s%s", dir, names[i].before, plain ? "" : suffix,
                 names[i].behind);
        if (tree_lookup(tree, path, &node) || !node.file)
            continue;
        snprintf(files->initrd, sizeof(files->initrd), "%.383s", path);
        source = tree_source(tree, &node, &file);
        return read_initrd(files, &source, modules, count);
    }
    return initrd_in_unified(files, modules, count);
}

/* ---------------------------------------------------------------------------------------------- */

int guest_files_find(struct image_check *c, const struct module_name *modules, unsigned count,
                     struct guest_files *files)
{
    char suffix[GUEST_NAME];
    int rc = 0;

    memset(files, 0, sizeof(*files));
    if (c->in.table == TABLE_NONE)
        rc = open_tree(c, files, -1);
    for (unsigned i = 0; !rc && i < c->in.partitions; i++)
        rc = open_tree(c, files, (int)i);
    if (rc)
        return rc;
    find_kernel(files);
    if (!files->found)
        return 0;
    snprintf(suffix, sizeof(suffix), "%s", files->version);
    rc = find_modules(files, modules, count);
    if (!rc)
        rc = find_config(files, suffix);
    if (!rc && !files->config)
        rc = config_from_kernel(files);
    if (!rc)
        rc = find_initrd(files, suffix, modules, count);
    if (!files->version[0])
        snprintf(files->version, sizeof(files->version), "of unknown version");
    return rc;
}

void guest_files_free(struct guest_files *files)
{
    for (unsigned i = 0; i < files->trees; i++)
        tree_close(&files->tree[i].tree);
    free(files->config);
    files->config = NULL;
    files->trees = 0;
}
