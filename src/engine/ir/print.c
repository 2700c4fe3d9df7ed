/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a region, one instruction a line: `  v7 = add.i64 v3, v5`. */
#include <inttypes.h>

#include "ir.h"

static const char *type_name(unsigned type)
{
    static const char *const names[] = {"void", "i32", "i64", "v128", "flags"};
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

static bool is_generic(const struct ir_op_info *info)
{
    for (unsigned k = 0; k < info->nargs; k++) {
        if (info->args[k] == 'i')
            return true;
    }
    return info->result == 'i';
}

static void print_memop(unsigned memop, FILE *out)
{
    static const struct {
        unsigned bit;
        const char *name;
    } flags[] = {
        {IR_MEM_SIGNED, ".signed"}, {IR_MEM_ACQUIRE, ".acquire"},   {IR_MEM_RELEASE, ".release"},
        {IR_MEM_ALIGN, ".align"},   {IR_MEM_UNPRIV, ".unpriv"},     {IR_MEM_BE, ".be"},
        {IR_MEM_WRITE, ".write"},   {IR_MEM_ALIGN_EL, ".align_el"},
    };
    fprintf(out, " [%u bytes", IR_MEM_BYTES(memop));
    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (memop & flags[i].bit)
            fputs(flags[i].name, out);
    }
    fputc(']', out);
}

static void print_aux(const struct ir_insn *insn, unsigned field, FILE *out)
{
    static const char *const conds[16] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                          "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};
    static const char *const icc[] = {"eq", "ne", "ltu", "leu", "lts", "les"};
    static const char *const lanes[] = {"8", "16", "32", "64"};
    switch (field) {
    case IR_FIELD_NONE:
        break;
    case IR_FIELD_ESZ:
        fprintf(out, " .%s", lanes[insn->aux & 3]);
        break;
    case IR_FIELD_COND:
        fprintf(out, " %s", conds[insn->aux & 15]);
        break;
    case IR_FIELD_SIDE:
        if (insn->op == IR_SIDEF)
            fprintf(out, " %s", conds[insn->aux & 15]);
        else if (insn->op == IR_SIDESET || insn->op == IR_SIDECLR)
            fprintf(out, " bit %u", IR_SIDE_WHAT(insn->aux));
        fputs(insn->aux & IR_SIDE_POLL ? " poll" : "", out);
        break;
    case IR_FIELD_ICC:
        fprintf(out, " %s", insn->aux < 6 ? icc[insn->aux] : "?");
        break;
    case IR_FIELD_MEMOP:
        print_memop(insn->aux, out);
        break;
    default:
        fprintf(out, " aux=%#x", insn->aux);
        break;
    }
}

static void print_imm(const struct ir_insn *insn, unsigned field, const struct ir_helper *helpers,
                      FILE *out)
{
    switch (field) {
    case IR_FIELD_NONE:
        break;
    case IR_FIELD_BLOCK:
        fprintf(out, " b%" PRId64, insn->imm);
        break;
    case IR_FIELD_BLOCKS:
        fprintf(out, " ? b%u : b%u", (unsigned)insn->imm, (unsigned)(insn->imm >> 32));
        break;
    case IR_FIELD_HELPER:
        if (helpers)
            fprintf(out, " %s", helpers[insn->imm].name);
        else
            fprintf(out, " helper%" PRId64, insn->imm);
        break;
    default:
        fprintf(out, " %s%#" PRIx64, insn->imm < 0 ? "-" : "",
                insn->imm < 0 ? 0 - (uint64_t)insn->imm : (uint64_t)insn->imm);
        break;
    }
}

static void print_insn(const struct ir_insn *insn, unsigned index, const struct ir_helper *helpers,
                       FILE *out)
{
    const struct ir_op_info *info = &ir_op_info[insn->op];
    if (insn->op == IR_INSN) {
        fprintf(out, "  ; +%#" PRIx64 "\n", (uint64_t)insn->imm);
        return;
    }
    if (info->result != '-')
        fprintf(out, "    v%u = ", index);
    else
        fputs("    ", out);
    fputs(info->name, out);
    if (is_generic(info))
        fprintf(out, ".%s", type_name(insn->type));
    print_aux(insn, info->aux, out);
    for (unsigned k = 0; k < info->nargs; k++) {
        if (insn->arg[k] == IR_NONE)
            fprintf(out, "%s -", k ? "," : "");
        else
            fprintf(out, "%s v%u", k ? "," : "", insn->arg[k]);
    }
    print_imm(insn, info->imm, helpers, out);
    fputc('\n', out);
}

void ir_print(const struct ir *ir, const struct ir_helper *helpers, FILE *out)
{
    for (unsigned b = 0; b < ir->blocks; b++) {
        const struct ir_block *block = &ir->block[b];
        unsigned end = block->end > block->first ? block->end : ir->count;
        fprintf(out, "b%u: ; +%#x\n", b, (unsigned)block->pgoff);
        for (unsigned i = block->first; i < end; i++)
            print_insn(&ir->insn[i], i, helpers, out);
    }
    if (ir->overflow)
        fputs("; did not fit\n", out);
}
