/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random regions, compiled and run against the interpreter: the whole CPU state and memory must
 * come out the same, at every level the host has, optimised and not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

enum { POOL = 24 };

struct gen {
    struct ir *ir;
    uint64_t seed;
    ir_ref pool[5][POOL]; /* by type */
    unsigned count[5];
    unsigned blocks;
    bool vectors, fp;
    ir_ref base; /* of accesses that are near each other */
};

static unsigned pick(struct gen *g, unsigned n)
{
    return (unsigned)(fake_random(&g->seed) >> 20) % n;
}

static int64_t any_imm(struct gen *g)
{
    switch (pick(g, 5)) {
    case 0:
        return (int64_t)fake_random(&g->seed);
    case 1:
        return (int64_t)pick(g, 256) - 128;
    case 2:
        return (int32_t)fake_random(&g->seed);
    case 3:
        return (int64_t)(1ull << pick(g, 64));
    default:
        return (int64_t)pick(g, 3) - 1;
    }
}

static ir_ref add(struct gen *g, enum ir_type type, ir_ref v)
{
    unsigned slot = g->count[type] < POOL ? g->count[type]++ : pick(g, POOL);
    g->pool[type][slot] = v;
    return v;
}

static const uint8_t hot[] = {0, 1, 2, 3, 19, 20, 21, 31, 5, 6, 7, 30};

static int64_t reg_offset(struct gen *g)
{
    return fake_layout.x0 + 8 * hot[pick(g, sizeof(hot))];
}

static ir_ref fresh(struct gen *g, enum ir_type type)
{
    switch (type) {
    case IR_I32:
    case IR_I64:
        if (pick(g, 3))
            return add(g, type, ir_get(g->ir, type, reg_offset(g)));
        return add(g, type,
                   ir_const(g->ir, type, type == IR_I32 ? (int32_t)any_imm(g) : any_imm(g)));
    case IR_V128:
        return add(g, type, ir_getv(g->ir, fake_layout.v0 + 16 * pick(g, 6)));
    default:
        return add(g, type, ir_getf(g->ir));
    }
}

static ir_ref use(struct gen *g, enum ir_type type)
{
    if (!g->count[type] || pick(g, 5) == 0)
        return fresh(g, type);
    return g->pool[type][pick(g, g->count[type])];
}

static enum ir_type type_of(char c, enum ir_type generic)
{
    switch (c) {
    case 'w':
        return IR_I32;
    case 'x':
        return IR_I64;
    case 'i':
        return generic;
    case 'v':
        return IR_V128;
    case 'f':
        return IR_FLAGS;
    default:
        return IR_VOID;
    }
}

static unsigned width(enum ir_type type)
{
    return type == IR_I64 ? 64 : 32;
}

/* A random pure operation whose aux and imm are described by the table. */
static void gen_pure(struct gen *g)
{
    unsigned op;
    const struct ir_op_info *info;
    do {
        op = pick(g, IR_OP_COUNT);
        info = &ir_op_info[op];
    } while (info->klass != IR_PURE || op == IR_CONST || info->aux == IR_FIELD_ANY ||
             info->imm == IR_FIELD_ANY || (!g->vectors && strchr(info->args, 'v')));
    enum ir_type generic = pick(g, 2) ? IR_I64 : IR_I32;
    enum ir_type type = type_of(info->result, generic);
    ir_ref arg[3] = {IR_NONE, IR_NONE, IR_NONE};
    for (unsigned k = 0; k < info->nargs; k++)
        arg[k] = use(g, type_of(info->args[k], generic));
    unsigned aux = 0, lanes;
    int64_t imm = 0;
    switch (info->aux) {
    case IR_FIELD_ESZ:
        aux = pick(g, 4);
        break;
    case IR_FIELD_COND:
        aux = pick(g, 16);
        break;
    case IR_FIELD_ICC:
        aux = pick(g, 6);
        break;
    case IR_FIELD_WIDTH:
        aux = 1 + pick(g, width(type));
        break;
    default:
        break;
    }
    if (op == IR_VWIDENU || op == IR_VWIDENS || op == IR_VNARROW || op == IR_VSMULL ||
        op == IR_VUMULL || op == IR_VCLZ || op == IR_VCLS || op == IR_VPADDL)
        aux %= 3;
    if (op == IR_VPMULL)
        aux = aux & 1 ? 3 : 0;
    lanes = 16u >> (aux & 3);
    unsigned lane_bits = info->result == 'v' ? 8u << (aux & 3) : width(type);
    switch (info->imm) {
    case IR_FIELD_NZCV:
    case IR_FIELD_0_15:
        imm = pick(g, 16);
        break;
    case IR_FIELD_LANE:
        imm = pick(g, lanes);
        break;
    case IR_FIELD_LANES:
        imm = pick(g, lanes) | pick(g, lanes) << 8;
        break;
    case IR_FIELD_LSB:
        imm = pick(g, width(type) - aux + 1);
        break;
    case IR_FIELD_SHIFT:
        imm = pick(g, lane_bits);
        break;
    case IR_FIELD_SHIFT1:
        imm = 1 + pick(g, lane_bits - 1);
        break;
    case IR_FIELD_SHIFTW:
        imm = 1 + pick(g, lane_bits);
        break;
    case IR_FIELD_BOOL:
        imm = pick(g, 2);
        break;
    default:
        break;
    }
    if (op == IR_VREV) {
        aux = pick(g, 3);
        imm = aux + 1 + pick(g, 3 - aux);
    }
    bool any = info->result == 'i' || strchr(info->args, 'i');
    add(g, type, ir_emit(g->ir, op, any ? generic : type, arg[0], arg[1], arg[2], aux, imm));
}

