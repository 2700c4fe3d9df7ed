/* SPDX-License-Identifier: Apache-2.0 */
/* A FAT12 volume written here by hand: chains, names and directories, whole and damaged. That real
 * volumes of all three types are read is test_info.py's part. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/fat.h"

/* Boot sector, two FATs of a sector, a root directory of 16 entries, then clusters of a sector. */
enum { SECTORS = 64, ROOT = 3, DATA = 4, FILE_SIZE = 1300, DIR_CLUSTER = 2 };

static uint8_t volume[SECTORS * 512];

static uint8_t *sector(unsigned number)
{
    return volume + 512 * (size_t)number;
}

static uint8_t *cluster(unsigned number)
{
    return sector(DATA + number - 2);
}

static void link_to(unsigned from, unsigned to)
{
    for (unsigned copy = 1; copy <= 2; copy++) {
        uint8_t *p = sector(copy) + from + from / 2;
        uint16_t old = (uint16_t)ld_le(p, 2);
        st_le(p, 2, from & 1 ? (old & 0xf) | to << 4 : (old & 0xf000) | to);
    }
}

static void entry(uint8_t *p, const char *name, uint8_t attributes, unsigned first, uint32_t size)
{
    memset(p, 0, 32);
    memcpy(p, name, 11);
    p[11] = attributes;
    st_le(p + 26, 2, first);
    st_le(p + 28, 4, size);
}

static uint8_t checksum(const char *name)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < 11; i++)
        sum = (uint8_t)((sum >> 1 | sum << 7) + (uint8_t)name[i]);
    return sum;
}

/* One piece of a long name: up to 13 characters. */
static void long_entry(uint8_t *p, uint8_t order, const char *text, uint8_t sum)
{
    static const uint8_t places[13] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    size_t len = strlen(text);

    memset(p, 0, 32);
    p[0] = order;
    p[11] = 0x0f;
    p[13] = sum;
    for (unsigned i = 0; i < 13; i++)
        st_le(p + places[i], 2, i < len ? (uint8_t)text[i] : i == len ? 0 : 0xffff);
}

static int make(void **state)
{
    uint8_t *b = volume;

    memset(volume, 0, sizeof(volume));
    memcpy(b, "\xeb\x3c\x90", 3);
    st_le(b + 11, 2, 512);
    b[13] = 1;
    st_le(b + 14, 2, 1);
    b[16] = 2;
    st_le(b + 17, 2, 16);
    st_le(b + 19, 2, SECTORS);
    b[21] = 0xf8;
    st_le(b + 22, 2, 1);
    st_le(b + 510, 2, 0xaa55);
    link_to(0, 0xff8);
    link_to(1, 0xfff);
    entry(sector(ROOT), "VOLUME     ", 0x08, 0, 0);
    entry(sector(ROOT) + 32,
          "\xe5"
          "ONE    TXT",
          0, 30, 100);
    entry(sector(ROOT) + 64, "DIR        ", 0x10, DIR_CLUSTER, 0);
    link_to(DIR_CLUSTER, 0xfff);
    entry(cluster(2), ".          ", 0x10, DIR_CLUSTER, 0);
    entry(cluster(2) + 32, "..         ", 0x10, 0, 0);
    long_entry(cluster(2) + 64, 0x42, "name.efi", checksum("ALONGN~1EFI"));
    long_entry(cluster(2) + 96, 1, "A long, long ", checksum("ALONGN~1EFI"));
    entry(cluster(2) + 128, "ALONGN~1EFI", 0x20, 5, FILE_SIZE);
    link_to(5, 9);
    link_to(9, 7);
    link_to(7, 0xfff);
    for (unsigned i = 0; i < 512; i++) {
        cluster(5)[i] = (uint8_t)i;
        cluster(9)[i] = (uint8_t)(i + 1);
        cluster(7)[i] = (uint8_t)(i + 2);
    }
    return 0;
}

static void open_volume(struct fat *fat)
{
    struct image_source source = source_memory(volume, sizeof(volume));
    struct error err = {0};

    if (fat_open(&source, fat, &err))
        fail_msg("%s", err.text);
}

static void find(struct fat *fat, struct fat_entry *found)
{
    open_volume(fat);
    assert_int_equal(fat_lookup(fat, "/dir/ALONGN~1.EFI", found), 0);
}

static void the_volume_is_described(void **state)
{
    struct fat fat;

    open_volume(&fat);
    assert_int_equal(fat.bits, 12);
    assert_int_equal(fat.clusters, 60);
    assert_string_equal(fat.label, "VOLUME");
    assert_int_equal(fat_check(&fat), 0);
    assert_int_equal(fat.free_clusters, 56);
    assert_int_equal(fat.findings.count, 0);
}

static void files_are_found_by_either_name_in_either_case(void **state)
{
    struct fat_entry found;
    struct fat fat;

    open_volume(&fat);
    assert_int_equal(fat_lookup(&fat, "\\DIR\\a LONG, long name.EFI", &found), 0);
    assert_string_equal(found.name, "A long, long name.efi");
    assert_string_equal(found.short_name, "ALONGN~1.EFI");
    assert_int_equal(found.size, FILE_SIZE);
    assert_int_equal(fat_lookup(&fat, "//dir///alongn~1.efi", &found), 0);
    assert_int_equal(fat_lookup(&fat, "/dir/other", &found), -ENOENT);
    assert_int_equal(fat_lookup(&fat, "/one.txt", &found), -ENOENT); /* deleted */
    assert_int_equal(fat_lookup(&fat, "/VOLUME", &found), -ENOENT);
    assert_int_equal(fat_lookup(&fat, "/dir/alongn~1.efi/x", &found), -ENOTDIR);
    assert_int_equal(fat_lookup(&fat, "/", &found), -EISDIR);
}

