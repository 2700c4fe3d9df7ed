/* SPDX-License-Identifier: Apache-2.0 */
/* Directories: 32-byte entries, long names in front of the short ones (FAT spec, "FAT Long
 * Directory Entries"). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "image/fat_impl.h"
#include "image/text.h"

enum {
    ENTRY = 32,
    ENTRIES_MAX = 65536, /* a directory has at most 2 MiB */
    LONG_UNITS = 13,
    LONG_PIECES = 20,
    ATTR_VOLUME = 0x08,
    ATTR_DIRECTORY = 0x10,
    ATTR_LONG = 0x0f,
    ATTR_MASK = 0x3f,
    LAST_LONG = 0x40,
};

static bool wanted(const uint8_t *raw, enum fat_raw what)
{
    if (raw[0] == 0xe5)
        return false;
    return what == FAT_RAW_ALL || ((raw[11] & ATTR_MASK) != ATTR_LONG && raw[11] & ATTR_VOLUME);
}

/* -EOVERFLOW after the last entry in use. */
static int entries_in(struct fat *fat, uint64_t offset, uint32_t bytes, enum fat_raw what,
                      int (*each)(void *ctx, const uint8_t *raw), void *ctx)
{
    uint8_t piece[512];

    for (uint32_t done = 0; done < bytes; done += sizeof(piece)) {
        uint32_t left = bytes - done;
        int rc = source_read(&fat->source, offset + done, piece,
                             left < sizeof(piece) ? left : sizeof(piece));
        if (rc)
            return rc == -ERANGE ? -EIO : rc;
        for (unsigned i = 0; i < sizeof(piece) && done + i + ENTRY <= bytes; i += ENTRY) {
            if (!piece[i])
                return -EOVERFLOW;
            rc = wanted(piece + i, what) ? each(ctx, piece + i) : 0;
            if (rc)
                return rc;
        }
    }
    return 0;
}

int fat_raw_entries(struct fat *fat, const struct fat_entry *dir, enum fat_raw what,
                    int (*each)(void *ctx, const uint8_t *raw), void *ctx)
{
    uint32_t cluster = dir ? dir->cluster : fat->bits == 32 ? fat->root_cluster : 0;
    uint32_t unit = fat_cluster_bytes(fat);
    int rc = 0;

    if (!cluster && fat->bits != 32) {
        uint64_t root = fat_data_sector(fat) * fat->bytes_per_sector -
                        align_up((uint64_t)fat->root_entries * ENTRY, fat->bytes_per_sector);
        rc = entries_in(fat, root, fat->root_entries * ENTRY, what, each, ctx);
        return rc == -EOVERFLOW ? 0 : rc;
    }
    if (!cluster) /* ".." of a directory in the root */
        cluster = fat->root_cluster;
    for (uint64_t bytes = 0; cluster && bytes < (uint64_t)ENTRIES_MAX * ENTRY; bytes += unit) {
        if (!fat_cluster_valid(fat, cluster))
            return -EIO;
        rc = entries_in(fat, fat_cluster_offset(fat, cluster), unit, what, each, ctx);
        if (rc)
            return rc == -EOVERFLOW ? 0 : rc;
        rc = fat_next(fat, cluster, &cluster);
        if (rc)
            return rc;
    }
    return cluster ? -EFBIG : 0;
}

/* --- names ------------------------------------------------------------------------------------ */

struct lister {
    struct fat *fat;
    int (*each)(void *ctx, const struct fat_entry *entry);
    void *ctx;
    struct fat_entry *entry;
    uint8_t units[2 * LONG_UNITS * LONG_PIECES]; /* UTF-16LE of the long name */
    unsigned expected;                           /* number of the next piece; 0: none under way */
    unsigned pieces;                             /* of a name that is complete when expected is 0 */
    uint8_t checksum;
};

static uint8_t short_checksum(const uint8_t *name)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < 11; i++)
        sum = (uint8_t)((sum >> 1 | sum << 7) + name[i]);
    return sum;
}

/* Pieces come last one first, numbered down to 1. */
static void long_piece(struct lister *l, const uint8_t *raw)
{
    unsigned number = raw[0] & 0x3f;
    uint8_t *to;

    if (raw[0] & LAST_LONG) {
        l->pieces = 0;
        l->expected = number;
        l->checksum = raw[13];
        if (!number || number > LONG_PIECES)
            l->expected = 0;
        else
            l->pieces = number;
        memset(l->units, 0, sizeof(l->units));
    }
    if (!l->expected || number != l->expected || raw[13] != l->checksum) {
        l->expected = 0;
        l->pieces = 0;
        return;
    }
    to = l->units + 2 * (size_t)LONG_UNITS * (number - 1);
    memcpy(to, raw + 1, 10);
    memcpy(to + 10, raw + 14, 12);
    memcpy(to + 22, raw + 28, 4);
    l->expected--;
}

