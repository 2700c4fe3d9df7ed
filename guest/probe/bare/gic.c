/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupt controllers: GICv2 (IHI 0048) and GICv3 (IHI 0069). All interrupts have one priority.
 */
#include "bare/bare.h"

enum {
    GICD_CTLR = 0x0,
    GICD_TYPER = 0x4,
    GICD_IGROUPR = 0x80,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_SGIR = 0xf00,
    GICD_IROUTER = 0x6000,
    CTLR_RWP = 1u << 31,
    CTLR_ARE_AND_GROUPS = 0x37, /* what of these is not ours to set is ignored */
    GICC_CTLR = 0x0,
    GICC_PMR = 0x4,
    GICC_BPR = 0x8,
    GICC_IAR = 0xc,
    GICC_EOIR = 0x10,
    GICR_CTLR = 0x0,
    GICR_TYPER = 0x8,
    GICR_WAKER = 0x14,
    GICR_SGIS = 0x10000,
    PRIORITY = 0xa0a0a0a0,
    SPURIOUS = 1020, /* and above */
    FIRST_SPI = 32,
};

static struct {
    bool v3;
    u32 lines;
    u64 d, c;
    u64 r[CPUS_BARE]; /* redistributors, by the CPU's number */
} gic;

static void wait_distributor(void)
{
    for (u32 i = 0; i < 1000000 && io_read32(gic.d + GICD_CTLR) & CTLR_RWP; i++)
        ;
}

u32 gic_lines(void)
{
    return gic.lines;
}

/* Goes through the redistributors until the one of this affinity (GICR_TYPER<63:32>). */
static u64 redistributor(u64 affinity)
{
    const struct platform *p = &machine.platform;
    u32 wanted = (u32)((affinity & 0xffffff) | (affinity >> 32 & 255) << 24);

    for (u32 i = 0; i < p->gic.redistributors; i++) {
        u64 at = p->gic.r[i].base, end = at + p->gic.r[i].size;
        while (at + 0x20000 <= end) {
            u32 low = io_read32(at + GICR_TYPER), high = io_read32(at + GICR_TYPER + 4);
            if (high == wanted)
                return at;
            if (low & 1 << 4) /* Last */
                break;
            at += low & 2 ? 0x40000 : 0x20000; /* VLPIS: four frames */
        }
    }
    return 0;
}

/* Where the registers of this interrupt are: SGIs' and PPIs' are banked. */
static u64 bank(u32 intid)
{
    return gic.v3 && intid < FIRST_SPI ? gic.r[arch_cpu()->number] + GICR_SGIS : gic.d;
}

static void set_bit(u32 offset, u32 intid)
{
    io_write32(bank(intid) + offset + intid / 32 * 4, 1u << intid % 32);
    barrier();
}

void gic_enable(u32 intid, bool on)
{
    set_bit(on ? GICD_ISENABLER : GICD_ICENABLER, intid);
    if (gic.v3)
        wait_distributor();
}

void gic_set_pending(u32 intid)
{
    set_bit(GICD_ISPENDR, intid);
}

void gic_clear_pending(u32 intid)
{
    set_bit(GICD_ICPENDR, intid);
}

bool gic_pending(u32 intid)
{
    return io_read32(bank(intid) + GICD_ISPENDR + intid / 32 * 4) >> intid % 32 & 1;
}

u32 gic_next_pending(u32 after)
{
    for (u32 i = after + 1 > FIRST_SPI ? after + 1 : FIRST_SPI; i < gic.lines; i++)
        if (gic_pending(i))
            return i;
    return 0;
}