/* Floating point in all formats that are native and some that are not. */
static void gen_fp(struct gen *g)
{
    static const uint16_t plain[] = {IR_FADD,   IR_FSUB,   IR_FMUL,   IR_FDIV,  IR_FMAX,  IR_FMIN,
                                     IR_FMAXNM, IR_FMINNM, IR_FMA,    IR_FSQRT, IR_FCEQ,  IR_FCGE,
                                     IR_FCGT,   IR_FACGE,  IR_FACGT,  IR_FRINT, IR_VFTOI, IR_VITOF,
                                     IR_FMULX,  IR_FRECPS, IR_FRSQRTS};
    static const uint8_t modes[] = {IR_ROUND_TIEEVEN, IR_ROUND_POSINF, IR_ROUND_NEGINF,
                                    IR_ROUND_ZERO,    IR_ROUND_ZERO,   IR_ROUND_TIEAWAY};
    struct ir *ir = g->ir;
    unsigned esz = pick(g, 3) ? 2 + pick(g, 2) : 1;
    unsigned lanes = pick(g, 3) * 4;
    enum ir_type type = pick(g, 2) ? IR_I64 : IR_I32;
    if (esz == 3 && lanes == IR_LANES_64)
        lanes = IR_LANES_1;
    unsigned aux = esz | lanes | (pick(g, 20) ? 0 : IR_FP_SLOW), scalar = esz | IR_LANES_1;
    int64_t mode = modes[pick(g, sizeof(modes))];
    int64_t sign = pick(g, 2) ? IR_CVT_UNSIGNED : 0,
            fbits = pick(g, 6) ? 0 : 5 << IR_CVT_FBITS_SHIFT;
    ir_ref a = use(g, IR_V128), b = use(g, IR_V128), c = use(g, IR_V128);
    switch (pick(g, 14)) {
    case 10:
        add(g, IR_V128,
            ir_fmlal(ir, a, b, c, (aux & ~3u) | 2 | pick(g, 2) * IR_FMA_NEG_A, pick(g, 2)));
        break;
    case 11:
        add(g, IR_V128, ir_fcvtbf(ir, a, 2 | lanes));
        break;
    case 13:
        add(g, IR_V128,
            ir_frintn(ir, a, esz < 2 ? 2 | lanes : aux,
                      (pick(g, 2) ? IR_ROUND_ZERO : IR_ROUND_FPCR) | (pick(g, 2) ? 32 : 64)
                                                                         << IR_RINT_SHIFT));
        break;
    case 12:
        add(g, IR_I64, ir_fcvtjs(ir, a, 3 | IR_LANES_1));
        break;
    case 0:
        add(g, IR_FLAGS, ir_fcmp(ir, a, b, scalar, pick(g, 2)));
        break;
    case 1:
        add(g, IR_V128, ir_fcvt(ir, a, scalar, 1 + (esz + pick(g, 2)) % 3));
        break;
    case 2:
        add(g, type, ir_ftoi(ir, type, a, scalar, mode | sign | fbits));
        break;
    case 3:
        add(g, IR_V128, ir_itof(ir, use(g, IR_I64), scalar, IR_ROUND_FPCR | sign | fbits));
        break;
    case 4:
        esz = 1 + pick(g, 2);
        add(g, IR_V128,
            pick(g, 2) ? ir_fcvtl(ir, a, esz, pick(g, 2))
                       : ir_fcvtn(ir, a, esz + 1, pick(g, 4) == 0));
        break;
    default: {
        unsigned op = plain[pick(g, sizeof(plain) / sizeof(plain[0]))], n = ir_op_info[op].nargs;
        int64_t imm = op == IR_FRINT   ? mode | (pick(g, 2) ? IR_ROUND_EXACT : 0)
                      : op == IR_VFTOI ? mode | sign
                      : op == IR_VITOF ? IR_ROUND_FPCR | sign
                                       : 0;
        if (op == IR_FMA)
            aux |= pick(g, 4) * IR_FMA_NEG_A;
        add(g, IR_V128,
            ir_emit(ir, op, IR_V128, a, n > 1 ? b : IR_NONE, n > 2 ? c : IR_NONE, aux, imm));
    }
    }
}

