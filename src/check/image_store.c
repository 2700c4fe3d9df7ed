/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I7 and I8: variable stores and firmware. Searched are the space outside of partitions, partitions
 * with unknown contents, every file of the EFI system partitions, and files of ext file systems by
 * name and by how they begin. Copies for other machines (a package's templates, what a host of
 * virtual machines keeps in /var/lib) are not this machine's firmware: they are only mentioned.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "check/image_impl.h"
#include "image/firmware.h"

enum { DEPTH_MAX = 24, NODES_MAX = 400000, PATH_MAX_CHARS = 2048, NOTES_MAX = 4 };

static const uint64_t SCAN_BUDGET = 4ull << 30;

struct store {
    struct image_check *c;
    const char *where; /* what is being searched: "partition 1" */
    struct tree *tree;
    uint64_t base; /* of the source in the disk */
    char path[PATH_MAX_CHARS];
    unsigned depth, nodes, notes, unread;
    uint64_t budget;
    bool given_up;
    bool told[2]; /* of the file at path: a store, firmware */
    int failed;
};

/* --- findings --------------------------------------------------------------------------------- */

static bool for_others(const char *path)
{
    static const char *const places[] = {"/usr/",  "/lib/",     "/nix/",
                                         "/snap/", "/var/lib/", "/var/cache/"};

    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        if (!strncasecmp(path, places[i], strlen(places[i])))
            return true;
    return false;
}

static void tell_file(struct store *s, enum firmware_kind kind, const char *id, const char *path)
{
    struct check_result *result = s->c->i[kind == FIRMWARE_VARIABLES ? 7 : 8];
    char fix[FIX_TEXT];

    if (s->tree->ext && for_others(path)) {
        if (s->notes++ < NOTES_MAX)
            result_note(s->c->report, result, id, "%s: %s is %s, kept for other machines", s->where,
                        path, firmware_kind_name(kind));
        return;
    }
    snprintf(fix, sizeof(fix), "delete %.200s from %s", path, s->where);
    result_fail(s->c->report, result, id, fix, "%s: %s %s %s", s->where, path,
                kind == FIRMWARE_VARIABLES ? "is" : "is or holds", firmware_kind_name(kind));
}

static int found_raw(void *ctx, enum firmware_kind kind, uint64_t offset)
{
    struct store *s = ctx;
    struct check_result *result = s->c->i[kind == FIRMWARE_VARIABLES ? 7 : 8];

    if (result->findings < 8)
        result_fail(s->c->report, result, kind == FIRMWARE_VARIABLES ? "store-raw" : "firmware-raw",
                    NULL, "%s: %s at byte %" PRIu64 " of the disk", s->where,
                    firmware_kind_name(kind), s->base + offset);
    return 0;
}

static void note_budget(struct store *s, const char *what)
{
    if (!s->given_up)
        result_note(s->c->report, s->c->i[7], "store-budget", "%s: only a part of it was searched",
                    what);
    s->given_up = true;
}

/* --- space without a file system -------------------------------------------------------------- */

static int scan_range(struct store *s, uint64_t start, uint64_t size, const char *where)
{
    struct image_source source = source_part(s->c->disk, start, size);
    int rc;

    s->where = where;
    s->base = start;
    rc = firmware_scan(&source, &s->budget, found_raw, s);
    if (rc == -EFBIG)
        note_budget(s, where);
    return rc == -EFBIG ? 0 : rc;
}

static int by_start(const void *a, const void *b)
{
    const struct inspect_partition *x = *(const struct inspect_partition *const *)a,
                                   *y = *(const struct inspect_partition *const *)b;

    return x->start < y->start ? -1 : x->start > y->start;
}

static int scan_gaps(struct store *s)
{
    const struct inspect *in = &s->c->in;
    const struct inspect_partition **order = calloc(in->partitions + 1, sizeof(*order));
    uint64_t at = 0, size = s->c->disk->size;
    int rc = order ? 0 : -ENOMEM;

    for (unsigned i = 0; !rc && i < in->partitions; i++)
        order[i] = &in->partition[i];
    if (!rc)
        qsort(order, in->partitions, sizeof(*order), by_start);
    for (unsigned i = 0; !rc && i < in->partitions; i++) {
        uint64_t end = order[i]->size > UINT64_MAX - order[i]->start
                           ? UINT64_MAX
                           : order[i]->start + order[i]->size;
        if (order[i]->start > at && at < size)
            rc = scan_range(s, at, order[i]->start - at, "outside of partitions");
        at = end > at ? end : at;
    }
    if (!rc && at < size)
        rc = scan_range(s, at, size - at, "outside of partitions");
    free(order);
    return rc;
}

/* --- files ------------------------------------------------------------------------------------ */

/* U-Boot keeps its variables in the former, EDK2's emulation in the latter. */
static bool store_name(const char *name)
{
    return !strcasecmp(name, "ubootefi.var") || !strcasecmp(name, "NvVars");
}

static int found_in_file(void *ctx, enum firmware_kind kind, uint64_t offset)
{
    struct store *s = ctx;

    bool store = kind == FIRMWARE_VARIABLES;

    if (!s->told[!store])
        tell_file(s, kind, store ? "store-file" : "firmware-file", s->path);
    s->told[!store] = true;
    return s->told[0] && s->told[1];
}

