/* SPDX-License-Identifier: Apache-2.0 */
/* Block back ends: opening, locking, and the operations on raw files and overlays. */
#include <stdarg.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "base/error.h"

enum { SIZE = 1 << 20 };

static char path[64];

static int make(void **state)
{
    uint8_t *bytes = malloc(SIZE);
    int fd;

    strcpy(path, "/tmp/armvm-test-XXXXXX");
    fd = mkstemp(path);
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i / 512 + i);
    if (fd < 0 || write(fd, bytes, SIZE) != SIZE)
        return -1;
    close(fd);
    free(bytes);
    return 0;
}

static int discard_file(void **state)
{
    unlink(path);
    return 0;
}

static uint8_t original(unsigned i)
{
    return (uint8_t)(i / 512 + i);
}

static struct blk *open_as(bool readonly, bool ephemeral)
{
    struct blk_config config = {path, readonly, ephemeral, NULL};
    struct error err = {0};
    struct blk *blk = NULL;

    if (blk_open(&config, &blk, &err))
        fail_msg("%s", err.text);
    return blk;
}

static void refused(const struct blk_config *config, int code, const char *words)
{
    struct error err = {0};
    struct blk *blk;

    assert_int_equal(blk_open(config, &blk, &err), code);
    if (!strstr(err.text, words) || !strstr(err.text, config->path))
        fail_msg("'%s' lacks '%s' or the path", err.text, words);
}

static void done(struct blk_request *request, int result)
{
    atomic_store((atomic_int *)request->ctx, result);
}

/* Carries out one request and waits. */
static int perform(struct blk *blk, enum blk_op op, uint64_t offset, void *buf, uint64_t len,
                   bool background)
{
    atomic_int result = 1;
    struct iovec iov[3] = {{buf, len / 3}, {NULL, 0}, {(uint8_t *)buf + len / 3, len - len / 3}};
    struct blk_request request = {.op = op,
                                  .offset = offset,
                                  .len = len,
                                  .iov = iov,
                                  .iovcnt = 3,
                                  .unmap = true,
                                  .background = background,
                                  .done = done,
                                  .ctx = &result};

    blk_submit(blk, &request);
    for (unsigned i = 0; i < 50000 && atomic_load(&result) == 1; i++)
        usleep(100);
    return atomic_load(&result);
}

static void expect_file(unsigned offset, uint8_t byte)
{
    int fd = open(path, O_RDONLY);
    uint8_t got = 0;

    assert_int_equal(pread(fd, &got, 1, offset), 1);
    close(fd);
    assert_int_equal(got, byte);
}

static void what_cannot_be_opened_is_explained(void **state)
{
    struct blk_config config = {"/nonexistent/disk.img", false, false, NULL};
    char dir[] = "/tmp/armvm-test-dir-XXXXXX", empty[64];

    refused(&config, -ENOENT, "no such file");
    config.path = mkdtemp(dir);
    refused(&config, -EISDIR, "is a directory");
    rmdir(dir);
    config.path = "/dev/null";
    refused(&config, -EINVAL, "neither a file nor a block device");
    strcpy(empty, "/tmp/armvm-test-XXXXXX");
    close(mkstemp(empty));
    config.path = empty;
    refused(&config, -EINVAL, "empty");
    unlink(empty);
    config.path = path;
    config.format = "qcow2";
    refused(&config, -EINVAL, "no qcow2 image");
    config.format = "vdi";
    refused(&config, -EINVAL, "format vdi");
}

static void other_formats_are_refused_unless_called_raw(void **state)
{
    struct blk_config config = {path, false, false, NULL};
    struct error err = {0};
    struct blk *blk;
    int fd = open(path, O_WRONLY);

    assert_int_equal(pwrite(fd, "KDMV", 4, 0), 4);
    close(fd);
    refused(&config, -EINVAL, "format=raw");
    config.format = "raw";
    assert_int_equal(blk_open(&config, &blk, &err), 0);
    blk_close(blk);
}

static void one_writer_or_many_readers(void **state)
{
    struct blk_config write = {path, false, false, NULL}, read = {path, true, false, NULL},
                      temporary = {path, false, true, NULL};
    struct blk *a = open_as(false, false), *b;

    refused(&write, -EBUSY, "in use");
    refused(&read, -EBUSY, "writing");
    refused(&temporary, -EBUSY, "writing");
    blk_close(a);
    a = open_as(true, false);
    b = open_as(false, true);
    refused(&write, -EBUSY, "in use");
    blk_close(a);
    blk_close(b);
    blk_close(open_as(false, false));
}

