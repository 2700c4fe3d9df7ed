/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exclusive, ordered and atomic accesses (manual C4.1.94, B2.9, FEAT_LSE, FEAT_LRCPC).
 *
 * All of these fault when they are not aligned to the whole access. What FEAT_LSE2 allows within 16
 * bytes, and SCTLR_EL1.nAA beyond, the slow path knows.
 * CONSTRAINED UNPREDICTABLE register overlaps (K1.2) behave as if the registers were distinct, in
 * the order of the pseudocode: STXR with Rs = Rt or Rs = Rn uses the old values, LDXP with
 * Rt = Rt2 keeps the second.
 */
#include "engine/front/a64.h"

static uint16_t ordered(struct a64 *c, unsigned size, bool acquire, bool release)
{
    return a64_memop(
        c, size, IR_MEM_ALIGN | (acquire ? IR_MEM_ACQUIRE : 0) | (release ? IR_MEM_RELEASE : 0));
}

static enum ir_type type_of(unsigned size)
{
    return a64_type(size == 3);
}

/* A register as the operand of an access of that size. */
static ir_ref operand(struct a64 *c, unsigned size, unsigned n)
{
    return a64_reg(c, size == 3, n);
}

void a64_ldxr(struct a64 *c, const struct a64_ldxr *f)
{
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, f->size, f->op == A64_LDAXR, false);
    a64_set_x(c, f->Rt, ir_ldx(c->ir, IR_I64, a64_xsp(c, f->Rn), memop));
}

void a64_ldxp(struct a64 *c, const struct a64_ldxp *f)
{
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, 2 + f->sz, f->op == A64_LDAXP, false);
    ir_ref a = ir_ldx2(c->ir, IR_I64, a64_xsp(c, f->Rn), memop);
    ir_ref b = ir_hi(c->ir, IR_I64);
    a64_set_x(c, f->Rt, a);
    a64_set_x(c, f->Rt2, b);
}

void a64_stxr(struct a64 *c, const struct a64_stxr *f)
{
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, f->size, false, f->op == A64_STLXR);
    ir_ref value = operand(c, f->size, f->Rt);
    a64_set_w(c, f->Rs, ir_stx(c->ir, type_of(f->size), a64_xsp(c, f->Rn), value, memop));
}

void a64_stxp(struct a64 *c, const struct a64_stxp *f)
{
    unsigned size = 2 + f->sz;
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, size, false, f->op == A64_STLXP);
    ir_ref a = operand(c, size, f->Rt), b = operand(c, size, f->Rt2);
    a64_set_w(c, f->Rs, ir_stx2(c->ir, type_of(size), a64_xsp(c, f->Rn), a, b, memop));
}

void a64_ldar(struct a64 *c, const struct a64_ldar *f)
{
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, f->size, true, false);
    a64_set_x(c, f->Rt, ir_ld(c->ir, IR_I64, a64_xsp(c, f->Rn), memop));
}

void a64_ldapr(struct a64 *c, const struct a64_ldapr *f)
{
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, f->size, true, false);
    a64_set_x(c, f->Rt, ir_ld(c->ir, IR_I64, a64_xsp(c, f->Rn), memop));
}

/* LDAPUR, STLUR (FEAT_LRCPC2): LDAPR and STLR with an offset. */
void a64_ldapur(struct a64 *c, const struct a64_ldapur *f)
{
    bool sign = f->op != A64_LDAPUR;
    bool to64 = f->op != A64_LDAPURS_32;
    unsigned size = f->op == A64_LDAPURSW ? 2 : f->size;
    a64_mem_sp_check(c, f->Rn);
    ir_ref address = a64_addk(c, a64_xsp(c, f->Rn), sext64(f->imm9, 9));
    uint16_t memop = ordered(c, size, true, false) | (sign ? IR_MEM_SIGNED : 0);
    a64_set_reg(c, to64, f->Rt, ir_ld(c->ir, a64_type(to64), address, memop));
}

void a64_stlur(struct a64 *c, const struct a64_stlur *f)
{
    a64_mem_sp_check(c, f->Rn);
    ir_ref address = a64_addk(c, a64_xsp(c, f->Rn), sext64(f->imm9, 9));
    uint16_t memop = ordered(c, f->size, false, true);
    ir_st(c->ir, type_of(f->size), address, operand(c, f->size, f->Rt), memop);
}

void a64_stlr(struct a64 *c, const struct a64_stlr *f)
{
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, f->size, false, true);
    ir_st(c->ir, type_of(f->size), a64_xsp(c, f->Rn), operand(c, f->size, f->Rt), memop);
}

/* LD<op>, ST<op> (Rt = 31) and SWP. ST<op> with A is a hint's worth of acquire: Rt = 31 drops it.
 */
void a64_atomic(struct a64 *c, const struct a64_atomic *f)
{
    static const uint8_t kinds[] = {
        [A64_LDADD - A64_LDADD] = IR_ATOM_ADD,   [A64_LDCLR - A64_LDADD] = IR_ATOM_CLR,
        [A64_LDEOR - A64_LDADD] = IR_ATOM_EOR,   [A64_LDSET - A64_LDADD] = IR_ATOM_SET,
        [A64_LDSMAX - A64_LDADD] = IR_ATOM_SMAX, [A64_LDSMIN - A64_LDADD] = IR_ATOM_SMIN,
        [A64_LDUMAX - A64_LDADD] = IR_ATOM_UMAX, [A64_LDUMIN - A64_LDADD] = IR_ATOM_UMIN,
        [A64_SWP - A64_LDADD] = IR_ATOM_SWP,
    };
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, f->size, f->A && f->Rt != 31, f->R);
    ir_ref old =
        ir_atom(c->ir, IR_I64, a64_xsp(c, f->Rn), a64_x(c, f->Rs), memop, kinds[f->op - A64_LDADD]);
    a64_set_x(c, f->Rt, old);
}

