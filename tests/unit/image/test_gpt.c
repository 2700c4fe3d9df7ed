/* SPDX-License-Identifier: Apache-2.0 */
/* Partition tables written here field by field (UEFI 2.10, chapter 5), then damaged one way each.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/gpt.h"
#include "image/source.h"

enum { SECTORS = 1024, ENTRIES = 128 };

struct disk {
    uint32_t sector;
    uint8_t *bytes;
    struct gpt gpt;
};

static uint8_t *at(struct disk *d, uint64_t lba)
{
    return d->bytes + lba * d->sector;
}

static uint64_t array_sectors(const struct disk *d)
{
    return 16384 / d->sector;
}

static void partition(struct disk *d, unsigned index, uint64_t first, uint64_t last)
{
    uint8_t *p = at(d, 2) + 128 * (size_t)index;
    struct guid type;

    guid_parse(GPT_TYPE_ESP, &type);
    memcpy(p, type.byte, 16);
    memset(p + 16, 0x10 + (int)index, 16);
    st_le(p + 32, 8, first);
    st_le(p + 40, 8, last);
    st_le(p + 56, 2, 'E');
    st_le(p + 58, 2, 'S' + index);
}

static void header(struct disk *d, uint64_t lba, uint64_t other, uint64_t array)
{
    uint8_t *h = at(d, lba);

    memcpy(h, "EFI PART", 8);
    st_le(h + 8, 4, 0x10000);
    st_le(h + 12, 4, 92);
    st_le(h + 24, 8, lba);
    st_le(h + 32, 8, other);
    st_le(h + 40, 8, 2 + array_sectors(d));
    st_le(h + 48, 8, SECTORS - 2 - array_sectors(d));
    memset(h + 56, 0xd1, 16);
    st_le(h + 72, 8, array);
    st_le(h + 80, 4, ENTRIES);
    st_le(h + 84, 4, 128);
}

static void checksum(struct disk *d, uint64_t lba)
{
    uint8_t *h = at(d, lba);

    st_le(h + 88, 4, crc32(0, at(d, ld_le(h + 72, 8)), 16384));
    st_le(h + 16, 4, 0);
    st_le(h + 16, 4, crc32(0, h, 92));
}

/* After the first array has changed: the second one, and all checksums. */
static void settle(struct disk *d)
{
    memcpy(at(d, SECTORS - 1 - array_sectors(d)), at(d, 2), 16384);
    checksum(d, 1);
    checksum(d, SECTORS - 1);
}

static struct disk good(uint32_t sector)
{
    struct disk d = {.sector = sector, .bytes = calloc(SECTORS, sector)};

    st_le(d.bytes + 510, 2, 0xaa55);
    d.bytes[450] = 0xee;
    st_le(d.bytes + 454, 4, 1);
    st_le(d.bytes + 458, 4, SECTORS - 1);
    header(&d, 1, SECTORS - 1, 2);
    header(&d, SECTORS - 1, 1, SECTORS - 1 - array_sectors(&d));
    partition(&d, 0, 100, 199);
    partition(&d, 2, 200, 300);
    settle(&d);
    return d;
}

static const struct gpt *read_disk(struct disk *d)
{
    struct image_source source = source_memory(d->bytes, (size_t)SECTORS * d->sector);
    struct error err = {0};

    if (gpt_read(&source, &d->gpt, &err))
        fail_msg("%s", err.text);
    return &d->gpt;
}

static void end(struct disk *d)
{
    gpt_free(&d->gpt);
    free(d->bytes);
}

static void expect(struct disk *d, const char *id)
{
    if (!findings_find(&read_disk(d)->findings, id))
        fail_msg("no finding %s", id);
    end(d);
}

static void a_good_table_is_read_without_findings(void **state)
{
    static const uint32_t sizes[] = {512, 4096};

    for (unsigned i = 0; i < 2; i++) {
        struct disk d = good(sizes[i]);
        const struct gpt *gpt = read_disk(&d);
        assert_int_equal(gpt->sector_size, sizes[i]);
        assert_int_equal(gpt->findings.count, 0);
        assert_true(gpt->primary.valid && gpt->backup.valid && !gpt->from_backup);
        assert_int_equal(gpt->partitions, 2);
        assert_int_equal(gpt->partition[1].number, 3);
        assert_int_equal(gpt->partition[1].first, 200);
        assert_string_equal(gpt->partition[1].name, "EU");
        assert_true(guid_is(&gpt->partition[0].type, GPT_TYPE_ESP));
        end(&d);
    }
}

static void a_disk_of_zeroes_has_no_table(void **state)
{
    struct disk d = {.sector = 512, .bytes = calloc(SECTORS, 512)};

    assert_false(gpt_present(read_disk(&d)));
    assert_int_equal(d.gpt.findings.count, 0);
    end(&d);
}

