// SPDX-License-Identifier: Apache-2.0
// The kernels of vector work. Those with intrinsics of AArch64 compute the same in plain C
// elsewhere.
#pragma once
#include "kernel.h"

uint64_t vector_sgemm(unsigned amount);
uint64_t vector_dgemm_plain(unsigned amount);
uint64_t vector_blur(unsigned amount);
uint64_t vector_memcpy(unsigned amount);
uint64_t vector_strlen(unsigned amount);
uint64_t vector_memchr(unsigned amount);
uint64_t vector_compare(unsigned amount);
uint64_t vector_sad(unsigned amount);
uint64_t vector_dct(unsigned amount);
uint64_t vector_blend(unsigned amount);
uint64_t vector_fir(unsigned amount);
uint64_t vector_lookup(unsigned amount);
uint64_t vector_histogram(unsigned amount);
