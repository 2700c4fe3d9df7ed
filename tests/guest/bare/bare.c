/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small run-time system of the bare guests. An exception is recorded for report(); then the
 * instruction is skipped, a call to where no code can be had returns to its caller, and SVC #0x42
 * ends run_at(). A test that wants something else sets its CPU's handler.
 */
#include "bare.h"

enum { UART = 0x09000000, LEVEL3_TABLES = 16 };

struct cpu cpus[CPUS] PAGE_ALIGNED;
u64 level1[512] PAGE_ALIGNED, window_level2[512] PAGE_ALIGNED;
static u64 ram_level2[512] PAGE_ALIGNED, image_level3[512] PAGE_ALIGNED;
static u64 level3[LEVEL3_TABLES][512] PAGE_ALIGNED;
static u64 level3_used;
static u8 user_stack[PAGE] PAGE_ALIGNED;

/* --- printing ---------------------------------------------------------------------------------*/

static void put(char c)
{
    *(volatile u32 *)UART = (u8)c;
}

static void put_number(u64 value, u64 base)
{
    char digits[24];
    int n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        put(digits[--n]);
}

static void put_text(const char *text)
{
    while (*text)
        put(*text++);
}

void say(const char *format, ...)
{
    __builtin_va_list list;

    __builtin_va_start(list, format);
    for (; *format; format++) {
        if (*format != '%') {
            if (*format == '\n')
                put('\r');
            put(*format);
            continue;
        }
        switch (*++format) {
        case 'x':
            put_number(__builtin_va_arg(list, u64), 16);
            break;
        case 'd': {
            long value = __builtin_va_arg(list, long);
            if (value < 0)
                put('-');
            put_number((u64)(value < 0 ? -value : value), 10);
            break;
        }
        case 's':
            put_text(__builtin_va_arg(list, const char *));
            break;
        default:
            put((char)__builtin_va_arg(list, int));
        }
    }
    __builtin_va_end(list);
}

void *memset(void *to, int value, u64 size)
{
    for (volatile u8 *p = to; size; size--)
        *p++ = (u8)value;
    return to;
}

/* --- the command line -------------------------------------------------------------------------*/

u64 device_tree; /* start.S */

/* The only text of the device tree that holds such words. */
const char *boot_option(const char *word)
{
    const u8 *blob = (const u8 *)device_tree;
    u64 size = (u64)__builtin_bswap32(*(const u32 *)(device_tree + 4)), n;

    for (u64 i = 0; i < size; i++) {
        for (n = 0; word[n] && i + n < size && blob[i + n] == (u8)word[n]; n++)
            ;
        if (!word[n])
            return (const char *)blob + i + n;
    }
    return 0;
}

/* --- PSCI -------------------------------------------------------------------------------------*/

u64 hvc(u64 function, u64 a, u64 b, u64 c)
{
    register u64 x0 asm("x0") = function;
    register u64 x1 asm("x1") = a;
    register u64 x2 asm("x2") = b;
    register u64 x3 asm("x3") = c;

    asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    return x0;
}

void power_off(void)
{
    hvc(0x84000008, 0, 0, 0);
    for (;;)
        relax();
}

long cpu_on(u64 number, void (*work)(u64), u64 argument)
{
    if (number >= CPUS)
        return -2;
    cpus[number].work = work;
    cpus[number].argument = argument;
    cpus[number].number = number;
    dsb();
    return (int)hvc(0xc4000003, number, (u64)secondary, number);
}

void secondary_main(void)
{
    struct cpu *cpu = this_cpu();

    cpu->work(cpu->argument);
}

long cpu_state(u64 number)
{
    return (int)hvc(0xc4000004, number, 0, 0);
}

void cpu_wait_off(u64 number)
{
    while (cpu_state(number) != 1)
        relax();
}

u64 cpu_count(u64 most)
{
    u64 n = 1;

    while (n < most && cpu_state(n) >= 0)
        n++;
    return n;
}

/* --- exceptions -------------------------------------------------------------------------------*/

static void finish_run(struct frame *frame)
{
    frame->elr = (u64)run_done;
    frame->spsr = SPSR_EL1H;
}

static void after(struct cpu *cpu, struct frame *frame, u64 ec)
{
    if (cpu->retry)
        return;
    switch (ec) {
    case EC_SVC:
        break;
    case EC_IABORT_LOW:
    case EC_IABORT:
    case EC_PC:
    case EC_ILLEGAL:
        if ((cpu->spsr & 0x1f) == 5 && ec != EC_ILLEGAL)
            frame->elr = frame->x[30];
        else
            finish_run(frame);
        break;
    default:
        frame->elr += 4;
        frame->spsr &= ~(3ul << 10); /* PSTATE.BTYPE */
    }
}

void exception(struct frame *frame, u64 vector)
{
    struct cpu *cpu = this_cpu();
    u64 esr = read_sysreg(esr_el1);

    if (((vector & 3) == 1 || (vector & 3) == 2) && cpu->irq) { /* IRQ, FIQ */
        cpu->fiq = (vector & 3) == 2;
        cpu->irqs++;
        cpu->irq(cpu, frame);
        return;
    }
    if (vector & 3) {
        say("unexpected exception through vector %x\n", vector * 0x80);
        power_off();
    }
    if (esr >> 26 == EC_SVC && (esr & 0xffff) == 0x42) {
        finish_run(frame);
        return;
    }
    cpu->esr = esr;
    cpu->far = read_sysreg(far_el1);
    cpu->elr = frame->elr;
    cpu->spsr = frame->spsr;
    cpu->exceptions++;
    if (cpu->handler)
        cpu->handler(cpu, frame);
    else
        after(cpu, frame, esr >> 26);
}

