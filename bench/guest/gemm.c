// SPDX-License-Identifier: Apache-2.0
// Products of matrices: single precision by a 4 by 16 tile, double precision as the compiler does
// it.
#pragma GCC optimize("O3")

#include <stdlib.h>

#include "vectors.h"
#ifdef __aarch64__
#include <arm_neon.h>
#endif

enum { N = 128 };

#ifdef __aarch64__
static void tile(const float *a, const float *b, float *c)
{
    float32x4_t sum[4][4];
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++)
            sum[i][j] = vdupq_n_f32(0);
    }
    for (int k = 0; k < N; k++) {
        float32x4_t row[4];
        for (int j = 0; j < 4; j++)
            row[j] = vld1q_f32(b + k * N + 4 * j);
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++)
                sum[i][j] = vfmaq_n_f32(sum[i][j], row[j], a[i * N + k]);
        }
    }
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++)
            vst1q_f32(c + i * N + 4 * j, sum[i][j]);
    }
}
#else
static void tile(const float *a, const float *b, float *c)
{
    float sum[4][16] = {{0}};
    for (int k = 0; k < N; k++) {
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 16; j++)
                sum[i][j] = __builtin_fmaf(b[k * N + j], a[i * N + k], sum[i][j]);
        }
    }
    for (int i = 0; i < 4; i++)
        memcpy(c + i * N, sum[i], sizeof(sum[i]));
}
#endif

uint64_t vector_sgemm(unsigned amount)
{
    float *a = must_alloc(3 * N * N * sizeof(*a)), *b = a + N * N, *c = b + N * N;
    uint64_t seed = 11, sum = 0;
    for (int i = 0; i < 2 * N * N; i++)
        a[i] = (float)(int32_t)next_random(&seed) / 1e9f;
    while (amount--) {
        for (int i = 0; i < N; i += 4) {
            for (int j = 0; j < N; j += 16)
                tile(a + i * N, b + j, c + i * N + j);
        }
        sum = mix_bytes(sum, c, N * N * sizeof(*c));
        memcpy(a + amount % N * N, c + amount % N * N, N * sizeof(*c));
        for (int j = 0; j < N; j++)
            a[amount % N * N + j] *= 1e-2f;
    }
    free(a);
    return sum;
}

uint64_t vector_dgemm_plain(unsigned amount)
{
    double *a = must_alloc(3 * N * N * sizeof(*a)), *b = a + N * N, *c = b + N * N;
    uint64_t seed = 12, sum = 0;
    for (int i = 0; i < 2 * N * N; i++)
        a[i] = (double)(int32_t)next_random(&seed) / 1e9;
    while (amount--) {
        memset(c, 0, N * N * sizeof(*c));
        for (int i = 0; i < N; i++) {
            for (int k = 0; k < N; k++) {
                double x = a[i * N + k];
                for (int j = 0; j < N; j++)
                    c[i * N + j] = __builtin_fma(x, b[k * N + j], c[i * N + j]);
            }
        }
        sum = mix_bytes(sum, c, N * N * sizeof(*c));
        a[amount % (N * N)] += 1;
    }
    free(a);
    return sum;
}
