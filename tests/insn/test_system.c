/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that the oracle cannot judge: system registers, PSTATE, exceptions and their
 * syndromes, at EL0 and EL1. One row each: text, word, where it runs, state before, state after.
 * Register names in IN and OUT are those of struct regs; what OUT does not name is not looked at,
 * but an exception that it does not name is a failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm/cpu.h"
#include "arm/exception.h"
#include "arm/hooks.h"
#include "arm/pstate.h"
#include "base/bits.h"
#include "engine/front/front.h"
#include "engine/ir/ir.h"

enum { PC = 0x40001000, VBAR = 0x80000 };

/* Where a row runs: mode bits as an engine would compute them, and the control bits behind them. */
enum { EL0, EL0_ALL, EL1, EL1T, EL1_MISALIGNED, EL0_NOFP, EL1_BARE /* no feature at all */ };

struct regs {
    uint64_t x0, x1, x2, nzcv, daif, sp, sp_el0, tpidr, tpidrro, fpcr;
    uint64_t leaves;  /* 1: the region ends after it because the state has changed */
    uint64_t ec, iss; /* exception taken: class plus 1 (0: none), syndrome */
    uint64_t ret;     /* its return address, relative to the instruction */
    uint64_t pan, uao, dit, ssbs, event, monitor;
};

struct row {
    const char *text;
    uint32_t insn;
    unsigned where;
    struct regs in, out;
};

#define IN(...)                                                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define OUT(...)                                                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define T(text, word, where, in, out)                                                              \
    {                                                                                              \
        text, word, where, in, out                                                                 \
    }
