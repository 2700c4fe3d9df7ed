/* SPDX-License-Identifier: Apache-2.0 */
/* P4: the interrupt controller that is described delivers. */
#include "bare/bare.h"
#include "base/tap.h"

enum { SGI = 7, WAIT_MS = 10000 };
/* How GICD_PIDR2 names the architecture: bits 7:4. Its place differs. */
enum { PIDR2_V2 = 0xfe8, PIDR2_V3 = 0xffe8 };

static volatile u32 taken[1020];

static void take(u32 intid)
{
    if (intid < COUNT(taken))
        taken[intid]++;
    /* A level interrupt is taken once; who made it looks after it. */
    if (intid >= 16 && intid < 1020)
        gic_enable(intid, false);
}

static void test_version(void)
{
    const struct platform *p = &machine.platform;
    u32 at = p->gic.version >= 3 ? PIDR2_V3 : PIDR2_V2, pidr2 = 0;

    test_begin("P4 a GICv2 or newer is described, and it is one");
    if (!p->gic.version)
        test_bad("the %s has no GIC that is known", p->source);
    else if (at + 4 > p->gic.d.size)
        test_bad("the distributor has only 0x%llx bytes", p->gic.d.size);
    else if (!arch_try_read32(p->gic.d.base + at, &pidr2))
        test_bad("the distributor at 0x%llx does not answer", p->gic.d.base);
    /* A GICv2 need not have the register's architecture field. */
    else if (p->gic.version >= 3 && (pidr2 >> 4 & 15) < 3)
        test_bad("a GICv%u is described, GICD_PIDR2 is 0x%x", p->gic.version, pidr2);
    test_end("GICv%u at 0x%llx, %u INTIDs", p->gic.version, p->gic.d.base, gic_lines());
}

static void test_count(void)
{
    const struct platform *p = &machine.platform;
    u32 most = p->gic.version == 2 ? 8 : CPUS_MAX;

    test("P4 there are no more CPUs than the GIC can serve", p->cpus && p->cpus <= most,
         "%u CPUs on a GICv%u", p->cpus, p->gic.version);
}

static void test_one(const char *name, u32 intid, bool sgi)
{
    struct cpu *cpu = arch_cpu();
    u32 before = taken[intid], got;

    test_begin(name);
    if (intid >= gic_lines())
        test_bad("INTID %u is beyond the %u that there are", intid, gic_lines());
    gic_enable(intid, true);
    if (sgi)
        gic_send(cpu, intid);
    else
        gic_set_pending(intid);
    got = gic_wait(WAIT_MS);
    if (!got && taken[intid] == before)
        test_bad("INTID %u does not arrive", intid);
    else if (got != intid)
        test_bad("INTID %u arrives for %u", got, intid);
    gic_enable(intid, false);
    test_end("INTID %u", intid);
}

/* Masked by the enable bit it must stay pending. */
static void test_disabled(u32 intid)
{
    u32 got;

    test_begin("P4 an interrupt that is not enabled waits");
    gic_enable(intid, false);
    gic_set_pending(intid);
    got = gic_wait(20);
    if (got)
        test_bad("INTID %u arrives", got);
    if (!gic_pending(intid))
        test_bad("INTID %u is not pending", intid);
    gic_enable(intid, true);
    got = gic_wait(WAIT_MS);
    if (got != intid)
        test_bad("INTID %u does not arrive when it is enabled", intid);
    gic_enable(intid, false);
    test_end("INTID %u", intid);
}

void test_interrupts(void)
{
    /* The last SPI: nothing is likely to be connected to it. */
    u32 spi = gic_lines() - 1;

    arch_cpu()->irq = take;
    test_version();
    test_count();
    test_one("P4 an SGI is delivered", SGI, true);
    test_one("P4 a PPI is delivered",
             machine.platform.timer.virtual ? machine.platform.timer.virtual : 27, false);
    test_one("P4 an SPI is delivered", spi, false);
    test_disabled(spi);
}
