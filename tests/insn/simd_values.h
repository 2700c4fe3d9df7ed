/* SPDX-License-Identifier: Apache-2.0 */
/* Random values that matter to floating-point and vector instructions. */
#ifndef ARMVM_TESTS_INSN_SIMD_VALUES_H
#define ARMVM_TESTS_INSN_SIMD_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/v128.h"

/* xorshift64*: the same sequence everywhere. */
uint64_t simd_random(uint64_t *seed);
/* A number of `bits` (16, 32, 64): zeros, infinities, NaNs of both kinds, denormals, the largest
 * and smallest, small integers, what is near the limits of integers, and any. */
uint64_t simd_fp_value(uint64_t *seed, unsigned bits);
/* A vector of such numbers, of integer corner cases, of shift counts or of anything. */
union v128 simd_vector(uint64_t *seed);
/* Of half-precision or BFloat16 numbers. */
union v128 simd_half_vector(uint64_t *seed, bool bfloat);

#endif