#define TRAP(c, i) .ec = (c) + 1, .iss = (i)
#define UNDEF      .ec = 1
/* ISS of a trapped system instruction. */
#define SYS(op0, op1, crn, crm, op2, rt, dir)                                                      \
    ((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (rt) << 5 | (crm) << 1 | (dir))

/* clang-format off */
static const struct row rows[] = {
    T("add x0, x1, x2", 0x8b020020, EL0, IN(.x1 = 1, .x2 = 2), OUT(.x0 = 3)),
    T("subs w0, w1, w2", 0x6b020020, EL0, IN(.x1 = 1ull << 32, .x2 = 1),
      OUT(.x0 = 0xffffffff, .nzcv = 8)),
    T("mrs x0, CurrentEL", 0xd5384240, EL1, IN(), OUT(.x0 = 4)),
    T("mrs x0, CurrentEL at EL0", 0xd5384240, EL0_ALL, IN(), OUT(UNDEF)),
    T("mrs x0, SPSel", 0xd5384200, EL1, IN(), OUT(.x0 = 1)),
    T("mrs x0, SPSel at EL1t", 0xd5384200, EL1T, IN(), OUT(.x0 = 0)),
    T("mrs x0, DAIF", 0xd53b4220, EL1, IN(.daif = 0xa), OUT(.x0 = 0x280)),
    T("mrs x0, DAIF at EL0", 0xd53b4220, EL0, IN(.daif = 0xa),
      OUT(TRAP(ARM_EC_SYSREG, SYS(3, 3, 4, 2, 1, 0, 1)))),
    T("mrs x0, DAIF at EL0 with UMA", 0xd53b4220, EL0_ALL, IN(.daif = 2), OUT(.x0 = 0x80)),
    T("msr DAIF, x1", 0xd51b4221, EL1, IN(.x1 = 0x1c0, .daif = 0xf), OUT(.daif = 7)),
    T("msr DAIF, x1, D stays", 0xd51b4221, EL1, IN(.x1 = 0x200, .daif = 0xf), OUT(.daif = 8)),
    T("msr DAIFSet, 3", 0xd50343df, EL1, IN(.daif = 8), OUT(.daif = 0xb)),
    T("msr DAIFClr, 2", 0xd50342ff, EL1, IN(.daif = 0xf), OUT(.daif = 0xd)),
    T("msr DAIFSet, 2 at EL0", 0xd50342df, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(0, 3, 4, 2, 6, 31, 0)))),
    T("msr SPSel, 0", 0xd50040bf, EL1, IN(.sp = 0x1000, .sp_el0 = 0x2000),
      OUT(.sp = 0x2000, .leaves = 1)),
    T("msr SPSel, 0 at EL0", 0xd50040bf, EL0_ALL, IN(), OUT(UNDEF)),
    T("mrs x0, SP_EL0", 0xd5384100, EL1, IN(.sp_el0 = 0x77), OUT(.x0 = 0x77)),
    T("mrs x0, SP_EL0 at EL1t", 0xd5384100, EL1T, IN(), OUT(UNDEF)),
    T("msr SP_EL0, x1", 0xd5184101, EL1, IN(.x1 = 0x99), OUT(.sp_el0 = 0x99)),
    T("mrs x0, TPIDR_EL0", 0xd53bd040, EL0, IN(.tpidr = 0x55), OUT(.x0 = 0x55)),
    T("msr TPIDR_EL0, x1", 0xd51bd041, EL0, IN(.x1 = 0x66), OUT(.tpidr = 0x66)),
    T("msr TPIDRRO_EL0, x1 at EL0", 0xd51bd061, EL0_ALL, IN(), OUT(UNDEF)),
    T("msr TPIDRRO_EL0, x1", 0xd51bd061, EL1, IN(.x1 = 0x67), OUT(.tpidrro = 0x67)),
    T("mrs x0, TTBR0_EL1 at EL0", 0xd5382000, EL0_ALL, IN(), OUT(UNDEF)),
    T("mrs x0, CTR_EL0 at EL0 without UCT", 0xd53b0020, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(3, 3, 0, 0, 1, 0, 1)))),
    T("mrs x0, DCZID_EL0", 0xd53b00e0, EL1, IN(), OUT(.x0 = 4)),
    T("mrs x0, FPCR", 0xd53b4400, EL1, IN(.fpcr = 0x400000), OUT(.x0 = 0x400000)),
    T("mrs x0, FPCR, trapped", 0xd53b4400, EL0_NOFP, IN(), OUT(TRAP(ARM_EC_FP, 0x1e00000))),
    T("msr FPCR, x1", 0xd51b4401, EL1, IN(.x1 = 0x1000000), OUT(.fpcr = 0x1000000, .leaves = 1)),
    T("fadd d0, d1, d2, trapped", 0x1e622820, EL0_NOFP, IN(), OUT(TRAP(ARM_EC_FP, 0x1e00000))),
    T("svc 0x1234", 0xd4024681, EL0, IN(), OUT(TRAP(ARM_EC_SVC64, 0x1234), .ret = 4)),
    T("svc 0x1234 at EL1", 0xd4024681, EL1, IN(), OUT(TRAP(ARM_EC_SVC64, 0x1234), .ret = 4)),
    T("brk 0xabc", 0xd4215780, EL0, IN(), OUT(TRAP(ARM_EC_BRK64, 0xabc))),
    T("hlt 1", 0xd4400020, EL1, IN(), OUT(UNDEF)),
    T("hvc 0 at EL0", 0xd4000002, EL0_ALL, IN(), OUT(UNDEF)),
    T("smc 0 at EL0", 0xd4000003, EL0_ALL, IN(), OUT(UNDEF)),
    T("eret at EL0", 0xd69f03e0, EL0_ALL, IN(), OUT(UNDEF)),
    T("udf 5", 0x00000005, EL1, IN(), OUT(UNDEF)),
    T("dcps1 0", 0xd4a00001, EL1, IN(), OUT(UNDEF)),
    T("wfi at EL0", 0xd503207f, EL0, IN(), OUT(TRAP(ARM_EC_WFX, 0x1e00000))),
    T("wfe at EL0", 0xd503205f, EL0, IN(), OUT(TRAP(ARM_EC_WFX, 0x1e00001))),
    T("ldr x0, [sp], misaligned", 0xf94003e0, EL1_MISALIGNED, IN(.sp = 0x1008),
      OUT(TRAP(ARM_EC_SP_ALIGN, 0))),
    T("dc zva, x1 at EL0", 0xd50b7421, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(1, 3, 7, 4, 1, 1, 0)))),
    T("dc cvac, x1 at EL0", 0xd50b7a21, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(1, 3, 7, 10, 1, 1, 0)))),
    T("ic ivau, x1 at EL0", 0xd50b7521, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(1, 3, 7, 5, 1, 1, 0)))),
    T("at s1e1r, x1 at EL0", 0xd5087801, EL0_ALL, IN(), OUT(UNDEF)),
    T("tlbi vmalle1 at EL0", 0xd508871f, EL0_ALL, IN(), OUT(UNDEF)),
    T("sys 3, c15, c2, 0, x1", 0xd50bf201, EL1, IN(), OUT(UNDEF)),
    T("sysl x0, 3, c15, c2, 0", 0xd52bf200, EL1, IN(), OUT(UNDEF)),
    T("mrs x0, s3_3_c15_c2_0", 0xd53bf200, EL1, IN(), OUT(UNDEF)),
    T("paciasp", 0xd503233f, EL0, IN(.x0 = 9), OUT(.x0 = 9)),
    T("bti c", 0xd503245f, EL0, IN(.x0 = 9), OUT(.x0 = 9)),
    T("msr PAN, 1", 0xd500419f, EL1, IN(), OUT(.pan = 1, .leaves = 1)),
    T("msr UAO, 1", 0xd500417f, EL1, IN(), OUT(.uao = 1, .leaves = 1)),
    T("msr DIT, 1", 0xd503415f, EL0, IN(), OUT(.dit = 1)),
    T("msr SSBS, 1", 0xd503413f, EL0, IN(), OUT(.ssbs = 1)),
    T("mrs x0, CNTVCT_EL0 at EL0 without EL0VCTEN", 0xd53be040, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(3, 3, 14, 0, 2, 0, 1)))),
    T("mrs x0, PMSCR_EL1", 0xd5389900, EL1, IN(), OUT(UNDEF)),
    T("clrex", 0xd5033f5f, EL0, IN(.monitor = 0x40), OUT(.monitor = ARM_MONITOR_OPEN)),
    T("sevl", 0xd50320bf, EL0, IN(), OUT(.event = 1)),
    T("ldraa x0, [x1] without PAuth", 0xf8200420, EL1_BARE, IN(), OUT(UNDEF)),
    T("irg x0, x1", 0x9adf1020, EL1, IN(), OUT(UNDEF)),
    T("ldlar x0, [x1]", 0xc8df7c20, EL1, IN(), OUT(UNDEF)),
    T("and x0, x1, reserved bitmask", 0x92407c20 | 0x3f << 10, EL0, IN(), OUT(UNDEF)),
    T("movz w0, 1, lsl 32", 0x52c00020, EL0, IN(), OUT(UNDEF)),
    T("add x0, x1, x2, ror 1", 0x8bc20420, EL0, IN(), OUT(UNDEF)),
    T("ubfm w0, w1, 0, 32", 0x53008020, EL0, IN(), OUT(UNDEF)),
    T("crc32x w0, w1, x2 with sf = 0", 0x1ac24c20, EL0, IN(), OUT(UNDEF)),
    T("casp x1, x2, x4, x5, [x6]", 0x48217cc4, EL0, IN(), OUT(UNDEF)),

    T("abs x0, x1", 0xdac02020, EL0, IN(.x1 = -5ull), OUT(.x0 = 5)),
    T("abs x0, x1 of the smallest", 0xdac02020, EL0, IN(.x1 = 1ull << 63), OUT(.x0 = 1ull << 63)),
    T("abs w0, w1", 0x5ac02020, EL0, IN(.x1 = 0x5fffffffe), OUT(.x0 = 2)),
    T("abs without CSSC", 0xdac02020, EL1_BARE, IN(), OUT(UNDEF)),
    T("cnt x0, x1", 0xdac01c20, EL0, IN(.x1 = 0xf0f0000000000001), OUT(.x0 = 9)),
    T("cnt w0, w1", 0x5ac01c20, EL0, IN(.x1 = 0xf0f0000000000011), OUT(.x0 = 2)),
    T("cnt without CSSC", 0xdac01c20, EL1_BARE, IN(), OUT(UNDEF)),
    T("ctz x0, x1", 0xdac01820, EL0, IN(.x1 = 1ull << 40), OUT(.x0 = 40)),
    T("ctz x0, x1 of zero", 0xdac01820, EL0, IN(), OUT(.x0 = 64)),
    T("ctz w0, w1 of zero", 0x5ac01820, EL0, IN(.x1 = 1ull << 40), OUT(.x0 = 32)),
    T("ctz without CSSC", 0x5ac01820, EL1_BARE, IN(), OUT(UNDEF)),
    T("smax x0, x1, -2", 0x91c3f820, EL0, IN(.x1 = -9ull), OUT(.x0 = -2ull)),
    T("smax w0, w1, -2", 0x11c3f820, EL0, IN(.x1 = 7), OUT(.x0 = 7)),
    T("smax w0, w1, -2 of a negative", 0x11c3f820, EL0, IN(.x1 = 0x180000000), OUT(.x0 = 0xfffffffe)),
    T("umax x0, x1, 254", 0x91c7f820, EL0, IN(.x1 = 3), OUT(.x0 = 254)),
    T("umax x0, x1, 254 of much", 0x91c7f820, EL0, IN(.x1 = -9ull), OUT(.x0 = -9ull)),
    T("smin x0, x1, -2", 0x91cbf820, EL0, IN(.x1 = 9), OUT(.x0 = -2ull)),
    T("umin w0, w1, 254", 0x11cff820, EL0, IN(.x1 = 0x100000009), OUT(.x0 = 9)),
    T("umin without CSSC", 0x11cff820, EL1_BARE, IN(), OUT(UNDEF)),
    T("smax x0, x1, x2", 0x9ac26020, EL0, IN(.x1 = -9ull, .x2 = 4), OUT(.x0 = 4)),
    T("umax x0, x1, x2", 0x9ac26420, EL0, IN(.x1 = -9ull, .x2 = 4), OUT(.x0 = -9ull)),
    T("smin w0, w1, w2", 0x1ac26820, EL0, IN(.x1 = 0xfffffff7, .x2 = 4), OUT(.x0 = 0xfffffff7)),
    T("umin w0, w1, w2", 0x1ac26c20, EL0, IN(.x1 = 0xfffffff7, .x2 = 4), OUT(.x0 = 4)),
    T("smin without CSSC", 0x1ac26820, EL1_BARE, IN(), OUT(UNDEF)),
    T("bc.eq .+4 without HBC", 0x54000030, EL1_BARE, IN(), OUT(UNDEF)),
    T("ldapur x0, [x1] without LRCPC2", 0xd9400020, EL1_BARE, IN(), OUT(UNDEF)),
    T("stlur x0, [x1] without LRCPC2", 0xd9000020, EL1_BARE, IN(), OUT(UNDEF)),
    T("wfet x5 at EL0", 0xd5031005, EL0, IN(), OUT(TRAP(ARM_EC_WFX, 0x1e000a7))),
    T("wfit x6 at EL0", 0xd5031026, EL0, IN(), OUT(TRAP(ARM_EC_WFX, 0x1e000c6))),
    T("wfet x5", 0xd5031005, EL1, IN(), OUT(.leaves = 1)),
    T("wfet without WFxT", 0xd5031005, EL1_BARE, IN(), OUT(UNDEF)),
    T("wfit without WFxT", 0xd5031026, EL1_BARE, IN(), OUT(UNDEF)),
    T("cfp rctx, x1", 0xd50b7381, EL1, IN(), OUT()),
    T("cfp rctx, x1 at EL0", 0xd50b7381, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(1, 3, 7, 3, 4, 1, 0)))),
    T("cpp rctx, x1 at EL0", 0xd50b73e1, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(1, 3, 7, 3, 7, 1, 0)))),
    T("dvp rctx, x1 without SPECRES", 0xd50b73a1, EL1_BARE, IN(), OUT(UNDEF)),
    T("dc cvadp, x1 at EL0", 0xd50b7d21, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(1, 3, 7, 13, 1, 1, 0)))),
    T("dc cvadp, x1 without DPB2", 0xd50b7d21, EL1_BARE, IN(), OUT(UNDEF)),
    T("mrs x0, CNTVCTSS_EL0 at EL0 without EL0VCTEN", 0xd53be0c0, EL0, IN(),
      OUT(TRAP(ARM_EC_SYSREG, SYS(3, 3, 14, 0, 6, 0, 1)))),
    T("mrs x0, CNTPCTSS_EL0 without ECV", 0xd53be0a0, EL1_BARE, IN(), OUT(UNDEF)),
    T("cpyfp [x0]!, [x1]!, x2! at EL0 without MSCEn", 0x19010440, EL0, IN(), OUT(UNDEF)),
    T("setp [x0]!, x2!, x1 without MOPS", 0x19c10440, EL1_BARE, IN(), OUT(UNDEF)),
    T("pacia x0, x1 without PAuth", 0xdac10020, EL1_BARE, IN(), OUT(UNDEF)),
    T("pacga x0, x1, x2 without PAuth", 0x9ac23020, EL1_BARE, IN(), OUT(UNDEF)),
    T("retaa without PAuth", 0xd65f0bff, EL1_BARE, IN(), OUT(UNDEF)),
    T("paciasp without PAuth", 0xd503233f, EL1_BARE, IN(.x0 = 9), OUT(.x0 = 9)),
    T("mrs x0, APIAKeyLo_EL1 without PAuth", 0xd5382100, EL1_BARE, IN(), OUT(UNDEF)),
    T("mrs x0, APIAKeyLo_EL1 at EL0", 0xd5382100, EL0_ALL, IN(), OUT(UNDEF)),
    T("eretaa at EL0", 0xd69f0bff, EL0_ALL, IN(), OUT(UNDEF)),
    T("braa x0, x1 with Z = 0", 0xd61f0801, EL1, IN(), OUT(UNDEF)),
    T("dgh", 0xd50320df, EL0, IN(.x0 = 9), OUT(.x0 = 9)),
    T("chkfeat x16", 0xd503251f, EL0, IN(.x0 = 9), OUT(.x0 = 9)),
    T("clrbhb", 0xd50322df, EL0, IN(.x0 = 9), OUT(.x0 = 9)),
    T("hint 127", 0xd5032fff, EL0, IN(.x0 = 9), OUT(.x0 = 9)),
};
/* clang-format on */

