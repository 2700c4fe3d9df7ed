/* SPDX-License-Identifier: Apache-2.0 */
/* Split virtqueues with hand-made rings, honest and hostile. */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "machine/mem/mem.h"
#include "machine/virtio/queue.h"

enum { SIZE = 8 };

struct fixture {
    struct rig rig;
    struct virtq q;
    struct ring ring;
    struct virtq_chain chain;
};

static void begin(struct fixture *f, bool event_idx)
{
    rig_create(&f->rig);
    f->q = (struct virtq){.mem = f->rig.mem, .max = 64};
    virtq_reset(&f->q);
    f->ring = (struct ring){
        .size = SIZE, .desc = RAM_BASE, .avail = RAM_BASE + 0x1000, .used = RAM_BASE + 0x2000};
    f->q.size = SIZE;
    f->q.desc = f->ring.desc;
    f->q.avail = f->ring.avail;
    f->q.used = f->ring.used;
    assert_int_equal(virtq_activate(&f->q, event_idx, true), 0);
}

static void end(struct fixture *f)
{
    mem_destroy(f->rig.mem);
}

static int pop(struct fixture *f)
{
    return virtq_pop(&f->q, &f->chain);
}

static void desc(struct fixture *f, unsigned i, uint64_t addr, uint32_t len, unsigned flags,
                 unsigned next)
{
    set_desc(&f->rig, f->ring.desc, i, addr, len, flags, next);
}

static void offer(struct fixture *f, unsigned head)
{
    make_available(&f->rig, &f->ring, head);
}

static void an_empty_ring_gives_nothing(void **state)
{
    struct fixture f;

    begin(&f, false);
    assert_int_equal(pop(&f), 0);
    assert_false(virtq_pending(&f.q));
    end(&f);
}

static void a_chain_is_split_into_read_and_write_parts(void **state)
{
    struct fixture f;
    char text[8];

    begin(&f, false);
    memcpy(guest(&f.rig, BUFFERS, 8), "abcdefgh", 8);
    desc(&f, 3, BUFFERS, 3, D_NEXT, 5);
    desc(&f, 5, BUFFERS + 3, 5, D_NEXT, 1);
    desc(&f, 1, BUFFERS + 0x100, 16, D_WRITE, 0);
    offer(&f, 3);
    assert_int_equal(pop(&f), 1);
    assert_int_equal(f.chain.head, 3);
    assert_int_equal(f.chain.outs, 2);
    assert_int_equal(f.chain.ins, 1);
    assert_int_equal(f.chain.out_len, 8);
    assert_int_equal(f.chain.in_len, 16);
    assert_int_equal(virtq_read(&f.chain, 1, text, 8), 7);
    assert_memory_equal(text, "bcdefgh", 7);
    assert_int_equal(virtq_write(f.rig.mem, &f.chain, 4, "wxyz", 4), 4);
    assert_memory_equal(guest(&f.rig, BUFFERS + 0x104, 4), "wxyz", 4);
    virtq_push(&f.q, f.chain.head, 8);
    assert_int_equal(peek(&f.rig, f.ring.used + 2, 2), 1);
    assert_int_equal(peek(&f.rig, f.ring.used + 4, 4), 3);
    assert_int_equal(peek(&f.rig, f.ring.used + 8, 4), 8);
    end(&f);
}

static void an_indirect_table_is_followed(void **state)
{
    struct fixture f;

    begin(&f, false);
    set_desc(&f.rig, BUFFERS, 0, BUFFERS + 0x1000, 4, D_NEXT, 2);
    set_desc(&f.rig, BUFFERS, 2, BUFFERS + 0x2000, 6, D_WRITE, 0);
    desc(&f, 0, BUFFERS, 48, D_INDIRECT, 0);
    offer(&f, 0);
    assert_int_equal(pop(&f), 1);
    assert_int_equal(f.chain.out_len, 4);
    assert_int_equal(f.chain.in_len, 6);
    end(&f);
}

static void a_buffer_across_two_ram_slots_is_cut(void **state)
{
    struct fixture f;

    begin(&f, false);
    desc(&f, 0, RAM_BASE + RAM_SIZE - 4, 8, D_WRITE, 0);
    offer(&f, 0);
    assert_int_equal(pop(&f), 1);
    assert_int_equal(f.chain.ins, 2);
    assert_int_equal(virtq_write(f.rig.mem, &f.chain, 0, "01234567", 8), 8);
    assert_memory_equal(guest(&f.rig, RAM_BASE + RAM_SIZE, 4), "4567", 4);
    end(&f);
}

static void an_unpopped_chain_comes_again(void **state)
{
    struct fixture f;

    begin(&f, false);
    desc(&f, 2, BUFFERS, 4, 0, 0);
    offer(&f, 2);
    assert_int_equal(pop(&f), 1);
    virtq_unpop(&f.q);
    assert_true(virtq_pending(&f.q));
    assert_int_equal(pop(&f), 1);
    assert_int_equal(f.chain.head, 2);
    end(&f);
}

