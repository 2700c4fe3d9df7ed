/* SPDX-License-Identifier: Apache-2.0 */
/* Superblocks: from samples to code that takes the place of what was there. Without threads, but
 * for the last test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/error.h"
#include "engine/jit/tier2.h"
#include "rig.h"

#define CODE (RAM + (4ull << 20))
#define LOOP (CODE + 4) /* a loop's head */

/* x0 = 0; do x0 += 6; while (--x1); svc. x2 and x3 are 0. */
static const uint32_t program[] = {
    0xd2800000, /* movz x0, #0 */
    0x91000800, /* LOOP: add x0, x0, #2 */
    0xb50000a2, /* cbnz x2, OUT */
    0x91001000, /* add x0, x0, #4 */
    0xb5000063, /* cbnz x3, OUT */
    0xd1000421, /* sub x1, x1, #1 */
    0xb5ffff61, /* cbnz x1, LOOP */
    0xd4000001, /* OUT: svc #0 */
};
enum { SAMPLES = 4 }; /* at a place are enough for a recording */

struct machine {
    struct rig rig;
    struct jit_vcpu *vcpu;
    struct jit_tier2 *tier2;
    struct jit_page *page; /* the program's */
};

static void *lookup(struct machine *m, uint64_t va)
{
    atomic_store(&m->vcpu->cpu.attention, 0);
    m->vcpu->cpu.raised = 0;
    return jit_lookup(&m->vcpu->cpu, va);
}

/* Runs from va to the SVC. */
static uint64_t run(struct machine *m, uint64_t va, uint64_t times)
{
    void *entry = lookup(m, va);

    assert_non_null(entry);
    m->vcpu->cpu.x[0] = 0;
    m->vcpu->cpu.x[1] = times;
    m->vcpu->cpu.x[2] = m->vcpu->cpu.x[3] = 0;
    jit_host_enter(m->vcpu, entry);
    assert_int_equal(m->vcpu->cpu.raised, 1);
    m->vcpu->cpu.raised = 0;
    arm_set_el(&m->vcpu->cpu, 1, 1);
    m->vcpu->cpu.daif = 0xf;
    jit_context_sync(m->vcpu);
    return m->vcpu->cpu.x[0];
}

static int setup(void **state)
{
    struct machine *m = calloc(1, sizeof(*m));

    rig_create_tier2(&m->rig, 1, 1000);
    m->vcpu = rig_vcpu(&m->rig, 0);
    m->tier2 = m->rig.engine->tier2;
    assert_non_null(m->tier2);
    for (unsigned i = 0; i < ARRAY_SIZE(program); i++) {
        uint8_t bytes[4];
        st_le(bytes, 4, program[i]);
        rig_poke(&m->rig, CODE + 4 * i, bytes, 4);
    }
    m->vcpu->context_dirty = false;
    assert_int_equal(run(m, CODE, 3), 18); /* tier 1 */
    m->page = jit_find_page(m->vcpu, CODE);
    assert_non_null(m->page);
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct machine *m = *state;

    rig_destroy(&m->rig);
    free(m);
    return 0;
}

static uint32_t slot_of(uint64_t va)
{
    return va % IR_PAGE_SIZE / 4;
}

static uint8_t *entry_at(const struct machine *m, uint64_t va)
{
    return m->page->table[slot_of(va)];
}

static void want(struct machine *m, uint64_t va)
{
    struct jit_job *job = calloc(1, sizeof(*job));

    job->pa = m->page->pa;
    job->va = va;
    job->mode = m->page->mode;
    job->page_id = m->page->id;
    job->pgoff = (uint32_t)(va % IR_PAGE_SIZE);
    job->flushes = m->rig.engine->cache.flushes;
    for (unsigned i = 0; i < ARRAY_SIZE(program); i++)
        job->way[slot_of(CODE) + i] = i == 6 ? FRONT_WAY_TAKEN : FRONT_WAY_NEXT;
    memcpy(job->bytes, mem_ptr(m->rig.mem, m->page->pa, IR_PAGE_SIZE, false), IR_PAGE_SIZE);
    assert_true(jit_tier2_post(m->tier2, job));
}

