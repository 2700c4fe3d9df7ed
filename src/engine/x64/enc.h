/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86-64 machine code, one instruction a call (Intel SDM volume 2, chapter 2: formats).
 *
 * An opcode is written 0xMPOO: M the opcode map (0 one byte, 1 0F, 2 0F38, 3 0F3A), P the mandatory
 * prefix (0 none, 1 66, 2 F3, 3 F2: VEX.pp's numbering), OO the byte itself.
 * The writer never checks for room: whoever emits leaves slack and looks at enc_left() between
 * instructions of the IR.
 */
#ifndef ARMVM_ENGINE_X64_ENC_H
#define ARMVM_ENGINE_X64_ENC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum x64_reg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    NOREG = 0xff,
    RIP = 0xfe, /* as a base: disp counts from enc.rx; not before an immediate */
};

/* Condition codes, as in the opcodes of jcc, setcc and cmovcc. */
enum x64_cc {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

struct x64_mem {
    uint8_t base, index; /* NOREG: none */
    uint8_t shift;       /* index << shift */
    int32_t disp;
};

struct enc {
    uint8_t *p; /* next byte, in the writable view */
    uint8_t *start, *end;
    const uint8_t *rx; /* where start will run */
    bool avx;          /* SSE operations take their VEX forms */
    /* Ends of the rel32 fields that refer to something outside of what is being written. */
    uint32_t *far;
    unsigned fars, max_fars; /* fars goes on counting when there is no room for more */
};

/* One-byte group numbers: add or adc sbb and sub xor cmp, as in 81 /n and 00 + 8n. */
enum x64_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum x64_shift { SH_ROL, SH_ROR, SH_SHL = 4, SH_SHR, SH_SAR = 7 };

static inline size_t enc_at(const struct enc *e)
{
    return (size_t)(e->p - e->start);
}

static inline size_t enc_left(const struct enc *e)
{
    return (size_t)(e->end - e->p);
}

/* The executable view's address of what comes next. */
static inline const uint8_t *enc_here(const struct enc *e)
{
    return e->rx + enc_at(e);
}

static inline void enc_u8(struct enc *e, unsigned v)
{
    *e->p++ = (uint8_t)v;
}

static inline void enc_u32(struct enc *e, uint32_t v)
{
    memcpy(e->p, &v, 4);
    e->p += 4;
}

static inline void enc_u64(struct enc *e, uint64_t v)
{
    memcpy(e->p, &v, 8);
    e->p += 8;
}

static inline struct x64_mem mem_at(unsigned base, int32_t disp)
{
    return (struct x64_mem){(uint8_t)base, NOREG, 0, disp};
}

static inline struct x64_mem mem_index(unsigned base, unsigned index, unsigned shift, int32_t disp)
{
    return (struct x64_mem){(uint8_t)base, (uint8_t)index, (uint8_t)shift, disp};
}

static inline bool fits8(int64_t v)
{
    return v == (int8_t)v;
}

static inline bool fits32(int64_t v)
{
    return v == (int32_t)v;
}

/* How a general-register instruction is sized. */
enum { W32 = 0, W64 = 1, W8 = 2, W16 = 3 };

/* op reg, rm and op reg, [mem] in the general form; for the byte size, registers are the low bytes
 * (spl..dil through REX). The caller's opcode already is the byte form where there is one. */
void enc_rr(struct enc *e, unsigned op, unsigned size, unsigned reg, unsigned rm);
void enc_rm(struct enc *e, unsigned op, unsigned size, unsigned reg, struct x64_mem m);

/* VEX: op reg, vvvv, rm. w is VEX.W, l 1 for 256 bits. vvvv is 0 where there is none. */
void enc_vex_rr(struct enc *e, unsigned op, unsigned w, unsigned l, unsigned reg, unsigned vvvv,
                unsigned rm);
void enc_vex_rm(struct enc *e, unsigned op, unsigned w, unsigned l, unsigned reg, unsigned vvvv,
                struct x64_mem m);

/* EVEX at 128 bits, no masking: op reg, vvvv, rm; registers below 16. imm8 bytes are the caller's.
 */
void enc_evex_rr(struct enc *e, unsigned op, unsigned w, unsigned reg, unsigned vvvv, unsigned rm);

/* An SSE operation with one source (sse1) or two of which the first is the destination (sse2): the
 * latter becomes op dst, a, b with AVX and needs dst = a without. */
void enc_sse1_rr(struct enc *e, unsigned op, unsigned dst, unsigned src);
void enc_sse1_rm(struct enc *e, unsigned op, unsigned dst, struct x64_mem m);
void enc_sse2_rr(struct enc *e, unsigned op, unsigned dst, unsigned a, unsigned b);
void enc_sse2_rm(struct enc *e, unsigned op, unsigned dst, unsigned a, struct x64_mem m);

void enc_sse_imm_rr(struct enc *e, unsigned op, unsigned dst, unsigned src, unsigned imm);
void enc_sse2_imm_rr(struct enc *e, unsigned op, unsigned dst, unsigned a, unsigned b,
                     unsigned imm);
/* The groups 71..73: shifts by an immediate; form 2 right, 3 right by bytes, 4 right signed, 6
 * left, 7 left by bytes. */
void enc_vshift_imm(struct enc *e, unsigned op, unsigned form, unsigned dst, unsigned src,
                    unsigned imm);
/* Moves between vector and general registers: w as in REX.W. */
void enc_sse_gpr_rr(struct enc *e, unsigned op, unsigned w, unsigned reg, unsigned rm);

/* Moves. */
void enc_mov(struct enc *e, unsigned size, unsigned dst, unsigned src);
void enc_load(struct enc *e, unsigned size, unsigned dst, struct x64_mem m);  /* 32 or 64 bits */
void enc_store(struct enc *e, unsigned size, unsigned src, struct x64_mem m); /* any size */
void enc_store_imm(struct enc *e, unsigned size, struct x64_mem m, int32_t imm);
void enc_mov_imm(struct enc *e, unsigned dst, uint64_t imm); /* keeps EFLAGS */
void enc_lea(struct enc *e, unsigned size, unsigned dst, struct x64_mem m);
void enc_lea_rip(struct enc *e, unsigned dst, const uint8_t *target); /* target: executable view */
size_t enc_lea_ahead(struct enc *e, unsigned dst); /* of something later: for enc_patch32 */

/* Two-operand arithmetic. */
void enc_alu(struct enc *e, enum x64_alu op, unsigned size, unsigned dst, unsigned src);
void enc_alu_load(struct enc *e, enum x64_alu op, unsigned size, unsigned dst, struct x64_mem m);
void enc_alu_imm(struct enc *e, enum x64_alu op, unsigned size, unsigned dst, int32_t imm);
void enc_alu_mem_imm(struct enc *e, enum x64_alu op, unsigned size, struct x64_mem m, int32_t imm);
void enc_test(struct enc *e, unsigned size, unsigned a, unsigned b);
void enc_test_imm(struct enc *e, unsigned size, unsigned a, uint32_t imm);
void enc_test_mem8(struct enc *e, struct x64_mem m, unsigned imm);
void enc_shift_imm(struct enc *e, enum x64_shift op, unsigned size, unsigned dst, unsigned count);
void enc_shift_cl(struct enc *e, enum x64_shift op, unsigned size, unsigned dst);
void enc_not(struct enc *e, unsigned size, unsigned dst);
void enc_neg(struct enc *e, unsigned size, unsigned dst);
void enc_bswap(struct enc *e, unsigned size, unsigned dst);
void enc_setcc(struct enc *e, enum x64_cc cc, unsigned dst); /* the low byte */
void enc_cmov(struct enc *e, enum x64_cc cc, unsigned size, unsigned dst, unsigned src);

/* Jumps. Forward jumps return where their displacement ends, for enc_patch8/32. */
void enc_jmp_to(struct enc *e, const uint8_t *target);
void enc_jcc_to(struct enc *e, enum x64_cc cc, const uint8_t *target);
void enc_call_to(struct enc *e, const uint8_t *target);
size_t enc_jmp32(struct enc *e);
size_t enc_jcc32(struct enc *e, enum x64_cc cc);
size_t enc_jmp8(struct enc *e);
size_t enc_jcc8(struct enc *e, enum x64_cc cc);
void enc_patch32(struct enc *e, size_t end, size_t target);
void enc_patch8(struct enc *e, size_t end); /* to here */

/* No operation of exactly n bytes (0..8). */
void enc_nop(struct enc *e, unsigned n);

/* Opcodes by mnemonic, for enc_rr and friends. */
enum {
    OP_MOVZX8 = 0x10b6,
    OP_MOVZX16 = 0x10b7,
    OP_MOVSX8 = 0x10be,
    OP_MOVSX16 = 0x10bf,
    OP_MOVSXD = 0x0063,
    OP_XCHG = 0x0087,
    OP_XCHG8 = 0x0086,
    OP_IMUL = 0x10af,
    OP_IMUL_IMM8 = 0x006b,
    OP_IMUL_IMM32 = 0x0069,
    OP_GROUP3 = 0x00f7,
    OP_GROUP3_8 = 0x00f6,
    OP_LZCNT = 0x12bd,
    OP_TZCNT = 0x12bc,
    OP_POPCNT = 0x12b8,
    OP_BSF = 0x10bc,
    OP_BSR = 0x10bd,
    OP_SHRD = 0x10ac,
    OP_SHLD = 0x10a4,
    OP_GROUP8 = 0x10ba,
    OP_BT = 0x10a3,
    OP_MOVBE_LOAD = 0x20f0,
    OP_MOVBE_STORE = 0x20f1,
    OP_CRC32_8 = 0x23f0,
    OP_CRC32 = 0x23f1,
    OP_XADD = 0x10c1,
    OP_XADD8 = 0x10c0,
    OP_CMPXCHG = 0x10b1,
    OP_CMPXCHG8 = 0x10b0,
    OP_ADCX = 0x21f6,
    OP_CMPXCHG16B = 0x10c7,
    /* VEX on general registers (BMI1, BMI2) */
    OP_ANDN = 0x20f2,
    OP_BZHI = 0x20f5,
    OP_SHLX = 0x21f7,
    OP_SARX = 0x22f7,
    OP_SHRX = 0x23f7,
    OP_RORX = 0x33f0,
    OP_MULX = 0x23f6,
    OP_PEXT = 0x22f5,
    OP_PDEP = 0x23f5,
    OP_BEXTR = 0x20f7,
    /* vectors: moves */
    OP_MOVDQU_LOAD = 0x126f,
    OP_MOVDQU_STORE = 0x127f,
    OP_MOVDQA_LOAD = 0x116f,
    OP_MOVDQA_STORE = 0x117f,
    OP_MOVD_LOAD = 0x116e,
    OP_MOVD_STORE = 0x117e,
    OP_MOVQ_LOAD = 0x127e,
    OP_MOVQ_STORE = 0x11d6,
    OP_MOVAPS = 0x1028,
    OP_MOVHLPS = 0x1012,
    OP_MOVLHPS = 0x1016,
    OP_MOVSS = 0x1210,
    OP_MOVSD = 0x1310,
    OP_MOVSS_STORE = 0x1211,
    OP_MOVSD_STORE = 0x1311,
    OP_MOVDDUP = 0x1312,
    OP_PEXTRB = 0x3114,
    OP_PEXTRW = 0x3115,
    OP_PEXTRD = 0x3116,
    OP_PINSRB = 0x3120,
    OP_PINSRW = 0x11c4,
    OP_PINSRD = 0x3122,
    OP_INSERTPS = 0x3121,
    OP_BROADCASTB = 0x2178,
    OP_BROADCASTW = 0x2179,
    OP_BROADCASTD = 0x2158,
    OP_BROADCASTQ = 0x2159,
    /* vectors: integer */
    OP_PAND = 0x11db,
    OP_PANDN = 0x11df,
    OP_POR = 0x11eb,
    OP_PXOR = 0x11ef,
    OP_PADDB = 0x11fc,
    OP_PADDW = 0x11fd,
    OP_PADDD = 0x11fe,
    OP_PADDQ = 0x11d4,
    OP_PSUBB = 0x11f8,
    OP_PSUBW = 0x11f9,
    OP_PSUBD = 0x11fa,
    OP_PSUBQ = 0x11fb,
    OP_PMULLW = 0x11d5,
    OP_PMULLD = 0x2140,
    OP_PMULUDQ = 0x11f4,
    OP_PMULDQ = 0x2128,
    OP_PMADDWD = 0x11f5,
    OP_PMADDUBSW = 0x2104,
    OP_PMULHRSW = 0x210b,
    OP_PMULHW = 0x11e5,
    OP_PMULHUW = 0x11e4,
    OP_PABSB = 0x211c,
    OP_PABSW = 0x211d,
    OP_PABSD = 0x211e,
    OP_PCMPEQB = 0x1174,
    OP_PCMPEQW = 0x1175,
    OP_PCMPEQD = 0x1176,
    OP_PCMPEQQ = 0x2129,
    OP_PCMPGTB = 0x1164,
    OP_PCMPGTW = 0x1165,
    OP_PCMPGTD = 0x1166,
    OP_PCMPGTQ = 0x2137,
    OP_PMAXSB = 0x213c,
    OP_PMAXSW = 0x11ee,
    OP_PMAXSD = 0x213d,
    OP_PMAXUB = 0x11de,
    OP_PMAXUW = 0x213e,
    OP_PMAXUD = 0x213f,
    OP_PMINSB = 0x2138,
    OP_PMINSW = 0x11ea,
    OP_PMINSD = 0x2139,
    OP_PMINUB = 0x11da,
    OP_PMINUW = 0x213a,
    OP_PMINUD = 0x213b,
    OP_PSLLW = 0x11f1,
    OP_PSLLD = 0x11f2,
    OP_PSLLQ = 0x11f3,
    OP_PSRLW = 0x11d1,
    OP_PSRLD = 0x11d2,
    OP_PSRLQ = 0x11d3,
    OP_PSRAW = 0x11e1,
    OP_PSRAD = 0x11e2,
    OP_PSHIFTW_IMM = 0x1171,
    OP_PSHIFTD_IMM = 0x1172,
    OP_PSHIFTQ_IMM = 0x1173,
    OP_PUNPCKLBW = 0x1160,
    OP_PUNPCKLWD = 0x1161,
    OP_PUNPCKLDQ = 0x1162,
    OP_PUNPCKLQDQ = 0x116c,
    OP_PUNPCKHBW = 0x1168,
    OP_PUNPCKHWD = 0x1169,
    OP_PUNPCKHDQ = 0x116a,
    OP_PUNPCKHQDQ = 0x116d,
    OP_PACKUSWB = 0x1167,
    OP_PACKSSWB = 0x1163,
    OP_PACKSSDW = 0x116b,
    OP_PACKUSDW = 0x212b,
    OP_PSHUFB = 0x2100,
    OP_PSHUFD = 0x1170,
    OP_PSHUFLW = 0x1370,
    OP_PSHUFHW = 0x1270,
    OP_SHUFPS = 0x10c6,
    OP_SHUFPD = 0x11c6,
    OP_PALIGNR = 0x310f,
    OP_PBLENDW = 0x310e,
    OP_PBLENDVB = 0x2110,
    OP_VPBLENDVB = 0x314c,
    OP_VPBLENDD = 0x3102,
    OP_PMOVSXBW = 0x2120,
    OP_PMOVSXWD = 0x2123,
    OP_PMOVSXDQ = 0x2125,
    OP_PMOVZXBW = 0x2130,
    OP_PMOVZXWD = 0x2133,
    OP_PMOVZXDQ = 0x2135,
    OP_PHADDW = 0x2101,
    OP_PHADDD = 0x2102,
    OP_PTEST = 0x2117,
    OP_PMOVMSKB = 0x11d7,
    OP_PADDUSB = 0x11dc,
    OP_PADDUSW = 0x11dd,
    OP_PADDSB = 0x11ec,
    OP_PADDSW = 0x11ed,
    OP_PSUBUSB = 0x11d8,
    OP_PSUBUSW = 0x11d9,
    OP_PSUBSB = 0x11e8,
    OP_PSUBSW = 0x11e9,
    OP_PAVGB = 0x11e0,
    OP_PAVGW = 0x11e3,
    OP_PSADBW = 0x11f6,
    OP_SLLVD = 0x2147,
    OP_SRLVD = 0x2145,
    OP_SRAVD = 0x2146, /* VEX; W1 for 64 bits */
    /* cryptography */
    OP_VEXTRACTI128 = 0x3139,
    OP_SLLVW = 0x2112, /* EVEX, W1, these three */
    OP_SRLVW = 0x2110,
    OP_SRAVW = 0x2111,
    OP_VPLZCNTD = 0x2144,  /* EVEX */
    OP_VPDPBUSD = 0x2150,  /* EVEX */
    OP_VPTERNLOG = 0x3125, /* EVEX */
    OP_VPROR_IMM = 0x1172, /* EVEX: the register field is 0, vvvv the destination */
    OP_AESENC = 0x21dc,
    OP_AESENCLAST = 0x21dd,
    OP_AESDEC = 0x21de,
    OP_AESDECLAST = 0x21df,
    OP_AESIMC = 0x21db,
    OP_PCLMULQDQ = 0x3144,
    OP_SHA256RNDS2 = 0x20cb,
    OP_SHA256MSG1 = 0x20cc,
    OP_SHA256MSG2 = 0x20cd,
    OP_SHA1RNDS4 = 0x30cc,
    OP_SHA1NEXTE = 0x20c8,
    OP_SHA1MSG1 = 0x20c9,
    OP_SHA1MSG2 = 0x20ca,
    OP_GF2P8AFFINEQB = 0x31ce,
    /* floating point: the prefix picks ps (0), pd (1), ss (2), sd (3) */
    OP_FADD = 0x1058,
    OP_FMUL = 0x1059,
    OP_FSUB = 0x105c,
    OP_FMIN = 0x105d,
    OP_FDIV = 0x105e,
    OP_FMAX = 0x105f,
    OP_FSQRT = 0x1051,
    OP_FCMP = 0x10c2,
    OP_FAND = 0x1054,
    OP_FANDN = 0x1055,
    OP_FOR = 0x1056,
    OP_FXOR = 0x1057,
    OP_UCOMISS = 0x102e,
    OP_UCOMISD = 0x112e,
    OP_COMISS = 0x102f,
    OP_COMISD = 0x112f,
    OP_CVTSS2SD = 0x125a,
    OP_CVTSD2SS = 0x135a,
    OP_CVTSI2SS = 0x122a,
    OP_CVTSI2SD = 0x132a,
    OP_CVTTSS2SI = 0x122c,
    OP_CVTTSD2SI = 0x132c,
    OP_CVTSS2SI = 0x122d,
    OP_CVTSD2SI = 0x132d,
    OP_CVTDQ2PS = 0x105b,
    OP_CVTTPS2DQ = 0x125b,
    OP_CVTPS2PD = 0x105a,
    OP_CVTPD2PS = 0x115a,
    OP_CVTDQ2PD = 0x12e6,
    OP_CVTTPD2DQ = 0x11e6,
    OP_ROUNDSS = 0x310a,
    OP_ROUNDSD = 0x310b,
    OP_ROUNDPS = 0x3108,
    OP_ROUNDPD = 0x3109,
    OP_FMADD213 = 0x21a8,
    OP_FMADD231 = 0x21b8,
    OP_FNMADD231 = 0x21bc,
    OP_FMSUB231 = 0x21ba,
    OP_FNMSUB231 = 0x21be,   /* packed; scalar is +1; W1 for double */
    OP_VCVTTPS2UDQ = 0x1078, /* EVEX, these six; W1 with doubles */
    OP_VCVTTPD2UQQ = 0x1178,
    OP_VCVTTPD2QQ = 0x117a,
    OP_VCVTUDQ2PS = 0x137a,
    OP_VCVTUQQ2PD = 0x127a,
    OP_VCVTQQ2PD = 0x12e6,
    OP_CVTPH2PS = 0x2113,
    OP_CVTPS2PH = 0x311d,
};

#endif
