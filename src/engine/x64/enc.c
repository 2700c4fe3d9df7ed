/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64 encoder: prefixes, ModRM and SIB (Intel SDM volume 2, 2.1 to 2.3 and 2.7). */
#include "engine/x64/enc.h"

#include <assert.h>

static unsigned op_map(unsigned op)
{
    return op >> 12;
}

static unsigned op_prefix(unsigned op)
{
    return op >> 8 & 3;
}

static void put_prefix(struct enc *e, unsigned op, unsigned size)
{
    static const uint8_t bytes[4] = {0, 0x66, 0xf3, 0xf2};
    if (size == W16)
        enc_u8(e, 0x66);
    if (op_prefix(op))
        enc_u8(e, bytes[op_prefix(op)]);
}

static void put_opcode(struct enc *e, unsigned op)
{
    if (op_map(op)) {
        enc_u8(e, 0x0f);
        if (op_map(op) == 2)
            enc_u8(e, 0x38);
        else if (op_map(op) == 3)
            enc_u8(e, 0x3a);
    }
    enc_u8(e, op);
}

static void put_rex(struct enc *e, unsigned size, unsigned reg, unsigned index, unsigned base,
                    bool low_bytes)
{
    unsigned rex =
        (size == W64) << 3 | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (base >> 3 & 1);
    if (rex || low_bytes)
        enc_u8(e, 0x40 | rex);
}

static void put_modrm(struct enc *e, unsigned mod, unsigned reg, unsigned rm)
{
    enc_u8(e, mod << 6 | (reg & 7) << 3 | (rm & 7));
}

/* A distance from the field's end to something elsewhere: it changes when the code moves. */
static void put_far(struct enc *e, uint32_t distance)
{
    enc_u32(e, distance);
    if (e->fars < e->max_fars)
        e->far[e->fars] = (uint32_t)enc_at(e);
    e->fars++;
}

static void put_mem(struct enc *e, unsigned reg, struct x64_mem m)
{
    if (m.base == RIP) {
        put_modrm(e, 0, reg, 5);
        put_far(e, (uint32_t)(m.disp - (int32_t)(enc_at(e) + 4)));
        return;
    }
    if (m.base == NOREG) { /* [index << shift + disp32] or [disp32]: SIB without base */
        put_modrm(e, 0, reg, 4);
        enc_u8(e, m.shift << 6 | (m.index == NOREG ? 4 : m.index & 7) << 3 | 5);
        enc_u32(e, (uint32_t)m.disp);
        return;
    }
    /* rbp and r13 as base have no form without displacement */
    unsigned mod = m.disp == 0 && (m.base & 7) != RBP ? 0 : fits8(m.disp) ? 1 : 2;
    if (m.index != NOREG || (m.base & 7) == RSP) {
        put_modrm(e, mod, reg, 4);
        enc_u8(e, m.shift << 6 | (m.index == NOREG ? 4 : m.index & 7) << 3 | (m.base & 7));
    } else {
        put_modrm(e, mod, reg, m.base);
    }
    if (mod == 1)
        enc_u8(e, (uint8_t)m.disp);
    else if (mod == 2)
        enc_u32(e, (uint32_t)m.disp);
}

static unsigned mem_index_bits(struct x64_mem m)
{
    return m.index == NOREG ? 0 : m.index;
}

static unsigned mem_base_bits(struct x64_mem m)
{
    return m.base == NOREG || m.base == RIP ? 0 : m.base;
}

/* The registers 4..7 name ah..bh in byte operations without REX. */
static bool needs_rex8(unsigned size, unsigned reg)
{
    return size == W8 && reg >= 4;
}

/* movzx and movsx from bytes have a byte source and a wider destination. */
static bool byte_source(unsigned op)
{
    return op == OP_MOVZX8 || op == OP_MOVSX8 || op == OP_CRC32_8;
}

void enc_rr(struct enc *e, unsigned op, unsigned size, unsigned reg, unsigned rm)
{
    put_prefix(e, op, size);
    put_rex(e, size, reg, 0, rm,
            needs_rex8(size, reg) || needs_rex8(size, rm) || (byte_source(op) && rm >= 4));
    put_opcode(e, op);
    put_modrm(e, 3, reg, rm);
}