/* A process of QEMU's kind has these bytes locked: the rights that it uses are 100 and following,
 * those that it refuses to others 200 and following. */
static int as_qemu(const char *bytes)
{
    int fd = open(path, O_RDONLY);
    for (; *bytes; bytes++) {
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
        lock.l_start = *bytes < 'a' ? 100 + *bytes - 'A' : 200 + *bytes - 'a';
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    }
    return fd;
}

static void locks_are_those_of_qemu(void **state)
{
    struct blk_config write = {path, false, false, NULL}, read = {path, true, false, NULL};
    int reader = as_qemu("Abd"), writer;

    refused(&write, -EBUSY, "in use");
    blk_close(open_as(true, false));
    close(reader);
    writer = as_qemu("ABbd");
    refused(&write, -EBUSY, "in use");
    refused(&read, -EBUSY, "is writing to it");
    close(writer);
    blk_close(open_as(false, false));
}

static void reads_and_writes_go_through(void **state)
{
    for (int background = 0; background < 2; background++) {
        struct blk *blk = open_as(false, false);
        uint8_t buf[3000];

        assert_int_equal(blk_size(blk), SIZE);
        assert_int_equal(perform(blk, BLK_READ, 12345, buf, sizeof(buf), background), 0);
        for (unsigned i = 0; i < sizeof(buf); i++)
            assert_int_equal(buf[i], original(12345 + i));
        memset(buf, 0xab, sizeof(buf));
        assert_int_equal(perform(blk, BLK_WRITE, 50000, buf, sizeof(buf), background), 0);
        assert_int_equal(perform(blk, BLK_FLUSH, 0, NULL, 0, background), 0);
        expect_file(52999, 0xab);
        expect_file(53000, original(53000));
        blk_close(blk);
    }
}

static void requests_outside_or_on_a_readonly_image_fail(void **state)
{
    struct blk *blk = open_as(true, false);
    uint8_t buf[512] = {0};

    for (int background = 0; background < 2; background++) {
        assert_int_equal(perform(blk, BLK_READ, SIZE - 511, buf, 512, background), -EINVAL);
        assert_int_equal(perform(blk, BLK_READ, ~0ull, buf, 512, background), -EINVAL);
        assert_int_equal(perform(blk, BLK_WRITE, 0, buf, 512, background), -EROFS);
        assert_int_equal(perform(blk, BLK_DISCARD, 0, NULL, 512, background), -EROFS);
        assert_int_equal(perform(blk, BLK_FLUSH, 0, NULL, 0, background), 0);
    }
    blk_close(blk);
}

static void zeroing_zeroes_exactly_the_range(void **state)
{
    struct blk *blk = open_as(false, false);

    assert_int_equal(perform(blk, BLK_WRITE_ZEROES, 4096 + 512, NULL, 9 * 512, false), 0);
    assert_int_equal(perform(blk, BLK_DISCARD, 65536, NULL, 65536, false), 0);
    blk_close(blk);
    expect_file(4096 + 511, original(4096 + 511));
    expect_file(4096 + 512, 0);
    expect_file(4096 + 10 * 512 - 1, 0);
    expect_file(4096 + 10 * 512, original(4096 + 10 * 512));
    expect_file(65536, 0);
    expect_file(131071, 0);
}

static void a_ragged_file_is_rounded_up_and_reads_zeroes_behind_its_end(void **state)
{
    struct stat st;
    struct blk *blk;
    uint8_t buf[512];

    assert_int_equal(truncate(path, 1000), 0);
    blk = open_as(false, false);
    assert_int_equal(blk_size(blk), 1024);
    memset(buf, 0xff, sizeof(buf));
    assert_int_equal(perform(blk, BLK_READ, 512, buf, 512, false), 0);
    assert_int_equal(buf[487], original(999));
    assert_int_equal(buf[488], 0);
    assert_int_equal(buf[511], 0);
    memset(buf, 0x11, sizeof(buf));
    assert_int_equal(perform(blk, BLK_WRITE, 512, buf, 512, false), 0);
    blk_close(blk);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 1024);
}

