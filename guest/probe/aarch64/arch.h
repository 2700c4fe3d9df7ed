/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe needs of the architecture. Another one (AArch32) is another folder with an arch.h.
 */
#ifndef PROBE_ARCH_H
#define PROBE_ARCH_H

#include "base/base.h"

#define PROBE_PATH      u"\\EFI\\BOOT\\BOOTAA64.EFI"
#define PROBE_PATH_TEXT "BOOTAA64.EFI"
#define MPIDR_AFFINITY  0xff00fffffful

#define read_sysreg(name)                                                                          \
    ({                                                                                             \
        u64 read_value;                                                                            \
        asm volatile("mrs %0, " #name : "=r"(read_value)::"memory");                               \
        read_value;                                                                                \
    })
#define write_sysreg(name, value)                                                                  \
    asm volatile("msr " #name ", %0\n isb" ::"r"((u64)(value)) : "memory")

/* Single accesses, of a form that a hypervisor can emulate (no write-back, no pairs). */
static inline u8 io_read8(u64 at)
{
    u32 value;

    asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
    return (u8)value;
}

static inline u16 io_read16(u64 at)
{
    u32 value;

    asm volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
    return (u16)value;
}

static inline u32 io_read32(u64 at)
{
    u32 value;

    asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
    return value;
}

static inline void io_write8(u64 at, u8 value)
{
    asm volatile("strb %w0, [%1]" ::"r"((u32)value), "r"(at) : "memory");
}

static inline void io_write16(u64 at, u16 value)
{
    asm volatile("strh %w0, [%1]" ::"r"((u32)value), "r"(at) : "memory");
}

static inline void io_write32(u64 at, u32 value)
{
    asm volatile("str %w0, [%1]" ::"r"(value), "r"(at) : "memory");
}

static inline u64 arch_counter(void)
{
    asm volatile("isb" ::: "memory");
    return read_sysreg(cntvct_el0);
}

static inline u64 arch_counter_hz(void)
{
    return read_sysreg(cntfrq_el0);
}

static inline u64 arch_affinity(void)
{
    return read_sysreg(mpidr_el1) & MPIDR_AFFINITY;
}

static inline void barrier(void)
{
    asm volatile("dsb sy" ::: "memory");
}

static inline void arch_relax(void)
{
    asm volatile("yield" ::: "memory");
}

static inline void arch_irq_on(void)
{
    asm volatile("msr daifclr, #2\n isb" ::: "memory");
}

static inline void arch_irq_off(void)
{
    asm volatile("msr daifset, #2\n isb" ::: "memory");
}

static inline u32 arch_level(void)
{
    return (u32)read_sysreg(CurrentEL) >> 2 & 3;
}

/* ID_AA64PFR0_EL1.EL1: 2 is both states. */
static inline bool arch_has_aarch32(void)
{
    return (read_sysreg(id_aa64pfr0_el1) >> 4 & 15) == 2;
}

/* The virtual timer of this CPU: raises its interrupt after so many ticks, until it is stopped. */
void arch_timer_start(u64 ticks);
void arch_timer_stop(void);

/* SMCCC call; hvc: by HVC, else by SMC. */
u64 arch_call(bool hvc, u64 function, u64 a, u64 b, u64 c);

/* mmu.c: the flat map of our own; memory as UEFI's map said, devices when they are named. */
void mmu_prepare(void);
/* Makes the range accessible as device memory, if it is no memory. False: beyond what the CPU
 * addresses. */
bool mmu_device(u64 base, u64 size);

/* From EL2 or EL1 as the firmware left it to EL1, own tables, own vectors; interrupts masked. */
void arch_own(void);

/* cpu.c */
struct cpu {
    u64 stack; /* its end; entry.S uses the first two */
    u64 number;
    u64 affinity;
    void (*work)(struct cpu *cpu);
    void (*irq)(u32 intid); /* called with what was acknowledged */
    volatile u64 fixup;     /* where to go on after a fault that is expected; 0: none is */
    volatile u32 faulted, irqs, last;
    volatile u32 state; /* for work() */
    volatile u64 result[4];
};
extern struct cpu cpus[];
extern u8 image_base[], _end[];
void arch_cpu_init(u32 number, u64 affinity);
struct cpu *arch_cpu(void);
/* Reads 32 bits where there may be nothing: false when that faults. */
bool arch_try_read32(u64 at, u32 *value);
bool arch_try_read8(u64 at, u8 *value);
void arch_wait(void); /* WFI; returns at an interrupt, taken or masked */
/* Where another CPU starts; its argument is a struct cpu. */
u64 arch_entry(void);
/* Memory that a CPU without caches, or a device, is to see. */
void arch_clean(const void *from, uptr size);

/* gicv3.c: the CPU interface that is system registers */
void gicv3_cpu_init(void);
u32 gicv3_acknowledge(void);
void gicv3_end(u32 intid);
void gicv3_send(u64 affinity, u32 intid);
bool gicv3_has_registers(void);

#endif
