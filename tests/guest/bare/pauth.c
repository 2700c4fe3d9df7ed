/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointer authentication (FEAT_PAuth2, FEAT_FPAC, FEAT_FPACCOMBINE): what does not depend on the
 * algorithm. Manual D8.9, D19.2.37 (ISS of a PAC failure).
 */
#include "bare.h"

#define TBI0   (1ul << 37)
#define ENIA   (1ul << 31)
#define ENIB   (1ul << 30)
#define ENDA   (1ul << 27)
#define ENDB   (1ul << 13)
#define ARCH   ".arch armv8.5-a\n "
#define EC_PAC 0x1c

#define SIGN(name)                                                                                 \
    static u64 name(u64 pointer, u64 modifier)                                                     \
    {                                                                                              \
        asm volatile(ARCH #name " %0, %1" : "+r"(pointer) : "r"(modifier));                        \
        return pointer;                                                                            \
    }
SIGN(pacia)
SIGN(pacib)
SIGN(pacda)
SIGN(pacdb)
SIGN(autia)
SIGN(autib)
SIGN(autda)
SIGN(autdb)

/* No tables of functions: nobody relocates their addresses. */
static u64 sign(int key, u64 pointer, u64 modifier)
{
    return key == 0   ? pacia(pointer, modifier)
           : key == 1 ? pacib(pointer, modifier)
           : key == 2 ? pacda(pointer, modifier)
                      : pacdb(pointer, modifier);
}

static u64 check(int key, u64 pointer, u64 modifier)
{
    return key == 0   ? autia(pointer, modifier)
           : key == 1 ? autib(pointer, modifier)
           : key == 2 ? autda(pointer, modifier)
                      : autdb(pointer, modifier);
}

static const u64 modifier = 0x1234567890abcdef;
static u64 word = 0x5566;

static void keys(u64 seed)
{
#define KEY(name)                                                                                  \
    asm volatile(ARCH "msr ap" #name "keylo_el1, %0\n msr ap" #name                                \
                      "keyhi_el1, %1\n isb" ::"r"(seed * 0x9e3779b97f4a7c15),                      \
                 "r"(~seed * 0xc2b2ae3d27d4eb4f));                                                 \
    seed++
    KEY(ia);
    KEY(ib);
    KEY(da);
    KEY(db);
    KEY(ga);
}

static void said(const char *what)
{
    struct cpu *cpu = this_cpu();

    say("  %s: ", what);
    if (!cpu->exceptions)
        say("fine\n");
    else
        say("%d, esr %x\n", cpu->exceptions, cpu->esr);
    cpu->exceptions = 0;
}

/* A pointer without tag whose upper bits are all equal. */
static void pointers(u64 pointer)
{
    for (int i = 0; i < 4; i++) {
        u64 sealed = sign(i, pointer, modifier);
        say(" key %d: %s, %s\n", i,
            (sealed ^ pointer) & (0xfffffffffffful | 1ul << 55) ? "spoils the address"
            : sealed == pointer                                 ? "no code"
                                                                : "a code",
            check(i, sealed, modifier) == pointer ? "checked" : "lost");
        said("right");
        check(i, sealed ^ 1ul << 53, modifier);
        said("code changed");
        check(i, sealed, modifier + 1);
        said("modifier changed");
        check(i, sealed ^ 0x10, modifier);
        said("address changed");
        check(i ^ 1, sealed, modifier);
        said("other key");
        check(i, sign(i, pointer ^ 1ul << 50, modifier), modifier);
        said("signed although not canonical");
    }
}

static void stripped(u64 pointer)
{
    u64 code = pacia(pointer, 1), data = pacda(pointer, 1);

    asm volatile(ARCH "xpaci %0\n xpacd %1" : "+r"(code), "+r"(data));
    say(" strip: %s %s\n", code == pointer ? "same" : "other", data == pointer ? "same" : "other");
}

/* --- combined instructions --------------------------------------------------------------------*/

static void bye(void)
{
    asm volatile("nop");
}

static void combined(void)
{
    u64 value, base, target = (u64)bye;
    struct cpu *cpu = this_cpu();

    asm volatile(ARCH "mov x9, %0\n paciza x9\n blraaz x9" ::"r"(target) : "x9", "x30", "memory");
    said("BLRAAZ");
    asm volatile(ARCH "mov x9, %0\n pacib x9, sp\n blrab x9, sp" ::"r"(target)
                 : "x9", "x30", "memory");
    said("BLRAB");
    asm volatile(ARCH "mov x9, %0\n pacib x9, sp\n adr x30, 1f\n braa x9, sp\n1:" ::"r"(target)
                 : "x9", "x30", "memory");
    said("BRAA, wrong key");
    asm volatile(ARCH "adr x30, 1f\n paciasp\n retaa\n1:" ::: "x30", "memory");
    said("RETAA");
    asm volatile(ARCH "adr x30, 1f\n pacibsp\n retaa\n1:" ::: "x30", "memory");
    said("RETAA, wrong key");
    base = (u64)&word - 16;
    asm volatile(ARCH "pacdza %0\n ldraa %1, [%0, #16]!" : "+r"(base), "=&r"(value)::"memory");
    said("LDRAA");
    say("  %x, base %s\n", value, base == (u64)&word ? "moved" : "not moved");
    base = (u64)&word;
    value = 7;
    asm volatile(ARCH "pacdza %0\n ldrab %1, [%0]" : "+r"(base), "+&r"(value)::"memory");
    said("LDRAB, wrong key");
    say("  %x\n", value);
    /* ERETAA to the next instruction and back to where we are. */
    asm volatile(ARCH "adr x9, 1f\n pacia x9, sp\n msr elr_el1, x9\n mrs x10, spsel\n"
                      "mov x10, #0x3c5\n msr spsr_el1, x10\n eretaa\n1:" ::
                          : "x9", "x10", "memory");
    said("ERETAA");
    asm volatile(ARCH "adr x9, 1f\n pacib x9, sp\n msr elr_el1, x9\n"
                      "mov x10, #0x3c5\n msr spsr_el1, x10\n eretaa\n1:" ::
                          : "x9", "x10", "memory");
    said("ERETAA, wrong key");
    (void)cpu;
}

/* --- EL0, control bits, tags ------------------------------------------------------------------*/

USER static void user(u64 unused)
{
    asm volatile(ARCH "mov x9, #0x1000\n mov x10, #5\n pacia x9, x10\n autia x9, x10\n"
                      "pacdb x9, x10\n autda x9, x10\n svc #0x42" ::
                          : "x9", "x10");
}

USER static void user_key(u64 unused)
{
    asm volatile(ARCH "mrs x9, apiakeylo_el1\n svc #0x42" ::: "x9");
}

static void control(u64 sctlr)
{
    static const u64 bits[] = {ENIA, ENIB, ENDA, ENDB};
    u64 pointer = (u64)&word;

    for (int off = 0; off < 4; off++) {
        write_sysreg(sctlr_el1, sctlr & ~bits[off]);
        say(" key %d off:", off);
        for (int i = 0; i < 4; i++)
            say(" %s", sign(i, pointer, modifier) == pointer ? "nothing" : "a code");
        check(off, pointer ^ 1ul << 53, modifier);
        said("");
    }
    write_sysreg(sctlr_el1, sctlr);
}

static void tags(void)
{
    u64 tcr = read_sysreg(tcr_el1), pointer = 0x5a00000012345678ul, sealed;
    const char *equal;

    write_sysreg(tcr_el1, tcr | TBI0);
    for (int i = 0; i < 4; i++) {
        sealed = sign(i, pointer, modifier);
        equal = check(i, sealed, modifier) == pointer ? "checked" : "lost";
        say(" TBI0, key %d: tag %x, bit 55 %d, %s\n", i, sealed >> 56, sealed >> 55 & 1, equal);
    }
    asm volatile("adr x9, 1f\n orr x9, x9, %1\n br x9\n1: adr %0, 1b"
                 : "=r"(sealed)
                 : "r"(0x5aul << 56)
                 : "x9", "x16", "memory");
    say(" TBI0: tag of PC after a branch %x\n", sealed >> 56);
    write_sysreg(tcr_el1, tcr | TBI0 | 1ul << 51); /* TBID0: tags on data only */
    pointer = 0x12345678;
    say(" TBID0: %s %s\n",
        pacia(pointer, 3) >> 56 | pacia(pointer, 4) >> 56 ? "top byte used" : "-",
        pacda(pointer, 3) >> 56 | pacda(pointer, 4) >> 56 ? "top byte used" : "-");
    write_sysreg(tcr_el1, tcr);
}

static void generic(void)
{
    u64 a, b, c;

    asm volatile(ARCH "pacga %0, %3, %4\n pacga %1, %3, %5\n pacga %2, %4, %3"
                 : "=&r"(a), "=&r"(b), "=&r"(c)
                 : "r"(1ul), "r"(2ul), "r"(3ul));
    say(" PACGA: low half %x %x, %s\n", a & 0xffffffff, b & 0xffffffff,
        a != b && a != c ? "differ" : "same");
}

int main(void)
{
    u64 sctlr = read_sysreg(sctlr_el1) | ENIA | ENIB | ENDA | ENDB;
    u64 first;

    keys(1);
    write_sysreg(sctlr_el1, sctlr);
    say("low\n");
    pointers((u64)&word);
    say("high\n");
    pointers(0xffff800012345678);
    stripped((u64)&word);
    stripped(0xffff800012345678);
    first = pacia(0x1000, 0x55);
    keys(77);
    say("other keys, %s\n", pacia(0x1000, 0x55) == first ? "same code" : "other code");
    pointers((u64)&word);
    say("combined\n");
    combined();
    say("EL0\n");
    run_user(user, 0);
    said("wrong key");
    run_user(user_key, 0);
    said("key register");
    say("control\n");
    control(sctlr);
    tags();
    generic();
    say("done\n");
    return 0;
}