/* Byte 12 of the entry says which halves Windows NT shows in lower case. */
static void short_name(const uint8_t *raw, char out[13], bool show)
{
    char base[9], extension[4];
    uint8_t first[8];

    memcpy(first, raw, 8);
    if (first[0] == 0x05)
        first[0] = 0xe5;
    text_padded(first, 8, base, sizeof(base));
    text_padded(raw + 8, 3, extension, sizeof(extension));
    for (char *c = base; show && raw[12] & 0x08 && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    for (char *c = extension; show && raw[12] & 0x10 && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    memcpy(out, base, strlen(base) + 1);
    if (extension[0]) {
        strcat(out, ".");
        strcat(out, extension);
    }
}

static int one_entry(void *ctx, const uint8_t *raw)
{
    struct lister *l = ctx;
    struct fat_entry *entry = l->entry;
    bool has_long;

    if ((raw[11] & ATTR_MASK) == ATTR_LONG) {
        long_piece(l, raw);
        return 0;
    }
    has_long = l->pieces && !l->expected && l->checksum == short_checksum(raw);
    if (!(raw[11] & ATTR_VOLUME) && raw[0] != '.') {
        memset(entry, 0, sizeof(*entry));
        short_name(raw, entry->short_name, false);
        if (has_long)
            text_utf16(l->units, (size_t)LONG_UNITS * l->pieces, entry->name, sizeof(entry->name));
        if (!entry->name[0])
            short_name(raw, entry->name, true);
        entry->directory = raw[11] & ATTR_DIRECTORY;
        entry->cluster = (uint32_t)ld_le(raw + 26, 2);
        if (l->fat->bits == 32)
            entry->cluster |= (uint32_t)ld_le(raw + 20, 2) << 16;
        entry->size = entry->directory ? 0 : (uint32_t)ld_le(raw + 28, 4);
    } else {
        has_long = false;
        entry->name[0] = 0;
    }
    l->pieces = 0;
    l->expected = 0;
    return entry->name[0] ? l->each(l->ctx, entry) : 0;
}

static void add_damage(struct fat *fat, const struct fat_entry *dir, int code)
{
    findings_add(&fat->findings, FINDING_ERROR, "fat-directory", "the directory %s is damaged: %s",
                 dir ? dir->short_name : "/",
                 code == -EIO ? "its chain of clusters breaks" : "it does not end");
}

int fat_check_directory(struct fat *fat, const struct fat_entry *dir)
{
    uint32_t cluster = dir ? dir->cluster : fat->root_cluster, most = fat->clusters;
    int rc = 0;

    if (!dir && fat->bits != 32)
        return 0;
    if (most > ENTRIES_MAX * ENTRY / fat_cluster_bytes(fat) + 1)
        most = ENTRIES_MAX * ENTRY / fat_cluster_bytes(fat) + 1;
    for (uint32_t i = 0; !rc && cluster && i < most; i++)
        rc = fat_cluster_valid(fat, cluster) ? fat_next(fat, cluster, &cluster) : -EIO;
    if (!rc && cluster)
        rc = -EFBIG;
    if (rc == -EIO || rc == -EFBIG) {
        add_damage(fat, dir, rc);
        rc = 0;
    }
    return rc;
}

int fat_list(struct fat *fat, const struct fat_entry *dir,
             int (*each)(void *ctx, const struct fat_entry *entry), void *ctx)
{
    struct lister lister = {.fat = fat, .each = each, .ctx = ctx};
    int rc;

    if (dir && !dir->directory)
        return -ENOTDIR;
    lister.entry = calloc(1, sizeof(*lister.entry));
    if (!lister.entry)
        return -ENOMEM;
    rc = fat_raw_entries(fat, dir, FAT_RAW_ALL, one_entry, &lister);
    free(lister.entry);
    if (rc == -EIO || rc == -EFBIG)
        add_damage(fat, dir, rc);
    return rc;
}

/* --- looking up ------------------------------------------------------------------------------- */

struct search {
    const char *name;
    size_t len;
    struct fat_entry *found;
};

static char fold(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool same_name(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!a[i] || fold(a[i]) != fold(b[i]))
            return false;
    return !a[len];
}

static int compare(void *ctx, const struct fat_entry *entry)
{
    struct search *search = ctx;

    if (!same_name(entry->name, search->name, search->len) &&
        !same_name(entry->short_name, search->name, search->len))
        return 0;
    *search->found = *entry;
    return 1;
}

int fat_lookup(struct fat *fat, const char *path, struct fat_entry *entry)
{
    bool at_root = true;

    for (;;) {
        struct search search;
        int rc;
        path += strspn(path, "/\\");
        if (!*path)
            return at_root ? -EISDIR : 0;
        search.name = path;
        search.len = strcspn(path, "/\\");
        search.found = entry;
        path += search.len;
        rc = fat_list(fat, at_root ? NULL : entry, compare, &search);
        if (rc != 1)
            return rc ? rc : -ENOENT;
        at_root = false;
    }
}
