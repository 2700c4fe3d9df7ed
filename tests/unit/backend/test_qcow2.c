/* SPDX-License-Identifier: Apache-2.0 */
/* qcow2 images: opening them, what lies below them, what is refused, and telling formats apart. */
#include "images.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { SIZE = 1 << 20 };

static const struct blk_config image = {"image", false, false, NULL};
static const struct blk_config for_reading = {"image", true, false, NULL};

static void poke(const char *path, uint64_t offset, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY);

    assert_int_equal(pwrite(fd, bytes, len, (off_t)offset), len);
    close(fd);
}

static void expect_byte(struct blk *blk, uint64_t offset, uint8_t byte)
{
    uint8_t got[512];

    assert_int_equal(perform(blk, BLK_READ, offset / 512 * 512, got, 512, false), 0);
    assert_int_equal(got[offset % 512], byte);
}

static void write_byte(struct blk *blk, uint64_t offset, uint8_t byte)
{
    uint8_t sector[512];

    memset(sector, byte, sizeof(sector));
    assert_int_equal(perform(blk, BLK_WRITE, offset, sector, 512, false), 0);
}

static void broken_headers_are_explained(void **state)
{
    static const struct {
        unsigned offset;
        uint8_t byte;
        const char *words;
    } cases[] = {
        {7, 4, "version 4"},
        {7, 1, "version 1"},
        {23, 8, "impossible size"},
        {23, 22, "impossible size"},
        {24, 0x80, "no disk has"},
        {35, 1, "AES"},
        {35, 2, "LUKS"},
        {36, 0xff, "L1 table is too long"},
        {47, 1, "L1 table is in an impossible place"},
        {55, 1, "refcount table is in an impossible place"},
        {56, 1, "refcount table has an impossible length"},
        {61, 2, "too many snapshots"},
        {72, 0x80, "not supported: one without a name"},
        {79, 4, "data_file"},
        {79, 16, "extended_l2"},
        {79, 8, "contradict"},
        {99, 7, "wider than 64 bits"},
        {103, 0x69, "header has an impossible length"},
        {104, 1, "contradict"},
        {8, 1, "name of its backing file"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        must("qemu-img create -f qcow2 image 1M");
        poke("image", cases[i].offset, &cases[i].byte, 1);
        for (int readonly = 0; readonly < 2; readonly++) {
            struct error err = {0};
            struct blk *blk;
            if (!blk_open(readonly ? &for_reading : &image, &blk, &err))
                fail_msg("byte %u was not noticed", cases[i].offset);
            if (!strstr(err.text, cases[i].words) || !strstr(err.text, "image"))
                fail_msg("byte %u: '%s' lacks '%s'", cases[i].offset, err.text, cases[i].words);
        }
    }
}

static void a_corrupt_image_can_only_be_read(void **state)
{
    must("qemu-img create -f qcow2 image 1M");
    poke("image", 79, "\2", 1);
    refuses(&image, -EINVAL, "marked as corrupt");
    blk_close(open_blk("image", true, false));
    blk_close(open_blk("image", false, true));
}

static void wrong_counts_are_found_before_anything_is_written(void **state)
{
    must("qemu-img create -f qcow2 image 1M");
    poke("image", 131072, "\0\0", 2); /* of the header */
    refuses(&image, -EINVAL, "reference counts are wrong");
    blk_close(open_blk("image", true, false));
}

/* A writer with lazy counts that is killed leaves the dirty bit and wrong counts. */
static void a_dirty_image_is_repaired_when_it_is_opened_for_writing(void **state)
{
    struct blk *blk;

    for (int snapshot = 0; snapshot < 2; snapshot++) {
        must("qemu-img create -f qcow2 -o lazy_refcounts=on,cluster_size=4k image 8M");
        if (snapshot) {
            must("qemu-io -c 'write -P 7 0 3M' image");
            must("qemu-img snapshot -c before image");
        }
        shell("qemu-io -c 'write -P 9 1M 4M' -c flush -c abort image");
        assert_int_not_equal(shell("qemu-img check image"), 0);
        blk_close(open_blk("image", true, false));
        assert_int_not_equal(shell("qemu-img check image"), 0);
        blk = open_blk("image", false, false);
        expect_byte(blk, 1 << 20, 9);
        expect_byte(blk, (5 << 20) - 1, 9);
        expect_byte(blk, 0, snapshot ? 7 : 0);
        write_byte(blk, 0, 3);
        blk_close(blk);
        must("qemu-img check image");
        if (snapshot)
            must("qemu-io -r -c 'read -P 9 1M 4M' -c 'read -P 3 0 512' -c 'read -P 7 512 64k' "
                 "image");
    }
}

static void chains_are_followed_relative_to_each_image(void **state)
{
    struct blk *blk;

    must("mkdir a a/b; qemu-img create -f raw a/b/base 1M");
    must("qemu-io -f raw -c 'write -P 1 0 1M' a/b/base");
    must("qemu-img create -f qcow2 -b b/base -F raw a/middle");
    must("qemu-io -c 'write -P 2 64k 64k' a/middle");
    must("qemu-img create -f qcow2 -b a/middle -F qcow2 image 2M");
    blk = open_blk("image", false, false);
    expect_byte(blk, 0, 1);
    expect_byte(blk, 65536, 2);
    expect_byte(blk, 1 << 20, 0);
    write_byte(blk, 65536 + 512, 3);
    blk_close(blk);
    must("qemu-io -c 'read -P 2 64k 512' -c 'read -P 3 66048 512' -c 'read -P 2 66560 1024' image");
}

static void holes_are_skipped_down_the_chain(void **state)
{
    struct blk *blk;

    must("truncate -s 64M base; qemu-io -f raw -c 'write -P 1 40M 4k' base");
    must("qemu-img create -f qcow2 -b base -F raw image 128M");
    must("qemu-io -c 'write -P 2 8M 4k' -c 'write -z 40M 64k' -c 'write -P 3 100M 512' image");
    blk = open_blk("image", true, false);
    assert_int_equal(blk_next_data(blk, 0), 8 << 20);
    assert_int_equal(blk_next_data(blk, 9 << 20), 100 << 20); /* zeroes hide the base's data */
    assert_int_equal(blk_next_data(blk, 101 << 20), 128 << 20);
    blk_close(blk);
    must("qemu-img create -f qcow2 -b base -F raw second 128M");
    blk = open_blk("second", true, false);
    assert_int_equal(blk_next_data(blk, 0), 40 << 20);
    assert_int_equal(blk_next_data(blk, 41 << 20), 128 << 20);
    blk_close(blk);
}

static void what_is_wrong_below_is_said_with_both_names(void **state)
{
    must("qemu-img create -f raw base 1M && qemu-img create -f qcow2 -b base -F raw image");
    must("mv base gone");
    refuses(&image, -ENOENT, "base: there is no such file, and image is based on it");
    must("qemu-img create -f qcow2 -u -b nbd://host/x -F raw image 1M");
    refuses(&image, -ENOTSUP, "no local file");
    must("qemu-img create -f qcow2 -u -b 'json:{\"driver\":\"raw\"}' -F raw image 1M");
    refuses(&image, -ENOTSUP, "no local file");
    must("qemu-img create -f qcow2 -u -b gone -F vmdk image 1M");
    refuses(&image, -EINVAL, "format vmdk is not supported");
    must("qemu-img create -f qcow2 -u -b ./image -F qcow2 image 1M");
    refuses(&image, -ELOOP, "based on itself");
    must("qemu-img create -f qcow2 -u -b image -F qcow2 second 1M");
    must("qemu-img create -f qcow2 -u -b second -F qcow2 image 1M");
    refuses(&image, -ELOOP, "based on itself");
}

static void chains_have_an_end(void **state)
{
    must("qemu-img create -f qcow2 i0 1M; for n in $(seq 40); do "
         "qemu-img create -u -f qcow2 -F qcow2 -b i$((n-1)) i$n 1M || exit 1; done; mv i40 image");
    refuses(&image, -ELOOP, "below more than 32");
}

/* The name of the format is in a header extension; version 2 without one has none. */
static void an_unrecorded_format_is_guessed_only_where_that_is_safe(void **state)
{
    struct blk *blk;

    must("qemu-img create -f qcow2 -o compat=0.10 image 1M && printf 'base' | "
         "dd of=image bs=1 seek=200 conv=notrunc && "
         "printf '\\0\\0\\0\\0\\0\\0\\0\\310\\0\\0\\0\\4' | dd of=image bs=1 seek=8 conv=notrunc");
    must("qemu-img create -f raw base 1M && qemu-io -f raw -c 'write -P 5 0 4k' base");
    blk = open_blk("image", false, false);
    expect_byte(blk, 0, 5);
    blk_close(blk);
    must("qemu-img create -f qcow2 base 1M && qemu-io -c 'write -P 6 0 4k' base");
    blk = open_blk("image", false, false);
    expect_byte(blk, 0, 6);
    blk_close(blk);
    must("qemu-img create -f qcow2 -b /etc/passwd -F raw base 1M");
    refuses(&image, -EINVAL, "does not record its format");
    must("qemu-img create -f vmdk base 1M");
    refuses(&image, -EINVAL, "is a VMDK image");
}

static void count_notice(void *ctx, const char *line)
{
    assert_non_null(strstr(line, "format=raw"));
    ++*(unsigned *)ctx;
}

static void a_raw_disk_cannot_be_turned_into_something_else(void **state)
{
    static const char *const magic[] = {"QFI\xfb",  "KDMV", "vhdxfile",
                                        "conectix", "QED",  "# Disk DescriptorFile"};
    struct blk_config config = {"disk", false, false, NULL};
    uint8_t buf[8192], back[8192];
    struct error err;
    struct blk *blk;
    unsigned notices = 0;

    make_random("disk", SIZE, 1, NULL);
    config.notice = count_notice;
    config.notice_ctx = &notices;
    assert_int_equal(blk_open(&config, &blk, &err), 0);
    for (size_t i = 0; i < sizeof(magic) / sizeof(magic[0]); i++) {
        memset(buf, 0x55, sizeof(buf));
        assert_int_equal(perform(blk, BLK_WRITE, 0, buf, sizeof(buf), false), 0);
        memcpy(buf, magic[i], strlen(magic[i]) + (i == 4));
        assert_int_equal(perform(blk, BLK_WRITE, 0, buf, 512, false), -EPERM);
        assert_int_equal(perform(blk, BLK_WRITE, 0, buf, sizeof(buf), false), -EPERM);
        expect_byte(blk, 0, 0x55);
        assert_int_equal(perform(blk, BLK_WRITE, 512, buf, 512, false), 0);
    }
    memset(buf, 0x66, sizeof(buf));
    assert_int_equal(perform(blk, BLK_WRITE, 0, buf, sizeof(buf), false), 0);
    assert_int_equal(perform(blk, BLK_READ, 0, back, sizeof(back), false), 0);
    assert_memory_equal(buf, back, sizeof(buf));
    memcpy(buf + 64, "\x7f\x10\xda\xbe", 4);
    assert_int_equal(perform(blk, BLK_WRITE, 0, buf, 512, false), -EPERM);
    blk_close(blk);
    assert_int_equal(notices, 1);
    /* Who says that it is raw may have anything there. */
    config.format = "raw";
    assert_int_equal(blk_open(&config, &blk, &err), 0);
    memcpy(buf, magic[0], 4);
    assert_int_equal(perform(blk, BLK_WRITE, 0, buf, 512, false), 0);
    blk_close(blk);
    config.format = "qcow2";
    refuses(&config, -EINVAL, "qcow2 image of version");
}

static void other_formats_are_named(void **state)
{
    static const char *const formats[] = {"vmdk", "vdi", "vhdx", "vpc", "qed", "parallels"};
    static const char *const names[] = {"VMDK", "VDI", "VHDX", "VHD", "QED", "Parallels"};

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        must("rm -f image; qemu-img create -f %s image 4M", formats[i]);
        refuses(&image, -EINVAL, names[i]);
        refuses(&image, -EINVAL, "qemu-img convert");
    }
}