/* Saturating operations, which set FPSR.QC. */
static void gen_saturating(struct gen *g)
{
    static const uint16_t sums[] = {IR_VSQADD,  IR_VUQADD,  IR_VSQSUB,  IR_VUQSUB,
                                    IR_VSUQADD, IR_VUSQADD, IR_VSQABS,  IR_VSQNEG,
                                    IR_VUQSHL,  IR_VSQSHL,  IR_VUQRSHL, IR_VSQRSHL};
    static const uint16_t narrow[] = {IR_VSQXTN, IR_VSQXTUN, IR_VUQXTN};
    static const uint16_t products[] = {IR_VSQDMULH, IR_VSQRDMULH, IR_VSQRDMLAH, IR_VSQRDMLSH};
    ir_ref arg[3] = {use(g, IR_V128), use(g, IR_V128), use(g, IR_V128)};
    unsigned lanes = pick(g, 3) * 4, esz = pick(g, 4), op;
    int64_t imm = 0;
    switch (pick(g, 4)) {
    case 0:
        op = narrow[pick(g, 3)];
        esz %= 3;
        lanes = pick(g, 2) ? IR_LANES_128 : IR_LANES_1;
        break;
    case 1:
        op = products[pick(g, 4)];
        esz = 1 + pick(g, 2);
        break;
    case 2:
        op = IR_VSQDMULL;
        esz = 1 + pick(g, 2);
        lanes = pick(g, 2) ? IR_LANES_128 : IR_LANES_1;
        imm = pick(g, 2);
        break;
    default:
        op = sums[pick(g, sizeof(sums) / sizeof(sums[0]))];
    }
    for (unsigned k = ir_op_info[op].nargs; k < 3; k++)
        arg[k] = IR_NONE;
    add(g, IR_V128, ir_emit(g->ir, op, IR_V128, arg[0], arg[1], arg[2], esz | lanes, imm));
}

/* subs and friends: result and flags of the same operands, in either order. */
static void gen_flag_setting(struct gen *g)
{
    enum ir_type type = pick(g, 2) ? IR_I64 : IR_I32;
    ir_ref a = use(g, type), b = use(g, type), f = IR_NONE, r;
    unsigned kind = pick(g, 6);
    bool late = pick(g, 2);
    switch (kind) {
    case 0:
    case 1:
        if (late)
            f = kind ? ir_flsub(g->ir, type, a, b) : ir_fladd(g->ir, type, a, b);
        r = kind ? ir_sub(g->ir, type, a, b) : ir_add(g->ir, type, a, b);
        if (!late)
            f = kind ? ir_flsub(g->ir, type, a, b) : ir_fladd(g->ir, type, a, b);
        break;
    case 2:
    case 3: {
        ir_ref c = use(g, IR_FLAGS);
        r = kind == 3 ? ir_sbc(g->ir, type, a, b, c) : ir_adc(g->ir, type, a, b, c);
        f = kind == 3 ? ir_flsbc(g->ir, type, a, b, c) : ir_fladc(g->ir, type, a, b, c);
        break;
    }
    default:
        r = kind == 4 ? ir_and(g->ir, type, a, b) : ir_andn(g->ir, type, a, b);
        f = ir_fllog(g->ir, type, r);
        break;
    }
    if (pick(g, 3))
        add(g, type, r);
    add(g, IR_FLAGS, f);
    if (pick(g, 2))
        ir_putf(g->ir, f);
    if (pick(g, 2)) {
        ir_ref wide = type == IR_I64 ? r : ir_zext(g->ir, r);
        ir_put(g->ir, IR_I64, wide, reg_offset(g));
    }
    if (pick(g, 3) == 0) { /* CCMP */
        ir_ref cmp = ir_flsub(g->ir, type, use(g, type), use(g, type));
        add(g, IR_FLAGS, ir_flsel(g->ir, f, cmp, pick(g, 16), pick(g, 16)));
    }
}

