/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `armvm check vm`: the probe runs on machines, armvm's own in each configuration that is asked
 * for, or any that a command starts; what it says, and what only shows from outside, becomes a
 * report.
 */
#ifndef ARMVM_CHECK_VM_VM_H
#define ARMVM_CHECK_VM_VM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct error;
struct report;

enum { VM_CHECK_VARIANTS = 64, VM_CHECK_WORDS = 32, VM_CHECK_NAME = 80 };
enum vm_tables { VM_TABLES_TREE, VM_TABLES_ACPI, VM_TABLES_BOTH };

struct vm_check {
    const char *armvm;   /* the program */
    const char *command; /* another hypervisor's command line; NULL: armvm */
    const char *vars;    /* what {vars} begins with; NULL: zeroes */
    /* armvm's machines: 0 and NULL stand for every variant, or armvm's default. */
    unsigned gic, cpus;
    const char *bus, *console, *firmware;
    enum vm_tables tables;
    bool quick;
    bool uart_kept; /* machines with a virtio console have a PL011 as well, which nobody hears */
    const char *more[VM_CHECK_WORDS]; /* further options of `armvm run` */
    unsigned mores;
    uint64_t timeout_ns;
    FILE *log;                                               /* what machines print; or NULL */
    void (*progress)(void *ctx, const char *line, bool end); /* a line, or its end; or NULL */
    void *ctx;
};

/* One of armvm's machines. */
struct vm_variant {
    unsigned gic, cpus;
    bool pci, acpi, virtio_console;
    char name[VM_CHECK_NAME];
};
/* What goes to the report about a virtio console's machine. */
const char *vm_console_fact(const struct vm_check *check);
/* Those that are asked for; returns how many. */
unsigned vm_variants(const struct vm_check *check, struct vm_variant *variant);

/* Negative errno: it could not be looked at. */
int vm_check_run(const struct vm_check *check, struct report *report, struct error *err);

#endif
