/* SPDX-License-Identifier: Apache-2.0 */
/* Records that outlive the process, and files that are not to be believed. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "host/store.h"

struct place {
    char directory[64], file[128];
};

#define KEYS                                                                                       \
    {                                                                                              \
        0x1234, 0x5678                                                                             \
    }
#define FILE_NAME "code-0000000000001234"

static struct place make_place(void)
{
    struct place place;

    strcpy(place.directory, "/tmp/armvm-store-XXXXXX");
    assert_non_null(mkdtemp(place.directory));
    snprintf(place.file, sizeof(place.file), "%s/" FILE_NAME, place.directory);
    return place;
}

static void remove_place(const struct place *place)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", place->directory);
    assert_int_equal(system(command), 0);
}

static struct store_config config_for(const char *directory)
{
    return (struct store_config){.directory = directory,
                                 .prefix = "code-",
                                 .key = KEYS,
                                 .limit = 64 << 20,
                                 .total = 128 << 20};
}

static struct store *open_at(const struct place *place)
{
    struct store_config config = config_for(place->directory);
    struct store *store;

    assert_int_equal(store_open(&config, &store, NULL), 0);
    return store;
}

/* A record that its key tells, of a length that differs from key to key. */
static size_t make_record(uint64_t key, uint8_t *data)
{
    size_t size = 1 + key % 97;

    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(key * 31 + i * 7);
    return size;
}

static void add(struct store *store, uint64_t key)
{
    uint8_t data[128];

    store_add(store, key, data, make_record(key, data));
}

static bool finds(struct store *store, uint64_t key)
{
    uint8_t data[128], want[128];
    size_t size = make_record(key, want);
    bool more;

    return store_find(store, key, 0, data, sizeof(data), &more) == size && more &&
           !memcmp(data, want, size);
}

static const uint64_t keys[] = {1, 2, 77, 1ull << 40, 1ull << 63, ~0ull, 0};
enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

static void write_file(const struct place *place)
{
    struct store *store = open_at(place);

    for (unsigned i = 0; i < KEY_COUNT; i++)
        add(store, keys[i]);
    assert_int_equal(store_save(store), 0);
    store_close(store);
}

static void records_are_found_again(void **state)
{
    struct place place = make_place();
    struct store *store = open_at(&place);
    struct store_figures figures;

    for (unsigned i = 0; i < KEY_COUNT; i++)
        add(store, keys[i]);
    for (unsigned i = 0; i < KEY_COUNT; i++)
        assert_true(finds(store, keys[i]));
    assert_int_equal(store_save(store), 0);
    for (unsigned i = 0; i < KEY_COUNT; i++)
        assert_true(finds(store, keys[i]));
    assert_false(finds(store, 3));
    store_close(store);
    store = open_at(&place);
    assert_null(store_problem(store));
    for (unsigned i = 0; i < KEY_COUNT; i++)
        assert_true(finds(store, keys[i]));
    assert_false(finds(store, 3));
    store_get_figures(store, &figures);
    assert_int_equal(figures.entries, KEY_COUNT);
    store_close(store);
    remove_place(&place);
}

static void records_of_one_key_are_told_apart(void **state)
{
    struct place place = make_place();
    struct store *store = open_at(&place);
    char data[8];
    bool more;

    store_add(store, 9, "first", 5);
    store_add(store, 9, "first", 5); /* is there already */
    assert_int_equal(store_save(store), 0);
    store_add(store, 9, "second", 6);
    unsigned seen = 0;
    for (unsigned n = 0; n < 2; n++) {
        size_t size = store_find(store, 9, n, data, sizeof(data), &more);
        assert_true(more);
        seen |= size == 5 && !memcmp(data, "first", 5) ? 1 : 0;
        seen |= size == 6 && !memcmp(data, "second", 6) ? 2 : 0;
    }
    assert_int_equal(seen, 3);
    assert_int_equal(store_find(store, 9, 2, data, sizeof(data), &more), 0);
    assert_false(more);
    assert_int_equal(store_find(store, 9, 0, data, 2, &more), 0); /* no room for it */
    assert_true(more);
    store_close(store);
    remove_place(&place);
}

static void what_two_processes_add_is_kept(void **state)
{
    struct place place = make_place();
    struct store *a = open_at(&place), *b = open_at(&place);

    add(a, 1);
    add(a, 2);
    add(b, 2);
    add(b, 3);
    assert_int_equal(store_save(a), 0);
    assert_int_equal(store_save(b), 0);
    assert_true(finds(b, 1) && finds(a, 2) && !finds(a, 3));
    store_close(a);
    store_close(b);
    a = open_at(&place);
    assert_true(finds(a, 1) && finds(a, 2) && finds(a, 3));
    store_close(a);
    remove_place(&place);
}