/* FAR_EL1 is only known after these. */
static int far_valid(u64 ec)
{
    return (ec >= EC_IABORT_LOW && ec <= EC_DABORT) || ec == EC_WATCHPOINT ||
           ec == EC_WATCHPOINT_LOW;
}

void report(const char *what)
{
    struct cpu *cpu = this_cpu();
    u64 ec = cpu->esr >> 26;

    say("%s: ", what);
    if (!cpu->exceptions)
        say("no exception\n");
    else if (far_valid(ec) && cpu->far >= WINDOW)
        say("%d, esr %x far %x spsr %x\n", cpu->exceptions, cpu->esr, cpu->far,
            cpu->spsr & 0xf03003cf);
    else
        say("%d, esr %x spsr %x\n", cpu->exceptions, cpu->esr, cpu->spsr & 0xf03003cf);
    cpu->exceptions = 0;
}

u64 run_user(void (*function)(u64), u64 argument)
{
    return run_at(function, argument, (u64)user_stack + PAGE, SPSR_EL0);
}

/* --- page tables ------------------------------------------------------------------------------*/

/* Level 1: 1 GiB an entry, 39-bit addresses. Everything may be executed at EL1. */
void mmu_tables(void)
{
    u64 image = (u64)level1 & ~(u64)(BLOCK - 1);

    level1[0] = 0x0ul | AF | DEVICE | PXN | UXN | 1;
    level1[1] = (u64)ram_level2 | 3;
    level1[WINDOW >> 30] = (u64)window_level2 | 3;
    for (u64 i = 0; i < 512; i++) {
        u64 pa = 0x40000000ul + i * BLOCK;
        ram_level2[i] = pa == image ? (u64)image_level3 | 3 : pa | NORMAL | UXN | 1;
    }
    for (u64 i = 0; i < 512; i++) {
        u64 pa = image + i * PAGE;
        if (pa >= (u64)user_start && pa < (u64)user_end)
            image_level3[i] = pa | NORMAL | AP(3) | 3;
        else if (pa < (u64)user_start) /* so that it runs under WXN too */
            image_level3[i] = pa | NORMAL | AP(2) | UXN | 3;
        else if (pa == (u64)user_stack)
            image_level3[i] = pa | NORMAL | AP(1) | PXN | UXN | 3;
        else
            image_level3[i] = pa | NORMAL | UXN | 3;
    }
}

static void set_shareability(u64 *table, u64 entries, int inner)
{
    for (u64 i = 0; i < entries; i++)
        if ((table[i] & 1) && table[i] & AF)
            table[i] = (table[i] & ~INNER) | (inner ? INNER : 0);
}

void mmu_shareability(int inner)
{
    set_shareability(level1, 1, inner);
    set_shareability(ram_level2, 512, inner);
    set_shareability(image_level3, 512, inner);
    tlbi_all();
}

void mmu_on(void)
{
    write_sysreg(mair_el1, 0x04ff); /* 0: write-back; 1: Device-nGnRE */
    /* T0SZ 25, inner shareable write-back walks, 4K, no TTBR1, 40-bit output. */
    write_sysreg(tcr_el1,
                 25 | 1 << 8 | 1 << 10 | 3 << 12 | 25 << 16 | 1 << 23 | 2ul << 30 | 2ul << 32);
    write_sysreg(ttbr0_el1, level1);
    tlbi_all();
    /* RES1 bits, UCI, nTWE, nTWI, UCT, DZE, I, C, SA0, SA, M. */
    write_sysreg(sctlr_el1, 0x34d5d99d);
}

void tlbi_va(u64 va)
{
    asm volatile("dsb ishst\n tlbi vaae1is, %0\n dsb ish\n isb" ::"r"(va >> 12 & 0xffffffffffful)
                 : "memory");
}

void tlbi_all(void)
{
    asm volatile("dsb ishst\n tlbi vmalle1is\n dsb ish\n isb" ::: "memory");
}

volatile u64 *block_desc(u64 va)
{
    return &window_level2[va / BLOCK % 512];
}

volatile u64 *page_desc(u64 va)
{
    volatile u64 *desc = block_desc(va);

    if ((*desc & 3) != 3) {
        if (level3_used == LEVEL3_TABLES) {
            say("out of tables\n");
            power_off();
        }
        *desc = 0;
        tlbi_va(va);
        *desc = (u64)level3[level3_used++] | 3;
        dsb();
    }
    return (volatile u64 *)(*desc & 0xfffffffff000) + va / PAGE % 512;
}

static void replace(volatile u64 *desc, u64 va, u64 value)
{
    *desc = 0;
    tlbi_va(va);
    *desc = value;
    dsb();
    isb();
}

void map_page(u64 va, void *page, u64 attributes)
{
    replace(page_desc(va), va, attributes ? (u64)page | attributes | 3 : 0);
}

void map_block(u64 va, u64 pa, u64 attributes)
{
    replace(block_desc(va), va, attributes ? pa | attributes | 1 : 0);
}

void sync_code(void *from, u64 size)
{
    u64 start = (u64)from & ~15ul, end = (u64)from + size;

    for (u64 at = start; at < end; at += 16)
        asm volatile("dc cvau, %0" ::"r"(at) : "memory");
    asm volatile("dsb ish" ::: "memory");
    for (u64 at = start; at < end; at += 16)
        asm volatile("ic ivau, %0" ::"r"(at) : "memory");
    asm volatile("dsb ish\n isb" ::: "memory");
}
