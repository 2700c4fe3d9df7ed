/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of softfp: unpacked numbers, NaNs and rounding, for all formats alike. */
#ifndef ARMVM_ENGINE_CALC_SOFTFP_IMPL_H
#define ARMVM_ENGINE_CALC_SOFTFP_IMPL_H

#include "engine/calc/softfp.h"

struct fp_layout {
    unsigned width, frac; /* bits of the whole and of the fraction field */
    int max_exp;          /* the exponent field with all ones */
    int min_normal;       /* exponent of the smallest normal number */
};

const struct fp_layout *fp_layout(enum softfp_format f);

enum fp_class { FP_ZERO, FP_NUMBER, FP_INFINITY, FP_QNAN, FP_SNAN };

/* A number is sig / 2^63 * 2^exp with bit 63 of sig set. */
struct fp_number {
    enum fp_class class;
    bool sign;
    int exp;
    uint64_t sig;
};

/* FPUnpack(): flushes denormals as the context says. */
struct fp_number fp_unpack(struct softfp *c, enum softfp_format f, uint64_t a);
/* FPUnpackCV(): the alternative half-precision format counts, FZ16 does not. */
struct fp_number fp_unpack_cv(struct softfp *c, enum softfp_format f, uint64_t a);

/* FPRound() of a number whose sig has bits that were lost or-ed into its lowest bit. */
uint64_t fp_round(struct softfp *c, enum softfp_format f, struct fp_number n,
                  enum softfp_round round);
uint64_t fp_round_cv(struct softfp *c, enum softfp_format f, struct fp_number n,
                     enum softfp_round round);

uint64_t fp_zero(enum softfp_format f, bool sign);
uint64_t fp_infinity(enum softfp_format f, bool sign);
uint64_t fp_max_normal(enum softfp_format f, bool sign);
uint64_t fp_default_nan(enum softfp_format f);
/* The default NaN with Invalid Operation. */
uint64_t fp_invalid(struct softfp *c, enum softfp_format f);

static inline bool fp_is_nan(struct fp_number n)
{
    return n.class >= FP_QNAN;
}

/* FPProcessNaN(), FPProcessNaNs(), FPProcessNaNs3(): the latter two are false without a NaN. */
uint64_t fp_process_nan(struct softfp *c, enum softfp_format f, struct fp_number n, uint64_t a);
bool fp_process_nans(struct softfp *c, enum softfp_format f, const struct fp_number *n,
                     const uint64_t *op, unsigned count, uint64_t *result);

/* x >> n, the bits that fall out or-ed into the lowest. */
static inline uint64_t fp_shift_jam(uint64_t x, unsigned n)
{
    if (n == 0)
        return x;
    return n < 64 ? x >> n | ((x & ((1ull << n) - 1)) != 0) : x != 0;
}

static inline unsigned __int128 fp_shift_jam128(unsigned __int128 x, unsigned n)
{
    if (n == 0)
        return x;
    return n < 128 ? x >> n | ((x & (((unsigned __int128)1 << n) - 1)) != 0) : x != 0;
}

/* Makes a number of x / 2^scale * 2^exp (x not zero). */
struct fp_number fp_normal(bool sign, int exp, unsigned __int128 x, unsigned scale);

/* Whether the magnitude (whole).(half, rest) is to be rounded up. */
bool fp_rounds_up(enum softfp_round round, bool sign, bool odd, bool half, bool rest);

static inline enum softfp_round fp_mode(const struct softfp *c, enum softfp_round round)
{
    return round == SOFTFP_FROM_FPCR ? c->round : round;
}

#endif
