/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code written once: into and out of translated code, and from it to C and back. Regions jump or
 * call here; enum thunk says with what in which registers.
 */
#include "engine/x64/emit.h"

#include <errno.h>

static uint64_t repeat(uint64_t value, unsigned bits)
{
    for (; bits < 64; bits *= 2)
        value |= value << bits;
    return value;
}

static void make_pool(struct x64 *x)
{
    const uint64_t pool[POOL_COUNT][2] = {
        [POOL_BYTES_70] = {repeat(0x70, 8), repeat(0x70, 8)},
        [POOL_BYTES_40] = {repeat(0x40, 8), repeat(0x40, 8)},
        [POOL_LOW_BYTES] = {repeat(0xff, 16), repeat(0xff, 16)},
        [POOL_LOW_WORDS] = {repeat(0xffff, 32), repeat(0xffff, 32)},
        [POOL_SIGN_BYTES] = {repeat(0x80, 8), repeat(0x80, 8)},
        [POOL_SIGN_WORDS] = {repeat(0x8000, 16), repeat(0x8000, 16)},
        [POOL_SIGN_DWORDS] = {repeat(0x80000000, 32), repeat(0x80000000, 32)},
        [POOL_SIGN_QWORDS] = {1ull << 63, 1ull << 63},
        [POOL_LOW_NIBBLES] = {repeat(0x0f, 8), repeat(0x0f, 8)},
        [POOL_NIBBLE_ONES] = {0x0302020102010100, 0x0403030203020201},
        [POOL_NIBBLE_REVERSE] = {0xe060a020c0408000, 0xf070b030d0509010},
        [POOL_NIBBLE_REVERSE_LOW] = {0x0e060a020c040800, 0x0f070b030d050901},
        [POOL_ABS_SINGLE] = {repeat(0x7fffffff, 32), repeat(0x7fffffff, 32)},
        [POOL_ABS_DOUBLE] = {~0ull >> 1, ~0ull >> 1},
        [POOL_LEAST_SINGLE] = {repeat(0x00800000, 32), repeat(0x00800000, 32)},
        [POOL_LEAST_DOUBLE] = {1ull << 52, 1ull << 52},
        [POOL_SHA1_K0] = {repeat(0x5a827999, 32), repeat(0x5a827999, 32)},
        [POOL_SHA1_K1] = {repeat(0x6ed9eba1, 32), repeat(0x6ed9eba1, 32)},
        [POOL_SHA1_K2] = {repeat(0x8f1bbcdc, 32), repeat(0x8f1bbcdc, 32)},
        [POOL_ABS_HALF] = {repeat(0x7fff, 16), repeat(0x7fff, 16)},
        [POOL_LEAST_HALF] = {repeat(0x0400, 16), repeat(0x0400, 16)},
        [POOL_INFINITY_HALF] = {repeat(0x7c00, 16), repeat(0x7c00, 16)},
        [POOL_HALF_LOST] = {repeat(0x1fff, 32), repeat(0x1fff, 32)},
        [POOL_HALF_TIE] = {repeat(0x1000, 32), repeat(0x1000, 32)},
        [POOL_HALF_TINY] = {repeat(0x387fffff, 32), repeat(0x387fffff, 32)},
        [POOL_MXCSR] = {0x1f80, 0},
        [POOL_REV_8_16] = {0x0607040502030001, 0x0e0f0c0d0a0b0809},
        [POOL_REV_8_32] = {0x0405060700010203, 0x0c0d0e0f08090a0b},
        [POOL_REV_8_64] = {0x0001020304050607, 0x08090a0b0c0d0e0f},
        [POOL_REV_16_32] = {0x0504070601000302, 0x0d0c0f0e09080b0a},
        [POOL_REV_16_64] = {0x0100030205040706, 0x09080b0a0d0c0f0e},
    };
    while ((uintptr_t)enc_here(&x->e) & 15)
        enc_u8(&x->e, 0xcc);
    x->pool = enc_here(&x->e);
    for (unsigned k = 0; k < POOL_COUNT; k++) {
        enc_u64(&x->e, pool[k][0]);
        enc_u64(&x->e, pool[k][1]);
    }
}

struct x64_mem cg_pool(const struct x64 *x, enum pool which)
{
    return mem_at(RIP, (int32_t)(x->pool + 16 * which - x->e.rx));
}

static const uint8_t callee_saved[] = {RBP, RBX, R12, R13, R14, R15};

/* Pinned registers that a C function may change. */
static bool volatile_pin(unsigned host)
{
    return host >= R8 && host <= R11;
}

