/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ITS and LPIs: tables in memory, commands, LPIs on two CPUs, and the same messages by a store
 * to GITS_TRANSLATER. Needs two CPUs; the others sleep.
 */
#include "bare.h"

enum { GICD = 0x08000000, ITS = 0x08080000, GICR = 0x080a0000, GICR_SIZE = 0x20000 };
enum { LPI0 = 8192, SPURIOUS = 1023, DEVICE_ID = 5, EVENTS = 16, SGI = 5, ROUNDS = 1000 };
enum { MOVI = 1, INT = 3, CLEAR = 4, SYNC = 5, MAPD = 8, MAPC = 9, MAPTI = 10, INV = 12 };
enum { INVALL = 13, MOVALL = 14, DISCARD = 15 };

#define VALID      (1ul << 63)
#define PTZ        (1ul << 62)
#define CACHEABLE  (7ul << 59 | 1ul << 10) /* inner write-back, inner shareable */
#define GICR_WB    (7ul << 7 | 1ul << 10)
#define TABLE_64K  __attribute__((aligned(65536)))
#define QUEUE_SIZE 4096

static u8 config[65536] TABLE_64K, pending[2][65536] TABLE_64K;
static u8 device_table[PAGE] PAGE_ALIGNED, collection_table[PAGE] PAGE_ALIGNED;
static u8 itt[2][PAGE] PAGE_ALIGNED;
static u64 queue[QUEUE_SIZE / 8] PAGE_ALIGNED;
static u64 at; /* in the queue, in bytes */
static u64 count[2], last[2], order, ready, stop;

static volatile u32 *reg(u64 address)
{
    return (volatile u32 *)address;
}

static volatile u64 *reg64(u64 address)
{
    return (volatile u64 *)address;
}

static void unmask(void)
{
    asm volatile("msr daifclr, #2\n isb" ::: "memory");
}

static void mask(void)
{
    asm volatile("msr daifset, #2\n isb" ::: "memory");
}

/* --- commands ---------------------------------------------------------------------------------*/

/* RDbase is a processor number or an address, as GITS_TYPER.PTA says. */
static u64 rdbase(u64 cpu)
{
    return *reg64(ITS + 8) >> 19 & 1 ? GICR + cpu * GICR_SIZE : cpu << 16;
}

static void send(u64 w0, u64 w1, u64 w2, u64 w3)
{
    u64 *command = queue + at / 8;

    command[0] = w0;
    command[1] = w1;
    command[2] = w2;
    command[3] = w3;
    at = (at + 32) % QUEUE_SIZE;
}

/* Has the ITS execute what was sent, and waits for it. */
static void execute(void)
{
    send(SYNC, 0, rdbase(0), 0);
    send(SYNC, 0, rdbase(1), 0);
    asm volatile("dsb sy" ::: "memory");
    *reg64(ITS + 0x88) = at;
    while ((*reg64(ITS + 0x90) & ~1ul) != at)
        relax();
}

/* INT, CLEAR, INV, DISCARD, MOVI. */
static void on_event(u64 opcode, u64 event, u64 collection)
{
    send(opcode | (u64)DEVICE_ID << 32, event, collection, 0);
    execute();
}

static void map_event(u64 device, u64 event, u64 lpi, u64 collection)
{
    send(MAPTI | device << 32, event | lpi << 32, collection, 0);
}

static void configure(u64 lpi, u64 priority, u64 enabled)
{
    *(volatile u8 *)&config[lpi - LPI0] = (u8)(priority | 2 | enabled);
}

/* --- set up -----------------------------------------------------------------------------------*/

