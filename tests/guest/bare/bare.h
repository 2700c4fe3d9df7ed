/* SPDX-License-Identifier: Apache-2.0 */
/* What the bare guests share: printing, exceptions, page tables, CPUs. See bare.c. */
#ifndef BARE_H
#define BARE_H

/* For all that follows, in the guests too: no addresses from a table, which nobody relocates. */
#pragma GCC visibility push(hidden)

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define read_sysreg(name)                                                                          \
    ({                                                                                             \
        u64 read_value;                                                                            \
        asm volatile("mrs %0, " #name : "=r"(read_value)::"memory");                               \
        read_value;                                                                                \
    })
#define write_sysreg(name, value)                                                                  \
    asm volatile("msr " #name ", %0\n isb" ::"r"((u64)(value)) : "memory")

#define USER         __attribute__((section(".user"), noinline))
#define PAGE_ALIGNED __attribute__((aligned(4096)))

enum { PAGE = 4096, BLOCK = 2 << 20, CPUS = 8 };

/* Exception classes. */
enum {
    EC_UNKNOWN = 0x00,
    EC_FP = 0x07,
    EC_ILLEGAL = 0x0e,
    EC_SVC = 0x15,
    EC_IABORT_LOW = 0x20,
    EC_IABORT = 0x21,
    EC_PC = 0x22,
    EC_DABORT_LOW = 0x24,
    EC_DABORT = 0x25,
    EC_SP = 0x26,
    EC_BREAKPOINT_LOW = 0x30,
    EC_BREAKPOINT = 0x31,
    EC_STEP_LOW = 0x32,
    EC_STEP = 0x33,
    EC_WATCHPOINT_LOW = 0x34,
    EC_WATCHPOINT = 0x35,
    EC_BRK = 0x3c,
};

/* SPSR values: EL0, EL1 with SP_EL0, EL1 with SP_EL1; DAIF masked. */
enum { SPSR_EL0 = 0x3c0, SPSR_EL1T = 0x3c4, SPSR_EL1H = 0x3c5 };

struct frame {
    u64 x[31], elr, spsr;
};

struct cpu {
    u64 saved_sp;            /* run_at */
    u64 esr, far, elr, spsr; /* of the last synchronous exception */
    volatile u64 exceptions, irqs;
    u64 retry; /* handler: run the instruction again */
    void (*handler)(struct cpu *cpu, struct frame *frame);
    void (*irq)(struct cpu *cpu, struct frame *frame);
    void (*work)(u64 argument);
    u64 argument, number;
    u64 fiq; /* what irq was called for */
    u64 pad[32 - 14];
};
_Static_assert(sizeof(struct cpu) == 256, "start.S");

static inline struct cpu *this_cpu(void)
{
    return (struct cpu *)read_sysreg(tpidr_el1);
}

/* bare.c */
void say(const char *format, ...); /* %x %d %s %c */
void power_off(void) __attribute__((noreturn));
void *memset(void *to, int value, u64 size);
u64 hvc(u64 function, u64 a, u64 b, u64 c);
/* Prints the exception since the last call, or that there was none. */
void report(const char *what);
/* What follows a word in the kernel's command line, or NULL. */
const char *boot_option(const char *word);
/* Starts CPU number on work; PSCI's answer. */
long cpu_on(u64 number, void (*work)(u64), u64 argument);
long cpu_state(u64 number);
void cpu_wait_off(u64 number);
/* How many CPUs there are, up to `most`; asks PSCI. */
u64 cpu_count(u64 most);
u64 run_at(void (*function)(u64), u64 argument, u64 sp, u64 spsr);
u64 run_user(void (*function)(u64), u64 argument);
extern char run_done[], secondary[];
extern u8 user_start[], user_end[], _end[];

/* Page tables. The image and all of RAM are mapped flat; a window for tests starts here. */
#define WINDOW 0x80000000ul
#define AF     (1ul << 10)
#define NG     (1ul << 11)
#define AP(n)  ((u64)(n) << 6)
#define DBM    (1ul << 51)
#define PXN    (1ul << 53)
#define UXN    (1ul << 54)
#define DEVICE (1ul << 2) /* MAIR index 1; 0 is normal write-back memory */
#define INNER  (3ul << 8)
#define NORMAL (AF | INNER)
void mmu_tables(void);
void mmu_on(void);
/* Whether the flat mapping says inner shareable, or leaves the bits zero. */
void mmu_shareability(int inner);
/* The level 3 descriptor of a page of the window, its table made if need be; or the level 2 one. */
volatile u64 *page_desc(u64 va);
volatile u64 *block_desc(u64 va);
/* Break, invalidate, make. attributes 0: leave unmapped. */
void map_page(u64 va, void *page, u64 attributes);
void map_block(u64 va, u64 pa, u64 attributes);
void tlbi_va(u64 va);
void tlbi_all(void);
extern u64 level1[512], window_level2[512];

/* After code was written: what manual B2.4.4 prescribes. */
void sync_code(void *from, u64 size);

static inline void isb(void)
{
    asm volatile("isb" ::: "memory");
}

static inline void dsb(void)
{
    asm volatile("dsb ish" ::: "memory");
}

static inline void relax(void)
{
    asm volatile("yield" ::: "memory");
}

static inline u64 peek(u64 va)
{
    u64 value;

    asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(va), "0"(0xbadul) : "memory");
    return value;
}

static inline void poke(u64 va, u64 value)
{
    asm volatile("str %0, [%1]" ::"r"(value), "r"(va) : "memory");
}

static inline u64 load_acquire(u64 *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void store_release(u64 *p, u64 value)
{
    __atomic_store_n(p, value, __ATOMIC_RELEASE);
}

#endif
