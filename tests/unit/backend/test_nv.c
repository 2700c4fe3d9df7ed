/* SPDX-License-Identifier: Apache-2.0 */
/* Non-volatile memories: what a file is after changes, after kill -9 at any moment, after a journal
 * was cut off anywhere. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/nv/journal.h"
#include "backend/nv/nv.h"
#include "base/error.h"

enum { SIZE = 2 << 20, LEAST = 64 << 10, BLOCK = 256 << 10 };

static char folder[64], path[80], journal[96], other[80];

static int make(void **state)
{
    strcpy(folder, "/tmp/armvm-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/vars", folder);
    snprintf(journal, sizeof(journal), "%s.journal", path);
    snprintf(other, sizeof(other), "%s/other", folder);
    return 0;
}

static int discard(void **state)
{
    unlink(path);
    unlink(journal);
    unlink(other);
    return rmdir(folder);
}

static struct nv_config config_of(void)
{
    return (struct nv_config){.path = path, .option = "--vars", .size = SIZE, .least = LEAST};
}

static struct nv *open_with(const struct nv_config *config)
{
    struct error err = {0};
    struct nv *nv = NULL;

    if (nv_open(config, &nv, &err))
        fail_msg("%s", err.text);
    return nv;
}

static struct nv *open_it(void)
{
    struct nv_config config = config_of();

    return open_with(&config);
}

static void put(struct nv *nv, uint64_t offset, const char *text)
{
    assert_int_equal(nv_write(nv, offset, text, strlen(text)), 0);
}

static bool exists(const char *name)
{
    return !access(name, F_OK);
}

static void write_file(const char *name, const void *data, size_t size)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static size_t read_file(const char *name, uint8_t *data, size_t size)
{
    FILE *f = fopen(name, "r");
    size_t n = f ? fread(data, 1, size, f) : 0;

    assert_non_null(f);
    fclose(f);
    return n;
}

/* --- plain use --------------------------------------------------------------------------------*/

static void a_new_file_is_sparse_and_keeps_what_is_written(void **state)
{
    struct nv *nv = open_it();
    struct stat st;

    put(nv, 4096, "variable");
    assert_int_equal(nv_fill_ones(nv, BLOCK, BLOCK), 0);
    nv_close(nv);
    assert_false(exists(journal));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, SIZE);
    assert_true(st.st_blocks * 512 < 2 * BLOCK);
    nv = open_it();
    assert_memory_equal(nv_bytes(nv) + 4096, "variable", 8);
    assert_int_equal(nv_bytes(nv)[BLOCK - 1], 0);
    assert_int_equal(nv_bytes(nv)[BLOCK], 0xff);
    assert_int_equal(nv_bytes(nv)[2 * BLOCK - 1], 0xff);
    assert_int_equal(nv_bytes(nv)[2 * BLOCK], 0);
    nv_close(nv);
}

static void a_new_file_starts_with_the_template(void **state)
{
    struct nv_config config = config_of();
    struct nv *nv;

    write_file(other, "template", 8);
    config.initial = other;
    nv = open_with(&config);
    assert_memory_equal(nv_bytes(nv), "template", 8);
    put(nv, 0, "TEMP");
    nv_close(nv);
    nv = open_with(&config);
    assert_memory_equal(nv_bytes(nv), "TEMPlate", 8);
    nv_close(nv);
}

static void a_shorter_file_grows_when_it_has_to(void **state)
{
    static uint8_t bytes[LEAST];
    struct nv *nv;

    bytes[LEAST - 1] = 7;
    write_file(path, bytes, sizeof(bytes));
    nv = open_it();
    assert_int_equal(nv_bytes(nv)[LEAST - 1], 7);
    put(nv, SIZE - 4, "last");
    nv_close(nv);
    nv = open_it();
    assert_memory_equal(nv_bytes(nv) + SIZE - 4, "last", 4);
    nv_close(nv);
}

