/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_ENGINE_JIT_DISASM_H
#define ARMVM_ENGINE_JIT_DISASM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Prints code, one instruction a line, as guest (A64) or host (x86-64) assembler; as bytes where
 * there is no disassembler. */
void disasm_guest(FILE *out, const uint8_t *code, size_t len, uint64_t address);
void disasm_host(FILE *out, const uint8_t *code, size_t len, uint64_t address);

#endif
