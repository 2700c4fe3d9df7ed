// SPDX-License-Identifier: Apache-2.0
// Pictures: a 3 by 3 blur, blending with saturation, a table applied to bytes, a histogram's sums.
#pragma GCC optimize("O3")

#include <stdlib.h>

#include "vectors.h"
#ifdef __aarch64__
#include <arm_neon.h>
#endif

enum { WIDTH = 512, HEIGHT = 256, PIXELS = WIDTH * HEIGHT };

static uint8_t *picture(uint64_t seed)
{
    uint8_t *p = must_alloc(PIXELS);
    for (int i = 0; i < PIXELS; i++)
        p[i] = (uint8_t)(next_random(&seed) >> 33);
    return p;
}

#ifdef __aarch64__
static void blur_row(const uint8_t *in, uint8_t *out)
{
    for (int x = 8; x + 16 <= WIDTH; x += 8) {
        uint16x8_t sum = vdupq_n_u16(8);
        for (int dy = -1; dy <= 1; dy++) {
            const uint8_t *row = in + dy * WIDTH + x;
            uint16x8_t line = vaddl_u8(vld1_u8(row - 1), vld1_u8(row + 1));
            line = vaddq_u16(line, vshll_n_u8(vld1_u8(row), 1));
            sum = dy ? vaddq_u16(sum, line) : vaddq_u16(sum, vshlq_n_u16(line, 1));
        }
        vst1_u8(out + x, vshrn_n_u16(sum, 4));
    }
}

static void blend_row(const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    for (int x = 0; x < WIDTH; x += 16) {
        uint8x16_t p = vld1q_u8(a + x), q = vld1q_u8(b + x);
        uint8x16_t sum = vqaddq_u8(vshrq_n_u8(p, 1), q), less = vqsubq_u8(p, q);
        vst1q_u8(out + x, vmaxq_u8(vrhaddq_u8(sum, less), vminq_u8(p, vabdq_u8(p, q))));
    }
}

static void look_up_row(const uint8_t *table, uint8_t *p)
{
    uint8x16x4_t t[2];
    for (int i = 0; i < 8; i++)
        t[i / 4].val[i % 4] = vld1q_u8(table + 16 * i);
    for (int x = 0; x < WIDTH; x += 16) {
        uint8x16_t at = vandq_u8(vld1q_u8(p + x), vdupq_n_u8(127));
        uint8x16_t low = vqtbl4q_u8(t[0], at);
        vst1q_u8(p + x, vqtbx4q_u8(low, t[1], vsubq_u8(at, vdupq_n_u8(64))));
    }
}

static uint32_t sums(const uint8_t *p)
{
    uint32x4_t above = vdupq_n_u32(0), squares = vdupq_n_u32(0);
    for (int x = 0; x < WIDTH; x += 16) {
        uint8x16_t v = vld1q_u8(p + x), mask = vcgtq_u8(v, vdupq_n_u8(100));
        above = vpadalq_u16(above, vpaddlq_u8(vandq_u8(mask, v)));
        squares = vpadalq_u16(squares, vmull_u8(vget_low_u8(v), vget_low_u8(v)));
        squares = vpadalq_u16(squares, vmull_high_u8(v, v));
    }
    return vaddvq_u32(above) * 31 + vaddvq_u32(squares);
}
#else
static void blur_row(const uint8_t *in, uint8_t *out)
{
    for (int x = 8; x + 16 <= WIDTH; x += 8) {
        for (int i = x; i < x + 8; i++) {
            unsigned sum = 8;
            for (int dy = -1; dy <= 1; dy++) {
                const uint8_t *row = in + dy * WIDTH + i;
                sum += (row[-1] + row[1] + 2u * row[0]) << !dy;
            }
            out[i] = (uint8_t)(sum >> 4);
        }
    }
}

static void blend_row(const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    for (int x = 0; x < WIDTH; x++) {
        unsigned p = a[x], q = b[x], sum = p / 2 + q, less = p > q ? p - q : 0,
                 apart = p > q ? p - q : q - p;
        unsigned mean = ((sum > 255 ? 255 : sum) + less + 1) / 2, least = p < apart ? p : apart;
        out[x] = (uint8_t)(mean > least ? mean : least);
    }
}

static void look_up_row(const uint8_t *table, uint8_t *p)
{
    for (int x = 0; x < WIDTH; x++)
        p[x] = table[p[x] & 127];
}

static uint32_t sums(const uint8_t *p)
{
    uint32_t above = 0, squares = 0;
    for (int x = 0; x < WIDTH; x++) {
        above += p[x] > 100 ? p[x] : 0;
        squares += (uint32_t)p[x] * p[x];
    }
    return above * 31 + squares;
}
#endif

uint64_t vector_blur(unsigned amount)
{
    uint8_t *a = picture(31), *b = picture(32);
    while (amount--) {
        for (int y = 1; y < HEIGHT - 1; y++)
            blur_row(a + y * WIDTH, b + y * WIDTH);
        uint8_t *t = a;
        a = b;
        b = t;
    }
    uint64_t sum = mix_bytes(0, a, PIXELS);
    free(a);
    free(b);
    return sum;
}

uint64_t vector_blend(unsigned amount)
{
    uint8_t *a = picture(33), *b = picture(34);
    while (amount--) {
        for (int y = 0; y < HEIGHT; y++)
            blend_row(a + y * WIDTH, b + y * WIDTH, a + y * WIDTH);
    }
    uint64_t sum = mix_bytes(0, a, PIXELS);
    free(a);
    free(b);
    return sum;
}

uint64_t vector_lookup(unsigned amount)
{
    uint8_t *p = picture(35), table[128];
    for (int i = 0; i < 128; i++)
        table[i] = (uint8_t)(i * 73 + 19);
    while (amount--) {
        for (int y = 0; y < HEIGHT; y++)
            look_up_row(table, p + y * WIDTH);
    }
    uint64_t sum = mix_bytes(0, p, PIXELS);
    free(p);
    return sum;
}

uint64_t vector_histogram(unsigned amount)
{
    uint8_t *p = picture(36);
    uint64_t sum = 0;
    while (amount--) {
        for (int y = 0; y < HEIGHT; y++)
            sum = sum * 3 + sums(p + y * WIDTH);
        p[amount % PIXELS]++;
    }
    free(p);
    return mix_in(0, sum);
}
