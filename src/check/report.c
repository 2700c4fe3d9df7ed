/* SPDX-License-Identifier: Apache-2.0 */
#include "check/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "check/report_impl.h"
#include "host/file.h"
#include "image/text.h"

enum { TEXT_MAX = 2000, CELLS_MAX = 65536 };

/* --- memory ----------------------------------------------------------------------------------- */

static char *keep(struct report *report, const char *text)
{
    char safe[TEXT_MAX], *copy;

    text_utf8((const uint8_t *)text, strlen(text), safe, sizeof(safe));
    copy = strdup(safe);
    if (!copy)
        report->incomplete = true;
    return copy;
}

static char *keep_va(struct report *report, const char *fmt, va_list ap)
{
    char text[TEXT_MAX];

    vsnprintf(text, sizeof(text), fmt, ap);
    return keep(report, text);
}

/* Room for one more of size bytes behind count of them; false: none, which is remembered. */
static bool grow(struct report *report, void *array, size_t count, size_t size)
{
    void *old, *more;

    memcpy(&old, array, sizeof(old));
    more = reallocarray(old, count + 1, size);
    if (!more) {
        report->incomplete = true;
        return false;
    }
    memcpy(array, &more, sizeof(more));
    return true;
}

struct report *report_new(const char *kind, const char *subject, enum check_profile profile)
{
    struct report *report = calloc(1, sizeof(*report));

    if (!report)
        return NULL;
    report->profile = profile;
    report->kind = keep(report, kind);
    report->subject = keep(report, subject);
    report->spare_requirement =
        (struct requirement){.id = "?", .title = "", .clause = "", .fix = ""};
    report->spare.requirement = &report->spare_requirement;
    if (report->incomplete) {
        report_free(report);
        return NULL;
    }
    return report;
}

static void result_free(struct check_result *result)
{
    for (unsigned i = 0; i < result->findings; i++) {
        free(result->finding[i].id);
        free(result->finding[i].text);
        free(result->finding[i].fix);
    }
    free(result->finding);
    free(result->title);
    free(result->found);
}

static void matrix_free(struct check_matrix *matrix)
{
    for (unsigned i = 0; matrix->row && i < matrix->rows; i++)
        free(matrix->row[i]);
    for (unsigned i = 0; matrix->column && i < matrix->columns; i++)
        free(matrix->column[i]);
    for (size_t i = 0; matrix->cell && i < (size_t)matrix->rows * matrix->columns; i++)
        free(matrix->cell[i].note);
    free(matrix->row);
    free(matrix->column);
    free(matrix->cell);
    free(matrix->title);
    free(matrix);
}

void report_free(struct report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->facts; i++) {
        free(report->fact[i].name);
        free(report->fact[i].value);
    }
    for (size_t i = 0; i < report->results; i++) {
        result_free(report->result[i]);
        free(report->result[i]);
    }
    for (size_t i = 0; i < report->matrices; i++)
        matrix_free(report->matrix[i]);
    for (size_t i = 0; i < report->others; i++) {
        free((char *)report->other[i]->id);
        free(report->other[i]);
    }
    result_free(&report->spare);
    free(report->fact);
    free(report->result);
    free(report->matrix);
    free(report->other);
    free(report->kind);
    free(report->subject);
    free(report);
}

void report_fact(struct report *report, const char *name, const char *fmt, ...)
{
    struct check_fact *fact;
    va_list ap;

    if (!grow(report, &report->fact, report->facts, sizeof(*report->fact)))
        return;
    fact = &report->fact[report->facts];
    fact->name = keep(report, name);
    va_start(ap, fmt);
    fact->value = keep_va(report, fmt, ap);
    va_end(ap);
    if (fact->name && fact->value) {
        report->facts++;
        return;
    }
    free(fact->name);
    free(fact->value);
}

/* --- results ---------------------------------------------------------------------------------- */

static const struct requirement *requirement_of(struct report *report, const char *id)
{
    const struct requirement *found = requirement_find(id);
    struct requirement *other;

    for (size_t i = 0; !found && i < report->others; i++)
        if (!strcmp(report->other[i]->id, id))
            found = report->other[i];
    if (found)
        return found;
    if (!grow(report, &report->other, report->others, sizeof(*report->other)))
        return NULL;
    other = calloc(1, sizeof(*other));
    if (other)
        other->id = keep(report, id);
    if (!other || !other->id) {
        report->incomplete = true;
        free(other);
        return NULL;
    }
    other->title = "An additional test";
    other->clause = "";
    other->fix = "";
    for (unsigned i = 0; i < PROFILES; i++)
        other->level[i] = LEVEL_RECOMMENDED;
    report->other[report->others++] = other;
    return other;
}

static struct check_result *insert(struct report *report, const struct requirement *requirement,
                                   struct check_result *result)
{
    size_t at = report->results, rank = requirement_index(requirement);

    if (!grow(report, &report->result, report->results, sizeof(struct check_result *)))
        return NULL;
    while (at && requirement_index(report->result[at - 1]->requirement) > rank)
        at--;
    memmove(report->result + at + 1, report->result + at,
            (report->results - at) * sizeof(struct check_result *));
    report->result[at] = result;
    report->results++;
    return result;
}

