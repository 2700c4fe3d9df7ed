/* SPDX-License-Identifier: Apache-2.0 */
/* Meaning of the integer operations (ops.def). An i32 result may leave anything in the upper half;
 * these leave what the 64-bit computation gives, except where the operation looks at high bits. */
#include "eval.h"
#include "engine/calc/crypto.h"

static inline uint64_t carry(const union ir_value *flags)
{
    return flags->x >> 1 & 1;
}

EVAL(const)
{
    v[0].x = (uint64_t)imm;
}

EVAL(add)
{
    v[0].x = v[1].x + v[2].x;
}

EVAL(sub)
{
    v[0].x = v[1].x - v[2].x;
}

EVAL(adc)
{
    v[0].x = v[1].x + v[2].x + carry(&v[3]);
}

EVAL(sbc)
{
    v[0].x = v[1].x - v[2].x - !carry(&v[3]);
}

EVAL(mul)
{
    v[0].x = v[1].x * v[2].x;
}

EVAL(umulh)
{
    v[0].x = (uint64_t)((unsigned __int128)v[1].x * v[2].x >> 64);
}

EVAL(smulh)
{
    v[0].x = (uint64_t)((__int128)(int64_t)v[1].x * (int64_t)v[2].x >> 64);
}

EVAL(udiv)
{
    uint64_t b = eval_u(&v[2], attr);
    v[0].x = b ? eval_u(&v[1], attr) / b : 0;
}

EVAL(sdiv)
{
    int64_t a = eval_s(&v[1], attr), b = eval_s(&v[2], attr);
    if (b == 0)
        v[0].x = 0;
    else if (b == -1) /* MIN / -1 wraps to MIN */
        v[0].x = 0 - (uint64_t)a;
    else
        v[0].x = (uint64_t)(a / b);
}

EVAL(urem)
{
    uint64_t a = eval_u(&v[1], attr), b = eval_u(&v[2], attr);
    v[0].x = b ? a % b : a;
}

EVAL(srem)
{
    int64_t a = eval_s(&v[1], attr), b = eval_s(&v[2], attr);
    if (b == 0)
        v[0].x = (uint64_t)a;
    else
        v[0].x = b == -1 ? 0 : (uint64_t)(a % b);
}

EVAL(and)
{
    v[0].x = v[1].x & v[2].x;
}

EVAL(or)
{
    v[0].x = v[1].x | v[2].x;
}

EVAL(xor)
{
    v[0].x = v[1].x ^ v[2].x;
}

EVAL(andn)
{
    v[0].x = v[1].x & ~v[2].x;
}

EVAL(orn)
{
    v[0].x = v[1].x | ~v[2].x;
}

EVAL(xorn)
{
    v[0].x = v[1].x ^ ~v[2].x;
}

EVAL(not )
{
    v[0].x = ~v[1].x;
}

EVAL(neg)
{
    v[0].x = 0 - v[1].x;
}

/* --- shifts and fields -------------------------------------------------------------------------*/

static uint64_t rotate(const union ir_value *a, unsigned n, uint32_t attr)
{
    unsigned width = eval_width(attr);
    uint64_t x = eval_u(a, attr);
    n &= width - 1;
    return n ? x >> n | x << (width - n) : x;
}

EVAL(shl)
{
    v[0].x = v[1].x << (v[2].x & (eval_width(attr) - 1));
}

EVAL(shr)
{
    v[0].x = eval_u(&v[1], attr) >> (v[2].x & (eval_width(attr) - 1));
}

EVAL(sar)
{
    v[0].x = (uint64_t)(eval_s(&v[1], attr) >> (v[2].x & (eval_width(attr) - 1)));
}

EVAL(ror)
{
    v[0].x = rotate(&v[1], (unsigned)v[2].x, attr);
}

EVAL(shli)
{
    v[0].x = v[1].x << (imm & 63);
}

EVAL(shri)
{
    v[0].x = eval_u(&v[1], attr) >> (imm & 63);
}

EVAL(sari)
{
    v[0].x = (uint64_t)(eval_s(&v[1], attr) >> (imm & 63));
}

EVAL(rori)
{
    v[0].x = rotate(&v[1], (unsigned)imm, attr);
}

EVAL(extr)
{
    unsigned width = eval_width(attr), n = (unsigned)imm & (width - 1);
    v[0].x = n ? eval_u(&v[2], attr) >> n | v[1].x << (width - n) : v[2].x;
}

EVAL(extu)
{
    v[0].x = v[1].x >> (imm & 63) & ones(eval_aux(attr));
}

EVAL(exts)
{
    v[0].x = (uint64_t)sext64(v[1].x >> (imm & 63), eval_aux(attr));
}

