/* SPDX-License-Identifier: Apache-2.0 */
/* Addition to fused multiply-add, minimum, maximum and comparison (manual: FPAdd(), FPMulAdd(),
 * FPMaxNum(), FPCompare() ...). */
#include "engine/calc/softfp_impl.h"

typedef unsigned __int128 u128;

/* x + y of numbers that are not zero. scale: where x and y have their binary point; neither may
 * use the top bit. A sum of zero has class FP_ZERO. */
struct term {
    bool sign;
    int exp;
    u128 x;
};

static struct fp_number add_terms(struct term a, struct term b, unsigned scale)
{
    if (a.exp < b.exp) {
        struct term t = a;
        a = b;
        b = t;
    }
    b.x = fp_shift_jam128(b.x, (unsigned)(a.exp - b.exp));
    u128 sum;
    bool sign = a.sign;
    if (a.sign == b.sign) {
        sum = a.x + b.x;
    } else if (a.x >= b.x) {
        sum = a.x - b.x;
    } else {
        sum = b.x - a.x;
        sign = b.sign;
    }
    return sum ? fp_normal(sign, a.exp, sum, scale) : (struct fp_number){.class = FP_ZERO};
}

/* A zero that is an exact sum of numbers of unlike sign. */
static uint64_t exact_zero(const struct softfp *c, enum softfp_format f)
{
    return fp_zero(f, c->round == SOFTFP_NEGINF);
}

static uint64_t add(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b, bool negate)
{
    struct fp_number n[2] = {fp_unpack(c, f, a), fp_unpack(c, f, b)};
    const uint64_t op[2] = {a, b};
    uint64_t result;
    if (fp_process_nans(c, f, n, op, 2, &result))
        return result;
    n[1].sign ^= negate;
    if (n[0].class == FP_INFINITY && n[1].class == FP_INFINITY && n[0].sign != n[1].sign)
        return fp_invalid(c, f);
    for (unsigned i = 0; i < 2; i++) {
        if (n[i].class == FP_INFINITY)
            return fp_infinity(f, n[i].sign);
    }
    if (n[0].class == FP_ZERO && n[1].class == FP_ZERO)
        return n[0].sign == n[1].sign ? fp_zero(f, n[0].sign) : exact_zero(c, f);
    for (unsigned i = 0; i < 2; i++) {
        if (n[i].class == FP_ZERO)
            return fp_round(c, f, n[!i], SOFTFP_FROM_FPCR);
    }
    struct fp_number sum = add_terms((struct term){n[0].sign, n[0].exp, (u128)n[0].sig << 62},
                                     (struct term){n[1].sign, n[1].exp, (u128)n[1].sig << 62}, 125);
    return sum.class == FP_ZERO ? exact_zero(c, f) : fp_round(c, f, sum, SOFTFP_FROM_FPCR);
}

uint64_t softfp_add(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return add(c, f, a, b, false);
}

uint64_t softfp_sub(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return add(c, f, a, b, true);
}

static bool infinity_by_zero(const struct fp_number *a, const struct fp_number *b)
{
    return (a->class == FP_INFINITY && b->class == FP_ZERO) ||
           (a->class == FP_ZERO && b->class == FP_INFINITY);
}

static uint64_t multiply(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b,
                         bool extended)
{
    struct fp_number n[2] = {fp_unpack(c, f, a), fp_unpack(c, f, b)};
    const uint64_t op[2] = {a, b};
    uint64_t result;
    if (fp_process_nans(c, f, n, op, 2, &result))
        return result;
    bool sign = n[0].sign != n[1].sign;
    if (infinity_by_zero(&n[0], &n[1])) {
        struct fp_number two = {FP_NUMBER, sign, 1, 1ull << 63};
        return extended ? fp_round(c, f, two, SOFTFP_FROM_FPCR) : fp_invalid(c, f);
    }
    if (n[0].class == FP_INFINITY || n[1].class == FP_INFINITY)
        return fp_infinity(f, sign);
    if (n[0].class == FP_ZERO || n[1].class == FP_ZERO)
        return fp_zero(f, sign);
    u128 product = (u128)n[0].sig * n[1].sig;
    return fp_round(c, f, fp_normal(sign, n[0].exp + n[1].exp, product, 126), SOFTFP_FROM_FPCR);
}

uint64_t softfp_mul(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return multiply(c, f, a, b, false);
}

uint64_t softfp_mulx(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return multiply(c, f, a, b, true);
}

