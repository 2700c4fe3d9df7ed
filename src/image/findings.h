/* SPDX-License-Identifier: Apache-2.0 */
/* What an inspection found wrong: kept, not printed, so that every caller can judge it. */
#ifndef ARMVM_IMAGE_FINDINGS_H
#define ARMVM_IMAGE_FINDINGS_H

#include <stdbool.h>

enum { FINDINGS_MAX = 24 };

enum finding_level {
    FINDING_NOTE,  /* unusual, but the specification allows it */
    FINDING_ERROR, /* the specification forbids it */
};

struct finding {
    enum finding_level level;
    const char *id; /* stable, for programs: "gpt-primary-crc" */
    char text[160]; /* for people: one line, printable */
};

struct findings {
    struct finding item[FINDINGS_MAX];
    unsigned count;
    unsigned left_out; /* beyond FINDINGS_MAX */
};

void findings_add(struct findings *findings, enum finding_level level, const char *id,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The finding of this name, or NULL. */
const struct finding *findings_find(const struct findings *findings, const char *id);
/* Whether any is an error. */
bool findings_bad(const struct findings *findings);

#endif