static enum check_outcome by_level(const struct check_result *result, enum check_outcome outcome)
{
    return outcome == CHECK_FAIL && result->level != LEVEL_MUST ? CHECK_WARN : outcome;
}

struct check_result *report_add(struct report *report, const char *id, enum check_outcome outcome,
                                const char *title)
{
    const struct requirement *requirement = requirement_of(report, id);
    struct check_result *result = calloc(1, sizeof(*result));

    if (!requirement || !result)
        goto fail;
    result->requirement = requirement;
    result->level = requirement->level[report->profile];
    result->outcome = by_level(result, outcome);
    result->seconds = -1;
    result->title = keep(report, title && *title ? title : requirement->title);
    if (result->title && insert(report, requirement, result))
        return result;
fail:
    report->incomplete = true;
    if (result)
        free(result->title);
    free(result);
    return &report->spare;
}

void result_found(struct report *report, struct check_result *result, const char *fmt, ...)
{
    va_list ap;

    free(result->found);
    va_start(ap, fmt);
    result->found = keep_va(report, fmt, ap);
    va_end(ap);
}

static struct check_result *add_found(struct report *report, const char *id,
                                      enum check_outcome outcome, const char *fmt, va_list ap)
{
    struct check_result *result = report_add(report, id, outcome, NULL);

    free(result->found);
    result->found = keep_va(report, fmt, ap);
    return result;
}

struct check_result *report_pass(struct report *report, const char *id, const char *fmt, ...)
{
    struct check_result *result;
    va_list ap;

    va_start(ap, fmt);
    result = add_found(report, id, CHECK_PASS, fmt, ap);
    va_end(ap);
    return result;
}

struct check_result *report_skip(struct report *report, const char *id, const char *fmt, ...)
{
    struct check_result *result;
    va_list ap;

    va_start(ap, fmt);
    result = add_found(report, id, CHECK_SKIP, fmt, ap);
    va_end(ap);
    return result;
}

struct check_result *report_result(const struct report *report, const char *id)
{
    for (size_t i = 0; i < report->results; i++)
        if (!strcmp(report->result[i]->requirement->id, id))
            return report->result[i];
    return NULL;
}

static void add_finding(struct report *report, struct check_result *result, const char *id,
                        const char *fix, bool note, const char *fmt, va_list ap)
{
    struct check_finding *finding;

    if (!grow(report, &result->finding, result->findings, sizeof(*result->finding)))
        return;
    finding = &result->finding[result->findings];
    finding->id = id ? keep(report, id) : NULL;
    finding->fix = keep(report, fix ? fix : result->requirement->fix);
    finding->text = keep_va(report, fmt, ap);
    finding->note = note;
    if (finding->text && finding->fix && (finding->id || !id)) {
        result->findings++;
        return;
    }
    free(finding->id);
    free(finding->fix);
    free(finding->text);
}

void result_fail(struct report *report, struct check_result *result, const char *id,
                 const char *fix, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_finding(report, result, id, fix, false, fmt, ap);
    va_end(ap);
    result->outcome = by_level(result, CHECK_FAIL);
}

void result_note(struct report *report, struct check_result *result, const char *id,
                 const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_finding(report, result, id, "", true, fmt, ap);
    va_end(ap);
}

/* --- matrices --------------------------------------------------------------------------------- */

static char **names(struct report *report, unsigned count, const char *const *from)
{
    char **to = calloc(count, sizeof(*to));

    for (unsigned i = 0; to && i < count; i++)
        to[i] = keep(report, from[i]);
    if (!to)
        report->incomplete = true;
    return to;
}

struct check_matrix *report_matrix(struct report *report, const char *title, unsigned rows,
                                   const char *const *row, unsigned columns,
                                   const char *const *column)
{
    struct check_matrix *matrix;

    if (!rows || !columns || rows > CELLS_MAX / columns ||
        !grow(report, &report->matrix, report->matrices, sizeof(struct check_matrix *)))
        return NULL;
    matrix = calloc(1, sizeof(*matrix));
    if (!matrix) {
        report->incomplete = true;
        return NULL;
    }
    matrix->title = keep(report, title);
    matrix->rows = rows;
    matrix->columns = columns;
    matrix->row = names(report, rows, row);
    matrix->column = names(report, columns, column);
    matrix->cell = calloc((size_t)rows * columns, sizeof(*matrix->cell));
    if (report->incomplete || !matrix->cell) {
        report->incomplete = true;
        matrix_free(matrix);
        return NULL;
    }
    for (size_t i = 0; i < (size_t)rows * columns; i++)
        matrix->cell[i].seconds = -1;
    report->matrix[report->matrices++] = matrix;
    return matrix;
}

void matrix_set(struct report *report, struct check_matrix *matrix, unsigned row, unsigned column,
                enum check_outcome outcome, double seconds, const char *note)
{
    struct check_cell *cell;

