/* SPDX-License-Identifier: Apache-2.0 */
#include "image/gpt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/source.h"
#include "image/text.h"

enum {
    HEADER_MIN = 92,       /* UEFI 2.10, table 5.5 */
    ENTRY_MIN = 128,       /* table 5.6 */
    ARRAY_MIN = 16384,     /* 5.3.1: room that must be reserved */
    ARRAY_LIMIT = 4 << 20, /* ours: 32768 partitions */
    MBR_ENTRIES = 446,     /* offset in the sector */
    TYPE_PROTECTIVE = 0xee,
};

/* --- the protective MBR (5.2.3) --------------------------------------------------------------- */

static void mbr_parse(const uint8_t *sector, struct mbr *mbr)
{
    mbr->signature = ld_le(sector + 510, 2) == 0xaa55;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *p = sector + MBR_ENTRIES + 16 * i;
        mbr->entry[i] = (struct mbr_entry){
            p[0],
            p[4],
            (uint32_t)ld_le(p + 8, 4),
            (uint32_t)ld_le(p + 12, 4),
        };
        if (mbr->signature && p[4] == TYPE_PROTECTIVE)
            mbr->protective = true;
    }
}

static bool grown_from(const struct gpt *gpt, const struct mbr_entry *entry)
{
    return gpt->primary.valid && entry->first == 1 && entry->count < gpt->sectors &&
           entry->count == gpt->primary.alternate_lba;
}

static void mbr_judge(struct gpt *gpt)
{
    uint64_t whole = gpt->sectors - 1;
    uint32_t expected = whole > UINT32_MAX ? UINT32_MAX : (uint32_t)whole;
    unsigned others = 0;

    if (!gpt->mbr.protective) {
        findings_add(&gpt->findings, FINDING_ERROR, "mbr-not-protective",
                     "the MBR has no partition of type EE that protects the GPT");
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        const struct mbr_entry *entry = &gpt->mbr.entry[i];
        if (entry->type != TYPE_PROTECTIVE) {
            others += entry->type != 0;
            continue;
        }
        if (entry->first != 1)
            findings_add(&gpt->findings, FINDING_ERROR, "mbr-start",
                         "the protective MBR partition starts at %" PRIu32 ", not at 1",
                         entry->first);
        /* A disk that has grown keeps the old size, up to where the backup was. */
        if (entry->count != expected && entry->count != UINT32_MAX)
            findings_add(&gpt->findings, grown_from(gpt, entry) ? FINDING_NOTE : FINDING_ERROR,
                         "mbr-size",
                         "the protective MBR partition has %" PRIu32 " sectors, the disk %" PRIu32,
                         entry->count, expected);
    }
    if (others)
        findings_add(&gpt->findings, FINDING_NOTE, "mbr-hybrid",
                     "the MBR has %u partition(s) besides the protective one", others);
}

/* --- headers (5.3.2) and arrays (5.3.3) ------------------------------------------------------- */

static void header_parse(const uint8_t *p, struct gpt_header *h)
{
    h->present = true;
    h->revision = (uint32_t)ld_le(p + 8, 4);
    h->size = (uint32_t)ld_le(p + 12, 4);
    h->my_lba = ld_le(p + 24, 8);
    h->alternate_lba = ld_le(p + 32, 8);
    h->first_usable = ld_le(p + 40, 8);
    h->last_usable = ld_le(p + 48, 8);
    memcpy(h->disk.byte, p + 56, 16);
    h->array_lba = ld_le(p + 72, 8);
    h->entries = (uint32_t)ld_le(p + 80, 4);
    h->entry_size = (uint32_t)ld_le(p + 84, 4);
    h->array_crc = (uint32_t)ld_le(p + 88, 4);
}

/* The CRC is taken with its own field as zero. */
static bool header_crc_good(const uint8_t *sector, uint32_t size)
{
    static const uint8_t zero[4];
    uLong crc = crc32(0, sector, 16);

    crc = crc32(crc, zero, 4);
    crc = crc32(crc, sector + 20, size - 20);
    return crc == ld_le(sector + 16, 4);
}

