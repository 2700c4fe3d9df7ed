/* SPDX-License-Identifier: Apache-2.0 */
#include "pe.h"

#include <stdlib.h>
#include <string.h>

#include "arm/sysreg.h"
#include "base/bits.h"
#include "machine/mem/mem.h"

static void context_changed(struct arm_cpu *cpu)
{
    ((struct pe *)cpu)->context_changed++;
}

static void debug_changed(struct arm_cpu *cpu)
{
    ((struct pe *)cpu)->debug_changed++;
}

static void tlbi(struct arm_cpu *cpu, const struct arm_tlbi *op, bool broadcast)
{
    struct pe *pe = (struct pe *)cpu;

    pe->tlbis++;
    pe->tlbi = *op;
    pe->broadcast = broadcast;
}

static void icache(struct arm_cpu *cpu, uint64_t pa, uint64_t len)
{
    struct pe *pe = (struct pe *)cpu;

    pe->icache_calls++;
    pe->icache_pa = pa;
    pe->icache_len = len;
}

static void wfi(struct arm_cpu *cpu, uint64_t timeout_ns)
{
    ((struct pe *)cpu)->wfis++;
}

/* Also called for pe->other, which is not inside its own struct pe. */
static void kick(struct arm_cpu *cpu)
{
    if (cpu->index == 0)
        ((struct pe *)cpu)->kicks++;
}

static const struct arm_engine_ops ops = {
    .context_changed = context_changed,
    .debug_changed = debug_changed,
    .tlbi = tlbi,
    .icache_invalidate = icache,
    .wfi = wfi,
    .kick = kick,
};

static void power(void *machine, enum arm_power_event event)
{
    ((struct pe *)machine)->power_event = event;
}

static struct arm_cpu *by_mpidr(void *machine, uint64_t mpidr)
{
    struct pe *pe = machine;

    return mpidr == 0 ? &pe->cpu : mpidr == 0x100 ? &pe->other : NULL;
}

static bool draw(void *machine, uint64_t *value)
{
    *value = 0x1234;
    return !((struct pe *)machine)->random_dry;
}

void pe_model(struct pe *pe, const char *spec)
{
    assert_int_equal(arm_features_parse(&pe->features, spec, NULL), 0);
    arm_cpu_reset(&pe->cpu, PE_CODE, 0);
}

int pe_setup(void **state)
{
    struct pe *pe = aligned_alloc(16, align_up(sizeof(*pe), 16));

    memset(pe, 0, sizeof(*pe));
    if (mem_create(&pe->mem, NULL) || mem_add_ram(pe->mem, PE_RAM, PE_RAM_SIZE, "ram", NULL))
        return -1;
    pe->power_event = -1;
    pe->hooks.machine = pe;
    pe->hooks.power = power;
    pe->hooks.cpu_by_mpidr = by_mpidr;
    pe->hooks.random = draw;
    pe->cpu.features = &pe->features;
    pe->cpu.mem = pe->mem;
    pe->cpu.hooks = &pe->hooks;
    pe->cpu.engine_ops = &ops;
    pe->cpu.mpidr = 0x80000000;
    pe->cpu.power = ARM_POWER_ON;
    pe->other = pe->cpu;
    pe->other.index = 1;
    pe->other.power = ARM_POWER_OFF;
    pe_model(pe, "max");
    *state = pe;
    return 0;
}

int pe_teardown(void **state)
{
    struct pe *pe = *state;

    mem_destroy(pe->mem);
    free(pe);
    return 0;
}

void pe_store(struct pe *pe, uint64_t pa, uint64_t value)
{
    st_le(mem_ptr(pe->mem, pa, 8, true), 8, value);
}

uint64_t pe_load(struct pe *pe, uint64_t pa)
{
    return ld_le(mem_ptr(pe->mem, pa, 8, false), 8);
}

uint64_t pe_mrs(struct pe *pe, uint32_t encoding)
{
    return arm_sysreg_read(&pe->cpu, encoding, 0x155);
}

void pe_msr(struct pe *pe, uint32_t encoding, uint64_t value)
{
    arm_sysreg_write(&pe->cpu, encoding, value, 0x154);
}

bool pe_raised(struct pe *pe, unsigned *ec)
{
    bool raised = pe->cpu.raised;

    pe->cpu.raised = 0;
    if (ec)
        *ec = (unsigned)bits(pe->cpu.esr_el1, 31, 26);
    return raised;
}
