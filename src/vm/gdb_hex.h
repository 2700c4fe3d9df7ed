/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and bytes as the GDB protocol writes them. */
#ifndef ARMVM_VM_GDB_HEX_H
#define ARMVM_VM_GDB_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes two digits a byte, no NUL; returns the end. */
char *gdb_to_hex(char *out, const uint8_t *in, size_t len);
/* Decodes up to len bytes; returns how many there were. in is NUL-terminated. */
size_t gdb_from_hex(uint8_t *out, const char *in, size_t len);

/* A hexadecimal number, moving *in behind it and behind one of the separators given. */
bool gdb_number(const char **in, const char *separators, uint64_t *value);

#endif