static bool header_sane(struct gpt *gpt, const struct gpt_header *h, const char *which)
{
    bool power = h->entry_size >= ENTRY_MIN && !(h->entry_size & (h->entry_size - 1));
    uint64_t array_size = (uint64_t)h->entries * h->entry_size;
    uint64_t array_sectors = (array_size + gpt->sector_size - 1) / gpt->sector_size;

    if (h->my_lba != h->at)
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-my-lba",
                     "the %s header is at LBA %" PRIu64 " and says %" PRIu64, which, h->at,
                     h->my_lba);
    else if (!power || array_size > ARRAY_LIMIT || !array_size)
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-array-size",
                     "the %s header has %" PRIu32 " entries of %" PRIu32 " bytes", which,
                     h->entries, h->entry_size);
    else if (h->array_lba < 2 || h->array_lba >= gpt->sectors ||
             array_sectors > gpt->sectors - h->array_lba)
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-array-place",
                     "the %s array at LBA %" PRIu64 " is not on the disk", which, h->array_lba);
    else if (h->first_usable > h->last_usable || h->last_usable >= gpt->sectors)
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-usable",
                     "the %s header's usable LBAs %" PRIu64 " to %" PRIu64 " are not on the disk",
                     which, h->first_usable, h->last_usable);
    else
        return true;
    return false;
}

static void reserve_judge(struct gpt *gpt, const struct gpt_header *h, const char *which)
{
    uint64_t room = align_up((uint64_t)h->entries * h->entry_size, gpt->sector_size);

    if (room < ARRAY_MIN)
        room = ARRAY_MIN;
    room /= gpt->sector_size;
    if (h->array_lba < h->at
            ? h->array_lba <= h->last_usable || h->at - h->array_lba < room
            : h->first_usable < h->array_lba || h->first_usable - h->array_lba < room)
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-array-room",
                     "the %s array has not the 16 KiB between header and usable LBAs to itself",
                     which);
}

/* Leaves the array in *array if it can be used; NULL otherwise. */
static int header_read(const struct image_source *disk, struct gpt *gpt, struct gpt_header *h,
                       uint64_t lba, const char *which, uint8_t **array)
{
    uint8_t sector[4096];
    size_t size;
    int rc;

    *array = NULL;
    h->at = lba;
    rc = source_read(disk, lba * gpt->sector_size, sector, gpt->sector_size);
    if (rc)
        return rc == -ERANGE ? 0 : rc;
    if (memcmp(sector, "EFI PART", 8))
        return 0;
    header_parse(sector, h);
    if (h->size < HEADER_MIN || h->size > gpt->sector_size) {
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-header-size",
                     "the %s header says that it has %" PRIu32 " bytes", which, h->size);
        return 0;
    }
    h->crc_good = header_crc_good(sector, h->size);
    if (!h->crc_good) {
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-header-crc",
                     "the %s header's checksum is wrong", which);
        return 0;
    }
    if (!header_sane(gpt, h, which))
        return 0;
    reserve_judge(gpt, h, which);
    size = (size_t)h->entries * h->entry_size;
    *array = malloc(size);
    if (!*array)
        return -ENOMEM;
    rc = source_read(disk, h->array_lba * gpt->sector_size, *array, size);
    h->array_crc_good = !rc && crc32(0, *array, (uInt)size) == h->array_crc;
    h->valid = h->array_crc_good;
    if (!h->valid) {
        free(*array);
        *array = NULL;
    }
    if (!rc && !h->array_crc_good)
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-array-crc",
                     "the %s array's checksum is wrong", which);
    return rc == -ERANGE ? 0 : rc;
}

/* --- partitions ------------------------------------------------------------------------------- */