void enc_rm(struct enc *e, unsigned op, unsigned size, unsigned reg, struct x64_mem m)
{
    put_prefix(e, op, size);
    put_rex(e, size, reg, mem_index_bits(m), mem_base_bits(m), needs_rex8(size, reg));
    put_opcode(e, op);
    put_mem(e, reg, m);
}

static void put_vex(struct enc *e, unsigned op, unsigned w, unsigned l, unsigned reg, unsigned vvvv,
                    unsigned index, unsigned base)
{
    unsigned r = ~reg >> 3 & 1, x = ~index >> 3 & 1, b = ~base >> 3 & 1;
    unsigned low = (~vvvv & 15) << 3 | l << 2 | op_prefix(op);
    if (op_map(op) == 1 && !w && x && b) {
        enc_u8(e, 0xc5);
        enc_u8(e, r << 7 | low);
    } else {
        enc_u8(e, 0xc4);
        enc_u8(e, r << 7 | x << 6 | b << 5 | op_map(op));
        enc_u8(e, w << 7 | low);
    }
    enc_u8(e, op);
}

void enc_vex_rr(struct enc *e, unsigned op, unsigned w, unsigned l, unsigned reg, unsigned vvvv,
                unsigned rm)
{
    put_vex(e, op, w, l, reg, vvvv, 0, rm);
    put_modrm(e, 3, reg, rm);
}

void enc_vex_rm(struct enc *e, unsigned op, unsigned w, unsigned l, unsigned reg, unsigned vvvv,
                struct x64_mem m)
{
    put_vex(e, op, w, l, reg, vvvv, mem_index_bits(m), mem_base_bits(m));
    put_mem(e, reg, m);
}

void enc_evex_rr(struct enc *e, unsigned op, unsigned w, unsigned reg, unsigned vvvv, unsigned rm)
{
    enc_u8(e, 0x62);
    enc_u8(e, (~reg >> 3 & 1) << 7 | 1 << 6 | (~rm >> 3 & 1) << 5 | 1 << 4 | op_map(op));
    enc_u8(e, w << 7 | (~vvvv & 15) << 3 | 1 << 2 | op_prefix(op));
    enc_u8(e, 1 << 3); /* V' clear of register 16 and up, no mask, 128 bits */
    enc_u8(e, op);
    put_modrm(e, 3, reg, rm);
}

void enc_sse_imm_rr(struct enc *e, unsigned op, unsigned dst, unsigned src, unsigned imm)
{
    enc_sse1_rr(e, op, dst, src);
    enc_u8(e, imm);
}

void enc_sse2_imm_rr(struct enc *e, unsigned op, unsigned dst, unsigned a, unsigned b, unsigned imm)
{
    enc_sse2_rr(e, op, dst, a, b);
    enc_u8(e, imm);
}

void enc_vshift_imm(struct enc *e, unsigned op, unsigned form, unsigned dst, unsigned src,
                    unsigned imm)
{
    assert(e->avx || dst == src);
    if (e->avx)
        enc_vex_rr(e, op, 0, 0, form, dst, src);
    else
        enc_rr(e, op, W32, form, dst);
    enc_u8(e, imm);
}

void enc_sse_gpr_rr(struct enc *e, unsigned op, unsigned w, unsigned reg, unsigned rm)
{
    if (e->avx)
        enc_vex_rr(e, op, w, 0, reg, 0, rm);
    else
        enc_rr(e, op, w ? W64 : W32, reg, rm);
}

void enc_sse1_rr(struct enc *e, unsigned op, unsigned dst, unsigned src)
{
    if (e->avx)
        enc_vex_rr(e, op, 0, 0, dst, 0, src);
    else
        enc_rr(e, op, W32, dst, src);
}

void enc_sse1_rm(struct enc *e, unsigned op, unsigned dst, struct x64_mem m)
{
    if (e->avx)
        enc_vex_rm(e, op, 0, 0, dst, 0, m);
    else
        enc_rm(e, op, W32, dst, m);
}

void enc_sse2_rr(struct enc *e, unsigned op, unsigned dst, unsigned a, unsigned b)
{
    assert(e->avx || dst == a);
    if (e->avx)
        enc_vex_rr(e, op, 0, 0, dst, a, b);
    else
        enc_rr(e, op, W32, dst, b);
}

void enc_sse2_rm(struct enc *e, unsigned op, unsigned dst, unsigned a, struct x64_mem m)
{
    assert(e->avx || dst == a);
    if (e->avx)
        enc_vex_rm(e, op, 0, 0, dst, a, m);
    else
        enc_rm(e, op, W32, dst, m);
}

