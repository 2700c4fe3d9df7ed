/* SPDX-License-Identifier: Apache-2.0 */
/* Results of several machines become one report. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "check/report.h"
#include "check/vm/fold.h"

static struct report *one(const char *const *lines)
{
    struct report *report = report_new("vm", "one", PROFILE_RFC_V2);

    for (; *lines; lines++)
        report_tap_line(report, *lines);
    return report;
}

static struct report *fold(const char *const *first, const char *const *second)
{
    struct report *all = report_new("vm", "all", PROFILE_RFC_V2), *a = one(first), *b = one(second);

    report_fold(all, a, "A");
    report_fold(all, b, "B");
    report_free(a);
    report_free(b);
    return all;
}

static void a_failure_anywhere_is_one_and_names_the_machine(void **state)
{
    static const char *const a[] = {"ok 1 - P4 an SGI", "# found: INTID 7", NULL};
    static const char *const b[] = {"not ok 1 - P4 an SGI", "# found: nothing came", "# fix: do it",
                                    NULL};
    struct report *all = fold(a, b);
    const struct check_result *result = report_result(all, "P4");

    assert_int_equal(report_counts(all).results, 1);
    assert_int_equal(result->outcome, CHECK_FAIL);
    assert_int_equal(result->findings, 1);
    assert_string_equal(result->finding[0].text, "B: nothing came");
    assert_string_equal(result->finding[0].fix, "do it");
    assert_int_equal(report_status(all), 1);
    report_free(all);
    all = fold(b, a);
    assert_int_equal(report_result(all, "P4")->outcome, CHECK_FAIL);
    assert_string_equal(report_result(all, "P4")->finding[0].text, "A: nothing came");
    report_free(all);
}

static void what_one_machine_cannot_show_another_may(void **state)
{
    static const char *const a[] = {"ok 1 - P1 network # SKIP none there", NULL};
    static const char *const b[] = {"ok 1 - P1 network", "# found: 1 card", NULL};
    struct report *all = fold(a, b);

    assert_int_equal(report_result(all, "P1")->outcome, CHECK_PASS);
    assert_string_equal(report_result(all, "P1")->found, "1 card");
    report_free(all);
    all = fold(b, a);
    assert_int_equal(report_result(all, "P1")->outcome, CHECK_PASS);
    report_free(all);
}

static void tests_of_one_requirement_stay_apart(void **state)
{
    static const char *const a[] = {"ok 1 - P4 an SGI", "ok 2 - P4 a PPI", NULL};
    static const char *const b[] = {"ok 1 - P4 a PPI", "ok 2 - P4 an SPI", NULL};
    struct report *all = fold(a, b);

    assert_int_equal(report_counts(all).results, 3);
    assert_int_equal(report_counts(all).outcome[CHECK_PASS], 3);
    report_free(all);
}

static void what_is_recommended_only_warns(void **state)
{
    static const char *const a[] = {"ok 1 - F5 variables last", NULL};
    static const char *const b[] = {"not ok 1 - F5 variables last", NULL};
    struct report *all = fold(a, b);

    assert_int_equal(report_result(all, "F5")->outcome, CHECK_WARN);
    assert_int_equal(report_status(all), 0);
    report_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_anywhere_is_one_and_names_the_machine),
        cmocka_unit_test(what_one_machine_cannot_show_another_may),
        cmocka_unit_test(tests_of_one_requirement_stay_apart),
        cmocka_unit_test(what_is_recommended_only_warns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
