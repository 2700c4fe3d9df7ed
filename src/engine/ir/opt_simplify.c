/* SPDX-License-Identifier: Apache-2.0 */
/* Simplifying one operation by what its arguments are: constants, identities, widths. */
#include "opt.h"
#include "base/bits.h"

static const struct ir_insn *def(const struct ir_opt *opt, ir_ref ref)
{
    return &opt->ir->insn[ref];
}

static bool is_const(const struct ir_opt *opt, ir_ref ref)
{
    return def(opt, ref)->op == IR_CONST;
}

/* A constant's value, an i32's zero-extended. */
static uint64_t const_of(const struct ir_opt *opt, ir_ref ref)
{
    const struct ir_insn *insn = def(opt, ref);
    return insn->type == IR_I64 ? (uint64_t)insn->imm : (uint32_t)insn->imm;
}

static void become_const(struct ir_insn *insn, enum ir_type type, uint64_t value)
{
    *insn = (struct ir_insn){.op = IR_CONST,
                             .type = (uint8_t)type,
                             .arg = {IR_NONE, IR_NONE, IR_NONE},
                             .imm = type == IR_I64 ? (int64_t)value : (int64_t)(uint32_t)value};
}

/* Evaluates an operation all of whose arguments are integer constants. */
static bool fold(struct ir_opt *opt, struct ir_insn *insn)
{
    const struct ir_op_info *info = &ir_op_info[insn->op];
    enum ir_type result = ir_result_type(insn);
    union ir_value v[4];
    if (insn->op == IR_CONST || (result != IR_I32 && result != IR_I64) || info->nargs == 0)
        return false;
    for (unsigned k = 0; k < info->nargs; k++) {
        if (!is_const(opt, insn->arg[k]))
            return false;
        v[k + 1].x = const_of(opt, insn->arg[k]);
    }
    ir_eval_table[insn->op](v, insn->imm, insn->type | (uint32_t)insn->aux << 8, NULL);
    become_const(insn, result, v[0].x);
    return true;
}

/* Whether bits 63:32 of an i64 are known to be zero. */
static bool upper_is_zero(const struct ir_opt *opt, ir_ref ref)
{
    const struct ir_insn *insn = def(opt, ref);
    switch (insn->op) {
    case IR_CONST:
        return (uint64_t)insn->imm >> 32 == 0;
    case IR_ZEXT:
    case IR_ZX8:
    case IR_ZX16:
    case IR_COND:
    case IR_FLUNPACK:
    case IR_CLZ:
    case IR_CLS:
        return true;
    case IR_EXTU:
        return insn->aux <= 32;
    case IR_SHRI:
        return insn->imm >= 32;
    case IR_LD:
        return IR_MEM_SIZE(insn->aux) <= 2 && !(insn->aux & IR_MEM_SIGNED);
    case IR_VLANEU:
        return (insn->aux & 3) <= 2;
    case IR_AND: {
        ir_ref a = insn->arg[0], b = insn->arg[1];
        return (is_const(opt, a) && (uint64_t)def(opt, a)->imm >> 32 == 0) ||
               (is_const(opt, b) && (uint64_t)def(opt, b)->imm >> 32 == 0);
    }
    default:
        return false;
    }
}

/* Both arguments are the same value. */
static ir_ref simplify_twins(struct ir_insn *insn, ir_ref index)
{
    switch (insn->op) {
    case IR_AND:
    case IR_OR:
    case IR_VAND:
    case IR_VOR:
        return insn->arg[0];
    case IR_SUB:
    case IR_XOR:
    case IR_ANDN:
        become_const(insn, (enum ir_type)insn->type, 0);
        break;
    case IR_ORN:
    case IR_XORN:
        become_const(insn, (enum ir_type)insn->type, ~0ull);
        break;
    default:
        break;
    }
    return index;
}