static ir_ref gen_address(struct gen *g)
{
    if (g->base != IR_NONE && pick(g, 3)) {
        int64_t disp = pick(g, 3) ? (int64_t)pick(g, 64) - 32 : (int64_t)pick(g, 5000) - 2500;
        return ir_add(g->ir, IR_I64, g->base, ir_const(g->ir, IR_I64, disp));
    }
    int64_t place = FAKE_BASE + pick(g, FAKE_SIZE - 16);
    if (pick(g, 3))
        place &= ~15ll;
    if (pick(g, 12) == 0)
        place += 0x7000;
    if (pick(g, 2)) {
        int64_t disp = (int64_t)pick(g, 512) - 256;
        ir_ref base = ir_const(g->ir, IR_I64, place - disp);
        int64_t off = reg_offset(g);
        if (pick(g, 2)) {
            ir_put(g->ir, IR_I64, base, off);
            base = ir_get(g->ir, IR_I64, off);
        }
        g->base = base;
        return ir_add(g->ir, IR_I64, base, ir_const(g->ir, IR_I64, disp));
    }
    return ir_const(g->ir, IR_I64, place);
}

static void gen_mem(struct gen *g)
{
    static const unsigned flags[] = {0,
                                     0,
                                     0,
                                     0,
                                     IR_MEM_SIGNED,
                                     IR_MEM_ALIGN,
                                     IR_MEM_ALIGN_EL,
                                     IR_MEM_BE,
                                     IR_MEM_UNPRIV,
                                     IR_MEM_RELEASE | IR_MEM_ACQUIRE,
                                     IR_MEM_SIGNED | IR_MEM_BE};
    struct ir *ir = g->ir;
    enum ir_type type = pick(g, 2) ? IR_I64 : IR_I32;
    unsigned flag = flags[pick(g, sizeof(flags) / sizeof(flags[0]))];
    unsigned memop = flag | pick(g, type == IR_I64 ? 4 : 3);
    unsigned vop = (flag & ~IR_MEM_SIGNED) | pick(g, 5);
    ir_ref a = gen_address(g);
    switch (pick(g, g->vectors ? 16 : 12)) {
    case 0:
    case 1:
        add(g, type, ir_ld(ir, type, a, memop));
        break;
    case 2:
    case 3:
        ir_st(ir, type, a, use(g, type), memop);
        break;
    case 4: {
        ir_ref r = ir_ld2(ir, type, a, memop);
        add(g, type, ir_hi(ir, type));
        add(g, type, r);
        break;
    }
    case 5:
        ir_st2(ir, type, a, use(g, type), use(g, type), memop);
        break;
    case 6:
        ir_probe(ir, a, memop | (pick(g, 2) ? IR_MEM_WRITE : 0), 1 + pick(g, 64));
        break;
    case 7: {
        ir_ref r = ir_atom(ir, type, a, use(g, type), memop & ~IR_MEM_SIGNED, pick(g, 9));
        if (pick(g, 2))
            add(g, type, r);
        break;
    }
    case 8:
        add(g, type, ir_cas(ir, type, a, use(g, type), use(g, type), memop & ~IR_MEM_SIGNED));
        break;
    case 9:
        add(g, type, ir_ldx(ir, type, a, memop & ~IR_MEM_SIGNED));
        break;
    case 10:
        add(g, IR_I32, ir_stx(ir, type, a, use(g, type), memop & ~IR_MEM_SIGNED));
        break;
    case 11:
        ir_zero(ir, ir_and(ir, IR_I64, a, ir_const(ir, IR_I64, -(int64_t)IR_ZERO_BYTES)), a);
        break;
    case 12:
        add(g, IR_V128, ir_ldv(ir, a, vop));
        break;
    case 13:
        ir_stv(ir, a, use(g, IR_V128), vop);
        break;
    case 14: {
        ir_ref r = ir_ldv2(ir, a, vop);
        add(g, IR_V128, ir_hiv(ir));
        add(g, IR_V128, r);
        break;
    }
    default:
        ir_stv2(ir, a, use(g, IR_V128), use(g, IR_V128), vop);
    }
}