static void what_is_new_is_written_without_being_asked(void **state)
{
    struct place place = make_place();
    struct store *store = open_at(&place);
    struct timespec pause = {.tv_nsec = 100000000};
    struct store_figures figures = {0};
    uint8_t data[1024] = {0};

    for (unsigned i = 0; i < 200; i++) {
        data[0] = (uint8_t)i;
        store_add(store, i, data, sizeof(data));
    }
    for (unsigned tries = 0; tries < 200 && !figures.saves; tries++) {
        nanosleep(&pause, NULL);
        store_get_figures(store, &figures);
    }
    assert_int_equal(figures.saves, 1);
    assert_int_equal(figures.entries, 200);
    store_close(store);
    remove_place(&place);
}

/* --- files that are not to be believed --------------------------------------------------------*/

static size_t slurp(const char *path, uint8_t *data, size_t room)
{
    FILE *file = fopen(path, "re");
    size_t size;

    assert_non_null(file);
    size = fread(data, 1, room, file);
    fclose(file);
    return size;
}

static void spill(const char *path, const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

/* Whatever is found is what was once written. */
static unsigned count_found(const struct place *place)
{
    struct store *store = open_at(place);
    uint8_t data[128], want[128];
    unsigned found = 0;
    bool more;

    for (unsigned i = 0; i < KEY_COUNT; i++) {
        size_t size = store_find(store, keys[i], 0, data, sizeof(data), &more);
        if (!size)
            continue;
        assert_int_equal(size, make_record(keys[i], want));
        assert_memory_equal(data, want, size);
        found++;
    }
    store_close(store);
    return found;
}

static void no_bit_can_be_changed(void **state)
{
    struct place place = make_place();
    uint8_t file[4096];
    size_t size;

    write_file(&place);
    size = slurp(place.file, file, sizeof(file));
    assert_int_equal(count_found(&place), KEY_COUNT);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        spill(place.file, file, size);
        unsigned found = count_found(&place);
        assert_true(found == 0 || found >= KEY_COUNT - 1);
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    remove_place(&place);
}

static void shortened_files_hold_nothing(void **state)
{
    struct place place = make_place();
    uint8_t file[4096];
    size_t size;

    write_file(&place);
    size = slurp(place.file, file, sizeof(file));
    for (size_t n = 0; n < size; n++) {
        spill(place.file, file, n);
        assert_int_equal(count_found(&place), 0);
    }
    file[size] = 0;
    spill(place.file, file, size + 1);
    assert_int_equal(count_found(&place), 0);
    remove_place(&place);
}

/* While it is open, too: another process may do anything to it. */
static void a_file_that_shrinks_while_it_is_read_does_no_harm(void **state)
{
    struct place place = make_place();
    struct store *store;
    struct store_figures figures;

    write_file(&place);
    store = open_at(&place);
    assert_int_equal(truncate(place.file, 300), 0);
    unsigned found = 0;
    for (unsigned i = 0; i < KEY_COUNT; i++)
        found += finds(store, keys[i]);
    assert_true(found < KEY_COUNT);
    store_get_figures(store, &figures);
    assert_int_equal(figures.damaged, KEY_COUNT - found);
    for (unsigned i = 0; i < KEY_COUNT; i++)
        add(store, keys[i]);
    assert_int_equal(store_save(store), 0); /* what was damaged is left out */
    for (unsigned i = 0; i < KEY_COUNT; i++)
        assert_true(finds(store, keys[i]));
    store_close(store);
    remove_place(&place);
}

static void bad_files_are_replaced(void **state)
{
    struct place place = make_place();
    struct store *store;
    struct store_config config;

    spill(place.file, (const uint8_t *)"nonsense", 8);
    store = open_at(&place);
    assert_non_null(store_problem(store));
    add(store, 5);
    assert_int_equal(store_save(store), 0);
    store_close(store);
    store = open_at(&place);
    assert_null(store_problem(store));
    assert_true(finds(store, 5));
    store_close(store);

    config = config_for(place.directory); /* the same name, but made for something else */
    config.key[1]++;
    assert_int_equal(store_open(&config, &store, NULL), 0);
    assert_non_null(store_problem(store));
    assert_false(finds(store, 5));
    add(store, 6);
    assert_int_equal(store_save(store), 0);
    store_close(store);
    assert_int_equal(store_open(&config, &store, NULL), 0);
    assert_true(finds(store, 6) && !finds(store, 5));
    store_close(store);
    remove_place(&place);
}

static void what_others_can_write_to_is_refused(void **state)
{
    struct place place = make_place();
    struct store_config config = config_for(place.directory);
    struct store *store;
    struct error err;
    char link[80], below[96];

    chmod(place.directory, 0777);
    assert_true(store_open(&config, &store, &err) < 0);
    assert_non_null(strstr(err.text, "belongs to you"));
    chmod(place.directory, 0700);
    snprintf(link, sizeof(link), "%s-link", place.directory);
    assert_int_equal(symlink(place.directory, link), 0);
    config.directory = link;
    assert_true(store_open(&config, &store, &err) < 0);
    unlink(link);

    write_file(&place);
    chmod(place.file, 0644);
    assert_int_equal(count_found(&place), 0);
    chmod(place.file, 0600);
    assert_int_equal(count_found(&place), KEY_COUNT);
    snprintf(below, sizeof(below), "%s/other", place.directory);
    assert_int_equal(rename(place.file, below), 0);
    assert_int_equal(symlink(below, place.file), 0);
    assert_int_equal(count_found(&place), 0);
    unlink(place.file);
    assert_int_equal(mkfifo(place.file, 0600), 0); /* must not wait for a writer */
    assert_int_equal(count_found(&place), 0);
    remove_place(&place);
}

static void directories_are_made_for_the_user_alone(void **state)
{
    struct place place = make_place();
    char path[128];
    struct stat st;
    struct store_config config = config_for(path);
    struct store *store;

    snprintf(path, sizeof(path), "%s/a/b", place.directory);
    assert_int_equal(store_open(&config, &store, NULL), 0);
    add(store, 1);
    assert_int_equal(store_save(store), 0);
    store_close(store);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    snprintf(path, sizeof(path), "%s/a/b/" FILE_NAME, place.directory);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    remove_place(&place);
}

/* --- how much is kept -------------------------------------------------------------------------*/

static void what_was_not_used_for_longest_goes(void **state)
{
    struct place place = make_place();
    struct store_config config = config_for(place.directory);
    struct store_figures figures;
    struct store *store;
    uint8_t data[1000] = {0};

    config.limit = 64 << 10;
    for (unsigned run = 0; run < 20; run++) {
        assert_int_equal(store_open(&config, &store, NULL), 0);
        bool more;
        if (run) /* used in every run */
            assert_int_equal(store_find(store, 1, 0, data, sizeof(data), &more), sizeof(data));
        for (unsigned i = 0; i < 10; i++)
            store_add(store, 1 + run * 10 + i, data, sizeof(data));
        assert_int_equal(store_save(store), 0);
        store_get_figures(store, &figures);
        assert_true(figures.bytes <= config.limit);
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(store_find(store, 1 + run * 10 + i, 0, data, sizeof(data), &more),
                             sizeof(data));
        store_close(store);
    }
    remove_place(&place);
}

static void the_directory_is_bounded(void **state)
{
    struct place place = make_place();
    struct store_config config = config_for(place.directory);
    struct store *store;
    uint8_t data[1000] = {0};
    struct stat st;
    char path[128];

    config.total = 40 << 10;
    snprintf(path, sizeof(path), "%s/code-1.99.new", place.directory);
    spill(path, data, 100);
    struct timespec old[2] = {{.tv_sec = time(NULL) - 86400}, {.tv_sec = time(NULL) - 86400}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    for (unsigned file = 0; file < 6; file++) {
        char name[128];
        config.key[0] = file;
        assert_int_equal(store_open(&config, &store, NULL), 0);
        for (unsigned i = 0; i < 10; i++)
            store_add(store, i, data, sizeof(data));
        assert_int_equal(store_save(store), 0);
        store_close(store);
        snprintf(name, sizeof(name), "%s/code-%016x", place.directory, file);
        old[0].tv_sec = old[1].tv_sec = time(NULL) - 3000 + file;
        assert_int_equal(utimensat(AT_FDCWD, name, old, 0), 0);
    }
    assert_true(stat(path, &st)); /* what a killed process left */
    for (unsigned file = 0; file < 6; file++) {
        snprintf(path, sizeof(path), "%s/code-%016x", place.directory, file);
        assert_int_equal(!stat(path, &st), file >= 3);
    }
    remove_place(&place);
}

/* --- kill -9 ----------------------------------------------------------------------------------*/

static void write_forever(const struct place *place)
{
    for (uint64_t round = 0;; round++) {
        struct store *store = open_at(place);
        for (unsigned i = 0; i < KEY_COUNT; i++)
            add(store, keys[i]);
        for (unsigned i = 0; i < 500; i++)
            add(store, 1000 + (round * 500 + i) % 20000);
        (void)store_save(store);
        store_close(store);
    }
}

static void a_killed_writer_leaves_a_whole_file(void **state)
{
    struct place place = make_place();

    write_file(&place);
    for (unsigned round = 0; round < 30; round++) {
        struct timespec pause = {.tv_nsec = 1000000 + round * 700000};
        pid_t child = fork();
        if (!child) {
            write_forever(&place);
            _exit(0);
        }
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_int_equal(count_found(&place), KEY_COUNT);
    }
    remove_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_found_again),
        cmocka_unit_test(records_of_one_key_are_told_apart),
        cmocka_unit_test(what_two_processes_add_is_kept),
        cmocka_unit_test(what_is_new_is_written_without_being_asked),
        cmocka_unit_test(no_bit_can_be_changed),
        cmocka_unit_test(shortened_files_hold_nothing),
        cmocka_unit_test(a_file_that_shrinks_while_it_is_read_does_no_harm),
        cmocka_unit_test(bad_files_are_replaced),
        cmocka_unit_test(what_others_can_write_to_is_refused),
        cmocka_unit_test(directories_are_made_for_the_user_alone),
        cmocka_unit_test(what_was_not_used_for_longest_goes),
        cmocka_unit_test(the_directory_is_bounded),
        cmocka_unit_test(a_killed_writer_leaves_a_whole_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
