/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware calls: PSCI 1.1 (DEN 0022D.b) for power, and what SMCCC 1.1 (DEN 0028) requires besides.
 * Power states are handed over through arm_cpu.power: CPU_ON makes the target ON_PENDING, the
 * target's own thread resets it and makes it ON; CPU_OFF makes the caller OFF, and its thread
 * parks.
 */
#include "arm/psci.h"

#include "arm/cpu.h"
#include "arm/hooks.h"
#include "base/bits.h"
#include "base/trace.h"
#include "machine/mem/mem.h"

/* Function identifiers without bit 30, which tells SMC64 from SMC32. */
enum {
    SMCCC_VERSION = 0x80000000,
    SMCCC_ARCH_FEATURES = 0x80000001,
    SMCCC_WORKAROUND_1 = 0x80008000,
    SMCCC_WORKAROUND_2 = 0x80007fff,
    SMCCC_WORKAROUND_3 = 0x80003fff,
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_SUSPEND,
    PSCI_CPU_OFF,
    PSCI_CPU_ON,
    PSCI_AFFINITY_INFO,
    PSCI_MIGRATE,
    PSCI_MIGRATE_INFO_TYPE,
    PSCI_MIGRATE_INFO_UP_CPU,
    PSCI_SYSTEM_OFF,
    PSCI_SYSTEM_RESET,
    PSCI_FEATURES,
    PSCI_SYSTEM_RESET2 = 0x84000012,
};

#define SMC64 0x40000000u

enum {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INVALID_ADDRESS = -9,
};

/* ARCH_FEATURES of a workaround: the call may be made, this PE does not need it. */
enum { SMCCC_UNAFFECTED = 1 };

struct call {
    uint32_t function; /* as the caller gave it */
    uint64_t arg[3];   /* of the caller's width */
};

struct service {
    uint32_t function;
    bool both; /* exists as SMC64 too */
    int64_t (*serve)(struct arm_cpu *cpu, const struct call *call);
};

static const struct service *find(uint32_t function);

static int64_t version(struct arm_cpu *cpu, const struct call *call)
{
    return 1 << 16 | 1; /* 1.1, of PSCI and of SMCCC */
}

/* Makes the PE's thread look at its power state before it runs another instruction. */
static void power_changed(struct arm_cpu *cpu, bool self)
{
    atomic_fetch_or(&cpu->attention, ARM_ATTENTION_POWER);
    if (self)
        cpu->raised = 1;
    cpu->engine_ops->kick(cpu);
}

static bool entry_valid(const struct arm_cpu *cpu, uint64_t entry)
{
    return !(entry & 3) && mem_ptr(cpu->mem, entry, 4, false);
}

/* A power-down state may be downgraded to standby, which returns here (DEN 0022, 5.4.3). */
static int64_t cpu_suspend(struct arm_cpu *cpu, const struct call *call)
{
    uint64_t state = call->arg[0];
    bool power_down = bit(state, 16);

    if (state & ~0x0301ffffull)
        return PSCI_INVALID_PARAMETERS;
    if (power_down && !entry_valid(cpu, call->arg[1]))
        return PSCI_INVALID_ADDRESS;
    cpu->x[0] = PSCI_SUCCESS;
    cpu->engine_ops->wfi(cpu, UINT64_MAX);
    return PSCI_SUCCESS;
}

static int64_t cpu_off(struct arm_cpu *cpu, const struct call *call)
{
    atomic_store(&cpu->power, ARM_POWER_OFF);
    power_changed(cpu, true);
    return PSCI_SUCCESS;
}

/* The PE that an affinity argument names, or NULL. Fields outside the affinities must be zero. */
static struct arm_cpu *target_cpu(struct arm_cpu *cpu, uint64_t mpidr)
{
    if ((mpidr & ~0xff00ffffffull) || !cpu->hooks->cpu_by_mpidr)
        return NULL;
    return cpu->hooks->cpu_by_mpidr(cpu->hooks->machine, mpidr);
}

static int64_t cpu_on(struct arm_cpu *cpu, const struct call *call)
{
    struct arm_cpu *target = target_cpu(cpu, call->arg[0]);
    uint32_t unlocked = 0;
    int64_t result = PSCI_SUCCESS;

    if (!target)
        return PSCI_INVALID_PARAMETERS;
    if (!entry_valid(cpu, call->arg[1]))
        return PSCI_INVALID_ADDRESS;
    /* Two callers may name the same target: who loses sees it pending. */
    if (!atomic_compare_exchange_strong(&target->boot_lock, &unlocked, 1))
        return PSCI_ON_PENDING;
    switch (atomic_load(&target->power)) {
    case ARM_POWER_OFF:
        target->boot_pc = call->arg[1];
        target->boot_x0 = call->arg[2];
        atomic_store(&target->power, ARM_POWER_ON_PENDING);
        power_changed(target, false);
        break;
    case ARM_POWER_ON_PENDING:
        result = PSCI_ON_PENDING;
        break;
    default:
        result = PSCI_ALREADY_ON;
        break;
    }
    atomic_store(&target->boot_lock, 0);
    return result;
}

