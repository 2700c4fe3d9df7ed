// SPDX-License-Identifier: Apache-2.0
// The kernels of integer work, one idea a file.
#pragma once
#include "kernel.h"

uint64_t integer_sieve(unsigned amount);
uint64_t integer_quicksort(unsigned amount);
uint64_t integer_qsort(unsigned amount);
uint64_t integer_hash(unsigned amount);
uint64_t integer_strings(unsigned amount);
uint64_t integer_list(unsigned amount);
uint64_t integer_trees(unsigned amount);
uint64_t integer_recursion(unsigned amount);
uint64_t integer_queens(unsigned amount);
uint64_t integer_indirect(unsigned amount);
uint64_t integer_bits(unsigned amount);
uint64_t integer_switch(unsigned amount);
uint64_t integer_goto(unsigned amount);
uint64_t integer_mix(unsigned amount);