/* Random operations on an overlay against a model in memory; the file below stays as it is. */
static void an_overlay_behaves_like_a_disk_and_leaves_the_file_alone(void **state)
{
    struct blk *blk = open_as(false, true);
    uint8_t *model = malloc(SIZE), *buf = malloc(SIZE);
    unsigned seed = 1;

    for (unsigned i = 0; i < SIZE; i++)
        model[i] = original(i);
    for (unsigned i = 0; i < 400; i++) {
        unsigned offset = (unsigned)rand_r(&seed) % SIZE;
        unsigned len = (unsigned)rand_r(&seed) % (i % 3 ? 5000 : 200000);
        if (len > SIZE - offset)
            len = SIZE - offset;
        switch (rand_r(&seed) % 4) {
        case 0:
            memset(buf, (int)i, len);
            memset(model + offset, (int)i, len);
            assert_int_equal(perform(blk, BLK_WRITE, offset, buf, len, false), 0);
            break;
        case 1:
            memset(model + offset, 0, len);
            assert_int_equal(
                perform(blk, i % 2 ? BLK_WRITE_ZEROES : BLK_DISCARD, offset, NULL, len, false), 0);
            break;
        default:
            assert_int_equal(perform(blk, BLK_READ, offset, buf, len, false), 0);
            assert_memory_equal(buf, model + offset, len);
        }
    }
    assert_int_equal(perform(blk, BLK_READ, 0, buf, SIZE, false), 0);
    assert_memory_equal(buf, model, SIZE);
    blk_close(blk);
    blk = open_as(true, false);
    assert_int_equal(perform(blk, BLK_READ, 0, buf, SIZE, false), 0);
    for (unsigned i = 0; i < SIZE; i++)
        assert_int_equal(buf[i], original(i));
    blk_close(blk);
    free(model);
    free(buf);
}

static void closing_waits_for_what_is_under_way(void **state)
{
    enum { COUNT = 64 };
    struct blk *blk = open_as(false, false);
    atomic_int result[COUNT];
    struct blk_request request[COUNT];
    struct iovec iov[COUNT];
    uint8_t *buf = calloc(COUNT, 8192);

    for (unsigned i = 0; i < COUNT; i++) {
        result[i] = 1;
        iov[i] = (struct iovec){buf + 8192 * i, 8192};
        request[i] = (struct blk_request){.op = BLK_WRITE,
                                          .offset = 8192ull * i,
                                          .len = 8192,
                                          .iov = &iov[i],
                                          .iovcnt = 1,
                                          .done = done,
                                          .ctx = &result[i]};
        blk_submit(blk, &request[i]);
    }
    blk_close(blk);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(result[i], 0);
    free(buf);
}

static void holes_are_skipped_on_the_way_to_data(void **state)
{
    struct blk *blk;

    /* 1 MiB of data, 7 of hole, a byte, a hole. */
    assert_int_equal(truncate(path, 16 << 20), 0);
    blk = open_as(false, false);
    assert_int_equal(perform(blk, BLK_WRITE, 8 << 20, "x", 1, false), 0);
    blk_close(blk);
    blk = open_as(true, false);
    assert_int_equal(blk_next_data(blk, 0), 0);
    assert_int_equal(blk_next_data(blk, 12345), 12345);
    assert_int_equal(blk_next_data(blk, SIZE), 8 << 20);
    assert_int_equal(blk_next_data(blk, (8 << 20) + (1 << 20)), 16 << 20);
    assert_int_equal(blk_next_data(blk, 1ull << 40), 16 << 20);
    blk_close(blk);
    blk = open_as(false, true); /* an overlay does not know: all may be data */
    assert_int_equal(blk_next_data(blk, SIZE), SIZE);
    blk_close(blk);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, discard_file)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_cannot_be_opened_is_explained),
        TEST(other_formats_are_refused_unless_called_raw),
        TEST(one_writer_or_many_readers),
        TEST(locks_are_those_of_qemu),
        TEST(reads_and_writes_go_through),
        TEST(requests_outside_or_on_a_readonly_image_fail),
        TEST(zeroing_zeroes_exactly_the_range),
        TEST(a_ragged_file_is_rounded_up_and_reads_zeroes_behind_its_end),
        TEST(an_overlay_behaves_like_a_disk_and_leaves_the_file_alone),
        TEST(closing_waits_for_what_is_under_way),
        TEST(holes_are_skipped_on_the_way_to_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
