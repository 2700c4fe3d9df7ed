/* SPDX-License-Identifier: Apache-2.0 */
/* Tracing by category (`--trace exc,mmu`). A trace is created by the command and passed down. */
#ifndef ARMVM_BASE_TRACE_H
#define ARMVM_BASE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct error;

enum trace_category {
    TRACE_EXC,    /* exceptions taken and returned from */
    TRACE_MMU,    /* translations, faults, TLB maintenance */
    TRACE_IRQ,    /* interrupt lines, GIC, timers */
    TRACE_DEV,    /* device register accesses */
    TRACE_VIRTIO, /* virtqueues */
    TRACE_PSCI,   /* PSCI and SMCCC calls */
    TRACE_CODE,   /* translated regions: guest instructions, IR, host code */
    TRACE_UNIMP,  /* what the guest asked for and is not there */
    TRACE_CATEGORIES
};

struct trace {
    unsigned mask; /* bit per category */
    FILE *out;     /* one line an event; stdio's own lock keeps lines whole */
};

/* Parses a comma-separated list ("exc,irq" or "all"). Unknown names give -EINVAL with the list. */
int trace_parse(struct trace *trace, const char *list, struct error *err);

/* True when the category is wanted; trace may be NULL. */
static inline bool trace_on(const struct trace *trace, enum trace_category category)
{
    return trace && (trace->mask >> category & 1);
}

/* Prints one line, with the category's name in front and a newline behind. */
void trace_print(const struct trace *trace, enum trace_category category, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