static void gen_put(struct gen *g)
{
    struct ir *ir = g->ir;
    switch (pick(g, g->vectors ? 8 : 6)) {
    case 0:
        ir_put(ir, IR_I32, use(g, IR_I32), reg_offset(g) + 4 * pick(g, 2));
        break;
    case 1:
        ir_put8(ir, use(g, IR_I32), reg_offset(g) + pick(g, 8));
        break;
    case 2:
        add(g, IR_I32, ir_get8(ir, reg_offset(g) + pick(g, 8)));
        break;
    case 3:
        ir_putf(ir, use(g, IR_FLAGS));
        break;
    case 6:
    case 7:
        ir_putv(ir, use(g, IR_V128), fake_layout.v0 + 16 * pick(g, 6));
        break;
    default: {
        ir_ref v = pick(g, 2) ? use(g, IR_I64) : ir_zext(ir, use(g, IR_I32));
        ir_put(ir, IR_I64, v, reg_offset(g));
    }
    }
}

/* A way out in the middle of a block. */
static void gen_side(struct gen *g)
{
    struct ir *ir = g->ir;
    enum ir_type type = pick(g, 2) ? IR_I64 : IR_I32;
    unsigned poll = pick(g, 4) ? 0 : IR_SIDE_POLL, bit = pick(g, width(type));
    int64_t to = pick(g, 8) ? 4 * pick(g, 1024) : 4 * (int64_t)pick(g, 100000) - 200000;
    switch (pick(g, 8)) {
    case 0:
        ir_sidenz(ir, type, use(g, type), poll, to);
        break;
    case 1:
        ir_sideset(ir, type, use(g, type), bit | poll, to);
        break;
    case 2:
        ir_sideclr(ir, type, use(g, type), bit | poll, to);
        break;
    case 3:
    case 4:
        ir_sidez(ir, type, use(g, type), poll, to);
        break;
    default:
        ir_sidef(ir, use(g, IR_FLAGS), pick(g, 14) | poll, to);
    }
}

static void gen_misc(struct gen *g)
{
    struct ir *ir = g->ir;
    switch (pick(g, g->vectors ? 10 : 8)) {
    case 0:
        ir_insn(ir, 4 * pick(g, 1024));
        break;
    case 6:
    case 7:
        gen_side(g);
        break;
    case 1:
        ir_fence(ir, pick(g, 3));
        break;
    case 2:
        ir_poll(ir, 4 * pick(g, 1024));
        break;
    case 3:
        add(g, IR_I64, ir_pcrel(ir, any_imm(g)));
        break;
    case 4:
    case 5:
        add(g, IR_I64, ir_call(ir, use(g, IR_I64), use(g, IR_I64), use(g, IR_I64), pick(g, 3)));
        break;
    default:
        add(g, IR_V128,
            ir_callv(ir, use(g, IR_V128), use(g, IR_V128), use(g, IR_V128), pick(g, 100),
                     3 + pick(g, 2)));
    }
}

/* A quotient and, a little later, its remainder. */
static void gen_division(struct gen *g)
{
    enum ir_type type = pick(g, 2) ? IR_I64 : IR_I32;
    ir_ref a = use(g, type), b = pick(g, 3) ? use(g, type) : ir_const(g->ir, type, any_imm(g));
    bool is_signed = pick(g, 2);
    add(g, type, is_signed ? ir_sdiv(g->ir, type, a, b) : ir_udiv(g->ir, type, a, b));
    for (unsigned n = pick(g, 4); n; n--)
        gen_pure(g);
    add(g, type, is_signed ? ir_srem(g->ir, type, a, b) : ir_urem(g->ir, type, a, b));
}

