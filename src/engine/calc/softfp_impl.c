/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking, NaN selection and rounding (manual: FPUnpackBase(), FPProcessNaNs(), FPRoundBase()).
 */
#include "engine/calc/softfp_impl.h"

const struct fp_layout *fp_layout(enum softfp_format f)
{
    static const struct fp_layout layouts[] = {
        [SOFTFP_HALF] = {16, 10, 31, -14},
        [SOFTFP_SINGLE] = {32, 23, 255, -126},
        [SOFTFP_DOUBLE] = {64, 52, 2047, -1022},
        [SOFTFP_BFLOAT] = {16, 7, 255, -126},
    };
    return &layouts[f];
}

struct softfp softfp_from_fpcr(uint32_t fpcr)
{
    return (struct softfp){.round = (enum softfp_round)(fpcr >> 22 & 3),
                           .fz = fpcr >> 24 & 1,
                           .fz16 = fpcr >> 19 & 1,
                           .dn = fpcr >> 25 & 1,
                           .ahp = fpcr >> 26 & 1};
}

static uint64_t pack(const struct fp_layout *l, bool sign, unsigned exp, uint64_t frac)
{
    return (uint64_t)sign << (l->width - 1) | (uint64_t)exp << l->frac | frac;
}

uint64_t fp_zero(enum softfp_format f, bool sign)
{
    return pack(fp_layout(f), sign, 0, 0);
}

uint64_t fp_infinity(enum softfp_format f, bool sign)
{
    return pack(fp_layout(f), sign, (unsigned)fp_layout(f)->max_exp, 0);
}

uint64_t fp_max_normal(enum softfp_format f, bool sign)
{
    return fp_infinity(f, sign) - 1;
}

uint64_t fp_default_nan(enum softfp_format f)
{
    return fp_infinity(f, false) | 1ull << (fp_layout(f)->frac - 1);
}

uint64_t fp_invalid(struct softfp *c, enum softfp_format f)
{
    c->flags |= SOFTFP_IOC;
    return fp_default_nan(f);
}

/* --- unpacking ---------------------------------------------------------------------------------*/

/* alternative: half precision without infinities and NaNs. flush: denormals count as zero. */
static struct fp_number unpack(struct softfp *c, enum softfp_format f, uint64_t a, bool alternative,
                               bool flush)
{
    const struct fp_layout *l = fp_layout(f);
    struct fp_number n = {.sign = a >> (l->width - 1) & 1};
    uint64_t frac = a & ((1ull << l->frac) - 1);
    int exp = (int)(a >> l->frac) & l->max_exp;
    if (exp == 0) {
        if (frac == 0)
            return n;
        if (flush) {
            if (f != SOFTFP_HALF)
                c->flags |= SOFTFP_IDC;
            return n;
        }
        n.class = FP_NUMBER;
        int up = __builtin_clzll(frac);
        n.sig = frac << up;
        n.exp = l->min_normal + (63 - (int)l->frac) - up;
    } else if (exp == l->max_exp && !alternative) {
        n.class = frac == 0 ? FP_INFINITY : frac >> (l->frac - 1) ? FP_QNAN : FP_SNAN;
    } else {
        n.class = FP_NUMBER;
        n.sig = 1ull << 63 | frac << (63 - l->frac);
        n.exp = exp - 1 + l->min_normal;
    }
    return n;
}

struct fp_number fp_unpack(struct softfp *c, enum softfp_format f, uint64_t a)
{
    return unpack(c, f, a, false, f == SOFTFP_HALF ? c->fz16 : c->fz);
}

struct fp_number fp_unpack_cv(struct softfp *c, enum softfp_format f, uint64_t a)
{
    return unpack(c, f, a, f == SOFTFP_HALF && c->ahp, f != SOFTFP_HALF && c->fz);
}

struct fp_number fp_normal(bool sign, int exp, unsigned __int128 x, unsigned scale)
{
    uint64_t high = (uint64_t)(x >> 64);
    int top = high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)x);
    struct fp_number n = {FP_NUMBER, sign, exp + top - (int)scale, 0};
    n.sig =
        top >= 63 ? (uint64_t)fp_shift_jam128(x, (unsigned)top - 63) : (uint64_t)x << (63 - top);
    return n;
}

/* --- NaNs --------------------------------------------------------------------------------------*/

