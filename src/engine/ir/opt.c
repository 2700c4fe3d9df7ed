/* SPDX-License-Identifier: Apache-2.0 */
/* Improving a region in place: the passes in their order, and closing the gaps they leave. */
#include <stdlib.h>
#include <string.h>

#include "opt.h"

/* Removes dropped instructions, renumbering values and blocks. Nothing here follows the code's
 * shape, so the loop has no branches to mispredict: what is dropped is copied and overwritten. */
static void compact(struct ir_opt *opt)
{
    struct ir *ir = opt->ir;
    uint16_t *renumbered = opt->same; /* no longer needed as what it was */
    unsigned kept = 0;
    renumbered[IR_MAX_INSNS] = IR_NONE;
    for (unsigned i = 0; i < ir->count; i++) {
        const struct ir_insn *from = &ir->insn[i];
        struct ir_insn *to = &ir->insn[kept];
        const ir_ref arg[3] = {from->arg[0], from->arg[1], from->arg[2]};
        renumbered[i] = (uint16_t)kept;
        kept += !opt->drop[i];
        *to = (struct ir_insn){.op = from->op,
                               .type = from->type,
                               .aux = from->aux,
                               .uses = opt->uses[i],
                               .imm = from->imm};
        to->arg[0] = renumbered[ir_opt_arg(arg[0])];
        to->arg[1] = renumbered[ir_opt_arg(arg[1])];
        to->arg[2] = renumbered[ir_opt_arg(arg[2])];
    }
    for (unsigned b = 0; b < ir->blocks; b++) {
        struct ir_block *block = &ir->block[b];
        block->first = renumbered[block->first];
        block->end = block->end < ir->count ? renumbered[block->end] : (uint16_t)kept;
    }
    ir->count = kept;
    ir->counted = true;
}

void ir_optimise(struct ir *ir, const struct ir_layout *layout, const struct ir_helper *helpers,
                 const struct ir_opt_config *config)
{
    if (ir->overflow) /* not a region: it is going to be made anew, shorter */
        return;
    struct ir_opt opt; /* the large arrays are filled as far as the region goes */
    opt.ir = ir;
    opt.layout = layout;
    opt.helpers = helpers;
    opt.as_written = config->as_written;
    opt.epoch = opt.epoch_regs = opt.epoch_other = 1;
    memset(opt.slot, 0, sizeof(opt.slot));
    if (config->forward)
        ir_opt_forward(&opt);
    if (config->dead) {
        ir_opt_dead(&opt);
        compact(&opt);
    } else {
        ir->counted = false;
        ir_count_uses(ir);
    }
}