/* Flags that are written before anybody can see them: what leads here need not store its own. */
static void gen_compare(struct gen *g)
{
    enum ir_type type = pick(g, 2) ? IR_I64 : IR_I32;
    ir_ref a = ir_get(g->ir, type, reg_offset(g)), b;
    if (pick(g, 2))
        a = ir_add(g->ir, type, a, ir_const(g->ir, type, pick(g, 5000)));
    if (pick(g, 2))
        b = ir_const(g->ir, type, pick(g, 5000));
    else
        b = ir_get(g->ir, type, reg_offset(g));
    ir_putf(g->ir, ir_flsub(g->ir, type, a, b));
}

static void gen_end(struct gen *g, unsigned block)
{
    struct ir *ir = g->ir;
    if (pick(g, 4) == 0)
        ir_poll(ir, 4 * pick(g, 1024));
    enum ir_type type = pick(g, 2) ? IR_I64 : IR_I32;
    unsigned left = g->blocks - block - 1;
    if (left) { /* forward only: it must end */
        int64_t yes = block + 1 + pick(g, left), no = block + 1 + pick(g, left);
        int64_t both = yes | no << 32;
        switch (pick(g, 5)) {
        case 0:
            ir_br(ir, yes);
            return;
        case 1:
            ir_brf(ir, use(g, IR_FLAGS), pick(g, 16), both);
            return;
        case 2:
            ir_brz(ir, type, use(g, type), both);
            return;
        case 3:
            ir_brnz(ir, type, use(g, type), both);
            return;
        default:
            ir_brbit(ir, type, use(g, type), pick(g, width(type)), both);
            return;
        }
    }
    switch (pick(g, 5)) {
    case 0:
        ir_exit(ir, 4 * pick(g, 1024));
        return;
    case 1:
        ir_exit(ir, 4 * (int64_t)pick(g, 100000) - 200000);
        return;
    case 2:
        ir_exitr(ir, use(g, IR_I64), pick(g, 3));
        return;
    case 3:
        ir_exits(ir, 4 * pick(g, 2000));
        return;
    default:
        ir_exitr(ir, use(g, IR_I64), IR_JUMP_PLAIN);
        return;
    }
}

static void generate(struct gen *g)
{
    ir_clear(g->ir);
    g->blocks = 1 + pick(g, 4);
    for (unsigned b = 0; b < g->blocks; b++)
        ir_block_reserve(g->ir, 4 * (int32_t)pick(g, 1024));
    for (unsigned b = 0; b < g->blocks; b++) {
        ir_block_begin(g->ir, b);
        ir_insn(g->ir, 4 * pick(g, 1024));
        if (b && pick(g, 4) == 0) { /* a block that only leaves */
            ir_exit(g->ir, 4 * pick(g, 1024));
            continue;
        }
        memset(g->count, 0, sizeof(g->count));
        g->base = IR_NONE;
        if (b && pick(g, 2))
            gen_compare(g);
        for (unsigned n = 2 + pick(g, 30); n; n--) {
            switch (pick(g, g->fp ? 15 : 10)) {
            case 10:
            case 11:
            case 12:
            case 13:
                gen_fp(g);
                break;
            case 14:
                gen_saturating(g);
                break;
            case 0:
            case 1:
            case 2:
                gen_pure(g);
                break;
            case 3:
                gen_division(g);
                break;
            case 4:
            case 5:
                gen_flag_setting(g);
                break;
            case 6:
                for (unsigned k = 1 + pick(g, 4); k; k--)
                    gen_mem(g);
                break;
            case 7:
            case 8:
                gen_put(g);
                break;
            default:
                gen_misc(g);
                break;
            }
        }
        gen_end(g, b);
    }
}

static void *stop(void *cpu, uint64_t va)
{
    return NULL;
}

static void *stop_link(void *cpu, uint64_t va, uint32_t link)
{
    ((struct fake_cpu *)cpu)->left = link + 1;
    return NULL;
}

