/* SPDX-License-Identifier: Apache-2.0 */
/* Meaning of the operations on flags: NZCV in bits 3:0, N = bit 3 (manual AddWithCarry(),
 * ConditionHolds()). */
#include "eval.h"

enum { FLAG_V = 1, FLAG_C = 2, FLAG_Z = 4, FLAG_N = 8 };

static uint64_t add_flags(uint64_t a, uint64_t b, uint64_t carry, unsigned width)
{
    uint64_t mask = ones(width), sign = 1ull << (width - 1);
    a &= mask;
    b &= mask;
    uint64_t sum = (a + b + carry) & mask;
    bool carry_out = carry ? sum <= a : sum < a;
    return (sum & sign ? FLAG_N : 0u) | (sum == 0 ? FLAG_Z : 0u) | (carry_out ? FLAG_C : 0u) |
           (~(a ^ b) & (a ^ sum) & sign ? FLAG_V : 0u);
}

bool ir_cond_holds(unsigned cond, unsigned nzcv)
{
    bool n = nzcv & FLAG_N, z = nzcv & FLAG_Z, c = nzcv & FLAG_C, v = nzcv & FLAG_V, holds;
    switch (cond >> 1 & 7) {
    case 0: /* EQ, NE */
        holds = z;
        break;
    case 1: /* CS, CC */
        holds = c;
        break;
    case 2: /* MI, PL */
        holds = n;
        break;
    case 3: /* VS, VC */
        holds = v;
        break;
    case 4: /* HI, LS */
        holds = c && !z;
        break;
    case 5: /* GE, LT */
        holds = n == v;
        break;
    case 6: /* GT, LE */
        holds = n == v && !z;
        break;
    default: /* AL, and NV which means the same */
        return true;
    }
    return holds != (cond & 1);
}

static bool holds(const union ir_value *flags, uint32_t attr)
{
    return ir_cond_holds(eval_aux(attr), (unsigned)flags->x & 15);
}

EVAL(fladd)
{
    v[0].x = add_flags(v[1].x, v[2].x, 0, eval_width(attr));
}

EVAL(flsub)
{
    v[0].x = add_flags(v[1].x, ~v[2].x, 1, eval_width(attr));
}

EVAL(fladc)
{
    v[0].x = add_flags(v[1].x, v[2].x, v[3].x >> 1 & 1, eval_width(attr));
}

EVAL(flsbc)
{
    v[0].x = add_flags(v[1].x, ~v[2].x, v[3].x >> 1 & 1, eval_width(attr));
}

EVAL(fllog)
{
    int64_t a = eval_s(&v[1], attr);
    v[0].x = (a < 0 ? FLAG_N : 0u) | (a == 0 ? FLAG_Z : 0u);
}

EVAL(flpack)
{
    v[0].x = v[1].x >> 28 & 15;
}

EVAL(flunpack)
{
    v[0].x = (v[1].x & 15) << 28;
}

EVAL(flsel)
{
    v[0].x = holds(&v[1], attr) ? v[2].x & 15 : (uint64_t)imm & 15;
}

EVAL(cond)
{
    v[0].x = holds(&v[1], attr);
}

EVAL(csel)
{
    v[0].x = holds(&v[1], attr) ? v[2].x : v[3].x;
}

EVAL(cselv)
{
    v[0].v = holds(&v[1], attr) ? v[2].v : v[3].v;
}
