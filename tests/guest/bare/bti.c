/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branch targets (FEAT_BTI): every kind of branch to every kind of landing pad, in guarded pages
 * and others; PSTATE.BTYPE in SPSR_EL1. Manual C6.2 (BTI), BTypeCompatible_BTI().
 */
#include "bare.h"

#define GP     (1ul << 50)
#define BT0    (1ul << 35)
#define BT1    (1ul << 36)
#define RET    0xd65f03c0u
#define BYE    0xd4000841u /* svc #0x42 */
#define EC_BTI 0x0d

enum { HERE = WINDOW, FROM = WINDOW + PAGE };

static u32 code[2][PAGE / 4] PAGE_ALIGNED;

static const u32 pads[] = {
    0xd503201f, /* nop */
    0xd503241f, /* bti */
    0xd503245f, /* bti c */
    0xd503249f, /* bti j */
    0xd50324df, /* bti jc */
    0xd503233f, /* paciasp */
    0xd503237f, /* pacibsp */
    0xd50323bf, /* autiasp */
    0xd4200020, /* brk */
    0xd4000021, /* svc */
    0x00000000, /* udf */
};
enum { PADS = sizeof(pads) / sizeof(pads[0]), BRANCHES = 7 };

static void to_x16(u64 to)
{
    asm volatile("mov x16, %0\n adr x30, 1f\n br x16\n1:" ::"r"(to) : "x16", "x30", "memory");
}

static void to_x9(u64 to)
{
    asm volatile("mov x9, %0\n adr x30, 1f\n br x9\n1:" ::"r"(to) : "x9", "x30", "memory");
}

static void to_call(u64 to)
{
    asm volatile("blr %0" ::"r"(to) : "x30", "memory");
}

static void to_ret(u64 to)
{
    asm volatile("mov x9, %0\n adr x30, 1f\n ret x9\n1:" ::"r"(to) : "x9", "x30", "memory");
}

/* Through code in the guarded page FROM: bti c; br x9, br x17, blr x9 with the link kept in x10. */
static void from_guarded(u64 to, u64 entry)
{
    asm volatile("mov x9, %0\n mov x17, %0\n mov x11, %1\n blr x11" ::"r"(to), "r"(entry)
                 : "x9", "x10", "x11", "x16", "x17", "x30", "memory");
}

static void guarded_x9(u64 to)
{
    from_guarded(to, FROM);
}

static void guarded_x17(u64 to)
{
    from_guarded(to, FROM + 8);
}

static void guarded_call(u64 to)
{
    from_guarded(to, FROM + 16);
}

/* No table: nobody relocates its addresses. */
static void go(int branch, u64 to)
{
    switch (branch) {
    case 0:
        to_x16(to);
        break;
    case 1:
        to_x9(to);
        break;
    case 2:
        to_call(to);
        break;
    case 3:
        to_ret(to);
        break;
    case 4:
        guarded_x9(to);
        break;
    case 5:
        guarded_x17(to);
        break;
    default:
        guarded_call(to);
    }
}

/* One letter a case: '.' no exception, a digit the BTYPE of a Branch Target exception, letters
 * other exceptions. */
static char outcome(void)
{
    struct cpu *cpu = this_cpu();
    u64 ec = cpu->esr >> 26, btype = cpu->spsr >> 10 & 3;
    u64 seen = cpu->exceptions;

    cpu->exceptions = 0;
    if (!seen)
        return '.';
    if (seen > 1)
        return '+';
    if (ec == EC_BTI)
        return (cpu->esr & 0x1ffffff) == btype && cpu->elr == HERE ? (char)('0' + btype) : '?';
    return ec == EC_BRK ? 'b' : ec == EC_SVC ? 's' : ec == EC_UNKNOWN ? 'u' : '!';
}

