/* SPDX-License-Identifier: Apache-2.0 */
/* Synchronous exceptions other than those of address translation: what is reported, and that the
 * instruction has done nothing. Manual D1.3, D19.2.37 (ESR_EL1). */
#include "bare.h"

static u8 pages[2][PAGE] PAGE_ALIGNED;
static u64 result[4];

static void unaligned_load(u64 va)
{
    peek(va);
}

static void clear(void)
{
    for (int i = 0; i < 4; i++)
        result[i] = 0;
}

/* --- alignment --------------------------------------------------------------------------------*/

USER static void user_sp(u64 sp)
{
    asm volatile("mov x9, sp\n mov sp, %0\n ldr x10, [sp]\n mov sp, x9\n svc #0x42" ::"r"(sp)
                 : "x9", "x10", "memory");
}

static void sp0_load(u64 sp)
{
    asm volatile("mov sp, %0\n ldr x10, [sp]\n svc #0x42" ::"r"(sp) : "x10", "memory");
}

USER static void user_jump(u64 va)
{
    asm volatile("br %0" ::"r"(va));
}

static void alignment(void)
{
    u64 sctlr = read_sysreg(sctlr_el1);

    map_page(WINDOW, pages[0], NORMAL | AP(1));
    map_page(WINDOW + PAGE, (void *)0x09000000, AF | DEVICE);
    peek(WINDOW + 3);
    report("unaligned load from normal memory");
    peek(WINDOW + PAGE + 2);
    report("unaligned load from a device");
    poke(WINDOW + PAGE + 2, 0);
    report("unaligned store to a device");
    asm volatile("ldp x9, x10, [%0]" ::"r"(WINDOW + PAGE + 4) : "x9", "x10");
    report("unaligned pair from a device");
    asm volatile("ldaxr x9, [%0]" ::"r"(WINDOW + 4) : "x9");
    report("unaligned exclusive");
    asm volatile("ldadd x9, x9, [%0]" ::"r"(WINDOW + PAGE - 4) : "x9");
    report("atomic across pages");
    asm volatile("ldar x9, [%0]" ::"r"(WINDOW + PAGE - 4) : "x9");
    report("load-acquire across pages");
    write_sysreg(sctlr_el1, sctlr | 2);
    unaligned_load(WINDOW + 4);
    report("SCTLR_EL1.A, load");
    asm volatile("stp x9, x10, [%0]" ::"r"(WINDOW + 4) : "memory");
    report("SCTLR_EL1.A, pair");
    peek(WINDOW + 8);
    report("SCTLR_EL1.A, aligned");
    asm volatile("ldp w9, w10, [%0]" ::"r"(WINDOW + 4) : "x9", "x10");
    report("SCTLR_EL1.A, pair of words, word aligned");
    write_sysreg(sctlr_el1, sctlr);
    unaligned_load(WINDOW + 4);
    report("SCTLR_EL1.A off");

    run_user(user_sp, WINDOW + 8);
    report("EL0, SP misaligned");
    run_at(sp0_load, 0, WINDOW + 8, SPSR_EL1T);
    run_at(sp0_load, WINDOW + 8, WINDOW + 16, SPSR_EL1T);
    report("EL1, SP_EL0 misaligned");
    write_sysreg(sctlr_el1, sctlr & ~0x18ul);
    run_user(user_sp, WINDOW + 8);
    report("EL0, SP misaligned, unchecked");
    write_sysreg(sctlr_el1, sctlr);
    run_user(user_jump, WINDOW + 2);
    report("EL0, PC misaligned");
    ((void (*)(void))(WINDOW + 1))();
    report("EL1, PC misaligned");
}

/* --- calls ------------------------------------------------------------------------------------*/

USER static void user_hvc(u64 unused)
{
    asm volatile("hvc #0\n svc #0x42");
}

USER static void user_calls(u64 unused)
{
    asm volatile("svc #0xffff\n brk #0xabcd\n udf #1\n svc #0x42");
}

USER static void user_registers(u64 unused)
{
    asm volatile("mrs x9, sctlr_el1\n svc #0x42" ::: "x9");
}

USER static void user_masks(u64 unused)
{
    asm volatile("msr daifset, #2\n svc #0x42" ::: "x9");
}

