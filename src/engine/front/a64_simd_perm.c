/* SPDX-License-Identifier: Apache-2.0 */
/* Moving lanes about: copies, permutations, extraction, table look-up (manual C4.1.68 "copy",
 * "permute", "extract", "table lookup"). */
#include "engine/front/a64_simd.h"

/* imm5 holds the element's size as its lowest one, and above that the index. */
struct lane {
    unsigned esz, index;
};

static bool lane_of(unsigned imm5, struct lane *lane)
{
    if (!(imm5 & 15))
        return false;
    lane->esz = (unsigned)__builtin_ctz(imm5);
    lane->index = imm5 >> (lane->esz + 1);
    return true;
}

void a64_simd_dup_elem(struct a64 *c, const struct a64_simd_dup_elem *f)
{
    struct lane l;
    if (!a64_simd_ok(c, lane_of(f->imm5, &l) && (l.esz != 3 || f->Q)))
        return;
    a64_set_vq(c, f->Rd, f->Q, ir_vduplane(c->ir, a64_v(c, f->Rn), l.esz, l.index));
}

void a64_simd_dup_s(struct a64 *c, const struct a64_simd_dup_s *f)
{
    struct lane l;
    if (!a64_simd_ok(c, lane_of(f->imm5, &l)))
        return;
    ir_ref x = ir_vlaneu(c->ir, a64_v(c, f->Rn), l.esz, l.index);
    a64_set_v(c, f->Rd, ir_vfromx(c->ir, x, a64_k(c, 0)));
}

void a64_simd_dup_gen(struct a64 *c, const struct a64_simd_dup_gen *f)
{
    struct lane l;
    if (!a64_simd_ok(c, lane_of(f->imm5, &l) && (l.esz != 3 || f->Q)))
        return;
    a64_set_vq(c, f->Rd, f->Q, ir_vdup(c->ir, a64_x(c, f->Rn), l.esz));
}

/* SMOV and UMOV: SMOV extends to W or X as Q says, UMOV's Q must match the element. */
void a64_simd_mov_lane(struct a64 *c, const struct a64_simd_mov_lane *f)
{
    struct lane l;
    const bool is_signed = f->op == A64_SMOV;
    bool valid = lane_of(f->imm5, &l);
    if (valid)
        valid = is_signed ? l.esz < (f->Q ? 3 : 2) : (f->Q ? l.esz == 3 : l.esz < 3);
    if (!a64_simd_ok(c, valid))
        return;
    ir_ref v = a64_v(c, f->Rn);
    if (!is_signed)
        a64_set_x(c, f->Rd, ir_vlaneu(c->ir, v, l.esz, l.index));
    else if (f->Q)
        a64_set_x(c, f->Rd, ir_vlanes(c->ir, v, l.esz, l.index));
    else
        a64_set_w(c, f->Rd, ir_trunc(c->ir, ir_vlanes(c->ir, v, l.esz, l.index)));
}

void a64_simd_ins_gen(struct a64 *c, const struct a64_simd_ins_gen *f)
{
    struct lane l;
    if (!a64_simd_ok(c, lane_of(f->imm5, &l)))
        return;
    a64_set_v(c, f->Rd, ir_vsetlane(c->ir, a64_v(c, f->Rd), a64_x(c, f->Rn), l.esz, l.index));
}

void a64_simd_ins_elem(struct a64 *c, const struct a64_simd_ins_elem *f)
{
    struct lane l;
    if (!a64_simd_ok(c, lane_of(f->imm5, &l)))
        return;
    const unsigned from = f->imm4 >> l.esz;
    a64_set_v(c, f->Rd,
              ir_vcopylane(c->ir, a64_v(c, f->Rd), a64_v(c, f->Rn), l.esz,
                           (int64_t)(from << 8 | l.index)));
}

/* With Q = 0 a zip takes the low quarters' lanes, and the others see only the low halves. */
void a64_simd_permute(struct a64 *c, const struct a64_simd_permute *f)
{
    struct ir *ir = c->ir;
    const unsigned esz = f->size;
    if (!a64_simd_ok(c, esz != 3 || f->Q))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r;
    switch (f->op) {
    case A64_UZP1:
    case A64_UZP2:
        if (!f->Q)
            n = m = ir_vzip1(ir, n, m, 3);
        r = f->op == A64_UZP1 ? ir_vuzp1(ir, n, m, esz) : ir_vuzp2(ir, n, m, esz);
        break;
    case A64_TRN1:
        r = ir_vtrn1(ir, n, m, esz);
        break;
    case A64_TRN2:
        r = ir_vtrn2(ir, n, m, esz);
        break;
    case A64_ZIP1:
        r = ir_vzip1(ir, n, m, esz);
        break;
    default: /* ZIP2 */
        if (f->Q) {
            r = ir_vzip2(ir, n, m, esz);
        } else {
            r = ir_vzip1(ir, n, m, esz);
            r = ir_vext(ir, r, r, 8);
        }
    }
    a64_set_vq(c, f->Rd, f->Q, r);
}

void a64_simd_ext(struct a64 *c, const struct a64_simd_ext *f)
{
    if (!a64_simd_ok(c, f->Q || f->imm4 < 8))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm);
    if (!f->Q) /* both halves in one register: bytes imm4.. of it */
        n = m = ir_vzip1(c->ir, n, m, 3);
    a64_set_vq(c, f->Rd, f->Q, f->imm4 ? ir_vext(c->ir, n, m, f->imm4) : n);
}

/* A table of len + 1 registers, looked up one by one: an index outside a register yields zero. */
void a64_simd_table(struct a64 *c, const struct a64_simd_table *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref index = a64_v(c, f->Rm), r = ir_vtbl(ir, a64_v(c, f->Rn), index);
    for (unsigned i = 1; i <= f->len; i++) {
        ir_ref rest = ir_vsub(ir, index, a64_vsplat(c, 0, 16 * i), 0);
        r = ir_vor(ir, r, ir_vtbl(ir, a64_v(c, (f->Rn + i) % 32), rest));
    }
    if (f->op == A64_TBX) {
        ir_ref outside = ir_vchs(ir, index, a64_vsplat(c, 0, 16 * (f->len + 1)), 0);
        r = ir_vbsl(ir, outside, a64_v(c, f->Rd), r);
    }
    a64_set_vq(c, f->Rd, f->Q, r);
}
