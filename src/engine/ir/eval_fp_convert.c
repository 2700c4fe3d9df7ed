/* SPDX-License-Identifier: Apache-2.0 */
/* Meanings of conversions between floating-point formats, integers and integral values. */
#include "engine/calc/softfp.h"
#include "eval_simd.h"

/* The first six of enum ir_round and enum softfp_round are the same. */
static enum softfp_round round_of(int64_t imm)
{
    return (enum softfp_round)IR_ROUND(imm);
}

static struct softfp begin(union ir_value v[4], const struct ir_fpenv *fp)
{
    v[0].v = (union v128){0};
    return softfp_from_fpcr(fp->fpcr);
}

EVAL(frint)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    struct softfp c = begin(v, fp);
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz, i,
                      softfp_round_int(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, i),
                                       round_of(imm), imm & IR_ROUND_EXACT));
    fp->fpsr |= c.flags;
}

EVAL(frintn)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    struct softfp c = begin(v, fp);
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz, i,
                      softfp_round_int_n(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, i),
                                         round_of(imm), IR_RINT_BITS(imm)));
    fp->fpsr |= c.flags;
}

EVAL(fcvt)
{
    const unsigned from = IR_VFORM_ESZ(attr >> 8), to = (unsigned)imm & 3;
    struct softfp c = begin(v, fp);
    eval_set_lane(&v[0].v, to, 0,
                  softfp_convert(&c, (enum softfp_format)from, (enum softfp_format)to,
                                 eval_lane(&v[1].v, from, 0), SOFTFP_FROM_FPCR));
    fp->fpsr |= c.flags;
}

EVAL(fcvtl)
{
    const unsigned from = IR_VFORM_ESZ(attr >> 8), half = 8u >> from, first = imm ? half : 0;
    struct softfp c = begin(v, fp);
    for (unsigned i = 0; i < half; i++)
        eval_set_lane(&v[0].v, from + 1, i,
                      softfp_convert(&c, (enum softfp_format)from, (enum softfp_format)(from + 1),
                                     eval_lane(&v[1].v, from, first + i), SOFTFP_FROM_FPCR));
    fp->fpsr |= c.flags;
}

EVAL(fcvtn)
{
    const unsigned aux = attr >> 8, from = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    struct softfp c = begin(v, fp);
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, from - 1, i,
                      softfp_convert(&c, (enum softfp_format)from, (enum softfp_format)(from - 1),
                                     eval_lane(&v[1].v, from, i),
                                     imm ? SOFTFP_ODD : SOFTFP_FROM_FPCR));
    fp->fpsr |= c.flags;
}

EVAL(fcvtbf)
{
    const unsigned n = ir_vform_count(attr >> 8);
    struct softfp c = begin(v, fp);
    for (unsigned i = 0; i < n; i++)
        v[0].v.h[i] = (uint16_t)softfp_convert(&c, SOFTFP_SINGLE, SOFTFP_BFLOAT, v[1].v.s[i],
                                               SOFTFP_FROM_FPCR);
    fp->fpsr |= c.flags;
}

EVAL(fcvtjs)
{
    struct softfp c = softfp_from_fpcr(fp->fpcr);
    bool exact;
    const uint32_t low = softfp_to_int_js(&c, v[1].v.d[0], &exact);
    v[0].x = (uint64_t)exact << 32 | low;
    fp->fpsr |= c.flags;
}

EVAL(ftoi)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    struct softfp c = softfp_from_fpcr(fp->fpcr);
    v[0].x = softfp_to_int(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, 0),
                           (attr & 0xff) == IR_I64 ? 64 : 32, IR_CVT_FBITS(imm),
                           imm & IR_CVT_UNSIGNED, round_of(imm));
    fp->fpsr |= c.flags;
}

EVAL(vftoi)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    struct softfp c = begin(v, fp);
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz, i,
                      softfp_to_int(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, i),
                                    ir_lane_bits(esz), IR_CVT_FBITS(imm), imm & IR_CVT_UNSIGNED,
                                    round_of(imm)));
    fp->fpsr |= c.flags;
}

EVAL(itof)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    const uint64_t x = v[1].x;
    struct softfp c = begin(v, fp);
    eval_set_lane(&v[0].v, esz, 0,
                  softfp_from_int(&c, (enum softfp_format)esz, x, 64, IR_CVT_FBITS(imm),
                                  imm & IR_CVT_UNSIGNED, SOFTFP_FROM_FPCR));
    fp->fpsr |= c.flags;
}

EVAL(vitof)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    struct softfp c = begin(v, fp);
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz, i,
                      softfp_from_int(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, i),
                                      ir_lane_bits(esz), IR_CVT_FBITS(imm), imm & IR_CVT_UNSIGNED,
                                      SOFTFP_FROM_FPCR));
    fp->fpsr |= c.flags;
}