USER static void user_clean(u64 va)
{
    asm volatile("dc cvau, %0\n svc #0x42" ::"r"(va));
}

static void calls(void)
{
    struct cpu *cpu = this_cpu();
    u64 sctlr = read_sysreg(sctlr_el1);

    asm volatile("svc #0x1234");
    report("SVC");
    asm volatile("brk #0xf00d");
    report("BRK");
    asm volatile("udf #0");
    report("UDF");
    asm volatile(".inst 0xd4400000" ::: "memory");
    report("HLT without external debug");
    say("HVC, unknown function: %d\n", (long)(int)hvc(0x8400ffff, 0, 0, 0));
    report("HVC");
    run_user(user_calls, 0);
    report("EL0: SVC, BRK, UDF");
    run_user(user_hvc, 0);
    report("EL0: HVC");
    run_user(user_registers, 0);
    report("EL0: MRS SCTLR_EL1");
    run_user(user_masks, 0);
    report("EL0: MSR DAIFSet");
    write_sysreg(sctlr_el1, sctlr & ~(1ul << 26));
    run_user(user_clean, WINDOW);
    report("EL0: DC CVAU, UCI = 0");
    write_sysreg(sctlr_el1, sctlr);
    run_user(user_clean, WINDOW);
    report("EL0: DC CVAU, UCI = 1");
    asm volatile("mrs x9, S3_0_C2_C7_7" ::: "x9");
    report("unallocated register");
    cpu->exceptions = 0;
}

/* --- illegal state ----------------------------------------------------------------------------*/

static void nothing(u64 unused)
{
    asm volatile("svc #0x42");
}

static void illegal(void)
{
    static const struct {
        const char name[24];
        u64 spsr;
    } cases[] = {
        {"ERET to EL2", 0x3c9},
        {"ERET to EL3", 0x3cd},
        {"ERET to mode 1", 0x3c1},
        {"ERET to EL0 AArch32", 0x3d0},
        {"ERET with SPSR.IL", SPSR_EL1H | 1 << 20},
        {"ERET to EL0 with IL", SPSR_EL0 | 1 << 20},
    };

    for (u64 i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].spsr & 0x10 && (read_sysreg(id_aa64pfr0_el1) & 0xf) == 2)
            continue; /* EL0 has AArch32 */
        run_at(cases[i].spsr & 0xf ? nothing : user_registers, 0, 0, cases[i].spsr);
        report(cases[i].name);
    }
}

/* --- DC ZVA -----------------------------------------------------------------------------------*/

static void zero(u64 va)
{
    asm volatile("dc zva, %0" ::"r"(va) : "memory");
}

USER static void user_zero(u64 va)
{
    asm volatile("dc zva, %0\n svc #0x42" ::"r"(va) : "memory");
}

/* FAR_EL1 is the register's value (D19.2.40), and Device memory an Alignment fault (C5.3, DC ZVA).
 */
static void zeroing(void)
{
    u64 sctlr = read_sysreg(sctlr_el1), va = WINDOW + 33 * PAGE;

    memset(pages[0], 0x11, PAGE);
    map_page(va, pages[0], NORMAL);
    write_sysreg(sctlr_el1, sctlr | 2);
    zero(va + 64 + 37);
    report("DC ZVA within a block, SCTLR_EL1.A");
    write_sysreg(sctlr_el1, sctlr);
    say("  %x %x %x %x\n", peek(va + 56), peek(va + 64), peek(va + 120), peek(va + 128));
    map_page(va, pages[0], NORMAL | AP(2));
    zero(va + 37);
    report("DC ZVA to a read-only page");
    map_page(va, pages[0], NORMAL);
    run_user(user_zero, va + 38);
    report("EL0, DC ZVA to EL1's page");
    map_page(va, pages[0], AF | DEVICE | AP(1));
    zero(va + 39);
    report("DC ZVA to RAM as Device memory");
    zero(va + PAGE - 64);
    report("DC ZVA to its last block");
    run_user(user_zero, va + 40);
    report("EL0, DC ZVA to it");
    map_page(va, pages[0], AF | DEVICE | AP(2));
    zero(va + 41);
    report("DC ZVA to it, read-only");
    map_page(va, (void *)0x09000000, AF | DEVICE);
    zero(va + 42);
    report("DC ZVA to a device");
    map_page(va, 0, 0);
    zero(va + 43);
    report("DC ZVA unmapped");
    say("  %x\n", *(u64 *)pages[0]);
}