static void nothing_is_written_to_disk_when_it_is_ephemeral(void **state)
{
    struct nv_config config = config_of();
    struct nv *nv;

    config.ephemeral = true;
    nv = open_with(&config);
    put(nv, 0, "gone");
    assert_memory_equal(nv_bytes(nv), "gone", 4);
    nv_close(nv);
    assert_false(exists(path));
    nv_close(open_it());
    nv = open_with(&config);
    put(nv, 0, "gone");
    nv_close(nv);
    assert_false(exists(journal));
    nv = open_it();
    assert_int_equal(nv_bytes(nv)[0], 0);
    nv_close(nv);
}

static void without_a_path_it_is_only_memory(void **state)
{
    struct nv_config config = config_of();
    struct nv *nv;

    config.path = NULL;
    nv = open_with(&config);
    put(nv, 0, "here");
    assert_memory_equal(nv_bytes(nv), "here", 4);
    nv_close(nv);
}

static void a_read_only_one_does_not_change(void **state)
{
    struct nv_config config = config_of();
    struct nv *nv;

    write_file(path, "code", 4);
    config.readonly = true;
    nv = open_with(&config);
    assert_int_equal(nv_write(nv, 0, "evil", 4), -EROFS);
    assert_int_equal(nv_fill_ones(nv, 0, 4), -EROFS);
    assert_memory_equal(nv_bytes(nv), "code", 4);
    nv_close(nv);
}

static void ranges_outside_are_refused(void **state)
{
    struct nv *nv = open_it();

    assert_int_equal(nv_write(nv, SIZE - 4, "12345678", 8), -EINVAL);
    assert_int_equal(nv_write(nv, SIZE, "1234", 4), -EINVAL);
    assert_int_equal(nv_write(nv, 2, "1234", 4), -EINVAL);
    assert_int_equal(nv_write(nv, 0, "123", 3), -EINVAL);
    assert_int_equal(nv_fill_ones(nv, 4, UINT64_MAX - 3), -EINVAL);
    nv_close(nv);
}

