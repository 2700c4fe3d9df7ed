/* SPDX-License-Identifier: Apache-2.0 */
/* One page that needs nothing else: no script, no picture, no font from elsewhere. */
#include <string.h>

#include "check/report_impl.h"

static const char style[] =
    ":root{--bg:#fff;--fg:#1c2128;--soft:#59636e;--line:#d9dee3;--card:#f6f8fa;--pass:#1a7f37;"
    "--fail:#c9252d;--warn:#9a6700;--skip:#0969a8}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e6e9ec;--soft:#98a2ad;"
    "--line:#333b44;--card:#1d232a;--pass:#4cc261;--fail:#ff6b6b;--warn:#e0b04a;--skip:#5fb0e8}}\n"
    "body{margin:2.5rem auto;max-width:62rem;padding:0 1.25rem;background:var(--bg);"
    "color:var(--fg);font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;margin:0 0 .25rem;overflow-wrap:anywhere}\n"
    "h2{font-size:1.1rem;margin:2rem 0 .5rem}\n"
    "p{margin:.25rem 0}.soft,dt{color:var(--soft)}\n"
    ".verdict{margin:1.25rem 0;padding:.75rem 1rem;border-left:.4rem solid;background:var(--card);"
    "font-weight:600}\n"
    ".counts{font-weight:400;color:var(--soft)}\n"
    "dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:1rem 0}\n"
    "dd{margin:0;overflow-wrap:anywhere}\n"
    "section{border-top:1px solid var(--line);padding:.6rem 0;display:grid;"
    "grid-template-columns:4rem 3rem 1fr;gap:0 .5rem}\n"
    "section>div{min-width:0}\n"
    ".badge,.id,.title{font-weight:600}\n"
    ".level{font-weight:400;color:var(--soft);font-size:.85rem}\n"
    ".PASS{color:var(--pass)}.FAIL{color:var(--fail)}.WARN{color:var(--warn)}"
    ".SKIP{color:var(--skip)}\n"
    "section dl{display:grid;grid-template-columns:4rem 1fr;gap:.1rem .75rem;margin:.35rem 0 0;"
    "padding:.5rem .75rem;background:var(--card)}\n"
    ".table{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}\n"
    "th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left}\n"
    "th{background:var(--card);font-weight:600}td small{display:block;color:var(--soft)}\n";

static void text(const char *before, const char *content, const char *after, FILE *out)
{
    fputs(before, out);
    report_markup(content, out);
    fputs(after, out);
}

static void term(const char *name, const char *content, FILE *out)
{
    if (content && *content) {
        text("<dt>", name, "</dt>", out);
        text("<dd>", content, "</dd>\n", out);
    }
}

static void write_details(const struct check_result *result, FILE *out)
{
    fputs("<dl>\n", out);
    term("Clause", result->requirement->clause, out);
    term("Seen", result->found, out);
    for (unsigned i = 0; i < result->findings; i++) {
        const struct check_finding *finding = &result->finding[i];
        term(finding->note ? "Note" : "Found", finding->text, out);
        if (i + 1 == result->findings || strcmp(finding->fix, finding[1].fix))
            term("Fix", finding->fix, out);
    }
    fputs("</dl>\n", out);
}

static void write_result(const struct check_result *result, FILE *out)
{
    const char *outcome = check_outcome_name(result->outcome);

    fprintf(out, "<section><span class=\"badge %s\">%s</span>", outcome, outcome);
    text("<span class=\"id\">", result->requirement->id, "</span><div>", out);
    text("<span class=\"title\">", result->title, "</span>", out);
    fprintf(out, " <span class=\"level\">%s", check_level_name(result->level));
    if (result->seconds >= 0)
        fprintf(out, ", %.1f s", result->seconds);
    fputs("</span>\n", out);
    if (result->outcome == CHECK_FAIL || result->outcome == CHECK_WARN) {
        write_details(result, out);
    } else {
        if (result->found)
            text("<p class=\"soft\">", result->found, "</p>\n", out);
        for (unsigned i = 0; i < result->findings; i++)
            text("<p class=\"soft\">Note: ", result->finding[i].text, "</p>\n", out);
    }
    fputs("</div></section>\n", out);
}

static void write_matrix(const struct check_matrix *matrix, FILE *out)
{
    char content[64];

    text("<h2>", matrix->title, "</h2>\n<div class=\"table\"><table>\n<tr><th></th>", out);
    for (unsigned c = 0; c < matrix->columns; c++)
        text("<th>", matrix->column[c], "</th>", out);
    fputs("</tr>\n", out);
    for (unsigned r = 0; r < matrix->rows; r++) {
        text("<tr><th>", matrix->row[r], "</th>", out);
        for (unsigned c = 0; c < matrix->columns; c++) {
            const struct check_cell *cell = &matrix->cell[(size_t)r * matrix->columns + c];
            report_cell(cell, content, sizeof(content));
            fprintf(out, "<td class=\"%s\">", cell->set ? check_outcome_name(cell->outcome) : "");
            text("", content, "", out);
            if (cell->note)
                text("<small>", cell->note, "</small>", out);
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

static void write_verdict(const struct report *report, FILE *out)
{
    struct check_counts counts = report_counts(report);
    const char *class = counts.musts_failed ? "FAIL" : counts.musts_skipped ? "SKIP" : "PASS";
    const char *profile = check_profile_names()[report->profile];

    fprintf(out, "<div class=\"verdict %s\">", class);
    if (counts.musts_failed)
        fprintf(out, "Does not comply with %s", profile);
    else if (counts.musts_skipped)
        fprintf(out, "Nothing that %s requires fails; not all of it could be checked", profile);
    else
        fprintf(out, "Complies with %s, as far as a check of this kind can see", profile);
    fprintf(out,
            "<div class=\"counts\">%u passed, %u failed, %u recommended but missing, %u not "
            "checked</div></div>\n",
            counts.outcome[CHECK_PASS], counts.outcome[CHECK_FAIL], counts.outcome[CHECK_WARN],
            counts.outcome[CHECK_SKIP]);
}

void report_write_html(const struct report *report, FILE *out)
{
    const struct check_result *result;
    const char *group = NULL;

    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
          out);
    text("<title>", report->subject, ": armvm check</title>\n<style>\n", out);
    fputs(style, out);
    fputs("</style>\n</head>\n<body>\n", out);
    text("<h1>", report->subject, "</h1>\n", out);
    text("<p class=\"soft\">ARM VM System Specification: ", report->kind, ", profile ", out);
    fprintf(out, "%s</p>\n", check_profile_names()[report->profile]);
    write_verdict(report, out);
    fputs("<dl class=\"facts\">\n", out);
    for (size_t i = 0; i < report->facts; i++)
        term(report->fact[i].name, report->fact[i].value, out);
    fputs("</dl>\n", out);
    for (size_t i = 0; (result = report_at(report, i)); i++) {
        const char *next = requirement_group(result->requirement);
        if (!group || strcmp(group, next))
            text("<h2>", next, "</h2>\n", out);
        group = next;
        write_result(result, out);
    }
    for (size_t i = 0; i < report->matrices; i++)
        write_matrix(report->matrix[i], out);
    fputs("</body>\n</html>\n", out);
}