static void matrix(void)
{
    for (int pad = 0; pad < PADS; pad++) {
        code[0][0] = pads[pad];
        code[0][1] = RET;
        sync_code(code[0], 8);
        say("  ");
        /* Twice: the second time the way is known. */
        for (int round = 0; round < 2; round++)
            for (int i = 0; i < BRANCHES; i++) {
                go(i, HERE);
                say("%c", outcome());
            }
        say(" %x\n", pads[pad]);
    }
}

static void fill_from(void)
{
    static const u32 words[] = {
        0xd503245f, 0xd61f0120,                         /* bti c; br x9 */
        0xd503245f, 0xd61f0220,                         /* bti c; br x17 */
        0xd503245f, 0xaa1e03ea, 0xd63f0120, 0xd65f0140, /* bti c; mov x10, x30; blr x9; ret x10 */
    };

    for (u64 i = 0; i < sizeof(words) / 4; i++)
        code[1][i] = words[i];
    sync_code(code[1], sizeof(words));
}

/* PSTATE.BTYPE out of SPSR_EL1, at both levels. */
static void returns(void)
{
    code[0][0] = 0xd503245f; /* bti c */
    code[0][1] = BYE;
    code[0][2] = 0xd503201f;
    code[0][3] = BYE;
    sync_code(code[0], 16);
    for (u64 btype = 0; btype < 4; btype++) {
        run_at((void (*)(u64))HERE, 0, 0, SPSR_EL1T | btype << 10);
        say("  EL1, BTYPE %d: bti c %c", btype, outcome());
        run_at((void (*)(u64))(HERE + 8), 0, 0, SPSR_EL1T | btype << 10);
        say(", nop %d %x\n", this_cpu()->exceptions, this_cpu()->exceptions ? this_cpu()->esr : 0);
        this_cpu()->exceptions = 0;
    }
    map_page(HERE, code[0], NORMAL | AP(1) | PXN | GP);
    for (u64 btype = 0; btype < 4; btype++) {
        run_at((void (*)(u64))HERE, 0, 0, SPSR_EL0 | btype << 10);
        say("  EL0, BTYPE %d: bti c %c", btype, outcome());
        run_at((void (*)(u64))(HERE + 8), 0, 0, SPSR_EL0 | btype << 10);
        say(", nop %d %x\n", this_cpu()->exceptions, this_cpu()->exceptions ? this_cpu()->esr : 0);
        this_cpu()->exceptions = 0;
    }
    map_page(HERE, code[0], NORMAL | GP);
}

/* What else happens at the target comes with BTYPE, too. */
static void other_faults(void)
{
    map_page(HERE, code[0], NORMAL | GP | PXN);
    to_call(HERE);
    say("  not executable: ec %x btype %d\n", this_cpu()->esr >> 26, this_cpu()->spsr >> 10 & 3);
    this_cpu()->exceptions = 0;
    map_page(HERE, code[0], NORMAL | GP);
    to_call(HERE + 2);
    say("  misaligned: ec %x btype %d\n", this_cpu()->esr >> 26, this_cpu()->spsr >> 10 & 3);
    this_cpu()->exceptions = 0;
}

int main(void)
{
    u64 sctlr = read_sysreg(sctlr_el1);

    say("ID_AA64PFR1_EL1.BT %d\n", read_sysreg(id_aa64pfr1_el1) & 0xf);
    fill_from();
    map_page(FROM, code[1], NORMAL | GP);
    map_page(HERE, code[0], NORMAL | GP);
    say("guarded\n");
    matrix();
    say("guarded, BT1 = 1\n");
    write_sysreg(sctlr_el1, sctlr | BT1);
    matrix();
    write_sysreg(sctlr_el1, sctlr);
    say("not guarded\n");
    map_page(HERE, code[0], NORMAL);
    matrix();
    map_page(HERE, code[0], NORMAL | GP);
    say("returns\n");
    returns();
    say("other faults\n");
    other_faults();
    say("done\n");
    return 0;
}
