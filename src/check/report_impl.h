/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by report.c and the writers. */
#ifndef ARMVM_CHECK_REPORT_IMPL_H
#define ARMVM_CHECK_REPORT_IMPL_H

#include "check/report.h"

struct report {
    char *kind, *subject;
    enum check_profile profile;
    bool incomplete; /* memory ran out */
    struct check_fact *fact;
    size_t facts;
    struct check_result **result; /* sorted by requirement */
    size_t results;
    struct check_matrix **matrix;
    size_t matrices;
    struct requirement **other; /* of ids that the table does not have; ours */
    size_t others;
    struct check_result *last; /* of report_tap_line() */
    struct check_result spare; /* what report_add() answers when memory ran out */
    struct requirement spare_requirement;
};

void report_write_text(const struct report *report, bool colour, FILE *out);
void report_write_json(const struct report *report, FILE *out);
void report_write_junit(const struct report *report, FILE *out);
void report_write_tap(const struct report *report, FILE *out);
void report_write_html(const struct report *report, FILE *out);

/* For XML and HTML: & < > " ' are escaped, characters that XML 1.0 does not have become '?'. */
void report_markup(const char *text, FILE *out);
/* What a cell of a matrix says: "12.3 s", or the outcome's name. */
void report_cell(const struct check_cell *cell, char *text, size_t size);

#endif