static int64_t affinity_info(struct arm_cpu *cpu, const struct call *call)
{
    struct arm_cpu *target = target_cpu(cpu, call->arg[0]);

    /* Levels above 0 are optional since PSCI 1.0. */
    if (!target || call->arg[1])
        return PSCI_INVALID_PARAMETERS;
    switch (atomic_load(&target->power)) {
    case ARM_POWER_ON:
        return 0;
    case ARM_POWER_ON_PENDING:
        return 2;
    default:
        return 1;
    }
}

static int64_t migrate_info_type(struct arm_cpu *cpu, const struct call *call)
{
    return 2; /* no Trusted OS that could need migration */
}

/* The machine acts on its own thread; this PE executes nothing more until then. */
static int64_t system_event(struct arm_cpu *cpu, enum arm_power_event event)
{
    if (!cpu->hooks->power)
        return PSCI_NOT_SUPPORTED;
    atomic_store(&cpu->power, ARM_POWER_OFF);
    power_changed(cpu, true);
    cpu->hooks->power(cpu->hooks->machine, event);
    return PSCI_SUCCESS;
}

static int64_t system_off(struct arm_cpu *cpu, const struct call *call)
{
    return system_event(cpu, ARM_EVENT_SYSTEM_OFF);
}

static int64_t system_reset(struct arm_cpu *cpu, const struct call *call)
{
    return system_event(cpu, ARM_EVENT_SYSTEM_RESET);
}

/* Type 0 is SYSTEM_WARM_RESET; there are no vendor-specific types. */
static int64_t system_reset2(struct arm_cpu *cpu, const struct call *call)
{
    if ((uint32_t)call->arg[0])
        return PSCI_INVALID_PARAMETERS;
    return system_event(cpu, ARM_EVENT_SYSTEM_RESET);
}

static int64_t psci_features(struct arm_cpu *cpu, const struct call *call)
{
    uint32_t function = (uint32_t)call->arg[0];

    if (function == SMCCC_VERSION)
        return PSCI_SUCCESS;
    /* For CPU_SUSPEND, 0 means the original format and no OS-initiated mode. */
    return bits(function, 29, 24) == 4 && find(function) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

static int64_t nothing(struct arm_cpu *cpu, const struct call *call)
{
    return 0;
}

static int64_t arch_features(struct arm_cpu *cpu, const struct call *call)
{
    const struct service *s = find((uint32_t)call->arg[0]);

    if (!s || bits(s->function, 29, 24))
        return PSCI_NOT_SUPPORTED;
    return s->serve == nothing ? SMCCC_UNAFFECTED : PSCI_SUCCESS;
}

static const struct service services[] = {
    {SMCCC_VERSION, false, version},
    {SMCCC_ARCH_FEATURES, false, arch_features},
    {SMCCC_WORKAROUND_1, false, nothing},
    {SMCCC_WORKAROUND_2, false, nothing},
    {SMCCC_WORKAROUND_3, false, nothing},
    {PSCI_VERSION, false, version},
    {PSCI_CPU_SUSPEND, true, cpu_suspend},
    {PSCI_CPU_OFF, false, cpu_off},
    {PSCI_CPU_ON, true, cpu_on},
    {PSCI_AFFINITY_INFO, true, affinity_info},
    {PSCI_MIGRATE_INFO_TYPE, false, migrate_info_type},
    {PSCI_SYSTEM_OFF, false, system_off},
    {PSCI_SYSTEM_RESET, false, system_reset},
    {PSCI_FEATURES, false, psci_features},
    {PSCI_SYSTEM_RESET2, true, system_reset2},
};

static const struct service *find(uint32_t function)
{
    for (unsigned i = 0; i < ARRAY_SIZE(services); i++) {
        const struct service *s = &services[i];
        if (function == s->function || (s->both && function == (s->function | SMC64)))
            return s;
    }
    return NULL;
}

void arm_psci_call(struct arm_cpu *cpu, uint16_t imm, bool smc)
{
    struct call call = {(uint32_t)cpu->x[0], {cpu->x[1], cpu->x[2], cpu->x[3]}};
    const struct service *s = imm ? NULL : find(call.function);

    if (!(call.function & SMC64))
        for (unsigned i = 0; i < ARRAY_SIZE(call.arg); i++)
            call.arg[i] = (uint32_t)call.arg[i];
    cpu->x[0] = (uint64_t)(s ? s->serve(cpu, &call) : PSCI_NOT_SUPPORTED);
    if (trace_on(cpu->trace, TRACE_PSCI))
        trace_print(cpu->trace, TRACE_PSCI, "cpu%u %s #%u 0x%08x 0x%llx 0x%llx 0x%llx = %lld",
                    cpu->index, smc ? "smc" : "hvc", imm, call.function,
                    (unsigned long long)call.arg[0], (unsigned long long)call.arg[1],
                    (unsigned long long)call.arg[2], (long long)cpu->x[0]);
}