    if (!matrix || row >= matrix->rows || column >= matrix->columns)
        return;
    cell = &matrix->cell[(size_t)row * matrix->columns + column];
    free(cell->note);
    *cell = (struct check_cell){true, outcome, seconds, note ? keep(report, note) : NULL};
}

/* --- reading ---------------------------------------------------------------------------------- */

const char *report_kind(const struct report *report)
{
    return report->kind;
}

const char *report_subject(const struct report *report)
{
    return report->subject;
}

enum check_profile report_profile(const struct report *report)
{
    return report->profile;
}

size_t report_facts(const struct report *report, const struct check_fact **facts)
{
    *facts = report->fact;
    return report->facts;
}

const struct check_result *report_at(const struct report *report, size_t index)
{
    for (size_t i = 0; i < report->results; i++)
        if (report->result[i]->level != LEVEL_NONE && !index--)
            return report->result[i];
    return NULL;
}

const struct check_matrix *report_matrix_at(const struct report *report, size_t index)
{
    return index < report->matrices ? report->matrix[index] : NULL;
}

struct check_counts report_counts(const struct report *report)
{
    struct check_counts counts = {0};
    const struct check_result *result;

    for (size_t i = 0; (result = report_at(report, i)); i++) {
        counts.results++;
        counts.outcome[result->outcome]++;
        counts.musts_failed += result->outcome == CHECK_FAIL;
        counts.musts_skipped += result->outcome == CHECK_SKIP && result->level == LEVEL_MUST;
    }
    return counts;
}

int report_status(const struct report *report)
{
    return report_counts(report).musts_failed ? 1 : 0;
}

const char *check_outcome_name(enum check_outcome outcome)
{
    static const char *const outcomes[] = {"PASS", "FAIL", "WARN", "SKIP"};

    return outcomes[outcome];
}

/* --- writing ---------------------------------------------------------------------------------- */

const char *const *report_format_names(void)
{
    static const char *const formats[] = {"text", "json", "junit", "tap", "html", NULL};

    return formats;
}

void report_cell(const struct check_cell *cell, char *text, size_t size)
{
    if (!cell->set)
        snprintf(text, size, "-");
    else if (cell->seconds < 0)
        snprintf(text, size, "%s", check_outcome_name(cell->outcome));
    else
        snprintf(text, size, "%s %.1f s", check_outcome_name(cell->outcome), cell->seconds);
}

/* text is valid UTF-8 already (text_utf8); of it XML 1.0 lacks U+FFFE and U+FFFF (section 2.2). */
void report_markup(const char *text, FILE *out)
{
    static const char special[] = "&<>\"'";
    static const char *const escaped[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

    for (; *text; text++) {
        const char *at = strchr(special, *text);
        if (at) {
            fputs(escaped[at - special], out);
        } else if (!strncmp(text, "\xef\xbf\xbe", 3) || !strncmp(text, "\xef\xbf\xbf", 3)) {
            fputc('?', out);
            text += 2;
        } else {
            fputc(*text, out);
        }
    }
}

int report_write(const struct report *report, enum report_format format, bool colour, FILE *out,
                 struct error *err)
{
    if (report->incomplete)
        return error_set(err, -ENOMEM, "the report is not complete: out of memory");
    switch (format) {
    case REPORT_TEXT:
        report_write_text(report, colour, out);
        break;
    case REPORT_JSON:
        report_write_json(report, out);
        break;
    case REPORT_JUNIT:
        report_write_junit(report, out);
        break;
    case REPORT_TAP:
        report_write_tap(report, out);
        break;
    case REPORT_HTML:
        report_write_html(report, out);
        break;
    }
    if (fflush(out) || ferror(out))
        return error_set(err, -EIO, "the report cannot be written: %s", strerror(errno));
    return 0;
}

/* A pipe or a terminal cannot be replaced. */
static int save_in_place(const struct report *report, enum report_format format, const char *path,
                         struct error *err)
{
    FILE *out = fopen(path, "we");
    int rc;

    if (!out)
        return error_set(err, -errno, "--output: %s: %s", path, strerror(errno));
    rc = report_write(report, format, false, out, err);
    if (fclose(out) && !rc)
        rc = error_set(err, -errno, "--output: %s: %s", path, strerror(errno));
    return rc;
}

int report_save(const struct report *report, enum report_format format, const char *path,
                struct error *err)
{
    const char *no_colour = getenv("NO_COLOR");
    char *data = NULL;
    size_t size = 0;
    struct stat st;
    FILE *out;
    int rc;

    if (!path || !strcmp(path, "-"))
        return report_write(report, format, isatty(STDOUT_FILENO) && (!no_colour || !*no_colour),
                            stdout, err);
    if (!stat(path, &st) && !S_ISREG(st.st_mode))
        return save_in_place(report, format, path, err);
    out = open_memstream(&data, &size);
    if (!out)
        return error_set(err, -ENOMEM, "the report is not complete: out of memory");
    rc = report_write(report, format, false, out, err);
    if (fclose(out) && !rc)
        rc = error_set(err, -ENOMEM, "the report is not complete: out of memory");
    if (!rc)
        rc = file_write("--output", path, data, size, err);
    free(data);
    return rc;
}
