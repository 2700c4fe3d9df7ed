/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vm/expect.h"

static bool feed(struct expect *expect, const char *text)
{
    return expect_feed(expect, (const uint8_t *)text, strlen(text));
}

/* chunks are separated by '|'. */
static const struct {
    const char *regex, *chunks;
    bool fed, idle; /* matched after the chunks; then after a pause */
} cases[] = {
    {"login:", "Debian login: ", true, true},
    {"login:", "Debian lo|gin: ", true, true},
    {"login:", "l|o|g|i|n|:", true, true},
    {"login:", "log\nin:", false, false},
    {"^login", "a login", false, false},
    {"^login", "first\nlogin", true, true},
    {"ok$", "ok", false, true},
    {"ok$", "ok|ay", false, false},
    {"ok$", "ok\n", true, true},
    {"ok$", "ok\r\n", true, true},
    {"# $", "/ # ", false, true},
    {"a+b|c{2}", "xccx", true, true},
    {"green", "\033[32mgr\033[0meen", true, true},
    {"^green$", "\033]0;title\007green\n", true, true},
    {"^x$", "\033(Bx\n", true, true},
    {"abc", "a\033[12|;5Hbc", true, true},
    {"abc", "ab\033[\nabc", true, true}, /* a broken sequence ends with the line */
    {"^abc$", "ax\bbc\n", true, true},
    {"^$", "", false, false},
    {"^$", "x\n\n", true, true},
    {"one", "two\nthree\n", false, false},
};

static void output_matches_as_it_looks(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct expect *expect;
        char copy[100];
        bool fed = false;

        assert_int_equal(expect_create(&expect, cases[i].regex, NULL), 0);
        strcpy(copy, cases[i].chunks);
        for (char *chunk = strtok(copy, "|"); chunk; chunk = strtok(NULL, "|"))
            fed = feed(expect, chunk);
        if (fed != cases[i].fed || expect_idle(expect) != cases[i].idle)
            fail_msg("'%s' in '%s'", cases[i].regex, cases[i].chunks);
        expect_destroy(expect);
    }
}

static void nul_bytes_are_left_out(void **state)
{
    struct expect *expect;

    expect_create(&expect, "^abc$", NULL);
    assert_true(expect_feed(expect, (const uint8_t *)"a\0b\0\0c\n", 7));
    expect_destroy(expect);
}

static void endless_line_keeps_only_its_end(void **state)
{
    struct expect *expect, *anchored;
    char *text = malloc(1 << 20);

    memset(text, 'x', 1 << 20);
    expect_create(&expect, "xxend", NULL);
    expect_create(&anchored, "^x*end", NULL);
    assert_false(expect_feed(expect, (uint8_t *)text, 1 << 20));
    assert_false(expect_feed(anchored, (uint8_t *)text, 1 << 20));
    assert_true(feed(expect, "end"));
    assert_false(feed(anchored, "end")); /* its beginning is not there any more */
    expect_destroy(expect);
    expect_destroy(anchored);
    free(text);
}

static void match_across_the_cut_of_a_long_line_is_found(void **state)
{
    for (unsigned before = 4090; before < 4100; before++) {
        struct expect *expect;
        char text[4200];
        memset(text, '.', sizeof(text));
        memcpy(text + before, "needle", 6);
        expect_create(&expect, "needle", NULL);
        /* Byte by byte and at once. */
        for (unsigned i = 0; i < before + 6; i++)
            expect_feed(expect, (uint8_t *)text + i, 1);
        assert_true(expect_idle(expect));
        expect_destroy(expect);
        expect_create(&expect, "needle", NULL);
        assert_true(expect_feed(expect, (uint8_t *)text, sizeof(text)));
        expect_destroy(expect);
    }
}

static void last_line_is_printable(void **state)
{
    struct expect *expect;

    expect_create(&expect, "never", NULL);
    feed(expect, "Kernel\tpanic \x01!\r\n  \n");
    assert_string_equal(expect_line(expect), "Kernel panic  !");
    expect_destroy(expect);
}

static void bad_expression_is_refused_with_the_reason(void **state)
{
    static const char *const bad[] = {"(", "[a", "a{2,1}", "*a**(", ""};
    struct expect *expect;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct error err = {0};
        assert_int_equal(expect_create(&expect, bad[i], &err), -EINVAL);
        assert_non_null(strstr(err.text, "--expect"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_matches_as_it_looks),
        cmocka_unit_test(nul_bytes_are_left_out),
        cmocka_unit_test(endless_line_keeps_only_its_end),
        cmocka_unit_test(match_across_the_cut_of_a_long_line_is_found),
        cmocka_unit_test(last_line_is_printable),
        cmocka_unit_test(bad_expression_is_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