static void cpu_init(u64 self)
{
    u64 base = GICR + self * GICR_SIZE;

    if (!self)
        *reg(GICD) = 0x12; /* ARE, group 1 */
    *reg(base + 0x14) &= ~2u;
    while (*reg(base + 0x14) & 4)
        relax();
    *reg64(base + 0x70) = (u64)config | GICR_WB | 15;
    *reg64(base + 0x78) = (u64)pending[self] | GICR_WB | PTZ;
    *reg(base) |= 1;
    *reg(base + 0x10080) = ~0u;
    *reg(base + 0x10100) = 1u << SGI;
    write_sysreg(S3_0_C12_C12_5, 7);  /* ICC_SRE_EL1 */
    write_sysreg(S3_0_C4_C6_0, 0xf0); /* ICC_PMR_EL1 */
    write_sysreg(S3_0_C12_C12_3, 0);  /* ICC_BPR1_EL1 */
    write_sysreg(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
}

static void its_init(void)
{
    *reg64(ITS + 0x100) = VALID | CACHEABLE | (u64)device_table;
    *reg64(ITS + 0x108) = VALID | CACHEABLE | (u64)collection_table;
    *reg64(ITS + 0x80) = VALID | CACHEABLE | (u64)queue;
    *reg64(ITS + 0x88) = 0;
    *reg(ITS) = 1;
    send(MAPD | (u64)DEVICE_ID << 32, 3, VALID | (u64)itt[0], 0); /* 16 events */
    send(MAPD, 3, VALID | (u64)itt[1], 0);                        /* device 0 */
    send(MAPC, 0, VALID | rdbase(0) | 0, 0);
    send(MAPC, 0, VALID | rdbase(1) | 1, 0);
    for (u64 event = 0; event < EVENTS; event++)
        map_event(DEVICE_ID, event, LPI0 + 100 * event, event & 1);
    map_event(0, 7, LPI0 + 77, 0);
    execute();
}

/* --- handlers ---------------------------------------------------------------------------------*/

static void take_one(struct cpu *cpu, struct frame *frame)
{
    u64 self = read_sysreg(mpidr_el1) & 0xff;
    u64 intid = read_sysreg(S3_0_C12_C12_0) & 0xffffff; /* ICC_IAR1_EL1 */

    if (intid == SPURIOUS)
        return;
    write_sysreg(S3_0_C12_C12_1, intid); /* ICC_EOIR1_EL1 */
    if (intid < LPI0)
        return;
    last[self] = intid;
    order = order << 16 | (intid & 0xffff);
    store_release(&count[self], count[self] + 1);
}

static void second_cpu(u64 self)
{
    cpu_init(self);
    this_cpu()->irq = take_one;
    store_release(&ready, 1);
    while (!load_acquire(&stop)) {
        asm volatile("wfi" ::: "memory");
        unmask();
        mask();
    }
}

static void wait_for(u64 cpu, u64 n)
{
    while (load_acquire(&count[cpu]) < n)
        relax();
    say("CPU %d: LPI %d\n", cpu, last[cpu]);
    count[cpu] = 0;
}

static void nothing(const char *what)
{
    for (u64 i = 0; i < 1000; i++)
        relax();
    say("%s: %d and %d interrupts\n", what, load_acquire(&count[0]), load_acquire(&count[1]));
}

/* --- tests ------------------------------------------------------------------------------------*/

static void delivery(void)
{
    on_event(INT, 2, 0);
    wait_for(0, 1);
    on_event(INT, 5, 0);
    wait_for(1, 1);
    dsb();
    *reg(ITS + 0x10040) = 7; /* a PE's store is device 0's */
    wait_for(0, 1);
    on_event(DISCARD, 4, 0);
    on_event(INT, 4, 0);
    on_event(INT, EVENTS, 0);
    send(INT | 6ul << 32, 0, 0, 0);
    execute();
    nothing("unmapped");
}

static void configuration(void)
{
    configure(LPI0 + 200, 0xa0, 0);
    on_event(INV, 2, 0);
    on_event(INT, 2, 0);
    nothing("disabled");
    configure(LPI0 + 200, 0xa0, 1);
    on_event(INV, 2, 0);
    wait_for(0, 1);

    configure(LPI0 + 1200, 0x60, 1);
    configure(LPI0 + 1000, 0x40, 1);
    send(INVALL, 0, 0, 0);
    execute();
    mask();
    order = 0;
    on_event(INT, 2, 0);
    on_event(INT, 12, 0);
    on_event(INT, 10, 0);
    on_event(INT, 8, 0);
    say("highest pending: %d\n", read_sysreg(S3_0_C12_C12_2)); /* ICC_HPPIR1_EL1 */
    unmask();
    wait_for(0, 4);
    say("by priority, then number: %x\n", order);
}

static void clearing(void)
{
    mask();
    on_event(INT, 2, 0);
    say("pending: ISR_EL1 %x\n", read_sysreg(isr_el1));
    on_event(CLEAR, 2, 0);
    for (u64 i = 0; i < 1000 && read_sysreg(isr_el1); i++)
        relax();
    say("cleared: ISR_EL1 %x\n", read_sysreg(isr_el1));
    unmask();
    nothing("cleared");
}

static void moving(void)
{
    mask();
    on_event(INT, 2, 0);
    on_event(MOVI, 2, 1);
    wait_for(1, 1);
    unmask();
    nothing("moved away");
    on_event(INT, 2, 0);
    wait_for(1, 1);
    on_event(MOVI, 2, 0);

    mask();
    on_event(INT, 2, 0);
    on_event(INT, 6, 0);
    on_event(INT, 14, 0);
    send(MOVALL, 0, rdbase(0), rdbase(1));
    execute();
    wait_for(1, 3);
    unmask();
    nothing("all moved away");
    on_event(INT, 2, 0);
    wait_for(0, 1);
}

/* Pending again while it is handled: there is no active state that would hold it back. */
static void no_active_state(void)
{
    u64 first, second;

    mask();
    on_event(INT, 2, 0);
    first = read_sysreg(S3_0_C12_C12_0);
    on_event(INT, 2, 0);
    write_sysreg(S3_0_C12_C12_1, first);
    second = read_sysreg(S3_0_C12_C12_0);
    write_sysreg(S3_0_C12_C12_1, second);
    say("twice: %d, %d, then %d\n", first, second, read_sysreg(S3_0_C12_C12_0));
    unmask();
}

static void many(void)
{
    for (u64 i = 0; i < ROUNDS; i++) {
        u64 cpu = i & 1, before = load_acquire(&count[cpu]);
        on_event(INT, cpu ? 5 : 2, 0);
        while (load_acquire(&count[cpu]) == before)
            relax();
    }
    say("%d rounds: %d and %d interrupts\n", ROUNDS, count[0], count[1]);
}

int main(void)
{
    if (cpu_count(2) < 2) {
        say("needs two CPUs\n");
        return 1;
    }
    memset(config, 0xa3, sizeof(config));
    cpu_init(0);
    this_cpu()->irq = take_one;
    cpu_on(1, second_cpu, 1);
    while (!load_acquire(&ready))
        relax();
    its_init();
    unmask();
    delivery();
    configuration();
    clearing();
    moving();
    no_active_state();
    many();
    mask();
    store_release(&stop, 1);
    dsb();
    write_sysreg(S3_0_C12_C11_5, (u64)SGI << 24 | 2); /* ICC_SGI1R_EL1 */
    cpu_wait_off(1);
    say("done\n");
    return 0;
}