static void nothing(struct arm_cpu *cpu)
{
}

static void no_wait(struct arm_cpu *cpu, uint64_t timeout_ns)
{
}

static const struct arm_engine_ops engine_ops = {
    .context_changed = nothing,
    .dsb = nothing,
    .isb = nothing,
    .wfi = no_wait,
    .wfe = no_wait,
    .debug_changed = nothing,
    .kick = nothing,
    .sev = nothing,
};

static const struct arm_hooks hooks;

static uint32_t enter(struct arm_cpu *cpu, const struct row *row)
{
    static const uint32_t all =
        FRONT_DZE | FRONT_UCT | FRONT_UCI | FRONT_UMA | FRONT_NTWI | FRONT_NTWE;
    cpu->cpacr_el1 = row->where == EL0_NOFP ? 0 : 3u << 20;
    cpu->sctlr_el1 &= ~(ARM_SCTLR_DZE | ARM_SCTLR_UCT | ARM_SCTLR_UCI | ARM_SCTLR_UMA |
                        ARM_SCTLR_NTWI | ARM_SCTLR_NTWE);
    switch (row->where) {
    case EL1:
    case EL1_BARE:
        return all | FRONT_EL1 | FRONT_SPSEL;
    case EL1_MISALIGNED:
        return all | FRONT_EL1 | FRONT_SPSEL | FRONT_SA;
    case EL1T:
        arm_set_el(cpu, 1, 0);
        return all | FRONT_EL1;
    case EL0_ALL:
        arm_set_el(cpu, 0, 0);
        cpu->sctlr_el1 |= ARM_SCTLR_DZE | ARM_SCTLR_UCT | ARM_SCTLR_UCI | ARM_SCTLR_UMA |
                          ARM_SCTLR_NTWI | ARM_SCTLR_NTWE;
        return all;
    case EL0_NOFP:
        arm_set_el(cpu, 0, 0);
        return FRONT_FP_TRAP;
    default:
        arm_set_el(cpu, 0, 0);
        return 0;
    }
}

