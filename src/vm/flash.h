/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a machine's flash: firmware, and the file that keeps its variables. */
#ifndef ARMVM_VM_FLASH_H
#define ARMVM_VM_FLASH_H

#include "vm/firmware.h"

struct error;
struct nv;
struct vm_config;

struct flash {
    struct firmware firmware;
    struct nv *code, *vars; /* NULL: the machine has no firmware */
    char *vars_path;        /* NULL: variables are not kept */
};

/* Finds and opens what the configuration asks for, into *flash, which was zero. It is to be closed
 * on errors, too. */
int flash_open(const struct vm_config *config, struct flash *flash, struct error *err);
void flash_close(struct flash *flash);

#endif