static void tiny_disks_are_no_error(void **state)
{
    uint8_t bytes[1536] = {0};
    struct error err;
    struct gpt gpt;

    for (size_t size = 0; size <= sizeof(bytes); size += 256) {
        struct image_source source = source_memory(bytes, size);
        assert_int_equal(gpt_read(&source, &gpt, &err), 0);
        gpt_free(&gpt);
    }
}

static void the_backup_serves_when_the_first_copy_is_damaged(void **state)
{
    struct disk d = good(512);

    at(&d, 2)[5] ^= 1;
    read_disk(&d);
    assert_true(d.gpt.from_backup && !d.gpt.primary.valid && d.gpt.backup.valid);
    assert_true(d.gpt.primary.crc_good);
    assert_int_equal(d.gpt.partitions, 2);
    gpt_free(&d.gpt);
    expect(&d, "gpt-array-crc");
}

static void each_damage_is_named(void **state)
{
    struct disk d = good(512);
    at(&d, 1)[60] ^= 1;
    expect(&d, "gpt-header-crc");

    d = good(512);
    memset(at(&d, SECTORS - 1), 0, 512);
    expect(&d, "gpt-backup-missing");

    d = good(4096);
    memset(at(&d, 1), 0, 512);
    expect(&d, "gpt-primary-missing");

    d = good(512);
    d.bytes[450] = 0x83;
    expect(&d, "mbr-not-protective");

    d = good(512);
    st_le(d.bytes + 454, 4, 2);
    expect(&d, "mbr-start");

    d = good(512);
    st_le(d.bytes + 458, 4, 500);
    expect(&d, "mbr-size");

    d = good(512);
    at(&d, SECTORS - 1)[60] ^= 1;
    checksum(&d, SECTORS - 1);
    expect(&d, "gpt-copies-differ");
}

static void headers_that_lie_are_not_followed(void **state)
{
    static const struct {
        unsigned offset, size;
        uint64_t value;
        const char *id;
    } lies[] = {
        {12, 4, 91, "gpt-header-size"},
        {12, 4, 513, "gpt-header-size"},
        {24, 8, 2, "gpt-my-lba"},
        {72, 8, ~0ull, "gpt-array-place"},
        {72, 8, SECTORS, "gpt-array-place"},
        {72, 8, 1, "gpt-array-place"},
        {80, 4, ~0u, "gpt-array-size"},
        {80, 4, 0, "gpt-array-size"},
        {84, 4, 127, "gpt-array-size"},
        {84, 4, 192, "gpt-array-size"},
        {48, 8, ~0ull, "gpt-usable"},
        {40, 8, SECTORS, "gpt-usable"},
        {40, 8, 5, "gpt-array-room"},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
        struct disk d = good(512);
        uint8_t *h = at(&d, 1);
        st_le(h + lies[i].offset, lies[i].size, lies[i].value);
        st_le(h + 16, 4, 0);
        st_le(h + 16, 4, crc32(0, h, 92));
        expect(&d, lies[i].id);
    }
}

static void partitions_outside_or_on_each_other_are_named(void **state)
{
    struct disk d = good(512);
    partition(&d, 5, 250, 400);
    settle(&d);
    expect(&d, "gpt-overlap");

    d = good(512);
    partition(&d, 5, 700, SECTORS - 1);
    settle(&d);
    expect(&d, "gpt-range");

    d = good(512);
    partition(&d, 5, 500, 499);
    settle(&d);
    expect(&d, "gpt-range");

    d = good(512);
    partition(&d, 5, 400, 500);
    memset(at(&d, 2) + 5 * 128 + 16, 0x10, 16);
    settle(&d);
    expect(&d, "gpt-same-guid");
}

static void a_partition_as_a_source_stays_on_the_disk(void **state)
{
    static const uint64_t ranges[][3] = {
        /* first, last, bytes */
        {100, 101, 1024},  {1023, 5000, 512},         {5000, 6000, 0},       {10, 9, 0},
        {~0ull, ~0ull, 0}, {0, ~0ull, SECTORS * 512}, {1ull << 55, ~0ull, 0}};
    struct disk d = good(512);
    struct image_source disk = source_memory(d.bytes, SECTORS * 512);

    read_disk(&d);
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        struct gpt_partition part = {.first = ranges[i][0], .last = ranges[i][1]};
        struct image_source source = gpt_source(&disk, &d.gpt, &part);
        assert_int_equal(source.size, ranges[i][2]);
        assert_true(source.base + source.size <= disk.size);
    }
    end(&d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_table_is_read_without_findings),
        cmocka_unit_test(a_disk_of_zeroes_has_no_table),
        cmocka_unit_test(tiny_disks_are_no_error),
        cmocka_unit_test(the_backup_serves_when_the_first_copy_is_damaged),
        cmocka_unit_test(each_damage_is_named),
        cmocka_unit_test(headers_that_lie_are_not_followed),
        cmocka_unit_test(partitions_outside_or_on_each_other_are_named),
        cmocka_unit_test(a_partition_as_a_source_stays_on_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
