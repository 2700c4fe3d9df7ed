// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

const struct kernel bench_vectors[] = {
    {"sgemm", vector_sgemm, 20},
    {"dgemm-autovector", vector_dgemm_plain, 20},
    {"image-blur", vector_blur, 100},
    {"memcpy", vector_memcpy, 4000},
    {"strlen", vector_strlen, 200},
    {"memchr", vector_memchr, 300},
    {"memcmp-memset", vector_compare, 1500},
    {"video-sad", vector_sad, 30},
    {"video-dct", vector_dct, 300},
    {"blend-saturating-8", vector_blend, 400},
    {"fir-saturating-16", vector_fir, 150},
    {"table-lookup", vector_lookup, 200},
    {"histogram-sum", vector_histogram, 400},
    {NULL, NULL, 0},
};