/* --- moves ------------------------------------------------------------------------------------ */

void enc_mov(struct enc *e, unsigned size, unsigned dst, unsigned src)
{
    enc_rr(e, 0x0089, size, src, dst);
}

void enc_load(struct enc *e, unsigned size, unsigned dst, struct x64_mem m)
{
    enc_rm(e, 0x008b, size, dst, m);
}

void enc_store(struct enc *e, unsigned size, unsigned src, struct x64_mem m)
{
    enc_rm(e, size == W8 ? 0x0088 : 0x0089, size, src, m);
}

static void put_imm(struct enc *e, unsigned size, int32_t imm)
{
    if (size == W8) {
        enc_u8(e, (uint8_t)imm);
    } else if (size == W16) {
        enc_u8(e, (uint8_t)imm);
        enc_u8(e, (uint8_t)(imm >> 8));
    } else {
        enc_u32(e, (uint32_t)imm);
    }
}

void enc_store_imm(struct enc *e, unsigned size, struct x64_mem m, int32_t imm)
{
    enc_rm(e, size == W8 ? 0x00c6 : 0x00c7, size, 0, m);
    put_imm(e, size, imm);
}

void enc_mov_imm(struct enc *e, unsigned dst, uint64_t imm)
{
    if (imm <= UINT32_MAX) { /* mov r32, imm32 clears the upper half */
        put_rex(e, W32, 0, 0, dst, false);
        enc_u8(e, 0xb8 | (dst & 7));
        enc_u32(e, (uint32_t)imm);
    } else if (fits32((int64_t)imm)) {
        enc_rr(e, 0x00c7, W64, 0, dst);
        enc_u32(e, (uint32_t)imm);
    } else {
        put_rex(e, W64, 0, 0, dst, false);
        enc_u8(e, 0xb8 | (dst & 7));
        enc_u64(e, imm);
    }
}

void enc_lea(struct enc *e, unsigned size, unsigned dst, struct x64_mem m)
{
    enc_rm(e, 0x008d, size, dst, m);
}

static void put_rel32(struct enc *e, const uint8_t *target)
{
    put_far(e, (uint32_t)(target - (enc_here(e) + 4)));
}

static void put_lea_rip(struct enc *e, unsigned dst)
{
    put_rex(e, W64, dst, 0, 0, false);
    enc_u8(e, 0x8d);
    put_modrm(e, 0, dst, 5);
}

void enc_lea_rip(struct enc *e, unsigned dst, const uint8_t *target)
{
    put_lea_rip(e, dst);
    put_rel32(e, target);
}

size_t enc_lea_ahead(struct enc *e, unsigned dst)
{
    put_lea_rip(e, dst);
    enc_u32(e, 0);
    return enc_at(e);
}

/* --- arithmetic ------------------------------------------------------------------------------- */

void enc_alu(struct enc *e, enum x64_alu op, unsigned size, unsigned dst, unsigned src)
{
    enc_rr(e, op << 3 | (size == W8 ? 2 : 3), size, dst, src);
}

void enc_alu_load(struct enc *e, enum x64_alu op, unsigned size, unsigned dst, struct x64_mem m)
{
    enc_rm(e, op << 3 | (size == W8 ? 2 : 3), size, dst, m);
}

void enc_alu_imm(struct enc *e, enum x64_alu op, unsigned size, unsigned dst, int32_t imm)
{
    if (size == W8) {
        enc_rr(e, 0x0080, size, op, dst);
        enc_u8(e, (uint8_t)imm);
    } else if (fits8(imm)) {
        enc_rr(e, 0x0083, size, op, dst);
        enc_u8(e, (uint8_t)imm);
    } else if (dst == RAX && size != W16) {
        put_rex(e, size, 0, 0, 0, false);
        enc_u8(e, op << 3 | 5);
        enc_u32(e, (uint32_t)imm);
    } else {
        enc_rr(e, 0x0081, size, op, dst);
        put_imm(e, size, imm);
    }
}

void enc_alu_mem_imm(struct enc *e, enum x64_alu op, unsigned size, struct x64_mem m, int32_t imm)
{
    if (size == W8 || fits8(imm)) {
        enc_rm(e, size == W8 ? 0x0080 : 0x0083, size, op, m);
        enc_u8(e, (uint8_t)imm);
    } else {
        enc_rm(e, 0x0081, size, op, m);
        put_imm(e, size, imm);
    }
}

