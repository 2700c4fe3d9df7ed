/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ARM VM System Specification as requirements that can be tested: one table, which the checks,
 * the reports and docs/check.md share.
 */
#ifndef ARMVM_CHECK_REQUIREMENT_H
#define ARMVM_CHECK_REQUIREMENT_H

#include <stddef.h>

/* The specification's texts; docs/check.md says what differs. */
enum check_profile { PROFILE_RFC_V2, PROFILE_V1_0, PROFILE_V2_0, PROFILES };

enum check_level {
    LEVEL_NONE, /* not in this profile */
    LEVEL_RECOMMENDED,
    LEVEL_STRONG, /* strongly recommended */
    LEVEL_MUST,
};

struct requirement {
    const char *id; /* "I1"; the letter is the group */
    const char *title;
    enum check_level level[PROFILES];
    const char *clause; /* of the specification, and of UEFI where that one leaves it to UEFI */
    const char *fix;    /* how it is usually mended */
    const char *alias;  /* the older tool's name of it (vmspec-tools); NULL: none */
};

/* In the order of reports. */
const struct requirement *requirement_at(size_t index); /* NULL behind the last */
/* By id or alias; NULL: no such requirement. */
const struct requirement *requirement_find(const char *id);
size_t requirement_index(const struct requirement *requirement);

/* "Disk image", by the id's letter. */
const char *requirement_group(const struct requirement *requirement);
/* "must", "strongly recommended", ... and the short "M", "SR", "R", "-". */
const char *check_level_name(enum check_level level);
const char *check_level_short(enum check_level level);
/* "rfc-v2", "v1.0", "v2.0"; NULL ends the list. */
const char *const *check_profile_names(void);

#endif