static void open_distributor(void)
{
    io_write32(gic.d + GICD_CTLR, 0);
    wait_distributor();
    gic.lines = 32 * ((io_read32(gic.d + GICD_TYPER) & 31) + 1);
    if (gic.lines > 1020)
        gic.lines = 1020;
    for (u32 i = FIRST_SPI; i < gic.lines; i += 32) {
        io_write32(gic.d + GICD_ICENABLER + i / 8, ~0u);
        io_write32(gic.d + GICD_ICPENDR + i / 8, ~0u);
        io_write32(gic.d + GICD_ICACTIVER + i / 8, ~0u);
        io_write32(gic.d + GICD_IGROUPR + i / 8, gic.v3 ? ~0u : 0);
    }
    for (u32 i = FIRST_SPI; i < gic.lines; i += 4) {
        io_write32(gic.d + GICD_IPRIORITYR + i, PRIORITY);
        if (!gic.v3)
            io_write32(gic.d + GICD_ITARGETSR + i, 0x01010101);
    }
    /* ARE comes before routing. */
    io_write32(gic.d + GICD_CTLR, gic.v3 ? CTLR_ARE_AND_GROUPS : 1);
    wait_distributor();
    for (u32 i = FIRST_SPI; gic.v3 && i < gic.lines; i++) {
        u64 self = arch_affinity();
        io_write32(gic.d + GICD_IROUTER + i * 8, (u32)self & 0xffffff);
        io_write32(gic.d + GICD_IROUTER + i * 8 + 4, (u32)(self >> 32));
    }
}

bool gic_open(void)
{
    const struct platform *p = &machine.platform;

    gic.v3 = p->gic.version >= 3;
    gic.d = p->gic.d.base;
    gic.c = p->gic.c.base;
    if (!p->gic.version || !mmu_device(gic.d, p->gic.d.size) ||
        (gic.v3 ? !gicv3_has_registers() : !mmu_device(gic.c, p->gic.c.size)))
        return false;
    for (u32 i = 0; gic.v3 && i < p->gic.redistributors; i++)
        if (!mmu_device(p->gic.r[i].base, p->gic.r[i].size))
            return false;
    if (gic.v3) {
        gic.r[0] = redistributor(arch_affinity());
        if (!gic.r[0])
            return false;
    }
    open_distributor();
    gic_cpu_init();
    return true;
}

void gic_cpu_init(void)
{
    struct cpu *cpu = arch_cpu();
    u64 at;

    if (gic.v3) {
        gic.r[cpu->number] = redistributor(arch_affinity());
        at = gic.r[cpu->number];
        if (!at)
            return;
        io_write32(at + GICR_WAKER, io_read32(at + GICR_WAKER) & ~2u);
        for (u32 i = 0; i < 1000000 && io_read32(at + GICR_WAKER) & 4; i++)
            ;
    }
    at = bank(0);
    io_write32(at + GICD_ICENABLER, ~0u);
    io_write32(at + GICD_ICPENDR, ~0u);
    io_write32(at + GICD_ICACTIVER, ~0u);
    io_write32(at + GICD_IGROUPR, gic.v3 ? ~0u : 0);
    for (u32 i = 0; i < FIRST_SPI; i += 4)
        io_write32(at + GICD_IPRIORITYR + i, PRIORITY);
    if (gic.v3) {
        gicv3_cpu_init();
        return;
    }
    io_write32(gic.c + GICC_PMR, 0xf0);
    io_write32(gic.c + GICC_BPR, 0);
    io_write32(gic.c + GICC_CTLR, 1);
}

void gic_send(const struct cpu *to, u32 intid)
{
    barrier();
    if (gic.v3)
        gicv3_send(to->affinity, intid);
    else
        io_write32(gic.d + GICD_SGIR, (u32)(1u << (16 + (to->affinity & 7))) | intid);
}

void gic_interrupt(struct cpu *cpu)
{
    u32 raw = gic.v3 ? gicv3_acknowledge() : io_read32(gic.c + GICC_IAR);
    u32 intid = gic.v3 ? raw : raw & 0x3ff; /* GICv2's SGIs also have their sender */

    if (intid >= SPURIOUS && intid < 8192)
        return;
    if (cpu->irq)
        cpu->irq(intid);
    if (gic.v3)
        gicv3_end(raw);
    else
        io_write32(gic.c + GICC_EOIR, raw);
    cpu->last = intid;
    cpu->irqs++;
}

u32 gic_wait(u64 ms)
{
    struct cpu *cpu = arch_cpu();
    u32 before = cpu->irqs;
    u64 start = arch_counter(), ticks = ms_to_ticks(ms);

    arch_irq_on();
    while (cpu->irqs == before && arch_counter() - start < ticks)
        arch_relax();
    arch_irq_off();
    return cpu->irqs == before ? 0 : cpu->last;
}
