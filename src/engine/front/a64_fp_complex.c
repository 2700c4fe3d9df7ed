/* SPDX-License-Identifier: Apache-2.0 */
/* Complex numbers, their real part in the even lane: FCADD and FCMLA (manual C7.2). */
#include "engine/front/a64_simd.h"

/* Lanes of each pair exchanged. */
static ir_ref exchanged(struct a64 *c, ir_ref v, unsigned esz)
{
    return esz == 3 ? ir_vext(c->ir, v, v, 8) : ir_vrev(c->ir, v, esz, esz + 1);
}

/* v with the signs of its even lanes and of its odd lanes changed, NaNs too. */
static ir_ref negated(struct a64 *c, ir_ref v, unsigned esz, bool even, bool odd)
{
    const uint64_t sign = a64_sign(esz);
    uint64_t low = even ? sign : 0, high = odd ? sign : 0;
    if (esz == 3)
        return ir_vxor(c->ir, v, ir_vfromx(c->ir, a64_k(c, low), a64_k(c, high)));
    return ir_vxor(c->ir, v, a64_vsplat(c, esz + 1, high << (8u << esz) | low));
}

/* Vn + Vm * i (rot 0: 90 degrees) or Vn - Vm * i (rot 1: 270). */
void a64_fp_cadd(struct a64 *c, const struct a64_fp_cadd *f)
{
    const unsigned esz = (unsigned)bits(c->insn, 23, 22);
    if (!a64_simd_ok(c, esz != 0 && (esz != 3 || f->Q)))
        return;
    ir_ref m = exchanged(c, a64_v(c, f->Rm), esz);
    a64_set_v(c, f->Rd,
              ir_fadd(c->ir, a64_v(c, f->Rn), negated(c, m, esz, !f->rot, f->rot),
                      a64_fp_form(c, esz, a64_lanes(f->Q))));
}

/*
 * Half of a complex product, rotated by rot quarters: 0 adds the real part of n by m, 1 its
 * imaginary part by m * i; 2 and 3 subtract these.
 */
static void multiply_add(struct a64 *c, unsigned Rd, unsigned Rn, ir_ref m, unsigned rot,
                         unsigned form)
{
    struct ir *ir = c->ir;
    const unsigned esz = IR_VFORM_ESZ(form);
    ir_ref n = a64_v(c, Rn);
    const bool imaginary = rot & 1;
    n = imaginary ? ir_vtrn2(ir, n, n, esz) : ir_vtrn1(ir, n, n, esz);
    if (imaginary)
        m = exchanged(c, m, esz);
    const bool even = rot == 1 || rot == 2, odd = rot >= 2;
    if (even || odd)
        m = negated(c, m, esz, even, odd);
    a64_set_v(c, Rd, ir_fma(ir, n, m, a64_v(c, Rd), form));
}

void a64_fp_cmla(struct a64 *c, const struct a64_fp_cmla *f)
{
    const unsigned esz = (unsigned)bits(c->insn, 23, 22);
    if (!a64_simd_ok(c, esz != 0 && (esz != 3 || f->Q)))
        return;
    multiply_add(c, f->Rd, f->Rn, a64_v(c, f->Rm), f->rot, a64_fp_form(c, esz, a64_lanes(f->Q)));
}

/* The element is a pair of halves, or of singles of which a vector has two. */
void a64_fp_cmla_e(struct a64 *c, const struct a64_fp_cmla_e *f)
{
    const unsigned esz = (unsigned)bits(c->insn, 23, 22);
    const bool valid = esz == 1 ? !f->H || f->Q : esz == 2 && !f->L && f->Q;
    if (!a64_simd_ok(c, valid))
        return;
    const unsigned index = esz == 1 ? f->H << 1 | f->L : f->H;
    ir_ref m = ir_vduplane(c->ir, a64_v(c, f->M << 4 | f->Rm), esz + 1, index);
    multiply_add(c, f->Rd, f->Rn, m, f->rot, a64_fp_form(c, esz, a64_lanes(f->Q)));
}
