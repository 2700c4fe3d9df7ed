/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
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

#include "base/error.h"
#include "host/file.h"
#include "host/read.h"

struct dir {
    char path[64], file[96];
};

static int setup(void **state)
{
    struct dir *dir = calloc(1, sizeof(*dir));

    strcpy(dir->path, "/tmp/armvm-test-XXXXXX");
    if (!mkdtemp(dir->path))
        return -1;
    snprintf(dir->file, sizeof(dir->file), "%s/f", dir->path);
    *state = dir;
    return 0;
}

static int teardown(void **state)
{
    struct dir *dir = *state;

    unlink(dir->file);
    rmdir(dir->path);
    free(dir);
    return 0;
}

static void what_was_written_is_read_back(void **state)
{
    struct dir *dir = *state;
    uint8_t *data;
    size_t size;

    assert_int_equal(file_write("--out", dir->file, "hello", 5, NULL), 0);
    assert_int_equal(file_write("--out", dir->file, "hallo", 5, NULL), 0);
    assert_int_equal(file_read("--kernel", dir->file, 5, &data, &size, NULL), 0);
    assert_int_equal(size, 5);
    assert_string_equal((char *)data, "hallo");
    free(data);
}

static void expect_refusal(const char *path, size_t limit, int code, const char *words)
{
    struct error err = {0};
    uint8_t *data;
    size_t size;

    assert_int_equal(file_read("--kernel", path, limit, &data, &size, &err), code);
    assert_int_equal(strncmp(err.text, "--kernel: ", 10), 0);
    assert_non_null(strstr(err.text, words));
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(file_check("--kernel", path, limit, NULL, NULL), code);
}

static void missing_file_is_refused(void **state)
{
    expect_refusal("/nonexistent/file", 100, -ENOENT, "/nonexistent/file: No such file");
}

static void directory_is_refused(void **state)
{
    expect_refusal("/tmp", 100, -EISDIR, "/tmp is a directory");
}

static void device_is_refused(void **state)
{
    expect_refusal("/dev/zero", 100, -ENOTSUP, "not a regular file");
}

static void fifo_is_refused_without_waiting(void **state)
{
    struct dir *dir = *state;

    assert_int_equal(mkfifo(dir->file, 0600), 0);
    expect_refusal(dir->file, 100, -ENOTSUP, "not a regular file");
}

static void empty_file_is_refused(void **state)
{
    struct dir *dir = *state;

    assert_int_equal(file_write("--out", dir->file, "", 0, NULL), 0);
    expect_refusal(dir->file, 100, -ENODATA, "is empty");
}

static void file_beyond_the_limit_is_refused(void **state)
{
    struct dir *dir = *state;

    assert_int_equal(file_write("--out", dir->file, "hello!", 6, NULL), 0);
    expect_refusal(dir->file, 5, -EFBIG, "more than");
}

static void failed_write_leaves_nothing_behind(void **state)
{
    struct error err = {0};

    assert_int_equal(file_write("--out", "/nonexistent/x", "a", 1, &err), -ENOENT);
    assert_string_equal(err.text, "--out: /nonexistent/x: No such file or directory");
}

/* Every word of a file as large as this is its own offset. */
enum { LARGE_FILE = (21 << 20) + 24 };

static int open_large(const struct dir *dir)
{
    uint64_t *words = malloc(LARGE_FILE);

    for (size_t i = 0; i < LARGE_FILE / 8; i++)
        words[i] = i * 8;
    assert_int_equal(file_write("--out", dir->file, words, LARGE_FILE, NULL), 0);
    free(words);
    return open(dir->file, O_RDONLY | O_CLOEXEC);
}

static void pieces_of_any_size_are_read(void **state)
{
    static const size_t sizes[] = {
        0, 8, 4 << 20, 8 << 20, (8 << 20) + 8, 16 << 20, LARGE_FILE - 64};
    int fd = open_large(*state);
    uint64_t *words = malloc(LARGE_FILE);

    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        memset(words, 0xff, LARGE_FILE);
        assert_int_equal(host_read_at(fd, 64, words, sizes[k]), 0);
        for (size_t i = 0; i < sizes[k] / 8; i++)
            assert_int_equal(words[i], 64 + i * 8);
        assert_int_equal(words[sizes[k] / 8], UINT64_MAX); /* nothing behind it */
    }
    free(words);
    close(fd);
}

static void a_file_that_ends_before_is_noticed(void **state)
{
    int fd = open_large(*state);
    uint8_t *to = malloc(LARGE_FILE + 8);

    assert_int_equal(host_read_at(fd, 0, to, LARGE_FILE + 8), -ENODATA);
    assert_int_equal(host_read_at(fd, LARGE_FILE - 8, to, 16), -ENODATA);
    assert_int_equal(host_read_at(-1, 0, to, LARGE_FILE), -EBADF);
    assert_int_equal(host_read_at(-1, 0, to, 8), -EBADF);
    free(to);
    close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_written_is_read_back),
        T(missing_file_is_refused),
        T(directory_is_refused),
        T(device_is_refused),
        T(fifo_is_refused_without_waiting),
        T(empty_file_is_refused),
        T(file_beyond_the_limit_is_refused),
        T(failed_write_leaves_nothing_behind),
        T(pieces_of_any_size_are_read),
        T(a_file_that_ends_before_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
