/* SPDX-License-Identifier: Apache-2.0 */
#include "image/gpt_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/error.h"

enum { MBR_ENTRIES = 446, ENTRY = 16, TYPE_PROTECTIVE = 0xee };

/* A copy of the table, to be written. */
struct copy {
    uint8_t header[4096];
    uint8_t *array;
    size_t array_size;
};

static int load(struct patch *patch, const struct gpt *gpt, const struct gpt_header *h,
                struct copy *copy)
{
    struct image_source disk = patch_source(patch);
    int rc = source_read(&disk, h->at * gpt->sector_size, copy->header, gpt->sector_size);

    copy->array_size = (size_t)h->entries * h->entry_size;
    copy->array = rc ? NULL : malloc(copy->array_size);
    if (rc || !copy->array)
        return rc ? rc : -ENOMEM;
    rc = source_read(&disk, h->array_lba * gpt->sector_size, copy->array, copy->array_size);
    if (rc)
        free(copy->array);
    return rc;
}

/* With both checksums, which the fields are complete for. */
static int store(struct patch *patch, const struct gpt *gpt, struct copy *copy)
{
    uint8_t *h = copy->header;
    uint32_t size = (uint32_t)ld_le(h + 12, 4);
    int rc;

    st_le(h + 88, 4, crc32(0, copy->array, (uInt)copy->array_size));
    st_le(h + 16, 4, 0);
    st_le(h + 16, 4, crc32(0, h, size));
    rc = patch_write(patch, ld_le(h + 72, 8) * gpt->sector_size, copy->array, copy->array_size);
    return rc ? rc : patch_write(patch, ld_le(h + 24, 8) * gpt->sector_size, h, gpt->sector_size);
}

static int done(int rc, struct error *err)
{
    return rc && rc != -EINVAL ? error_set(err, rc, "the partition table: %s", strerror(-rc)) : rc;
}

/* Where the two copies belong, and whether the partitions leave room for them. */
static int place(const struct gpt *gpt, const struct gpt_header *good, uint64_t *backup,
                 uint64_t *backup_array, struct error *err)
{
    uint64_t bytes = (uint64_t)good->entries * good->entry_size;
    uint64_t blocks = (bytes + gpt->sector_size - 1) / gpt->sector_size;

    *backup = gpt->sectors - 1;
    if (gpt->sectors < 2 * blocks + 3 || good->first_usable < 2 + blocks)
        return error_set(err, -EINVAL, "there is no room for the first copy of the table");
    *backup_array = *backup - blocks;
    if (good->last_usable >= *backup_array)
        return error_set(err, -EINVAL,
                         "the usable sectors end at %" PRIu64 ", but the disk has %" PRIu64
                         ": it was cut, or is not all there",
                         good->last_usable, gpt->sectors);
    return 0;
}

int gpt_restore(struct patch *patch, const struct gpt *gpt, struct error *err)
{
    const struct gpt_header *good = gpt->primary.valid ? &gpt->primary : &gpt->backup;
    uint64_t backup = 0, backup_array = 0;
    struct copy copy;
    int rc;

    if (!good->valid)
        return error_set(err, -EINVAL, "neither copy of the partition table is good");
    rc = place(gpt, good, &backup, &backup_array, err);
    if (rc)
        return rc;
    rc = load(patch, gpt, good, &copy);
    if (rc)
        return done(rc, err);
    st_le(copy.header + 24, 8, backup);
    st_le(copy.header + 32, 8, 1);
    st_le(copy.header + 72, 8, backup_array);
    rc = store(patch, gpt, &copy);
    st_le(copy.header + 24, 8, 1);
    st_le(copy.header + 32, 8, backup);
    st_le(copy.header + 72, 8, 2);
    if (!rc)
        rc = store(patch, gpt, &copy);
    free(copy.array);
    return done(rc, err);
}

int gpt_protect(struct patch *patch, const struct gpt *gpt, struct error *err)
{
    struct image_source disk = patch_source(patch);
    uint64_t whole = gpt->sectors - 1;
    uint8_t sector[512], *p = sector + MBR_ENTRIES;
    int rc = source_read(&disk, 0, sector, sizeof(sector));

    if (rc)
        return done(rc, err);
    memset(p, 0, 4 * (size_t)ENTRY);
    p[2] = 2; /* CHS of LBA 1 (table 5.4) */
    p[4] = TYPE_PROTECTIVE;
    p[5] = p[6] = p[7] = 0xff;
    st_le(p + 8, 4, 1);
    st_le(p + 12, 4, whole > UINT32_MAX ? UINT32_MAX : whole);
    st_le(sector + 510, 2, 0xaa55);
    return done(patch_write(patch, 0, sector, sizeof(sector)), err);
}

static int set_type(struct patch *patch, const struct gpt *gpt, const struct gpt_header *h,
                    uint32_t number, const struct guid *type)
{
    struct copy copy;
    int rc = load(patch, gpt, h, &copy);

    if (rc)
        return rc;
    memcpy(copy.array + (size_t)(number - 1) * h->entry_size, type->byte, sizeof(type->byte));
    rc = store(patch, gpt, &copy);
    free(copy.array);
    return rc;
}

int gpt_set_type(struct patch *patch, const struct gpt *gpt, uint32_t number,
                 const struct guid *type, struct error *err)
{
    int rc;

    if (!gpt->primary.valid || !gpt->backup.valid || !number || number > gpt->primary.entries ||
        number > gpt->backup.entries)
        return error_set(err, -EINVAL, "the copies of the partition table must be good first");
    rc = set_type(patch, gpt, &gpt->primary, number, type);
    if (!rc)
        rc = set_type(patch, gpt, &gpt->backup, number, type);
    return done(rc, err);
}
