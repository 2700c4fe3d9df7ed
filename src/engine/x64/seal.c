/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing and opening pointers (struct ir_seal): what helpers do that say IR_HELPER_SEAL or _OPEN,
 * by AES-NI, as a subroutine that the helper's calls go to. Only pointers that something is wrong
 * with get to the helper itself.
 */
#include "engine/x64/emit.h"

enum { A = RSI, B = RDX, OFFSET = RCX, MASK = RDI, HASH = 0, KEY = 1 };

static struct x64_mem seal_mem(const struct x64 *x, size_t offset)
{
    return cpu_mem(x->layout.seal + (int32_t)offset);
}

/* rax = bit 55 of a, everywhere; MASK = the bits that hold the code. */
static void find_mask(struct x64 *x, unsigned key)
{
    struct enc *e = &x->e;
    struct x64_mem mask = seal_mem(x, offsetof(struct ir_seal, mask) + 16 * key + 8);
    enc_mov(e, W64, RAX, A);
    enc_shift_imm(e, SH_SHL, W64, RAX, 8);
    enc_shift_imm(e, SH_SAR, W64, RAX, 63);
    mask.index = RAX; /* 0 or -1 */
    mask.shift = 3;
    enc_load(e, W64, MASK, mask);
}

/* HASH = the code of the pointer in from, with bits outside the mask. */
static void hash(struct x64 *x, unsigned key, unsigned from)
{
    struct enc *e = &x->e;
    enc_sse1_rm(e, OP_MOVDQU_LOAD, KEY, seal_mem(x, offsetof(struct ir_seal, key) + 16 * key));
    enc_sse_gpr_rr(e, OP_MOVD_LOAD, 1, HASH, from);
    if (e->avx) {
        enc_vex_rr(e, OP_PINSRD, 1, 0, HASH, HASH, B);
    } else {
        enc_rr(e, OP_PINSRD, W64, HASH, B);
    }
    enc_u8(e, 1);
    enc_sse2_rr(e, OP_PXOR, HASH, HASH, KEY);
    enc_sse2_rr(e, OP_AESENC, HASH, HASH, KEY);
    enc_sse2_rr(e, OP_AESENC, HASH, HASH, KEY);
}

static void ret(struct x64 *x)
{
    enc_u8(&x->e, 0xc3);
}

/* rax = a ^ (code & mask), if the bits of the mask equal bit 55. */
static size_t seal(struct x64 *x, unsigned key)
{
    struct enc *e = &x->e;
    find_mask(x, key);
    enc_alu(e, ALU_XOR, W64, RAX, A);
    enc_test(e, W64, RAX, MASK);
    size_t wrong = enc_jcc8(e, CC_NE);
    hash(x, key, A);
    enc_sse_gpr_rr(e, OP_MOVD_STORE, 1, HASH, RAX);
    enc_alu(e, ALU_AND, W64, RAX, MASK);
    enc_alu(e, ALU_XOR, W64, RAX, A);
    ret(x);
    return wrong;
}

/* rax = plain(a), if a is that with the right code. */
static size_t open(struct x64 *x, unsigned key)
{
    struct enc *e = &x->e;
    find_mask(x, key);
    enc_alu(e, ALU_XOR, W64, RAX, A);
    enc_alu(e, ALU_AND, W64, RAX, MASK);
    enc_alu(e, ALU_XOR, W64, RAX, A);
    hash(x, key, RAX);
    enc_sse_gpr_rr(e, OP_MOVD_LOAD, 1, KEY, MASK);
    enc_sse2_rr(e, OP_PAND, HASH, HASH, KEY);
    enc_sse_gpr_rr(e, OP_MOVD_STORE, 1, HASH, MASK);
    enc_alu(e, ALU_XOR, W64, MASK, A);
    enc_alu(e, ALU_CMP, W64, MASK, RAX);
    size_t wrong = enc_jcc8(e, CC_NE);
    ret(x);
    return wrong;
}

bool cg_is_quick(const struct x64 *x, unsigned helper)
{
    return helper < MAX_QUICK && x->quick[helper];
}

void x64_make_seals(struct x64 *x)
{
    const struct x64_config *config = &x->config;
    for (unsigned h = 0; h < config->nhelpers && h < MAX_QUICK; h++) {
        unsigned flags = config->helpers[h].flags, key = IR_HELPER_KEY(flags);
        x->quick[h] = NULL;
        if (!(flags & (IR_HELPER_SEAL | IR_HELPER_OPEN)) || !config->host.aes || !x->layout.seal)
            continue;
        while ((uintptr_t)enc_here(&x->e) & 15)
            enc_u8(&x->e, 0xcc);
        x->quick[h] = enc_here(&x->e);
        enc_patch8(&x->e, flags & IR_HELPER_SEAL ? seal(x, key) : open(x, key));
        enc_mov(&x->e, W32, RDI, OFFSET);
        enc_mov_imm(&x->e, RAX, h * sizeof(struct ir_helper) + offsetof(struct ir_helper, fn));
        enc_jmp_to(&x->e, x->thunk[flags & IR_HELPER_RAISES ? THUNK_CALL_RAISE : THUNK_CALL]);
    }
}
