/* SPDX-License-Identifier: Apache-2.0 */
/* Data processing with immediates (manual C4.1.92). */
#include "engine/front/a64.h"

void a64_adr(struct a64 *c, const struct a64_adr *f)
{
    int64_t imm = sext64(f->immhi << 2 | f->immlo, 21);
    bool page = f->op == A64_ADRP;
    a64_set_x(c, f->Rd, ir_pcrel(c->ir, page ? imm * 4096 : c->pgoff + imm));
}

void a64_addsub_imm(struct a64 *c, const struct a64_addsub_imm *f)
{
    enum ir_type type = a64_type(f->sf);
    uint32_t imm = f->sh ? f->imm12 << 12 : f->imm12;
    bool sub = f->op == A64_SUB_imm || f->op == A64_SUBS_imm;
    bool flags = f->op == A64_ADDS_imm || f->op == A64_SUBS_imm;
    ir_ref a = a64_regsp(c, f->sf, f->Rn), b, r;

    if (imm == 0 && !flags) { /* MOV to or from SP */
        a64_set_regsp(c, f->sf, f->Rd, a);
        return;
    }
    b = a64_kreg(c, f->sf, imm);
    if (!flags) {
        r = sub ? ir_sub(c->ir, type, a, b) : ir_add(c->ir, type, a, b);
        if (f->sf && f->Rn == 31)
            a64_set_base(c, f->Rd, r, imm); /* an aligned SP moved by imm */
        else
            a64_set_regsp(c, f->sf, f->Rd, r);
        return;
    }
    if (f->Rd != 31) {
        r = sub ? ir_sub(c->ir, type, a, b) : ir_add(c->ir, type, a, b);
        a64_set_reg(c, f->sf, f->Rd, r);
    }
    ir_putf(c->ir, sub ? ir_flsub(c->ir, type, a, b) : ir_fladd(c->ir, type, a, b));
}

/* DecodeBitMasks() for a logical immediate (manual, shared/functions): false if it is reserved. */
static bool bitmask_immediate(unsigned sf, unsigned n, unsigned imms, unsigned immr, uint64_t *mask)
{
    unsigned pattern = n << 6 | (~imms & 0x3f);
    if (pattern < 2 || (!sf && n))
        return false;
    unsigned len = 31 - (unsigned)__builtin_clz(pattern);
    unsigned size = 1u << len;
    unsigned s = imms & (size - 1), r = immr & (size - 1);
    if (s == size - 1)
        return false;
    uint64_t element = ones(s + 1);
    if (r)
        element = (element >> r | element << (size - r)) & ones(size);
    for (unsigned width = size; width < 64; width *= 2)
        element |= element << width;
    *mask = sf ? element : (uint32_t)element;
    return true;
}

void a64_log_imm(struct a64 *c, const struct a64_log_imm *f)
{
    enum ir_type type = a64_type(f->sf);
    uint64_t mask;
    if (!bitmask_immediate(f->sf, f->N, f->imms, f->immr, &mask)) {
        a64_undefined(c);
        return;
    }
    ir_ref b = a64_kreg(c, f->sf, mask), r;
    if (f->op == A64_ORR_imm && f->Rn == 31) { /* MOV of a bitmask */
        a64_set_regsp(c, f->sf, f->Rd, b);
        return;
    }
    ir_ref a = a64_reg(c, f->sf, f->Rn);
    switch (f->op) {
    case A64_ORR_imm:
        r = ir_or(c->ir, type, a, b);
        break;
    case A64_EOR_imm:
        r = ir_xor(c->ir, type, a, b);
        break;
    default:
        r = ir_and(c->ir, type, a, b);
        break;
    }
    if (f->op == A64_ANDS_imm) {
        a64_set_reg(c, f->sf, f->Rd, r);
        ir_putf(c->ir, ir_fllog(c->ir, type, r));
    } else if (f->op == A64_AND_imm && (mask & 15) == 0) {
        a64_set_base(c, f->Rd, f->sf ? r : ir_zext(c->ir, r), 0);
    } else {
        a64_set_regsp(c, f->sf, f->Rd, r);
    }
}