static void save_pins(struct x64 *x, bool all)
{
    for (unsigned p = 0; p < PINS; p++)
        if (all || volatile_pin(x64_pins[p].host))
            enc_store(&x->e, W64, x64_pins[p].host, cpu_mem(x->layout.x0 + 8 * x64_pins[p].guest));
}

static void load_pins(struct x64 *x, bool all)
{
    for (unsigned p = 0; p < PINS; p++)
        if (all || volatile_pin(x64_pins[p].host))
            enc_load(&x->e, W64, x64_pins[p].host, cpu_mem(x->layout.x0 + 8 * x64_pins[p].guest));
}

static void load_tlb(struct x64 *x)
{
    enc_load(&x->e, W64, R15, cpu_mem(x->layout.tlb));
}

static void cpu_to(struct x64 *x, unsigned reg)
{
    enc_lea(&x->e, W64, reg, mem_at(RBP, -STATE_BIAS));
}

static void call_rax(struct x64 *x)
{
    enc_rr(&x->e, 0x00ff, W32, 2, RAX);
}

static void ret(struct x64 *x)
{
    enc_u8(&x->e, 0xc3);
}

static void add_rsp(struct x64 *x, int32_t n)
{
    enc_alu_imm(&x->e, ALU_ADD, W64, RSP, n);
}

static void mark(struct x64 *x, enum thunk thunk)
{
    while ((uintptr_t)enc_here(&x->e) & 15)
        enc_u8(&x->e, 0xcc);
    x->thunk[thunk] = enc_here(&x->e);
}

/*
 * Floating-point flags of running code gather in MXCSR, whose flags are clear whenever C code runs
 * that may look at FPSR. Denormal operands (DE) are nothing to Arm: IDC is for flushed ones.
 */
static void mxcsr(struct x64 *x, unsigned form, struct x64_mem m) /* 2 ldmxcsr, 3 stmxcsr */
{
    enc_rm(&x->e, 0x10ae, W32, form, m);
}

enum { MXCSR_FLAGS = 0x3f };

/* MXCSR's flags to FPSR: IE to IOC, ZE OE UE PE to DZC OFC UFC IXC, one place lower. */
static void collect_fpsr(struct x64 *x, int32_t frame, unsigned t, unsigned u)
{
    struct enc *e = &x->e;
    struct x64_mem word = frame_mem(frame + FRAME_LOCK);
    mxcsr(x, 3, word);
    enc_test_mem8(e, word, MXCSR_FLAGS);
    size_t clean = enc_jcc8(e, CC_E);
    enc_load(e, W32, t, word);
    enc_mov(e, W32, u, t);
    enc_alu_imm(e, ALU_AND, W32, t, 1);
    enc_shift_imm(e, SH_SHR, W32, u, 1);
    enc_alu_imm(e, ALU_AND, W32, u, 0x1e);
    enc_alu(e, ALU_OR, W32, t, u);
    struct x64_mem fpsr = cpu_mem(x->layout.fpenv + (int32_t)offsetof(struct ir_fpenv, fpsr));
    enc_rm(e, 0x0009, W32, t, fpsr); /* or [fpsr], t */
    mxcsr(x, 2, cg_pool(x, POOL_MXCSR));
    enc_patch8(e, clean);
}

/* Drops what C code has left in MXCSR's flags. */
static void forget_host_flags(struct x64 *x)
{
    mxcsr(x, 3, frame_mem(FRAME_LOCK));
    enc_test_mem8(&x->e, frame_mem(FRAME_LOCK), MXCSR_FLAGS);
    size_t clean = enc_jcc8(&x->e, CC_E);
    mxcsr(x, 2, cg_pool(x, POOL_MXCSR));
    enc_patch8(&x->e, clean);
}

static void make_enter(struct x64 *x)
{
    struct enc *e = &x->e;
    x->thunks.enter = (int (*)(void *, void *))(uintptr_t)enc_here(e);
    for (unsigned k = 0; k < sizeof(callee_saved); k++)
        enc_rr(e, 0x00ff, W32, 6, callee_saved[k]); /* push */
    enc_alu_imm(e, ALU_SUB, W64, RSP, FRAME_SIZE);
    enc_lea(e, W64, RBP, mem_at(RDI, STATE_BIAS));
    load_tlb(x);
    forget_host_flags(x);
    load_pins(x, true);
    enc_rr(e, 0x00ff, W32, 4, RSI); /* jmp rsi */
}