/* Numbers, in a format of both halves or doubles, that have something to them. */
static uint64_t interesting(uint64_t *seed, bool wide)
{
    static const uint64_t doubles[] = {0,
                                       1ull << 63,
                                       0x3ff0000000000000,
                                       0xbff0000000000000,
                                       0x7ff0000000000000,
                                       0xfff0000000000000,
                                       0x7ff8000000000001,
                                       0x7ff0000000000001,
                                       0xfff4000000000000,
                                       1,
                                       0x000fffffffffffff,
                                       0x0010000000000000,
                                       0x43e0000000000000,
                                       0xc3e0000000000000,
                                       0x41e0000000000000,
                                       0x41dfffffffc00000,
                                       0x4004000000000000,
                                       0xc012000000000000,
                                       0x7fefffffffffffff,
                                       0x3fe0000000000000};
    static const uint32_t singles[] = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
                                       0xff800000, 0x7fc00001, 0x7f800001, 0xffa00000, 1,
                                       0x007fffff, 0x00800000, 0x5f000000, 0xdf000000, 0x4f000000,
                                       0x40200000, 0xc0900000, 0x7f7fffff, 0x3f000000, 0x42c80000};
    uint64_t r = fake_random(seed);
    if ((r >> 40) % 4 == 0)
        return r;
    if (wide)
        return doubles[(r >> 20) % 20];
    return singles[(r >> 20) % 20] | (uint64_t)singles[(r >> 30) % 20] << 32;
}

static void randomise(struct fake_cpu *cpu, uint64_t *seed)
{
    memset(cpu, 0, sizeof(*cpu));
    for (unsigned r = 0; r < 32; r++) {
        cpu->x[r] = fake_random(seed);
        if (fake_random(seed) & 1)
            cpu->x[r] = (uint64_t)(int64_t)(int8_t)cpu->x[r];
    }
    for (unsigned r = 0; r < 32; r++)
        for (unsigned k = 0; k < 2; k++)
            cpu->v[r].d[k] = interesting(seed, r & 1);
    for (unsigned k = 0; k < FAKE_SIZE; k++)
        cpu->memory[k] = (uint8_t)(fake_random(seed) >> 30);
    cpu->nzcv = ir_nzcv_store(fake_random(seed) >> 9 & 15);
    cpu->attention = fake_random(seed) % 8 == 0;
    fake_init(cpu);
}

/* What is not state: clears what the two ways may leave differently. */
static void normalise(struct fake_cpu *cpu)
{
    memset(cpu->scratch, 0, sizeof(cpu->scratch));
    memset(&cpu->second, 0, sizeof(cpu->second));
    memset(cpu->dtlb, 0, sizeof(cpu->dtlb));
    memset(cpu->ctlb, 0, sizeof(cpu->ctlb));
    memset(cpu->rstack, 0, sizeof(cpu->rstack));
    cpu->rstack_top = 0;
    cpu->tlb = cpu->itlb = NULL;
    cpu->calls = cpu->fills = 0;
    cpu->left = 0;
    cpu->nzcv = ir_nzcv_store(ir_nzcv_load(cpu->nzcv));
}

static void report(const struct ir *ir, const struct fake_cpu *want, const struct fake_cpu *got,
                   const uint8_t *code, size_t size)
{
    ir_print(ir, fake_helpers, stderr);
    const uint8_t *a = (const uint8_t *)want, *b = (const uint8_t *)got;
    for (size_t k = 0; k < sizeof(*want); k += 8)
        if (memcmp(a + k, b + k, 8))
            fprintf(stderr, "state+%zu: want %016llx got %016llx\n", k,
                    *(const unsigned long long *)(a + k), *(const unsigned long long *)(b + k));
    FILE *f = getenv("X64_DUMP") ? fopen(getenv("X64_DUMP"), "wb") : NULL;
    if (f) {
        fwrite(code, 1, size, f);
        fclose(f);
    }
}

static struct x64 *make(enum x64_level level, uint8_t *code, size_t *used)
{
    struct x64_config config = {.layout = &fake_layout,
                                .runtime = &fake_runtime,
                                .helpers = fake_helpers,
                                .nhelpers = FAKE_HELPERS,
                                .callbacks = {stop, stop_link},
                                .rw = code,
                                .rx = code,
                                .room = FAKE_CODE};
    struct x64 *x;
    x64_probe(level, &config.host);
    return config.host.level < level || x64_create(&config, &x, used, NULL) ? NULL : x;
}

