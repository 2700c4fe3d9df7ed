// SPDX-License-Identifier: Apache-2.0
// Video and sound: sums of absolute differences in a motion search, an 8 by 8 cosine transform in
// 16-bit lanes, and a filter of 16-bit samples with saturating, rounding products.
#pragma GCC optimize("O3")

#include <stdlib.h>

#include "vectors.h"
#ifdef __aarch64__
#include <arm_neon.h>
#endif

enum { WIDTH = 256, HEIGHT = 128 };

#ifdef __aarch64__
static uint32_t difference(const uint8_t *a, const uint8_t *b)
{
    uint16x8_t sum = vdupq_n_u16(0);
    for (int y = 0; y < 16; y++, a += WIDTH, b += WIDTH) {
        uint8x16_t p = vld1q_u8(a), q = vld1q_u8(b);
        sum = vabal_u8(sum, vget_low_u8(p), vget_low_u8(q));
        sum = vabal_high_u8(sum, p, q);
    }
    return vaddlvq_u16(sum);
}
#else
static uint32_t difference(const uint8_t *a, const uint8_t *b)
{
    uint32_t sum = 0;
    for (int y = 0; y < 16; y++, a += WIDTH, b += WIDTH) {
        for (int x = 0; x < 16; x++)
            sum += (uint32_t)abs(a[x] - b[x]);
    }
    return sum;
}
#endif

uint64_t vector_sad(unsigned amount)
{
    uint8_t *a = must_alloc(2 * WIDTH * HEIGHT), *b = a + WIDTH * HEIGHT;
    uint64_t seed = 41, sum = 0;
    for (int i = 0; i < 2 * WIDTH * HEIGHT; i++)
        a[i] = (uint8_t)(next_random(&seed) >> 33);
    while (amount--) {
        for (int block = 0; block < 32; block++) {
            const uint8_t *from = a + (block / 8 * 16 + 8) * WIDTH + block % 8 * 24 + 8;
            uint32_t best = UINT32_MAX;
            for (int dy = -8; dy < 8; dy++) {
                for (int dx = -8; dx < 8; dx++) {
                    uint32_t apart = difference(from, b + (from - a) + dy * WIDTH + dx);
                    best = apart < best ? apart : best;
                }
            }
            sum = mix_in(sum, best);
        }
        b[amount * 131 % (WIDTH * HEIGHT)] ^= 0x55;
    }
    free(a);
    return sum;
}

// One pass over columns: sums and differences, and turns by fixed angles as rounding high products.
#ifdef __aarch64__
typedef int16x8_t lanes;
static lanes add(lanes a, lanes b)
{
    return vqaddq_s16(a, b);
}
static lanes sub(lanes a, lanes b)
{
    return vqsubq_s16(a, b);
}
static lanes scale(lanes a, int16_t by)
{
    return vqrdmulhq_n_s16(a, by);
}
static lanes half(lanes a)
{
    return vrshrq_n_s16(a, 1);
}
static lanes load(const int16_t *p)
{
    return vld1q_s16(p);
}
static void store(int16_t *p, lanes a)
{
    vst1q_s16(p, a);
}

static void transpose(int16_t *p)
{
    int16x8_t r[8], t[8];
    for (int i = 0; i < 8; i++)
        r[i] = vld1q_s16(p + 8 * i);
    for (int i = 0; i < 8; i += 2) {
        t[i] = vtrn1q_s16(r[i], r[i + 1]);
        t[i + 1] = vtrn2q_s16(r[i], r[i + 1]);
    }
    int32x4_t w[8];
    for (int i = 0; i < 8; i++) {
        int32x4_t a = vreinterpretq_s32_s16(t[i & ~2]), b = vreinterpretq_s32_s16(t[i | 2]);
        w[i] = i & 2 ? vtrn2q_s32(a, b) : vtrn1q_s32(a, b);
    }
    for (int i = 0; i < 8; i++) {
        int64x2_t a = vreinterpretq_s64_s32(w[i & 3]), b = vreinterpretq_s64_s32(w[(i & 3) + 4]);
        vst1q_s16(p + 8 * i, vreinterpretq_s16_s64(i & 4 ? vtrn2q_s64(a, b) : vtrn1q_s64(a, b)));
    }
}
#else
typedef struct {
    int16_t lane[8];
} lanes;