void a64_movewide(struct a64 *c, const struct a64_movewide *f)
{
    unsigned shift = f->hw * 16;
    uint64_t value = (uint64_t)f->imm16 << shift;
    if (!f->sf && f->hw >= 2) {
        a64_undefined(c);
        return;
    }
    if (f->op == A64_MOVK) {
        ir_ref old = a64_reg(c, f->sf, f->Rd);
        ir_ref r = ir_dep(c->ir, a64_type(f->sf), old, a64_kreg(c, f->sf, f->imm16), 16, shift);
        a64_set_reg(c, f->sf, f->Rd, r);
        return;
    }
    if (f->op == A64_MOVN)
        value = ~value;
    a64_set_x(c, f->Rd, a64_k(c, f->sf ? value : (uint32_t)value));
}

/* SBFM, UBFM with imms < immr: the low imms + 1 bits go to bit `to` up. */
static ir_ref insert_low(struct a64 *c, enum ir_type type, bool sign, ir_ref a, unsigned width,
                         unsigned to, unsigned bits_of_type)
{
    if (to + width == bits_of_type)
        return ir_shli(c->ir, type, a, to); /* LSL: nothing above the field */
    a = sign ? ir_exts(c->ir, type, a, width, 0) : ir_extu(c->ir, type, a, width, 0);
    return ir_shli(c->ir, type, a, to);
}

/* SBFM, UBFM with imms >= immr: `width` bits from lsb up go to bit 0. */
static ir_ref extract(struct a64 *c, enum ir_type type, bool sign, ir_ref a, unsigned lsb,
                      unsigned width, unsigned bits_of_type)
{
    if (lsb == 0 && width == bits_of_type)
        return a;
    if (lsb + width == bits_of_type)
        return sign ? ir_sari(c->ir, type, a, lsb) : ir_shri(c->ir, type, a, lsb);
    if (lsb == 0 && width == 8)
        return sign ? ir_sx8(c->ir, type, a) : ir_zx8(c->ir, type, a);
    if (lsb == 0 && width == 16)
        return sign ? ir_sx16(c->ir, type, a) : ir_zx16(c->ir, type, a);
    if (lsb == 0 && width == 32) {
        ir_ref low = ir_trunc(c->ir, a);
        return sign ? ir_sext(c->ir, low) : ir_zext(c->ir, low);
    }
    return sign ? ir_exts(c->ir, type, a, width, lsb) : ir_extu(c->ir, type, a, width, lsb);
}

void a64_bitfield(struct a64 *c, const struct a64_bitfield *f)
{
    enum ir_type type = a64_type(f->sf);
    unsigned size = f->sf ? 64 : 32;
    unsigned r = f->immr, s = f->imms;
    if (f->N != f->sf || r >= size || s >= size) {
        a64_undefined(c);
        return;
    }
    ir_ref a = a64_reg(c, f->sf, f->Rn), v;
    bool low = s >= r; /* the field lands at bit 0 */
    unsigned width = low ? s - r + 1 : s + 1;
    if (f->op == A64_BFM) {
        ir_ref old = a64_reg(c, f->sf, f->Rd);
        if (low && width == size)
            v = a;
        else if (low)
            v = ir_dep(c->ir, type, old, r ? ir_shri(c->ir, type, a, r) : a, width, 0);
        else
            v = ir_dep(c->ir, type, old, a, width, size - r);
    } else {
        bool sign = f->op == A64_SBFM;
        v = low ? extract(c, type, sign, a, r, width, size)
                : insert_low(c, type, sign, a, width, size - r, size);
    }
    a64_set_reg(c, f->sf, f->Rd, v);
}

void a64_extr(struct a64 *c, const struct a64_extr *f)
{
    enum ir_type type = a64_type(f->sf);
    if (f->N != f->sf || (!f->sf && f->imms >= 32)) {
        a64_undefined(c);
        return;
    }
    ir_ref low = a64_reg(c, f->sf, f->Rm), v;
    if (f->imms == 0)
        v = low;
    else if (f->Rn == f->Rm)
        v = ir_rori(c->ir, type, low, f->imms);
    else
        v = ir_extr(c->ir, type, a64_reg(c, f->sf, f->Rn), low, f->imms);
    a64_set_reg(c, f->sf, f->Rd, v);
}
