/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder against capstone: what is written disassembles to what was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <capstone/capstone.h>

#include "engine/x64/enc.h"

static const char *const names[4][16] = {
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
     "r13d", "r14d", "r15d"},
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
     "r14", "r15"},
    {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
     "r13b", "r14b", "r15b"},
    {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w",
     "r14w", "r15w"},
};

static csh handle;

static int open_capstone(void **state)
{
    return cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK ? 0 : -1;
}

static int close_capstone(void **state)
{
    cs_close(&handle);
    return 0;
}

static struct enc begin(uint8_t *buf, size_t size, bool avx)
{
    return (struct enc){.p = buf, .start = buf, .end = buf + size, .rx = buf, .avx = avx};
}

/* One instruction of exactly this text must stand in the buffer. */
static void expect(const struct enc *e, const char *text)
{
    cs_insn *insn;
    char got[256] = "(nothing)";
    size_t n = cs_disasm(handle, e->start, enc_at(e), 0x1000, 1, &insn);
    if (n) {
        snprintf(got, sizeof(got), "%s%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "",
                 insn->op_str, insn->size == enc_at(e) ? "" : " (and more)");
        cs_free(insn, n);
    }
    assert_string_equal(got, text);
}

static void two_operand_forms_take_all_registers_and_sizes(void **state)
{
    static const char *const ops[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
    uint8_t buf[32];
    char text[64];
    for (unsigned op = 0; op < 8; op++)
        for (unsigned size = W32; size <= W16; size++)
            for (unsigned a = 0; a < 16; a++)
                for (unsigned b = 0; b < 16; b++) {
                    struct enc e = begin(buf, sizeof(buf), false);
                    enc_alu(&e, op, size, a, b);
                    snprintf(text, sizeof(text), "%s %s, %s", ops[op], names[size][a],
                             names[size][b]);
                    expect(&e, text);
                }
}

static void memory_operands_take_all_bases_indices_and_displacements(void **state)
{
    static const int32_t disps[] = {0, 1, -1, 127, -128, 128, 0x12345678};
    uint8_t buf[32];
    char text[96], disp[24];
    for (unsigned base = 0; base < 16; base++)
        for (unsigned index = 0; index <= 16; index++)
            for (unsigned k = 0; k < sizeof(disps) / sizeof(disps[0]); k++) {
                if (index == RSP)
                    continue;
                struct enc e = begin(buf, sizeof(buf), false);
                enc_load(
                    &e, W64, R9,
                    mem_index(base, index == 16 ? NOREG : index, index == 16 ? 0 : 3, disps[k]));
                int32_t d = disps[k];
                unsigned magnitude = d < 0 ? -(unsigned)d : (unsigned)d;
                snprintf(disp, sizeof(disp), magnitude > 9 ? " %c 0x%x" : " %c %u",
                         d < 0 ? '-' : '+', magnitude);
                snprintf(text, sizeof(text), "mov r9, qword ptr [%s%s%s%s]", names[W64][base],
                         index == 16 ? "" : " + ", index == 16 ? "" : names[W64][index],
                         index == 16 ? "" : "*8");
                if (d)
                    snprintf(text + strlen(text) - 1, sizeof(text) - strlen(text), "%s]", disp);
                expect(&e, text);
            }
}

static void byte_registers_are_the_low_ones(void **state)
{
    uint8_t buf[32];
    char text[64];
    for (unsigned r = 0; r < 16; r++) {
        struct enc e = begin(buf, sizeof(buf), false);
        enc_setcc(&e, CC_LE, r);
        snprintf(text, sizeof(text), "setle %s", names[W8][r]);
        expect(&e, text);
        e = begin(buf, sizeof(buf), false);
        enc_rr(&e, OP_MOVZX8, W32, RCX, r);
        snprintf(text, sizeof(text), "movzx ecx, %s", names[W8][r]);
        expect(&e, text);
        e = begin(buf, sizeof(buf), false);
        enc_store(&e, W8, r, mem_at(RBP, 4));
        snprintf(text, sizeof(text), "mov byte ptr [rbp + 4], %s", names[W8][r]);
        expect(&e, text);
    }
}

static void constants_take_the_shortest_move(void **state)
{
    static const struct {
        uint64_t imm;
        size_t size;
        const char *text;
    } rows[] = {
        {0, 6, "mov r10d, 0"},
        {0xffffffff, 6, "mov r10d, 0xffffffff"},
        {0xffffffffffffffff, 7, "mov r10, -1"},
        {0xffffffff80000000, 7, "mov r10, -0x80000000"},
        {0x123456789a, 10, "movabs r10, 0x123456789a"},
    };
    uint8_t buf[32];
    for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct enc e = begin(buf, sizeof(buf), false);
        enc_mov_imm(&e, R10, rows[k].imm);
        expect(&e, rows[k].text);
        assert_int_equal(enc_at(&e), rows[k].size);
    }
}

