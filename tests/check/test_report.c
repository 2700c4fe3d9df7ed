/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as data: levels, order, TAP read back, text that is hostile to each form. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "check/report.h"

static struct report *new_report(enum check_profile profile)
{
    struct report *report = report_new("vm", "test", profile);

    assert_non_null(report);
    return report;
}

static char *written(const struct report *report, enum report_format format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(report_write(report, format, false, out, NULL), 0);
    fclose(out);
    return text;
}

static void has(const struct report *report, enum report_format format, const char *words)
{
    char *text = written(report, format);

    if (!strstr(text, words))
        fail_msg("no \"%s\" in:\n%s", words, text);
    free(text);
}

static void a_must_that_fails_decides_the_status(void **state)
{
    struct report *report = new_report(PROFILE_RFC_V2);

    report_pass(report, "I1", "good");
    assert_int_equal(report_status(report), 0);
    result_fail(report, report_add(report, "P4", CHECK_PASS, NULL), "gic", NULL, "no GIC");
    assert_int_equal(report_status(report), 1);
    assert_int_equal(report_counts(report).musts_failed, 1);
    report_free(report);
}

static void a_recommendation_that_fails_is_a_warning(void **state)
{
    struct report *report = new_report(PROFILE_RFC_V2);

    report_add(report, "I8", CHECK_FAIL, NULL);
    assert_int_equal(report_at(report, 0)->outcome, CHECK_WARN);
    assert_int_equal(report_status(report), 0);
    has(report, REPORT_TAP,
        "not ok 1 - I8 Firmware is not shipped in the image # TODO recommended");
    report_free(report);
}

static void the_profile_decides_what_is_asked(void **state)
{
    struct report *old = new_report(PROFILE_RFC_V2), *new = new_report(PROFILE_V1_0);

    report_add(old, "F7", CHECK_FAIL, NULL);
    report_add(new, "F7", CHECK_FAIL, NULL);
    assert_null(report_at(old, 0));
    assert_int_equal(report_status(old), 0);
    assert_int_equal(report_status(new), 1);
    report_free(old);
    report_free(new);
}

static void results_are_sorted_by_requirement(void **state)
{
    struct report *report = new_report(PROFILE_V2_0);
    static const char *const order[] = {"I1", "F1", "H4", "P4", "P4", "G1", "X9"};

    report_pass(report, "X9", "an unknown one");
    report_add(report, "P4", CHECK_PASS, "SGI");
    report_pass(report, "G1", "x");
    report_add(report, "P4", CHECK_PASS, "SPI");
    report_pass(report, "I1", "x");
    report_pass(report, "VMSPEC-EFI-ACPI", "by its other name");
    report_pass(report, "F1", "x");
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(report_at(report, i)->requirement->id, order[i]);
    assert_string_equal(report_at(report, 3)->title, "SGI");
    assert_null(report_at(report, 7));
    report_free(report);
}

static void tap_lines_become_results(void **state)
{
    struct report *report = new_report(PROFILE_V1_0);
    const struct check_result *result;

    assert_int_equal(report_tap_line(report, "TAP version 13\r\n"), 0);
    assert_int_equal(report_tap_line(report, "1..4"), 0);
    assert_int_equal(report_tap_line(report, "ok 1 - P4 SPI delivered\r\n"), 1);
    assert_int_equal(report_tap_line(report, "# found: 32 of 32"), 0);
    assert_int_equal(report_tap_line(report, "not ok 2 - H2 every device has a node"), 1);
    assert_int_equal(report_tap_line(report, "# found: rtc@9010000 answers nobody"), 0);
    assert_int_equal(report_tap_line(report, "# fix: remove it"), 0);
    assert_int_equal(report_tap_line(report, "ok 3 - P2: AArch32 # SKIP the CPU has none"), 1);
    assert_int_equal(report_tap_line(report, "not ok - F5"), 1);
    assert_int_equal(report_tap_line(report, "[    0.000000] Booting Linux"), -22);
    result = report_result(report, "P4");
    assert_string_equal(result->title, "SPI delivered");
    assert_string_equal(result->found, "32 of 32");
    result = report_result(report, "H2");
    assert_int_equal(result->outcome, CHECK_FAIL);
    assert_int_equal(result->findings, 1);
    assert_string_equal(result->finding[0].text, "rtc@9010000 answers nobody");
    assert_string_equal(result->finding[0].fix, "remove it");
    result = report_result(report, "P2");
    assert_int_equal(result->outcome, CHECK_SKIP);
    assert_string_equal(result->found, "the CPU has none");
    result = report_result(report, "F5");
    assert_int_equal(result->outcome, CHECK_WARN);
    assert_string_equal(result->title, result->requirement->title);
    report_free(report);
}

