/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of guest memory, as C code reads and writes them while vCPUs do the same. */
#ifndef ARMVM_ENGINE_JIT_BYTES_H
#define ARMVM_ENGINE_JIT_BYTES_H

#include <stdint.h>

/* Between guest memory at host and a buffer, with the architecture's single-copy atomicity. */
void jit_bytes_load(uint8_t *to, const uint8_t *host, uint32_t size);
void jit_bytes_store(uint8_t *host, const uint8_t *from, uint32_t size);

/* 2, 4 or 8 bytes that lie unaligned within 16 aligned ones, by one move of the host. */
uint64_t jit_bytes_load_odd(const uint8_t *host, uint32_t size);

#endif
