/* SPDX-License-Identifier: Apache-2.0 */
/* A machine from its configuration to its end. */
#ifndef ARMVM_VM_VM_H
#define ARMVM_VM_VM_H

#include <stddef.h>
#include <stdio.h>

struct error;
struct vm;
struct vm_config;

/* Exit statuses of the program. Ended by a signal: 128 + its number, as the shell has it. */
enum {
    VM_EXIT_OFF = 0,    /* the guest powered off; --expect matched */
    VM_EXIT_FAILED = 1, /* the guest ended without --expect's match */
    VM_EXIT_USAGE = 2,  /* the command line */
    VM_EXIT_HOST = 3,   /* the host or a file */
    VM_EXIT_TIMEOUT = 124,
    VM_EXIT_SIGNAL = 128,
};

/* Opens everything and builds the machine; nothing runs. Blocks the signals that vm_run handles.
 * On error one line; *status is the exit status that belongs to it. */
int vm_create(const struct vm_config *config, struct vm **vm, int *status, struct error *err);
void vm_destroy(struct vm *vm);

/* Runs it to the end; returns the exit status. Must be the thread that created it. */
int vm_run(struct vm *vm);

/* What would run, one line a fact (--dry-run). */
void vm_print_plan(struct vm *vm, FILE *out);

/* The device tree as the guest will find it; owned by the machine. */
const void *vm_fdt(const struct vm *vm, size_t *size);

/* Calls visit with each ACPI table that the machine has, until an error: its signature in lower
 * case, its contents (addresses of other tables are not set). */
int vm_acpi(struct vm *vm,
            int (*visit)(void *ctx, const char *name, const void *table, size_t size,
                         struct error *err),
            void *ctx, struct error *err);

#endif
