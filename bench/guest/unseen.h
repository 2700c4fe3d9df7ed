// SPDX-License-Identifier: Apache-2.0
// Kernels that nobody tunes for: they show whether the ratios of the others hold elsewhere.
#pragma once
#include "kernel.h"

uint64_t unseen_life(unsigned amount);
uint64_t unseen_compress(unsigned amount);
uint64_t unseen_digits(unsigned amount);
uint64_t unseen_distance(unsigned amount);
uint64_t unseen_sha1(unsigned amount);
uint64_t unseen_tape(unsigned amount);
uint64_t unseen_paths(unsigned amount);
uint64_t unseen_sudoku(unsigned amount);
uint64_t unseen_tsearch(unsigned amount);
uint64_t unseen_match(unsigned amount);
uint64_t unseen_rays(unsigned amount);
uint64_t unseen_heat(unsigned amount);
uint64_t unseen_printf(unsigned amount);
