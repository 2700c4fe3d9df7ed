/* SPDX-License-Identifier: Apache-2.0 */
/* The instance, the loop over a region, and links. */
#include "engine/x64/emit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"

/* Callee-saved host registers go to what is likely to live across calls of C code. */
const struct x64_pin x64_pins[PINS] = {
    {0, R8}, {1, R9}, {2, R10}, {3, R11}, {19, RBX}, {20, R12}, {21, R13}, {31, R14},
};

/* One IR instruction and one piece of cold code stay below this. */
enum { SLACK = 1024 };

static void fill(struct x64 *x, const struct emit_row *rows)
{
    for (; rows->op != IR_OP_COUNT; rows++)
        x->emit[rows->op] = rows->fn;
}

int x64_create(const struct x64_config *config, struct x64 **out, size_t *used, struct error *err)
{
    struct x64 *x = calloc(1, sizeof(*x));
    if (!x)
        return error_set(err, -ENOMEM, "out of memory for the translator");
    x->config = *config;
    x->layout = *config->layout;
    x->bmi = config->host.level >= X64_V3;
    for (unsigned r = 0; r < 32; r++)
        x->pin_of[r] = -1;
    for (unsigned p = 0; p < PINS; p++)
        x->pin_of[x64_pins[p].guest] = (int8_t)x64_pins[p].host;
    fill(x, x64_emit_int);
    fill(x, x64_emit_flags);
    fill(x, x64_emit_state);
    fill(x, x64_emit_mem);
    fill(x, x64_emit_atomic);
    fill(x, x64_emit_mul);
    fill(x, x64_emit_control);
    fill(x, x64_emit_vec);
    fill(x, x64_emit_perm);
    fill(x, x64_emit_fp);
    fill(x, x64_emit_dot);
    fill(x, x64_emit_hash);
    fill(x, x64_emit_half);
    fill(x, x64_emit_sat);
    fill(x, x64_emit_round);
    fill(x, x64_emit_fcvt);
    for (unsigned op = 0; op < IR_OP_COUNT; op++)
        if (!x->emit[op])
            x->emit[op] = cg_eval;
    x64_make_traits(x);
    int rc = x64_make_thunks(x, used);
    if (rc) {
        free(x);
        return error_set(err, rc, "no room for the translator's own code");
    }
    *out = x;
    return 0;
}

void x64_destroy(struct x64 *x)
{
    free(x);
}

const struct x64_thunks *x64_thunks(const struct x64 *x)
{
    return &x->thunks;
}

static void emit_insn(struct x64 *x, unsigned i)
{
    unsigned mark = x->val[i].mark;
    if (mark & MARK_DONE)
        return;
    if (x->insn[i].op == IR_INSN) {
        x->pgoff = (int32_t)x->insn[i].imm;
        return;
    }
    if (mark & MARK_LAZY) {
        x->val[i].at = AT_LAZY;
        return;
    }
    x->i = i;
    if (mark & MARK_FUSED)
        cg_fused(x, (ir_ref)i);
    else
        x->emit[x->insn[i].op](x, (ir_ref)i);
    ra_insn_end(x);
}

static void emit_cold(struct x64 *x, struct cold *c)
{
    for (unsigned k = 0; k < 3; k++)
        if (c->from[k])
            enc_patch32(&x->e, c->from[k], enc_at(&x->e));
    c->at = (uint32_t)enc_at(&x->e);
    if (c->kind == COLD_NOTHING)
        return;
    if (c->kind == COLD_MEM)
        cg_cold_mem(x, c);
    else if (c->kind == COLD_SLOT)
        cg_cold_slot(x, c);
    else if (c->kind == COLD_GROUP)
        cg_cold_group(x, c);
    else if (c->kind == COLD_EVAL || c->kind == COLD_UNORDERED)
        cg_cold_fp(x, c);
    else
        cg_cold_control(x, c);
}

static void start(struct x64 *x, const struct ir *ir, uint8_t *rw, uint8_t *rx, size_t room,
                  uint32_t first_link, struct x64_code *code)
{
    x->e.p = x->e.start = rw;
    x->e.end = rw + room;
    x->e.rx = rx;
    x->ir = ir;
    x->insn = ir->insn;
    x->error = 0;
    x->moved = 0;
    x->code = code;
    x->first_link = first_link;
    /* the same code wherever it is made */
    x->next_slot = ir->first_slot ? ir->first_slot : (unsigned)ir->block[0].pgoff / 4 * 5;
    x->fixups = x->colds = 0;
    x->e.far = code->far;
    x->e.fars = 0;
    x->e.max_fars = X64_MAX_FARS;
    code->links = 0;
    code->block = x->label;
    for (unsigned b = 0; b < ir->blocks; b++)
        x->label[b] = UINT32_MAX;
}

static bool emit_block(struct x64 *x, const struct ir *ir)
{
    const struct ir_block *block = &ir->block[x->order[x->block]];
    uint32_t room = (uint32_t)enc_at(&x->e) - x->begun;
    if (x->block && room < X64_JUMP)
        enc_nop(&x->e, X64_JUMP - room);
    x->begun = x->label[x->order[x->block]] = (uint32_t)enc_at(&x->e);
    x->pgoff = block->pgoff;
    ra_block_begin(x);
    for (unsigned i = block->first; i < block->end; i++) {
        if (enc_left(&x->e) < SLACK)
            return false;
        emit_insn(x, i);
    }
    return true;
}

int x64_compile(struct x64 *x, const struct ir *ir, uint8_t *rw, uint8_t *rx, size_t room,
                uint32_t first_link, struct x64_code *code)
{
    if (room < SLACK)
        return -ENOSPC;
    start(x, ir, rw, rx, room, first_link, code);
    x64_analyse(x, ir->block);
    for (unsigned late = 0; late < 2; late++) { /* what branches do not need comes last */
        for (x->block = 0; x->block < ir->blocks; x->block++)
            if (cg_is_aside(x, x->order[x->block]) == late && !emit_block(x, ir))
                return -ENOSPC;
    }
    for (unsigned f = 0; f < x->fixups; f++)
        enc_patch32(&x->e, x->fixup[f].at, x->label[x->fixup[f].block]);
    for (unsigned c = 0; c < x->colds; c++) {
        if (enc_left(&x->e) < SLACK)
            return -ENOSPC;
        emit_cold(x, &x->cold[c]);
    }
    code->size = enc_at(&x->e);
    code->fars = x->e.fars;
    return x->error;
}

/* Aligned stores of four bytes are seen whole by whoever fetches them (Intel SDM volume 3, 8.1.3
 * leaves cross-modifying code to such fields). The guard comes last. */
void x64_link_set(const struct x64_link *link, uint8_t *rw_code, const uint8_t *rx_code,
                  const void *target, uint32_t page_id)
{
    int64_t rel = (const uint8_t *)target - (rx_code + link->jump + 4);
    __atomic_store_n((int32_t *)(void *)(rw_code + link->jump), (int32_t)rel, __ATOMIC_RELEASE);
    if (link->guard)
        __atomic_store_n((uint32_t *)(void *)(rw_code + link->guard), page_id, __ATOMIC_RELEASE);
}
