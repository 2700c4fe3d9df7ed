/* SPDX-License-Identifier: Apache-2.0 */
/* System registers and operations that EL0 may use. */
#define _GNU_SOURCE
#include "arch.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HWCAP_LSE = 1 << 8, HWCAP2_RANDOM = 1 << 16 };

static bool counter(void)
{
    uint64_t before, after, frequency;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(before));
    usleep(20000);
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(after));
    return frequency >= 1000000 && after - before >= frequency / 50 &&
           after - before < 10 * frequency;
}

static bool cache_types(void)
{
    uint64_t ctr, dczid;

    __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
    __asm__ volatile("mrs %0, dczid_el0" : "=r"(dczid));
    return (ctr & 15) == 4 && (ctr >> 16 & 15) == 4 && dczid == 4;
}

/* The kernel emulates these reads from what it found at boot. */
static bool identification(void)
{
    uint64_t midr, isar0;

    __asm__ volatile("mrs %0, midr_el1" : "=r"(midr));
    __asm__ volatile("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
    return midr && (isar0 >> 20 & 15) == (getauxval(AT_HWCAP) & HWCAP_LSE ? 2u : 0u);
}

static bool random_numbers(void)
{
    uint64_t a, b, ok;

    if (!(getauxval(AT_HWCAP2) & HWCAP2_RANDOM))
        return true;
    __asm__ volatile("mrs %0, S3_3_C2_C4_0\n cset %1, ne" : "=r"(a), "=r"(ok)::"cc");
    if (!ok)
        return false;
    __asm__ volatile("mrs %0, S3_3_C2_C4_1\n cset %1, ne" : "=r"(b), "=r"(ok)::"cc");
    return ok && a != b;
}

static bool fp_status(void)
{
    uint64_t status;
    volatile double zero = 0;
    volatile double quotient;

    __asm__ volatile("msr fpsr, %1\n mrs %0, fpsr" : "=r"(status) : "r"(0x0800009full));
    if (status != 0x0800009f)
        return false;
    __asm__ volatile("msr fpsr, xzr");
    quotient = 1 / zero;
    __asm__ volatile("mrs %0, fpsr" : "=r"(status));
    return status == 2 && quotient > 0;
}

/* FRINTI follows FPCR.RMode: 3 is towards zero. */
static bool rounding(void)
{
    double down, nearest, value = -1.7;

    __asm__ volatile("msr fpcr, %2\n frinti %d0, %d1\n msr fpcr, xzr"
                     : "=w"(down)
                     : "w"(value), "r"(3ull << 22));
    __asm__ volatile("frinti %d0, %d1" : "=w"(nearest) : "w"(value));
    return down == -1 && nearest == -2;
}

static bool flags(void)
{
    for (uint64_t nzcv = 0; nzcv < 16; nzcv++) {
        uint64_t back;
        __asm__ volatile("msr nzcv, %1\n mrs %0, nzcv" : "=r"(back) : "r"(nzcv << 28) : "cc");
        if (back != nzcv << 28)
            return false;
    }
    return true;
}

static bool zero_line(void)
{
    uint8_t *p = pages(1, PROT_READ | PROT_WRITE);

    memset(p, 0xff, PAGE);
    __asm__ volatile("dc zva, %0" ::"r"(p + 128 + 5) : "memory");
    for (unsigned i = 0; i < PAGE; i++)
        if (p[i] != (i >= 128 && i < 192 ? 0 : 0xff))
            return false;
    return true;
}

static void maintain(void *p)
{
    __asm__ volatile(
        "dc cvac, %0\n dc cvau, %0\n dc civac, %0\n ic ivau, %0\n dsb ish\n isb" ::"r"(p)
        : "memory");
}

static bool maintenance(void)
{
    struct trap t = attempt(maintain, pages(1, PROT_READ));

    if (t.signal)
        return false;
    t = attempt(maintain, (void *)16);
    return t.signal == SIGSEGV && t.address == 16;
}

const struct test register_tests[] = {
    {"virtual counter runs at its frequency", counter},
    {"cache lines and DC ZVA have 64 bytes", cache_types},
    {"ID registers agree with the kernel's capabilities", identification},
    {"RNDR and RNDRRS give numbers", random_numbers},
    {"FPSR keeps and collects its bits", fp_status},
    {"FPCR.RMode directs rounding", rounding},
    {"NZCV goes out and in", flags},
    {"DC ZVA clears one line", zero_line},
    {"cache maintenance works, and faults on holes", maintenance},
    {0},
};
