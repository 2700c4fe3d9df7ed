/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "host/codemem.h"

static void both_views_show_the_same_bytes(void **state)
{
    struct codemem code;

    assert_int_equal(codemem_create(&code, 100000, NULL), 0);
    assert_true(code.size >= 100000 && code.size % 4096 == 0);
    code.rw[70000] = 0x5a;
    assert_int_equal(code.rx[70000], 0x5a);
    codemem_destroy(&code);
    assert_null(code.rw);
}

static void released_memory_reads_as_zero(void **state)
{
    struct codemem code;

    assert_int_equal(codemem_create(&code, 1 << 20, NULL), 0);
    memset(code.rw, 0xff, code.size);
    codemem_release(&code, 0);
    assert_int_equal(code.rx[0], 0);
    assert_int_equal(code.rx[code.size - 1], 0);
    code.rw[5] = 9;
    assert_int_equal(code.rx[5], 9);
    codemem_destroy(&code);
}

static void what_stands_before_released_memory_stays(void **state)
{
    struct codemem code;

    assert_int_equal(codemem_create(&code, 1 << 20, NULL), 0);
    memset(code.rw, 0xff, code.size);
    codemem_release(&code, 5000);
    assert_int_equal(code.rx[4999], 0xff);
    assert_int_equal(code.rx[5000], 0);
    assert_int_equal(code.rx[8192], 0);
    assert_int_equal(code.rx[code.size - 1], 0);
    codemem_release(&code, code.size); /* nothing is left to release */
    assert_int_equal(code.rx[0], 0xff);
    codemem_destroy(&code);
}

static void no_page_is_writable_and_executable(void **state)
{
    struct codemem code;
    char line[512], bits[8];
    FILE *maps;
    int seen = 0;

    assert_int_equal(codemem_create(&code, 4096, NULL), 0);
    maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), maps)) {
        if (!strstr(line, "armvm-code") || sscanf(line, "%*s %7s", bits) != 1)
            continue;
        seen++;
        assert_false(strchr(bits, 'w') && strchr(bits, 'x'));
    }
    fclose(maps);
    assert_int_equal(seen, 2);
    codemem_destroy(&code);
}

#if defined(__x86_64__)
static void code_written_through_one_view_runs_through_the_other(void **state)
{
    static const uint8_t return_42[] = {0xb8, 42, 0, 0, 0, 0xc3};
    struct codemem code;
    int (*fn)(void);

    assert_int_equal(codemem_create(&code, 4096, NULL), 0);
    memcpy(code.rw, return_42, sizeof(return_42));
    memcpy(&fn, &(void *){code.rx}, sizeof(fn));
    assert_int_equal(fn(), 42);
    codemem_destroy(&code);
}
#endif

static void impossible_size_is_refused(void **state)
{
    struct codemem code;
    struct error err = {0};

    assert_true(codemem_create(&code, SIZE_MAX / 4, &err) < 0);
    assert_true(err.text[0]);
    assert_true(codemem_create(&code, 0, &err) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_views_show_the_same_bytes),
        cmocka_unit_test(released_memory_reads_as_zero),
        cmocka_unit_test(what_stands_before_released_memory_stays),
        cmocka_unit_test(no_page_is_writable_and_executable),
#if defined(__x86_64__)
        cmocka_unit_test(code_written_through_one_view_runs_through_the_other),
#endif
        cmocka_unit_test(impossible_size_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