/* --- accesses across pages --------------------------------------------------------------------*/

static void crossing(void)
{
    u64 end = WINDOW + 17 * PAGE, value = 0, base;

    memset(pages[0], 0x11, PAGE);
    map_page(end - PAGE, pages[0], NORMAL);
    map_page(end, 0, 0);
    peek(end - 4);
    report("load into an unmapped page");
    poke(end - 4, ~0ul);
    report("store into an unmapped page");
    say("  bytes before: %x\n", peek(end - 8));
    asm volatile("stp %0, %0, [%1]" ::"r"(~0ul), "r"(end - 8) : "memory");
    report("STP, second register unmapped");
    asm volatile("stp %0, %0, [%1]" ::"r"(~0ul), "r"(end - 12) : "memory");
    report("STP, in the middle of a register");
    say("  bytes before: %x %x\n", peek(end - 16), peek(end - 8));
    base = end - 8;
    asm volatile("ldp x9, x10, [%0], #16" : "+r"(base)::"x9", "x10");
    report("LDP with write-back");
    say("  base moved by %d\n", base - (end - 8));
    asm volatile("mov x9, #7\n ldp x9, x10, [%1]\n mov %0, x9"
                 : "=r"(value)
                 : "r"(end - 8)
                 : "x9", "x10");
    report("LDP, second register unmapped");
    base = end - 16;
    asm volatile(".arch armv8.2-a+fp+simd\n movi v0.16b, #0x22\n movi v1.16b, #0x33\n"
                 "stp q0, q1, [%0], #32"
                 : "+r"(base)::"memory");
    report("STP of vectors");
    say("  bytes before: %x, base moved by %d\n", peek(end - 8), base - (end - 16));
    base = end - 48;
    asm volatile(".arch armv8.2-a+fp+simd\n st1 {v0.16b, v1.16b, v2.16b, v3.16b}, [%0], #64"
                 : "+r"(base)::"memory");
    report("ST1 of four registers");
    say("  base moved by %d\n", base - (end - 48));
    zero(end);
    report("DC ZVA unmapped");

    map_page(end, pages[1], NORMAL | AP(2));
    poke(end - 4, ~0ul);
    report("store into a read-only page");
    say("  bytes before: %x\n", peek(end - 8));
    map_page(end - PAGE, 0, 0);
    map_page(end, pages[1], NORMAL);
    poke(end - 4, ~0ul);
    report("store from an unmapped page");
    say("  bytes after: %x\n", peek(end));
    map_page(end - PAGE, pages[1], NORMAL);
    map_page(end, pages[0], NORMAL);
    poke(end - 3, 0x0807060504030201);
    say("stored across pages that are not neighbours: %x %x\n", *(u64 *)(pages[1] + PAGE - 8),
        *(u64 *)pages[0]);
    say("loaded: %x\n", peek(end - 3));
}

/* --- CPACR_EL1.FPEN ---------------------------------------------------------------------------*/

USER static void user_fp(u64 unused)
{
    asm volatile(".arch armv8.2-a+fp+simd\n fmov d0, xzr\n svc #0x42");
}

static void fp(void)
{
    for (u64 fpen = 0; fpen < 4; fpen++) {
        write_sysreg(cpacr_el1, fpen << 20);
        say("FPEN %d\n", fpen);
        asm volatile(".arch armv8.2-a+fp+simd\n fmov d0, xzr");
        report("  EL1, FMOV");
        asm volatile(".arch armv8.2-a+fp+simd\n ldr q0, [%0]" ::"r"(WINDOW));
        report("  EL1, LDR Q");
        asm volatile("mrs x9, fpcr" ::: "x9");
        report("  EL1, MRS FPCR");
        run_user(user_fp, 0);
        report("  EL0, FMOV");
    }
    write_sysreg(cpacr_el1, 3 << 20);
}

int main(void)
{
    clear();
    alignment();
    calls();
    illegal();
    write_sysreg(cpacr_el1, 3 << 20);
    zeroing();
    crossing();
    fp();
    say("done\n");
    return 0;
}
