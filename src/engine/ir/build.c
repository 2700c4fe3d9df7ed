/* SPDX-License-Identifier: Apache-2.0 */
/* Building a region: storage, blocks, and appending instructions. */
#include <stdlib.h>
#include <string.h>

#include "ir.h"

struct ir *ir_create(void)
{
    struct ir *ir = calloc(1, sizeof(*ir));
    if (!ir)
        return NULL;
    ir->insn = malloc(IR_MAX_INSNS * sizeof(*ir->insn));
    ir->block = malloc(IR_MAX_BLOCKS * sizeof(*ir->block));
    if (!ir->insn || !ir->block) {
        ir_destroy(ir);
        return NULL;
    }
    return ir;
}

void ir_destroy(struct ir *ir)
{
    if (!ir)
        return;
    /* A clone's arrays lie in the same piece of memory as the struct. */
    if ((void *)ir->insn != (void *)(ir + 1)) {
        free(ir->insn);
        free(ir->block);
    }
    free(ir);
}

void ir_clear(struct ir *ir)
{
    ir->count = 0;
    ir->blocks = 0;
    ir->overflow = false;
    ir->open = false;
    ir->counted = false;
    ir->careful = false;
    ir->first_slot = 0;
    ir->current = 0;
}

struct ir *ir_clone(const struct ir *ir)
{
    size_t insns = ir->count * sizeof(*ir->insn);
    size_t blocks = ir->blocks * sizeof(*ir->block);
    struct ir *copy = malloc(sizeof(*copy) + insns + blocks);
    if (!copy)
        return NULL;
    *copy = *ir;
    copy->insn = (struct ir_insn *)(copy + 1);
    copy->block = (struct ir_block *)(copy->insn + ir->count);
    memcpy(copy->insn, ir->insn, insns);
    memcpy(copy->block, ir->block, blocks);
    return copy;
}

unsigned ir_block_reserve(struct ir *ir, int32_t pgoff)
{
    if (ir->blocks >= IR_MAX_BLOCKS) {
        ir->overflow = true;
        return 0;
    }
    ir->block[ir->blocks] = (struct ir_block){.pgoff = pgoff};
    return ir->blocks++;
}

void ir_block_begin(struct ir *ir, unsigned block)
{
    if (block >= ir->blocks) {
        ir->overflow = true;
        return;
    }
    ir->block[block].first = (uint16_t)ir->count;
    ir->block[block].end = 0;
    ir->current = block;
    ir->open = true;
}

bool ir_block_open(const struct ir *ir)
{
    return ir->open;
}

ir_ref ir_emit(struct ir *ir, enum ir_op op, enum ir_type type, ir_ref a, ir_ref b, ir_ref c,
               unsigned aux, int64_t imm)
{
    if (ir->count >= IR_MAX_INSNS) {
        /* A reference that exists keeps the front end's later look-ups in bounds. */
        ir->overflow = true;
        return 0;
    }
    unsigned index = ir->count++;
    ir->counted = false;
    ir->insn[index] = (struct ir_insn){.op = (uint16_t)op,
                                       .type = (uint8_t)type,
                                       .aux = (uint16_t)aux,
                                       .arg = {a, b, c},
                                       .imm = imm};
    if (ir_op_info[op].klass == IR_CTL) {
        if (ir->open)
            ir->block[ir->current].end = (uint16_t)ir->count;
        ir->open = false;
    }
    return (ir_ref)index;
}

void ir_count_uses(struct ir *ir)
{
    if (ir->counted)
        return;
    ir->counted = true;
    for (unsigned i = 0; i < ir->count; i++)
        ir->insn[i].uses = 0;
    for (unsigned i = 0; i < ir->count; i++) {
        const struct ir_insn *insn = &ir->insn[i];
        for (unsigned k = 0; k < ir_op_info[insn->op].nargs; k++) {
            if (insn->arg[k] < i)
                ir->insn[insn->arg[k]].uses++;
        }
    }
}
