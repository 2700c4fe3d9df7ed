/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Test Anything Protocol, version 13: written for harnesses, read from probes. What is
 * recommended and missing is "not ok ... # TODO", which harnesses do not count as a failure.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check/report_impl.h"
#include "image/text.h"

enum { LINE_MAX_CHARS = 1000 };

/* --- writing ---------------------------------------------------------------------------------- */

/* A '#' in a description would begin a directive. */
static void description(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '#' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void write_result(const struct check_result *result, unsigned number, FILE *out)
{
    bool failed = result->outcome == CHECK_FAIL || result->outcome == CHECK_WARN;

    fprintf(out, "%s %u - ", failed ? "not ok" : "ok", number);
    description(result->requirement->id, out);
    fputc(' ', out);
    description(result->title, out);
    if (result->outcome == CHECK_SKIP)
        fprintf(out, " # SKIP %s", result->found ? result->found : "");
    else if (result->outcome == CHECK_WARN)
        fprintf(out, " # TODO %s", check_level_name(result->level));
    fputc('\n', out);
    if (failed && *result->requirement->clause)
        fprintf(out, "# clause: %s\n", result->requirement->clause);
    if (result->found && result->outcome != CHECK_SKIP)
        fprintf(out, "# seen: %s\n", result->found);
    for (unsigned i = 0; i < result->findings; i++) {
        fprintf(out, "# %s: %s\n", result->finding[i].note ? "note" : "found",
                result->finding[i].text);
        if (*result->finding[i].fix)
            fprintf(out, "# fix: %s\n", result->finding[i].fix);
    }
}

static void write_cells(const struct check_matrix *matrix, unsigned *number, FILE *out)
{
    for (size_t i = 0; i < (size_t)matrix->rows * matrix->columns; i++) {
        const struct check_cell *cell = &matrix->cell[i];
        if (!cell->set)
            continue;
        fprintf(out, "%s %u - ", cell->outcome == CHECK_FAIL ? "not ok" : "ok", ++*number);
        description(matrix->title, out);
        fputs(": ", out);
        description(matrix->row[i / matrix->columns], out);
        fputs(", ", out);
        description(matrix->column[i % matrix->columns], out);
        if (cell->outcome == CHECK_SKIP)
            fprintf(out, " # SKIP %s", cell->note ? cell->note : "");
        else if (cell->note)
            fprintf(out, "\n# found: %s", cell->note);
        if (cell->seconds >= 0)
            fprintf(out, "\n# seconds: %.1f", cell->seconds);
        fputc('\n', out);
    }
}

void report_write_tap(const struct report *report, FILE *out)
{
    const struct check_result *result;
    unsigned number = 0, plan = report_counts(report).results;

    for (size_t m = 0; m < report->matrices; m++)
        for (size_t i = 0; i < (size_t)report->matrix[m]->rows * report->matrix[m]->columns; i++)
            plan += report->matrix[m]->cell[i].set;
    fprintf(out, "TAP version 13\n1..%u\n", plan);
    fprintf(out, "# %s: %s, profile %s\n", report->kind, report->subject,
            check_profile_names()[report->profile]);
    for (size_t i = 0; i < report->facts; i++)
        fprintf(out, "# %s: %s\n", report->fact[i].name, report->fact[i].value);
    for (size_t i = 0; (result = report_at(report, i)); i++)
        write_result(result, ++number, out);
    for (size_t i = 0; i < report->matrices; i++)
        write_cells(report->matrix[i], &number, out);
}

/* --- reading ---------------------------------------------------------------------------------- */

static char *skip_blank(char *text)
{
    return text + strspn(text, " \t");
}

static void trim(char *text)
{
    size_t len = strlen(text);

    while (len && isspace((unsigned char)text[len - 1]))
        text[--len] = 0;
}

/* Cuts the directive off a description, and takes back what description() escaped. NULL: none. */
static char *directive(char *text)
{
    char *to = text;

    for (; *text; text++) {
        if (*text == '\\' && (text[1] == '#' || text[1] == '\\')) {
            *to++ = *++text;
        } else if (*text == '#') {
            char *found = skip_blank(text + 1);
            *to = 0;
            return found;
        } else {
            *to++ = *text;
        }
    }
    *to = 0;
    return NULL;
}

static int test_line(struct report *report, char *text, bool ok)
{
    enum check_outcome outcome = ok ? CHECK_PASS : CHECK_FAIL;
    char *note, *id;
    bool skip;

    text = skip_blank(text);
    text += strspn(text, "0123456789");
    text = skip_blank(text);
    if (text[0] == '-')
        text = skip_blank(text + 1);
    note = directive(text);
    trim(text);
    id = text;
    text += strcspn(text, " \t:");
    if (*text)
        *text++ = 0;
    if (!*id)
        return -EINVAL;
    skip = note && !strncasecmp(note, "SKIP", 4);
    if (skip)
        outcome = CHECK_SKIP;
    report->last = report_add(report, id, outcome, skip_blank(text));
    if (skip) {
        note = skip_blank(note + 4);
        trim(note);
        result_found(report, report->last, "%s", *note ? note : "not tried");
    }
    return 1;
}

/* "# found: ..." and "# fix: ...", which belong to the test before. */
static int comment_line(struct report *report, char *text)
{
    struct check_result *last = report->last;

    text = skip_blank(text);
    trim(text);
    if (!last)
        return 0;
    if (!strncmp(text, "found: ", 7)) {
        if (last->outcome == CHECK_FAIL || last->outcome == CHECK_WARN)
            result_fail(report, last, NULL, NULL, "%s", skip_blank(text + 7));
        else if (last->outcome == CHECK_PASS)
            result_found(report, last, "%s", skip_blank(text + 7));
    } else if (!strncmp(text, "seen: ", 6)) {
        result_found(report, last, "%s", skip_blank(text + 6));
    } else if (!strncmp(text, "fix: ", 5) && last->findings) {
        char *fix = strdup(skip_blank(text + 5));
        if (!fix) {
            report->incomplete = true;
            return 0;
        }
        free(last->finding[last->findings - 1].fix);
        last->finding[last->findings - 1].fix = fix;
    }
    return 0;
}

int report_tap_line(struct report *report, const char *line)
{
    char copy[LINE_MAX_CHARS];

    /* Made safe as a whole, since a probe's console is a guest's. */
    text_utf8((const uint8_t *)line, strcspn(line, "\r\n"), copy, sizeof(copy));
    if (!strncmp(copy, "ok", 2) && (copy[2] == ' ' || !copy[2]))
        return test_line(report, copy + 2, true);
    if (!strncmp(copy, "not ok", 6) && (copy[6] == ' ' || !copy[6]))
        return test_line(report, copy + 6, false);
    if (copy[0] == '#')
        return comment_line(report, copy + 1);
    if (!copy[0] || !strncmp(copy, "1..", 3) || !strncmp(copy, "TAP version ", 12) ||
        !strncmp(copy, "Bail out!", 9))
        return 0;
    return -EINVAL;
}