EVAL(dep)
{
    uint64_t mask = ones(eval_aux(attr)) << (imm & 63);
    v[0].x = (v[1].x & ~mask) | (v[2].x << (imm & 63) & mask);
}

/* --- widths ------------------------------------------------------------------------------------*/

EVAL(zext)
{
    v[0].x = (uint32_t)v[1].x;
}

EVAL(sext)
{
    v[0].x = (uint64_t)(int64_t)(int32_t)v[1].x;
}

EVAL(trunc)
{
    v[0].x = (uint32_t)v[1].x;
}

EVAL(sx8)
{
    v[0].x = (uint64_t)(int64_t)(int8_t)v[1].x;
}

EVAL(sx16)
{
    v[0].x = (uint64_t)(int64_t)(int16_t)v[1].x;
}

EVAL(zx8)
{
    v[0].x = (uint8_t)v[1].x;
}

EVAL(zx16)
{
    v[0].x = (uint16_t)v[1].x;
}

/* --- counting and reversing --------------------------------------------------------------------*/

static unsigned leading_zeros(uint64_t x, unsigned width)
{
    return x ? (unsigned)__builtin_clzll(x) - (64 - width) : width;
}

EVAL(clz)
{
    v[0].x = leading_zeros(eval_u(&v[1], attr), eval_width(attr));
}

EVAL(cls)
{
    int64_t x = eval_s(&v[1], attr);
    v[0].x = leading_zeros((uint64_t)(x ^ x >> 63), 64) - 1 - (64 - eval_width(attr));
}

EVAL(ctz)
{
    uint64_t x = eval_u(&v[1], attr);
    v[0].x = x ? (unsigned)__builtin_ctzll(x) : eval_width(attr);
}

EVAL(cnt)
{
    v[0].x = (unsigned)__builtin_popcountll(eval_u(&v[1], attr));
}

EVAL(rbit)
{
    uint64_t x = __builtin_bswap64(v[1].x);
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0f) | (x & 0x0f0f0f0f0f0f0f0f) << 4;
    x = (x >> 2 & 0x3333333333333333) | (x & 0x3333333333333333) << 2;
    x = (x >> 1 & 0x5555555555555555) | (x & 0x5555555555555555) << 1;
    v[0].x = x >> (64 - eval_width(attr));
}

EVAL(rev)
{
    v[0].x = __builtin_bswap64(v[1].x) >> (64 - eval_width(attr));
}

EVAL(rev16)
{
    v[0].x = (v[1].x >> 8 & 0x00ff00ff00ff00ff) | (v[1].x & 0x00ff00ff00ff00ff) << 8;
}

EVAL(rev32)
{
    uint64_t x = __builtin_bswap64(v[1].x);
    v[0].x = x >> 32 | x << 32;
}

/* --- choices, checksums ------------------------------------------------------------------------*/

EVAL(icmp)
{
    uint64_t a = eval_u(&v[1], attr), b = eval_u(&v[2], attr);
    int64_t sa = eval_s(&v[1], attr), sb = eval_s(&v[2], attr);
    switch (eval_aux(attr)) {
    case IR_ICC_EQ:
        v[0].x = a == b;
        break;
    case IR_ICC_NE:
        v[0].x = a != b;
        break;
    case IR_ICC_LTU:
        v[0].x = a < b;
        break;
    case IR_ICC_LEU:
        v[0].x = a <= b;
        break;
    case IR_ICC_LTS:
        v[0].x = sa < sb;
        break;
    default:
        v[0].x = sa <= sb;
        break;
    }
}

EVAL(sel)
{
    v[0].x = (uint32_t)v[1].x ? v[2].x : v[3].x;
}

EVAL(crc32)
{
    v[0].x = crypto_crc32((uint32_t)v[1].x, v[2].x, 1u << (eval_aux(attr) & 3));
}

EVAL(crc32c)
{
    v[0].x = crypto_crc32c((uint32_t)v[1].x, v[2].x, 1u << (eval_aux(attr) & 3));
}

uint64_t ir_atom_result(enum ir_atom kind, uint64_t old, uint64_t b, unsigned bits)
{
    const int64_t so = sext64(old, bits), sb = sext64(b, bits);
    const uint64_t uo = old & ones(bits), ub = b & ones(bits);

    switch (kind) {
    case IR_ATOM_ADD:
        return old + b;
    case IR_ATOM_CLR:
        return old & ~b;
    case IR_ATOM_EOR:
        return old ^ b;
    case IR_ATOM_SET:
        return old | b;
    case IR_ATOM_SMAX:
        return so > sb ? old : b;
    case IR_ATOM_SMIN:
        return so < sb ? old : b;
    case IR_ATOM_UMAX:
        return uo > ub ? old : b;
    case IR_ATOM_UMIN:
        return uo < ub ? old : b;
    case IR_ATOM_SWP:
        break;
    }
    return b;
}
