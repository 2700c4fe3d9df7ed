/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What traps, and what each trap says: instructions at EL0 under every control bit, registers that
 * only EL1 has, cache maintenance and atomics that abort, WFI and WFE. Manual D1.3, D19.2.37.
 */
#include "bare.h"

static u8 page[PAGE] PAGE_ALIGNED;

#define EL0(name, text)                                                                            \
    USER static void name(u64 x)                                                                   \
    {                                                                                              \
        register u64 x9 asm("x9") = x;                                                             \
        asm volatile(".arch armv8.2-a+lse\n" text "\n svc #0x42"                                   \
                     : "+r"(x9)::"x10", "x11", "memory");                                          \
    }

static u64 esr_of(void (*function)(u64), u64 argument)
{
    struct cpu *cpu = this_cpu();
    u64 esr;

    run_user(function, argument);
    esr = cpu->exceptions ? cpu->esr : 0;
    cpu->exceptions = 0;
    return esr;
}

static u64 esr_here(void)
{
    u64 esr = this_cpu()->exceptions ? this_cpu()->esr : 0;

    this_cpu()->exceptions = 0;
    return esr;
}

/* --- SCTLR_EL1's controls ---------------------------------------------------------------------*/

EL0(el0_ctr, "mrs x9, ctr_el0")
EL0(el0_dczid, "mrs x9, dczid_el0")
EL0(el0_cvau, "dc cvau, x9")
EL0(el0_cvac, "dc cvac, x9")
EL0(el0_civac, "dc civac, x9")
EL0(el0_ivau, "ic ivau, x9")
EL0(el0_zva, "dc zva, x9")
EL0(el0_daif, "mrs x9, daif")
EL0(el0_set_daif, "msr daif, xzr")
EL0(el0_daifset, "msr daifset, #15")
EL0(el0_daifclr, "msr daifclr, #1")
EL0(el0_wfi, "wfi")
EL0(el0_wfe, "sevl\n wfe")
EL0(el0_wfe_twice, "sevl\n wfe\n wfe")

static void one(const char *name, void (*function)(u64), u64 bit)
{
    u64 sctlr = read_sysreg(sctlr_el1), off, on;

    write_sysreg(sctlr_el1, sctlr & ~(1ul << bit));
    off = esr_of(function, (u64)user_start);
    write_sysreg(sctlr_el1, sctlr | 1ul << bit);
    on = esr_of(function, (u64)user_start);
    write_sysreg(sctlr_el1, sctlr);
    say("%s: SCTLR_EL1<%d> 0: %x, 1: %x\n", name, bit, off, on);
}

static void controls(void)
{
    one("MRS CTR_EL0", el0_ctr, 15);
    one("MRS DCZID_EL0", el0_dczid, 14);
    one("DC CVAU", el0_cvau, 26);
    one("DC CVAC", el0_cvac, 26);
    one("DC CIVAC", el0_civac, 26);
    one("IC IVAU", el0_ivau, 26);
    one("DC ZVA", el0_zva, 14);
    one("MRS DAIF", el0_daif, 9);
    one("MSR DAIF", el0_set_daif, 9);
}

/* --- the timer's registers --------------------------------------------------------------------*/

EL0(el0_cntfrq, "mrs x9, cntfrq_el0")
EL0(el0_cntpct, "mrs x9, cntpct_el0")
EL0(el0_cntvct, "mrs x9, cntvct_el0")
EL0(el0_cntp, "mrs x9, cntp_ctl_el0")
EL0(el0_cntv, "msr cntv_cval_el0, x9")
EL0(el0_set_cntfrq, "msr cntfrq_el0, x9")
EL0(el0_cntkctl, "mrs x9, cntkctl_el1")

static void timer(const char *name, void (*function)(u64))
{
    say("%s, CNTKCTL_EL1.{EL0PTEN,EL0VTEN,EL0VCTEN,EL0PCTEN} 0 to 15:", name);
    for (u64 n = 0; n < 16; n++) {
        write_sysreg(cntkctl_el1, (n & 3) | (n >> 2) << 8);
        say(" %x", esr_of(function, 0));
    }
    say("\n");
    write_sysreg(cntkctl_el1, 0);
}

static void timers(void)
{
    timer("CNTFRQ", el0_cntfrq);
    timer("CNTPCT", el0_cntpct);
    timer("CNTVCT", el0_cntvct);
    timer("CNTP_CTL", el0_cntp);
    timer("CNTV_CVAL written", el0_cntv);
    timer("CNTFRQ written", el0_set_cntfrq);
    timer("CNTKCTL", el0_cntkctl);
}

/* --- what EL0 has not -------------------------------------------------------------------------*/

