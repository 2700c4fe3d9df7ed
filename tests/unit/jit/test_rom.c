/* SPDX-License-Identifier: Apache-2.0 */
/* ROM devices: loads at full speed while they are memory, none of it left when they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arm/current.h"
#include "rig.h"

enum { WORD = 2 /* log2 of the bytes */, ROUNDS = 3000, FSC_UNSUPPORTED = 0x35 };

static const uint8_t nop_ret[] = {0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6};

static void setup(struct rig *rig, unsigned cpus)
{
    rig_create(rig, cpus, ENGINE_AUTO);
    memcpy(rig->rom, "arraybytes", 10);
    memcpy(rig->rom + 4096, nop_ret, sizeof(nop_ret));
}

static uint32_t load(struct jit_vcpu *vcpu, uint64_t va)
{
    vcpu->cpu.raised = 0;
    uint64_t value = jit_runtime.ld(&vcpu->cpu, va, WORD, 0);
    assert_int_equal(vcpu->cpu.raised, 0);
    return (uint32_t)value;
}

static void store(struct jit_vcpu *vcpu, uint64_t va, uint32_t value)
{
    arm_set_current(&vcpu->cpu);
    vcpu->cpu.raised = 0;
    jit_runtime.st(&vcpu->cpu, va, value, WORD, 0);
    assert_int_equal(vcpu->cpu.raised, 0);
    arm_set_current(NULL);
}

static void loads_come_from_memory_through_the_tlb(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    assert_true(rig_load_misses(vcpu, ROM));
    assert_false(rig_load_misses(vcpu, ROM));
    assert_int_equal(load(vcpu, ROM), 0x61727261);
    assert_int_equal(rig.rom_reads, 0);
    rig_destroy(&rig);
}

static void stores_go_to_the_device_and_not_to_memory(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    for (unsigned i = 0; i < 3; i++) {
        store(vcpu, ROM, 1);
        load(vcpu, ROM);
    }
    store(vcpu, ROM + 6, 0x01010101); /* unaligned: bytes */
    assert_int_equal(rig.rom_writes, 7);
    assert_memory_equal(rig.rom, "arraybytes", 10);
    rig_destroy(&rig);
}

static void atomics_abort_as_on_a_device(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    load(vcpu, ROM);
    vcpu->cpu.raised = 0;
    jit_atom(vcpu, ROM, 1, WORD, 0, IR_ATOM_ADD);
    assert_int_equal(vcpu->cpu.raised, 1);
    assert_int_equal(vcpu->cpu.esr_el1 & 0x3f, FSC_UNSUPPORTED);
    assert_memory_equal(rig.rom, "arraybytes", 10);
    rig_destroy(&rig);
}

static void the_vcpu_that_switches_sees_it_at_once(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    load(vcpu, ROM);
    store(vcpu, ROM, 0);
    assert_int_equal(load(vcpu, ROM), ROM_ANSWER);
    assert_int_equal(load(vcpu, ROM), ROM_ANSWER);
    assert_int_equal(rig.rom_reads, 2);
    store(vcpu, ROM, 1);
    assert_int_equal(load(vcpu, ROM), 0x61727261);
    rig_destroy(&rig);
}

static void other_vcpus_are_told_before_they_run_on(void **state)
{
    struct rig rig;
    setup(&rig, 2);
    struct jit_vcpu *a = rig_vcpu(&rig, 0), *b = rig_vcpu(&rig, 1);
    load(b, ROM);
    store(a, ROM, 0); /* b does not run: nobody waits for it */
    jit_mail_drain(b);
    assert_int_equal(load(b, ROM), ROM_ANSWER);
    rig_destroy(&rig);
}

static void a_switch_costs_other_entries_nothing_without_cached_loads(void **state)
{
    struct rig rig;
    setup(&rig, 2);
    struct jit_vcpu *a = rig_vcpu(&rig, 0), *b = rig_vcpu(&rig, 1);
    load(a, PAGES);
    load(b, PAGES);
    for (unsigned i = 0; i < 4; i++)
        store(a, ROM, i & 1);
    jit_mail_drain(b);
    assert_false(rig_load_misses(a, PAGES));
    assert_false(rig_load_misses(b, PAGES));
    rig_destroy(&rig);
}

static void code_runs_from_it_in_either_mode(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    void *entry = jit_lookup(&vcpu->cpu, ROM + 4096);
    assert_non_null(entry);
    store(vcpu, ROM, 0);
    assert_ptr_equal(jit_lookup(&vcpu->cpu, ROM + 4096), entry);
    assert_non_null(jit_lookup(&vcpu->cpu, ROM + 4096 + 4));
    mem_written(rig.mem, ROM + 4096, 4); /* programmed: other code now */
    jit_mail_drain(vcpu);
    atomic_store(&vcpu->cpu.attention, 0);
    assert_ptr_not_equal(jit_lookup(&vcpu->cpu, ROM + 4096), entry);
    rig_destroy(&rig);
}

/* --- while others run -------------------------------------------------------------------------*/

struct race {
    struct rig rig;
    _Atomic unsigned command; /* odd: the switch to command mode is complete */
    _Atomic bool stop;
    _Atomic unsigned looks;
    unsigned wrong;
};

/* A vCPU that loads all the time and answers its mail now and then, as running code does. */
static void *look(void *ctx)
{
    struct race *race = ctx;
    struct jit_vcpu *vcpu = rig_vcpu(&race->rig, 1);

    arm_set_current(&vcpu->cpu);
    atomic_store(&vcpu->running, 1);
    while (!atomic_load(&race->stop)) {
        unsigned command = atomic_load(&race->command);
        uint64_t value = jit_runtime.ld(&vcpu->cpu, ROM, WORD, 0);
        race->looks++;
        race->wrong += command & 1 && command == atomic_load(&race->command) && value != ROM_ANSWER;
        if (race->looks % 64 == 0 && atomic_exchange(&vcpu->cpu.attention, 0))
            jit_mail_drain(vcpu);
    }
    atomic_store(&vcpu->running, 0);
    return NULL;
}

static void no_load_is_stale_once_the_switch_is_complete(void **state)
{
    struct race race = {0};
    pthread_t thread;
    setup(&race.rig, 2);
    struct jit_vcpu *a = rig_vcpu(&race.rig, 0);
    atomic_store(&a->running, 1);
    assert_int_equal(pthread_create(&thread, NULL, look, &race), 0);
    while (!race.looks)
        sched_yield();
    for (unsigned i = 0; i < ROUNDS; i++) {
        store(a, ROM, 0);
        race.command++;
        for (volatile unsigned spin = 0; spin < i % 300; spin++)
            ;
        race.command++;
        store(a, ROM, 1);
        for (volatile unsigned spin = 0; spin < i % 700; spin++)
            ;
    }
    atomic_store(&race.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(race.wrong, 0);
    rig_destroy(&race.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_come_from_memory_through_the_tlb),
        cmocka_unit_test(stores_go_to_the_device_and_not_to_memory),
        cmocka_unit_test(atomics_abort_as_on_a_device),
        cmocka_unit_test(the_vcpu_that_switches_sees_it_at_once),
        cmocka_unit_test(other_vcpus_are_told_before_they_run_on),
        cmocka_unit_test(a_switch_costs_other_entries_nothing_without_cached_loads),
        cmocka_unit_test(code_runs_from_it_in_either_mode),
        cmocka_unit_test(no_load_is_stale_once_the_switch_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
