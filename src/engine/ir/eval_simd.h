/* SPDX-License-Identifier: Apache-2.0 */
/* Which lanes an operation computes, and saturation, for the evaluators of vector operations. */
#ifndef ARMVM_ENGINE_IR_EVAL_SIMD_H
#define ARMVM_ENGINE_IR_EVAL_SIMD_H

#include "eval.h"

typedef __int128 ir_wide; /* holds every exact intermediate result of 64-bit lanes */

enum { IR_FPSR_QC = 1u << 27 };

static inline unsigned ir_lane_bits(unsigned esz)
{
    return 8u << esz;
}

/* How many lanes an operation with this vform computes. */
static inline unsigned ir_vform_count(unsigned aux)
{
    switch (IR_VFORM_LANES(aux)) {
    case IR_LANES_1:
        return 1;
    case IR_LANES_64:
        return 8u >> IR_VFORM_ESZ(aux);
    default:
        return 16u >> IR_VFORM_ESZ(aux);
    }
}

/* SignedSatQ and UnsignedSatQ: what does not fit sets FPSR.QC. */
static inline uint64_t ir_sat_signed(ir_wide x, unsigned width, struct ir_fpenv *fp)
{
    const ir_wide max = ((ir_wide)1 << (width - 1)) - 1;
    if (x > max || x < -max - 1) {
        fp->fpsr |= IR_FPSR_QC;
        x = x > max ? max : -max - 1;
    }
    return (uint64_t)x;
}

static inline uint64_t ir_sat_unsigned(ir_wide x, unsigned width, struct ir_fpenv *fp)
{
    const ir_wide max = ((ir_wide)1 << width) - 1;
    if (x > max || x < 0) {
        fp->fpsr |= IR_FPSR_QC;
        x = x > max ? max : 0;
    }
    return (uint64_t)x;
}

/* x >> n without loss of precision, 0 < n <= 128, half of the last place added first if round. */
static inline ir_wide ir_shift_right(ir_wide x, unsigned n, bool round)
{
    if (n > 65) /* no 64-bit lane has anything left by then */
        n = 65;
    return (x + (round ? (ir_wide)1 << (n - 1) : 0)) >> n;
}

#endif