static void make_leave(struct x64 *x)
{
    struct enc *e = &x->e;
    mark(x, THUNK_LEAVE_AT);
    enc_store(e, W64, RAX, cpu_mem(x->layout.pc));
    x->thunk[THUNK_LEAVE] = enc_here(e);
    save_pins(x, true);
    x->thunk[THUNK_LEAVE_BARE] = enc_here(e);
    collect_fpsr(x, 0, RAX, RCX);
    add_rsp(x, FRAME_SIZE);
    for (unsigned k = sizeof(callee_saved); k-- > 0;)
        enc_rr(e, 0x008f, W32, 0, callee_saved[k]); /* pop */
    enc_alu(e, ALU_XOR, W32, RAX, RAX);
    ret(x);
}

/* Finds the translation for rax with one of the callbacks and goes there. */
static void make_lookup(struct x64 *x, enum thunk thunk, uintptr_t fn)
{
    struct enc *e = &x->e;
    mark(x, thunk);
    enc_store(e, W64, RAX, cpu_mem(x->layout.pc));
    save_pins(x, true);
    cpu_to(x, RDI);
    enc_mov(e, W64, RSI, RAX);
    enc_mov_imm(e, RAX, fn);
    call_rax(x);
    enc_test(e, W64, RAX, RAX);
    enc_jcc_to(e, CC_E, x->thunk[THUNK_LEAVE_BARE]);
    load_tlb(x);
    load_pins(x, true);
    enc_rr(e, 0x00ff, W32, 4, RAX); /* jmp rax */
}

/* After a call out of a called thunk: leaves if an exception was taken. Keeps rax. */
static void leave_if_raised(struct x64 *x, int32_t frame)
{
    struct enc *e = &x->e;
    enc_alu_mem_imm(e, ALU_CMP, W32, cpu_mem(x->layout.raised), 0);
    size_t go_on = enc_jcc8(e, CC_E);
    add_rsp(x, frame + 8);
    enc_jmp_to(e, x->thunk[THUNK_LEAVE_BARE]);
    enc_patch8(e, go_on);
}

/* The function that a table has at the offset in rax; r8 is free, its pin is saved. */
static void call_entry(struct x64 *x, const void *table)
{
    enc_mov_imm(&x->e, R8, (uintptr_t)table);
    enc_rm(&x->e, 0x00ff, W32, 2, mem_index(R8, RAX, 0, 0));
}

static void make_calls(struct x64 *x)
{
    struct enc *e = &x->e;
    const struct ir_helper *helpers = x->config.helpers;
    mark(x, THUNK_CALL);
    save_pins(x, false);
    add_rsp(x, -8);
    cpu_to(x, RDI);
    call_entry(x, helpers);
    add_rsp(x, 8);
    load_pins(x, false);
    ret(x);

    mark(x, THUNK_CALL_EXACT);
    save_pins(x, true);
    add_rsp(x, -8);
    collect_fpsr(x, 16, R8, R9);
    cpu_to(x, RDI);
    call_entry(x, helpers);
    add_rsp(x, 8);
    load_tlb(x);
    load_pins(x, true);
    ret(x);

    mark(x, THUNK_CALL_RAISE);
    enc_rr(e, OP_MOVSXD, W64, RDI, RDI);
    enc_alu_load(e, ALU_ADD, W64, RDI, cpu_mem(x->layout.pc_page));
    enc_store(e, W64, RDI, cpu_mem(x->layout.pc));
    save_pins(x, true);
    add_rsp(x, -8);
    collect_fpsr(x, 16, R8, R9);
    cpu_to(x, RDI);
    call_entry(x, helpers);
    leave_if_raised(x, 8);
    add_rsp(x, 8);
    load_tlb(x);
    load_pins(x, true);
    ret(x);

    mark(x, THUNK_EVAL);
    save_pins(x, false);
    add_rsp(x, -8);
    enc_lea(e, W64, RDI, cpu_mem(x->layout.scratch));
    enc_lea(e, W64, RCX, cpu_mem(x->layout.fpenv));
    call_entry(x, ir_eval_table);
    add_rsp(x, 8);
    load_pins(x, false);
    ret(x);
}

/* A function of struct ir_runtime: state must be exact, since it may take an exception; if it did
 * not, it has not changed registers. The TLB may have moved. */
