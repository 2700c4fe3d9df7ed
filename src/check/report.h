/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check found, as data, and the forms in which it is handed out. A report has a subject (an
 * image, a machine, a guest), a profile, facts, results and, if wanted, matrices of variations.
 *
 * Filling it cannot fail: when memory runs out the report remembers that, and report_write() says
 * so. All text is copied and made safe to print. One thread at a time.
 */
#ifndef ARMVM_CHECK_REPORT_H
#define ARMVM_CHECK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "check/requirement.h"

struct error;
struct report;

enum check_outcome {
    CHECK_PASS,
    CHECK_FAIL,
    CHECK_WARN, /* what fails is recommended only; report_add() makes this of CHECK_FAIL */
    CHECK_SKIP, /* not looked at, and the reason is known */
    CHECK_OUTCOMES,
};

struct check_finding {
    char *id;   /* stable, for programs: "gpt-header-crc"; may be NULL */
    char *text; /* what was found */
    char *fix;  /* how to mend it, the requirement's own by default; never NULL, empty for notes */
    bool note;  /* unusual, but allowed */
};

struct check_result {
    const struct requirement *requirement;
    enum check_level level; /* in the report's profile */
    enum check_outcome outcome;
    char *title;       /* what exactly was looked at; the requirement's by default */
    char *found;       /* PASS: what was seen; SKIP: the reason; may be NULL */
    unsigned findings; /* FAIL, WARN: what is wrong. PASS: unusual, but allowed */
    struct check_finding *finding;
    double seconds; /* below 0: not measured */
};

struct check_fact {
    char *name, *value; /* "kernel", "6.1.0-28-arm64" */
};

struct check_cell {
    bool set; /* false: this combination does not exist or was not tried */
    enum check_outcome outcome;
    double seconds; /* below 0: not measured */
    char *note;     /* may be NULL */
};

struct check_matrix {
    char *title;
    unsigned rows, columns;
    char **row, **column;    /* their names */
    struct check_cell *cell; /* rows * columns, row by row */
};

/* kind: "image", "vm", "guest"; subject: a path or a name. */
struct report *report_new(const char *kind, const char *subject, enum check_profile profile);
void report_free(struct report *report);

void report_fact(struct report *report, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A result for the requirement of this id (or alias), sorted by requirement, then as they come;
 * there may be several for one. title NULL: the requirement's. An id that is not in the table
 * becomes one of a group "Other" with level "recommended". Never NULL; stays valid until
 * report_free(). */
struct check_result *report_add(struct report *report, const char *id, enum check_outcome outcome,
                                const char *title);
/* The same as PASS, SKIP with text for `found`. */
struct check_result *report_pass(struct report *report, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct check_result *report_skip(struct report *report, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The first of that id; NULL: none yet. */
struct check_result *report_result(const struct report *report, const char *id);

/* Replaces `found`. */
void result_found(struct report *report, struct check_result *result, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Something wrong: makes the result FAIL (or WARN, by its level). id and fix may be NULL. */
void result_fail(struct report *report, struct check_result *result, const char *id,
                 const char *fix, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Something unusual that is allowed: the outcome stays. */
void result_note(struct report *report, struct check_result *result, const char *id,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Takes one line of TAP (version 12 to 14) as a probe prints it:
 *   ok 3 - P4 interrupts arrive # SKIP reason      not ok 4 - H2 ...      # found: TEXT   # fix:
 * TEXT The first word behind the number is the requirement's id. "# found:" and "# fix:" belong to
 * the result before. 1: became a result; 0: part of one, or nothing to report (plan, comment);
 * -EINVAL: no TAP. */
int report_tap_line(struct report *report, const char *line);

/* All cells unset. Never NULL, but for one whose rows * columns are 0 or above 65536. */
struct check_matrix *report_matrix(struct report *report, const char *title, unsigned rows,
                                   const char *const *row, unsigned columns,
                                   const char *const *column);
/* Ignored outside of the matrix. note may be NULL. */
void matrix_set(struct report *report, struct check_matrix *matrix, unsigned row, unsigned column,
                enum check_outcome outcome, double seconds, const char *note);

/* --- reading a report, for the writers and for tests ------------------------------------------ */

const char *report_kind(const struct report *report);
const char *report_subject(const struct report *report);
enum check_profile report_profile(const struct report *report);
size_t report_facts(const struct report *report, const struct check_fact **facts);
/* Results of requirements that the profile does not have are left out. */
const struct check_result *report_at(const struct report *report, size_t index);
const struct check_matrix *report_matrix_at(const struct report *report, size_t index);

struct check_counts {
    unsigned results, outcome[CHECK_OUTCOMES];
    unsigned musts_failed, musts_skipped;
};
struct check_counts report_counts(const struct report *report);
/* The exit status: 0, or 1 when a must failed. */
int report_status(const struct report *report);
/* "PASS", "FAIL", "WARN", "SKIP" */
const char *check_outcome_name(enum check_outcome outcome);

/* --- handing it out --------------------------------------------------------------------------- */

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_JUNIT, REPORT_TAP, REPORT_HTML };
/* "text", "json", "junit", "tap", "html"; NULL ends the list, whose index is the format. */
const char *const *report_format_names(void);

/* colour: only text has any. -ENOMEM: the report is not complete; -EIO: out could not be written.
 */
int report_write(const struct report *report, enum report_format format, bool colour, FILE *out,
                 struct error *err);
/* To a file, replaced when all is written, without colour; NULL or "-": standard output, with
 * colour on a terminal (unless NO_COLOR is set). */
int report_save(const struct report *report, enum report_format format, const char *path,
                struct error *err);

#endif
