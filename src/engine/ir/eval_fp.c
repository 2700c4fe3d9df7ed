/* SPDX-License-Identifier: Apache-2.0 */
/* Meanings of floating-point operations: each computes its lanes with calc/softfp under the FPCR of
 * the environment and adds the exceptions to FPSR. */
#include "engine/calc/softfp.h"
#include "eval_simd.h"

typedef uint64_t unary_fn(struct softfp *c, enum softfp_format f, uint64_t a);
typedef uint64_t binary_fn(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);
typedef bool compare_fn(struct softfp *c, enum softfp_format f, uint64_t a, uint64_t b);

static void unary(union ir_value v[4], uint32_t attr, struct ir_fpenv *fp, unary_fn *fn)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    struct softfp c = softfp_from_fpcr(fp->fpcr);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz, i, fn(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, i)));
    fp->fpsr |= c.flags;
}

static void binary(union ir_value v[4], uint32_t attr, struct ir_fpenv *fp, binary_fn *fn)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    struct softfp c = softfp_from_fpcr(fp->fpcr);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz, i,
                      fn(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, i),
                         eval_lane(&v[2].v, esz, i)));
    fp->fpsr |= c.flags;
}

static void compare(union ir_value v[4], uint32_t attr, struct ir_fpenv *fp, compare_fn *fn,
                    bool absolute)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    const uint64_t mask = absolute ? ones(ir_lane_bits(esz) - 1) : ~0ull;
    struct softfp c = softfp_from_fpcr(fp->fpcr);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++) {
        const bool holds = fn(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, i) & mask,
                              eval_lane(&v[2].v, esz, i) & mask);
        eval_set_lane(&v[0].v, esz, i, holds ? ~0ull : 0);
    }
    fp->fpsr |= c.flags;
}

EVAL(fadd)
{
    binary(v, attr, fp, softfp_add);
}

EVAL(fsub)
{
    binary(v, attr, fp, softfp_sub);
}

EVAL(fmul)
{
    binary(v, attr, fp, softfp_mul);
}

EVAL(fdiv)
{
    binary(v, attr, fp, softfp_div);
}

EVAL(fmulx)
{
    binary(v, attr, fp, softfp_mulx);
}

EVAL(fmax)
{
    binary(v, attr, fp, softfp_max);
}

EVAL(fmin)
{
    binary(v, attr, fp, softfp_min);
}

EVAL(fmaxnm)
{
    binary(v, attr, fp, softfp_maxnm);
}

EVAL(fminnm)
{
    binary(v, attr, fp, softfp_minnm);
}

EVAL(fma)
{
    const unsigned aux = attr >> 8, esz = IR_VFORM_ESZ(aux), n = ir_vform_count(aux);
    const uint64_t sign = 1ull << (ir_lane_bits(esz) - 1);
    const uint64_t flip_a = aux & IR_FMA_NEG_A ? sign : 0, flip_c = aux & IR_FMA_NEG_C ? sign : 0;
    struct softfp c = softfp_from_fpcr(fp->fpcr);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++)
        eval_set_lane(&v[0].v, esz, i,
                      softfp_fma(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, i) ^ flip_a,
                                 eval_lane(&v[2].v, esz, i), eval_lane(&v[3].v, esz, i) ^ flip_c));
    fp->fpsr |= c.flags;
}

EVAL(fmlal)
{
    const unsigned aux = attr >> 8, n = ir_vform_count(aux), from = imm ? n : 0;
    const uint16_t flip_a = aux & IR_FMA_NEG_A ? 0x8000 : 0;
    struct softfp c = softfp_from_fpcr(fp->fpcr);
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < n; i++)
        v[0].v.s[i] =
            softfp_fma_long(&c, v[1].v.h[from + i] ^ flip_a, v[2].v.h[from + i], v[3].v.s[i]);
    fp->fpsr |= c.flags;
}

EVAL(vbfdot)
{
    for (unsigned i = 0; i < 4; i++)
        v[0].v.s[i] = softfp_bfdot(v[3].v.s[i], v[1].v.s[i], v[2].v.s[i]);
}

EVAL(fsqrt)
{
    unary(v, attr, fp, softfp_sqrt);
}

EVAL(frecps)
{
    binary(v, attr, fp, softfp_recip_step);
}

EVAL(frsqrts)
{
    binary(v, attr, fp, softfp_rsqrt_step);
}

EVAL(frecpe)
{
    unary(v, attr, fp, softfp_recip_estimate);
}

EVAL(frsqrte)
{
    unary(v, attr, fp, softfp_rsqrt_estimate);
}

EVAL(frecpx)
{
    unary(v, attr, fp, softfp_recpx);
}

/* --- comparisons
 * --------------------------------------------------------------------------------*/

EVAL(fcmp)
{
    const unsigned esz = IR_VFORM_ESZ(attr >> 8);
    struct softfp c = softfp_from_fpcr(fp->fpcr);
    v[0].x = softfp_compare(&c, (enum softfp_format)esz, eval_lane(&v[1].v, esz, 0),
                            eval_lane(&v[2].v, esz, 0), imm != 0);
    fp->fpsr |= c.flags;
}

EVAL(fceq)
{
    compare(v, attr, fp, softfp_eq, false);
}

EVAL(fcge)
{
    compare(v, attr, fp, softfp_ge, false);
}

EVAL(fcgt)
{
    compare(v, attr, fp, softfp_gt, false);
}

EVAL(facge)
{
    compare(v, attr, fp, softfp_ge, true);
}

EVAL(facgt)
{
    compare(v, attr, fp, softfp_gt, true);
}