static void indexes_wrap(void **state)
{
    struct fixture f;

    begin(&f, false);
    desc(&f, 0, BUFFERS, 4, 0, 0);
    for (unsigned i = 0; i < 70000; i++) {
        offer(&f, 0);
        assert_int_equal(pop(&f), 1);
        virtq_push(&f.q, 0, 0);
    }
    assert_int_equal(peek(&f.rig, f.ring.used + 2, 2), 70000 & 0xffff);
    end(&f);
}

/* Each hostile case: descriptors and what is offered; the queue must break and stay broken. */
struct hostile {
    const char *what;
    struct {
        uint64_t addr;
        uint32_t len;
        unsigned flags, next;
    } desc[SIZE];
    unsigned head;
    uint64_t indirect[4][2]; /* raw 16-byte entries at BUFFERS */
};

#define RAW(len, flags, next) ((uint64_t)(len) | (uint64_t)(flags) << 32 | (uint64_t)(next) << 48)

static const struct hostile hostile[] = {
    {"loop", {{BUFFERS, 4, D_NEXT, 1}, {BUFFERS, 4, D_NEXT, 0}}, 0, {{0}}},
    {"loop on itself", {{BUFFERS, 4, D_NEXT, 0}}, 0, {{0}}},
    {"empty loop", {{BUFFERS, 0, D_NEXT, 0}}, 0, {{0}}},
    {"next outside", {{BUFFERS, 4, D_NEXT, SIZE}}, 0, {{0}}},
    {"head outside", {{0}}, SIZE, {{0}}},
    {"address 0", {{0, 4, 0, 0}}, 0, {{0}}},
    {"address wraps", {{~0ull - 1, 4, 0, 0}}, 0, {{0}}},
    {"length runs out of RAM", {{RAM_END - 4, 8, 0, 0}}, 0, {{0}}},
    {"length of 4 GiB", {{BUFFERS, 0xffffffff, D_WRITE, 0}}, 0, {{0}}},
    {"read part behind write part",
     {{BUFFERS, 4, D_WRITE | D_NEXT, 1}, {BUFFERS, 4, 0, 0}},
     0,
     {{0}}},
    {"indirect with next", {{BUFFERS, 16, D_INDIRECT | D_NEXT, 1}}, 0, {{BUFFERS, RAW(4, 0, 0)}}},
    {"indirect of no length", {{BUFFERS, 0, D_INDIRECT, 0}}, 0, {{0}}},
    {"indirect of odd length", {{BUFFERS, 17, D_INDIRECT, 0}}, 0, {{BUFFERS, RAW(4, 0, 0)}}},
    {"indirect outside RAM", {{RAM_END, 16, D_INDIRECT, 0}}, 0, {{0}}},
    {"indirect in indirect",
     {{BUFFERS, 16, D_INDIRECT, 0}},
     0,
     {{BUFFERS, RAW(16, D_INDIRECT, 0)}}},
    {"loop in indirect",
     {{BUFFERS, 32, D_INDIRECT, 0}},
     0,
     {{BUFFERS, RAW(4, D_NEXT, 1)}, {BUFFERS, RAW(4, D_NEXT, 0)}}},
    {"next outside indirect", {{BUFFERS, 16, D_INDIRECT, 0}}, 0, {{BUFFERS, RAW(4, D_NEXT, 1)}}},
};

static void hostile_chains_break_the_queue(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        const struct hostile *h = &hostile[i];
        struct fixture f;

        begin(&f, false);
        for (unsigned d = 0; d < SIZE; d++)
            desc(&f, d, h->desc[d].addr, h->desc[d].len, h->desc[d].flags, h->desc[d].next);
        for (unsigned d = 0; d < 4; d++) {
            poke(&f.rig, BUFFERS + 16 * d, 8, h->indirect[d][0]);
            poke(&f.rig, BUFFERS + 16 * d + 8, 8, h->indirect[d][1]);
        }
        offer(&f, h->head);
        if (pop(&f) != -EINVAL)
            fail_msg("%s: was taken", h->what);
        assert_non_null(f.q.why);
        assert_int_equal(pop(&f), -EINVAL);
        end(&f);
    }
}

static void indirect_needs_the_feature(void **state)
{
    struct fixture f;

    begin(&f, false);
    f.q.indirect = false;
    set_desc(&f.rig, BUFFERS, 0, BUFFERS, 4, 0, 0);
    desc(&f, 0, BUFFERS, 16, D_INDIRECT, 0);
    offer(&f, 0);
    assert_int_equal(pop(&f), -EINVAL);
    end(&f);
}

static void a_jump_of_the_available_index_breaks_the_queue(void **state)
{
    struct fixture f;

    begin(&f, false);
    poke(&f.rig, f.ring.avail + 2, 2, SIZE + 1);
    assert_int_equal(pop(&f), -EINVAL);
    end(&f);
}

static void more_chains_than_descriptors_under_way_break_the_queue(void **state)
{
    struct fixture f;

    begin(&f, false);
    desc(&f, 0, BUFFERS, 4, 0, 0);
    for (unsigned i = 0; i < SIZE; i++) {
        offer(&f, 0);
        assert_int_equal(pop(&f), 1);
    }
    offer(&f, 0);
    assert_int_equal(pop(&f), -EINVAL);
    end(&f);
}

