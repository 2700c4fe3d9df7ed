/* SPDX-License-Identifier: Apache-2.0 */
/* FAT spec, sections "FAT Data Structure", "FAT Directory Structure" and "FSInfo". */
#include "image/fat_write.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/fat_impl.h"

enum {
    ENTRY = 32,
    DIRECTORY_MAX = 2 << 20,
    ATTR_DIRECTORY = 0x10,
    ATTR_ARCHIVE = 0x20,
    END = 0x0fffffff,
    FREE_COUNT = 488, /* in FSInfo */
    NEXT_FREE = 492,
};

struct writer {
    struct fat *fat;
    struct patch *patch;
    uint64_t base;
    uint32_t next; /* where to look for a free cluster */
    uint32_t used; /* how many were taken */
    uint32_t time;
};

/* --- clusters --------------------------------------------------------------------------------- */

static int put(struct writer *w, uint64_t offset, const void *data, size_t len)
{
    w->fat->cached = ~0ull; /* what fat.c has read of the table */
    return patch_write(w->patch, w->base + offset, data, len);
}

/* In every copy; the top four bits stay as they are. */
static int set_entry(struct writer *w, uint32_t cluster, uint32_t value)
{
    struct fat *fat = w->fat;
    int rc = 0;

    for (uint32_t copy = 0; !rc && copy < fat->copies; copy++) {
        uint64_t at = ((uint64_t)fat->reserved_sectors + (uint64_t)copy * fat->fat_sectors) *
                          fat->bytes_per_sector +
                      4ull * cluster;
        uint8_t raw[4];
        rc = source_read(&fat->source, at, raw, sizeof(raw));
        if (rc)
            break;
        st_le(raw, 4, (ld_le(raw, 4) & 0xf0000000) | value);
        rc = put(w, at, raw, sizeof(raw));
    }
    return rc;
}

/* A free cluster, marked as the end of a chain. */
static int take(struct writer *w, uint32_t *cluster)
{
    struct fat *fat = w->fat;

    for (; fat_cluster_valid(fat, w->next); w->next++) {
        uint32_t value;
        int rc = fat_table_entry(fat, w->next, &value);
        if (rc)
            return rc;
        if (value)
            continue;
        *cluster = w->next++;
        w->used++;
        return set_entry(w, *cluster, END);
    }
    return -ENOSPC;
}

static int write_data(struct writer *w, const uint8_t *data, size_t size, uint32_t *first)
{
    uint32_t unit = fat_cluster_bytes(w->fat), before = 0, cluster = 0;
    int rc = 0;

    *first = 0;
    for (size_t at = 0; !rc && at < size; at += unit) {
        size_t n = size - at < unit ? size - at : unit;
        rc = take(w, &cluster);
        if (!rc)
            rc = put(w, fat_cluster_offset(w->fat, cluster), data + at, n);
        if (!rc && before)
            rc = set_entry(w, before, cluster);
        *first = *first ? *first : cluster;
        before = cluster;
    }
    return rc;
}

/* The numbers in FSInfo are hints, but programs show them. */
static int update_info(struct writer *w)
{
    struct fat *fat = w->fat;
    uint8_t boot[512], info[512];
    uint64_t at;
    int rc = source_read(&fat->source, 0, boot, sizeof(boot));

    if (rc)
        return rc;
    at = ld_le(boot + 48, 2) * fat->bytes_per_sector;
    if (!at || ld_le(boot + 48, 2) >= fat->reserved_sectors)
        return 0;
    rc = source_read(&fat->source, at, info, sizeof(info));
    if (rc || ld_le(info, 4) != 0x41615252)
        return rc;
    if (ld_le(info + FREE_COUNT, 4) != 0xffffffff && ld_le(info + FREE_COUNT, 4) >= w->used)
        st_le(info + FREE_COUNT, 4, ld_le(info + FREE_COUNT, 4) - w->used);
    st_le(info + NEXT_FREE, 4, w->next);
    return put(w, at, info, sizeof(info));
}

/* --- directories ------------------------------------------------------------------------------ */

static bool short_char(char c)
{
    return isalnum((unsigned char)c) || strchr("$%'-_@~`!(){}^#&", c);
}

/* "BOOTAA64EFI" of the first component of path; its length in *len, 0: it is none. */
static void short_form(const char *path, uint8_t name[11], size_t *len)
{
    size_t base = 0, extension = 0, n = strcspn(path, "/");

    memset(name, ' ', 11);
    *len = 0;
    for (size_t i = 0; i < n; i++) {
        bool dot = path[i] == '.' && !extension && base;
        if (dot) {
            extension = 1;
            continue;
        }
        if (!short_char(path[i]) || (extension ? extension > 3 : base >= 8))
            return;
        if (extension)
            name[8 + extension++ - 1] = (uint8_t)toupper((unsigned char)path[i]);
        else
            name[base++] = (uint8_t)toupper((unsigned char)path[i]);
    }
    *len = base ? n : 0;
}

static void fill_entry(const struct writer *w, uint8_t raw[ENTRY], const uint8_t name[11],
                       uint8_t attributes, uint32_t cluster, uint32_t size)
{
    memset(raw, 0, ENTRY);
    memcpy(raw, name, 11);
    raw[11] = attributes;
    st_le(raw + 14, 4, w->time);
    st_le(raw + 18, 2, w->time >> 16);
    st_le(raw + 20, 2, cluster >> 16);
    st_le(raw + 22, 4, w->time);
    st_le(raw + 26, 2, cluster & 0xffff);
    st_le(raw + 28, 4, size);
}

