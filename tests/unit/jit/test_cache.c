/* SPDX-License-Identifier: Apache-2.0 */
/* The code cache: look-up, invalidation, and what happens when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rig.h"

#define CODE (RAM + (4ull << 20))

static const uint8_t nop_ret[] = {0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6};

static void setup(struct rig *rig, unsigned cpus)
{
    rig_create(rig, cpus, ENGINE_AUTO);
    for (unsigned i = 0; i < 1024; i++)
        for (unsigned at = 0; at < 4096; at += 1024)
            rig_poke(rig, CODE + 4096ull * i + at, nop_ret, sizeof(nop_ret));
}

static void *lookup(struct jit_vcpu *vcpu, uint64_t va)
{
    atomic_store(&vcpu->cpu.attention, 0);
    vcpu->cpu.raised = 0;
    return jit_lookup(&vcpu->cpu, va);
}

static void code_is_translated_once(void **state)
{
    struct rig rig;
    setup(&rig, 2);
    void *entry = lookup(rig_vcpu(&rig, 0), CODE);
    assert_non_null(entry);
    assert_ptr_equal(lookup(rig_vcpu(&rig, 0), CODE), entry);
    assert_ptr_equal(lookup(rig_vcpu(&rig, 1), CODE), entry);
    assert_int_equal(rig_vcpu(&rig, 1)->stat_regions, 0);
    rig_destroy(&rig);
}

static void written_code_is_translated_anew(void **state)
{
    struct rig rig;
    setup(&rig, 2);
    struct jit_vcpu *a = rig_vcpu(&rig, 0), *b = rig_vcpu(&rig, 1);
    void *entry = lookup(a, CODE), *other = lookup(a, CODE + 4096);
    lookup(b, CODE);
    rig_poke(&rig, CODE + 4, nop_ret, 4); /* mem_write tells the engine */
    jit_mail_drain(a);
    jit_mail_drain(b);
    assert_ptr_not_equal(lookup(a, CODE), entry);
    assert_ptr_not_equal(lookup(b, CODE), entry);
    assert_ptr_equal(lookup(a, CODE + 4096), other);
    rig_destroy(&rig);
}

static void invalidation_tells_whether_there_was_code(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    lookup(rig_vcpu(&rig, 0), CODE + 3 * 4096);
    assert_false(jit_cache_invalidate(rig.engine, CODE, 3 * 4096));
    assert_true(jit_cache_invalidate(rig.engine, CODE, 3 * 4096 + 1));
    assert_false(jit_cache_invalidate(rig.engine, CODE, 3 * 4096 + 1));
    assert_false(jit_cache_invalidate(rig.engine, RAM + RAM_SIZE, 4096)); /* not RAM */
    rig_destroy(&rig);
}

static void invalidating_everything_leaves_no_page(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    void *entry = lookup(rig_vcpu(&rig, 0), CODE);
    jit_cache_invalidate_all(rig.engine);
    jit_itlb_flush_all(rig_vcpu(&rig, 0));
    assert_int_equal(rig.engine->cache.page_count, 0);
    assert_ptr_not_equal(lookup(rig_vcpu(&rig, 0), CODE), entry);
    rig_destroy(&rig);
}

/* Translates until the cache of 1 MiB asks for a flush; how many look-ups that took. */
static unsigned fill(struct rig *rig)
{
    struct jit_vcpu *vcpu = rig_vcpu(rig, 0);
    unsigned n = 0;

    while (n < 4096 && lookup(vcpu, CODE + 1024ull * n))
        n++;
    return n;
}

static void a_full_cache_asks_for_a_flush_and_starts_anew(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_cache *cache = &rig.engine->cache;
    for (unsigned round = 0; round < 3; round++) {
        unsigned n = fill(&rig);
        if (n < 4096) { /* else all of it fitted */
            assert_true(atomic_load(&cache->full));
            assert_int_equal(rig_vcpu(&rig, 0)->cpu.pc, CODE + 1024ull * n);
        }
        assert_true(cache->used <= 1 << 20);
        jit_cache_flush(rig.engine);
        assert_false(atomic_load(&cache->full));
        assert_int_equal(cache->page_count, 0);
        assert_non_null(lookup(rig_vcpu(&rig, 0), CODE + 1024ull * n));
    }
    assert_int_equal(cache->flushes, 3);
    rig_destroy(&rig);
}

static void a_look_up_with_attention_leaves(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    atomic_store(&vcpu->cpu.attention, ARM_ATTENTION_IRQ);
    assert_null(jit_lookup(&vcpu->cpu, CODE + 8));
    assert_int_equal(vcpu->cpu.pc, CODE + 8);
    rig_destroy(&rig);
}

static void a_misaligned_address_is_an_exception(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    assert_null(lookup(vcpu, CODE + 2));
    assert_int_equal(vcpu->cpu.raised, 1);
    assert_int_equal(vcpu->cpu.far_el1, CODE + 2);
    rig_destroy(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_is_translated_once),
        cmocka_unit_test(written_code_is_translated_anew),
        cmocka_unit_test(invalidation_tells_whether_there_was_code),
        cmocka_unit_test(invalidating_everything_leaves_no_page),
        cmocka_unit_test(a_full_cache_asks_for_a_flush_and_starts_anew),
        cmocka_unit_test(a_look_up_with_attention_leaves),
        cmocka_unit_test(a_misaligned_address_is_an_exception),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
