/* SPDX-License-Identifier: Apache-2.0 */
/* The options that the checks of machines and of guests have in common. */
#ifndef ARMVM_CMD_CHECK_MACHINES_H
#define ARMVM_CMD_CHECK_MACHINES_H

#include <stdbool.h>

#include "check/vm/vm.h"
#include "cmd/check_report.h"
#include "cmd/options.h"

struct error;

/* First in the structure that a command's options fill. */
struct check_machines {
    struct check_output report; /* first */
    struct vm_check check;
    bool list, quiet, armvm_only; /* an option was given that is about armvm's machines */
};

/* Which of armvm's machines; for the report, after check_report_options. Both without a heading of
 * their own at the beginning. */
extern const struct option check_machine_options[], check_quiet_options[];

int check_set_text(const char **to, const char *value, struct error *err);
int check_set_quick(void *ctx, const char *value, struct error *err);
int check_set_cpus(void *ctx, const char *value, struct error *err);
int check_set_tables(void *ctx, const char *value, struct error *err);
int check_set_timeout(void *ctx, const char *value, struct error *err);

/* Looks at the firmware for what the report says about it. */
void check_machines_complete(struct check_machines *config);
/* -EINVAL: there is no such machine. */
int check_machines_usage(const struct check_machines *config, struct error *err);

#endif