static void jumps_reach_their_targets(void **state)
{
    uint8_t buf[64];
    struct enc e = begin(buf, sizeof(buf), false);
    e.rx = (const uint8_t *)0x1000; /* where capstone believes it to be */
    enc_jcc_to(&e, CC_A, (const uint8_t *)0x1234);
    expect(&e, "ja 0x1234");
    e.p = e.start;
    enc_call_to(&e, (const uint8_t *)0x800);
    expect(&e, "call 0x800");
    e.p = e.start;
    enc_patch32(&e, enc_jmp32(&e), 0x20);
    expect(&e, "jmp 0x1020");
    e.p = e.start;
    enc_lea_rip(&e, R8, (const uint8_t *)0x1107);
    expect(&e, "lea r8, [rip + 0x100]");
    for (unsigned n = 1; n <= 8; n++) {
        e.p = e.start;
        enc_nop(&e, n);
        assert_int_equal(enc_at(&e), n);
    }
}

/* Every row writes one instruction. */
struct row {
    const char *text;
    void (*write)(struct enc *e);
};

#define ROW(name, call)                                                                            \
    static void name(struct enc *e)                                                                \
    {                                                                                              \
        call;                                                                                      \
    }
ROW(w_rorx, (enc_vex_rr(e, OP_RORX, 1, 0, RSI, 0, R9), enc_u8(e, 7)))
ROW(w_andn, enc_vex_rr(e, OP_ANDN, 1, 0, RAX, R8, R15))
ROW(w_shlx, enc_vex_rm(e, OP_SHLX, 0, 0, RDX, RCX, mem_at(RBP, -8)))
ROW(w_lzcnt, enc_rr(e, OP_LZCNT, W64, R11, RBX))
ROW(w_bsr, enc_rr(e, OP_BSR, W32, RAX, R12))
ROW(w_movbe, enc_rm(e, OP_MOVBE_LOAD, W64, R8, mem_index(RSI, R9, 0, 16)))
ROW(w_crc8, enc_rr(e, OP_CRC32_8, W32, RAX, RSI))
ROW(w_crc64, enc_rr(e, OP_CRC32, W64, RAX, R9))
ROW(w_cmpxchg, (enc_u8(e, 0xf0), enc_rm(e, OP_CMPXCHG, W64, RDI, mem_index(RSI, R9, 0, 0))))
ROW(w_cmpxchg8, (enc_u8(e, 0xf0), enc_rm(e, OP_CMPXCHG8, W8, RDI, mem_at(R13, 0))))
ROW(w_xadd, (enc_u8(e, 0xf0), enc_rm(e, OP_XADD, W16, RAX, mem_at(R12, 0))))
ROW(w_xchg, enc_rm(e, OP_XCHG, W32, R10, mem_at(RSP, 8)))
ROW(w_shrd, (enc_rr(e, OP_SHRD, W64, RDI, R8), enc_u8(e, 9)))
ROW(w_imul, (enc_rr(e, OP_IMUL_IMM32, W64, R8, R9), enc_u32(e, 1000)))
ROW(w_bt, (enc_rr(e, OP_GROUP8, W64, 4, R14), enc_u8(e, 40)))
ROW(w_mul, enc_rm(e, OP_GROUP3, W64, 4, mem_at(RBP, 64)))
ROW(w_ror8, enc_shift_imm(e, SH_SHL, W8, RAX, 7))
ROW(w_test, enc_test_imm(e, W32, RSI, 0x40))
ROW(w_bswap, enc_bswap(e, W64, R13))
ROW(w_storeimm, enc_store_imm(e, W16, mem_at(RAX, 2), 0x1234))
ROW(w_vpadd, enc_sse2_rr(e, OP_PADDD, 1, 9, 14))
ROW(w_vpshufb, enc_sse2_rm(e, OP_PSHUFB, 8, 3, mem_at(RBP, 16)))
ROW(w_vpshift, enc_vshift_imm(e, OP_PSHIFTQ_IMM, 2, 12, 5, 33))
ROW(w_vmovq, enc_sse_gpr_rr(e, OP_MOVD_LOAD, 1, 10, R11))
ROW(w_vpextr, (enc_sse_gpr_rr(e, OP_PEXTRD, 1, 10, RSI), enc_u8(e, 1)))
ROW(w_vblend, (enc_vex_rr(e, OP_VPBLENDVB, 0, 0, 1, 2, 3), enc_u8(e, 4 << 4)))
ROW(w_vfma, enc_vex_rr(e, OP_FMADD231 + 1, 1, 0, 7, 8, 9))
ROW(w_vaddsd, enc_sse2_rr(e, OP_FADD | 0x300, 0, 1, 2))
ROW(w_vcvt, enc_vex_rr(e, OP_CVTSI2SD, 1, 0, 3, 3, R9))
ROW(w_vaes, enc_sse2_rr(e, OP_AESENC, 4, 5, 6))
ROW(w_vinsertps, enc_sse2_imm_rr(e, OP_INSERTPS, 1, 2, 3, 0x0e))
ROW(w_vcvtph2ps, enc_vex_rr(e, OP_CVTPH2PS, 0, 1, 9, 0, 2))
ROW(w_vcvtps2ph, (enc_vex_rr(e, OP_CVTPS2PH, 0, 1, 9, 0, 2), enc_u8(e, 0)))
ROW(w_vextract, (enc_vex_rr(e, OP_VEXTRACTI128, 0, 1, 9, 0, 2), enc_u8(e, 1)))
ROW(w_vbroadcast, enc_vex_rm(e, OP_BROADCASTD, 0, 1, 9, 0, mem_at(RBP, 4)))
ROW(w_sha256, enc_rr(e, OP_SHA256RNDS2, W32, 9, 14))
ROW(w_sha1, (enc_rr(e, OP_SHA1RNDS4, W32, 9, 14), enc_u8(e, 2)))
ROW(w_pmulhrsw, enc_sse2_rr(e, OP_PMULHRSW, 1, 9, 14))