static int16_t clamp(int32_t value)
{
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

static lanes add(lanes a, lanes b)
{
    for (int i = 0; i < 8; i++)
        a.lane[i] = clamp(a.lane[i] + b.lane[i]);
    return a;
}

static lanes sub(lanes a, lanes b)
{
    for (int i = 0; i < 8; i++)
        a.lane[i] = clamp(a.lane[i] - b.lane[i]);
    return a;
}

static lanes scale(lanes a, int16_t by)
{
    for (int i = 0; i < 8; i++)
        a.lane[i] = clamp((a.lane[i] * by + (1 << 14)) >> 15);
    return a;
}

static lanes half(lanes a)
{
    for (int i = 0; i < 8; i++)
        a.lane[i] = (int16_t)((a.lane[i] + 1) >> 1);
    return a;
}

static lanes load(const int16_t *p)
{
    lanes a;
    memcpy(&a, p, sizeof(a));
    return a;
}

static void store(int16_t *p, lanes a)
{
    memcpy(p, &a, sizeof(a));
}

static void transpose(int16_t *p)
{
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < i; j++) {
            int16_t t = p[8 * i + j];
            p[8 * i + j] = p[8 * j + i];
            p[8 * j + i] = t;
        }
    }
}
#endif

static void pass(int16_t *p)
{
    lanes s[4], d[4];
    for (int i = 0; i < 4; i++) {
        lanes a = load(p + 8 * i), b = load(p + 8 * (7 - i));
        s[i] = half(add(a, b));
        d[i] = half(sub(a, b));
    }
    lanes s03 = add(s[0], s[3]), d03 = sub(s[0], s[3]), s12 = add(s[1], s[2]),
          d12 = sub(s[1], s[2]);
    store(p, scale(add(s03, s12), 23170));
    store(p + 32, scale(sub(s03, s12), 23170));
    store(p + 16, add(scale(d03, 30274), scale(d12, 12540)));
    store(p + 48, sub(scale(d03, 12540), scale(d12, 30274)));
    store(p + 8, add(add(scale(d[0], 32138), scale(d[1], 27246)),
                     add(scale(d[2], 18205), scale(d[3], 6393))));
    store(p + 24, sub(sub(scale(d[0], 27246), scale(d[1], 6393)),
                      add(scale(d[2], 32138), scale(d[3], 18205))));
    store(p + 40, add(sub(scale(d[0], 18205), scale(d[1], 32138)),
                      add(scale(d[2], 6393), scale(d[3], 27246))));
    store(p + 56, add(sub(scale(d[0], 6393), scale(d[1], 18205)),
                      sub(scale(d[2], 27246), scale(d[3], 32138))));
}

uint64_t vector_dct(unsigned amount)
{
    enum { BLOCKS = 512 };
    int16_t *p = must_alloc(BLOCKS * 64 * sizeof(*p));
    uint64_t seed = 42;
    for (int i = 0; i < BLOCKS * 64; i++)
        p[i] = (int16_t)(next_random(&seed) >> 48);
    while (amount--) {
        for (int block = 0; block < BLOCKS; block++) {
            for (int direction = 0; direction < 2; direction++) {
                pass(p + 64 * block);
                transpose(p + 64 * block);
            }
            p[64 * block + amount % 64] ^= 0x2aaa;
        }
    }
    uint64_t sum = mix_bytes(0, p, BLOCKS * 64 * sizeof(*p));
    free(p);
    return sum;
}

uint64_t vector_fir(unsigned amount)
{
    enum { SAMPLES = 1 << 14, TAPS = 16 };
    int16_t *in = must_alloc(2 * (SAMPLES + TAPS) * sizeof(*in)), *out = in + SAMPLES + TAPS;
    int16_t taps[TAPS];
    uint64_t seed = 43;
    for (int i = 0; i < SAMPLES + TAPS; i++)
        in[i] = (int16_t)(next_random(&seed) >> 47);
    for (int i = 0; i < TAPS; i++)
        taps[i] = (int16_t)(next_random(&seed) >> 48);
    while (amount--) {
        for (int i = 0; i < SAMPLES; i += 8) {
            lanes sum = scale(load(in + i), taps[0]);
            for (int k = 1; k < TAPS; k++)
                sum = add(sum, scale(load(in + i + k), taps[k]));
            store(out + i, sum);
        }
        in[amount % SAMPLES] ^= out[amount % SAMPLES];
    }
    uint64_t sum = mix_bytes(0, out, SAMPLES * sizeof(*out));
    free(in);
    return sum;
}
