/* SPDX-License-Identifier: Apache-2.0 */
/* For people: grouped, each failure with its clause, what was found and how to mend it. */
#include <string.h>

#include "check/report_impl.h"

enum { WIDTH = 100, INDENT = 11 };

struct page {
    FILE *out;
    bool colour;
};

static const char *colour_of(enum check_outcome outcome)
{
    static const char *const codes[] = {"\033[32m", "\033[1;31m", "\033[33m", "\033[36m"};

    return codes[outcome];
}

static void paint(const struct page *page, const char *code)
{
    if (page->colour)
        fputs(code, page->out);
}

/* Columns that text takes: characters, not bytes. */
static int columns(const char *text, int bytes)
{
    int n = 0;

    for (int i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

/* Text from column at on, wrapped between words to columns [indent, WIDTH). */
static void wrap(const struct page *page, const char *text, int indent, int at)
{
    bool first = true;

    while (*text) {
        int bytes = (int)strcspn(text, " "), n = columns(text, bytes);
        if (!first && at + 1 + n > WIDTH) {
            fprintf(page->out, "\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', page->out);
            at++;
        }
        fprintf(page->out, "%.*s", bytes, text);
        at += n;
        first = false;
        text += bytes;
        text += *text == ' ';
    }
    fputc('\n', page->out);
}

static void labelled(const struct page *page, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    fprintf(page->out, "%*s%-7s ", INDENT, "", label);
    wrap(page, text, INDENT + 8, INDENT + 8);
}

static void print_result(const struct page *page, const struct check_result *result)
{
    FILE *out = page->out;
    bool failed = result->outcome == CHECK_FAIL || result->outcome == CHECK_WARN;
    char title[512];

    fputs("  ", out);
    paint(page, colour_of(result->outcome));
    fputs(check_outcome_name(result->outcome), out);
    paint(page, "\033[0m");
    fprintf(out, " %-4s", result->requirement->id);
    if (failed)
        snprintf(title, sizeof(title), "%s (%s)", result->title, check_level_name(result->level));
    else
        snprintf(title, sizeof(title), "%s", result->title);
    wrap(page, title, INDENT, INDENT);
    if (failed)
        labelled(page, "clause:", result->requirement->clause);
    labelled(page,
             failed                          ? "seen:"
             : result->outcome == CHECK_SKIP ? "why:"
                                             : "found:",
             result->found);
    for (unsigned i = 0; i < result->findings; i++) {
        const struct check_finding *finding = &result->finding[i];
        labelled(page, finding->note ? "note:" : "found:", finding->text);
        /* Several findings often have one remedy. */
        if (i + 1 == result->findings || strcmp(finding->fix, finding[1].fix))
            labelled(page, "fix:", finding->fix);
    }
    if (failed && !result->findings)
        labelled(page, "fix:", result->requirement->fix);
}

/* Whether a cell before this one was skipped for the same reason. */
static bool skipped_before(const struct check_matrix *matrix, size_t index)
{
    const struct check_cell *at = &matrix->cell[index];

    for (size_t i = 0; i < index; i++)
        if (matrix->cell[i].set && matrix->cell[i].outcome == CHECK_SKIP && matrix->cell[i].note &&
            !strcmp(matrix->cell[i].note, at->note))
            return true;
    return false;
}

/* Why cells were skipped is said once, not for each. */
static void print_notes(const struct page *page, const struct check_matrix *matrix)
{
    for (size_t i = 0; i < (size_t)matrix->rows * matrix->columns; i++) {
        const struct check_cell *at = &matrix->cell[i];
        if (!at->note)
            continue;
        if (at->outcome != CHECK_SKIP)
            fprintf(page->out, "  %s, %s: %s\n", matrix->row[i / matrix->columns],
                    matrix->column[i % matrix->columns], at->note);
        else if (!skipped_before(matrix, i))
            fprintf(page->out, "  SKIP: %s\n", at->note);
    }
}

static void print_matrix(const struct page *page, const struct check_matrix *matrix)
{
    char cell[64];
    int head = 0;

    for (unsigned r = 0; r < matrix->rows; r++) {
        int n = columns(matrix->row[r], (int)strlen(matrix->row[r]));
        head = n > head ? n : head;
    }
    fprintf(page->out, "\n%s\n  %*s", matrix->title, head, "");
    for (unsigned c = 0; c < matrix->columns; c++)
        fprintf(page->out, "  %-14s", matrix->column[c]);
    fputc('\n', page->out);
    for (unsigned r = 0; r < matrix->rows; r++) {
        fprintf(page->out, "  %s%*s", matrix->row[r],
                head - columns(matrix->row[r], (int)strlen(matrix->row[r])), "");
        for (unsigned c = 0; c < matrix->columns; c++) {
            const struct check_cell *at = &matrix->cell[(size_t)r * matrix->columns + c];
            int width = (int)strlen(matrix->column[c]);
            report_cell(at, cell, sizeof(cell));
            fputs("  ", page->out);
            paint(page, at->set ? colour_of(at->outcome) : "");
            fprintf(page->out, "%-*s", width > 14 ? width : 14, cell);
            paint(page, "\033[0m");
        }
        fputc('\n', page->out);
    }
    print_notes(page, matrix);
}

static void print_end(const struct page *page, const struct report *report)
{
    struct check_counts counts = report_counts(report);
    const char *profile = check_profile_names()[report->profile];

    fprintf(page->out, "\n%u passed, %u failed, %u recommended but missing, %u not checked: ",
            counts.outcome[CHECK_PASS], counts.outcome[CHECK_FAIL], counts.outcome[CHECK_WARN],
            counts.outcome[CHECK_SKIP]);
    if (counts.musts_failed) {
        paint(page, colour_of(CHECK_FAIL));
        fprintf(page->out, "does not comply with %s\n", profile);
    } else if (counts.musts_skipped) {
        paint(page, colour_of(CHECK_SKIP));
        fprintf(page->out,
                "nothing that %s requires fails, but %u requirement%s could not be checked\n",
                profile, counts.musts_skipped, counts.musts_skipped > 1 ? "s" : "");
    } else {
        paint(page, colour_of(CHECK_PASS));
        fprintf(page->out, "complies with %s, as far as a check of this kind can see\n", profile);
    }
    paint(page, "\033[0m");
}

void report_write_text(const struct report *report, bool colour, FILE *out)
{
    struct page page = {out, colour};
    const struct check_result *result;
    const char *group = NULL;

    fprintf(out, "%s: %s, profile %s\n", report->subject, report->kind,
            check_profile_names()[report->profile]);
    for (size_t i = 0; i < report->facts; i++) {
        fprintf(out, "  %s: ", report->fact[i].name);
        wrap(&page, report->fact[i].value, 4, 4 + (int)strlen(report->fact[i].name));
    }
    for (size_t i = 0; (result = report_at(report, i)); i++) {
        const char *next = requirement_group(result->requirement);
        if (!group || strcmp(group, next)) {
            fputc('\n', out);
            paint(&page, "\033[1m");
            fputs(next, out);
            paint(&page, "\033[0m");
            fputc('\n', out);
        }
        group = next;
        print_result(&page, result);
    }
    for (size_t i = 0; i < report->matrices; i++)
        print_matrix(&page, report->matrix[i]);
    print_end(&page, report);
}