static void make_slow(struct x64 *x, enum thunk thunk, uintptr_t fn)
{
    struct enc *e = &x->e;
    mark(x, thunk);
    save_pins(x, true);
    int32_t frame = 8;
    if (thunk == THUNK_STX) { /* the seventh argument stands in rax's upper half */
        frame = 24;
        add_rsp(x, -frame);
        enc_rr(e, OP_MOVZX16, W32, R8, RAX);
        enc_shift_imm(e, SH_SHR, W32, RAX, 16);
        enc_store(e, W64, RAX, mem_at(RSP, 0));
    } else {
        add_rsp(x, -frame);
        enc_mov(e, W32, R8, RAX);
    }
    enc_mov(e, W32, R9, RDI);
    cpu_to(x, RDI);
    enc_mov_imm(e, RAX, fn);
    call_rax(x);
    leave_if_raised(x, frame);
    add_rsp(x, frame);
    load_tlb(x);
    load_pins(x, false);
    ret(x);
}

static void make_indirect(struct x64 *x)
{
    mark(x, THUNK_INDIRECT);
    cg_indirect(x, x->thunk[THUNK_MISS], 0);
}

/* The target's page is not known, or guarded: then its pads say whether the branch may land. What
 * they do not say, the run-time system finds out. */
static void make_landing(struct x64 *x, unsigned landing)
{
    struct enc *e = &x->e;
    mark(x, THUNK_LAND + landing - 1);
    enc_test_imm(e, W8, RAX, 3);
    size_t odd = enc_jcc8(e, CC_NE);
    cg_itlb_entry(x);
    enc_mov(e, W64, RDX, RAX);
    enc_alu_imm(e, ALU_AND, W64, RDX, -(int32_t)IR_PAGE_SIZE);
    enc_alu_load(e, ALU_CMP, W64, RDX, mem_at(RCX, offsetof(struct ir_itlb_entry, tag)));
    size_t other = enc_jcc8(e, CC_NE);
    enc_load(e, W64, RSI, mem_at(RCX, offsetof(struct ir_itlb_entry, table)));
    enc_mov(e, W32, RDI, RAX);
    enc_alu_imm(e, ALU_AND, W32, RDI, IR_PAGE_SIZE - 1);
    enc_shift_imm(e, SH_SHR, W32, RDI, 2);
    enc_test_mem8(e, mem_index(RSI, RDI, 0, IR_PADS), 1u << landing);
    size_t unknown = enc_jcc8(e, CC_E);
    cg_enter_page(x);
    enc_patch8(e, odd);
    enc_patch8(e, other);
    enc_patch8(e, unknown);
    enc_store_imm(e, W8, cpu_mem(x->layout.landing), (int32_t)landing);
    enc_jmp_to(e, x->thunk[THUNK_MISS]);
}

int x64_make_thunks(struct x64 *x, size_t *used)
{
    const struct x64_config *config = &x->config;
    const struct ir_runtime *rt = config->runtime;
    if (config->room < 8192)
        return -ENOSPC;
    x->e = (struct enc){.p = config->rw,
                        .start = config->rw,
                        .end = config->rw + config->room,
                        .rx = config->rx,
                        .avx = config->host.level >= X64_V3};
    make_pool(x);
    make_enter(x);
    make_leave(x);
    make_lookup(x, THUNK_LINK, (uintptr_t)config->callbacks.link);
    make_lookup(x, THUNK_MISS, (uintptr_t)config->callbacks.lookup);
    x->thunks.miss = (void *)(uintptr_t)x->thunk[THUNK_MISS];
    make_indirect(x);
    for (unsigned landing = 1; landing <= 3; landing++)
        make_landing(x, landing);
    make_calls(x);
    make_slow(x, THUNK_LD, (uintptr_t)rt->ld);
    make_slow(x, THUNK_ST, (uintptr_t)rt->st);
    make_slow(x, THUNK_LD2, (uintptr_t)rt->ld2);
    make_slow(x, THUNK_ST2, (uintptr_t)rt->st2);
    make_slow(x, THUNK_LDV, (uintptr_t)rt->ldv);
    make_slow(x, THUNK_STV, (uintptr_t)rt->stv);
    make_slow(x, THUNK_PROBE, (uintptr_t)rt->probe);
    make_slow(x, THUNK_ZERO, (uintptr_t)rt->zero);
    make_slow(x, THUNK_FILL, (uintptr_t)rt->fill);
    make_slow(x, THUNK_ATOM, (uintptr_t)rt->atom);
    make_slow(x, THUNK_CAS, (uintptr_t)rt->cas);
    make_slow(x, THUNK_LDX, (uintptr_t)rt->ldx);
    make_slow(x, THUNK_STX, (uintptr_t)rt->stx);
    x64_make_seals(x);
    *used = (enc_at(&x->e) + 63) & ~(size_t)63;
    return 0;
}
