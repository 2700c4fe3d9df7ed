/* SPDX-License-Identifier: Apache-2.0 */
/* The options that all checks have in common: by which text, and what becomes of the report. */
#ifndef ARMVM_CMD_CHECK_REPORT_H
#define ARMVM_CMD_CHECK_REPORT_H

#include "cmd/options.h"

/* First in the structure that a command's options fill. */
struct check_output {
    const char *output; /* NULL: standard output */
    unsigned profile;   /* enum check_profile */
    unsigned format;    /* enum report_format */
};

extern const struct option check_report_options[];

#endif
