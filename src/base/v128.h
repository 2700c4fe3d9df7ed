/* SPDX-License-Identifier: Apache-2.0 */
/* A 128-bit vector as the architecture sees it: lane 0 is the least significant. */
#ifndef ARMVM_BASE_V128_H
#define ARMVM_BASE_V128_H

#include <stdint.h>

union v128 {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t s[4];
    uint64_t d[2];
    int8_t sb[16];
    int16_t sh[8];
    int32_t ss[4];
    int64_t sd[2];
} __attribute__((aligned(16)));

#endif
