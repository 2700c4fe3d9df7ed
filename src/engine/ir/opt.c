/* SPDX-License-Identifier: Apache-2.0 */
/* Improving a region in place: the passes in their order, and closing the gaps they leave. */
#include <stdlib.h>
#include <string.h>

#include "opt.h"

/* Removes dropped instructions, renumbering values and blocks. */
static void compact(struct ir_opt *opt)
{
    struct ir *ir = opt->ir;
    uint16_t *renumbered = opt->same; /* no longer needed as what it was */
    unsigned kept = 0;
    for (unsigned i = 0; i < ir->count; i++) {
        renumbered[i] = (uint16_t)kept;
        if (opt->drop[i])
            continue;
        struct ir_insn *insn = &ir->insn[kept];
        if (kept != i)
            *insn = ir->insn[i];
        insn->uses = opt->uses[i];
        for (unsigned k = 0; k < 3; k++) {
            if (insn->arg[k] != IR_NONE)
                insn->arg[k] = renumbered[insn->arg[k]];
        }
        kept++;
    }
    for (unsigned b = 0; b < ir->blocks; b++) {
        struct ir_block *block = &ir->block[b];
        block->first = renumbered[block->first];
        block->end = block->end < ir->count ? renumbered[block->end] : (uint16_t)kept;
    }
    ir->count = kept;
}

void ir_optimise(struct ir *ir, const struct ir_layout *layout, const struct ir_helper *helpers,
                 const struct ir_opt_config *config)
{
    struct ir_opt opt; /* the large arrays are filled as far as the region goes */
    opt.ir = ir;
    opt.layout = layout;
    opt.helpers = helpers;
    opt.epoch = opt.epoch_regs = opt.epoch_other = 1;
    memset(opt.slot, 0, sizeof(opt.slot));
    if (config->forward)
        ir_opt_forward(&opt);
    if (config->dead) {
        ir_opt_dead(&opt);
        compact(&opt);
    } else {
        ir_count_uses(ir);
    }
}