static void backing_files_are_shared_and_tops_are_not(void **state)
{
    struct blk_config base = {"base", false, false, "raw"};
    struct blk *a, *b;

    must("qemu-img create -f raw base 1M");
    must("qemu-img create -f qcow2 -b base -F raw image; cp image second");
    a = open_blk("image", false, false);
    b = open_blk("second", false, false);
    refuses(&image, -EBUSY, "image: is in use");
    refuses(&base, -EBUSY, "base: is in use");
    blk_close(a);
    blk_close(b);
    assert_int_equal(blk_open(&base, &a, NULL), 0);
    refuses(&image, -EBUSY, "base: is being written by another machine, and image is based on it");
    blk_close(a);
}

static void ephemeral_writes_leave_the_chain_alone(void **state)
{
    struct blk *blk;

    make_random("base", SIZE, 1, NULL);
    must("qemu-img convert -c -f raw -O qcow2 base image; cp image before");
    blk = open_blk("image", false, true);
    write_byte(blk, 512, 0xaa);
    expect_byte(blk, 512, 0xaa);
    assert_int_equal(perform(blk, BLK_DISCARD, 65536, NULL, 65536, true), 0);
    assert_int_equal(perform(blk, BLK_FLUSH, 0, NULL, 0, false), 0);
    blk_close(blk);
    must("cmp image before");
}