EL0(el0_midr, "mrs x9, midr_el1")
EL0(el0_pfr0, "mrs x9, id_aa64pfr0_el1")
EL0(el0_ccsidr, "mrs x9, ccsidr_el1")
EL0(el0_vbar, "mrs x9, vbar_el1")
EL0(el0_set_vbar, "msr vbar_el1, x9")
EL0(el0_current, "mrs x9, currentel")
EL0(el0_spsel, "msr spsel, #1")
EL0(el0_tlbi, "tlbi vmalle1")
EL0(el0_at, "at s1e0r, x9")
EL0(el0_ivac, "dc ivac, x9")
EL0(el0_isw, "dc isw, x9")
EL0(el0_ialluis, "ic ialluis")
EL0(el0_eret, "eret")
EL0(el0_hvc, "hvc #1")
EL0(el0_smc, "smc #1")
EL0(el0_hlt, ".inst 0xd4400000")
EL0(el0_dcps, ".inst 0xd4a00001")
EL0(el0_drps, ".inst 0xd6bf03e0")
EL0(el0_sp0, "mrs x9, sp_el0")
EL0(el0_el2, "mrs x9, S3_4_C1_C0_0")
EL0(el0_el3, "mrs x9, S3_6_C1_C0_0")
EL0(el0_impdef, "mrs x9, S3_3_C15_C0_0")
EL0(el0_brk, "brk #7")
EL0(el0_udf, "udf #7")
EL0(el0_svc, "svc #7")

static void privileged(void)
{
    say("EL0: MIDR %x, ID_AA64PFR0 %x, CCSIDR %x\n", esr_of(el0_midr, 0), esr_of(el0_pfr0, 0),
        esr_of(el0_ccsidr, 0));
    say("EL0: VBAR %x, written %x, CurrentEL %x, SPSel %x, SP_EL0 %x\n", esr_of(el0_vbar, 0),
        esr_of(el0_set_vbar, 0), esr_of(el0_current, 0), esr_of(el0_spsel, 0), esr_of(el0_sp0, 0));
    say("EL0: TLBI %x, AT %x, DC IVAC %x, DC ISW %x, IC IALLUIS %x\n", esr_of(el0_tlbi, 0),
        esr_of(el0_at, 0), esr_of(el0_ivac, 0), esr_of(el0_isw, 0), esr_of(el0_ialluis, 0));
    say("EL0: ERET %x, HVC %x, SMC %x, HLT %x, DCPS1 %x, DRPS %x\n", esr_of(el0_eret, 0),
        esr_of(el0_hvc, 0), esr_of(el0_smc, 0), esr_of(el0_hlt, 0), esr_of(el0_dcps, 0),
        esr_of(el0_drps, 0));
    say("EL0: EL2's %x, EL3's %x, BRK %x, UDF %x, SVC %x\n", esr_of(el0_el2, 0), esr_of(el0_el3, 0),
        esr_of(el0_brk, 0), esr_of(el0_udf, 0), esr_of(el0_svc, 0));
    asm volatile("mrs x9, S3_4_C1_C0_0" ::: "x9");
    say("EL1: EL2's register %x", esr_here());
    asm volatile("mrs x9, S3_6_C1_C0_0" ::: "x9");
    say(", EL3's %x", esr_here());
    asm volatile("mrs x9, S3_0_C0_C7_7" ::: "x9");
    say(", a reserved ID register %x", esr_here());
    asm volatile("msr S3_0_C0_C0_0, x9");
    say(", MIDR_EL1 written %x", esr_here());
    asm volatile(".inst 0xd4a00001");
    say(", DCPS1 %x", esr_here());
    asm volatile(".inst 0xd6bf03e0");
    say(", DRPS %x", esr_here());
    asm volatile("mrs x9, sp_el0" ::: "x9");
    say(", SP_EL0 with SPSel 1 %x\n", esr_here());
}

/* --- cache maintenance and atomics that abort -------------------------------------------------*/

EL0(el0_ldadd, "ldadd x9, x10, [x9]")
EL0(el0_ldr, "ldr x10, [x9]")
EL0(el0_stxr, "1: ldxr x10, [x9]\n stxr w11, x10, [x9]")

#define AT_EL1(what, text)                                                                         \
    asm volatile(".arch armv8.2-a+lse\n" text ::"r"(va) : "x9", "x10", "x11", "memory");           \
    say(", " what " %x", esr_here())

