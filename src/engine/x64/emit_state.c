/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing CPU state, and calls of C code. */
#include "engine/x64/emit.h"

/* --- general registers ------------------------------------------------------------------------ */

/* An access that covers pinned registers in an unusual way goes through memory. */
static void pins_to_memory(struct x64 *x, int32_t off, unsigned bytes)
{
    for (unsigned p = 0; p < PINS; p++) {
        int32_t home = x->layout.x0 + 8 * x64_pins[p].guest;
        if (off < home + 8 && home < off + (int32_t)bytes)
            enc_store(&x->e, W64, x64_pins[p].host, cpu_mem(home));
    }
}

static void pins_from_memory(struct x64 *x, int32_t off, unsigned bytes)
{
    for (unsigned p = 0; p < PINS; p++) {
        int32_t home = x->layout.x0 + 8 * x64_pins[p].guest;
        if (off < home + 8 && home < off + (int32_t)bytes)
            enc_load(&x->e, W64, x64_pins[p].host, cpu_mem(home));
    }
}

/* Before a write of state by memory operations. */
static void begin_write(struct x64 *x, int32_t off, unsigned bytes)
{
    if (!x64_pin_overlaps(x, off, bytes)) {
        ra_state_written(x, off, bytes);
        return;
    }
    for (unsigned p = 0; p < PINS; p++) {
        int32_t home = x->layout.x0 + 8 * x64_pins[p].guest;
        if (off < home + 8 && home < off + (int32_t)bytes)
            ra_save_pin(x, x64_pins[p].host);
    }
    pins_to_memory(x, off, bytes);
    ra_state_written(x, off, bytes);
}

static void emit_get(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    int32_t off = (int32_t)insn->imm;
    unsigned bytes = is_wide(insn) ? 8 : 4;
    int pin = x64_pin_at(x, off, bytes);
    if (pin >= 0) {
        ra_def_pin(x, v, (unsigned)pin);
    } else if (x64_pin_overlaps(x, off, bytes)) {
        pins_to_memory(x, off, bytes);
        enc_load(&x->e, is_wide(insn) ? W64 : W32, ra_def(x, v, true), cpu_mem(off));
    } else {
        ra_def_state(x, v, off);
    }
}

static void put_pinned(struct x64 *x, ir_ref a, unsigned pin)
{
    struct val *val = &x->val[a];
    if (val->at & AT_PIN && val->reg == pin)
        return;
    ra_save_pin(x, pin);
    int64_t imm;
    if (ra_const(x, a, &imm) && imm == 0 && !fl_wanted(x)) {
        fl_drop(x);
        enc_alu(&x->e, ALU_XOR, W32, pin, pin);
        return;
    }
    ra_move_to(x, a, pin);
    if (!ra_dies(x, a) && !(val->at & AT_CONST))
        ra_now_in_pin(x, a, pin);
}

static void emit_put(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    int32_t off = (int32_t)insn->imm, imm;
    bool wide = is_wide(insn);
    unsigned bytes = wide ? 8 : 4, size = wide ? W64 : W32;
    ir_ref a = x->val[insn->arg[0]].rep;
    int pin = wide ? x64_pin_at(x, off, 8) : -1;
    if (pin >= 0) {
        put_pinned(x, a, (unsigned)pin);
        return;
    }
    if (x->val[a].at & AT_STATE && x->val[a].off == off && wide && x->val[a].type == IR_I64)
        return;
    bool is_imm = ra_imm32(x, a, wide, &imm);
    unsigned reg = is_imm ? NOREG : ra_use(x, a);
    begin_write(x, off, bytes);
    if (is_imm)
        enc_store_imm(&x->e, size, cpu_mem(off), imm);
    else
        enc_store(&x->e, size, reg, cpu_mem(off));
    bool overlaps = x64_pin_overlaps(x, off, bytes);
    if (overlaps)
        pins_from_memory(x, off, bytes);
    else if (!is_imm && wide && x->val[a].type == IR_I64 && !ra_dies(x, a))
        ra_def_state(x, a, off);
}

static void emit_get8(struct x64 *x, ir_ref v)
{
    int32_t off = (int32_t)x->insn[v].imm;
    if (x64_pin_overlaps(x, off, 1))
        pins_to_memory(x, off, 1);
    enc_rm(&x->e, OP_MOVZX8, W32, ra_def(x, v, true), cpu_mem(off));
}

static void emit_put8(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    int32_t off = (int32_t)insn->imm, imm;
    bool is_imm = ra_imm32(x, insn->arg[0], false, &imm);
    unsigned reg = is_imm ? NOREG : ra_use(x, insn->arg[0]);
    begin_write(x, off, 1);
    if (is_imm)
        enc_store_imm(&x->e, W8, cpu_mem(off), imm);
    else
        enc_store(&x->e, W8, reg, cpu_mem(off));
    if (x64_pin_overlaps(x, off, 1))
        pins_from_memory(x, off, 1);
}

