/* SPDX-License-Identifier: Apache-2.0 */
/* Dot products and products of matrices of bytes and BFloat16, and multiplications that widen half
 * precision or BFloat16 to single (manual C4.1.68 "three same extra", "indexed element"). */
#include "engine/front/a64_simd.h"

/* --- dot products
 * -------------------------------------------------------------------------------*/

/* How an instruction forms the words of its result from its sources' words: c + n . m */
typedef ir_ref dot_build(struct ir *ir, ir_ref n, ir_ref m, ir_ref c);

/* Signed by unsigned bytes. */
static ir_ref sudot(struct ir *ir, ir_ref n, ir_ref m, ir_ref c)
{
    return ir_vusdot(ir, m, n, c);
}

static dot_build *dot_builder(unsigned op)
{
    switch (op) {
    case A64_SDOT_v:
    case A64_SDOT_e:
    case A64_SMMLA_v:
        return ir_vsdot;
    case A64_UDOT_v:
    case A64_UDOT_e:
    case A64_UMMLA_v:
        return ir_vudot;
    case A64_SUDOT_e:
        return sudot;
    case A64_USDOT_v:
    case A64_USDOT_e:
    case A64_USMMLA_v:
        return ir_vusdot;
    default: /* BFDOT, BFMMLA */
        return ir_vbfdot;
    }
}

void a64_simd_dot(struct a64 *c, const struct a64_simd_dot *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref r = dot_builder(f->op)(c->ir, a64_v(c, f->Rn), a64_v(c, f->Rm), a64_v(c, f->Rd));
    a64_set_vq(c, f->Rd, f->Q, r);
}

void a64_simd_dot_e(struct a64 *c, const struct a64_simd_dot_e *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref m = ir_vduplane(c->ir, a64_v(c, f->M << 4 | f->Rm), 2, f->H << 1 | f->L);
    ir_ref r = dot_builder(f->op)(c->ir, a64_v(c, f->Rn), m, a64_v(c, f->Rd));
    a64_set_vq(c, f->Rd, f->Q, r);
}

/*
 * Sources are two rows of two words each. Word 2i+j of the result gathers row i of n by row j of m:
 * first the rows' first words, then the second ones.
 */
void a64_simd_mmla(struct a64 *c, const struct a64_simd_mmla *f)
{
    struct ir *ir = c->ir;
    dot_build *dot = dot_builder(f->op);
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm);
    ir_ref r = dot(ir, ir_vtrn1(ir, n, n, 2), ir_vuzp1(ir, m, m, 2), a64_v(c, f->Rd));
    a64_set_v(c, f->Rd, dot(ir, ir_vtrn2(ir, n, n, 2), ir_vuzp2(ir, m, m, 2), r));
}

/* --- FMLAL and FMLSL
 * ----------------------------------------------------------------------------*/

static void mlal(struct a64 *c, unsigned Rd, unsigned Rn, ir_ref m, unsigned Q, bool upper,
                 bool subtract)
{
    const unsigned form = a64_fp_form(c, 2, a64_lanes(Q)) | (subtract ? IR_FMA_NEG_A : 0);
    a64_set_v(c, Rd, ir_fmlal(c->ir, a64_v(c, Rn), m, a64_v(c, Rd), form, upper));
}

void a64_fp_mlal(struct a64 *c, const struct a64_fp_mlal *f)
{
    if (a64_simd_ok(c, true))
        mlal(c, f->Rd, f->Rn, a64_v(c, f->Rm), f->Q, f->op == A64_FMLAL2_v, f->S);
}

void a64_fp_mlal_e(struct a64 *c, const struct a64_fp_mlal_e *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref m = ir_vduplane(c->ir, a64_v(c, f->Rm), 1, f->H << 2 | f->L << 1 | f->M);
    mlal(c, f->Rd, f->Rn, m, f->Q, f->op == A64_FMLAL2_e, f->S);
}

/* --- BFMLALB and BFMLALT: BFloat16 numbers are upper halves of singles
 * ------------------------------------------------------------------------------*/

/* Every second BFloat16, from the first (B) or the second (T) on, as singles. */
static ir_ref bf_singles(struct a64 *c, ir_ref v, unsigned top)
{
    if (top)
        return ir_vand(c->ir, v, a64_vsplat(c, 2, 0xffff0000));
    return ir_vshli(c->ir, v, 2, 16);
}

/* Q says which; the accumulation is that of singles. */
void a64_bf_mlal(struct a64 *c, const struct a64_bf_mlal *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = bf_singles(c, a64_v(c, f->Rn), f->Q), m = bf_singles(c, a64_v(c, f->Rm), f->Q);
    a64_set_v(c, f->Rd, ir_fma(c->ir, n, m, a64_v(c, f->Rd), a64_fp_form(c, 2, IR_LANES_128)));
}

void a64_bf_mlal_e(struct a64 *c, const struct a64_bf_mlal_e *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref m = ir_vduplane(c->ir, a64_v(c, f->Rm), 1, f->H << 2 | f->L << 1 | f->M);
    ir_ref n = bf_singles(c, a64_v(c, f->Rn), f->Q);
    a64_set_v(
        c, f->Rd,
        ir_fma(c->ir, n, bf_singles(c, m, 1), a64_v(c, f->Rd), a64_fp_form(c, 2, IR_LANES_128)));
}
