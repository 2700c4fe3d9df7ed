/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit's XML as CI systems read it: a testsuite, a testcase a result. Only a must that fails is a
 * failure; what is recommended and missing is written to the testcase's output.
 */
#include "check/report_impl.h"

static void attribute(const char *name, const char *value, FILE *out)
{
    fprintf(out, " %s=\"", name);
    report_markup(value, out);
    fputc('"', out);
}

static void details(const struct check_result *result, FILE *out)
{
    if (*result->requirement->clause) {
        fputs("clause: ", out);
        report_markup(result->requirement->clause, out);
        fputc('\n', out);
    }
    if (result->found) {
        report_markup(result->found, out);
        fputc('\n', out);
    }
    for (unsigned i = 0; i < result->findings; i++) {
        fputs(result->finding[i].note ? "note: " : "found: ", out);
        report_markup(result->finding[i].text, out);
        if (*result->finding[i].fix)
            fputs("\nfix: ", out);
        report_markup(result->finding[i].fix, out);
        fputc('\n', out);
    }
}

static const char *first_failure(const struct check_result *result)
{
    for (unsigned i = 0; i < result->findings; i++)
        if (!result->finding[i].note)
            return result->finding[i].text;
    return result->title;
}

static void testcase(const struct check_result *result, FILE *out)
{
    fputs("    <testcase classname=\"", out);
    report_markup(requirement_group(result->requirement), out);
    fputs("\" name=\"", out);
    report_markup(result->requirement->id, out);
    fputc(' ', out);
    report_markup(result->title, out);
    fprintf(out, "\" time=\"%.3f\"", result->seconds < 0 ? 0 : result->seconds);
    fputs(">\n", out);
    if (result->outcome == CHECK_FAIL) {
        fputs("      <failure type=\"must\"", out);
        attribute("message", first_failure(result), out);
        fputs(">", out);
        details(result, out);
        fputs("</failure>\n", out);
    } else if (result->outcome == CHECK_SKIP) {
        fputs("      <skipped", out);
        attribute("message", result->found ? result->found : "", out);
        fputs("/>\n", out);
    } else if (result->found || result->findings) {
        fputs("      <system-out>", out);
        if (result->outcome == CHECK_WARN)
            fprintf(out, "WARN (%s)\n", check_level_name(result->level));
        details(result, out);
        fputs("</system-out>\n", out);
    }
    fputs("    </testcase>\n", out);
}

/* A cell that was tried is a testcase, too. */
static void cells(const struct check_matrix *matrix, FILE *out)
{
    for (size_t i = 0; i < (size_t)matrix->rows * matrix->columns; i++) {
        const struct check_cell *cell = &matrix->cell[i];
        const char *note = cell->note ? cell->note : "";
        if (!cell->set)
            continue;
        fputs("    <testcase", out);
        attribute("classname", matrix->title, out);
        fputs(" name=\"", out);
        report_markup(matrix->row[i / matrix->columns], out);
        fputs(", ", out);
        report_markup(matrix->column[i % matrix->columns], out);
        fprintf(out, "\" time=\"%.3f\">", cell->seconds < 0 ? 0 : cell->seconds);
        if (cell->outcome == CHECK_FAIL || cell->outcome == CHECK_SKIP) {
            fputs(cell->outcome == CHECK_FAIL ? "<failure type=\"variation\"" : "<skipped", out);
            attribute("message", note, out);
            fputs("/>", out);
        } else if (*note) {
            fputs("<system-out>", out);
            report_markup(note, out);
            fputs("</system-out>", out);
        }
        fputs("</testcase>\n", out);
    }
}

/* Adds what the matrices count. */
static void count_cells(const struct report *report, unsigned outcome[CHECK_OUTCOMES],
                        unsigned *tests)
{
    for (size_t m = 0; m < report->matrices; m++) {
        const struct check_matrix *matrix = report->matrix[m];
        for (size_t i = 0; i < (size_t)matrix->rows * matrix->columns; i++)
            if (matrix->cell[i].set) {
                outcome[matrix->cell[i].outcome]++;
                ++*tests;
            }
    }
}

static double total_seconds(const struct report *report)
{
    const struct check_result *result;
    double seconds = 0;

    for (size_t i = 0; (result = report_at(report, i)); i++)
        seconds += result->seconds > 0 ? result->seconds : 0;
    for (size_t m = 0; m < report->matrices; m++)
        for (size_t i = 0; i < (size_t)report->matrix[m]->rows * report->matrix[m]->columns; i++)
            if (report->matrix[m]->cell[i].set && report->matrix[m]->cell[i].seconds > 0)
                seconds += report->matrix[m]->cell[i].seconds;
    return seconds;
}

void report_write_junit(const struct report *report, FILE *out)
{
    struct check_counts counts = report_counts(report);
    unsigned tests = counts.results;
    const struct check_result *result;

    count_cells(report, counts.outcome, &tests);
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    fprintf(out, "<testsuites tests=\"%u\" failures=\"%u\" skipped=\"%u\" errors=\"0\">\n", tests,
            counts.outcome[CHECK_FAIL], counts.outcome[CHECK_SKIP]);
    fputs("  <testsuite name=\"armvm check ", out);
    report_markup(report->kind, out);
    fputs(": ", out);
    report_markup(report->subject, out);
    fprintf(out, "\" tests=\"%u\" failures=\"%u\" skipped=\"%u\" errors=\"0\" time=\"%.3f\">\n",
            tests, counts.outcome[CHECK_FAIL], counts.outcome[CHECK_SKIP], total_seconds(report));
    fputs("    <properties>\n      <property name=\"profile\"", out);
    attribute("value", check_profile_names()[report->profile], out);
    fputs("/>\n", out);
    for (size_t i = 0; i < report->facts; i++) {
        fputs("      <property", out);
        attribute("name", report->fact[i].name, out);
        attribute("value", report->fact[i].value, out);
        fputs("/>\n", out);
    }
    fputs("    </properties>\n", out);
    for (size_t i = 0; (result = report_at(report, i)); i++)
        testcase(result, out);
    for (size_t i = 0; i < report->matrices; i++)
        cells(report->matrix[i], out);
    fputs("  </testsuite>\n</testsuites>\n", out);
}