/* Where a jump at this address leads; NULL: there is none. */
static const uint8_t *jump_at(const uint8_t *code)
{
    return *code == 0xe9 ? code + 5 + (int32_t)ld_le(code + 1, 4) : NULL;
}

static void a_superblock_takes_the_place_of_its_heads_code(void **state)
{
    struct machine *m = *state;
    uint8_t *old = entry_at(m, LOOP), *before = entry_at(m, CODE);

    want(m, LOOP);
    jit_tier2_work(m->tier2);
    assert_int_equal(m->tier2->stat_made, 1);
    assert_int_equal(m->tier2->stat_dropped + m->tier2->stat_refused, 0);
    assert_ptr_not_equal(entry_at(m, LOOP), old);
    assert_ptr_equal(jump_at(old), entry_at(m, LOOP));
    assert_ptr_equal(entry_at(m, CODE), before);
    assert_int_equal(run(m, CODE, 1000), 6000); /* through the old code */
    assert_int_equal(run(m, LOOP, 50), 300);
}

static void a_head_that_has_no_code_gets_the_superblock(void **state)
{
    struct machine *m = *state;
    uint64_t va = CODE + 8;

    assert_ptr_equal(entry_at(m, va), m->rig.engine->cache.empty);
    want(m, va);
    jit_tier2_work(m->tier2);
    assert_int_equal(m->tier2->stat_made, 1);
    assert_ptr_not_equal(entry_at(m, va), m->rig.engine->cache.empty);
    assert_int_equal(run(m, va, 10), 58);
}

static void code_of_which_another_entry_is_near_is_left_alone(void **state)
{
    struct machine *m = *state;
    uint8_t *old = entry_at(m, LOOP), saved[8];

    memcpy(saved, old, sizeof(saved));
    m->page->table[slot_of(CODE + 8)] = old + 4;
    want(m, LOOP);
    jit_tier2_work(m->tier2);
    assert_int_equal(m->tier2->stat_made, 1);
    assert_memory_equal(old, saved, sizeof(saved));
    assert_ptr_not_equal(entry_at(m, LOOP), old);
    assert_int_equal(run(m, LOOP, 50), 300);
}

static void a_page_that_was_written_gets_no_superblock(void **state)
{
    struct machine *m = *state;
    uint8_t bytes[4];

    want(m, LOOP);
    st_le(bytes, 4, 0x91000400); /* add x0, x0, #1 */
    rig_poke(&m->rig, LOOP, bytes, 4);
    engine_memory_written(m->rig.engine, LOOP, 4);
    jit_itlb_flush_all(m->vcpu);
    assert_int_equal(run(m, CODE, 10), 50);
    jit_tier2_work(m->tier2);
    assert_int_equal(m->tier2->stat_made, 0);
    assert_int_equal(m->tier2->stat_dropped, 1);
    assert_int_equal(run(m, CODE, 10), 50);
}

static void a_flush_drops_what_was_wanted(void **state)
{
    struct machine *m = *state;

    want(m, LOOP);
    jit_cache_flush(m->rig.engine);
    assert_int_equal(run(m, CODE, 10), 60);
    jit_tier2_work(m->tier2);
    assert_int_equal(m->tier2->stat_made, 0);
    assert_int_equal(m->tier2->stat_dropped, 1);
}

static void superblocks_go_with_a_flush_and_can_be_made_again(void **state)
{
    struct machine *m = *state;

    for (unsigned i = 0; i < 3; i++) {
        want(m, LOOP);
        jit_tier2_work(m->tier2);
        assert_int_equal(m->tier2->stat_made, i + 1);
        jit_cache_flush(m->rig.engine);
        assert_int_equal(run(m, CODE, 10), 60);
        m->page = jit_find_page(m->vcpu, CODE);
    }
}

static void a_full_queue_drops_what_comes(void **state)
{
    struct machine *m = *state;
    struct jit_job *job;

    for (unsigned i = 0; i < JIT_JOBS; i++)
        want(m, LOOP);
    job = calloc(1, sizeof(*job));
    assert_false(jit_tier2_post(m->tier2, job));
    assert_int_equal(m->tier2->stat_dropped, 1);
}

static void sample(struct machine *m, uint64_t va)
{
    m->vcpu->cpu.pc = va;
    jit_hot_sample(m->vcpu);
}

