/* SPDX-License-Identifier: Apache-2.0 */
/* Names from disks become text that is safe to print. GUIDs as text. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "image/guid.h"
#include "image/text.h"

static void utf16_becomes_utf8(void **state)
{
    static const uint8_t units[] = {'r',  0,    0xf6, 0, 0xac, 0x20, 0x3d,
                                    0xd8, 0x00, 0xde, 0, 0,    'x',  0};
    char out[32];

    text_utf16(units, sizeof(units) / 2, out, sizeof(out));
    assert_string_equal(out, "r\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void half_surrogates_and_control_characters_become_question_marks(void **state)
{
    static const uint8_t units[] = {0x3d, 0xd8, 'a', 0, 0x00, 0xde, 0x1b, 0, 0x2e, 0x20, 0x9b, 0};
    char out[32];

    text_utf16(units, sizeof(units) / 2, out, sizeof(out));
    assert_string_equal(out, "?a????");
}

static void what_is_no_utf8_becomes_question_marks(void **state)
{
    /* Overlong slash, lone continuation, cut-off sequence, escape, surrogate. */
    static const uint8_t bytes[] = "a\xc0\xaf\x80\xe2\x82\x1b\xed\xa0\x80z";
    char out[32];

    text_utf8(bytes, sizeof(bytes) - 1, out, sizeof(out));
    assert_string_equal(out, "a???\?\?\?\?z");
}

static void text_is_cut_between_characters(void **state)
{
    char out[5];

    text_utf8((const uint8_t *)"abc\xe2\x82\xac", 6, out, sizeof(out));
    assert_string_equal(out, "abc");
}

static void padding_is_taken_away(void **state)
{
    char out[12];

    text_padded((const uint8_t *)"NO NAME    ", 11, out, sizeof(out));
    assert_string_equal(out, "NO NAME");
    text_padded((const uint8_t *)"           ", 11, out, sizeof(out));
    assert_string_equal(out, "");
}

static void guids_have_their_first_fields_swapped(void **state)
{
    static const uint8_t esp[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                    0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
    struct guid guid;
    char text[GUID_TEXT];

    assert_int_equal(guid_parse("c12a7328-F81F-11d2-ba4b-00a0c93ec93b", &guid), 0);
    assert_memory_equal(guid.byte, esp, 16);
    guid_format(&guid, text);
    assert_string_equal(text, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
}

static void only_whole_guids_are_parsed(void **state)
{
    static const char *const bad[] = {"",
                                      "C12A7328",
                                      "C12A7328-F81F-11D2-BA4B-00A0C93EC93",
                                      "C12A7328-F81F-11D2-BA4B-00A0C93EC93B0",
                                      "C12A7328xF81F-11D2-BA4B-00A0C93EC93B",
                                      "G12A7328-F81F-11D2-BA4B-00A0C93EC93B"};
    struct guid guid;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(guid_parse(bad[i], &guid), -EINVAL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf16_becomes_utf8),
        cmocka_unit_test(half_surrogates_and_control_characters_become_question_marks),
        cmocka_unit_test(what_is_no_utf8_becomes_question_marks),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(padding_is_taken_away),
        cmocka_unit_test(guids_have_their_first_fields_swapped),
        cmocka_unit_test(only_whole_guids_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
