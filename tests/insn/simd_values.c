/* SPDX-License-Identifier: Apache-2.0 */
#include "simd_values.h"

#include <stdbool.h>

#include "base/bits.h"

uint64_t simd_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545f4914f6cdd1dull;
}

static unsigned below(uint64_t *seed, unsigned n)
{
    return (unsigned)((simd_random(seed) >> 32) % n);
}

/* Numbers of `width` bits with corner cases of the format. */
static uint64_t fp_value(uint64_t *seed, unsigned width, unsigned exponent_bits)
{
    const unsigned fraction_bits = width - 1 - exponent_bits;
    const uint64_t max = ones(exponent_bits), bias = max >> 1, all = ones(fraction_bits);
    const uint64_t quiet = 1ull << (fraction_bits - 1);
    const bool coin = below(seed, 2);
    uint64_t e = simd_random(seed) & max, f = simd_random(seed) & all;
    switch (below(seed, 16)) {
    case 0: /* zero */
        e = f = 0;
        break;
    case 1: /* infinity */
        e = max;
        f = 0;
        break;
    case 2: /* quiet NaN */
        e = max;
        f |= quiet;
        break;
    case 3: /* signalling NaN */
        e = max;
        f = (f & ~quiet) | 1;
        break;
    case 4: /* denormal */
        e = 0;
        break;
    case 5: /* tiny denormal */
        e = 0;
        f &= 3;
        break;
    case 6: /* large */
        e = max - 1;
        f = coin ? all : f;
        break;
    case 7: /* small */
        e = 1;
        f = coin ? 0 : f;
        break;
    case 8: /* one */
        e = bias;
        f = 0;
        break;
    case 9: /* about integral */
        e = bias + below(seed, fraction_bits + 3);
        f &= all << below(seed, fraction_bits) & all;
        break;
    case 10: /* 1/8 to 1 */
        e = bias - 1 - below(seed, 3);
        f = coin ? 0 : f;
        break;
    case 11: /* about the limits of integers */
        e = bias + (coin ? 31 : 63) - 1 + below(seed, 3);
        f = below(seed, 2) ? 0 : below(seed, 2) ? all : f;
        break;
    case 12: /* results that underflow or overflow */
        e = coin ? bias / 2 + below(seed, 4) : bias + bias / 2 + below(seed, 4);
        break;
    default:
        break;
    }
    e = e > max ? max - 1 : e;
    return (uint64_t)below(seed, 2) << (width - 1) | e << fraction_bits | f;
}

uint64_t simd_fp_value(uint64_t *seed, unsigned width)
{
    return fp_value(seed, width, width == 16 ? 5 : width == 32 ? 8 : 11);
}

static uint64_t integer_value(uint64_t *seed, unsigned width)
{
    switch (below(seed, 8)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return ~0ull;
    case 3:
        return 1ull << (width - 1);
    case 4:
        return (1ull << (width - 1)) - 1;
    case 5:
        return below(seed, 140);
    case 6:
        return 0 - (uint64_t)below(seed, 140);
    default:
        return simd_random(seed);
    }
}

/* A number from 1/8 to 16 with few ones in its fraction, or few zeros: sums that cancel, products
 * and quotients that are exact or lie half-way. */
static uint64_t near_value(uint64_t *seed, unsigned width)
{
    const unsigned fraction_bits = width == 16 ? 10 : width == 32 ? 23 : 52;
    const uint64_t bias = width == 16 ? 15 : width == 32 ? 127 : 1023;
    uint64_t f = 0;
    for (unsigned i = below(seed, 4); i; i--)
        f |= 1ull << below(seed, fraction_bits);
    if (below(seed, 4) == 0)
        f ^= ones(fraction_bits);
    return (uint64_t)below(seed, 2) << (width - 1) | (bias - 3 + below(seed, 7)) << fraction_bits |
           f;
}

union v128 simd_vector(uint64_t *seed)
{
    const unsigned kind = below(seed, 10);
    union v128 v;
    for (unsigned i = 0; i < 2; i++)
        v.d[i] = simd_random(seed);
    if (kind < 2) {
        for (unsigned i = 0; i < 4; i++)
            v.s[i] = (uint32_t)simd_fp_value(seed, 32);
    } else if (kind < 4) {
        for (unsigned i = 0; i < 2; i++)
            v.d[i] = simd_fp_value(seed, 64);
    } else if (kind == 4) {
        for (unsigned i = 0; i < 8; i++)
            v.h[i] = (uint16_t)simd_fp_value(seed, 16);
    } else if (kind == 5) {
        const unsigned size = 1u << below(seed, 4);
        for (unsigned i = 0; i < 16; i += size)
            st_le(v.b + i, size, integer_value(seed, 8 * size));
    } else if (kind == 6) {
        for (unsigned i = 0; i < 16; i++)
            v.b[i] = (uint8_t)below(seed, 80);
    } else if (kind == 7) {
        for (unsigned i = 0; i < 4; i++)
            v.s[i] = (uint32_t)near_value(seed, 32);
    } else if (kind == 8) {
        for (unsigned i = 0; i < 2; i++)
            v.d[i] = near_value(seed, 64);
    }
    return v;
}

union v128 simd_half_vector(uint64_t *seed, bool bfloat)
{
    const bool near = !bfloat && below(seed, 3) == 0;
    union v128 v;
    for (unsigned i = 0; i < 8; i++)
        v.h[i] = (uint16_t)(near ? near_value(seed, 16) : fp_value(seed, 16, bfloat ? 8 : 5));
    return v;
}