/* The second argument is the constant k (all ones in its width: minus). */
static ir_ref simplify_const(struct ir_insn *insn, ir_ref index, uint64_t k)
{
    bool minus = k == (insn->type == IR_I64 ? ~0ull : 0xffffffffull);
    unsigned width = insn->type == IR_I64 ? 64 : 32;
    switch (insn->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_XOR:
    case IR_ANDN:
        return k == 0 ? insn->arg[0] : index;
    case IR_OR:
        if (minus)
            become_const(insn, (enum ir_type)insn->type, ~0ull);
        return k == 0 ? insn->arg[0] : index;
    case IR_AND:
        if (k == 0)
            become_const(insn, (enum ir_type)insn->type, 0);
        return minus ? insn->arg[0] : index;
    case IR_ORN:
    case IR_XORN:
        return minus ? insn->arg[0] : index;
    case IR_MUL:
        if (k == 0)
            become_const(insn, (enum ir_type)insn->type, 0);
        return k == 1 ? insn->arg[0] : index;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROR:
        k &= width - 1;
        insn->op = insn->op == IR_SHL   ? IR_SHLI
                   : insn->op == IR_SHR ? IR_SHRI
                   : insn->op == IR_SAR ? IR_SARI
                                        : IR_RORI;
        insn->arg[1] = IR_NONE;
        insn->imm = (int64_t)k;
        return k == 0 ? insn->arg[0] : index;
    default:
        return index;
    }
}

/* The first argument of a commutative or one-sided operation is the constant k. */
static ir_ref simplify_const_first(struct ir_insn *insn, ir_ref index, uint64_t k)
{
    ir_ref a = insn->arg[0];
    switch (insn->op) {
    case IR_ADD:
    case IR_OR:
    case IR_XOR:
    case IR_AND:
    case IR_MUL: /* emitters have constants on the right */
        insn->arg[0] = insn->arg[1];
        insn->arg[1] = a;
        return simplify_const(insn, index, k);
    case IR_SUB:
        if (k == 0) {
            insn->op = IR_NEG;
            insn->arg[0] = insn->arg[1];
            insn->arg[1] = IR_NONE;
        }
        return index;
    case IR_ORN:
    case IR_XORN:
        if (k == 0) {
            insn->op = IR_NOT;
            insn->arg[0] = insn->arg[1];
            insn->arg[1] = IR_NONE;
        }
        return index;
    default:
        return index;
    }
}

static ir_ref simplify_unary(struct ir_opt *opt, struct ir_insn *insn, ir_ref index)
{
    const struct ir_insn *from = def(opt, insn->arg[0]);
    unsigned width = insn->type == IR_I64 ? 64 : 32;
    switch (insn->op) {
    case IR_SHLI:
    case IR_SHRI:
    case IR_SARI:
    case IR_RORI:
        return insn->imm == 0 ? insn->arg[0] : index;
    case IR_EXTU:
    case IR_EXTS:
        return insn->aux == width ? insn->arg[0] : index;
    case IR_TRUNC:
        return from->op == IR_ZEXT || from->op == IR_SEXT ? from->arg[0] : index;
    case IR_ZEXT:
        return from->op == IR_TRUNC && upper_is_zero(opt, from->arg[0]) ? from->arg[0] : index;
    case IR_NOT:
    case IR_NEG:
        return from->op == insn->op ? from->arg[0] : index;
    default:
        return index;
    }
}

static ir_ref simplify_choice(struct ir_opt *opt, struct ir_insn *insn, ir_ref index)
{
    if (insn->op == IR_FLSEL)
        return insn->aux >= 14 ? insn->arg[1] : index;
    if (insn->arg[1] == insn->arg[2])
        return insn->arg[1];
    if (insn->op == IR_SEL)
        return !is_const(opt, insn->arg[0])  ? index
               : const_of(opt, insn->arg[0]) ? insn->arg[1]
                                             : insn->arg[2];
    return insn->aux >= 14 ? insn->arg[1] : index;
}

/* Branches that go one way. */
static void simplify_branch(struct ir_opt *opt, struct ir_insn *insn)
{
    bool taken;
    switch (insn->op) {
    case IR_BRF:
        if (insn->aux < 14)
            return;
        taken = true;
        break;
    case IR_BRZ:
    case IR_BRNZ:
    case IR_BRBIT:
        if (!is_const(opt, insn->arg[0]))
            return;
        taken = insn->op == IR_BRBIT ? const_of(opt, insn->arg[0]) >> insn->aux & 1
                                     : (const_of(opt, insn->arg[0]) == 0) == (insn->op == IR_BRZ);
        break;
    default:
        return;
    }
    *insn = (struct ir_insn){.op = IR_BR,
                             .type = IR_VOID,
                             .arg = {IR_NONE, IR_NONE, IR_NONE},
                             .imm = taken ? insn->imm & 0xffffffff : insn->imm >> 32};
}

