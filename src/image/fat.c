/* SPDX-License-Identifier: Apache-2.0 */
/* The volume: boot sector, table, chains and file contents. fat_dir.c has the directories. */
#include "image/fat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/fat_impl.h"
#include "image/text.h"

/* FAT spec, "FAT Type Determination": below 4085 clusters it is FAT12, below 65525 FAT16. */
enum { FAT16_CLUSTERS = 4085, FAT32_CLUSTERS = 65525, FAT32_CLUSTERS_MAX = 0x0ffffff5 };

/* --- boot sector ------------------------------------------------------------------------------ */

static bool power_of_two(uint32_t x)
{
    return x && !(x & (x - 1));
}

static int geometry(const uint8_t *b, struct fat *fat, struct error *err)
{
    uint64_t small = ld_le(b + 19, 2), data_start;

    fat->bytes_per_sector = (uint32_t)ld_le(b + 11, 2);
    fat->sectors_per_cluster = b[13];
    fat->reserved_sectors = (uint32_t)ld_le(b + 14, 2);
    fat->copies = b[16];
    fat->root_entries = (uint32_t)ld_le(b + 17, 2);
    fat->total_sectors = small ? small : ld_le(b + 32, 4);
    fat->fat_sectors = (uint32_t)ld_le(b + 22, 2);
    if (!fat->fat_sectors)
        fat->fat_sectors = (uint32_t)ld_le(b + 36, 4);
    if (ld_le(b + 510, 2) != 0xaa55)
        return error_set(err, -EINVAL, "no FAT: the boot sector has no signature");
    if (!power_of_two(fat->bytes_per_sector) || fat->bytes_per_sector < 512 ||
        fat->bytes_per_sector > 4096)
        return error_set(err, -EINVAL, "no FAT: %" PRIu32 " bytes a sector", fat->bytes_per_sector);
    if (!power_of_two(fat->sectors_per_cluster))
        return error_set(err, -EINVAL, "no FAT: %" PRIu32 " sectors a cluster",
                         fat->sectors_per_cluster);
    if (!fat->reserved_sectors || !fat->copies || !fat->fat_sectors || !fat->total_sectors)
        return error_set(err, -EINVAL, "no FAT: the boot sector describes no table");
    data_start = fat_data_sector(fat);
    if (data_start >= fat->total_sectors)
        return error_set(err, -EINVAL, "no FAT: the boot sector leaves no room for data");
    fat->clusters = (uint32_t)((fat->total_sectors - data_start) / fat->sectors_per_cluster);
    return 0;
}

/* What the number of clusters makes it must agree with how the boot sector is laid out. */
static int decide_type(const uint8_t *b, struct fat *fat, struct error *err)
{
    bool laid_out_32 = !ld_le(b + 22, 2);
    uint64_t needed;

    fat->bits = fat->clusters < FAT16_CLUSTERS ? 12 : fat->clusters < FAT32_CLUSTERS ? 16 : 32;
    if (fat->clusters >= FAT32_CLUSTERS_MAX)
        return error_set(err, -EINVAL, "no FAT: %" PRIu32 " clusters", fat->clusters);
    if (laid_out_32 && fat->bits != 32) {
        /* Every reader takes it for FAT32 in spite of its clusters: the fields are FAT32's. */
        findings_add(&fat->findings, FINDING_ERROR, "fat32-clusters",
                     "laid out as FAT32, but it has %" PRIu32 " clusters and FAT32 has at least %d",
                     fat->clusters, FAT32_CLUSTERS);
        fat->bits = 32;
    } else if (!laid_out_32 && fat->bits == 32) {
        return error_set(err, -EINVAL, "no FAT: laid out as FAT16, but with %" PRIu32 " clusters",
                         fat->clusters);
    }
    needed = ((uint64_t)fat->clusters + 2) * fat->bits;
    needed = (needed + 8ull * fat->bytes_per_sector - 1) / (8ull * fat->bytes_per_sector);
    if (needed > fat->fat_sectors) {
        uint64_t room = 8ull * fat->fat_sectors * fat->bytes_per_sector / fat->bits;
        if (room < 3)
            return error_set(err, -EINVAL, "no FAT: the table has no room for a cluster");
        findings_add(&fat->findings, FINDING_ERROR, "fat-too-short",
                     "the FAT has %" PRIu32 " sectors, its clusters need %" PRIu64,
                     fat->fat_sectors, needed);
        fat->clusters = (uint32_t)(room - 2);
    }
    return 0;
}