static void load(struct arm_cpu *cpu, const struct regs *in)
{
    cpu->x[0] = in->x0;
    cpu->x[1] = in->x1;
    cpu->x[2] = in->x2;
    cpu->x[31] = in->sp;
    cpu->sp_el[0] = in->sp_el0;
    arm_set_nzcv(cpu, (unsigned)in->nzcv);
    cpu->daif = (uint8_t)in->daif;
    cpu->tpidr_el0 = in->tpidr;
    cpu->fpcr = (uint32_t)in->fpcr;
    cpu->monitor[0] = in->monitor;
    cpu->vbar_el1 = VBAR;
    cpu->pc = PC;
    cpu->pc_page = PC & ~4095ull;
    cpu->raised = 0;
    cpu->ssbs = 0;
}

static void check_exception(const struct arm_cpu *cpu, const struct regs *want)
{
    if (!want->ec) {
        if (cpu->raised)
            fail_msg("took an exception: ESR_EL1 %llx", (unsigned long long)cpu->esr_el1);
        return;
    }
    assert_true(cpu->raised);
    assert_int_equal(cpu->esr_el1 >> 26, want->ec - 1);
    assert_int_equal(cpu->esr_el1 & 0x1ffffff, want->iss);
    assert_int_equal(cpu->elr_el1, PC + want->ret);
    assert_in_range(cpu->pc, VBAR, VBAR + 0x7ff);
}

