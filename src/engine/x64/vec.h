/* SPDX-License-Identifier: Apache-2.0 */
/* Building blocks of vector code, in the VEX or the legacy form as the host has it. */
#ifndef ARMVM_ENGINE_X64_VEC_H
#define ARMVM_ENGINE_X64_VEC_H

#include "engine/x64/emit.h"

/* Forms of vec_vshift (groups 71..73). */
enum { FORM_RIGHT = 2, FORM_RIGHT_BYTES = 3, FORM_RIGHT_SIGNED = 4, FORM_LEFT = 6 };

/* dst = dst op src, dst being the caller's scratch or result. */
void vec_into(struct x64 *x, unsigned op, unsigned dst, unsigned src);
void vec_into_pool(struct x64 *x, unsigned op, unsigned dst, enum pool which);
/* dst = src op a constant; src keeps its value. */
void vec_pool(struct x64 *x, unsigned op, unsigned dst, unsigned src, enum pool which);
void vec_vmov(struct x64 *x, unsigned dst, unsigned src);
/* dst = a op b in whatever form is shortest; the operands keep their values. */
void vec_three(struct x64 *x, unsigned op, unsigned dst, unsigned a, unsigned b);
void vec_zero(struct x64 *x, unsigned dst);
void vec_splat(struct x64 *x, unsigned dst, uint64_t imm); /* {imm, imm}, by a general register */
void vec_ones(struct x64 *x, unsigned dst);
/* dst = src shifted by an immediate. */
void vec_vshift(struct x64 *x, unsigned op, unsigned form, unsigned dst, unsigned src,
                unsigned imm);
/* The result of a two-operand instruction on v's arguments in this order. */
unsigned vec_binary(struct x64 *x, ir_ref v, unsigned op, ir_ref a, ir_ref b);
unsigned vec_unary(struct x64 *x, ir_ref v, unsigned op);

/* The group of immediate shifts by lane size; bytes have none. */
static inline unsigned vec_shift_op(unsigned esz)
{
    static const uint16_t op[4] = {0, OP_PSHIFTW_IMM, OP_PSHIFTD_IMM, OP_PSHIFTQ_IMM};
    return op[esz & 3];
}

#endif