void enc_test(struct enc *e, unsigned size, unsigned a, unsigned b)
{
    enc_rr(e, size == W8 ? 0x0084 : 0x0085, size, b, a);
}

void enc_test_imm(struct enc *e, unsigned size, unsigned a, uint32_t imm)
{
    if (size != W16 && imm < 0x80) /* the byte form sets the same Z; N is clear in both */
        size = W8;
    enc_rr(e, size == W8 ? OP_GROUP3_8 : OP_GROUP3, size, 0, a);
    put_imm(e, size, (int32_t)imm);
}

void enc_test_mem8(struct enc *e, struct x64_mem m, unsigned imm)
{
    enc_rm(e, OP_GROUP3_8, W8, 0, m);
    enc_u8(e, imm);
}

void enc_shift_imm(struct enc *e, enum x64_shift op, unsigned size, unsigned dst, unsigned count)
{
    if (count == 1) {
        enc_rr(e, size == W8 ? 0x00d0 : 0x00d1, size, op, dst);
    } else {
        enc_rr(e, size == W8 ? 0x00c0 : 0x00c1, size, op, dst);
        enc_u8(e, count);
    }
}

void enc_shift_cl(struct enc *e, enum x64_shift op, unsigned size, unsigned dst)
{
    enc_rr(e, 0x00d3, size, op, dst);
}

void enc_not(struct enc *e, unsigned size, unsigned dst)
{
    enc_rr(e, OP_GROUP3, size, 2, dst);
}

void enc_neg(struct enc *e, unsigned size, unsigned dst)
{
    enc_rr(e, OP_GROUP3, size, 3, dst);
}

void enc_bswap(struct enc *e, unsigned size, unsigned dst)
{
    put_rex(e, size, 0, 0, dst, false);
    enc_u8(e, 0x0f);
    enc_u8(e, 0xc8 | (dst & 7));
}

void enc_setcc(struct enc *e, enum x64_cc cc, unsigned dst)
{
    enc_rr(e, 0x1090 | cc, W8, 0, dst);
}

void enc_cmov(struct enc *e, enum x64_cc cc, unsigned size, unsigned dst, unsigned src)
{
    enc_rr(e, 0x1040 | cc, size, dst, src);
}

/* --- jumps ------------------------------------------------------------------------------------ */

void enc_jmp_to(struct enc *e, const uint8_t *target)
{
    enc_u8(e, 0xe9);
    put_rel32(e, target);
}

void enc_jcc_to(struct enc *e, enum x64_cc cc, const uint8_t *target)
{
    enc_u8(e, 0x0f);
    enc_u8(e, 0x80 | cc);
    put_rel32(e, target);
}

void enc_call_to(struct enc *e, const uint8_t *target)
{
    enc_u8(e, 0xe8);
    put_rel32(e, target);
}

size_t enc_jmp32(struct enc *e)
{
    enc_u8(e, 0xe9);
    enc_u32(e, 0);
    return enc_at(e);
}

size_t enc_jcc32(struct enc *e, enum x64_cc cc)
{
    enc_u8(e, 0x0f);
    enc_u8(e, 0x80 | cc);
    enc_u32(e, 0);
    return enc_at(e);
}

size_t enc_jmp8(struct enc *e)
{
    enc_u8(e, 0xeb);
    enc_u8(e, 0);
    return enc_at(e);
}

size_t enc_jcc8(struct enc *e, enum x64_cc cc)
{
    enc_u8(e, 0x70 | cc);
    enc_u8(e, 0);
    return enc_at(e);
}

void enc_patch32(struct enc *e, size_t end, size_t target)
{
    int32_t rel = (int32_t)((int64_t)target - (int64_t)end);
    memcpy(e->start + end - 4, &rel, 4);
}

void enc_patch8(struct enc *e, size_t end)
{
    size_t distance = enc_at(e) - end;
    assert(distance < 128);
    e->start[end - 1] = (uint8_t)distance;
}

void enc_nop(struct enc *e, unsigned n)
{
    static const uint8_t nops[9][8] = {
        {0},
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };
    memcpy(e->p, nops[n], n);
    e->p += n;
}