static void judge_sizes(const uint8_t *b, struct fat *fat)
{
    uint64_t bytes = fat->total_sectors * fat->bytes_per_sector;

    if (bytes > fat->source.size)
        findings_add(&fat->findings, FINDING_ERROR, "fat-beyond-end",
                     "the file system has %" PRIu64 " bytes, its partition %" PRIu64, bytes,
                     fat->source.size);
    if ((b[0] != 0xeb || b[2] != 0x90) && b[0] != 0xe9)
        findings_add(&fat->findings, FINDING_ERROR, "fat-jump",
                     "the boot sector does not begin with a jump");
    if (b[21] != 0xf0 && b[21] < 0xf8)
        findings_add(&fat->findings, FINDING_ERROR, "fat-media", "the media byte is %02X", b[21]);
    if (fat->bits == 32 && fat->root_entries)
        findings_add(&fat->findings, FINDING_ERROR, "fat32-root-entries",
                     "FAT32 with a fixed root directory of %" PRIu32 " entries", fat->root_entries);
    if (fat->bits == 32 && ld_le(b + 19, 2))
        findings_add(&fat->findings, FINDING_ERROR, "fat32-small-total",
                     "FAT32 with the 16-bit number of sectors");
    if (fat->bits != 32 && !fat->root_entries)
        findings_add(&fat->findings, FINDING_ERROR, "fat-no-root", "FAT%u without a root directory",
                     fat->bits);
}

/* FAT32's own fields, and the sectors that it adds. */
static int read_extended(const uint8_t *b, struct fat *fat)
{
    uint32_t info = (uint32_t)ld_le(b + 48, 2);
    uint8_t sector[512];
    int rc;

    fat->root_cluster = (uint32_t)ld_le(b + 44, 4);
    if (!fat_cluster_valid(fat, fat->root_cluster))
        findings_add(&fat->findings, FINDING_ERROR, "fat32-root",
                     "the root directory's cluster %" PRIu32 " does not exist", fat->root_cluster);
    if (ld_le(b + 42, 2))
        findings_add(&fat->findings, FINDING_ERROR, "fat32-version",
                     "FAT32 of version %u.%u; only 0.0 is known", b[43], b[42]);
    if (!info || info == 0xffff)
        return 0;
    rc = source_read(&fat->source, (uint64_t)info * fat->bytes_per_sector, sector, sizeof(sector));
    if (rc == -ERANGE || info >= fat->reserved_sectors ||
        (!rc && (ld_le(sector, 4) != 0x41615252 || ld_le(sector + 484, 4) != 0x61417272 ||
                 ld_le(sector + 508, 4) != 0xaa550000)))
        findings_add(&fat->findings, FINDING_NOTE, "fat32-info",
                     "the FSInfo sector %" PRIu32 " is not one", info);
    return rc == -ERANGE ? 0 : rc;
}

static int label_of(void *ctx, const uint8_t *raw)
{
    struct fat *fat = ctx;

    text_padded(raw, 11, fat->label, sizeof(fat->label));
    return 1;
}

int fat_open(const struct image_source *source, struct fat *fat, struct error *err)
{
    uint8_t b[512];
    const uint8_t *tail;
    int rc;

    memset(fat, 0, sizeof(*fat));
    fat->source = *source;
    fat->cached = ~0ull;
    rc = source_read(source, 0, b, sizeof(b));
    if (rc)
        return rc == -ERANGE ? error_set(err, -EINVAL, "no FAT: too small for a boot sector")
                             : error_set(err, rc, "cannot be read: %s", strerror(-rc));
    rc = geometry(b, fat, err);
    if (!rc)
        rc = decide_type(b, fat, err);
    if (rc)
        return rc;
    judge_sizes(b, fat);
    if (fat->bits == 32)
        rc = read_extended(b, fat);
    if (rc)
        return error_set(err, rc, "cannot be read: %s", strerror(-rc));
    tail = b + (fat->bits == 32 ? 64 : 36);
    if (tail[2] == 0x29) { /* the fields after it are there */
        fat->volume_id = (uint32_t)ld_le(tail + 3, 4);
        text_padded(tail + 7, 11, fat->label, sizeof(fat->label));
    }
    if (!strcmp(fat->label, "NO NAME"))
        fat->label[0] = 0;
    fat_raw_entries(fat, NULL, FAT_RAW_LABEL, label_of, fat);
    return 0;
}

