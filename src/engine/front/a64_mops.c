/* SPDX-License-Identifier: Apache-2.0 */
/* Memory copies and sets (FEAT_MOPS): arm/mops.h does them. When nothing is left, which is what
 * most main parts and epilogues find, no call is made. */
#include "engine/front/a64.h"

#include "arm/mops.h"

/* a: the instruction. Non-zero: execute it again. */
uint64_t a64_help_mops(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return !arm_mops(cpu, (uint32_t)a);
}

/* CONSTRAINED UNPREDICTABLE overlaps of registers are UNDEFINED here (manual K1.2). */
static bool registers_differ(const struct a64_mops *f, bool set)
{
    return f->Rd != 31 && f->Rn != 31 && (set || f->Rs != 31) && f->Rd != f->Rs && f->Rd != f->Rn &&
           f->Rs != f->Rn;
}

void a64_mops(struct a64 *c, const struct a64_mops *f)
{
    bool set = f->op == A64_SETP || f->op == A64_SETM || f->op == A64_SETE;
    bool prologue = f->op == A64_SETP || f->op == A64_CPYP || f->op == A64_CPYFP;
    if (!(c->mode & FRONT_MSC) || !registers_differ(f, set)) {
        a64_undefined(c);
        return;
    }
    if (prologue) {
        a64_call(c, A64_HELPER_MOPS, a64_k(c, c->insn), IR_NONE, IR_NONE);
        return;
    }
    unsigned some = ir_block_reserve(c->ir, c->pgoff), again = ir_block_reserve(c->ir, c->pgoff);
    unsigned next = ir_block_reserve(c->ir, c->pgoff + 4);
    ir_brz(c->ir, IR_I64, a64_x(c, f->Rn), a64_blocks(next, some));
    ir_block_begin(c->ir, some);
    ir_insn(c->ir, c->pgoff);
    ir_ref more = a64_call(c, A64_HELPER_MOPS, a64_k(c, c->insn), IR_NONE, IR_NONE);
    ir_brnz(c->ir, IR_I64, more, a64_blocks(again, next));
    ir_block_begin(c->ir, again);
    ir_exits(c->ir, c->pgoff);
    ir_block_begin(c->ir, next);
    ir_insn(c->ir, c->pgoff);
}
