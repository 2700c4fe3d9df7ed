/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as lines of the Test Anything Protocol. A test has a name that begins with the id of the
 * requirement and is the same on every machine; what was seen goes to lines "# found:" behind it.
 * One test at a time.
 */
#ifndef PROBE_TAP_H
#define PROBE_TAP_H

#include "base/base.h"

void test_begin(const char *name);
/* Something is wrong; the test goes on. The first few are told, the others counted. */
void test_bad(const char *format, ...) PRINTF(1);
void test_fix(const char *text); /* what to do about it; a constant */
/* Cannot be looked at here. */
void test_skip(const char *format, ...) PRINTF(1);
bool test_failed(void);
/* Prints it; what was seen when all is well. True if it is. */
bool test_end(const char *format, ...) PRINTF(1);

/* A test in one call. */
bool test(const char *name, bool good, const char *format, ...) PRINTF(3);
void skip(const char *name, const char *format, ...) PRINTF(2);

/* A line that is no result: "# ...". */
void note(const char *format, ...) PRINTF(1);
/* "1..N": no more results will come. */
void tap_plan(void);

/* The last result's number, over all boots of a run. */
u32 tap_number(void);
void tap_start(u32 number);

/* Every line is kept. log_open: here they go from now on, those of before first. */
void log_open(void (*write)(const char *text));
/* For a console that is found later. */
void log_replay(void (*write)(const char *text));
/* A progress line on the firmware's console meanwhile; NULL: there is none any more. */
void log_progress(void (*write)(const char *text));

#endif