static void emit_getv(struct x64 *x, ir_ref v)
{
    int32_t off = (int32_t)x->insn[v].imm;
    if (x64_pin_overlaps(x, off, 16)) {
        pins_to_memory(x, off, 16);
        enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, ra_xdef(x, v), cpu_mem(off));
    } else {
        ra_def_state(x, v, off);
    }
}

static void emit_putv(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    int32_t off = (int32_t)insn->imm;
    ir_ref a = x->val[insn->arg[0]].rep;
    if (x->val[a].at & AT_STATE && x->val[a].off == off)
        return;
    unsigned reg = ra_xuse(x, a);
    begin_write(x, off, 16);
    enc_sse1_rm(&x->e, OP_MOVDQU_STORE, reg, cpu_mem(off));
    if (x64_pin_overlaps(x, off, 16))
        pins_from_memory(x, off, 16);
    else if (!ra_dies(x, a))
        ra_def_state(x, a, off);
}

void cg_page_address(struct x64 *x, unsigned reg, int32_t pgoff)
{
    enc_load(&x->e, W64, reg, cpu_mem(x->layout.pc_page));
    if (pgoff)
        enc_lea(&x->e, W64, reg, mem_at(reg, pgoff));
}

static void emit_pcrel(struct x64 *x, ir_ref v)
{
    int64_t imm = x->insn[v].imm;
    if (fits32(imm)) {
        cg_page_address(x, ra_def(x, v, true), (int32_t)imm);
        return;
    }
    unsigned dst = ra_def(x, v, true), t = ra_temp(x);
    enc_mov_imm(&x->e, t, (uint64_t)imm);
    enc_load(&x->e, W64, dst, cpu_mem(x->layout.pc_page));
    enc_lea(&x->e, W64, dst, mem_index(dst, t, 0, 0));
}

static void emit_nothing(struct x64 *x, ir_ref v)
{
}

static void emit_fence(struct x64 *x, ir_ref v)
{
    if (x->insn[v].aux != IR_FENCE_FULL)
        return; /* loads and stores are ordered among themselves */
    fl_clobber(x);
    enc_u8(&x->e, 0xf0);
    enc_alu_mem_imm(&x->e, ALU_OR, W32, frame_mem(FRAME_LOCK), 0);
}

/* --- calls ------------------------------------------------------------------------------------ */

void cg_call_thunk(struct x64 *x, enum thunk thunk)
{
    enc_call_to(&x->e, x->thunk[thunk]);
}

/*
 * Code is kept and placed elsewhere, by later runs of the program as well (move.c), so no address
 * of a C function or of data stands in it: functions are named by where tables have them, and the
 * thunks know the tables.
 */
void cg_call_eval(struct x64 *x, const struct ir_insn *insn)
{
    enc_mov_imm(&x->e, RSI, (uint64_t)insn->imm);
    enc_mov_imm(&x->e, RDX, insn->type | (uint32_t)insn->aux << 8);
    enc_mov_imm(&x->e, RAX, insn->op * sizeof(ir_eval_table[0]));
    cg_call_thunk(x, THUNK_EVAL);
}

/* member: of struct ir_helper. */
static void call_helper(struct x64 *x, const struct ir_insn *insn, size_t member, enum thunk kind)
{
    if (kind == THUNK_CALL_RAISE)
        enc_mov_imm(&x->e, RDI, (uint32_t)x->pgoff);
    enc_mov_imm(&x->e, RAX, (uint64_t)insn->imm * sizeof(struct ir_helper) + member);
    cg_call_thunk(x, kind);
}

static struct x64_mem scratch_mem(struct x64 *x, unsigned n)
{
    return cpu_mem(x->layout.scratch + 16 * (int32_t)n);
}

/* The argument as the evaluators want it: in scratch[n]. EFLAGS hold nothing now. */
static void store_argument(struct x64 *x, ir_ref a, unsigned n)
{
    int32_t imm;
    a = x->val[a].rep;
    switch (x->val[a].type) {
    case IR_V128:
        enc_sse1_rm(&x->e, OP_MOVDQU_STORE, ra_xuse(x, a), scratch_mem(x, n));
        break;
    case IR_FLAGS: { /* NZCV in bits 3:0 */
        unsigned t = ra_temp(x);
        ra_move_to(x, a, t);
        enc_alu_imm(&x->e, ALU_AND, W32, t, 0xc101);
        enc_rr(&x->e, OP_IMUL_IMM32, W32, t, t);
        enc_u32(&x->e, 0x10210000);
        enc_shift_imm(&x->e, SH_SHR, W32, t, 28);
        enc_store(&x->e, W64, t, scratch_mem(x, n));
        ra_release(x, t);
        break;
    }
    default:
        if (ra_imm32(x, a, x->val[a].type == IR_I64, &imm)) {
            enc_store_imm(&x->e, W64, scratch_mem(x, n), imm);
        } else {
            unsigned reg = ra_use(x, a);
            enc_store(&x->e, W64, reg, scratch_mem(x, n));
            ra_release(x, reg);
        }
    }
}