uint64_t fp_process_nan(struct softfp *c, enum softfp_format f, struct fp_number n, uint64_t a)
{
    if (n.class == FP_SNAN)
        c->flags |= SOFTFP_IOC;
    if (c->dn)
        return fp_default_nan(f);
    const struct fp_layout *l = fp_layout(f);
    uint64_t mask = l->width == 64 ? ~0ull : (1ull << l->width) - 1;
    return (a & mask) | 1ull << (l->frac - 1);
}

bool fp_process_nans(struct softfp *c, enum softfp_format f, const struct fp_number *n,
                     const uint64_t *op, unsigned count, uint64_t *result)
{
    for (int class = FP_SNAN; class >= FP_QNAN; class --) {
        for (unsigned i = 0; i < count; i++) {
            if ((int)n[i].class == class) {
                *result = fp_process_nan(c, f, n[i], op[i]);
                return true;
            }
        }
    }
    return false;
}

/* --- rounding ----------------------------------------------------------------------------------*/

bool fp_rounds_up(enum softfp_round round, bool sign, bool odd, bool half, bool rest)
{
    switch (round) {
    case SOFTFP_TIEEVEN:
        return half && (rest || odd);
    case SOFTFP_TIEAWAY:
        return half;
    case SOFTFP_POSINF:
        return !sign && (half || rest);
    case SOFTFP_NEGINF:
        return sign && (half || rest);
    default:
        return false;
    }
}

static bool overflows_to_infinity(enum softfp_round round, bool sign)
{
    return round == SOFTFP_TIEEVEN || round == SOFTFP_TIEAWAY ||
           (round == SOFTFP_POSINF && !sign) || (round == SOFTFP_NEGINF && sign);
}

static uint64_t overflow(struct softfp *c, enum softfp_format f, bool sign, enum softfp_round round,
                         bool alternative)
{
    if (alternative) {
        c->flags |= SOFTFP_IOC;
        return fp_infinity(f, sign) | ((1ull << fp_layout(f)->frac) - 1);
    }
    c->flags |= SOFTFP_OFC | SOFTFP_IXC;
    return overflows_to_infinity(round, sign) ? fp_infinity(f, sign) : fp_max_normal(f, sign);
}

static uint64_t round_to(struct softfp *c, enum softfp_format f, struct fp_number n,
                         enum softfp_round round, bool alternative, bool flush)
{
    const struct fp_layout *l = fp_layout(f);
    unsigned below = 63 - l->frac;
    int biased = n.exp - l->min_normal + 1;
    if (biased <= 0) {
        if (flush) { /* without Inexact */
            c->flags |= SOFTFP_UFC;
            return fp_zero(f, n.sign);
        }
        n.sig = fp_shift_jam(n.sig, 1u - (unsigned)biased);
        biased = 0;
    }
    uint64_t mant = n.sig >> below, error = n.sig & ((1ull << below) - 1);
    if (biased == 0 && error) /* tininess is detected before rounding */
        c->flags |= SOFTFP_UFC;
    bool half = error >> (below - 1), rest = error & ((1ull << (below - 1)) - 1);
    if (fp_rounds_up(round, n.sign, mant & 1, half, rest)) {
        mant++;
        if (mant == 1ull << l->frac)
            biased = 1;
        if (mant == 2ull << l->frac) {
            biased++;
            mant >>= 1;
        }
    }
    if (error && round == SOFTFP_ODD)
        mant |= 1;
    if (biased >= l->max_exp + alternative)
        return overflow(c, f, n.sign, round, alternative);
    if (error)
        c->flags |= SOFTFP_IXC;
    return pack(l, n.sign, (unsigned)biased, mant & ((1ull << l->frac) - 1));
}

uint64_t fp_round(struct softfp *c, enum softfp_format f, struct fp_number n,
                  enum softfp_round round)
{
    return round_to(c, f, n, fp_mode(c, round), false, f == SOFTFP_HALF ? c->fz16 : c->fz);
}

uint64_t fp_round_cv(struct softfp *c, enum softfp_format f, struct fp_number n,
                     enum softfp_round round)
{
    return round_to(c, f, n, fp_mode(c, round), f == SOFTFP_HALF && c->ahp,
                    f != SOFTFP_HALF && c->fz);
}