static void discarded_clusters_go_back_to_the_host_and_are_used_again(void **state)
{
    uint8_t *buf = malloc(SIZE);
    struct stat st;
    struct blk *blk;
    blkcnt_t blocks;
    off_t size;

    must("qemu-img create -f qcow2 image 64M");
    blk = open_blk("image", false, false);
    memset(buf, 1, SIZE);
    for (uint64_t at = 0; at < 16; at++)
        assert_int_equal(perform(blk, BLK_WRITE, at * SIZE, buf, SIZE, false), 0);
    assert_int_equal(perform(blk, BLK_FLUSH, 0, NULL, 0, false), 0);
    stat("image", &st);
    blocks = st.st_blocks;
    size = st.st_size;
    assert_int_equal(perform(blk, BLK_DISCARD, 0, NULL, 16 * SIZE, true), 0);
    assert_int_equal(perform(blk, BLK_FLUSH, 0, NULL, 0, false), 0);
    stat("image", &st);
    assert_true(st.st_blocks < blocks / 4);
    for (uint64_t at = 0; at < 15; at++)
        assert_int_equal(perform(blk, BLK_WRITE, (32 + at) * SIZE, buf, SIZE, false), 0);
    blk_close(blk);
    stat("image", &st);
    assert_true(st.st_size <= size + SIZE);
    must("qemu-img check image");
    free(buf);
}