static int partitions_parse(struct gpt *gpt, const struct gpt_header *h, const uint8_t *array)
{
    unsigned used = 0;

    for (uint32_t i = 0; i < h->entries; i++) {
        const uint8_t *p = array + (size_t)i * h->entry_size;
        used += !guid_is_zero((const struct guid *)p);
    }
    if (!used)
        return 0;
    gpt->partition = calloc(used, sizeof(*gpt->partition));
    if (!gpt->partition)
        return -ENOMEM;
    for (uint32_t i = 0; i < h->entries; i++) {
        const uint8_t *p = array + (size_t)i * h->entry_size;
        struct gpt_partition *part = &gpt->partition[gpt->partitions];
        if (guid_is_zero((const struct guid *)p))
            continue;
        gpt->partitions++;
        part->number = i + 1;
        memcpy(part->type.byte, p, 16);
        memcpy(part->unique.byte, p + 16, 16);
        part->first = ld_le(p + 32, 8);
        part->last = ld_le(p + 40, 8);
        part->attributes = ld_le(p + 48, 8);
        text_utf16(p + 56, 36, part->name, sizeof(part->name));
    }
    return 0;
}

static int by_start(const void *a, const void *b)
{
    const struct gpt_partition *x = *(const struct gpt_partition *const *)a,
                               *y = *(const struct gpt_partition *const *)b;

    return x->first < y->first ? -1 : x->first > y->first;
}

static int by_guid(const void *a, const void *b)
{
    const struct gpt_partition *x = *(const struct gpt_partition *const *)a,
                               *y = *(const struct gpt_partition *const *)b;

    return memcmp(&x->unique, &y->unique, sizeof(x->unique));
}

static int neighbours_judge(struct gpt *gpt)
{
    const struct gpt_partition **order = calloc(gpt->partitions, sizeof(*order)), *far;

    if (!order)
        return -ENOMEM;
    for (unsigned i = 0; i < gpt->partitions; i++)
        order[i] = &gpt->partition[i];
    qsort(order, gpt->partitions, sizeof(*order), by_start);
    far = order[0]; /* reaches furthest so far */
    for (unsigned i = 1; i < gpt->partitions; i++) {
        if (order[i]->first <= far->last)
            findings_add(&gpt->findings, FINDING_ERROR, "gpt-overlap",
                         "partitions %" PRIu32 " and %" PRIu32 " overlap", far->number,
                         order[i]->number);
        if (order[i]->last > far->last)
            far = order[i];
    }
    qsort(order, gpt->partitions, sizeof(*order), by_guid);
    for (unsigned i = 1; i < gpt->partitions; i++)
        if (!memcmp(&order[i - 1]->unique, &order[i]->unique, sizeof(struct guid)))
            findings_add(&gpt->findings, FINDING_ERROR, "gpt-same-guid",
                         "partitions %" PRIu32 " and %" PRIu32 " have the same unique GUID",
                         order[i - 1]->number, order[i]->number);
    free(order);
    return 0;
}

static int partitions_judge(struct gpt *gpt, const struct gpt_header *h)
{
    for (unsigned i = 0; i < gpt->partitions; i++) {
        const struct gpt_partition *part = &gpt->partition[i];
        if (part->first > part->last || part->first < h->first_usable ||
            part->last > h->last_usable)
            findings_add(&gpt->findings, FINDING_ERROR, "gpt-range",
                         "partition %" PRIu32 " (LBA %" PRIu64 " to %" PRIu64
                         ") is not within the usable LBAs %" PRIu64 " to %" PRIu64,
                         part->number, part->first, part->last, h->first_usable, h->last_usable);
    }
    return gpt->partitions ? neighbours_judge(gpt) : 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* The sector size is nowhere written; a header's place tells it. */
static int find_sector_size(const struct image_source *disk, struct gpt *gpt)
{
    static const uint32_t sizes[] = {512, 4096};
    uint8_t magic[8];

    for (unsigned where = 0; where < 2; where++)
        for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
            uint64_t at = where ? (disk->size / sizes[i] - 1) * sizes[i] : sizes[i];
            int rc = disk->size < 3ull * sizes[i] ? -ERANGE
                                                  : source_read(disk, at, magic, sizeof(magic));
            if (rc && rc != -ERANGE)
                return rc;
            if (!rc && !memcmp(magic, "EFI PART", 8)) {
                gpt->sector_size = sizes[i];
                return 0;
            }
        }
    gpt->sector_size = 512;
    return 0;
}