/* --- the table -------------------------------------------------------------------------------- */

static int load_piece(struct fat *fat, uint64_t piece)
{
    uint64_t left = piece < fat->source.size ? fat->source.size - piece : 0;
    size_t n = left < sizeof(fat->cache) ? (size_t)left : sizeof(fat->cache);
    int rc;

    fat->cached = ~0ull;
    rc = n ? source_read(&fat->source, piece, fat->cache, n) : -ERANGE;
    if (rc)
        return rc;
    memset(fat->cache + n, 0, sizeof(fat->cache) - n);
    fat->cached = piece;
    return 0;
}

/* Bytes of one copy of the FAT, through the cache; -ERANGE when the copy is not on the disk. */
static int table_bytes(struct fat *fat, uint32_t copy, uint64_t at, unsigned len, uint32_t *value)
{
    uint64_t start = ((uint64_t)fat->reserved_sectors + (uint64_t)copy * fat->fat_sectors) *
                     fat->bytes_per_sector;
    uint8_t bytes[4];

    for (unsigned i = 0; i < len;) { /* an entry of FAT12 may lie in two pieces */
        uint64_t place = start + at + i, piece = align_down(place, sizeof(fat->cache));
        if (fat->cached != piece) {
            int rc = load_piece(fat, piece);
            if (rc)
                return rc;
        }
        for (; i < len && place - piece < sizeof(fat->cache); i++, place++) {
            if (place >= fat->source.size)
                return -ERANGE;
            bytes[i] = fat->cache[place - piece];
        }
    }
    *value = (uint32_t)ld_le(bytes, len);
    return 0;
}

static int table_entry(struct fat *fat, uint32_t copy, uint32_t cluster, uint32_t *value)
{
    uint32_t raw = 0;
    int rc;

    if (fat->bits == 12) {
        rc = table_bytes(fat, copy, cluster + cluster / 2, 2, &raw);
        *value = cluster & 1 ? raw >> 4 : raw & 0xfff;
    } else {
        rc = table_bytes(fat, copy, (uint64_t)cluster * (fat->bits / 8), fat->bits / 8, &raw);
        *value = fat->bits == 32 ? raw & 0x0fffffff : raw;
    }
    return rc;
}

int fat_table_entry(struct fat *fat, uint32_t cluster, uint32_t *value)
{
    return table_entry(fat, 0, cluster, value);
}

bool fat_cluster_valid(const struct fat *fat, uint32_t cluster)
{
    return cluster >= 2 && cluster - 2 < fat->clusters;
}

int fat_next(struct fat *fat, uint32_t cluster, uint32_t *next)
{
    uint32_t end = fat->bits == 12 ? 0xff8 : fat->bits == 16 ? 0xfff8 : 0x0ffffff8;
    int rc = table_entry(fat, 0, cluster, next);

    if (rc)
        return rc == -ERANGE ? -EIO : rc;
    if (*next >= end) {
        *next = 0;
        return 0;
    }
    return fat_cluster_valid(fat, *next) ? 0 : -EIO;
}

uint64_t fat_data_sector(const struct fat *fat)
{
    uint64_t root =
        ((uint64_t)fat->root_entries * 32 + fat->bytes_per_sector - 1) / fat->bytes_per_sector;

    return fat->reserved_sectors + (uint64_t)fat->copies * fat->fat_sectors + root;
}

uint32_t fat_cluster_bytes(const struct fat *fat)
{
    return fat->bytes_per_sector * fat->sectors_per_cluster;
}

uint64_t fat_cluster_offset(const struct fat *fat, uint32_t cluster)
{
    return fat_data_sector(fat) * fat->bytes_per_sector +
           (uint64_t)(cluster - 2) * fat_cluster_bytes(fat);
}

