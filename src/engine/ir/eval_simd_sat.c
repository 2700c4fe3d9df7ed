/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meanings of saturating vector operations: results that do not fit are the nearest that do, and
 * set FPSR.QC. Each computes exactly in 128 bits, then saturates (manual C7.2, SatQ()).
 */
#include "eval_simd.h"

typedef ir_wide wide_fn(ir_wide a, ir_wide b);

static inline ir_wide wide_lane(const union v128 *v, unsigned esz, unsigned i, bool is_signed)
{
    return is_signed ? (ir_wide)eval_lane_s(v, esz, i) : (ir_wide)eval_lane(v, esz, i);
}

static inline uint64_t saturate(ir_wide x, unsigned width, bool is_signed, struct ir_fpenv *fp)
{
    return is_signed ? ir_sat_signed(x, width, fp) : ir_sat_unsigned(x, width, fp);
}

/* Lanes of a and of b (read as signed or not) through fn, saturated as a. */
static inline __attribute__((always_inline)) void map(union ir_value v[4], uint32_t attr,
                                                      struct ir_fpenv *fp, bool signed_a,
                                                      bool signed_b, wide_fn *fn)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++) {
        const ir_wide a = wide_lane(&v[1].v, esz, i, signed_a);
        const ir_wide b = wide_lane(&v[2].v, esz, i, signed_b);
        eval_set_lane(&v[0].v, esz, i, saturate(fn(a, b), ir_lane_bits(esz), signed_a, fp));
    }
}

static ir_wide sum(ir_wide a, ir_wide b)
{
    return a + b;
}

static ir_wide difference(ir_wide a, ir_wide b)
{
    return a - b;
}

static ir_wide magnitude(ir_wide a, ir_wide b)
{
    return a < 0 ? -a : a;
}

static ir_wide negative(ir_wide a, ir_wide b)
{
    return -a;
}

EVAL(vsqadd)
{
    map(v, attr, fp, true, true, sum);
}

EVAL(vuqadd)
{
    map(v, attr, fp, false, false, sum);
}

EVAL(vsqsub)
{
    map(v, attr, fp, true, true, difference);
}

EVAL(vuqsub)
{
    map(v, attr, fp, false, false, difference);
}

EVAL(vsuqadd)
{
    map(v, attr, fp, true, false, sum);
}

EVAL(vusqadd)
{
    map(v, attr, fp, false, true, sum);
}

EVAL(vsqabs)
{
    v[2] = v[1];
    map(v, attr, fp, true, true, magnitude);
}

EVAL(vsqneg)
{
    v[2] = v[1];
    map(v, attr, fp, true, true, negative);
}

/* --- shifts
 * -------------------------------------------------------------------------------------*/

static uint64_t shift_left(ir_wide x, unsigned n, unsigned width, bool is_signed,
                           struct ir_fpenv *fp)
{
    if (n >= width && x != 0) { /* out of range as surely as the smallest number would be */
        n = width;
        x = x < 0 ? -1 : 1;
    }
    return x ? saturate(x * ((ir_wide)1 << n), width, is_signed, fp) : 0;
}

static void shift_by_register(union ir_value v[4], uint32_t attr, struct ir_fpenv *fp,
                              bool is_signed, bool round)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    const unsigned width = ir_lane_bits(esz);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++) {
        const int count = (int8_t)eval_lane(&v[2].v, esz, i);
        const ir_wide x = wide_lane(&v[1].v, esz, i, is_signed);
        const uint64_t r = count < 0 ? (uint64_t)ir_shift_right(x, (unsigned)-count, round)
                                     : shift_left(x, (unsigned)count, width, is_signed, fp);
        eval_set_lane(&v[0].v, esz, i, r);
    }
}

EVAL(vuqshl)
{
    shift_by_register(v, attr, fp, false, false);
}

EVAL(vsqshl)
{
    shift_by_register(v, attr, fp, true, false);
}

EVAL(vuqrshl)
{
    shift_by_register(v, attr, fp, false, true);
}

EVAL(vsqrshl)
{
    shift_by_register(v, attr, fp, true, true);
}

EVAL(vsqshlu)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++) {
        const ir_wide x = wide_lane(&v[1].v, esz, i, true);
        eval_set_lane(&v[0].v, esz, i,
                      ir_sat_unsigned(x * ((ir_wide)1 << imm), ir_lane_bits(esz), fp));
    }
}

/* --- narrowing
 * ----------------------------------------------------------------------------------*/

static void narrow(union ir_value v[4], uint32_t attr, struct ir_fpenv *fp, bool from_signed,
                   bool to_signed)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux);
    const unsigned n = IR_VFORM_LANES(aux) == IR_LANES_1 ? 1 : 8u >> esz;
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz, i,
                      saturate(wide_lane(&v[1].v, esz + 1, i, from_signed), ir_lane_bits(esz),
                               to_signed, fp));
}

EVAL(vsqxtn)
{
    narrow(v, attr, fp, true, true);
}

EVAL(vsqxtun)
{
    narrow(v, attr, fp, true, false);
}

EVAL(vuqxtn)
{
    narrow(v, attr, fp, false, false);
}

/* --- doubled products
 * ---------------------------------------------------------------------------*/

static void high_half(union ir_value v[4], uint32_t attr, struct ir_fpenv *fp, bool round,
                      int accumulate)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    const unsigned width = ir_lane_bits(esz);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++) {
        ir_wide x = 2 * wide_lane(&v[1].v, esz, i, true) * wide_lane(&v[2].v, esz, i, true);
        if (accumulate)
            x = accumulate * x + (wide_lane(&v[3].v, esz, i, true) * ((ir_wide)1 << width));
        x += round ? (ir_wide)1 << (width - 1) : 0;
        eval_set_lane(&v[0].v, esz, i, ir_sat_signed(x >> width, width, fp));
    }
}

EVAL(vsqdmulh)
{
    high_half(v, attr, fp, false, 0);
}

EVAL(vsqrdmulh)
{
    high_half(v, attr, fp, true, 0);
}

EVAL(vsqrdmlah)
{
    high_half(v, attr, fp, true, 1);
}

EVAL(vsqrdmlsh)
{
    high_half(v, attr, fp, true, -1);
}

EVAL(vsqdmull)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), half = 8u >> esz;
    const unsigned n = IR_VFORM_LANES(aux) == IR_LANES_1 ? 1 : half, from = imm ? half : 0;
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++) {
        const ir_wide a = wide_lane(&v[1].v, esz, from + i, true);
        const ir_wide b = wide_lane(&v[2].v, esz, from + i, true);
        eval_set_lane(&v[0].v, esz + 1, i, ir_sat_signed(2 * a * b, ir_lane_bits(esz + 1), fp));
    }
}
