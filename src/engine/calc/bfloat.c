/* SPDX-License-Identifier: Apache-2.0 */
/* BFloat16 products and sums with behaviour of their own (manual: BFDotAdd(), BFMulH(), BFAdd(),
 * BFRound()), FEAT_EBF16 absent. */
#include "engine/calc/softfp_impl.h"

enum { FRACTION = 23, EXPONENT_MAX = 255 };

static const uint32_t default_nan = 0x7fc00000, infinity = 0x7f800000;

static uint32_t sign_of(uint32_t a)
{
    return a & 0x80000000u;
}

static int exponent_of(uint32_t a)
{
    return (int)(a >> FRACTION & EXPONENT_MAX);
}

static bool is_nan(uint32_t a)
{
    return (a & ~sign_of(a)) > infinity;
}

static bool is_infinite(uint32_t a)
{
    return (a & ~sign_of(a)) == infinity;
}

/* Denormals are zero. */
static bool is_zero(uint32_t a)
{
    return exponent_of(a) == 0;
}

static uint64_t significand_of(uint32_t a)
{
    return 1u << FRACTION | (a & ((1u << FRACTION) - 1));
}

/* BFRound(): x / 2^scale * 2^exponent (biased) rounded to odd; x has a bit that tells whether more
 * was lost below. What is too small is zero, too large infinity. */
static uint32_t round_odd(uint32_t sign, int exponent, uint64_t x, unsigned scale)
{
    unsigned top = 63 - (unsigned)__builtin_clzll(x);
    exponent += (int)top - (int)scale;
    x = top > FRACTION ? fp_shift_jam(x, top - FRACTION) : x << (FRACTION - top);
    if (exponent <= 0)
        return sign;
    if (exponent >= EXPONENT_MAX)
        return sign | infinity;
    return sign | (uint32_t)exponent << FRACTION | (uint32_t)(x & ((1u << FRACTION) - 1));
}

static uint32_t multiply(uint32_t a, uint32_t b)
{
    const uint32_t sign = sign_of(a ^ b);
    const bool zero = is_zero(a) || is_zero(b), infinite = is_infinite(a) || is_infinite(b);
    if (is_nan(a) || is_nan(b) || (zero && infinite))
        return default_nan;
    if (infinite)
        return sign | infinity;
    if (zero)
        return sign;
    return round_odd(sign, exponent_of(a) + exponent_of(b) - 127,
                     significand_of(a) * significand_of(b), 2 * FRACTION);
}

/* The sum of numbers neither of which is zero, infinite or NaN. */
static uint32_t add_numbers(uint32_t a, uint32_t b)
{
    enum { GUARD = 32 };
    if (exponent_of(a) < exponent_of(b)) {
        const uint32_t t = a;
        a = b;
        b = t;
    }
    const uint64_t x = significand_of(a) << GUARD;
    const uint64_t y =
        fp_shift_jam(significand_of(b) << GUARD, (unsigned)(exponent_of(a) - exponent_of(b)));
    if (sign_of(a) == sign_of(b))
        return round_odd(sign_of(a), exponent_of(a), x + y, FRACTION + GUARD);
    if (x == y)
        return 0;
    return x > y ? round_odd(sign_of(a), exponent_of(a), x - y, FRACTION + GUARD)
                 : round_odd(sign_of(b), exponent_of(a), y - x, FRACTION + GUARD);
}

static uint32_t add(uint32_t a, uint32_t b)
{
    if (is_nan(a) || is_nan(b))
        return default_nan;
    if (is_infinite(a) && is_infinite(b) && a != b)
        return default_nan;
    if (is_infinite(a))
        return a;
    if (is_infinite(b))
        return b;
    if (is_zero(a) && is_zero(b))
        return sign_of(a) & sign_of(b);
    if (is_zero(a))
        return b;
    return is_zero(b) ? a : add_numbers(a, b);
}

uint32_t softfp_bfdot(uint32_t addend, uint32_t a, uint32_t b)
{
    const uint32_t low = multiply(a << 16, b << 16);
    const uint32_t high = multiply(a & 0xffff0000u, b & 0xffff0000u);
    return add(addend, add(low, high));
}