/* The bits that a lane shift may leave set, in every lane. */
static uint64_t shifted_bits(const struct ir_insn *shift)
{
    unsigned width = 8u << shift->aux;
    uint64_t lane = UINT64_MAX >> (64 - width);
    lane = shift->op == IR_VSHRI ? lane >> shift->imm : lane << shift->imm & lane;
    for (; width < 64; width *= 2)
        lane |= lane << width;
    return lane;
}

/* The lane shift that ref is, without a mask that leaves it as it is; or NULL. */
static const struct ir_insn *lane_shift(const struct ir_opt *opt, ir_ref ref)
{
    const struct ir_insn *insn = def(opt, ref), *mask = NULL;
    if (insn->op == IR_VAND) {
        bool first = def(opt, insn->arg[0])->op == IR_VCONST;
        mask = def(opt, insn->arg[!first]);
        insn = def(opt, insn->arg[first]);
        if (mask->op != IR_VCONST)
            return NULL;
    }
    if (insn->op != IR_VSHLI && insn->op != IR_VSHRI)
        return NULL;
    return !mask || !(shifted_bits(insn) & ~(uint64_t)mask->imm) ? insn : NULL;
}

/* A value shifted both ways is rotated: USHR and SLI, in ciphers. */
static void simplify_rotation(const struct ir_opt *opt, struct ir_insn *insn)
{
    const struct ir_insn *a = lane_shift(opt, insn->arg[0]), *b = lane_shift(opt, insn->arg[1]);
    if (!a || !b || a->op == b->op || a->aux != b->aux || a->arg[0] != b->arg[0] ||
        a->imm + b->imm != 8 << a->aux)
        return;
    *insn = (struct ir_insn){.op = IR_VRORI,
                             .type = insn->type,
                             .aux = a->aux,
                             .arg = {a->arg[0], IR_NONE, IR_NONE},
                             .imm = a->op == IR_VSHRI ? a->imm : b->imm};
}

/* What is left of a division, UDIV and MSUB: hosts have it from dividing. Farther from the quotient
 * it would have to be kept for long, or be divided for once more. */
static void simplify_remainder(const struct ir_opt *opt, struct ir_insn *insn, ir_ref index)
{
    const struct ir_insn *product = def(opt, insn->arg[1]);
    for (unsigned k = 0; k < 2 && product->op == IR_MUL && product->type == insn->type; k++) {
        const struct ir_insn *quotient = def(opt, product->arg[k]);
        if ((quotient->op != IR_UDIV && quotient->op != IR_SDIV) || quotient->type != insn->type ||
            quotient->arg[0] != insn->arg[0] || quotient->arg[1] != product->arg[!k] ||
            index - product->arg[k] > IR_REMAINDER_WINDOW)
            continue;
        insn->op = quotient->op == IR_UDIV ? IR_UREM : IR_SREM;
        insn->arg[1] = quotient->arg[1];
        return;
    }
}

ir_ref ir_opt_simplify(struct ir_opt *opt, ir_ref index)
{
    struct ir_insn *insn = &opt->ir->insn[index];
    const struct ir_op_info *info = &ir_op_info[insn->op];
    if (opt->as_written)
        return index;
    if (info->klass == IR_CTL) {
        simplify_branch(opt, insn);
        return index;
    }
    if (fold(opt, insn))
        return index;
    switch (insn->op) {
    case IR_SEL:
    case IR_CSEL:
    case IR_CSELV:
    case IR_FLSEL:
        return simplify_choice(opt, insn, index);
    case IR_SUB:
        simplify_remainder(opt, insn, index);
        break;
    case IR_VOR:
        simplify_rotation(opt, insn);
        info = &ir_op_info[insn->op];
        break;
    default:
        break;
    }
    if (info->nargs == 1)
        return simplify_unary(opt, insn, index);
    if (info->nargs != 2)
        return index;
    if (insn->arg[0] == insn->arg[1])
        return simplify_twins(insn, index);
    if (is_const(opt, insn->arg[1]))
        return simplify_const(insn, index, const_of(opt, insn->arg[1]));
    if (is_const(opt, insn->arg[0]))
        return simplify_const_first(insn, index, const_of(opt, insn->arg[0]));
    return index;
}
