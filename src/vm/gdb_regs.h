/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of a PE in the order and form that GDB's AArch64 target description gives them. */
#ifndef ARMVM_VM_GDB_REGS_H
#define ARMVM_VM_GDB_REGS_H

#include <stddef.h>

struct arm_cpu;

/* X0..X30, SP, PC, CPSR, V0..V31, FPSR, FPCR. */
enum { GDB_REGS = 68, GDB_REG_MAX = 16 };

/* Writes the target description and returns its length (cut at size). */
size_t gdb_target_xml(char *buf, size_t size);

/* Copies register n (little-endian) and returns its size; 0 if there is no such register. */
size_t gdb_reg_size(unsigned n);
size_t gdb_reg_read(const struct arm_cpu *cpu, unsigned n, void *buf);
/* Takes gdb_reg_size(n) bytes. 0, or -EINVAL: no such register, or not a value it may have. */
int gdb_reg_write(struct arm_cpu *cpu, unsigned n, const void *buf);

#endif
