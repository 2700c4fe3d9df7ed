/* SPDX-License-Identifier: Apache-2.0 */
/* Memory given back while all vCPUs idle. Times are the tests' own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rig.h"

#define CODE   (RAM + (4ull << 20))
#define MS     1000000ull
#define SECOND (1000 * MS)
#define QUIET  (4 * SECOND) /* before the first time */
#define START  (1000 * SECOND)

static const uint8_t nop_ret[] = {0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6};

static bool run_from(struct jit_vcpu *vcpu, uint64_t va)
{
    atomic_store(&vcpu->cpu.attention, 0);
    vcpu->cpu.raised = 0;
    return jit_lookup(&vcpu->cpu, va);
}

/* Half a MiB of code in the rig's cache of one. */
static void fill(struct rig *rig)
{
    for (uint64_t at = 0; rig->engine->cache.used < 512u << 10; at += sizeof(nop_ret))
        assert_true(run_from(rig_vcpu(rig, 0), CODE + at));
}

/* Both vCPUs, busy up to START, sleep from then on. */
static void setup(struct rig *rig)
{
    rig_create(rig, 2, ENGINE_AUTO);
    for (unsigned at = 0; at < 1 << 20; at += sizeof(nop_ret))
        rig_poke(rig, CODE + at, nop_ret, sizeof(nop_ret));
    for (unsigned i = 0; i < 2; i++) {
        jit_idle_begin(rig_vcpu(rig, i), START);
        atomic_store(&rig_vcpu(rig, i)->asleep, 1);
    }
}

static void memory_is_given_back_when_all_were_quiet(void **state)
{
    struct rig rig;
    uint64_t when;

    setup(&rig);
    fill(&rig);
    assert_false(jit_trim(rig.engine, START + QUIET - 1, &when));
    assert_int_equal(when, START + QUIET);
    assert_true(jit_trim(rig.engine, START + QUIET, &when));
    assert_int_equal(rig.engine->cache.page_count, 0);
    assert_int_equal(rig.engine->cache.used, rig.engine->cache.base);
    assert_int_equal(rig.engine->trims, 1);
    rig_destroy(&rig);
}

static void the_guest_goes_on_afterwards(void **state)
{
    struct rig rig;
    uint64_t when;

    setup(&rig);
    fill(&rig);
    assert_true(jit_trim(rig.engine, START + QUIET, &when));
    for (unsigned i = 0; i < 2; i++) {
        struct jit_vcpu *vcpu = rig_vcpu(&rig, i);
        assert_true(vcpu->context_dirty);
        jit_context_sync(vcpu);
        assert_true(run_from(vcpu, CODE));
        assert_true(rig_load_misses(vcpu, PAGES));
        assert_false(rig_load_misses(vcpu, PAGES));
    }
    rig_destroy(&rig);
}

static void little_code_is_kept(void **state)
{
    struct rig rig;
    uint64_t when;

    setup(&rig);
    rig_poke(&rig, CODE, nop_ret, sizeof(nop_ret));
    run_from(rig_vcpu(&rig, 0), CODE);
    assert_false(jit_trim(rig.engine, START + 100 * QUIET, &when));
    assert_int_equal(when, UINT64_MAX);
    assert_int_equal(rig.engine->cache.page_count, 1);
    rig_destroy(&rig);
}

static void nothing_is_given_back_while_one_is_awake(void **state)
{
    struct rig rig;
    uint64_t when;

    setup(&rig);
    fill(&rig);
    atomic_store(&rig_vcpu(&rig, 1)->asleep, 0);
    assert_false(jit_trim(rig.engine, START + QUIET, &when));
    assert_int_equal(when, START + QUIET + SECOND); /* asks again */
    rig_destroy(&rig);
}

/* Wakes every 100 ms for so many microseconds, from START on for ten seconds. */
static uint64_t quiet_since(uint64_t us)
{
    struct rig rig;
    uint64_t since;

    setup(&rig);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    for (unsigned i = 0; i < 100; i++) {
        jit_idle_end(vcpu, START + i * 100 * MS);
        jit_idle_begin(vcpu, START + i * 100 * MS + us * 1000);
    }
    since = atomic_load(&vcpu->idle.quiet_since);
    rig_destroy(&rig);
    return since;
}

