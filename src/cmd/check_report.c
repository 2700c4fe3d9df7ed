/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/check_report.h"

#include "check/report.h"
#include "check/requirement.h"
#include "cmd/values.h"

static int set_profile(void *ctx, const char *value, struct error *err)
{
    return value_choice(value, check_profile_names(), &((struct check_output *)ctx)->profile, err);
}

static int set_format(void *ctx, const char *value, struct error *err)
{
    return value_choice(value, report_format_names(), &((struct check_output *)ctx)->format, err);
}

static int set_output(void *ctx, const char *value, struct error *err)
{
    ((struct check_output *)ctx)->output = value;
    return 0;
}

const struct option check_report_options[] = {
    {.group = "Report",
     .name = "profile",
     .arg = "rfc-v2|v1.0|v2.0",
     .set = set_profile,
     .words = "rfc-v2 v1.0 v2.0",
     .help = "the text of the specification (default: rfc-v2)"},
    {.name = "format",
     .arg = "text|json|junit|tap|html",
     .set = set_format,
     .words = "text json junit tap html",
     .help = "for people (text, html), programs (json) or test harnesses (junit, tap); default: "
             "text"},
    {.name = "output",
     .arg = "FILE",
     .set = set_output,
     .words = "@file",
     .help = "writes the report there instead of to standard output"},
    {.name = NULL},
};