static void aborts_at(const char *name, u64 va)
{
    say("%s", name);
    AT_EL1("LDR", "ldr x9, [%0]");
    AT_EL1("STR", "str x9, [%0]");
    AT_EL1("LDADD", "ldadd x9, x10, [%0]");
    AT_EL1("CAS", "cas x9, x10, [%0]");
    AT_EL1("SWP", "swp x9, x10, [%0]");
    AT_EL1("LDXR", "ldxr x9, [%0]");
    AT_EL1("STXR", "stxr w11, x9, [%0]");
    AT_EL1("LDAXP", "ldaxp x9, x10, [%0]");
    AT_EL1("PRFM", "prfm pldl1keep, [%0]");
    AT_EL1("DC CVAC", "dc cvac, %0");
    AT_EL1("DC CIVAC", "dc civac, %0");
    AT_EL1("DC IVAC", "dc ivac, %0");
    AT_EL1("DC CVAU", "dc cvau, %0");
    AT_EL1("DC ZVA", "dc zva, %0");
    AT_EL1("IC IVAU", "ic ivau, %0");
    say("; EL0: LDR %x", esr_of(el0_ldr, va));
    say(", LDADD %x", esr_of(el0_ldadd, va));
    say(", LDXR and STXR %x", esr_of(el0_stxr, va));
    say(", DC CVAC %x", esr_of(el0_cvac, va));
    say(", DC CIVAC %x", esr_of(el0_civac, va));
    say(", DC ZVA %x", esr_of(el0_zva, va));
    say(", IC IVAU %x\n", esr_of(el0_ivau, va));
}

static void aborts(void)
{
    u64 va = WINDOW + 9 * PAGE;

    map_page(va, 0, 0);
    aborts_at("unmapped", va);
    map_page(va, page, INNER | AP(1));
    aborts_at("AF clear", va);
    map_page(va, page, NORMAL | AP(1));
    aborts_at("writable for all", va);
    map_page(va, page, NORMAL | AP(3));
    aborts_at("read-only for all", va);
    map_page(va, page, NORMAL);
    aborts_at("EL1 only", va);
    map_page(va, page, NORMAL | AP(2));
    aborts_at("EL1 only, read-only", va);
    map_page(va, 0, 0);
    aborts_at("upper half", ~0xfffful);
}

/* The real-time clock's data register: exclusives and atomics have no place there. */
static void devices(void)
{
    u64 va = WINDOW + 10 * PAGE;

    map_page(va, (void *)0x09010000, AF | DEVICE | AP(1));
    say("device");
    AT_EL1("LDR", "ldr w9, [%0]");
    AT_EL1("LDAR", "ldar w9, [%0]");
    AT_EL1("LDXR", "ldxr w9, [%0]");
    AT_EL1("LDADD", "ldadd w9, w10, [%0]");
    AT_EL1("CAS", "cas w9, w10, [%0]");
    AT_EL1("unaligned LDR", "ldr w9, [%0, #1]");
    AT_EL1("unaligned LDXR", "add x9, %0, #2\n ldxr w9, [x9]");
    AT_EL1("unaligned LDADD", "add x9, %0, #2\n ldadd w9, w10, [x9]");
    AT_EL1("DC ZVA", "dc zva, %0");
    AT_EL1("DC CVAC", "dc cvac, %0");
    say("; EL0: LDADD %x", esr_of(el0_ldadd, va));
    say(", DC ZVA %x\n", esr_of(el0_zva, va));
    map_page(va, 0, 0);
}

/* --- AT's answers -----------------------------------------------------------------------------*/

#define PAR(op)                                                                                    \
    asm volatile(".arch armv8.2-a+pan\n at " op ", %0\n isb" ::"r"(va));                           \
    say(" %x", read_sysreg(par_el1) & 0xff00000000000fff)

static void translations(void)
{
    u64 va = WINDOW + 9 * PAGE;

    for (u64 n = 0; n < 16; n++) {
        map_page(va, page, (n & 4 ? INNER : NORMAL) | AP(n & 3) | (n & 8 ? 1ul << 2 : 0));
        say("AP %d%s%s: E1R, E1W, E0R, E0W, E1RP, E1WP, with PAN:", n & 3,
            n & 4 ? ", AF clear" : "", n & 8 ? ", device" : "");
        PAR("s1e1r");
        PAR("s1e1w");
        PAR("s1e0r");
        PAR("s1e0w");
        PAR("s1e1rp");
        PAR("s1e1wp");
        asm volatile(".arch armv8.2-a+pan\n msr pan, #1");
        PAR("s1e1r");
        PAR("s1e1rp");
        PAR("s1e1wp");
        asm volatile(".arch armv8.2-a+pan\n msr pan, #0");
        say("\n");
    }
    map_page(va, 0, 0);
}

int main(void)
{
    controls();
    write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) & ~(1ul << 16));
    say("WFI, nTWI 0: %x\n", esr_of(el0_wfi, 0));
    write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | 1ul << 16);
    say("WFE, nTWE 0 and 1, an event there: ");
    write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) & ~(1ul << 18));
    say("%x ", esr_of(el0_wfe, 0));
    write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | 1ul << 18);
    say("%x", esr_of(el0_wfe, 0));
    write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) & ~(1ul << 18));
    say("; none: %x\n", esr_of(el0_wfe_twice, 0));
    write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | 1ul << 18);
    say("EL0: MSR DAIFSet %x, MSR DAIFClr %x, implementation defined %x\n", esr_of(el0_daifset, 0),
        esr_of(el0_daifclr, 0), esr_of(el0_impdef, 0));
    timers();
    privileged();
    aborts();
    devices();
    translations();
    say("done\n");
    return 0;
}