/* As loop.c does it. */
static void record(struct machine *m)
{
    struct arm_cpu *cpu = &m->vcpu->cpu;

    for (unsigned i = 0; jit_is_recording(m->vcpu); i++) {
        assert_true(i < 10000);
        cpu->raised = 0;
        m->vcpu->interpret_ir = false;
        assert_null(jit_hot_next(m->vcpu));
        assert_true(m->vcpu->interpret_ir);
        ir_interpret(m->vcpu->ir, cpu, &a64_layout, &jit_runtime, a64_helpers);
        jit_hot_note(m->vcpu);
    }
}

static void a_loop_that_is_seen_often_becomes_a_superblock(void **state)
{
    struct machine *m = *state;
    uint8_t *old = entry_at(m, LOOP);

    for (unsigned i = 0; i < SAMPLES; i++) {
        assert_false(jit_is_recording(m->vcpu));
        sample(m, LOOP);
    }
    assert_true(jit_is_recording(m->vcpu));
    m->vcpu->cpu.x[0] = m->vcpu->cpu.x[2] = m->vcpu->cpu.x[3] = 0;
    m->vcpu->cpu.x[1] = 100000;
    record(m);
    /* What was interpreted has happened, the last round in part. */
    assert_in_range(m->vcpu->cpu.x[0] - (100000 - m->vcpu->cpu.x[1]) * 6, 0, 6);
    assert_int_not_equal(m->vcpu->cpu.x[1], 100000);
    assert_int_equal(m->tier2->queued, 1);
    assert_int_equal(m->tier2->queue[0]->pgoff, LOOP % IR_PAGE_SIZE);
    assert_int_equal(m->tier2->queue[0]->way[slot_of(CODE + 24)], FRONT_WAY_TAKEN);
    assert_int_equal(m->tier2->queue[0]->way[slot_of(CODE + 8)], FRONT_WAY_NEXT);
    jit_tier2_work(m->tier2);
    assert_int_equal(m->tier2->stat_made, 1);
    assert_ptr_not_equal(entry_at(m, LOOP), old);
    /* It is done: further samples lead to nothing. */
    m->vcpu->hot->not_before = 0;
    for (unsigned i = 0; i < 500; i++)
        sample(m, LOOP);
    assert_false(jit_is_recording(m->vcpu));
}

static void recordings_are_spaced(void **state)
{
    struct machine *m = *state;

    for (unsigned i = 0; i < SAMPLES; i++)
        sample(m, LOOP);
    assert_true(jit_is_recording(m->vcpu));
    jit_hot_stop(m->vcpu); /* too short: nothing comes of it */
    assert_int_equal(m->tier2->queued, 0);
    m->vcpu->hot->not_before = UINT64_MAX;
    for (unsigned i = 0; i < 500; i++)
        sample(m, LOOP);
    assert_false(jit_is_recording(m->vcpu));
    m->vcpu->hot->not_before = 0;
    sample(m, LOOP);
    assert_true(jit_is_recording(m->vcpu));
    jit_hot_stop(m->vcpu);
}

static void the_thread_sleeps_while_nobody_runs(void **state)
{
    struct machine *m = *state;
    struct error err;

    assert_int_equal(engine_start(m->rig.engine, &err), 0);
    for (unsigned i = 0; !atomic_load(&m->tier2->asleep) && i < 10000; i++)
        usleep(1000);
    assert_true(atomic_load(&m->tier2->asleep));
    jit_hot_wake(m->vcpu, 0); /* for nothing */
    assert_int_equal(atomic_load(&m->tier2->wake), 0);
    jit_hot_wake(m->vcpu, 1000000000);
    assert_int_equal(atomic_load(&m->tier2->wake), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_superblock_takes_the_place_of_its_heads_code, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_head_that_has_no_code_gets_the_superblock, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(code_of_which_another_entry_is_near_is_left_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_page_that_was_written_gets_no_superblock, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_flush_drops_what_was_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(superblocks_go_with_a_flush_and_can_be_made_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_queue_drops_what_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_loop_that_is_seen_often_becomes_a_superblock, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(recordings_are_spaced, setup, teardown),
        cmocka_unit_test_setup_teardown(the_thread_sleeps_while_nobody_runs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
