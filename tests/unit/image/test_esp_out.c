/* SPDX-License-Identifier: Apache-2.0 */
/* Disks that are made with an EFI system partition: our readers find nothing wrong with them. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "base/error.h"
#include "image/esp_out.h"
#include "image/inspect.h"
#include "image/source.h"

static char path[40];
static struct error err;

static int fresh(void **state)
{
    snprintf(path, sizeof(path), "esp_out-%d.img", (int)getpid());
    unlink(path);
    memset(&err, 0, sizeof(err));
    return 0;
}

static int gone(void **state)
{
    unlink(path);
    return 0;
}

static struct blk *open_disk(void)
{
    struct blk_config config = {.path = path, .readonly = true, .format = "raw"};
    struct blk *blk;

    assert_int_equal(blk_open(&config, &blk, &err), 0);
    return blk;
}

static void read_back(struct fat *fat, const struct esp_file *file)
{
    struct fat_entry entry;
    uint8_t *data = malloc(file->size + 1);

    assert_non_null(data);
    assert_int_equal(fat_lookup(fat, file->path, &entry), 0);
    assert_int_equal(entry.size, file->size);
    assert_int_equal(fat_read(fat, &entry, 0, data, file->size), 0);
    assert_memory_equal(data, file->data, file->size);
    free(data);
}

static void files_are_read_back(void **state)
{
    static uint8_t big[100001], small[] = "text";
    const struct esp_file files[] = {
        {"/EFI/BOOT/DATA.BIN", big, sizeof(big)},
        {"/EFI/BOOT/A.TXT", small, 4},
        {"/EFI/OTHER/X/Y.BIN", big, 512},
        {"/EMPTY", small, 0},
        {"/README.TXT", small, 3},
    };
    struct image_source source;
    struct inspect inspect;
    struct fat fat;
    struct blk *blk;

    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 31 >> 3);
    assert_int_equal(esp_write(path, files, 5, &err), 0);
    blk = open_disk();
    source = source_blk(blk);
    assert_int_equal(inspect_disk(&source, &inspect, &err), 0);
    assert_false(inspect_bad(&inspect));
    assert_int_equal(inspect.table, TABLE_GPT);
    assert_int_equal(inspect.partitions, 1);
    assert_true(inspect.partition[0].esp);
    assert_int_equal(inspect.gpt.findings.count, 0);
    source = gpt_source(&source, &inspect.gpt, &inspect.gpt.partition[0]);
    assert_int_equal(fat_open(&source, &fat, &err), 0);
    assert_int_equal(fat.bits, 32);
    assert_int_equal(fat_check(&fat), 0);
    assert_int_equal(fat.findings.count, 0);
    for (unsigned i = 0; i < 5; i++)
        read_back(&fat, &files[i]);
    inspect_free(&inspect);
    blk_close(blk);
}

static void the_file_is_small(void **state)
{
    const struct esp_file file = {"/EFI/BOOT/BOOTAA64.EFI", "MZ", 2};
    struct stat st;

    assert_int_equal(esp_write(path, &file, 1, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 40 << 20);
    assert_true(st.st_blocks * 512 < 1 << 20);
}

static void names_that_do_not_fit_are_refused(void **state)
{
    static const char *const names[] = {"/lower", "/TOOLONGNAME", "/A.LONG",
                                        "/A.B.C", "/.X",          "/A//B"};

    for (unsigned i = 0; i < 6; i++) {
        struct esp_file file = {names[i], "x", 1};
        assert_int_equal(esp_write(path, &file, 1, &err), -EINVAL);
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    size_t size = 34 << 20;
    void *data = calloc(1, size);
    struct esp_file file = {"/BIG", data, size};

    assert_non_null(data);
    assert_int_equal(esp_write(path, &file, 1, &err), -ENOSPC);
    assert_int_equal(access(path, F_OK), -1);
    free(data);
}

static void a_directory_needs_room_too(void **state)
{
    size_t size = 66511 * 512; /* every cluster but the root directory's */
    void *data = calloc(1, size);
    struct esp_file files[] = {{"/BIG", data, size}, {"/D/F", "x", 1}};

    assert_non_null(data);
    assert_int_equal(esp_write(path, files, 1, &err), 0);
    unlink(path);
    assert_int_equal(esp_write(path, files, 2, &err), -ENOSPC);
    free(data);
}

static void an_existing_file_stays(void **state)
{
    struct esp_file file = {"/A", "x", 1};
    FILE *old = fopen(path, "w");

    assert_non_null(old);
    fclose(old);
    assert_int_equal(esp_write(path, &file, 1, &err), -EEXIST);
    assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_read_back, fresh, gone),
        cmocka_unit_test_setup_teardown(the_file_is_small, fresh, gone),
        cmocka_unit_test_setup_teardown(names_that_do_not_fit_are_refused, fresh, gone),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, fresh, gone),
        cmocka_unit_test_setup_teardown(a_directory_needs_room_too, fresh, gone),
        cmocka_unit_test_setup_teardown(an_existing_file_stays, fresh, gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
