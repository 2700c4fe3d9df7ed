/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the probe on one machine: it is started, typed to, started again after it switched the
 * power off, and ended when it does not come to its end. */
#ifndef ARMVM_CHECK_VM_SESSION_H
#define ARMVM_CHECK_VM_SESSION_H

#include <stdint.h>
#include <stdio.h>

struct error;
struct process_signals;
struct report;

struct session_config {
    const char *const *first, *const
                                  *again; /* argv of the first start, of that after the power off */
    uint64_t timeout_ns;                  /* of each start */
    struct process_signals *signals;
    FILE *log;             /* everything that the machine prints; or NULL */
    struct report *report; /* where the results go */
    /* Between the power off and the next start; or NULL. */
    int (*between)(void *ctx, struct error *err);
    void *ctx;
};

/* What the machine does wrong goes to the report. Negative errno: it could not be looked at (the
 * program does not start; -EINTR). */
int session_run(const struct session_config *config, struct error *err);

/* Starts a machine until the probe says which boot of its run this is, and ends it: 1 to 4; 0: it
 * never did. */
int session_peek(const struct session_config *config, const char *const *argv, unsigned *boot,
                 struct error *err);

#endif