static void a_long_indirect_chain_is_refused_without_overflow(void **state)
{
    struct fixture f;
    unsigned n = VIRTQ_MAX_SEGS + 10;

    begin(&f, false);
    for (unsigned i = 0; i < n; i++)
        set_desc(&f.rig, BUFFERS, i, BUFFERS, 1, i + 1 < n ? D_NEXT : 0, i + 1);
    desc(&f, 0, BUFFERS, 16 * n, D_INDIRECT, 0);
    offer(&f, 0);
    assert_int_equal(pop(&f), -EINVAL);
    end(&f);
}

static void areas_are_checked_when_activated(void **state)
{
    static const struct {
        unsigned size;
        uint64_t desc, avail, used;
    } bad[] = {
        {0, RAM_BASE, RAM_BASE + 0x1000, RAM_BASE + 0x2000},
        {6, RAM_BASE, RAM_BASE + 0x1000, RAM_BASE + 0x2000},
        {128, RAM_BASE, RAM_BASE + 0x1000, RAM_BASE + 0x2000},
        {8, RAM_BASE + 8, RAM_BASE + 0x1000, RAM_BASE + 0x2000},
        {8, RAM_BASE, RAM_BASE + 0x1001, RAM_BASE + 0x2000},
        {8, RAM_BASE, RAM_BASE + 0x1000, RAM_BASE + 0x2002},
        {8, 0, RAM_BASE + 0x1000, RAM_BASE + 0x2000},
        {8, RAM_BASE, ~0ull - 1, RAM_BASE + 0x2000},
        {8, RAM_BASE, RAM_BASE + 0x1000, RAM_END - 64},
    };
    struct rig rig;

    rig_create(&rig);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct virtq q = {.mem = rig.mem, .max = 64};
        virtq_reset(&q);
        q.size = bad[i].size;
        q.desc = bad[i].desc;
        q.avail = bad[i].avail;
        q.used = bad[i].used;
        assert_int_equal(virtq_activate(&q, false, false), -EINVAL);
        assert_false(q.active);
    }
    mem_destroy(rig.mem);
}

static void the_no_interrupt_flag_is_obeyed(void **state)
{
    struct fixture f;

    begin(&f, false);
    desc(&f, 0, BUFFERS, 4, 0, 0);
    offer(&f, 0);
    pop(&f);
    virtq_push(&f.q, 0, 0);
    assert_true(virtq_interrupt_wanted(&f.q));
    poke(&f.rig, f.ring.avail, 2, 1);
    assert_false(virtq_interrupt_wanted(&f.q));
    end(&f);
}

static void the_used_event_decides_about_interrupts(void **state)
{
    /* used_event before each push, and whether pushing entry n (from 0) interrupts. */
    static const struct {
        uint16_t event;
        bool wanted;
    } step[] = {{0, true}, {0, false}, {2, true}, {5, false}, {5, false}, {5, true}, {100, false}};
    struct fixture f;

    begin(&f, true);
    desc(&f, 0, BUFFERS, 4, 0, 0);
    for (size_t i = 0; i < ARRAY_SIZE(step); i++) {
        poke(&f.rig, f.ring.avail + 4 + 2 * SIZE, 2, step[i].event);
        offer(&f, 0);
        assert_int_equal(pop(&f), 1);
        virtq_push(&f.q, 0, 0);
        assert_int_equal(virtq_interrupt_wanted(&f.q), step[i].wanted);
    }
    virtq_enable_notify(&f.q);
    assert_int_equal(peek(&f.rig, f.ring.used + 4 + 8 * SIZE, 2), ARRAY_SIZE(step));
    end(&f);
}

static void the_legacy_layout_is_one_block(void **state)
{
    struct virtq q = {.max = 256};

    virtq_reset(&q);
    virtq_set_legacy(&q, 0x40010000, 4096);
    assert_int_equal(q.desc, 0x40010000);
    assert_int_equal(q.avail, 0x40011000);
    assert_int_equal(q.used, 0x40012000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_ring_gives_nothing),
        cmocka_unit_test(a_chain_is_split_into_read_and_write_parts),
        cmocka_unit_test(an_indirect_table_is_followed),
        cmocka_unit_test(a_buffer_across_two_ram_slots_is_cut),
        cmocka_unit_test(an_unpopped_chain_comes_again),
        cmocka_unit_test(indexes_wrap),
        cmocka_unit_test(hostile_chains_break_the_queue),
        cmocka_unit_test(indirect_needs_the_feature),
        cmocka_unit_test(a_jump_of_the_available_index_breaks_the_queue),
        cmocka_unit_test(more_chains_than_descriptors_under_way_break_the_queue),
        cmocka_unit_test(a_long_indirect_chain_is_refused_without_overflow),
        cmocka_unit_test(areas_are_checked_when_activated),
        cmocka_unit_test(the_no_interrupt_flag_is_obeyed),
        cmocka_unit_test(the_used_event_decides_about_interrupts),
        cmocka_unit_test(the_legacy_layout_is_one_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