/* Compares two copies of the table, in pieces. */
static int compare_copies(struct fat *fat, uint32_t copy)
{
    enum { PIECE = 65536 };
    uint64_t bytes = (uint64_t)fat->fat_sectors * fat->bytes_per_sector;
    uint64_t first = (uint64_t)fat->reserved_sectors * fat->bytes_per_sector;
    uint8_t *a = malloc(2 * PIECE);
    int rc = a ? 0 : -ENOMEM;

    for (uint64_t at = 0; !rc && at < bytes; at += PIECE) {
        size_t n = bytes - at < PIECE ? (size_t)(bytes - at) : PIECE;
        rc = source_read(&fat->source, first + at, a, n);
        if (!rc)
            rc = source_read(&fat->source, first + copy * bytes + at, a + PIECE, n);
        if (!rc && memcmp(a, a + PIECE, n)) {
            findings_add(&fat->findings, FINDING_ERROR, "fat-copies-differ",
                         "copy %" PRIu32 " of the FAT differs from the first", copy + 1);
            break;
        }
    }
    free(a);
    return rc;
}

int fat_check(struct fat *fat)
{
    int rc = 0;

    for (uint32_t copy = 1; !rc && copy < fat->copies; copy++)
        rc = compare_copies(fat, copy);
    fat->free_clusters = 0;
    for (uint32_t i = 0; !rc && i < fat->clusters; i++) {
        uint32_t value;
        rc = table_entry(fat, 0, i + 2, &value);
        fat->free_clusters += !rc && !value;
    }
    if (rc == -ERANGE) {
        findings_add(&fat->findings, FINDING_ERROR, "fat-truncated",
                     "the partition ends before the FAT does");
        rc = 0;
    }
    return rc;
}

/* --- files ------------------------------------------------------------------------------------ */

/* The cluster number index of a chain, going on from a known place where that is not behind. */
static int seek(struct fat *fat, uint32_t first, uint32_t index, uint32_t *at_index,
                uint32_t *at_cluster)
{
    if (!fat_cluster_valid(fat, first) || index >= fat->clusters)
        return -EIO;
    if (!*at_cluster || *at_index > index) {
        *at_index = 0;
        *at_cluster = first;
    }
    while (*at_index < index) {
        uint32_t next;
        int rc = fat_next(fat, *at_cluster, &next);
        if (rc || !next)
            return rc ? rc : -EIO;
        *at_cluster = next;
        ++*at_index;
    }
    return 0;
}

static int read_from(struct fat *fat, const struct fat_entry *entry, uint64_t offset, void *buf,
                     size_t len, uint32_t *at_index, uint32_t *at_cluster)
{
    uint32_t unit = fat_cluster_bytes(fat);
    uint8_t *out = buf;

    if (entry->directory)
        return -EISDIR;
    if (offset > entry->size || len > entry->size - offset)
        return -ERANGE;
    while (len) {
        uint32_t within = (uint32_t)(offset % unit);
        size_t n = len < unit - within ? len : unit - within;
        int rc = seek(fat, entry->cluster, (uint32_t)(offset / unit), at_index, at_cluster);
        if (!rc)
            rc = source_read(&fat->source, fat_cluster_offset(fat, *at_cluster) + within, out, n);
        if (rc)
            return rc == -ERANGE ? -EIO : rc;
        out += n;
        offset += n;
        len -= n;
    }
    return 0;
}

int fat_read(struct fat *fat, const struct fat_entry *entry, uint64_t offset, void *buf, size_t len)
{
    uint32_t index = 0, cluster = 0;

    return read_from(fat, entry, offset, buf, len, &index, &cluster);
}

static int read_file(void *ctx, uint64_t offset, void *buf, size_t len)
{
    struct fat_file *file = ctx;

    return read_from(file->fat, &file->entry, offset, buf, len, &file->at_index, &file->at_cluster);
}

struct image_source fat_source(struct fat_file *file)
{
    file->at_index = 0;
    file->at_cluster = 0;
    return (struct image_source){.read = read_file, .ctx = file, .size = file->entry.size};
}
