/* SPDX-License-Identifier: Apache-2.0 */
/* TLB maintenance on the contexts of one vCPU (manual D8.17), and its way to the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rig.h"

static const struct arm_tlbi all = {.kind = ARM_TLBI_ALL};

static struct arm_tlbi by_va(uint16_t asid, uint64_t va)
{
    return (struct arm_tlbi){.kind = ARM_TLBI_VA, .asid = asid, .va = va, .pages = 1};
}

static void setup(struct rig *rig, unsigned cpus)
{
    rig_create(rig, cpus, ENGINE_INTERPRET);
}

static void a_page_is_walked_once(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    assert_true(rig_load_misses(rig_vcpu(&rig, 0), PAGES));
    assert_false(rig_load_misses(rig_vcpu(&rig, 0), PAGES + 4088));
    rig_destroy(&rig);
}

static void tlbi_by_va_drops_that_page_only(void **state)
{
    struct arm_tlbi op = by_va(1, PAGES + 4096);
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    for (unsigned i = 0; i < 3; i++)
        rig_load_misses(vcpu, PAGES + 4096 * i);
    jit_tlbi_local(vcpu, &op);
    assert_false(rig_load_misses(vcpu, PAGES));
    assert_true(rig_load_misses(vcpu, PAGES + 4096));
    assert_false(rig_load_misses(vcpu, PAGES + 8192));
    rig_destroy(&rig);
}

static void tlbi_by_va_of_another_asid_drops_global_entries_only(void **state)
{
    struct arm_tlbi op = by_va(7, PAGES), global = by_va(7, GLOBAL);
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    rig_load_misses(vcpu, PAGES);
    jit_tlbi_local(vcpu, &op);
    assert_false(rig_load_misses(vcpu, PAGES));
    rig_load_misses(vcpu, GLOBAL);
    jit_tlbi_local(vcpu, &global);
    assert_true(rig_load_misses(vcpu, GLOBAL));
    rig_destroy(&rig);
}

static void address_spaces_keep_their_entries(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    rig_load_misses(vcpu, PAGES);
    rig_set_asid(vcpu, 2);
    assert_true(rig_load_misses(vcpu, PAGES));
    rig_set_asid(vcpu, 1);
    assert_false(rig_load_misses(vcpu, PAGES));
    rig_destroy(&rig);
}

static void tlbi_by_asid_drops_that_address_space_only(void **state)
{
    struct arm_tlbi op = {.kind = ARM_TLBI_ASID, .asid = 2};
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    rig_load_misses(vcpu, PAGES);
    rig_set_asid(vcpu, 2);
    rig_load_misses(vcpu, PAGES);
    rig_set_asid(vcpu, 1);
    jit_tlbi_local(vcpu, &op);
    assert_false(rig_load_misses(vcpu, PAGES));
    rig_set_asid(vcpu, 2);
    assert_true(rig_load_misses(vcpu, PAGES));
    rig_destroy(&rig);
}

static void tlbi_all_asids_drops_the_page_everywhere(void **state)
{
    struct arm_tlbi op = {.kind = ARM_TLBI_VAA, .va = PAGES, .pages = 1};
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    rig_load_misses(vcpu, PAGES);
    rig_set_asid(vcpu, 2);
    rig_load_misses(vcpu, PAGES);
    jit_tlbi_local(vcpu, &op);
    assert_true(rig_load_misses(vcpu, PAGES));
    rig_set_asid(vcpu, 1);
    assert_true(rig_load_misses(vcpu, PAGES));
    rig_destroy(&rig);
}

static void one_tlbi_drops_all_of_a_block(void **state)
{
    struct arm_tlbi op = by_va(1, BLOCK + 0x123000);
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    for (unsigned i = 0; i < 8; i++)
        rig_load_misses(vcpu, BLOCK + 0x21000 * i);
    jit_tlbi_local(vcpu, &op);
    for (unsigned i = 0; i < 8; i++)
        assert_true(rig_load_misses(vcpu, BLOCK + 0x21000 * i));
    rig_destroy(&rig);
}

static void a_range_drops_its_pages(void **state)
{
    struct arm_tlbi op = by_va(1, PAGES + 4096);
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    op.pages = 8;
    for (unsigned i = 0; i < 10; i++)
        rig_load_misses(vcpu, PAGES + 4096 * i);
    jit_tlbi_local(vcpu, &op);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(rig_load_misses(vcpu, PAGES + 4096 * i), i >= 1 && i < 9);
    rig_destroy(&rig);
}

/* More pages than are looked up one by one; entries of blocks too, global ones of other spaces. */
static void a_long_range_drops_what_it_touches(void **state)
{
    struct arm_tlbi op = by_va(1, PAGES + 4096), other = by_va(7, PAGES);
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    op.pages = 100;
    for (unsigned i = 0; i < 110; i++)
        rig_load_misses(vcpu, PAGES + 4096 * i);
    rig_load_misses(vcpu, BLOCK + 4096 * 200);
    jit_tlbi_local(vcpu, &op);
    for (unsigned i = 0; i < 110; i++)
        assert_int_equal(rig_load_misses(vcpu, PAGES + 4096 * i), i >= 1 && i < 101);
    assert_false(rig_load_misses(vcpu, BLOCK + 4096 * 200));
    op.pages = 1024; /* the block begins within */
    jit_tlbi_local(vcpu, &op);
    assert_true(rig_load_misses(vcpu, BLOCK + 4096 * 200));
    rig_load_misses(vcpu, PAGES);
    rig_load_misses(vcpu, GLOBAL + 4096 * 300);
    other.pages = 1024;
    jit_tlbi_local(vcpu, &other);
    assert_false(rig_load_misses(vcpu, PAGES));
    assert_true(rig_load_misses(vcpu, GLOBAL + 4096 * 300));
    rig_destroy(&rig);
}