/* What TAP is written comes back as it was. */
static void tap_survives_a_round_trip(void **state)
{
    struct report *from = new_report(PROFILE_V1_0), *to = new_report(PROFILE_V1_0);
    char *text, *save = NULL;

    report_add(from, "P4", CHECK_PASS, "a # within \\ it");
    result_fail(from, report_add(from, "I1", CHECK_PASS, NULL), NULL, "mend it", "it is broken");
    report_skip(from, "H1", "not here");
    text = written(from, REPORT_TAP);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        assert_true(report_tap_line(to, line) >= 0);
    free(text);
    for (size_t i = 0; report_at(from, i); i++) {
        assert_string_equal(report_at(to, i)->title, report_at(from, i)->title);
        assert_int_equal(report_at(to, i)->outcome, report_at(from, i)->outcome);
    }
    assert_string_equal(report_result(to, "I1")->finding[0].fix, "mend it");
    report_free(from);
    report_free(to);
}

static void hostile_text_stays_text(void **state)
{
    struct report *report = new_report(PROFILE_V1_0);
    char *text;

    result_fail(report, report_add(report, "I1", CHECK_PASS, NULL), NULL, "<b>&",
                "\033[31m</failure>\"\\\x01\xff\n<script>");
    has(report, REPORT_JUNIT, "?[31m&lt;/failure&gt;&quot;\\?\?\?&lt;script&gt;");
    has(report, REPORT_HTML, "?[31m&lt;/failure&gt;&quot;\\?\?\?&lt;script&gt;");
    has(report, REPORT_TEXT, "?[31m</failure>\"\\?\?\?<script>");
    has(report, REPORT_TAP, "# found: ?[31m</failure>\"\\?\?\?<script>\n");
    text = written(report, REPORT_JSON);
    {
        struct json *json = json_parse(text, strlen(text), NULL);
        const struct json *first = json_first(json_get(json, "results"));
        assert_string_equal(json_string(json_get(json_first(json_get(first, "findings")), "text")),
                            "?[31m</failure>\"\\?\?\?<script>");
        json_free(json);
    }
    free(text);
    report_free(report);
}

static void a_matrix_is_in_every_form(void **state)
{
    static const char *const rows[] = {"pl011, PCI", "virtio, MMIO"}, *const columns[] = {"GICv2",
                                                                                          "GICv3"};
    struct report *report = new_report(PROFILE_V1_0);
    struct check_matrix *matrix = report_matrix(report, "Boots", 2, rows, 2, columns);

    matrix_set(report, matrix, 0, 0, CHECK_PASS, 1.25, NULL);
    matrix_set(report, matrix, 1, 0, CHECK_FAIL, 30, "no login");
    matrix_set(report, matrix, 1, 1, CHECK_SKIP, -1, "not built");
    matrix_set(report, matrix, 2, 0, CHECK_FAIL, 1, "outside");
    has(report, REPORT_TEXT, "PASS 1.2 s");
    has(report, REPORT_TEXT, "virtio, MMIO, GICv2: no login");
    has(report, REPORT_JSON, "\"row\": \"virtio, MMIO\"");
    has(report, REPORT_JUNIT, "tests=\"3\" failures=\"1\" skipped=\"1\"");
    has(report, REPORT_JUNIT, "name=\"virtio, MMIO, GICv2\" time=\"30.000\"><failure");
    has(report, REPORT_TAP, "1..3\n");
    has(report, REPORT_TAP, "not ok 2 - Boots: virtio, MMIO, GICv2\n# found: no login");
    has(report, REPORT_HTML, "<td class=\"FAIL\">FAIL 30.0 s<small>no login</small></td>");
    report_free(report);
}

static void every_requirement_says_all_that_reports_need(void **state)
{
    const struct requirement *requirement;
    size_t i = 0;

    for (; (requirement = requirement_at(i)); i++) {
        assert_true(*requirement->title && *requirement->clause && *requirement->fix);
        assert_ptr_equal(requirement_find(requirement->id), requirement);
        assert_string_not_equal(requirement_group(requirement), "Other");
        /* What was asked once was not given up later. */
        assert_true(requirement->level[PROFILE_V1_0] >= requirement->level[PROFILE_RFC_V2]);
        assert_true(requirement->level[PROFILE_V2_0] >= requirement->level[PROFILE_V1_0]);
    }
    assert_int_equal(i, 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_must_that_fails_decides_the_status),
        cmocka_unit_test(a_recommendation_that_fails_is_a_warning),
        cmocka_unit_test(the_profile_decides_what_is_asked),
        cmocka_unit_test(results_are_sorted_by_requirement),
        cmocka_unit_test(tap_lines_become_results),
        cmocka_unit_test(tap_survives_a_round_trip),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(a_matrix_is_in_every_form),
        cmocka_unit_test(every_requirement_says_all_that_reports_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
