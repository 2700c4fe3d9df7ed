/* SPDX-License-Identifier: Apache-2.0 */
#include "image/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void findings_add(struct findings *findings, enum finding_level level, const char *id,
                  const char *fmt, ...)
{
    struct finding *finding;
    va_list ap;

    if (findings->count == FINDINGS_MAX) {
        findings->left_out++;
        return;
    }
    finding = &findings->item[findings->count++];
    finding->level = level;
    finding->id = id;
    va_start(ap, fmt);
    vsnprintf(finding->text, sizeof(finding->text), fmt, ap);
    va_end(ap);
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
