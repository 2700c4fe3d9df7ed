/* SPDX-License-Identifier: Apache-2.0 */
/* What the evaluators of operations (eval_*.c) share: access to arguments, lanes and attributes. */
#ifndef ARMVM_ENGINE_IR_EVAL_H
#define ARMVM_ENGINE_IR_EVAL_H

#include "ir.h"
#include "ir_eval.h"
#include "base/bits.h"

/* The head of an evaluator's definition; see ir_eval_fn. */
#define EVAL(name)                                                                                 \
    void ir_eval_##name(union ir_value v[4], int64_t imm, uint32_t attr, struct ir_fpenv *fp)

static inline unsigned eval_aux(uint32_t attr)
{
    return attr >> 8;
}

/* Width in bits of the integers an instruction works on. */
static inline unsigned eval_width(uint32_t attr)
{
    return (attr & 0xff) == IR_I64 ? 64 : 32;
}

/* An integer argument with its undefined upper half removed. */
static inline uint64_t eval_u(const union ir_value *value, uint32_t attr)
{
    return eval_width(attr) == 64 ? value->x : (uint32_t)value->x;
}

static inline int64_t eval_s(const union ir_value *value, uint32_t attr)
{
    return eval_width(attr) == 64 ? (int64_t)value->x : (int32_t)value->x;
}

/* Lanes of 1 << esz bytes, zero-extended; numbered from the least significant. */
static inline uint64_t eval_lane(const union v128 *vec, unsigned esz, unsigned lane)
{
    switch (esz) {
    case 0:
        return vec->b[lane & 15];
    case 1:
        return vec->h[lane & 7];
    case 2:
        return vec->s[lane & 3];
    default:
        return vec->d[lane & 1];
    }
}

static inline int64_t eval_lane_s(const union v128 *vec, unsigned esz, unsigned lane)
{
    switch (esz) {
    case 0:
        return vec->sb[lane & 15];
    case 1:
        return vec->sh[lane & 7];
    case 2:
        return vec->ss[lane & 3];
    default:
        return vec->sd[lane & 1];
    }
}

static inline void eval_set_lane(union v128 *vec, unsigned esz, unsigned lane, uint64_t x)
{
    switch (esz) {
    case 0:
        vec->b[lane & 15] = (uint8_t)x;
        break;
    case 1:
        vec->h[lane & 7] = (uint16_t)x;
        break;
    case 2:
        vec->s[lane & 3] = (uint32_t)x;
        break;
    default:
        vec->d[lane & 1] = x;
        break;
    }
}

#endif
