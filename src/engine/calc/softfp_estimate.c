/* SPDX-License-Identifier: Apache-2.0 */
/* Reciprocal and reciprocal square root estimates (manual: FPRecipEstimate(), RecipEstimate(),
 * FPRSqrtEstimate(), RecipSqrtEstimate(), FPRecpX()). FEAT_RPRES absent: 8 bits of fraction. */
#include "engine/calc/softfp_impl.h"

/* a in 256..511 stands for [0.5, 1); the result, 256..511, for 1/a in [1, 2). */
static unsigned recip_estimate(unsigned a)
{
    a = a * 2 + 1;
    return ((1u << 19) / a + 1) / 2;
}

/* a in 128..511 stands for [0.25, 1). */
static unsigned rsqrt_estimate(unsigned a)
{
    a = a < 256 ? a * 2 + 1 : ((a & ~1u) + 1) * 2;
    uint64_t b = 512;
    while (a * (b + 1) * (b + 1) < 1u << 28)
        b++;
    return (unsigned)(b + 1) / 2;
}

/* The exponent field and the fraction at bit 51 downwards, of any format. */
static int fields(enum softfp_format f, uint64_t a, uint64_t *frac)
{
    const struct fp_layout *l = fp_layout(f);
    *frac = (a & ((1ull << l->frac) - 1)) << (52 - l->frac);
    return (int)(a >> l->frac) & l->max_exp;
}

static uint64_t assemble(enum softfp_format f, bool sign, int exp, uint64_t frac)
{
    const struct fp_layout *l = fp_layout(f);
    return fp_zero(f, sign) | (uint64_t)exp << l->frac | frac >> (52 - l->frac);
}

/* The reciprocal is too large for the format. */
static uint64_t recip_overflow(struct softfp *c, enum softfp_format f, bool sign)
{
    c->flags |= SOFTFP_OFC | SOFTFP_IXC;
    bool infinite = c->round == SOFTFP_TIEEVEN || (c->round == SOFTFP_POSINF && !sign) ||
                    (c->round == SOFTFP_NEGINF && sign);
    return infinite ? fp_infinity(f, sign) : fp_max_normal(f, sign);
}

uint64_t softfp_recip_estimate(struct softfp *c, enum softfp_format f, uint64_t a)
{
    const struct fp_layout *l = fp_layout(f);
    struct fp_number n = fp_unpack(c, f, a);
    if (fp_is_nan(n))
        return fp_process_nan(c, f, n, a);
    if (n.class == FP_INFINITY)
        return fp_zero(f, n.sign);
    if (n.class == FP_ZERO) {
        c->flags |= SOFTFP_DZC;
        return fp_infinity(f, n.sign);
    }
    if (n.exp < l->min_normal - 2) /* below 2^-16, 2^-128, 2^-1024 */
        return recip_overflow(c, f, n.sign);
    if ((f == SOFTFP_HALF ? c->fz16 : c->fz) && n.exp >= -l->min_normal) {
        c->flags |= SOFTFP_UFC;
        return fp_zero(f, n.sign);
    }
    uint64_t frac;
    int exp = fields(f, a, &frac);
    if (exp == 0) {
        if (frac >> 51 == 0) {
            exp = -1;
            frac <<= 2;
        } else {
            frac <<= 1;
        }
        frac &= (1ull << 52) - 1;
    }
    int result_exp = l->max_exp - 2 - exp;
    frac = (uint64_t)(recip_estimate(256 | (unsigned)(frac >> 44)) & 255) << 44;
    if (result_exp == 0) {
        frac = 1ull << 51 | frac >> 1;
    } else if (result_exp == -1) {
        frac = 1ull << 50 | frac >> 2;
        result_exp = 0;
    }
    return assemble(f, n.sign, result_exp, frac);
}

uint64_t softfp_rsqrt_estimate(struct softfp *c, enum softfp_format f, uint64_t a)
{
    struct fp_number n = fp_unpack(c, f, a);
    if (fp_is_nan(n))
        return fp_process_nan(c, f, n, a);
    if (n.class == FP_ZERO) {
        c->flags |= SOFTFP_DZC;
        return fp_infinity(f, n.sign);
    }
    if (n.sign)
        return fp_invalid(c, f);
    if (n.class == FP_INFINITY)
        return fp_zero(f, false);
    uint64_t frac;
    int exp = fields(f, a, &frac);
    if (exp == 0) {
        while (!(frac >> 51 & 1)) {
            frac <<= 1;
            exp--;
        }
        frac = frac << 1 & ((1ull << 52) - 1);
    }
    unsigned scaled = exp & 1 ? 128 | (unsigned)(frac >> 45) : 256 | (unsigned)(frac >> 44);
    /* 44, 380, 3068 less the exponent: 3 * bias - 1 */
    int result_exp = (3 * (fp_layout(f)->max_exp / 2) - 1 - exp) / 2;
    return assemble(f, false, result_exp, (uint64_t)(rsqrt_estimate(scaled) & 255) << 44);
}

uint64_t softfp_recpx(struct softfp *c, enum softfp_format f, uint64_t a)
{
    const struct fp_layout *l = fp_layout(f);
    struct fp_number n = fp_unpack(c, f, a);
    if (fp_is_nan(n))
        return fp_process_nan(c, f, n, a);
    uint64_t frac;
    int exp = fields(f, a, &frac);
    return assemble(f, n.sign, exp == 0 ? l->max_exp - 1 : l->max_exp - exp, 0);
}

uint32_t softfp_unsigned_recip_estimate(uint32_t a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : ~0u;
}

uint32_t softfp_unsigned_rsqrt_estimate(uint32_t a)
{
    return a >> 30 ? rsqrt_estimate(a >> 23) << 23 : ~0u;
}
