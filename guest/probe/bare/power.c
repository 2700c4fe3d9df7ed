/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI (DEN0022), by the conduit that the machine's description names. */
#include "bare/bare.h"
#include "base/tap.h"

enum {
    VERSION = 0x84000000,
    CPU_OFF = 0x84000002,
    SYSTEM_OFF = 0x84000008,
    SYSTEM_RESET = 0x84000009,
    FEATURES = 0x8400000a,
};

bool psci_there(void)
{
    return machine.platform.psci.hvc || machine.platform.psci.smc;
}

u64 psci(u32 function, u64 a, u64 b, u64 c)
{
    return psci_there() ? arch_call(machine.platform.psci.hvc, function, a, b, c) : ~0ull;
}

void psci_cpu_off(void)
{
    psci(CPU_OFF, 0, 0, 0);
    for (;;)
        arch_wait();
}

void psci_reset(void)
{
    psci(SYSTEM_RESET, 0, 0, 0);
}

void psci_power_off(void)
{
    psci(SYSTEM_OFF, 0, 0, 0);
}

void test_psci(void)
{
    static const u32 functions[] = {CPU_OFF, 0xc4000003, 0xc4000004, SYSTEM_OFF, SYSTEM_RESET};
    u32 version;

    test_begin("P7 PSCI 0.2 or newer is described and answers");
    if (!psci_there()) {
        test_bad("the %s has no PSCI with a method", machine.platform.source);
        test_end("-");
        return;
    }
    version = (u32)psci(VERSION, 0, 0, 0);
    if (version & 0x80000000 || version < 2)
        test_bad("PSCI_VERSION returns 0x%x", version);
    /* PSCI_FEATURES is new in 1.0. */
    for (u32 i = 0; version >> 16 && !(version >> 31) && i < COUNT(functions); i++)
        if ((int)psci(FEATURES, functions[i], 0, 0) < 0)
            test_bad("PSCI_FEATURES: no function 0x%08x", functions[i]);
    test_fix("describe PSCI with compatible \"arm,psci-0.2\" and its method");
    test_end("version %u.%u by %s", version >> 16, version & 0xffff,
             machine.platform.psci.hvc ? "HVC" : "SMC");
}
