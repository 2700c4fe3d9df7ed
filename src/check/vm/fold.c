/* SPDX-License-Identifier: Apache-2.0 */
#include "check/vm/fold.h"

#include <string.h>

#include "check/report.h"

/* The report's results may be changed by whoever fills it. */
static struct check_result *find(struct report *report, const struct check_result *like)
{
    const struct check_result *result;

    for (size_t i = 0; (result = report_at(report, i)); i++)
        if (result->requirement == like->requirement && !strcmp(result->title, like->title))
            return (struct check_result *)result;
    return NULL;
}

static void explain(struct report *into, struct check_result *to, const struct check_result *from,
                    const char *where)
{
    const char *before = where ? where : "", *colon = where ? ": " : "";

    for (unsigned i = 0; i < from->findings; i++)
        result_fail(into, to, from->finding[i].id,
                    *from->finding[i].fix ? from->finding[i].fix : NULL, "%s%s%s", before, colon,
                    from->finding[i].text);
    if (!from->findings)
        result_fail(into, to, NULL, NULL, "%s%s%s", before, colon,
                    from->found ? from->found : "it fails");
}

void report_fold(struct report *into, const struct report *from, const char *where)
{
    const struct check_result *result;

    for (size_t i = 0; (result = report_at(from, i)); i++) {
        struct check_result *to = find(into, result);
        bool failed = result->outcome == CHECK_FAIL || result->outcome == CHECK_WARN;
        if (!to) {
            to = report_add(into, result->requirement->id, failed ? CHECK_PASS : result->outcome,
                            result->title);
            if (result->found && !failed)
                result_found(into, to, "%s", result->found);
        } else if (to->outcome == CHECK_SKIP && result->outcome == CHECK_PASS) {
            to->outcome = CHECK_PASS; /* where it can be looked at, it is well */
            result_found(into, to, "%s", result->found ? result->found : "");
        }
        if (failed)
            explain(into, to, result, where);
    }
}
