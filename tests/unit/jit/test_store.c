/* SPDX-License-Identifier: Apache-2.0 */
/* Translations of earlier runs: used where they fit exactly, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "host/store.h"
#include "rig.h"

#define CODE (RAM + (4ull << 20))

enum { MOVZ_X0 = 0xd2800000, ADD_X0_1 = 0x91000400, SVC = 0xd4000001, LENGTH = 20 };

static char directory[64]; /* of the test that runs */

static int make_directory(void **state)
{
    strcpy(directory, "/tmp/armvm-code-store-XXXXXX");
    return !mkdtemp(directory);
}

static int remove_directory(void **state)
{
    char command[96];

    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command);
}

static void poke_insn(const struct rig *rig, uint64_t pa, uint32_t insn)
{
    uint8_t bytes[4];

    st_le(bytes, 4, insn);
    rig_poke(rig, pa, bytes, 4);
}

/* x0 = value + 18; svc */
static void put_code(const struct rig *rig, uint64_t pa, unsigned value)
{
    poke_insn(rig, pa, MOVZ_X0 | value << 5);
    for (unsigned i = 1; i < LENGTH - 1; i++)
        poke_insn(rig, pa + 4 * i, ADD_X0_1);
    poke_insn(rig, pa + 4 * (LENGTH - 1), SVC);
}

static void start(struct rig *rig)
{
    rig_create_stored(rig, 2, directory, "max");
    assert_non_null(rig->engine->store);
    put_code(rig, CODE, 24);
}

static void stop(struct rig *rig)
{
    assert_int_equal(store_save(rig->engine->store), 0);
    rig_destroy(rig);
}

static void *lookup(struct jit_vcpu *vcpu, uint64_t va)
{
    atomic_store(&vcpu->cpu.attention, 0);
    vcpu->cpu.raised = 0;
    return jit_lookup(&vcpu->cpu, va);
}

static uint64_t run(struct jit_vcpu *vcpu, uint64_t va)
{
    void *entry = lookup(vcpu, va);

    assert_non_null(entry);
    vcpu->cpu.x[0] = 0;
    jit_host_enter(vcpu, entry);
    assert_int_equal(vcpu->cpu.raised, 1); /* the SVC's exception */
    vcpu->cpu.raised = 0;
    return vcpu->cpu.x[0];
}

static void expect(const struct rig *rig, unsigned translated, unsigned recalled)
{
    uint64_t regions = 0, found = 0;

    for (unsigned i = 0; i < rig->engine->cpus; i++) {
        regions += rig_vcpu(rig, i)->stat_regions;
        found += rig_vcpu(rig, i)->stat_recalled;
    }
    assert_int_equal(regions, translated);
    assert_int_equal(found, recalled);
}

static void first_run(void)
{
    struct rig rig;

    start(&rig);
    assert_int_equal(run(rig_vcpu(&rig, 0), CODE), 42);
    expect(&rig, 1, 0);
    stop(&rig);
}

static void a_second_run_translates_nothing(void **state)
{
    struct rig rig;

    first_run();
    start(&rig);
    assert_int_equal(run(rig_vcpu(&rig, 1), CODE), 42); /* not the CPU that translated it */
    expect(&rig, 0, 1);
    rig_destroy(&rig);
}

static void any_page_will_do_at_the_same_offset(void **state)
{
    struct rig rig;

    first_run();
    start(&rig);
    put_code(&rig, CODE + 5 * 4096, 24);
    assert_int_equal(run(rig_vcpu(&rig, 0), CODE + 5 * 4096), 42);
    expect(&rig, 0, 1);
    rig_destroy(&rig);

    start(&rig);
    put_code(&rig, CODE + 6 * 4096 + 4, 24);
    assert_int_equal(run(rig_vcpu(&rig, 0), CODE + 6 * 4096 + 4), 42);
    expect(&rig, 1, 0);
    rig_destroy(&rig);
}

/* Beyond what the key is made from, too. */
static void every_instruction_counts(void **state)
{
    first_run();
    for (unsigned i = 0; i < LENGTH - 1; i++) {
        struct rig rig;
        start(&rig);
        poke_insn(&rig, CODE + 4 * i, i ? ADD_X0_1 + 0x400 : MOVZ_X0 | 25 << 5); /* one more */
        assert_int_equal(run(rig_vcpu(&rig, 0), CODE), 43);
        expect(&rig, 1, 0);
        rig_destroy(&rig);
    }
}

