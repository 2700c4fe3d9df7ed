// SPDX-License-Identifier: Apache-2.0
#include "unseen.h"

const struct kernel bench_unseen[] = {
    {"life", unseen_life, 60},
    {"lz-compress", unseen_compress, 6},
    {"digits-of-e", unseen_digits, 1500},
    {"edit-distance", unseen_distance, 12},
    {"sha1-portable", unseen_sha1, 5},
    {"tape-machine", unseen_tape, 80},
    {"shortest-paths", unseen_paths, 12},
    {"sudoku", unseen_sudoku, 200},
    {"tsearch", unseen_tsearch, 3},
    {"pattern-match", unseen_match, 60},
    {"ray-caster", unseen_rays, 500},
    {"heat-float", unseen_heat, 120},
    {"printf-strtod", unseen_printf, 30000},
    {NULL, NULL, 0},
};
