/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meanings of vector integer operations beyond lane arithmetic: halving and rounding, shifts by
 * register, long products, bit counts, table look-up. Manual C7.2.
 */
#include "eval_simd.h"

typedef uint64_t unary_fn(uint64_t a, unsigned bits);
typedef uint64_t binary_fn(uint64_t a, uint64_t b);

static inline __attribute__((always_inline)) void map_unary(union ir_value v[4], uint32_t attr,
                                                            unary_fn *fn)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    for (unsigned i = 0; i < 16u >> esz; i++)
        eval_set_lane(&v[0].v, esz, i, fn(eval_lane(&v[1].v, esz, i), ir_lane_bits(esz)));
}

static inline __attribute__((always_inline)) void map_unsigned(union ir_value v[4], uint32_t attr,
                                                               binary_fn *fn)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    for (unsigned i = 0; i < 16u >> esz; i++)
        eval_set_lane(&v[0].v, esz, i, fn(eval_lane(&v[1].v, esz, i), eval_lane(&v[2].v, esz, i)));
}

static inline __attribute__((always_inline)) void map_signed(union ir_value v[4], uint32_t attr,
                                                             binary_fn *fn)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    for (unsigned i = 0; i < 16u >> esz; i++)
        eval_set_lane(
            &v[0].v, esz, i,
            fn((uint64_t)eval_lane_s(&v[1].v, esz, i), (uint64_t)eval_lane_s(&v[2].v, esz, i)));
}

/* --- halving (lanes of at most 32 bits: the sums fit)
 * -------------------------------------------*/

static uint64_t half_sum(uint64_t a, uint64_t b)
{
    return (uint64_t)((int64_t)(a + b) >> 1);
}

static uint64_t half_sum_rounded(uint64_t a, uint64_t b)
{
    return (uint64_t)((int64_t)(a + b + 1) >> 1);
}

static uint64_t half_difference(uint64_t a, uint64_t b)
{
    return (uint64_t)((int64_t)(a - b) >> 1);
}

EVAL(vshadd)
{
    map_signed(v, attr, half_sum);
}

EVAL(vuhadd)
{
    map_unsigned(v, attr, half_sum);
}

EVAL(vsrhadd)
{
    map_signed(v, attr, half_sum_rounded);
}

EVAL(vurhadd)
{
    map_unsigned(v, attr, half_sum_rounded);
}

EVAL(vshsub)
{
    map_signed(v, attr, half_difference);
}

EVAL(vuhsub)
{
    map_unsigned(v, attr, half_difference);
}

/* --- shifts
 * -------------------------------------------------------------------------------------*/

/* USHL and its kind: the count is the signed low byte of b's lane, negative means right. */
static void shift_by_register(union ir_value v[4], uint32_t attr, bool is_signed, bool round)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    for (unsigned i = 0; i < 16u >> esz; i++) {
        const int count = (int8_t)eval_lane(&v[2].v, esz, i);
        const ir_wide x =
            is_signed ? (ir_wide)eval_lane_s(&v[1].v, esz, i) : (ir_wide)eval_lane(&v[1].v, esz, i);
        uint64_t r;
        if (count < 0)
            r = (uint64_t)ir_shift_right(x, (unsigned)-count, round);
        else
            r = count < 64 ? (uint64_t)x << count : 0;
        eval_set_lane(&v[0].v, esz, i, r);
    }
}

EVAL(vushl)
{
    shift_by_register(v, attr, false, false);
}

EVAL(vsshl)
{
    shift_by_register(v, attr, true, false);
}

EVAL(vurshl)
{
    shift_by_register(v, attr, false, true);
}

EVAL(vsrshl)
{
    shift_by_register(v, attr, true, true);
}

EVAL(vrshri)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    for (unsigned i = 0; i < 16u >> esz; i++)
        eval_set_lane(
            &v[0].v, esz, i,
            (uint64_t)ir_shift_right((ir_wide)eval_lane(&v[1].v, esz, i), (unsigned)imm, true));
}

EVAL(vrsari)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    for (unsigned i = 0; i < 16u >> esz; i++)
        eval_set_lane(&v[0].v, esz, i,
                      (uint64_t)ir_shift_right(eval_lane_s(&v[1].v, esz, i), (unsigned)imm, true));
}

/* --- long products
 * ------------------------------------------------------------------------------*/

EVAL(vsmull)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8), n = 8u >> esz, from = imm ? n : 0;
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(
            &v[0].v, esz + 1, i,
            (uint64_t)(eval_lane_s(&v[1].v, esz, from + i) * eval_lane_s(&v[2].v, esz, from + i)));
}

EVAL(vumull)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8), n = 8u >> esz, from = imm ? n : 0;
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz + 1, i,
                      eval_lane(&v[1].v, esz, from + i) * eval_lane(&v[2].v, esz, from + i));
}

/* --- bits
 * ---------------------------------------------------------------------------------------*/

static uint64_t leading_zeros(uint64_t a, unsigned bits)
{
    return a ? (uint64_t)__builtin_clzll(a) - (64 - bits) : bits;
}

static uint64_t leading_sign_bits(uint64_t a, unsigned bits)
{
    return leading_zeros((a ^ a >> 1) & ones(bits - 1), bits - 1);
}

EVAL(vclz)
{
    map_unary(v, attr, leading_zeros);
}

EVAL(vcls)
{
    map_unary(v, attr, leading_sign_bits);
}

EVAL(vcnt)
{
    for (unsigned i = 0; i < 16; i++)
        v[0].v.b[i] = (uint8_t)__builtin_popcount(v[1].v.b[i]);
}

EVAL(vrbit)
{
    for (unsigned i = 0; i < 16; i++) {
        const uint8_t x = v[1].v.b[i];
        uint8_t r = 0;
        for (unsigned n = 0; n < 8; n++)
            r |= (uint8_t)((x >> n & 1) << (7 - n));
        v[0].v.b[i] = r;
    }
}

EVAL(vtbl)
{
    for (unsigned i = 0; i < 16; i++)
        v[0].v.b[i] = v[2].v.b[i] < 16 ? v[1].v.b[v[2].v.b[i]] : 0;
}

/* --- dot products
 * -------------------------------------------------------------------------------*/

static void dot(union ir_value v[4], bool signed_a, bool signed_b)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t sum = v[3].v.s[i];
        for (unsigned k = 4 * i; k < 4 * i + 4; k++)
            sum += (uint32_t)((signed_a ? v[1].v.sb[k] : v[1].v.b[k]) *
                              (signed_b ? v[2].v.sb[k] : v[2].v.b[k]));
        v[0].v.s[i] = sum;
    }
}

EVAL(vsdot)
{
    dot(v, true, true);
}

EVAL(vudot)
{
    dot(v, false, false);
}

EVAL(vusdot)
{
    dot(v, false, true);
}
