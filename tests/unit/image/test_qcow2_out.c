/* SPDX-License-Identifier: Apache-2.0 */
/* Writing qcow2: what a reader that follows the tables gets is the raw image. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/qcow2_out.h"

enum { CLUSTER = 65536 };

static char dir[64], raw[80], out[80];

static int make(void **state)
{
    strcpy(dir, "/tmp/armvm-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(raw, sizeof(raw), "%s/raw", dir);
    snprintf(out, sizeof(out), "%s/out", dir);
    return 0;
}

static int clean(void **state)
{
    unlink(raw);
    unlink(out);
    return rmdir(dir);
}

static void put(uint64_t size, const uint64_t *places, unsigned count)
{
    int fd = open(raw, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    for (unsigned i = 0; i < count; i++) {
        uint64_t mark = places[i] ^ 0x123456789abcdef1;
        assert_int_equal(pwrite(fd, &mark, 8, (off_t)places[i]), 8);
    }
    close(fd);
}

static uint64_t be(int fd, uint64_t offset, unsigned size)
{
    uint8_t bytes[8];

    assert_int_equal(pread(fd, bytes, size, (off_t)offset), size);
    return ld_be(bytes, size);
}

/* The 8 bytes at an offset of the disk. */
static uint64_t guest(int fd, uint64_t offset)
{
    uint64_t l1 = be(fd, 40, 8), value = 0;
    uint64_t l2 = be(fd, l1 + offset / CLUSTER / 8192 * 8, 8) & 0x00fffffffffffe00, entry;

    if (!l2)
        return 0;
    entry = be(fd, l2 + offset / CLUSTER % 8192 * 8, 8) & 0x00fffffffffffe00;
    if (entry)
        assert_int_equal(pread(fd, &value, 8, (off_t)(entry + offset % CLUSTER)), 8);
    return value;
}

/* Every cluster of the file has a refcount of one, and none is counted behind it. */
static void check_refcounts(int fd)
{
    uint64_t table = be(fd, 48, 8), clusters;
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size % CLUSTER, 0);
    clusters = (uint64_t)st.st_size / CLUSTER;
    for (uint64_t i = 0; i < clusters; i++) {
        uint64_t block = be(fd, table + i / 32768 * 8, 8);
        assert_true(block && block % CLUSTER == 0);
        assert_int_equal(be(fd, block + i % 32768 * 2, 2), 1);
    }
    assert_int_equal(
        be(fd, be(fd, table + (clusters - 1) / 32768 * 8, 8) + clusters % 32768 * 2, 2), 0);
}

static void what_is_read_back_is_what_was_there(void **state)
{
    static const uint64_t places[] = {0,         65528,     65536,         1 << 20,
                                      536870904, 536870912, 1610612736 - 8};
    struct error err = {0};
    int fd;

    put(1610612736, places, ARRAY_SIZE(places));
    if (qcow2_from_raw(raw, out, &err))
        fail_msg("%s", err.text);
    fd = open(out, O_RDONLY);
    assert_int_equal(be(fd, 0, 4), 0x514649fb);
    assert_int_equal(be(fd, 4, 4), 3);
    assert_int_equal(be(fd, 24, 8), 1610612736);
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        assert_int_equal(guest(fd, places[i]), places[i] ^ 0x123456789abcdef1);
    assert_int_equal(guest(fd, 2 << 20), 0);
    assert_int_equal(guest(fd, 800 << 20), 0);
    check_refcounts(fd);
    close(fd);
}

static void empty_clusters_take_no_room(void **state)
{
    struct error err;
    struct stat st;

    put(64ull << 30, NULL, 0);
    assert_int_equal(qcow2_from_raw(raw, out, &err), 0);
    assert_int_equal(stat(out, &st), 0);
    assert_int_equal(st.st_size, 4 * CLUSTER); /* header, L1, refcount block and table */
}

static void an_existing_file_is_left_alone(void **state)
{
    struct error err = {0};
    struct stat st;

    put(1 << 20, NULL, 0);
    close(open(out, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(qcow2_from_raw(raw, out, &err), -EEXIST);
    assert_non_null(strstr(err.text, out));
    assert_int_equal(stat(out, &st), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, clean)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_read_back_is_what_was_there),
        TEST(empty_clusters_take_no_room),
        TEST(an_existing_file_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
