/* SPDX-License-Identifier: Apache-2.0 */
/* Merging of TCP segments. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "backend/net/merge.h"
#include "backend/net/net.h"
#include "base/bits.h"

enum { IP = 14, TCP = 34, DATA = 54 };

/* A segment with `payload` bytes from `seq` on, each byte the low bits of its number. */
static size_t segment(uint8_t *f, uint32_t seq, size_t payload)
{
    memset(f, 0, DATA);
    memset(f, 0x52, 12);
    st_be(f + 12, 2, 0x0800);
    f[IP] = 0x45;
    st_be(f + IP + 2, 2, 40 + payload);
    st_be(f + IP + 4, 2, seq & 0xffff);
    f[IP + 8] = 64;
    f[IP + 9] = 6;
    st_be(f + IP + 12, 4, 0x0a000202);
    st_be(f + IP + 16, 4, 0x0a00020f);
    st_be(f + TCP, 2, 80);
    st_be(f + TCP + 2, 2, 40000);
    st_be(f + TCP + 4, 4, seq);
    st_be(f + TCP + 8, 4, 77);
    f[TCP + 12] = 0x50;
    f[TCP + 13] = 16;
    st_be(f + TCP + 14, 2, 65535);
    for (size_t i = 0; i < payload; i++)
        f[DATA + i] = (uint8_t)(seq + i);
    return DATA + payload;
}

static struct merge *fresh(void)
{
    struct merge *m = malloc(sizeof(*m));

    m->len = 0;
    return m;
}

static uint16_t sum(const uint8_t *p, size_t len)
{
    uint32_t s = 0;

    for (size_t i = 0; i < len; i++)
        s += (uint32_t)p[i] << (i & 1 ? 0 : 8);
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

static void consecutive_segments_become_one(void **state)
{
    struct merge *m = fresh();
    struct net_offload o;
    uint8_t f[2000];

    for (unsigned i = 0; i < 40; i++)
        assert_true(merge_add(m, f, segment(f, 0xffff0000 + 1460 * i, 1460)));
    assert_true(merge_add(m, f, segment(f, 0xffff0000 + 1460 * 40, 100)));
    /* The short one was the last. */
    assert_false(merge_add(m, f, segment(f, 0xffff0000 + 1460 * 40 + 100, 100)));
    merge_finish(m, &o);
    assert_int_equal(m->len, DATA + 1460 * 40 + 100);
    assert_int_equal(o.segment, 1460);
    assert_int_equal(o.header, DATA);
    assert_int_equal(ld_be(m->frame + IP + 2, 2), m->len - IP);
    assert_int_equal(sum(m->frame + IP, 20), 0xffff);
    for (size_t i = DATA; i < m->len; i++)
        assert_int_equal(m->frame[i], (uint8_t)(i - DATA));
    /* Completed as a sender would, the checksum over pseudo header and segment is right. */
    uint16_t partial = (uint16_t)~sum(m->frame + TCP, m->len - TCP);
    st_be(m->frame + o.csum_start + o.csum_offset, 2, partial);
    uint8_t pseudo[12];
    memcpy(pseudo, m->frame + IP + 12, 8);
    st_be(pseudo + 8, 2, 6);
    st_be(pseudo + 10, 2, m->len - TCP);
    uint32_t total = (uint32_t)sum(pseudo, 12) + sum(m->frame + TCP, m->len - TCP);
    assert_int_equal((total & 0xffff) + (total >> 16), 0xffff);
    free(m);
}

static void a_single_segment_stays_as_it_is(void **state)
{
    struct merge *m = fresh();
    struct net_offload o;
    uint8_t f[2000];
    size_t len = segment(f, 5, 1000);

    assert_true(merge_add(m, f, len));
    merge_finish(m, &o);
    assert_int_equal(o.segment, 0);
    assert_int_equal(m->len, len);
    assert_memory_equal(m->frame, f, len);
    free(m);
}

static void what_differs_is_not_merged(void **state)
{
    /* Byte to change in the second segment, new value. */
    static const uint8_t change[][2] = {
        {0, 1},        {12, 0x86},       {IP, 0x46},       {IP + 1, 1},      {IP + 6, 0x20},
        {IP + 8, 63},  {IP + 9, 17},     {IP + 15, 9},     {IP + 19, 9},     {TCP + 1, 81},
        {TCP + 3, 1},  {TCP + 7, 1},     {TCP + 11, 78},   {TCP + 12, 0x60}, {TCP + 13, 0x11},
        {TCP + 13, 0}, {TCP + 13, 0x12}, {TCP + 13, 0x14}, {TCP + 13, 0x30}, {TCP + 14, 1},
        {IP + 2, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(change); i++) {
        struct merge *m = fresh();
        uint8_t f[2000];
        assert_true(merge_add(m, f, segment(f, 0, 1000)));
        size_t len = segment(f, 1000, 1000);
        f[change[i][0]] = change[i][1];
        if (merge_add(m, f, len))
            fail_msg("a change of byte %u was merged", change[i][0]);
        assert_int_equal(m->segments, 1);
        free(m);
    }
}

static void pushed_data_ends_a_merge(void **state)
{
    struct merge *m = fresh();
    uint8_t f[2000];
    size_t len;

    assert_true(merge_add(m, f, segment(f, 0, 1000)));
    len = segment(f, 1000, 1000);
    f[TCP + 13] = 0x18;
    assert_true(merge_add(m, f, len));
    assert_int_equal(m->frame[TCP + 13], 0x18);
    assert_false(merge_add(m, f, segment(f, 2000, 1000)));
    free(m);
}

static void a_longer_segment_and_too_much_are_not_taken(void **state)
{
    struct merge *m = fresh();
    uint8_t f[2000];
    uint32_t seq = 1000;

    assert_true(merge_add(m, f, segment(f, 0, 1000)));
    assert_false(merge_add(m, f, segment(f, 1000, 1001)));
    while (merge_add(m, f, segment(f, seq, 1000)))
        seq += 1000;
    assert_true(m->len <= MERGE_MAX_FRAME);
    assert_true(m->len > 64000);
    free(m);
}

static void short_frames_are_left_alone(void **state)
{
    struct merge *m = fresh();
    uint8_t f[2000];

    for (size_t len = 0; len <= DATA; len++) {
        segment(f, 0, 0);
        st_be(f + IP + 2, 2, len - IP);
        assert_false(merge_add(m, f, len));
    }
    free(m);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(consecutive_segments_become_one),
        cmocka_unit_test(a_single_segment_stays_as_it_is),
        cmocka_unit_test(what_differs_is_not_merged),
        cmocka_unit_test(pushed_data_ends_a_merge),
        cmocka_unit_test(a_longer_segment_and_too_much_are_not_taken),
        cmocka_unit_test(short_frames_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
