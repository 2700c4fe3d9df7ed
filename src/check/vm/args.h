/* SPDX-License-Identifier: Apache-2.0 */
/* A command line whose words may have been made: `armvm run` for one of armvm's machines, or
 * another hypervisor's. */
#ifndef ARMVM_CHECK_VM_ARGS_H
#define ARMVM_CHECK_VM_ARGS_H

#include "check/vm/instance.h"

struct vm_check;
struct vm_variant;

enum { ARGS = 80, ARGS_TEXTS = 8 };

struct args {
    const char *word[ARGS]; /* ends with NULL */
    unsigned count;
    char text[ARGS_TEXTS][INSTANCE_PATH + 32];
    unsigned texts;
    char *line; /* of another hypervisor */
};

void args_add(struct args *args, const char *word);
void args_number(struct args *args, const char *option, unsigned long n);
/* --disk for a raw image. */
void args_disk(struct args *args, const char *path);
/* Begins anew: armvm run IMAGE as the variant and the check have it. */
void args_run(struct args *args, const struct vm_check *check, const struct vm_variant *v,
              const char *image);

#endif