void a64_cas(struct a64 *c, const struct a64_cas *f)
{
    a64_mem_sp_check(c, f->Rn);
    uint16_t memop = ordered(c, f->size, f->L, f->o0);
    ir_ref old = ir_cas(c->ir, IR_I64, a64_xsp(c, f->Rn), a64_x(c, f->Rs), a64_x(c, f->Rt), memop);
    a64_set_x(c, f->Rs, old);
}

/* A pair of W registers as they lie in memory, seen as one 64-bit number. */
static ir_ref join(struct a64 *c, unsigned n)
{
    ir_ref first = ir_zext(c->ir, a64_w(c, n)), second = ir_zext(c->ir, a64_w(c, (n + 1) & 31));
    ir_ref low = c->mode & FRONT_BE ? second : first, high = c->mode & FRONT_BE ? first : second;
    return ir_or(c->ir, IR_I64, low, ir_shli(c->ir, IR_I64, high, 32));
}

static void casp32(struct a64 *c, const struct a64_casp *f, uint16_t memop)
{
    ir_ref expected = join(c, f->Rs), fresh = join(c, f->Rt);
    ir_ref old = ir_cas(c->ir, IR_I64, a64_xsp(c, f->Rn), expected, fresh, memop);
    ir_ref low = ir_zext(c->ir, ir_trunc(c->ir, old)), high = ir_shri(c->ir, IR_I64, old, 32);
    bool be = c->mode & FRONT_BE;
    a64_set_x(c, f->Rs, be ? high : low);
    a64_set_x(c, f->Rs + 1, be ? low : high);
}

/*
 * 128-bit compare and swap out of an exclusive pair: when the pair is not what was expected it is
 * the result; otherwise the registers already hold it, and the store either succeeds or all of it
 * is tried again. The probe makes a read-only location fault whatever the comparison says; it comes
 * after the load, so that WnR = 0 where a load faults too.
 */
static void casp64(struct a64 *c, const struct a64_casp *f)
{
    unsigned retry = ir_block_reserve(c->ir, c->pgoff), store = ir_block_reserve(c->ir, c->pgoff);
    unsigned differs = ir_block_reserve(c->ir, c->pgoff), done = ir_block_reserve(c->ir, c->pgoff);
    unsigned first = ir_block_reserve(c->ir, c->pgoff);
    ir_br(c->ir, first);
    ir_block_begin(c->ir, first);
    ir_insn(c->ir, c->pgoff);
    ir_ref address = a64_xsp(c, f->Rn);
    ir_ref a = ir_ldx2(c->ir, IR_I64, address, ordered(c, 3, f->L, false));
    ir_ref b = ir_hi(c->ir, IR_I64);
    ir_probe(c->ir, address, a64_memop(c, 3, IR_MEM_WRITE), 16);
    ir_put(c->ir, IR_I64, a, offsetof(struct arm_cpu, second.d[0]));
    ir_put(c->ir, IR_I64, b, offsetof(struct arm_cpu, second.d[1]));
    ir_ref da = ir_xor(c->ir, IR_I64, a, a64_x(c, f->Rs));
    ir_ref db = ir_xor(c->ir, IR_I64, b, a64_x(c, (f->Rs + 1) & 31));
    ir_brnz(c->ir, IR_I64, ir_or(c->ir, IR_I64, da, db), a64_blocks(differs, store));

    ir_block_begin(c->ir, store);
    ir_insn(c->ir, c->pgoff);
    ir_ref va = a64_x(c, f->Rt), vb = a64_x(c, (f->Rt + 1) & 31);
    ir_ref failed = ir_stx2(c->ir, IR_I64, a64_xsp(c, f->Rn), va, vb, ordered(c, 3, false, f->o0));
    ir_brnz(c->ir, IR_I32, failed, a64_blocks(retry, done));

    ir_block_begin(c->ir, retry);
    ir_poll(c->ir, c->pgoff);
    ir_br(c->ir, first);

    ir_block_begin(c->ir, differs);
    ir_put(c->ir, IR_I64, a64_k(c, UINT64_MAX), offsetof(struct arm_cpu, monitor[0]));
    a64_set_x(c, f->Rs, ir_get(c->ir, IR_I64, offsetof(struct arm_cpu, second.d[0])));
    a64_set_x(c, (f->Rs + 1) & 31, ir_get(c->ir, IR_I64, offsetof(struct arm_cpu, second.d[1])));
    ir_br(c->ir, done);
    ir_block_begin(c->ir, done);
}

void a64_casp(struct a64 *c, const struct a64_casp *f)
{
    if ((f->Rs | f->Rt) & 1) {
        a64_undefined(c);
        return;
    }
    a64_mem_sp_check(c, f->Rn);
    if (f->sz)
        casp64(c, f);
    else
        casp32(c, f, ordered(c, 3, f->L, f->o0));
}
