/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that a region is well formed: what the passes, the interpreter and an emitter rely on. */
#include <stdarg.h>

#include "ir.h"

struct verify {
    const struct ir *ir;
    const struct ir_helper *helpers;
    unsigned nhelpers;
    char *buf;
    size_t size;
};

static const char *complain(const struct verify *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(v->buf, v->size, format, args);
    va_end(args);
    return v->buf;
}

static enum ir_type wanted_type(const struct ir_insn *insn, char letter)
{
    switch (letter) {
    case 'w':
        return IR_I32;
    case 'x':
        return IR_I64;
    case 'v':
        return IR_V128;
    case 'f':
        return IR_FLAGS;
    default:
        return (enum ir_type)insn->type;
    }
}

static bool type_is_valid(const struct ir_insn *insn, const struct ir_op_info *info)
{
    char letter = info->result != '-' ? info->result
                  : info->nargs       ? info->args[info->nargs - 1]
                                      : '-';
    for (unsigned k = 0; k < info->nargs; k++) {
        if (info->args[k] == 'i')
            letter = 'i';
    }
    if (letter == 'i')
        return insn->type == IR_I32 || insn->type == IR_I64;
    return letter == '-' ? insn->type == IR_VOID : insn->type == wanted_type(insn, letter);
}

/* --- fields ------------------------------------------------------------------------------------*/

static unsigned width_of(const struct ir_insn *insn)
{
    return insn->type == IR_I64 ? 64 : 32;
}

/* Lane width in bits, of vector operations that have esz or a vform in aux. */
static unsigned lane_width(const struct ir_insn *insn)
{
    return ir_op_info[insn->op].result == 'v' ? 8u << (insn->aux & 3) : width_of(insn);
}

static bool aux_is_valid(const struct ir_insn *insn, unsigned field)
{
    switch (field) {
    case IR_FIELD_NONE:
        return insn->aux == 0;
    case IR_FIELD_ESZ:
        return insn->aux <= 3;
    case IR_FIELD_COND:
        return insn->aux <= 15;
    case IR_FIELD_MEMOP:
        return (insn->aux & ~IR_MEM_HINTS) < 0x800 && IR_MEM_SIZE(insn->aux) <= 4;
    case IR_FIELD_ICC:
        return insn->aux <= IR_ICC_LES;
    case IR_FIELD_FENCE:
        return insn->aux <= IR_FENCE_FULL;
    case IR_FIELD_JUMP:
        return insn->aux <= IR_LANDING(3) + IR_JUMP_RET && IR_JUMP_KIND(insn->aux) <= IR_JUMP_RET;
    case IR_FIELD_BITNO:
        return insn->aux < width_of(insn);
    case IR_FIELD_SIDE:
        return !(insn->aux & ~(IR_SIDE_POLL | 0xffu)) &&
               IR_SIDE_WHAT(insn->aux) < (insn->op == IR_SIDEF ? 14 : width_of(insn));
    case IR_FIELD_WIDTH:
        return insn->aux >= 1 && insn->aux <= width_of(insn);
    default:
        return true;
    }
}

static unsigned access_bytes(const struct ir_insn *insn)
{
    switch (insn->op) {
    case IR_GET8:
    case IR_PUT8:
        return 1;
    case IR_GETV:
    case IR_PUTV:
        return 16;
    default:
        return width_of(insn) / 8;
    }
}

static bool block_exists(const struct ir *ir, int64_t block)
{
    return block >= 0 && block < ir->blocks;
}

static bool imm_is_valid(const struct verify *v, const struct ir_insn *insn, unsigned field)
{
    int64_t imm = insn->imm;
    switch (field) {
    case IR_FIELD_NONE:
        return imm == 0;
    case IR_FIELD_OFFSET:
        return imm >= 0 && imm < 32768 && imm % access_bytes(insn) == 0;
    case IR_FIELD_PGOFF:
        return imm == (int32_t)imm || insn->op == IR_PCREL;
    case IR_FIELD_BLOCK:
        return block_exists(v->ir, imm);
    case IR_FIELD_BLOCKS:
        return block_exists(v->ir, imm & 0xffffffff) && block_exists(v->ir, imm >> 32);
    case IR_FIELD_HELPER:
        return imm >= 0 && imm < v->nhelpers &&
               (insn->op == IR_CALL ? (void *)v->helpers[imm].fn : (void *)v->helpers[imm].fnv);
    case IR_FIELD_NZCV:
    case IR_FIELD_0_15:
        return imm >= 0 && imm <= 15;
    case IR_FIELD_LANE:
        return imm >= 0 && imm < 16 >> (insn->aux & 3);
    case IR_FIELD_LANES:
        return imm >= 0 && (imm & 255) < 16 >> (insn->aux & 3) && imm >> 8 < 16 >> (insn->aux & 3);
    case IR_FIELD_LSB:
        return imm >= 0 && imm < 64 && imm + insn->aux <= width_of(insn);
    case IR_FIELD_LEN:
        return imm >= 1 && imm <= IR_PAGE_SIZE;
    case IR_FIELD_ATOM:
        return imm >= 0 && imm <= IR_ATOM_SWP;
    case IR_FIELD_SHIFT:
        return imm >= 0 && imm < lane_width(insn);
    case IR_FIELD_SHIFT1:
        return imm >= 1 && imm < lane_width(insn);
    case IR_FIELD_SHIFTW:
        return imm >= 1 && imm <= lane_width(insn);
    case IR_FIELD_BOOL:
        return imm == 0 || imm == 1;
    default:
        return true;
    }
}