uint64_t softfp_div(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    struct fp_number n[2] = {fp_unpack(c, f, a), fp_unpack(c, f, b)};
    const uint64_t op[2] = {a, b};
    uint64_t result;
    if (fp_process_nans(c, f, n, op, 2, &result))
        return result;
    bool sign = n[0].sign != n[1].sign;
    if (n[0].class == n[1].class && n[0].class != FP_NUMBER)
        return fp_invalid(c, f);
    if (n[0].class == FP_INFINITY || n[1].class == FP_ZERO) {
        if (n[0].class != FP_INFINITY)
            c->flags |= SOFTFP_DZC;
        return fp_infinity(f, sign);
    }
    if (n[0].class == FP_ZERO || n[1].class == FP_INFINITY)
        return fp_zero(f, sign);
    u128 dividend = (u128)n[0].sig << 63;
    u128 quotient = dividend / n[1].sig;
    quotient = quotient << 1 | (quotient * n[1].sig != dividend); /* 64 bits or 65 */
    return fp_round(c, f, fp_normal(sign, n[0].exp - n[1].exp, quotient, 64), SOFTFP_FROM_FPCR);
}

/* The root of x in [2^126, 2^128), jammed. */
static uint64_t root(u128 x)
{
    u128 rest = x, result = 0;
    for (u128 place = (u128)1 << 126; place; place >>= 2) {
        if (rest >= result + place) {
            rest -= result + place;
            result = (result >> 1) + place;
        } else {
            result >>= 1;
        }
    }
    return (uint64_t)result | (rest != 0);
}

uint64_t softfp_sqrt(struct softfp *c, enum softfp_format f, uint64_t a)
{
    struct fp_number n = fp_unpack(c, f, a);
    if (fp_is_nan(n))
        return fp_process_nan(c, f, n, a);
    if (n.class == FP_ZERO)
        return fp_zero(f, n.sign);
    if (n.sign)
        return fp_invalid(c, f);
    if (n.class == FP_INFINITY)
        return fp_infinity(f, false);
    n.sig = root((u128)n.sig << (n.exp & 1 ? 64 : 63));
    n.exp = n.exp >> 1;
    return fp_round(c, f, n, SOFTFP_FROM_FPCR);
}

/* --- fused multiply-add and the Newton steps made of it ----------------------------------------*/

/* (addend + a * b) * 2^scale, no operand a NaN and the product not infinity by zero. */
static uint64_t fused(struct softfp *c, enum softfp_format f, struct fp_number addend,
                      struct fp_number a, struct fp_number b, int scale)
{
    bool sign = a.sign != b.sign;
    bool infinite = a.class == FP_INFINITY || b.class == FP_INFINITY;
    bool zero = a.class == FP_ZERO || b.class == FP_ZERO;
    if (addend.class == FP_INFINITY)
        return infinite && sign != addend.sign ? fp_invalid(c, f) : fp_infinity(f, addend.sign);
    if (infinite)
        return fp_infinity(f, sign);
    if (zero && addend.class == FP_ZERO)
        return sign == addend.sign ? fp_zero(f, sign) : exact_zero(c, f);
    struct fp_number sum;
    if (zero) {
        sum = addend;
    } else {
        /* The product's low bits are zero (no significand has more than 53), so nothing is lost
         * in making room for the carry. */
        struct term product = {sign, a.exp + b.exp, (u128)a.sig * b.sig >> 2};
        if (addend.class == FP_ZERO)
            sum = fp_normal(sign, product.exp, product.x, 124);
        else
            sum = add_terms(product, (struct term){addend.sign, addend.exp, (u128)addend.sig << 61},
                            124);
    }
    if (sum.class == FP_ZERO)
        return exact_zero(c, f);
    sum.exp += scale;
    return fp_round(c, f, sum, SOFTFP_FROM_FPCR);
}

uint64_t softfp_fma(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b, uint64_t addend)
{
    struct fp_number n[3] = {fp_unpack(c, f, addend), fp_unpack(c, f, a), fp_unpack(c, f, b)};
    const uint64_t op[3] = {addend, a, b};
    uint64_t result;
    bool invalid = infinity_by_zero(&n[1], &n[2]);
    if (n[0].class == FP_QNAN && invalid)
        return fp_invalid(c, f);
    if (fp_process_nans(c, f, n, op, 3, &result))
        return result;
    return invalid ? fp_invalid(c, f) : fused(c, f, n[0], n[1], n[2], 0);
}

/* A half as the single that is the same number, or NaN. Halves are flushed by FZ16 alone. */
static uint32_t widen_half(const struct softfp *c, uint16_t a)
{
    struct softfp plain = {.fz16 = c->fz16};
    struct fp_number n = fp_unpack(&plain, SOFTFP_HALF, a);
    if (fp_is_nan(n)) /* a signalling one stays so */
        return (uint32_t)fp_infinity(SOFTFP_SINGLE, n.sign) | (a & 0x3ffu) << 13;
    if (n.class == FP_INFINITY)
        return (uint32_t)fp_infinity(SOFTFP_SINGLE, n.sign);
    if (n.class == FP_ZERO)
        return (uint32_t)fp_zero(SOFTFP_SINGLE, n.sign);
    return (uint32_t)fp_round(&plain, SOFTFP_SINGLE, n, SOFTFP_ZERO);
}