static void changing_tcr_drops_everything(void **state)
{
    struct rig rig;
    setup(&rig, 1);
    struct jit_vcpu *vcpu = rig_vcpu(&rig, 0);
    rig_load_misses(vcpu, PAGES);
    vcpu->cpu.tcr_el1 |= 1ull << 37;
    jit_context_sync(vcpu);
    assert_true(rig_load_misses(vcpu, PAGES));
    rig_destroy(&rig);
}

/* --- mail -------------------------------------------------------------------------------------*/

static void mail_is_done_when_drained(void **state)
{
    struct arm_tlbi op = by_va(1, PAGES);
    struct rig rig;
    setup(&rig, 2);
    struct jit_vcpu *from = rig_vcpu(&rig, 0), *to = rig_vcpu(&rig, 1);
    rig_load_misses(to, PAGES);
    rig_load_misses(to, PAGES + 4096);
    atomic_store(&to->running, 1);
    jit_post_tlbi(from, &op);
    assert_true(atomic_load(&to->cpu.attention) & ARM_ATTENTION_WORK);
    assert_int_not_equal(atomic_load(&to->mail.posted), atomic_load(&to->mail.done));
    jit_mail_drain(to);
    assert_int_equal(atomic_load(&to->mail.posted), atomic_load(&to->mail.done));
    assert_true(rig_load_misses(to, PAGES));
    assert_false(rig_load_misses(to, PAGES + 4096));
    rig_destroy(&rig);
}

static void more_mail_than_fits_drops_everything(void **state)
{
    struct rig rig;
    setup(&rig, 2);
    struct jit_vcpu *to = rig_vcpu(&rig, 1);
    rig_load_misses(to, PAGES);
    for (unsigned i = 0; i < JIT_MAIL + 1; i++) {
        struct arm_tlbi op = by_va(1, BLOCK + 4096 * i);
        jit_post_tlbi(rig_vcpu(&rig, 0), &op);
    }
    jit_mail_drain(to);
    assert_true(rig_load_misses(to, PAGES));
    assert_int_equal(to->mail.count, 0);
    rig_destroy(&rig);
}

static void dsb_does_not_wait_for_who_is_not_running(void **state)
{
    struct rig rig;
    setup(&rig, 3);
    struct jit_vcpu *from = rig_vcpu(&rig, 0);
    atomic_store(&from->running, 1);
    jit_post_tlbi(from, &all);
    jit_wait_mail(from); /* would hang */
    assert_int_equal(atomic_load(&from->running), 1);
    assert_false(from->broadcast);
    rig_destroy(&rig);
}

static void *answer(void *vcpu)
{
    struct jit_vcpu *to = vcpu;

    while (!(atomic_load(&to->cpu.attention) & ARM_ATTENTION_WORK))
        continue;
    jit_mail_drain(to);
    return NULL;
}

static void dsb_waits_for_who_is_running(void **state)
{
    struct rig rig;
    pthread_t thread;
    setup(&rig, 2);
    struct jit_vcpu *from = rig_vcpu(&rig, 0), *to = rig_vcpu(&rig, 1);
    atomic_store(&from->running, 1);
    atomic_store(&to->running, 1);
    assert_int_equal(pthread_create(&thread, NULL, answer, to), 0);
    jit_post_tlbi(from, &all);
    jit_wait_mail(from);
    assert_int_equal(atomic_load(&to->mail.posted), atomic_load(&to->mail.done));
    pthread_join(thread, NULL);
    rig_destroy(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_walked_once),
        cmocka_unit_test(tlbi_by_va_drops_that_page_only),
        cmocka_unit_test(tlbi_by_va_of_another_asid_drops_global_entries_only),
        cmocka_unit_test(address_spaces_keep_their_entries),
        cmocka_unit_test(tlbi_by_asid_drops_that_address_space_only),
        cmocka_unit_test(tlbi_all_asids_drops_the_page_everywhere),
        cmocka_unit_test(one_tlbi_drops_all_of_a_block),
        cmocka_unit_test(a_range_drops_its_pages),
        cmocka_unit_test(a_long_range_drops_what_it_touches),
        cmocka_unit_test(changing_tcr_drops_everything),
        cmocka_unit_test(mail_is_done_when_drained),
        cmocka_unit_test(more_mail_than_fits_drops_everything),
        cmocka_unit_test(dsb_does_not_wait_for_who_is_not_running),
        cmocka_unit_test(dsb_waits_for_who_is_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
