/* SPDX-License-Identifier: Apache-2.0 */
/* Every PSCI function with arguments it must refuse, and with some it must not (DEN 0022). */
#include "gic.h"

enum { SMC64 = 0x40000000 };
enum {
    VERSION = 0x84000000u,
    CPU_SUSPEND = 0x84000001u,
    CPU_OFF = 0x84000002u,
    CPU_ON = 0x84000003u,
    AFFINITY_INFO = 0x84000004u,
    MIGRATE = 0x84000005u,
    MIGRATE_INFO_TYPE = 0x84000006u,
    MIGRATE_INFO_UP_CPU = 0x84000007u,
    FEATURES = 0x8400000au,
    RESET2 = 0x84000012u,
};

static u64 cpus_there, stage;

static long call(u64 function, u64 a, u64 b, u64 c)
{
    return (int)hvc(function, a, b, c);
}

static void functions(void)
{
    say("version %x\n", hvc(VERSION, 0, 0, 0));
    say("features, 32 bits:");
    for (u64 n = 0; n < 0x18; n++)
        if (call(FEATURES, VERSION + n, 0, 0) != -1)
            say(" %x:%d", n, call(FEATURES, VERSION + n, 0, 0));
    say("\nfeatures, 64 bits:");
    for (u64 n = 0; n < 0x18; n++)
        if (call(FEATURES, (VERSION + n) | SMC64, 0, 0) != -1)
            say(" %x:%d", n, call(FEATURES, (VERSION + n) | SMC64, 0, 0));
    say("\nof SMCCC_VERSION %d, of nonsense %d %d\n", call(FEATURES, 0x80000000, 0, 0),
        call(FEATURES, 0, 0, 0), call(FEATURES, ~0ul, 0, 0));
    say("unknown: %d %d %d %d\n", call(0, 0, 0, 0), call(0x8400001f, 0, 0, 0),
        call(0xc4000000, 0, 0, 0), call(~0ul, 0, 0, 0));
}

static void nothing(u64 unused)
{
    store_release(&stage, 1);
    while (load_acquire(&stage) < 2)
        relax();
}

static void starting(void)
{
    u64 entry = (u64)secondary;

    say("CPU_ON: no such CPU %d %d %d %d\n", call(CPU_ON | SMC64, 0xff, entry, 0),
        call(CPU_ON | SMC64, 1ul << 16, entry, 0), call(CPU_ON | SMC64, 1ul << 32, entry, 0),
        call(CPU_ON | SMC64, 1ul << 24, entry, 0));
    say("CPU_ON: itself %d, by 32 bits %d\n", call(CPU_ON | SMC64, 0, entry, 0),
        call(CPU_ON, 0, entry, 0));
    say("CPU_ON: upper half of the function number ignored %d\n",
        call(0xffffffff00000000 | CPU_ON | SMC64, 0, entry, 0));
    if (cpus_there < 2) {
        say("CPU_ON: on 0, again -4, off 1, on 0, off 1\n");
        return;
    }
    say("CPU_ON: on %d", cpu_on(1, nothing, 0));
    while (!load_acquire(&stage))
        relax();
    say(", again %d", call(CPU_ON | SMC64, 1, entry, 0));
    store_release(&stage, 2);
    cpu_wait_off(1);
    stage = 0;
    say(", off %d, on %d", cpu_state(1), cpu_on(1, nothing, 0));
    while (!load_acquire(&stage))
        relax();
    store_release(&stage, 2);
    cpu_wait_off(1);
    say(", off %d\n", cpu_state(1));
}

static void affinity(void)
{
    say("AFFINITY_INFO: itself %d, by 32 bits %d, no such CPU %d %d\n",
        call(AFFINITY_INFO | SMC64, 0, 0, 0), call(AFFINITY_INFO, 0, 0, 0),
        call(AFFINITY_INFO | SMC64, 0xff, 0, 0), call(AFFINITY_INFO | SMC64, 1ul << 32, 0, 0));
    say("AFFINITY_INFO: level 7 %d\n", call(AFFINITY_INFO | SMC64, 0, 7, 0));
    say("MIGRATE %d, MIGRATE_INFO_TYPE %d, MIGRATE_INFO_UP_CPU %d\n", call(MIGRATE, 0, 0, 0),
        call(MIGRATE_INFO_TYPE, 0, 0, 0), call(MIGRATE_INFO_UP_CPU, 0, 0, 0));
}

static void suspend(void)
{
    gic_init();
    gic_enable(PPI_VIRTUAL_TIMER, 1);
    write_sysreg(cntv_cval_el0, 0);
    write_sysreg(cntv_ctl_el0, 1);
    while (!read_sysreg(isr_el1))
        relax();
    say("CPU_SUSPEND: standby %d", call(CPU_SUSPEND | SMC64, 0, 0, 0));
    say(", by 32 bits %d", call(CPU_SUSPEND, 0, 0, 0));
    write_sysreg(cntv_ctl_el0, 0);
    say(", reserved bits %d\n", call(CPU_SUSPEND | SMC64, 0x80000000, 0, 0));
    say("SYSTEM_RESET2: unknown type %d %d\n", call(RESET2, 1, 0, 0),
        call(RESET2 | SMC64, 5, 0, 0));
}

USER static void user_hvc(u64 unused)
{
    asm volatile("hvc #0\n smc #0\n svc #0x42");
}

int main(void)
{
    cpus_there = cpu_count(2);
    functions();
    starting();
    affinity();
    suspend();
    run_user(user_hvc, 0);
    report("at EL0");
    say("done\n");
    return 0;
}