/* A file on the ESP is searched whole; elsewhere only what begins as a volume is one. */
static int look_inside(struct store *s, const struct tree_node *node)
{
    struct tree_file file;
    struct image_source source = tree_source(s->tree, node, &file);
    uint8_t head[4096];
    enum firmware_kind kind;
    int rc;

    if (s->tree->ext && (node->size < sizeof(head) || node->size % 512 ||
                         source_read(&source, 0, head, sizeof(head)) ||
                         !firmware_volume_at(head, sizeof(head), &kind)))
        return 0;
    memset(s->told, 0, sizeof(s->told));
    rc = firmware_scan(&source, &s->budget, found_in_file, s);
    if (rc == -EFBIG)
        note_budget(s, s->where);
    return rc == -ENOMEM ? rc : 0;
}

/* U-Boot in an ext file system: told by its name in /boot, since nothing marks its beginning. */
static int look_for_uboot(struct store *s, const char *name, const struct tree_node *node)
{
    struct tree_file file;
    struct image_source source = tree_source(s->tree, node, &file);
    uint64_t budget = 16 << 20;
    int rc;

    if (strncasecmp(name, "u-boot", 6) || strncmp(s->path, "/boot/", 6))
        return 0;
    memset(s->told, 0, sizeof(s->told));
    rc = firmware_scan(&source, &budget, found_in_file, s);
    return rc == -ENOMEM ? rc : 0;
}

static int visit(void *ctx, const char *name, const struct tree_node *node)
{
    struct store *s = ctx;
    size_t len = strlen(s->path), n = strlen(name);

    if (len + n + 2 > sizeof(s->path))
        return 0;
    if (++s->nodes > NODES_MAX) {
        note_budget(s, s->where);
        return 1;
    }
    s->path[len] = '/';
    memcpy(s->path + len + 1, name, n + 1);
    if (node->directory && s->depth < DEPTH_MAX) {
        s->depth++;
        tree_list(s->tree, node, visit, s); /* damage: what can be read is searched */
        s->depth--;
    } else if (node->file && store_name(name)) {
        tell_file(s, FIRMWARE_VARIABLES, "store-file", s->path);
    } else if (node->file) {
        s->failed = look_inside(s, node);
        if (!s->failed && s->tree->ext)
            s->failed = look_for_uboot(s, name, node);
    }
    s->path[len] = 0;
    return s->failed ? s->failed : s->nodes > NODES_MAX;
}

static int scan_tree(struct store *s, const struct image_source *source, const char *where)
{
    struct tree_node root;
    struct error err = {0};
    struct tree *tree = malloc(sizeof(*tree));
    int rc = tree ? tree_open(source, tree, &err) : -ENOMEM;

    s->where = where;
    s->tree = tree;
    s->path[0] = 0;
    if (!rc) {
        rc = tree_lookup(tree, "/", &root);
        if (!rc)
            tree_list(tree, &root, visit, s);
        rc = s->failed;
        tree_close(tree);
    }
    free(tree);
    return rc == -ENOMEM ? rc : 0;
}

/* ---------------------------------------------------------------------------------------------- */

static bool is_esp(const struct image_check *c, int partition)
{
    for (unsigned i = 0; i < c->esps; i++)
        if (c->esp[i].partition == partition)
            return true;
    return false;
}

/* A partition; -1: the disk, which has none. */
static int scan_partition(struct store *s, int index)
{
    struct image_source source = partition_source(s->c, index);
    const char *kind = index < 0 ? s->c->in.whole.kind : s->c->in.partition[index].fs.kind;
    char where[64];

    partition_name(s->c, index, where, sizeof(where));
    if (is_esp(s->c, index) || (kind && (!strncmp(kind, "ext", 3) || !strncmp(kind, "FAT", 3))))
        return scan_tree(s, &source, where);
    if (!kind)
        return scan_range(s, source.base, source.size, where);
    if (strcmp(kind, "swap") && s->unread++ < NOTES_MAX)
        result_note(s->c->report, s->c->i[7], "store-unread",
                    "%s holds %s, whose files were not looked at", where, kind);
    return 0;
}

/* What could not be read may hold anything. */
static void skip_unread(struct image_check *c)
{
    for (unsigned i = 0; i < c->esps; i++)
        for (unsigned r = 7; r <= 8 && !c->esp[i].readable; r++)
            result_skip(c->report, c->i[r], "%s cannot be read (%s)", c->esp[i].name,
                        c->esp[i].cut ? "I1" : "I3");
}

int check_store(struct image_check *c)
{
    struct store *s = calloc(1, sizeof(*s));
    int rc = s ? 0 : -ENOMEM;

    if (!rc) {
        s->c = c;
        s->budget = SCAN_BUDGET;
        rc = c->in.table == TABLE_NONE ? scan_partition(s, -1) : scan_gaps(s);
    }
    for (unsigned i = 0; !rc && i < c->in.partitions; i++)
        rc = scan_partition(s, (int)i);
    if (!rc)
        skip_unread(c);
    if (!rc && result_good(c->i[7]))
        result_found(c->report, c->i[7],
                     "no ubootefi.var, no NvVars, no firmware volume of that "
                     "type");
    if (!rc && result_good(c->i[8]))
        result_found(c->report, c->i[8], "no firmware volume, no U-Boot");
    free(s);
    return rc;
}
