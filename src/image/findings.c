/* SPDX-License-Identifier: Apache-2.0 */
#include "image/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool known(const struct findings *findings, const char *id, const char *text)
{
    for (unsigned i = 0; i < findings->count; i++)
        if (!strcmp(findings->item[i].id, id) && !strcmp(findings->item[i].text, text))
            return true;
    return false;
}

void findings_add(struct findings *findings, enum finding_level level, const char *id,
                  const char *fmt, ...)
{
    struct finding item = {.level = level, .id = id};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(item.text, sizeof(item.text), fmt, ap);
    va_end(ap);
    if (known(findings, id, item.text))
        return; /* of a place that was looked at twice */
    if (findings->count == FINDINGS_MAX)
        findings->left_out++;
    else
        findings->item[findings->count++] = item;
}

const struct finding *findings_find(const struct findings *findings, const char *id)
{
    for (unsigned i = 0; i < findings->count; i++)
        if (!strcmp(findings->item[i].id, id))
            return &findings->item[i];
    return NULL;
}

bool findings_bad(const struct findings *findings)
{
    for (unsigned i = 0; i < findings->count; i++)
        if (findings->item[i].level == FINDING_ERROR)
            return true;
    return false;
}