static void who_works_a_little_is_quiet(void **state)
{
    assert_int_equal(quiet_since(1000), START);
}

static void who_works_more_is_not(void **state)
{
    assert_true(quiet_since(20000) > START + 9 * SECOND);
}

static void one_burst_of_work_starts_the_wait_anew(void **state)
{
    struct rig rig;
    uint64_t when;

    setup(&rig);
    fill(&rig);
    jit_idle_end(rig_vcpu(&rig, 1), START + SECOND);
    jit_idle_begin(rig_vcpu(&rig, 1), START + SECOND + 100 * MS);
    assert_false(jit_trim(rig.engine, START + QUIET, &when));
    assert_int_equal(when, START + SECOND + 100 * MS + QUIET);
    rig_destroy(&rig);
}

static void each_time_must_be_quiet_for_longer(void **state)
{
    static const unsigned seconds[] = {4, 64, 1024, 1024};
    struct rig rig;
    uint64_t when;

    setup(&rig);
    for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        jit_context_sync(rig_vcpu(&rig, 0));
        fill(&rig);
        assert_false(jit_trim(rig.engine, START + seconds[i] * SECOND - 1, &when));
        assert_true(jit_trim(rig.engine, START + seconds[i] * SECOND, &when));
    }
    rig_destroy(&rig);
}

static void a_reset_begins_with_the_shortest_wait_again(void **state)
{
    struct rig rig;
    uint64_t when;

    setup(&rig);
    fill(&rig);
    assert_true(jit_trim(rig.engine, START + QUIET, &when));
    assert_int_not_equal(rig.engine->trim_after_ns, QUIET);
    engine_reset(rig.engine, RAM, 0);
    assert_int_equal(rig.engine->trim_after_ns, QUIET);
    rig_destroy(&rig);
}

static void tlbs_that_have_grown_are_small_again(void **state)
{
    struct rig rig;
    uint64_t when;

    setup(&rig);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 1);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 1024; i++)
            rig_load_misses(vcpu, PAGES + 4096ull * i);
    jit_context_sync(vcpu);
    assert_true(vcpu->current->entries > JIT_TLB_MIN);
    fill(&rig);
    assert_true(jit_trim(rig.engine, START + QUIET, &when));
    jit_context_sync(vcpu);
    assert_int_equal(vcpu->current->entries, JIT_TLB_MIN);
    assert_true(rig_load_misses(vcpu, PAGES));
    rig_destroy(&rig);
}

static unsigned furnished(const struct jit_vcpu *vcpu)
{
    unsigned n = 0;

    for (unsigned i = 0; i < JIT_CONTEXTS; i++)
        n += vcpu->context[i].tlb && vcpu->context[i].itlb;
    return n;
}

static void contexts_have_tlbs_when_they_are_used(void **state)
{
    struct rig rig;
    uint64_t when;

    setup(&rig);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    assert_int_equal(furnished(vcpu), 2);
    for (unsigned asid = 1; asid < 40; asid++) {
        rig_set_asid(vcpu, (uint16_t)asid);
        assert_true(rig_load_misses(vcpu, PAGES));
        assert_int_equal(furnished(vcpu), asid < 2 ? 2 : asid < JIT_CONTEXTS ? asid : JIT_CONTEXTS);
    }
    fill(&rig);
    assert_true(jit_trim(rig.engine, START + QUIET, &when));
    assert_int_equal(furnished(vcpu), 2);
    rig_destroy(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_given_back_when_all_were_quiet),
        cmocka_unit_test(the_guest_goes_on_afterwards),
        cmocka_unit_test(little_code_is_kept),
        cmocka_unit_test(nothing_is_given_back_while_one_is_awake),
        cmocka_unit_test(who_works_a_little_is_quiet),
        cmocka_unit_test(who_works_more_is_not),
        cmocka_unit_test(one_burst_of_work_starts_the_wait_anew),
        cmocka_unit_test(each_time_must_be_quiet_for_longer),
        cmocka_unit_test(a_reset_begins_with_the_shortest_wait_again),
        cmocka_unit_test(tlbs_that_have_grown_are_small_again),
        cmocka_unit_test(contexts_have_tlbs_when_they_are_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
