/* SPDX-License-Identifier: Apache-2.0 */
/* What the emitters share. Each file has a table of the operations it knows. */
#ifndef ARMVM_ENGINE_X64_EMIT_H
#define ARMVM_ENGINE_X64_EMIT_H

#include "engine/x64/cg.h"

struct emit_row {
    unsigned op; /* IR_OP_COUNT ends the table */
    emit_fn *fn;
};
extern const struct emit_row x64_emit_int[], x64_emit_flags[], x64_emit_state[], x64_emit_mem[],
    x64_emit_control[], x64_emit_vec[], x64_emit_perm[], x64_emit_fp[], x64_emit_dot[],
    x64_emit_hash[], x64_emit_half[], x64_emit_sat[], x64_emit_round[], x64_emit_fcvt[],
    x64_emit_mul[], x64_emit_atomic[];

unsigned cg_size(const struct ir_insn *insn);              /* emit_int.c: W32 or W64 */
unsigned cg_reg(const struct x64 *x, ir_ref v);            /* that v is in, or NOREG */
bool cg_in_place(const struct x64 *x, ir_ref v, ir_ref a); /* a's register can become v's */

/* emit_mul.c: both halves; pair is the later one. */
void cg_product(struct x64 *x, ir_ref v, ir_ref pair);
void cg_division(struct x64 *x, ir_ref v, ir_ref pair); /* the quotient, and the remainder */

/* emit_int.c: result and operands of v through one group of two-operand instructions. */
void cg_alu(struct x64 *x, enum x64_alu op, ir_ref v);
void cg_alu_not(struct x64 *x, enum x64_alu op, ir_ref v); /* a op ~b */
void cg_sha256(struct x64 *x, ir_ref v, ir_ref pair); /* emit_hash.c: both halves, or IR_NONE */
void cg_select(struct x64 *x, enum x64_cc cc, ir_ref v, ir_ref yes, ir_ref no);

/* emit_flags.c: v is marked MARK_FUSED: does it and its pair. */
void cg_fused(struct x64 *x, ir_ref v);

/* emit_fp.c. Out of line the evaluator does the current instruction: operands stand where they
 * stand now, and stay there; its result goes to dst, and the code resumes here. */
struct cold *cg_cold_eval(struct x64 *x);
void cg_cold_done(struct x64 *x, struct cold *c, unsigned dst);
/* Goes there if any lane of reg, single or double as aux says, is a NaN or plus or minus the
 * smallest normal number. t and u are scratch. */
void cg_check_tiny(struct x64 *x, struct cold *c, unsigned aux, unsigned reg, unsigned t,
                   unsigned u);

/* emit_half.c */
void cg_half(struct x64 *x, ir_ref v); /* an FP operation to, from or in half precision */
bool cg_half_can(const struct x64 *x, unsigned aux); /* by way of single precision */
unsigned cg_half_single(struct x64 *x, ir_ref v);    /* lane 0 as a single, in a scratch register */

/* emit_state.c */
void cg_eval(struct x64 *x, ir_ref v); /* any pure or fp operation */
void cg_call_thunk(struct x64 *x, enum thunk thunk);
void cg_call_eval(struct x64 *x, const struct ir_insn *insn); /* arguments are in scratch */

/* emit_control.c */
/* Nothing inside the region runs into it: it is there just to be entered from outside. */
bool cg_is_aside(const struct x64 *x, unsigned block);
/* Jumps to the address in rax; landing 0..3. */
void cg_indirect(struct x64 *x, const uint8_t *miss, unsigned landing);
void cg_careful_exit(struct x64 *x, struct cold *c);
void cg_itlb_entry(struct x64 *x); /* rcx = the instruction TLB's entry for the address in rax */
void cg_enter_page(struct x64 *x); /* rcx entry, rdx page, rax target */
void cg_page_address(struct x64 *x, unsigned reg, int32_t pgoff); /* reg = page base + pgoff */

#endif
