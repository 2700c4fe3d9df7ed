/* SPDX-License-Identifier: Apache-2.0 */
/* Faults as the kernel passes them on: signal, address, and the syndrome where it shows it. */
#define _GNU_SOURCE
#include "arch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EC_IABORT = 0x20, EC_PC_ALIGN = 0x22, EC_DABORT = 0x24, ESR_WNR = 1 << 6 };

static const uint64_t kernel_address = 0xffff800008000000;

static unsigned class(const struct trap *t)
{
    return (unsigned)(t->esr >> 26);
}

static bool at(const struct trap *t, int signal, const void *address)
{
    return t->signal == signal && t->address == (uint64_t)address;
}

static void load(void *p)
{
    *(volatile uint64_t *)p;
}

static void store(void *p)
{
    *(volatile uint64_t *)p = 1;
}

static void store_pair(void *p)
{
    __asm__ volatile("stp q0, q1, [%0]" ::"r"(p) : "memory");
}

static void add_exclusive(void *p)
{
    __asm__ volatile("ldxr w0, [%0]\n stxr w1, w0, [%0]" ::"r"(p) : "w0", "w1", "memory");
}

static void load_exclusive(void *p)
{
    __asm__ volatile("ldxr x0, [%0]" ::"r"(p) : "x0");
}

static void jump(void *p)
{
    ((void (*)(void))p)();
}

static uint8_t *page_before_a_hole(void)
{
    uint8_t *p = pages(2, PROT_READ | PROT_WRITE);

    munmap(p + PAGE, PAGE);
    return p;
}

static bool unmapped_store(void)
{
    uint8_t *p = page_before_a_hole() + PAGE + 16;
    struct trap t = attempt(store, p);

    return at(&t, SIGSEGV, p) && t.code == SEGV_MAPERR && class(&t) == EC_DABORT && t.esr & ESR_WNR;
}

static bool crossing_load(void)
{
    uint8_t *p = page_before_a_hole();
    struct trap t = attempt(load, p + PAGE - 4);

    return at(&t, SIGSEGV, p + PAGE) && class(&t) == EC_DABORT && !(t.esr & ESR_WNR);
}

static bool crossing_store_leaves_memory(void)
{
    uint8_t *p = page_before_a_hole();
    struct trap t;

    for (unsigned i = 1; i <= 16; i++)
        p[PAGE - i] = 0x55;
    t = attempt(store_pair, p + PAGE - 16);
    for (unsigned i = 1; i <= 16; i++)
        if (p[PAGE - i] != 0x55)
            return false;
    return at(&t, SIGSEGV, p + PAGE);
}

static bool read_only_store(void)
{
    uint8_t *p = pages(1, PROT_READ);
    struct trap t = attempt(store, p + 8);

    return at(&t, SIGSEGV, p + 8) && t.code == SEGV_ACCERR && (t.esr & 0x7f) == (ESR_WNR | 0xf);
}

static bool read_only_exclusive(void)
{
    uint8_t *p = pages(1, PROT_READ);
    struct trap t = attempt(add_exclusive, p);

    return at(&t, SIGSEGV, p) && t.esr & ESR_WNR;
}

static bool no_execute(void)
{
    uint8_t *p = pages(1, PROT_READ | PROT_WRITE);
    struct trap t = attempt(jump, p);

    return at(&t, SIGSEGV, p) && t.pc == (uint64_t)p && class(&t) == EC_IABORT;
}

static bool odd_pc(void)
{
    struct trap t = attempt(jump, (uint8_t *)jump + 2);

    return t.signal == SIGBUS && class(&t) == EC_PC_ALIGN;
}

static bool misaligned_exclusive(void)
{
    /* Across 16 bytes: within them FEAT_LSE2 would allow it. */
    struct trap t = attempt(load_exclusive, pages(1, PROT_READ) + 12);

    return t.signal == SIGBUS;
}

static void use_odd_sp(void *arg)
{
    uint64_t keep;

    __asm__ volatile("mov %0, sp\n add sp, sp, #8\n ldr x0, [sp]\n mov sp, %0" : "=&r"(keep)::"x0");
}

static bool odd_sp(void)
{
    return attempt(use_odd_sp, NULL).signal == SIGBUS;
}

static bool kernel_memory(void)
{
    struct trap t = attempt(load, (void *)kernel_address);

    return t.signal == SIGSEGV;
}

static void undefined(void *arg)
{
    __asm__ volatile(".inst 0");
}

static void system_register(void *arg)
{
    __asm__ volatile("mrs x0, sctlr_el1" ::: "x0");
}

static void mask_interrupts(void *arg)
{
    __asm__ volatile("msr daifset, #2");
}

static void hypervisor_call(void *arg)
{
    __asm__ volatile("hvc #0");
}

static void breakpoint(void *arg)
{
    __asm__ volatile("brk #7");
}

static bool privileged(void)
{
    return attempt(undefined, NULL).signal == SIGILL &&
           attempt(system_register, NULL).signal == SIGILL &&
           attempt(mask_interrupts, NULL).signal == SIGILL &&
           attempt(hypervisor_call, NULL).signal == SIGILL;
}

static bool brk_stops(void)
{
    struct trap t = attempt(breakpoint, NULL);

    return t.signal == SIGTRAP && t.code == TRAP_BRKPT && t.pc == t.address;
}

static bool efault(void)
{
    uint8_t *p = pages(1, PROT_READ);
    int zero = open("/dev/zero", O_RDONLY);
    void *volatile hole = (void *)16; /* the compiler is not to see that it is one */
    bool ok = read(zero, hole, 8) < 0 && errno == EFAULT && read(zero, p, 8) < 0 &&
              errno == EFAULT && write(zero, (void *)kernel_address, 8) < 0;

    close(zero);
    return ok;
}

static bool tag(void)
{
    uint8_t *p = pages(1, PROT_READ);

    return *(volatile uint8_t *)((uint64_t)p | 0x5aull << 56) == 1;
}

const struct test fault_tests[] = {
    {"store to a hole reports a write at its address", unmapped_store},
    {"load across a page reports the byte that failed", crossing_load},
    {"store pair that faults half-way stores nothing", crossing_store_leaves_memory},
    {"store to a read-only page is a permission fault", read_only_store},
    {"exclusive store to a read-only page faults as a write", read_only_exclusive},
    {"jump into data is an instruction abort there", no_execute},
    {"odd PC is a PC alignment fault", odd_pc},
    {"misaligned exclusive load is an alignment fault", misaligned_exclusive},
    {"load through a misaligned SP faults", odd_sp},
    {"kernel memory is out of reach", kernel_memory},
    {"privileged instructions are undefined", privileged},
    {"BRK stops at itself", brk_stops},
    {"system calls survive bad pointers", efault},
    {"top byte of an address is ignored", tag},
    {0},
};
