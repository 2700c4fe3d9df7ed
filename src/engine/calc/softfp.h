/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IEEE 754 arithmetic with Arm's semantics, bit-exact and in integers only: the functions FPAdd(),
 * FPMulAdd(), FPToFixed() and so on of the manual's shared pseudocode (J1.3), FEAT_AFP absent.
 *
 * A value is the low bits of a uint64_t; bits above the format's width are ignored in arguments and
 * zero in results. A context holds what FPCR selects and gathers the exceptions in FPSR's bits.
 */
#ifndef ARMVM_ENGINE_CALC_SOFTFP_H
#define ARMVM_ENGINE_CALC_SOFTFP_H

#include <stdbool.h>
#include <stdint.h>

/* The first three are log2 of the bytes. BFloat16 is for softfp_convert() from single only. */
enum softfp_format { SOFTFP_HALF = 1, SOFTFP_SINGLE, SOFTFP_DOUBLE, SOFTFP_BFLOAT };

/* The first four are FPCR.RMode's values. */
enum softfp_round {
    SOFTFP_TIEEVEN,
    SOFTFP_POSINF,
    SOFTFP_NEGINF,
    SOFTFP_ZERO,
    SOFTFP_TIEAWAY,
    SOFTFP_FROM_FPCR, /* what the context says; for functions that are given a mode */
    SOFTFP_ODD,       /* FCVTXN: to zero, and the low bit set if inexact */
};

/* Cumulative exception bits, where FPSR has them. */
enum {
    SOFTFP_IOC = 1u << 0,
    SOFTFP_DZC = 1u << 1,
    SOFTFP_OFC = 1u << 2,
    SOFTFP_UFC = 1u << 3,
    SOFTFP_IXC = 1u << 4,
    SOFTFP_IDC = 1u << 7,
};

struct softfp {
    enum softfp_round round; /* one of the first four */
    bool fz;                 /* FPCR.FZ: single and double denormals flushed */
    bool fz16;               /* FPCR.FZ16: half-precision denormals flushed, without IDC */
    bool dn;                 /* FPCR.DN: every NaN result is the default NaN */
    bool ahp;                /* FPCR.AHP: conversions use the alternative half-precision format */
    uint32_t flags;          /* result: SOFTFP_*C, or-ed in */
};

/* The context an FPCR value means, with no exception gathered. */
struct softfp softfp_from_fpcr(uint32_t fpcr);

uint64_t softfp_add(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_sub(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_mul(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_mulx(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b); /* FMULX */
uint64_t softfp_div(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_sqrt(struct softfp *c, enum softfp_format f, uint64_t a);
/* a * b + addend, rounded once. The caller negates operands (NaNs too) for FMSUB and its like. */
uint64_t softfp_fma(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b,
                    uint64_t addend);
/* FPMulAddH(): the same of halves a and b and a single addend. */
uint32_t softfp_fma_long(struct softfp *c, uint16_t a, uint16_t b, uint32_t addend);

uint64_t softfp_max(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_min(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_maxnm(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_minnm(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);

/* FPCompare(): NZCV in bits 3:0 (N = bit 3). signal: quiet NaNs raise Invalid Operation too. */
unsigned softfp_compare(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b,
                        bool signal);
bool softfp_eq(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
bool softfp_ge(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
bool softfp_gt(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);

/* Between formats (FPConvert()); half is the alternative format when c->ahp. */
uint64_t softfp_convert(struct softfp *c, enum softfp_format from, enum softfp_format to,
                        uint64_t a, enum softfp_round round);
/* To an integer or fixed point number of `width` bits (16, 32, 64) with fbits fraction bits,
 * saturating, NaN to 0; the result is zero-extended from width (FPToFixed()). */
uint64_t softfp_to_int(struct softfp *c, enum softfp_format f, uint64_t a, unsigned width,
                       unsigned fbits, bool is_unsigned, enum softfp_round round);
/* From the low `width` bits (16, 32, 64), a number with fbits fraction bits (FixedToFP()). */
uint64_t softfp_from_int(struct softfp *c, enum softfp_format f, uint64_t x, unsigned width,
                         unsigned fbits, bool is_unsigned, enum softfp_round round);
/* To an integral value in the same format (FPRoundInt()); exact: raises Inexact (FRINTX). */
uint64_t softfp_round_int(struct softfp *c, enum softfp_format f, uint64_t a,
                          enum softfp_round round, bool exact);
/* To an integral value that `width` (32, 64) signed bits hold, else the least of these with Invalid
 * Operation (FPRoundIntN()). */
uint64_t softfp_round_int_n(struct softfp *c, enum softfp_format f, uint64_t a,
                            enum softfp_round round, unsigned width);
/* FPToFixedJS(): the double's integral part modulo 2^32; *exact: it is the same number. */
uint32_t softfp_to_int_js(struct softfp *c, uint64_t a, bool *exact);

uint64_t softfp_recip_estimate(struct softfp *c, enum softfp_format f, uint64_t a);
uint64_t softfp_rsqrt_estimate(struct softfp *c, enum softfp_format f, uint64_t a);
/* 2 - a*b and (3 - a*b)/2, fused. a is not negated yet: FRECPS and FRSQRTS do it inside. */
uint64_t softfp_recip_step(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_rsqrt_step(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
uint64_t softfp_recpx(struct softfp *c, enum softfp_format f, uint64_t a); /* FRECPX */

/* BFDotAdd() without FEAT_EBF16: addend + (a0 * b0 + a1 * b1) of BFloat16 pairs (the lower one 0)
 * in single precision, each step rounded to odd, denormals zero, NaNs the default NaN, whatever
 * FPCR says and without exceptions. */
uint32_t softfp_bfdot(uint32_t addend, uint32_t a, uint32_t b);

/* URECPE and URSQRTE of one word. */
uint32_t softfp_unsigned_recip_estimate(uint32_t a);
uint32_t softfp_unsigned_rsqrt_estimate(uint32_t a);

#endif
