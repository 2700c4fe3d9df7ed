/* SPDX-License-Identifier: Apache-2.0 */
/* After ExitBootServices: the machine without firmware. */
#ifndef PROBE_BARE_H
#define PROBE_BARE_H

#include "arch.h"
#include "describe/platform.h"

struct fdt;

/* How many CPUs are started at most: enough for all of a GICv2. */
enum { CPUS_BARE = 8 };

/* What was learnt while there was firmware. */
struct machine {
    struct platform platform;  /* what the bare part goes by */
    const struct fdt *fdt;     /* NULL: none */
    const void *rsdp;          /* NULL: none */
    struct platform from_acpi; /* if there is both */
    u32 boot;                  /* BOOT_x */
};
extern struct machine machine;

/* bare.c: all of it; ends with a reset or with the power off. */
void bare_main(void) __attribute__((noreturn));
/* The run cannot go on. */
void bail_out(const char *format, ...) PRINTF(1) __attribute__((noreturn));

static inline u64 ms_to_ticks(u64 ms)
{
    return arch_counter_hz() * ms / 1000;
}

/* Until *word is what it should be or the time is over; true if it is. */
static inline bool wait_for(volatile u32 *word, u32 value, u64 ms)
{
    u64 start = arch_counter(), ticks = ms_to_ticks(ms);

    while (*word != value) {
        if (arch_counter() - start > ticks)
            return *word == value;
        arch_relax();
    }
    return true;
}

/* console.c */
void console_open(void);
void console_write(const char *text); /* a line */
bool console_there(void);
void test_console_input(void); /* P3 */
void test_consoles(void);

/* gic.c */
bool gic_open(void);
void gic_cpu_init(void); /* each CPU for itself */
void gic_enable(u32 intid, bool on);
void gic_set_pending(u32 intid);
void gic_clear_pending(u32 intid);
bool gic_pending(u32 intid);
void gic_send(const struct cpu *to, u32 intid);
u32 gic_lines(void); /* INTIDs up to this one are implemented, at most 1020 */
/* The next SPI behind `after` that is pending; 0: none. */
u32 gic_next_pending(u32 after);
void gic_interrupt(struct cpu *cpu); /* what the vectors call */
/* Interrupts unmasked until one was taken (then its INTID) or the time is over (0). */
u32 gic_wait(u64 ms);
u32 gic_described_version(void);

/* interrupts.c, timers.c, cpus.c */
void test_interrupts(void); /* P4 */
void test_timers(void);     /* P5 */
void test_cpus(void);       /* P4, P5, P7 on the other CPUs */

/* power.c */
u64 psci(u32 function, u64 a, u64 b, u64 c);
bool psci_there(void);
void psci_cpu_off(void);
void psci_reset(void);
void psci_power_off(void);
void test_psci(void);

/* runtime.c: F1, F5, F7 without boot services */
void test_runtime(void);

/* tree.c: H2; acpi_check.c: H4 */
void test_tree_form(void);
void test_tree_devices(void);
void test_acpi_form(void);
void test_acpi_devices(void);

#endif