static void vex_and_general_forms_read_as_meant(void **state)
{
    static const struct row rows[] = {
        {"rorx rsi, r9, 7", w_rorx},
        {"andn rax, r8, r15", w_andn},
        {"shlx edx, dword ptr [rbp - 8], ecx", w_shlx},
        {"lzcnt r11, rbx", w_lzcnt},
        {"bsr eax, r12d", w_bsr},
        {"movbe r8, qword ptr [rsi + r9 + 0x10]", w_movbe},
        {"crc32 eax, sil", w_crc8},
        {"crc32 rax, r9", w_crc64},
        {"lock cmpxchg qword ptr [rsi + r9], rdi", w_cmpxchg},
        {"lock cmpxchg byte ptr [r13], dil", w_cmpxchg8},
        {"lock xadd word ptr [r12], ax", w_xadd},
        {"xchg dword ptr [rsp + 8], r10d", w_xchg},
        {"shrd r8, rdi, 9", w_shrd},
        {"imul r8, r9, 0x3e8", w_imul},
        {"bt r14, 0x28", w_bt},
        {"mul qword ptr [rbp + 0x40]", w_mul},
        {"shl al, 7", w_ror8},
        {"test sil, 0x40", w_test},
        {"bswap r13", w_bswap},
        {"mov word ptr [rax + 2], 0x1234", w_storeimm},
        {"vpaddd xmm1, xmm9, xmm14", w_vpadd},
        {"vpshufb xmm8, xmm3, xmmword ptr [rbp + 0x10]", w_vpshufb},
        {"vpsrlq xmm12, xmm5, 0x21", w_vpshift},
        {"vmovq xmm10, r11", w_vmovq},
        {"vpextrq rsi, xmm10, 1", w_vpextr},
        {"vpblendvb xmm1, xmm2, xmm3, xmm4", w_vblend},
        {"vfmadd231sd xmm7, xmm8, xmm9", w_vfma},
        {"vaddsd xmm0, xmm1, xmm2", w_vaddsd},
        {"vcvtsi2sd xmm3, xmm3, r9", w_vcvt},
        {"vaesenc xmm4, xmm5, xmm6", w_vaes},
        {"vinsertps xmm1, xmm2, xmm3, 0xe", w_vinsertps},
        {"vcvtph2ps ymm9, xmm2", w_vcvtph2ps},
        {"vcvtps2ph xmm2, ymm9, 0", w_vcvtps2ph},
        {"vextracti128 xmm2, ymm9, 1", w_vextract},
        {"vpbroadcastd ymm9, dword ptr [rbp + 4]", w_vbroadcast},
        {"sha256rnds2 xmm9, xmm14", w_sha256},
        {"sha1rnds4 xmm9, xmm14, 2", w_sha1},
        {"vpmulhrsw xmm1, xmm9, xmm14", w_pmulhrsw},
    };
    uint8_t buf[32];
    for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct enc e = begin(buf, sizeof(buf), true);
        rows[k].write(&e);
        expect(&e, rows[k].text);
    }
}