static void copies_judge(struct gpt *gpt)
{
    const struct gpt_header *a = &gpt->primary, *b = &gpt->backup;
    uint64_t last = gpt->sectors - 1;

    if (!a->present)
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-primary-missing",
                     "there is no GPT header at LBA 1, only the backup");
    if (!b->present)
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-backup-missing",
                     "there is no backup GPT header where the first one says or at the disk's end");
    if (a->present && a->crc_good && a->alternate_lba != last)
        findings_add(&gpt->findings, b->present ? FINDING_NOTE : FINDING_ERROR, "gpt-backup-place",
                     "the backup header is at LBA %" PRIu64 ", not at the disk's last, %" PRIu64,
                     a->alternate_lba, last);
    if (a->valid && b->valid &&
        (memcmp(&a->disk, &b->disk, sizeof(a->disk)) || a->first_usable != b->first_usable ||
         a->last_usable != b->last_usable || a->entries != b->entries ||
         a->entry_size != b->entry_size || a->array_crc != b->array_crc ||
         b->alternate_lba != a->my_lba))
        findings_add(&gpt->findings, FINDING_ERROR, "gpt-copies-differ",
                     "the two copies of the GPT do not say the same");
}

int gpt_read(const struct image_source *disk, struct gpt *gpt, struct error *err)
{
    uint8_t sector[512], *first = NULL, *second = NULL;
    uint64_t last;
    int rc;

    memset(gpt, 0, sizeof(*gpt));
    rc = find_sector_size(disk, gpt);
    if (rc)
        goto fail;
    gpt->sectors = disk->size / gpt->sector_size;
    rc = source_read(disk, 0, sector, sizeof(sector));
    if (rc == -ERANGE)
        return 0; /* too small for anything */
    if (rc)
        goto fail;
    mbr_parse(sector, &gpt->mbr);
    if (gpt->sectors < 3)
        return 0;
    rc = header_read(disk, gpt, &gpt->primary, 1, "primary", &first);
    if (rc)
        goto fail;
    last = gpt->sectors - 1;
    if (gpt->primary.valid && gpt->primary.alternate_lba > 1 && gpt->primary.alternate_lba < last)
        last = gpt->primary.alternate_lba; /* the disk became larger */
    rc = header_read(disk, gpt, &gpt->backup, last, "backup", &second);
    if (rc)
        goto fail;
    if (gpt_present(gpt)) {
        mbr_judge(gpt);
        copies_judge(gpt);
    }
    gpt->from_backup = !first && second;
    if (first || second) {
        const struct gpt_header *h = first ? &gpt->primary : &gpt->backup;
        rc = partitions_parse(gpt, h, first ? first : second);
        if (!rc)
            rc = partitions_judge(gpt, h);
    }
fail:
    free(first);
    free(second);
    if (rc) {
        gpt_free(gpt);
        return error_set(err, rc, "the partition table cannot be read: %s", strerror(-rc));
    }
    return 0;
}

void gpt_free(struct gpt *gpt)
{
    free(gpt->partition);
    gpt->partition = NULL;
    gpt->partitions = 0;
}

struct image_source gpt_source(const struct image_source *disk, const struct gpt *gpt,
                               const struct gpt_partition *part)
{
    if (part->first > part->last || part->first >= gpt->sectors)
        return source_part(disk, disk->size, 0);
    if (part->last >= gpt->sectors)
        return source_part(disk, part->first * gpt->sector_size, UINT64_MAX);
    return source_part(disk, part->first * gpt->sector_size,
                       (part->last - part->first + 1) * gpt->sector_size);
}