/* --- instructions ------------------------------------------------------------------------------*/

static const char *check_args(const struct verify *v, unsigned index, unsigned first)
{
    const struct ir_insn *insn = &v->ir->insn[index];
    const struct ir_op_info *info = &ir_op_info[insn->op];
    bool optional = insn->op == IR_CALL || insn->op == IR_CALLV;
    for (unsigned k = 0; k < 3; k++) {
        ir_ref ref = insn->arg[k];
        if (ref == IR_NONE) {
            if (k < info->nargs && !optional)
                return complain(v, "v%u %s: argument %u is missing", index, info->name, k);
        } else if (k >= info->nargs) {
            return complain(v, "v%u %s: too many arguments", index, info->name);
        } else if (ref >= index || ref < first) {
            return complain(v, "v%u %s: v%u is not defined before it in its block", index,
                            info->name, ref);
        } else if (ir_result_type(&v->ir->insn[ref]) != wanted_type(insn, info->args[k])) {
            return complain(v, "v%u %s: argument %u (v%u) has the wrong type", index, info->name, k,
                            ref);
        }
    }
    return NULL;
}

static const char *check_second(const struct verify *v, unsigned index, unsigned first)
{
    const struct ir_insn *insn = &v->ir->insn[index];
    const struct ir_insn *pair = insn - 1;
    bool ok = index > first && (insn->op == IR_HI ? (pair->op == IR_LD2 || pair->op == IR_LDX2) &&
                                                        pair->type == insn->type
                                                  : pair->op == IR_LDV2);
    return ok ? NULL
              : complain(v, "v%u %s: does not follow its pair", index, ir_op_info[insn->op].name);
}

static const char *check_insn(const struct verify *v, unsigned index, const struct ir_block *block)
{
    const struct ir_insn *insn = &v->ir->insn[index];
    if (insn->op >= IR_OP_COUNT)
        return complain(v, "v%u: no such operation (%u)", index, insn->op);
    const struct ir_op_info *info = &ir_op_info[insn->op];
    const char *wrong = check_args(v, index, block->first);
    if (wrong)
        return wrong;
    if (!type_is_valid(insn, info))
        return complain(v, "v%u %s: bad type %u", index, info->name, insn->type);
    if (!aux_is_valid(insn, info->aux))
        return complain(v, "v%u %s: bad aux %#x", index, info->name, insn->aux);
    if (!imm_is_valid(v, insn, info->imm))
        return complain(v, "v%u %s: bad imm %#llx", index, info->name,
                        (unsigned long long)insn->imm);
    if (insn->op == IR_HI || insn->op == IR_HIV)
        return check_second(v, index, block->first);
    if ((info->klass == IR_CTL) != (index == block->end - 1u))
        return complain(v, "v%u %s: a terminator must end its block, and nothing else may", index,
                        info->name);
    return NULL;
}

const char *ir_verify(const struct ir *ir, const struct ir_helper *helpers, unsigned nhelpers,
                      char *buf, size_t size)
{
    struct verify v = {ir, helpers, nhelpers, buf, size};
    unsigned covered = 0;
    if (ir->overflow)
        return complain(&v, "the region did not fit");
    if (ir->blocks == 0 || ir->blocks > IR_MAX_BLOCKS || ir->count > IR_MAX_INSNS)
        return complain(&v, "no block, or too much");
    for (unsigned b = 0; b < ir->blocks; b++) {
        const struct ir_block *block = &ir->block[b];
        if (block->end <= block->first || block->end > ir->count)
            return complain(&v, "b%u: not begun or not ended", b);
        covered += block->end - block->first;
        for (unsigned i = block->first; i < block->end; i++) {
            const char *wrong = check_insn(&v, i, block);
            if (wrong)
                return wrong;
        }
    }
    /* Each block ends at its only terminator, so blocks overlap only in ending at the same one. */
    for (unsigned b = 0; b < ir->blocks; b++) {
        for (unsigned other = 0; other < b; other++) {
            if (ir->block[b].end == ir->block[other].end)
                return complain(&v, "b%u and b%u overlap", other, b);
        }
    }
    if (covered != ir->count)
        return complain(&v, "%u instructions lie in no block", ir->count - covered);
    return NULL;
}