/* Capstone knows few EVEX forms: bytes as another disassembler reads them. */
static void evex_forms_have_their_bytes(void **state)
{
    static const struct {
        const char *text;
        unsigned op, w, reg, vvvv, rm;
        uint8_t bytes[6];
    } rows[] = {
        {"vpternlogq xmm9, xmm2, xmm14",
         OP_VPTERNLOG,
         1,
         9,
         2,
         14,
         {0x62, 0x53, 0xed, 8, 0x25, 0xce}},
        {"vprorq xmm12, xmm5", OP_VPROR_IMM, 1, 0, 12, 5, {0x62, 0xf1, 0x9d, 8, 0x72, 0xc5}},
        {"vpdpbusd xmm3, xmm10, xmm15",
         OP_VPDPBUSD,
         0,
         3,
         10,
         15,
         {0x62, 0xd2, 0x2d, 8, 0x50, 0xdf}},
        {"vplzcntd xmm8, xmm1", OP_VPLZCNTD, 0, 8, 0, 1, {0x62, 0x72, 0x7d, 8, 0x44, 0xc1}},
        {"vcvttps2udq xmm1, xmm9", OP_VCVTTPS2UDQ, 0, 1, 0, 9, {0x62, 0xd1, 0x7c, 8, 0x78, 0xc9}},
        {"vcvttpd2uqq xmm1, xmm9", OP_VCVTTPD2UQQ, 1, 1, 0, 9, {0x62, 0xd1, 0xfd, 8, 0x78, 0xc9}},
        {"vcvttpd2qq xmm1, xmm9", OP_VCVTTPD2QQ, 1, 1, 0, 9, {0x62, 0xd1, 0xfd, 8, 0x7a, 0xc9}},
        {"vcvtudq2ps xmm1, xmm9", OP_VCVTUDQ2PS, 0, 1, 0, 9, {0x62, 0xd1, 0x7f, 8, 0x7a, 0xc9}},
        {"vcvtuqq2pd xmm1, xmm9", OP_VCVTUQQ2PD, 1, 1, 0, 9, {0x62, 0xd1, 0xfe, 8, 0x7a, 0xc9}},
        {"vcvtqq2pd xmm1, xmm9", OP_VCVTQQ2PD, 1, 1, 0, 9, {0x62, 0xd1, 0xfe, 8, 0xe6, 0xc9}},
    };
    uint8_t buf[32];
    for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct enc e = begin(buf, sizeof(buf), true);
        enc_evex_rr(&e, rows[k].op, rows[k].w, rows[k].reg, rows[k].vvvv, rows[k].rm);
        if (enc_at(&e) != 6 || memcmp(buf, rows[k].bytes, 6) != 0)
            fail_msg("%s has other bytes", rows[k].text);
    }
}

static void sse_forms_read_as_meant(void **state)
{
    uint8_t buf[32];
    struct enc e = begin(buf, sizeof(buf), false);
    enc_sse2_rr(&e, OP_PMULLD, 9, 9, 14);
    expect(&e, "pmulld xmm9, xmm14");
    e.p = e.start;
    enc_sse_gpr_rr(&e, OP_MOVD_STORE, 1, 8, R11);
    expect(&e, "movq r11, xmm8");
    e.p = e.start;
    enc_sse1_rm(&e, OP_MOVDQU_STORE, 12, mem_index(RSI, R9, 0, 3));
    expect(&e, "movdqu xmmword ptr [rsi + r9 + 3], xmm12");
    e.p = e.start;
    enc_rr(&e, OP_CVTTSD2SI, W64, R9, 3);
    expect(&e, "cvttsd2si r9, xmm3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_operand_forms_take_all_registers_and_sizes),
        cmocka_unit_test(memory_operands_take_all_bases_indices_and_displacements),
        cmocka_unit_test(byte_registers_are_the_low_ones),
        cmocka_unit_test(constants_take_the_shortest_move),
        cmocka_unit_test(jumps_reach_their_targets),
        cmocka_unit_test(vex_and_general_forms_read_as_meant),
        cmocka_unit_test(evex_forms_have_their_bytes),
        cmocka_unit_test(sse_forms_read_as_meant),
    };
    return cmocka_run_group_tests(tests, open_capstone, close_capstone);
}