uint32_t softfp_fma_long(struct softfp *c, uint16_t a, uint16_t b, uint32_t addend)
{
    return (uint32_t)softfp_fma(c, SOFTFP_SINGLE, widen_half(c, a), widen_half(c, b), addend);
}

static uint64_t step(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b,
                     uint64_t constant, int scale)
{
    a ^= 1ull << (fp_layout(f)->width - 1);
    struct fp_number n[2] = {fp_unpack(c, f, a), fp_unpack(c, f, b)};
    const uint64_t op[2] = {a, b};
    uint64_t result;
    if (fp_process_nans(c, f, n, op, 2, &result))
        return result;
    /* 2 or 3: as significands of exponent 1. */
    struct fp_number addend = {FP_NUMBER, false, 1, constant << 62};
    if (infinity_by_zero(&n[0], &n[1])) {
        addend.exp += scale;
        return fp_round(c, f, addend, SOFTFP_FROM_FPCR);
    }
    return fused(c, f, addend, n[0], n[1], scale);
}

uint64_t softfp_recip_step(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return step(c, f, a, b, 2, 0);
}

uint64_t softfp_rsqrt_step(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return step(c, f, a, b, 3, -1);
}

/* --- order -------------------------------------------------------------------------------------*/

/* -1, 0, 1 as a is below, equal to or above b; no NaNs. */
static int compare(const struct fp_number *a, const struct fp_number *b)
{
    if (a->class == FP_ZERO && b->class == FP_ZERO)
        return 0;
    if (a->class == FP_ZERO)
        return b->sign ? 1 : -1;
    if (b->class == FP_ZERO || a->sign != b->sign)
        return a->sign ? -1 : 1;
    int above = a->sign ? -1 : 1;
    if (a->class != b->class)
        return a->class == FP_INFINITY ? above : -above;
    if (a->class == FP_INFINITY)
        return 0;
    if (a->exp != b->exp)
        return a->exp > b->exp ? above : -above;
    return a->sig == b->sig ? 0 : a->sig > b->sig ? above : -above;
}

static uint64_t extreme(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b, bool max)
{
    struct fp_number n[2] = {fp_unpack(c, f, a), fp_unpack(c, f, b)};
    const uint64_t op[2] = {a, b};
    uint64_t result;
    if (fp_process_nans(c, f, n, op, 2, &result))
        return result;
    if (n[0].class == FP_ZERO && n[1].class == FP_ZERO)
        return fp_zero(f, max ? n[0].sign && n[1].sign : n[0].sign || n[1].sign);
    int order = compare(&n[0], &n[1]);
    struct fp_number *best = (max ? order > 0 : order < 0) ? &n[0] : &n[1];
    switch (best->class) {
    case FP_INFINITY:
        return fp_infinity(f, best->sign);
    case FP_ZERO:
        return fp_zero(f, best->sign);
    default:
        return fp_round(c, f, *best, SOFTFP_FROM_FPCR);
    }
}

uint64_t softfp_max(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return extreme(c, f, a, b, true);
}

uint64_t softfp_min(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return extreme(c, f, a, b, false);
}

/* A single quiet NaN counts as the infinity that loses. */
static uint64_t extreme_number(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b,
                               bool max)
{
    bool a_quiet = fp_unpack(c, f, a).class == FP_QNAN,
         b_quiet = fp_unpack(c, f, b).class == FP_QNAN;
    if (a_quiet && !b_quiet)
        a = fp_infinity(f, max);
    else if (b_quiet && !a_quiet)
        b = fp_infinity(f, max);
    return extreme(c, f, a, b, max);
}

uint64_t softfp_maxnm(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return extreme_number(c, f, a, b, true);
}

uint64_t softfp_minnm(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return extreme_number(c, f, a, b, false);
}

unsigned softfp_compare(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b, bool signal)
{
    struct fp_number x = fp_unpack(c, f, a), y = fp_unpack(c, f, b);
    if (fp_is_nan(x) || fp_is_nan(y)) {
        if (signal || x.class == FP_SNAN || y.class == FP_SNAN)
            c->flags |= SOFTFP_IOC;
        return 3;
    }
    int order = compare(&x, &y);
    return order == 0 ? 6 : order < 0 ? 8 : 2;
}

bool softfp_eq(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return softfp_compare(c, f, a, b, false) == 6;
}

bool softfp_ge(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    unsigned nzcv = softfp_compare(c, f, a, b, true);
    return nzcv == 6 || nzcv == 2;
}

bool softfp_gt(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b)
{
    return softfp_compare(c, f, a, b, true) == 2;
}
