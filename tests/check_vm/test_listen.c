/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of a machine's output: the probe's lines count once, all else is left out. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/report.h"
#include "check/vm/listen.h"

static struct report *report;
static struct listen listen;

static int open_report(void **state)
{
    report = report_new("vm", "test", PROFILE_V2_0);
    listen_init(&listen, report);
    return 0;
}

static int close_report(void **state)
{
    report_free(report);
    return 0;
}

/* The last event of a text. */
static enum listen_event feed(const char *text)
{
    enum listen_event last = LISTEN_NOTHING, event;

    for (; *text; text++)
        if ((event = listen_feed(&listen, (unsigned char)*text)))
            last = event;
    return last;
}

static unsigned results(void)
{
    return report_counts(report).results;
}

static void firmware_and_control_sequences_are_left_out(void **state)
{
    assert_int_equal(feed("UEFI firmware\r\n\x1b[2J\x1b[01;01H# armvm probe, boot 1 of 4\r\n"),
                     LISTEN_BOOT);
    assert_int_equal(listen.boot, 1);
    feed("BdsDxe: ok 1 - F1 is no result\r\n\x1b[01;33mok 1 - F1 a test\x1b[0m\r\n");
    feed("ok F1 progress on the firmware's console\r\n");
    assert_int_equal(results(), 1);
    assert_string_equal(report_result(report, "F1")->title, "a test");
}

static void nothing_counts_before_the_probe_starts(void **state)
{
    feed("ok 1 - F1 a test\n# found: something\nBail out! no\n# please type: x\n");
    assert_int_equal(results(), 0);
    assert_int_equal(feed("Bail out! no\n"), LISTEN_NOTHING);
}

static void a_second_console_changes_nothing(void **state)
{
    feed("# armvm probe, boot 1 of 4\nok 1 - F1 one\n# found: a\nnot ok 2 - F3 two\n# found: b\n");
    feed("# armvm probe, boot 1 of 4\nok 1 - F1 one\n# found: a\nnot ok 2 - F3 two\n# found: b\n");
    feed("ok 3 - H1 three\n# found: c\n");
    assert_int_equal(results(), 3);
    assert_int_equal(report_result(report, "F3")->findings, 1);
    assert_string_equal(report_result(report, "H1")->found, "c");
}

static void boots_follow_announced_resets(void **state)
{
    assert_int_equal(feed("# armvm probe, boot 1 of 4\n"), LISTEN_BOOT);
    assert_int_equal(feed("# armvm probe, boot 1 of 4\n"), LISTEN_NOTHING);
    feed("ok 9 - F1 a\n# probe: reset by PSCI\n");
    assert_int_equal(feed("# armvm probe, boot 2 of 4\n"), LISTEN_BOOT);
    assert_int_equal(listen.boot, 2);
    feed("ok 2 - P7 b\n"); /* numbers may begin anew */
    assert_int_equal(results(), 2);
    feed("# probe: reset by ResetSystem\n");
    assert_int_equal(feed("# armvm probe, boot 1 of 4\n"), LISTEN_LOST);
}

static void a_first_boot_after_a_reset_means_lost_variables(void **state)
{
    feed("# armvm probe, boot 1 of 4\n# probe: reset by PSCI\n");
    assert_int_equal(feed("# armvm probe, boot 1 of 4\n"), LISTEN_LOST);
}

static void prompts_and_ends_are_events(void **state)
{
    feed("# armvm probe, boot 1 of 4\n");
    assert_int_equal(feed("# please type: armvm1234\r\n"), LISTEN_TYPE);
    assert_string_equal(listen.text, "armvm1234");
    assert_int_equal(feed("# please type: armvm1234\r\n"), LISTEN_NOTHING); /* another console */
    assert_int_equal(feed("# probe: power off; please start the machine again\n"),
                     LISTEN_POWER_OFF);
    assert_int_equal(feed("# the probe has come to its end; it switches\n"), LISTEN_END);
    assert_int_equal(feed("Bail out! exception 4\n"), LISTEN_BAIL);
    assert_string_equal(listen.text, "exception 4");
}

static void boots_that_there_are_not_are_ignored(void **state)
{
    assert_int_equal(feed("# armvm probe, boot 0 of 4\n# armvm probe, boot 5 of 4\n"),
                     LISTEN_NOTHING);
    assert_int_equal(feed("# armvm probe, boot x\n# armvm probe, boot -1\n"), LISTEN_NOTHING);
    assert_int_equal(listen.boot, 0);
}

static void anything_may_come(void **state)
{
    uint32_t seed = 1;

    feed("# armvm probe, boot 1 of 4\n");
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        listen_feed(&listen, (unsigned char)(seed >> 24));
        if (i % 50 == 0)
            feed("\nnot ok 99999999999999999999 - ");
    }
    for (unsigned i = 0; i < 5 * LISTEN_LINE; i++)
        listen_feed(&listen, 'a');
    assert_true(listen.len < LISTEN_LINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(firmware_and_control_sequences_are_left_out, open_report,
                                        close_report),
        cmocka_unit_test_setup_teardown(nothing_counts_before_the_probe_starts, open_report,
                                        close_report),
        cmocka_unit_test_setup_teardown(a_second_console_changes_nothing, open_report,
                                        close_report),
        cmocka_unit_test_setup_teardown(boots_follow_announced_resets, open_report, close_report),
        cmocka_unit_test_setup_teardown(a_first_boot_after_a_reset_means_lost_variables,
                                        open_report, close_report),
        cmocka_unit_test_setup_teardown(prompts_and_ends_are_events, open_report, close_report),
        cmocka_unit_test_setup_teardown(boots_that_there_are_not_are_ignored, open_report,
                                        close_report),
        cmocka_unit_test_setup_teardown(anything_may_come, open_report, close_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
