/* SPDX-License-Identifier: Apache-2.0 */
/* share/check/report.schema.json describes this form; it only ever grows. */
#include "base/json_out.h"
#include "check/report_impl.h"

static void write_findings(struct json_out *j, const struct check_result *result)
{
    json_out_open(j, "findings", '[');
    for (unsigned i = 0; i < result->findings; i++) {
        json_out_open(j, NULL, '{');
        json_out_text(j, "id", result->finding[i].id);
        json_out_bool(j, "note", result->finding[i].note);
        json_out_text(j, "text", result->finding[i].text);
        json_out_text(j, "fix", *result->finding[i].fix ? result->finding[i].fix : NULL);
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
}

static void write_result(struct json_out *j, const struct check_result *result)
{
    json_out_open(j, NULL, '{');
    json_out_text(j, "id", result->requirement->id);
    json_out_text(j, "alias", result->requirement->alias);
    json_out_text(j, "level", check_level_short(result->level));
    json_out_text(j, "outcome", check_outcome_name(result->outcome));
    json_out_text(j, "title", result->title);
    json_out_text(j, "clause", result->requirement->clause);
    json_out_text(j, "found", result->found);
    json_out_seconds(j, "seconds", result->seconds);
    write_findings(j, result);
    json_out_close(j, '}');
}

static void write_names(struct json_out *j, const char *key, char **names, unsigned count)
{
    json_out_open(j, key, '[');
    for (unsigned i = 0; i < count; i++)
        json_out_text(j, NULL, names[i]);
    json_out_close(j, ']');
}

static void write_matrix(struct json_out *j, const struct check_matrix *matrix)
{
    json_out_open(j, NULL, '{');
    json_out_text(j, "title", matrix->title);
    write_names(j, "rows", matrix->row, matrix->rows);
    write_names(j, "columns", matrix->column, matrix->columns);
    json_out_open(j, "cells", '[');
    for (size_t i = 0; i < (size_t)matrix->rows * matrix->columns; i++) {
        const struct check_cell *cell = &matrix->cell[i];
        if (!cell->set)
            continue;
        json_out_open(j, NULL, '{');
        json_out_text(j, "row", matrix->row[i / matrix->columns]);
        json_out_text(j, "column", matrix->column[i % matrix->columns]);
        json_out_text(j, "outcome", check_outcome_name(cell->outcome));
        json_out_seconds(j, "seconds", cell->seconds);
        json_out_text(j, "note", cell->note);
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
    json_out_close(j, '}');
}

static void write_summary(struct json_out *j, const struct report *report)
{
    struct check_counts counts = report_counts(report);

    json_out_open(j, "summary", '{');
    json_out_number(j, "passed", counts.outcome[CHECK_PASS]);
    json_out_number(j, "failed", counts.outcome[CHECK_FAIL]);
    json_out_number(j, "warned", counts.outcome[CHECK_WARN]);
    json_out_number(j, "skipped", counts.outcome[CHECK_SKIP]);
    json_out_number(j, "musts-skipped", counts.musts_skipped);
    json_out_bool(j, "ok", !counts.musts_failed);
    json_out_close(j, '}');
}

void report_write_json(const struct report *report, FILE *out)
{
    struct json_out j = {.out = out};
    const struct check_result *result;

    json_out_open(&j, NULL, '{');
    json_out_text(&j, "schema", "armvm-check-1");
    json_out_text(&j, "kind", report->kind);
    json_out_text(&j, "subject", report->subject);
    json_out_text(&j, "profile", check_profile_names()[report->profile]);
    json_out_open(&j, "facts", '[');
    for (size_t i = 0; i < report->facts; i++) {
        json_out_open(&j, NULL, '{');
        json_out_text(&j, "name", report->fact[i].name);
        json_out_text(&j, "value", report->fact[i].value);
        json_out_close(&j, '}');
    }
    json_out_close(&j, ']');
    write_summary(&j, report);
    json_out_open(&j, "results", '[');
    for (size_t i = 0; (result = report_at(report, i)); i++)
        write_result(&j, result);
    json_out_close(&j, ']');
    json_out_open(&j, "matrices", '[');
    for (size_t i = 0; i < report->matrices; i++)
        write_matrix(&j, report->matrix[i]);
    json_out_close(&j, ']');
    json_out_close(&j, '}');
    fputc('\n', out);
}
