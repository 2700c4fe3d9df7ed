/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between formats and to and from integers (manual: FPConvert(), FPToFixed(),
 * FixedToFP(), FPRoundInt()). */
#include "engine/calc/softfp_impl.h"

/* FPConvertNaN(): the fraction's top bits are kept, and it becomes quiet. */
static uint64_t convert_nan(enum softfp_format from, enum softfp_format to, uint64_t a)
{
    const struct fp_layout *in = fp_layout(from), *out = fp_layout(to);
    uint64_t frac = a << (64 - in->frac) >> (64 - out->frac);
    return fp_infinity(to, a >> (in->width - 1) & 1) | frac | 1ull << (out->frac - 1);
}

uint64_t softfp_convert(struct softfp *c, enum softfp_format from, enum softfp_format to,
                        uint64_t a, enum softfp_round round)
{
    struct fp_number n = fp_unpack_cv(c, from, a);
    bool alternative = to == SOFTFP_HALF && c->ahp;
    switch (n.class) {
    case FP_QNAN:
    case FP_SNAN:
        if (n.class == FP_SNAN || alternative)
            c->flags |= SOFTFP_IOC;
        if (alternative)
            return fp_zero(to, n.sign);
        return c->dn ? fp_default_nan(to) : convert_nan(from, to, a);
    case FP_INFINITY:
        if (alternative) { /* the largest number there is */
            c->flags |= SOFTFP_IOC;
            return fp_infinity(to, n.sign) | ((1ull << fp_layout(to)->frac) - 1);
        }
        return fp_infinity(to, n.sign);
    case FP_ZERO:
        return fp_zero(to, n.sign);
    default:
        return fp_round_cv(c, to, n, round);
    }
}

/* Rounds |n| * 2^fbits to an integer. False if it is 2^64 or more. */
static bool magnitude(struct fp_number n, unsigned fbits, enum softfp_round round, uint64_t *whole,
                      bool *inexact)
{
    int exp = n.exp + (int)fbits;
    if (exp > 63)
        return false;
    bool half = false, rest = false;
    if (exp == 63) {
        *whole = n.sig;
    } else if (exp < -1) {
        *whole = 0;
        rest = true;
    } else {
        unsigned below = 63 - (unsigned)exp; /* 1..64 */
        *whole = below < 64 ? n.sig >> below : 0;
        half = n.sig >> (below - 1) & 1;
        rest = n.sig & ((1ull << (below - 1)) - 1);
    }
    *inexact = half || rest;
    if (fp_rounds_up(round, n.sign, *whole & 1, half, rest))
        ++*whole; /* below 2^63 if there was a fraction: no wrap */
    return true;
}

static uint64_t saturated(struct softfp *c, bool sign, unsigned width, bool is_unsigned)
{
    uint64_t mask = ~0ull >> (64 - width);
    c->flags |= SOFTFP_IOC;
    if (is_unsigned)
        return sign ? 0 : mask;
    return sign ? 1ull << (width - 1) : mask >> 1;
}

uint64_t softfp_to_int(struct softfp *c, enum softfp_format f, uint64_t a, unsigned width,
                       unsigned fbits, bool is_unsigned, enum softfp_round round)
{
    struct fp_number n = fp_unpack(c, f, a);
    uint64_t whole = 0, mask = ~0ull >> (64 - width);
    bool inexact = false;
    if (fp_is_nan(n)) {
        c->flags |= SOFTFP_IOC;
        return 0;
    }
    if (n.class == FP_ZERO)
        return 0;
    if (n.class == FP_INFINITY || !magnitude(n, fbits, fp_mode(c, round), &whole, &inexact))
        return saturated(c, n.sign, width, is_unsigned);
    uint64_t limit = is_unsigned ? (n.sign ? 0 : mask) : (mask >> 1) + n.sign;
    if (whole > limit)
        return saturated(c, n.sign, width, is_unsigned);
    if (inexact)
        c->flags |= SOFTFP_IXC;
    return (n.sign ? 0 - whole : whole) & mask;
}

uint64_t softfp_from_int(struct softfp *c, enum softfp_format f, uint64_t x, unsigned width,
                         unsigned fbits, bool is_unsigned, enum softfp_round round)
{
    x <<= 64 - width;
    bool sign = !is_unsigned && x >> 63;
    x = is_unsigned || !sign ? x >> (64 - width) : 0 - (uint64_t)((int64_t)x >> (64 - width));
    if (x == 0)
        return fp_zero(f, false);
    return fp_round(c, f, fp_normal(sign, -(int)fbits, x, 0), round);
}

uint64_t softfp_round_int(struct softfp *c, enum softfp_format f, uint64_t a,
                          enum softfp_round round, bool exact)
{
    struct fp_number n = fp_unpack(c, f, a);
    uint64_t whole;
    bool inexact = false;
    if (fp_is_nan(n))
        return fp_process_nan(c, f, n, a);
    if (n.class == FP_INFINITY)
        return fp_infinity(f, n.sign);
    if (n.class == FP_ZERO)
        return fp_zero(f, n.sign);
    if (n.exp >= 63) /* has no fraction bits */
        return fp_round(c, f, n, SOFTFP_ZERO);
    magnitude(n, 0, fp_mode(c, round), &whole, &inexact);
    if (inexact && exact)
        c->flags |= SOFTFP_IXC;
    if (whole == 0)
        return fp_zero(f, n.sign);
    return fp_round(c, f, fp_normal(n.sign, 0, whole, 0), SOFTFP_ZERO);
}

uint64_t softfp_round_int_n(struct softfp *c, enum softfp_format f, uint64_t a,
                            enum softfp_round round, unsigned width)
{
    struct fp_number n = fp_unpack(c, f, a);
    uint64_t whole;
    bool inexact = false;
    if (n.class == FP_ZERO)
        return fp_zero(f, n.sign);
    const uint64_t limit = (1ull << (width - 1)) - !n.sign;
    if (n.class != FP_NUMBER || !magnitude(n, 0, fp_mode(c, round), &whole, &inexact) ||
        whole > limit) {
        c->flags |= SOFTFP_IOC;
        return fp_round(c, f, fp_normal(true, (int)width - 1, 1, 0), SOFTFP_ZERO);
    }
    if (inexact)
        c->flags |= SOFTFP_IXC;
    if (whole == 0)
        return fp_zero(f, n.sign);
    return fp_round(c, f, fp_normal(n.sign, 0, whole, 0), SOFTFP_ZERO);
}

uint32_t softfp_to_int_js(struct softfp *c, uint64_t a, bool *exact)
{
    struct fp_number n = fp_unpack(c, SOFTFP_DOUBLE, a);
    uint64_t whole = 0;
    bool inexact = false;
    *exact = false;
    if (n.class == FP_ZERO) { /* -0 and a denormal that was flushed are other numbers than 0 */
        *exact = a == 0;
        return 0;
    }
    if (n.class != FP_NUMBER) {
        c->flags |= SOFTFP_IOC;
        return 0;
    }
    if (!magnitude(n, 0, SOFTFP_ZERO, &whole, &inexact)) /* 53 bits from bit exp down */
        whole = n.exp < 63 + 32 ? (n.sig >> 11) << ((unsigned)n.exp - 52) : 0;
    if (n.exp > 62 || whole > (1ull << 31) - !n.sign)
        c->flags |= SOFTFP_IOC;
    else if (inexact)
        c->flags |= SOFTFP_IXC;
    else
        *exact = true;
    return (uint32_t)(n.sign ? 0 - whole : whole);
}