/* An empty directory: "." and ".."; the root is 0 in the latter. */
static int new_directory(struct writer *w, uint32_t parent, uint32_t *cluster)
{
    uint32_t unit = fat_cluster_bytes(w->fat);
    uint8_t *data = calloc(1, unit);
    int rc = data ? 0 : -ENOMEM;

    if (!rc)
        rc = write_data(w, data, unit, cluster);
    if (!rc) {
        fill_entry(w, data, (const uint8_t *)".          ", ATTR_DIRECTORY, *cluster, 0);
        fill_entry(w, data + ENTRY, (const uint8_t *)"..         ", ATTR_DIRECTORY,
                   parent == w->fat->root_cluster ? 0 : parent, 0);
        rc = put(w, fat_cluster_offset(w->fat, *cluster), data, unit);
    }
    free(data);
    return rc;
}

static bool was_end(struct writer *w, uint64_t slot)
{
    uint8_t first = 1;

    return !source_read(&w->fat->source, slot, &first, 1) && !first;
}

/* A free place in a directory; -ENOENT: there is none, and *last is its last cluster. Behind the
 * end mark all is free (FAT spec, DIR_Name[0]). */
static int find_slot(struct writer *w, uint32_t cluster, uint64_t *slot, uint32_t *last)
{
    uint32_t unit = fat_cluster_bytes(w->fat);

    for (uint64_t bytes = 0; cluster && bytes < DIRECTORY_MAX; bytes += unit) {
        if (!fat_cluster_valid(w->fat, cluster))
            return -EIO;
        *last = cluster;
        for (uint32_t at = 0; at < unit; at += ENTRY) {
            uint8_t first;
            int rc =
                source_read(&w->fat->source, fat_cluster_offset(w->fat, cluster) + at, &first, 1);
            if (rc)
                return rc;
            if (first != 0xe5 && first)
                continue;
            *slot = fat_cluster_offset(w->fat, cluster) + at;
            /* The end mark moves on. */
            first = 0;
            return at + ENTRY < unit && was_end(w, *slot)
                       ? put(w, *slot + ENTRY, &first, sizeof(first))
                       : 0;
        }
        if (fat_next(w->fat, cluster, &cluster))
            return -EIO;
    }
    return cluster ? -ENOSPC : -ENOENT;
}

static int add_entry(struct writer *w, uint32_t directory, const uint8_t raw[ENTRY])
{
    uint32_t unit = fat_cluster_bytes(w->fat), last = 0, more;
    uint64_t slot = 0;
    int rc = find_slot(w, directory, &slot, &last);

    if (rc == -ENOENT) {
        uint8_t *zeroes = calloc(1, unit);
        rc = zeroes ? write_data(w, zeroes, unit, &more) : -ENOMEM;
        free(zeroes);
        if (!rc)
            rc = set_entry(w, last, more);
        if (!rc)
            slot = fat_cluster_offset(w->fat, more);
    }
    return rc ? rc : put(w, slot, raw, ENTRY);
}

/* The directory of that path, made where it is not. */
static int enter(struct writer *w, const char *path, size_t len, uint32_t parent,
                 const uint8_t name[11], uint32_t *cluster)
{
    char upto[256];
    struct fat_entry entry;
    uint8_t raw[ENTRY];
    int rc;

    if (len >= sizeof(upto))
        return -EINVAL;
    memcpy(upto, path, len);
    upto[len] = 0;
    rc = fat_lookup(w->fat, upto, &entry);
    if (!rc && !entry.directory)
        return -EEXIST;
    if (!rc)
        *cluster = entry.cluster ? entry.cluster : w->fat->root_cluster;
    if (rc != -ENOENT)
        return rc;
    rc = new_directory(w, parent, cluster);
    fill_entry(w, raw, name, ATTR_DIRECTORY, *cluster, 0);
    return rc ? rc : add_entry(w, parent, raw);
}

static int add(struct writer *w, const char *path, const uint8_t *data, size_t size)
{
    uint32_t directory = w->fat->root_cluster, first = 0;
    const char *at = path + strspn(path, "/");
    struct fat_entry entry;
    uint8_t name[11], raw[ENTRY];
    size_t len;
    int rc;

    for (;;) {
        short_form(at, name, &len);
        if (!len)
            return -EINVAL;
        if (!at[len])
            break;
        rc = enter(w, path, (size_t)(at - path) + len, directory, name, &directory);
        if (rc)
            return rc;
        at += len + 1;
    }
    rc = fat_lookup(w->fat, path, &entry);
    if (rc != -ENOENT)
        return rc ? rc : -EEXIST;
    rc = write_data(w, data, size, &first);
    fill_entry(w, raw, name, ATTR_ARCHIVE, first, (uint32_t)size);
    if (!rc)
        rc = add_entry(w, directory, raw);
    return rc ? rc : update_info(w);
}

int fat_add(struct fat *fat, struct patch *patch, uint64_t base, const char *path,
            const uint8_t *data, size_t size, uint32_t dos_time, struct error *err)
{
    struct writer w = {.fat = fat, .patch = patch, .base = base, .next = 2, .time = dos_time};
    int rc = fat->bits == 32 && size <= UINT32_MAX ? add(&w, path, data, size) : -EINVAL;

    if (rc == -ENOSPC)
        return error_set(err, rc, "the EFI system partition has no room for %s", path);
    return rc ? error_set(err, rc, "%s cannot be written: %s", path, strerror(-rc)) : 0;
}
