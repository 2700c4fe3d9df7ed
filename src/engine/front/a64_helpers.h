/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that A64 translations call, by number. The rows stand in a64_helpers.def (base
 * instructions) and a64_simd_helpers.def (floating point and vectors):
 *   HELPER(NAME, function, flags)   called with `call`
 *   VHELPER(NAME, function, flags)  called with `callv`
 */
#ifndef ARMVM_ENGINE_FRONT_A64_HELPERS_H
#define ARMVM_ENGINE_FRONT_A64_HELPERS_H

#include <stdint.h>

#include "base/v128.h"

enum a64_helper {
#define HELPER(name, function, flags) A64_HELPER_##name,
#define VHELPER(name, function, flags) A64_HELPER_##name,
#include "engine/front/a64_helpers.def"
#include "engine/front/a64_simd_helpers.def"
#undef HELPER
#undef VHELPER
    A64_HELPERS
};

#define HELPER(name, function, flags) uint64_t function(void *cpu, uint64_t a, uint64_t b, uint64_t c);
#define VHELPER(name, function, flags) void function(void *cpu, union v128 v[4], uint32_t aux);
#include "engine/front/a64_helpers.def"
#include "engine/front/a64_simd_helpers.def"
#undef HELPER
#undef VHELPER

#endif