static void a_scattered_file_is_read_in_order(void **state)
{
    struct fat_entry found;
    struct fat fat;
    uint8_t buf[FILE_SIZE];

    find(&fat, &found);
    assert_int_equal(fat_read(&fat, &found, 0, buf, FILE_SIZE), 0);
    for (unsigned i = 0; i < FILE_SIZE; i++)
        assert_int_equal(buf[i], (uint8_t)(i % 512 + i / 512));
    assert_int_equal(fat_read(&fat, &found, 1020, buf, 10), 0);
    assert_int_equal(buf[3], 0x00);
    assert_int_equal(buf[4], 0x02);
    assert_int_equal(fat_read(&fat, &found, FILE_SIZE - 1, buf, 2), -ERANGE);
    assert_int_equal(fat_read(&fat, &found, ~0ull, buf, 1), -ERANGE);
}

static void a_file_as_a_source_can_be_read_backwards(void **state)
{
    struct fat_file file;
    struct fat fat;
    struct image_source source;
    uint8_t byte;

    file.fat = &fat;
    find(&fat, &file.entry);
    source = fat_source(&file);
    assert_int_equal(source.size, FILE_SIZE);
    for (unsigned i = FILE_SIZE; i-- > 0;) {
        assert_int_equal(source_read(&source, i, &byte, 1), 0);
        assert_int_equal(byte, (uint8_t)(i % 512 + i / 512));
    }
}

static void chains_that_break_are_errors(void **state)
{
    static const unsigned wrong[] = {0, 1, 62, 0xff6, 0xff7};
    struct fat_entry found;
    uint8_t buf[FILE_SIZE];
    struct fat fat;

    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        link_to(9, wrong[i]);
        find(&fat, &found);
        assert_int_equal(fat_read(&fat, &found, 0, buf, FILE_SIZE), -EIO);
        assert_int_equal(fat_read(&fat, &found, 0, buf, 1024), 0);
    }
    st_le(cluster(2) + 128 + 26, 2, 0); /* a file with a size and no cluster */
    find(&fat, &found);
    assert_int_equal(fat_read(&fat, &found, 0, buf, 1), -EIO);
}

static int count(void *ctx, const struct fat_entry *found)
{
    ++*(unsigned *)ctx;
    return 0;
}

static void a_directory_that_goes_round_ends(void **state)
{
    struct fat_entry found;
    unsigned seen = 0;
    struct fat fat;

    for (unsigned i = 160; i < 512; i += 32)
        entry(cluster(2) + i, "X          ", 0, 0, 0);
    link_to(2, 2);
    open_volume(&fat);
    assert_int_equal(fat_lookup(&fat, "/dir", &found), 0);
    assert_int_equal(fat_list(&fat, &found, count, &seen), -EFBIG);
    assert_true(seen > 1000 && seen <= 65536);
    assert_non_null(findings_find(&fat.findings, "fat-directory"));
}

static void a_long_name_that_does_not_fit_its_file_is_left_out(void **state)
{
    struct fat_entry found;
    struct fat fat;

    cluster(2)[64 + 13] ^= 1; /* the checksum of one piece */
    find(&fat, &found);
    assert_string_equal(found.name, "ALONGN~1.EFI");
    make(NULL);
    cluster(2)[64] = 0x43; /* three pieces, of which two are there */
    find(&fat, &found);
    assert_string_equal(found.name, "ALONGN~1.EFI");
    make(NULL);
    cluster(2)[64] = 0x7f; /* more pieces than a name has */
    find(&fat, &found);
    assert_string_equal(found.name, "ALONGN~1.EFI");
    make(NULL);
    cluster(2)[128 + 12] = 0x18; /* base and extension in lower case */
    cluster(2)[64] = 0xe5;
    find(&fat, &found);
    assert_string_equal(found.name, "alongn~1.efi");
}

static void copies_that_differ_are_found(void **state)
{
    struct fat fat;

    sector(2)[100] ^= 1;
    open_volume(&fat);
    assert_int_equal(fat_check(&fat), 0);
    assert_non_null(findings_find(&fat.findings, "fat-copies-differ"));
}

static void what_is_no_volume_is_refused(void **state)
{
    static const struct {
        unsigned offset, size;
        uint64_t value;
    } wrong[] = {{510, 2, 0}, {11, 2, 0}, {11, 2, 768}, {11, 2, 8192}, {13, 1, 0}, {13, 1, 3},
                 {14, 2, 0},  {16, 1, 0}, {22, 2, 0},   {19, 2, 0},    {19, 2, 4}, {14, 2, 62}};
    struct image_source source = source_memory(volume, sizeof(volume));

    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct error err = {0};
        struct fat fat;
        make(NULL);
        st_le(volume + wrong[i].offset, wrong[i].size, wrong[i].value);
        assert_int_equal(fat_open(&source, &fat, &err), -EINVAL);
        assert_true(err.text[0]);
    }
}

#define TEST(fn) cmocka_unit_test_setup(fn, make)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_volume_is_described),
        TEST(files_are_found_by_either_name_in_either_case),
        TEST(a_scattered_file_is_read_in_order),
        TEST(a_file_as_a_source_can_be_read_backwards),
        TEST(chains_that_break_are_errors),
        TEST(a_directory_that_goes_round_ends),
        TEST(a_long_name_that_does_not_fit_its_file_is_left_out),
        TEST(copies_that_differ_are_found),
        TEST(what_is_no_volume_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