/* After the call: the result out of scratch[0]. */
static void take_result(struct x64 *x, ir_ref v)
{
    unsigned t;
    switch (x->val[v].type) {
    case IR_V128:
        enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, ra_xdef(x, v), scratch_mem(x, 0));
        break;
    case IR_FLAGS: /* as emit_flpack */
        t = ra_temp(x);
        enc_load(&x->e, W32, t, scratch_mem(x, 0));
        enc_rr(&x->e, OP_IMUL_IMM32, W32, t, t);
        enc_u32(&x->e, 0x1081);
        enc_alu_imm(&x->e, ALU_AND, W32, t, 0xc101);
        ra_def_in(x, v, t);
        break;
    default:
        enc_load(&x->e, x->val[v].type == IR_I64 ? W64 : W32, ra_def(x, v, true),
                 scratch_mem(x, 0));
    }
}

void cg_eval(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    for (unsigned k = 0; k < 3 && insn->arg[k] != IR_NONE; k++)
        store_argument(x, insn->arg[k], k + 1);
    ra_evict_all(x);
    cg_call_eval(x, insn);
    ra_forget_temps(x);
    take_result(x, v);
}

static enum thunk call_kind(const struct ir_helper *helper)
{
    if (helper->flags & IR_HELPER_RAISES)
        return THUNK_CALL_RAISE;
    return helper->flags & (IR_HELPER_READS_R | IR_HELPER_WRITES_R) ? THUNK_CALL_EXACT : THUNK_CALL;
}

static void emit_call(struct x64 *x, ir_ref v)
{
    static const uint8_t arg_reg[3] = {RSI, RDX, RCX};
    const struct ir_insn *insn = &x->insn[v];
    const struct ir_helper *helper = &x->config.helpers[insn->imm];
    fl_clobber(x);
    ra_detach(x, helper->flags & (IR_HELPER_WRITES_R | IR_HELPER_RAISES));
    for (unsigned k = 0; k < 3; k++) {
        if (insn->arg[k] == IR_NONE)
            continue;
        ra_take(x, arg_reg[k]);
        ra_move_to(x, insn->arg[k], arg_reg[k]);
    }
    ra_evict_all(x);
    if (cg_is_quick(x, (unsigned)insn->imm)) {
        enc_mov_imm(&x->e, RCX, (uint32_t)x->pgoff);
        enc_call_to(&x->e, x->quick[insn->imm]);
    } else {
        call_helper(x, insn, offsetof(struct ir_helper, fn), call_kind(helper));
    }
    ra_forget_temps(x);
    if (x->val[v].uses) {
        ra_take(x, RAX);
        ra_def_in(x, v, RAX);
    }
}

static void emit_callv(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    const struct ir_helper *helper = &x->config.helpers[insn->imm];
    fl_clobber(x);
    for (unsigned k = 0; k < 3; k++)
        if (insn->arg[k] != IR_NONE)
            store_argument(x, insn->arg[k], k + 1);
    ra_detach(x, helper->flags & (IR_HELPER_WRITES_R | IR_HELPER_RAISES));
    ra_evict_all(x);
    enc_lea(&x->e, W64, RSI, scratch_mem(x, 0));
    enc_mov_imm(&x->e, RDX, insn->aux);
    call_helper(x, insn, offsetof(struct ir_helper, fnv), call_kind(helper));
    ra_forget_temps(x);
    if (x->val[v].uses)
        take_result(x, v);
}

const struct emit_row x64_emit_state[] = {
    {IR_GET, emit_get},     {IR_PUT, emit_put},       {IR_GET8, emit_get8},
    {IR_PUT8, emit_put8},   {IR_GETV, emit_getv},     {IR_PUTV, emit_putv},
    {IR_PCREL, emit_pcrel}, {IR_INSN, emit_nothing},  {IR_HI, emit_nothing},
    {IR_HIV, emit_nothing}, {IR_FENCE, emit_fence},   {IR_CALL, emit_call},
    {IR_CALLV, emit_callv}, {IR_CONST, emit_nothing}, {IR_OP_COUNT, 0},
};