/* A file that may not become longer, as on a full disk. */
static void a_full_host_is_an_io_error_and_nothing_is_lost(void **state)
{
    struct rlimit limit, small;
    uint8_t *buf = malloc(SIZE);
    struct blk *blk;
    unsigned written = 0;

    must("qemu-img create -f qcow2 image 64M");
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 4 << 20;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    blk = open_blk("image", false, false);
    memset(buf, 1, SIZE);
    while (written < 64 && !perform(blk, BLK_WRITE, (uint64_t)written * SIZE, buf, SIZE, false))
        written++;
    assert_in_range(written, 1, 4);
    assert_int_equal(perform(blk, BLK_FLUSH, 0, NULL, 0, false), 0);
    expect_byte(blk, (uint64_t)written * SIZE - 1, 1);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(perform(blk, BLK_WRITE, 60ull * SIZE, buf, SIZE, false), 0);
    blk_close(blk);
    must("qemu-img check image");
    must("qemu-io -r -c 'read -P 1 0 %uM' -c 'read -P 1 60M 1M' image", written);
    free(buf);
}

static void images_are_described(void **state)
{
    struct blk_info info;
    struct error err = {0};

    must("qemu-img create -f raw base 1M");
    must("qemu-img create -f qcow2 -o cluster_size=4k,compression_type=zstd -b base -F raw image "
         "2M");
    must("qemu-img snapshot -c one image");
    assert_int_equal(blk_describe("image", &info, &err), 0);
    assert_string_equal(info.format, "qcow2");
    assert_int_equal(info.size, 2 << 20);
    assert_string_equal(info.backing, "base");
    assert_int_equal(info.cluster_size, 4096);
    assert_int_equal(info.version, 3);
    assert_string_equal(info.compression, "zstd");
    assert_int_equal(info.snapshots, 1);
    assert_false(info.dirty || info.corrupt);
    assert_true(info.file_size > 0 && info.file_size < 1 << 20);
    assert_int_equal(blk_describe("base", &info, &err), 0);
    assert_string_equal(info.format, "raw");
    assert_int_equal(info.size, 1 << 20);
    assert_int_equal(info.version, 0);
    assert_null(info.compression);
    assert_int_equal(blk_describe("none", &info, &err), -ENOENT);
    must("qemu-img create -f qcow2 -o extended_l2=on image 2M");
    assert_int_equal(blk_describe("image", &info, &err), 0);
}

/* Bitmaps that are not kept up to date must not be believed any more. */
static void bitmaps_are_marked_as_stale(void **state)
{
    struct blk *blk;

    must("qemu-img create -f qcow2 image 1M && qemu-img bitmap --add image map");
    blk_close(open_blk("image", true, false));
    must("qemu-img info image | grep -q 'name: map'");
    blk = open_blk("image", false, false);
    write_byte(blk, 0, 1);
    blk_close(blk);
    must("! qemu-img info image | grep -q 'name: map'");
    assert_int_equal(shell("qemu-img check -r leaks image"), 0);
}

static int begin(void **state)
{
    images_begin();
    return 0;
}

static int end(void **state)
{
    images_end();
    return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(broken_headers_are_explained),
        TEST(a_corrupt_image_can_only_be_read),
        TEST(wrong_counts_are_found_before_anything_is_written),
        TEST(a_dirty_image_is_repaired_when_it_is_opened_for_writing),
        TEST(chains_are_followed_relative_to_each_image),
        TEST(holes_are_skipped_down_the_chain),
        TEST(what_is_wrong_below_is_said_with_both_names),
        TEST(chains_have_an_end),
        TEST(an_unrecorded_format_is_guessed_only_where_that_is_safe),
        TEST(a_raw_disk_cannot_be_turned_into_something_else),
        TEST(other_formats_are_named),
        TEST(backing_files_are_shared_and_tops_are_not),
        TEST(ephemeral_writes_leave_the_chain_alone),
        TEST(discarded_clusters_go_back_to_the_host_and_are_used_again),
        TEST(a_full_host_is_an_io_error_and_nothing_is_lost),
        TEST(images_are_described),
        TEST(bitmaps_are_marked_as_stale),
    };
    images_begin();
    bool able = have_qemu_img();
    images_end();
    if (!able)
        return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