static void refused(const struct nv_config *config, const char *words)
{
    struct error err = {0};
    struct nv *nv = NULL;

    assert_int_not_equal(nv_open(config, &nv, &err), 0);
    if (!strstr(err.text, words) || strchr(err.text, '\n'))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static void a_second_writer_is_refused_by_name(void **state)
{
    struct nv_config config = config_of();
    struct nv *nv = open_it();

    refused(&config, "vars: is in use");
    config.ephemeral = true;
    refused(&config, "vars: is in use");
    nv_close(nv);
}

static void files_that_are_no_store_are_refused(void **state)
{
    struct nv_config config = config_of();

    write_file(path, "some text", 9);
    refused(&config, "has 9 bytes");
    assert_int_equal(truncate(path, SIZE + 1), 0);
    refused(&config, "such a file has 64 KiB to 2 MiB");
    config.path = folder;
    refused(&config, folder);
    config.path = "/nonexistent/vars";
    refused(&config, "/nonexistent/vars");
    config.path = path;
    config.readonly = true;
    refused(&config, path);
}

/* --- interrupted ------------------------------------------------------------------------------*/

/* Does to an array what step n of the sequence does. Small writes, as firmware makes them, erased
 * blocks, and large writes that fill a journal. */
struct step {
    uint64_t offset, len;
    bool fill;
    uint8_t byte;
};

static struct step step_of(uint32_t n)
{
    uint32_t h = n * 2654435761u;

    h ^= h >> 15;
    if (n % 16 == 3)
        return (struct step){h % (SIZE / BLOCK) * BLOCK, BLOCK, .fill = true};
    if (n % 16 == 7)
        return (struct step){h % (SIZE / BLOCK) * BLOCK, BLOCK, .byte = (uint8_t)h};
    return (struct step){h % (SIZE - 128) / 4 * 4, 4 + h % 124 / 4 * 4, .byte = (uint8_t)h};
}

static void model(uint8_t *array, uint32_t n)
{
    struct step step = step_of(n);

    memset(array + step.offset, step.fill ? 0xff : step.byte, step.len);
}

static int perform(struct nv *nv, uint32_t n)
{
    static uint8_t data[BLOCK];
    struct step step = step_of(n);

    memset(data, step.byte, step.len);
    return step.fill ? nv_fill_ones(nv, step.offset, step.len)
                     : nv_write(nv, step.offset, data, step.len);
}

/* Steps from *done on until it is killed; every so often it closes and opens the file. */
static void run_until_killed(_Atomic uint32_t *done)
{
    struct nv *nv = open_it();

    for (uint32_t n = *done;; n++) {
        if (perform(nv, n))
            _exit(1);
        *done = n + 1;
        if (n % 200 == 199) {
            nv_close(nv);
            nv = open_it();
        }
    }
}

/* After a random time: from its start, or from its first step. */
static void kill_somewhere(_Atomic uint32_t *done, bool from_start)
{
    uint32_t before = *done;
    struct timespec delay = {0, rand() % 12000000}, moment = {0, 100000};
    pid_t child = fork();
    int status;

    if (!child)
        run_until_killed(done);
    assert_true(child > 0);
    while (!from_start && *done == before)
        nanosleep(&moment, NULL);
    nanosleep(&delay, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void after_kill_9_everything_up_to_some_step_is_there(void **state)
{
    _Atomic uint32_t *done =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint8_t *expected = calloc(1, SIZE), *before = calloc(1, SIZE);
    uint32_t modelled = 0;
    unsigned journals = 0;

    srand(1);
    for (unsigned round = 0; round < 100; round++) {
        struct nv *nv;
        kill_somewhere(done, round % 4 == 0);
        journals += exists(journal);
        nv = open_it();
        while (modelled < *done) {
            memcpy(before, expected, SIZE);
            model(expected, modelled++);
        }
        /* The step that was under way is there as a whole, or not at all; an erasure that nothing
         * came after may be taken back. */
        if (step_of(modelled - 1).fill && !memcmp(nv_bytes(nv), before, SIZE)) {
            memcpy(expected, before, SIZE);
            *done = --modelled;
        } else if (memcmp(nv_bytes(nv), expected, SIZE)) {
            model(expected, modelled++);
            *done = modelled;
        }
        assert_memory_equal(nv_bytes(nv), expected, SIZE);
        nv_close(nv);
    }
    assert_true(journals > 10 && modelled > 100); /* something was tested */
    free(expected);
    free(before);
    munmap((void *)done, 4096);
}

/* The journal as a killed process leaves it: changes are in there, not in the file. */
static size_t leave_journal(uint8_t *data, size_t size)
{
    pid_t child = fork();
    int status;

    if (!child) {
        struct nv *nv = open_it();
        put(nv, 0, "0000");
        put(nv, 0, "1111");
        nv_fill_ones(nv, 4, 4);
        put(nv, 0, "2222");
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return read_file(journal, data, size);
}

static void a_journal_cut_off_anywhere_gives_a_prefix(void **state)
{
    static const char *const states[] = {"\0\0\0\0\0\0\0\0", "0000\0\0\0\0", "1111\0\0\0\0",
                                         "1111\xff\xff\xff\xff", "2222\xff\xff\xff\xff"};
    uint8_t data[512];
    unsigned seen = 0;
    size_t size;

    nv_close(open_it());
    size = leave_journal(data, sizeof(data));
    for (size_t len = 0; len <= size; len++) {
        struct nv_config config = config_of();
        struct nv *nv;
        write_file(journal, data, len);
        config.ephemeral = true; /* looks, and leaves everything as it is */
        nv = open_with(&config);
        if (seen < 4 && !memcmp(nv_bytes(nv), states[seen + 1], 8))
            seen++;
        assert_memory_equal(nv_bytes(nv), states[seen], 8);
        nv_close(nv);
    }
    assert_int_equal(seen, 4);
}

static void a_damaged_record_ends_the_journal(void **state)
{
    uint8_t data[512];
    size_t size;

    nv_close(open_it());
    size = leave_journal(data, sizeof(data));
    for (size_t at = 0; at < size; at++) {
        struct nv_config config = config_of();
        struct nv *nv;
        data[at] ^= 0x20;
        write_file(journal, data, size);
        data[at] ^= 0x20;
        config.ephemeral = true;
        nv = open_with(&config);
        assert_memory_not_equal(nv_bytes(nv), "2222", 4);
        nv_close(nv);
    }
}

static void a_journal_of_another_file_is_forgotten(void **state)
{
    static uint8_t bytes[LEAST];
    uint8_t data[512];
    struct nv *nv;

    nv_close(open_it());
    leave_journal(data, sizeof(data));
    bytes[100] = 1;
    write_file(path, bytes, sizeof(bytes));
    nv = open_it();
    assert_memory_equal(nv_bytes(nv), bytes, LEAST);
    nv_close(nv);
    assert_false(exists(journal));
    nv_close(open_it());
}

/* The sum of an array is what its journal starts with. */
static uint64_t base_sum(void)
{
    uint8_t data[512];
    uint64_t sum = 0, chain;
    size_t at, size = leave_journal(data, sizeof(data));

    assert_true(journal_begin(data, size, &sum, &at, &chain));
    unlink(journal);
    return sum;
}

static void a_sealed_journal_repairs_a_file_that_is_neither_old_nor_new(void **state)
{
    struct journal j;
    uint8_t sum[8], torn[8] = "2200\xff";
    uint64_t result;
    struct nv *nv;
    int fd;

    nv = open_it();
    put(nv, 0, "2222\xff\xff\xff\xff");
    nv_close(nv);
    result = base_sum();
    for (int i = 0; i < 8; i++)
        sum[i] = (uint8_t)(result >> 8 * i);
    assert_int_equal(journal_create(&j, journal, 12345), 0);
    assert_int_equal(journal_append(&j, JOURNAL_WRITE, 0, 4, "2222"), 0);
    assert_int_equal(journal_append(&j, JOURNAL_FILL_ONES, 4, 4, NULL), 0);
    assert_int_equal(journal_append(&j, JOURNAL_SEALED, 0, 0, sum), 0);
    journal_close(&j);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, torn, 8, 0), 8);
    close(fd);
    nv = open_it();
    assert_memory_equal(nv_bytes(nv), "2222\xff\xff\xff\xff", 8);
    nv_close(nv);
    assert_false(exists(journal));
}

/* --- rewrites ---------------------------------------------------------------------------------*/

enum { STEPS = 16, PIECE = 128 };

/* A block with STEPS pieces, the rest of it erased, as EDK2 has it; all of it in the file. */
static void fill_block(void)
{
    struct nv *nv = open_it();
    char piece[PIECE + 1] = "";

    assert_int_equal(nv_fill_ones(nv, BLOCK, BLOCK), 0);
    for (unsigned i = 0; i < STEPS; i++) {
        memset(piece, 'a' + (int)i, PIECE);
        put(nv, BLOCK + i * PIECE, piece);
    }
    nv_close(nv);
}

/* Erases it and brings back some of the pieces, then writes what is new. */
static void rewrite_block(struct nv *nv, unsigned pieces)
{
    char piece[PIECE + 1] = "";

    assert_int_equal(nv_fill_ones(nv, BLOCK, BLOCK), 0);
    for (unsigned i = 0; i < pieces; i++) {
        memset(piece, i < STEPS ? 'a' + (int)i : 'Z', PIECE);
        put(nv, BLOCK + i * PIECE, piece);
    }
}

static bool has_pieces(const struct nv *nv, unsigned pieces)
{
    const uint8_t *p = nv_bytes(nv) + BLOCK;

    for (unsigned i = 0; i < pieces * PIECE; i++)
        if (p[i] != (i / PIECE < STEPS ? 'a' + i / PIECE : 'Z'))
            return false;
    return p[pieces * PIECE] == 0xff;
}

/* In a process that is killed. */
static void killed(void (*work)(struct nv *nv, unsigned n), unsigned n)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (!child) {
        work(open_it(), n);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_rewrite_that_was_killed_did_not_begin(void **state)
{
    fill_block();
    for (unsigned pieces = 0; pieces < STEPS; pieces++) {
        struct nv_config looks = config_of();
        struct nv *nv;

        killed(rewrite_block, pieces);
        looks.ephemeral = true;
        nv = open_with(&looks);
        assert_true(has_pieces(nv, STEPS));
        nv_close(nv);
        nv = open_it();
        assert_true(has_pieces(nv, STEPS));
        nv_close(nv);
        nv = open_it();
        assert_true(has_pieces(nv, STEPS));
        nv_close(nv);
    }
}

static void a_rewrite_that_has_brought_all_back_stays(void **state)
{
    for (unsigned pieces = STEPS; pieces < STEPS + 2; pieces++) {
        struct nv *nv;
        fill_block();
        killed(rewrite_block, pieces);
        nv = open_it();
        assert_true(has_pieces(nv, pieces));
        nv_close(nv);
    }
}

static void other_contents(struct nv *nv, unsigned n)
{
    assert_int_equal(nv_fill_ones(nv, BLOCK, BLOCK), 0);
    put(nv, BLOCK, "another.");
}

static void elsewhere_too(struct nv *nv, unsigned n)
{
    rewrite_block(nv, n);
    put(nv, 0, "done");
}

static void an_erasure_for_other_contents_stays(void **state)
{
    struct nv *nv;

    fill_block();
    killed(other_contents, 0);
    nv = open_it();
    assert_memory_equal(nv_bytes(nv) + BLOCK, "another.\xff", 9);
    nv_close(nv);
}

static void an_erasure_that_was_followed_by_something_elsewhere_stays(void **state)
{
    struct nv *nv;

    fill_block();
    killed(elsewhere_too, 3);
    nv = open_it();
    assert_true(has_pieces(nv, 3));
    nv_close(nv);
}

static void closing_takes_back_a_rewrite_but_not_an_erasure(void **state)
{
    struct nv *nv;

    fill_block();
    for (unsigned pieces = 1; pieces; pieces--) {
        nv = open_it();
        rewrite_block(nv, pieces);
        nv_close(nv);
        nv = open_it();
        assert_true(has_pieces(nv, STEPS));
        nv_close(nv);
    }
    nv = open_it();
    rewrite_block(nv, 0);
    nv_close(nv);
    nv = open_it();
    assert_true(has_pieces(nv, 0));
    nv_close(nv);
}

/* The journal's 4 MiB are full in the middle of it. */
static void long_work(struct nv *nv, unsigned n)
{
    static const uint8_t zeroes[BLOCK];

    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(nv_write(nv, 0, zeroes, BLOCK - 4 * PIECE / 16), 0);
    rewrite_block(nv, n);
}

static void a_rewrite_does_not_go_into_the_file_before_it_is_done(void **state)
{
    fill_block();
    for (unsigned n = 0; n < STEPS; n++) {
        struct nv *nv;
        killed(long_work, n);
        nv = open_it();
        assert_true(has_pieces(nv, STEPS));
        nv_close(nv);
    }
}

static void a_full_host_changes_nothing(void **state)
{
    struct nv *nv = open_it();

    put(nv, 0, "1111");
    nv_close(nv);
    nv = open_it();
    assert_int_equal(mkdir(journal, 0700), 0); /* no journal can be made */
    assert_int_not_equal(nv_write(nv, 0, "2222", 4), 0);
    assert_memory_equal(nv_bytes(nv), "1111", 4);
    rmdir(journal);
    put(nv, 0, "3333");
    nv_close(nv);
    nv = open_it();
    assert_memory_equal(nv_bytes(nv), "3333", 4);
    nv_close(nv);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, discard)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_new_file_is_sparse_and_keeps_what_is_written),
        T(a_new_file_starts_with_the_template),
        T(a_shorter_file_grows_when_it_has_to),
        T(nothing_is_written_to_disk_when_it_is_ephemeral),
        T(without_a_path_it_is_only_memory),
        T(a_read_only_one_does_not_change),
        T(ranges_outside_are_refused),
        T(a_second_writer_is_refused_by_name),
        T(files_that_are_no_store_are_refused),
        T(after_kill_9_everything_up_to_some_step_is_there),
        T(a_journal_cut_off_anywhere_gives_a_prefix),
        T(a_damaged_record_ends_the_journal),
        T(a_journal_of_another_file_is_forgotten),
        T(a_sealed_journal_repairs_a_file_that_is_neither_old_nor_new),
        T(a_rewrite_that_was_killed_did_not_begin),
        T(a_rewrite_that_has_brought_all_back_stays),
        T(an_erasure_for_other_contents_stays),
        T(an_erasure_that_was_followed_by_something_elsewhere_stays),
        T(closing_takes_back_a_rewrite_but_not_an_erasure),
        T(a_rewrite_does_not_go_into_the_file_before_it_is_done),
        T(a_full_host_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