static void run_with(enum x64_level level, bool vectors, bool fp, bool optimise, unsigned rounds,
                     uint64_t seed)
{
    static struct fake_cpu first, want, got;
    static struct x64_code compiled;
    uint8_t *code = fake_code();
    size_t used;
    struct x64 *x = make(level, code, &used);
    if (!x)
        skip();
    struct gen g = {.ir = ir_create(), .vectors = vectors, .fp = fp};
    for (unsigned n = 0; n < rounds; n++) {
        uint64_t start = seed + n + 1;
        g.seed = start * 0x9e3779b97f4a7c15ull | 1;
        generate(&g);
        char buf[200];
        const char *wrong = ir_verify(g.ir, fake_helpers, FAKE_HELPERS, buf, sizeof(buf));
        if (wrong)
            fail_msg("seed %llu: %s", (unsigned long long)start, wrong);
        randomise(&first, &g.seed);
        want = first;
        fake_init(&want);
        ir_interpret(g.ir, &want, &fake_layout, &fake_runtime, fake_helpers);
        struct ir_opt_config opt = {.forward = true, .dead = true};
        if (optimise)
            ir_optimise(g.ir, &fake_layout, fake_helpers, &opt);
        else
            ir_count_uses(g.ir);
        int rc = x64_compile(x, g.ir, code + used, code + used, FAKE_CODE - used, 0, &compiled);
        if (rc)
            fail_msg("seed %llu: compile says %d", (unsigned long long)start, rc);
        got = first;
        fake_init(&got);
        x64_thunks(x)->enter(&got, code + used);
        if (got.left && compiled.link[got.left - 1].careful) {
            g.ir->careful = true; /* there is nothing here to go on with: once more */
            rc = x64_compile(x, g.ir, code + used, code + used, FAKE_CODE - used, 0, &compiled);
            if (rc)
                fail_msg("seed %llu: compile says %d", (unsigned long long)start, rc);
            got = first;
            fake_init(&got);
            x64_thunks(x)->enter(&got, code + used);
        }
        normalise(&want);
        normalise(&got);
        if (memcmp(&want, &got, sizeof(want))) {
            report(g.ir, &want, &got, code + used, compiled.size);
            fail_msg("seed %llu differs", (unsigned long long)start);
        }
    }
    ir_destroy(g.ir);
    x64_destroy(x);
}

static void run(enum x64_level level, bool vectors, bool optimise, unsigned rounds, uint64_t seed)
{
    run_with(level, vectors, false, optimise, rounds, seed);
}

static unsigned rounds(void)
{
    return getenv("X64_ROUNDS") ? (unsigned)atoi(getenv("X64_ROUNDS")) : 3000;
}

static uint64_t seed(void)
{
    return getenv("X64_SEED") ? strtoull(getenv("X64_SEED"), NULL, 0) - 1 : 0;
}

static void integer_regions_agree_at_v2(void **state)
{
    run(X64_V2, false, false, rounds(), seed());
}

static void integer_regions_agree_at_v3(void **state)
{
    run(X64_V3, false, false, rounds(), seed());
}

static void optimised_regions_agree_at_v3(void **state)
{
    run(X64_V3, true, true, rounds(), seed());
}

static void vector_regions_agree_at_v2(void **state)
{
    run(X64_V2, true, false, rounds(), seed());
}

static void vector_regions_agree_at_v3(void **state)
{
    run(X64_V3, true, false, rounds(), seed());
}

static void vector_regions_agree_at_v4(void **state)
{
    run(X64_V4, true, true, rounds(), seed());
}

static void floating_point_agrees_at_v2(void **state)
{
    run_with(X64_V2, true, true, false, rounds(), seed());
}

static void floating_point_agrees_at_v3(void **state)
{
    run_with(X64_V3, true, true, true, rounds(), seed());
}

static void floating_point_agrees_at_v4(void **state)
{
    run_with(X64_V4, true, true, true, rounds(), seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_regions_agree_at_v3),
        cmocka_unit_test(integer_regions_agree_at_v2),
        cmocka_unit_test(vector_regions_agree_at_v3),
        cmocka_unit_test(vector_regions_agree_at_v2),
        cmocka_unit_test(optimised_regions_agree_at_v3),
        cmocka_unit_test(vector_regions_agree_at_v4),
        cmocka_unit_test(floating_point_agrees_at_v2),
        cmocka_unit_test(floating_point_agrees_at_v3),
        cmocka_unit_test(floating_point_agrees_at_v4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