static void check(const struct arm_cpu *cpu, const struct regs *want)
{
    if (want->x0)
        assert_int_equal(cpu->x[0], want->x0);
    if (want->nzcv)
        assert_int_equal(arm_nzcv(cpu), want->nzcv);
    if (want->daif)
        assert_int_equal(cpu->daif, want->daif);
    if (want->sp)
        assert_int_equal(cpu->x[31], want->sp);
    if (want->sp_el0)
        assert_int_equal(cpu->sp_el[0], want->sp_el0);
    if (want->tpidr)
        assert_int_equal(cpu->tpidr_el0, want->tpidr);
    if (want->tpidrro)
        assert_int_equal(cpu->tpidrro_el0, want->tpidrro);
    if (want->fpcr)
        assert_int_equal(cpu->fpcr, want->fpcr);
    if (want->monitor)
        assert_true(cpu->monitor[0] == want->monitor);
    assert_true(!want->pan || cpu->pan);
    assert_true(!want->uao || cpu->uao);
    assert_true(!want->dit || cpu->dit);
    assert_true(!want->ssbs || cpu->ssbs);
    assert_true(!want->event || cpu->event);
}

static void run_row(void **state)
{
    static const struct ir_runtime no_memory;
    const struct row *row = *state;
    const struct arm_features features = {
        .model = "max", .have = row->where == EL1_BARE ? 0 : ~0ull, .gic = 3};
    struct arm_cpu *cpu = calloc(1, sizeof(*cpu));
    uint8_t *page = calloc(1, IR_PAGE_SIZE);
    struct ir *ir = ir_create();
    cpu->features = &features;
    cpu->engine_ops = &engine_ops;
    cpu->hooks = &hooks;
    arm_cpu_reset(cpu, PC, 0);
    struct front_region region = {
        .code = page, .mode = enter(cpu, row), .max_insns = 1, .features = &features};
    load(cpu, &row->in);
    st_le(page, 4, row->insn);
    a64_translate(&region, ir);
    struct ir_leave left = ir_interpret(ir, cpu, &a64_layout, &no_memory, a64_helpers);
    check_exception(cpu, &row->out);
    check(cpu, &row->out);
    if (!row->out.ec) {
        assert_int_equal(left.target, PC + 4);
        assert_int_equal(left.how, row->out.leaves ? IR_LEFT_STATE : IR_LEFT_DIRECT);
    }
    ir_destroy(ir);
    free(page);
    free(cpu);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows)];
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].text, run_row, NULL, NULL, (void *)&rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