/* Data behind the code may change; so may what its branches skip. */
static void what_was_not_translated_does_not_count(void **state)
{
    struct rig rig;

    first_run();
    start(&rig);
    poke_insn(&rig, CODE + 4 * LENGTH, 0xdeadbeef);
    assert_int_equal(run(rig_vcpu(&rig, 0), CODE), 42);
    expect(&rig, 0, 1);
    rig_destroy(&rig);
}

static void code_that_was_thrown_away_is_found_in_the_same_run(void **state)
{
    struct rig rig;

    start(&rig);
    lookup(rig_vcpu(&rig, 0), CODE);
    jit_cache_flush(rig.engine);
    assert_int_equal(run(rig_vcpu(&rig, 0), CODE), 42);
    expect(&rig, 1, 1);
    rig_destroy(&rig);
}

static void another_mode_has_translations_of_its_own(void **state)
{
    struct rig rig;

    first_run();
    start(&rig);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    vcpu->cpu.sctlr_el1 |= 1 << 1; /* A */
    vcpu->context_dirty = true;
    jit_context_sync(vcpu);
    assert_int_equal(run(vcpu, CODE), 42);
    expect(&rig, 1, 0);
    rig_destroy(&rig);
}

static void another_cpu_model_has_a_file_of_its_own(void **state)
{
    struct rig rig;

    first_run();
    rig_create_stored(&rig, 1, directory, "cortex-a72");
    put_code(&rig, CODE, 24);
    assert_int_equal(run(rig_vcpu(&rig, 0), CODE), 42);
    expect(&rig, 1, 0);
    stop(&rig);
    start(&rig); /* the first one is still there */
    assert_int_equal(run(rig_vcpu(&rig, 0), CODE), 42);
    expect(&rig, 0, 1);
    rig_destroy(&rig);
}

static void code_with_breakpoints_is_not_kept(void **state)
{
    struct rig rig;
    struct store_figures figures;

    start(&rig);
    assert_int_equal(engine_set_breakpoint(rig.engine, CODE + 4096, true), 0);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    vcpu->context_dirty = true;
    jit_context_sync(vcpu);
    assert_true(vcpu->current->mode & FRONT_BREAK);
    assert_int_equal(run(vcpu, CODE), 42);
    store_get_figures(rig.engine->store, &figures);
    assert_int_equal(figures.added, 0);
    rig_destroy(&rig);
}

/* Records whose checksums are right, but which hold anything: they may be refused or taken, but
 * nothing is read or written out of bounds (make check-asan). */
static void records_are_not_believed(void **state)
{
    static uint8_t record[JIT_RECORD], bad[JIT_RECORD];
    uint64_t random = 0x9e3779b97f4a7c15;
    struct rig rig;
    bool more;

    start(&rig);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    assert_non_null(lookup(vcpu, CODE));
    size_t size = store_find(rig.engine->store, vcpu->record_key, 0, record, JIT_RECORD, &more);
    assert_true(size > 100);
    rig_destroy(&rig);
    for (unsigned round = 0; round < 400; round++) {
        start(&rig);
        vcpu = rig_vcpu(&rig, 0);
        for (unsigned candidate = 0; candidate < 8; candidate++) {
            memcpy(bad, record, size);
            for (unsigned k = 0; k < 1 + round % 3; k++) {
                random = random * 6364136223846793005 + 1442695040888963407;
                /* Lengths and tables stand at the beginning. */
                size_t at = (random >> 33) % (round & 1 ? 128 : size);
                bad[at] = (uint8_t)(random >> 56);
            }
            size_t length = round % 5 ? size : (random >> 20) % size + 1;
            jit_cache_flush(rig.engine);
            store_add(rig.engine->store, vcpu->record_key ? vcpu->record_key : 1, bad, length);
            assert_non_null(lookup(vcpu, CODE));
        }
        rig_destroy(&rig);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        TEST(a_second_run_translates_nothing),
        TEST(any_page_will_do_at_the_same_offset),
        TEST(every_instruction_counts),
        TEST(what_was_not_translated_does_not_count),
        TEST(code_that_was_thrown_away_is_found_in_the_same_run),
        TEST(another_mode_has_translations_of_its_own),
        TEST(another_cpu_model_has_a_file_of_its_own),
        TEST(code_with_breakpoints_is_not_kept),
        TEST(records_are_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#undef TEST
}
