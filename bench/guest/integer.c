// SPDX-License-Identifier: Apache-2.0
#include "integer.h"

const struct kernel bench_integer[] = {
    {"sieve", integer_sieve, 12},
    {"quicksort", integer_quicksort, 6},
    {"qsort-libc", integer_qsort, 3},
    {"hash-table", integer_hash, 20},
    {"hash-strings", integer_strings, 100},
    {"linked-list", integer_list, 12},
    {"binary-trees", integer_trees, 10},
    {"recursion", integer_recursion, 36},
    {"queens", integer_queens, 12},
    {"indirect-calls", integer_indirect, 40000},
    {"bits", integer_bits, 800},
    {"interpreter-switch", integer_switch, 400},
    {"interpreter-goto", integer_goto, 400},
    {"list-matrix-state-crc", integer_mix, 1200},
    {NULL, NULL, 0},
};
