/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "host/clock.h"
#include "host/loop.h"
#include "host/thread.h"

enum { MS = 1000000 };

struct fixture {
    struct loop *loop;
    struct loop_timer *timer[8];
    uint64_t fired_at[8];
    unsigned order[8], fired;
    unsigned count;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    return loop_create(&f->loop, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 8; i++)
        loop_timer_destroy(f->timer[i]);
    loop_destroy(f->loop);
    free(f);
    return 0;
}

struct slot {
    struct fixture *f;
    unsigned index, last;
};

static void note(void *ctx)
{
    struct slot *slot = ctx;
    struct fixture *f = slot->f;

    f->fired_at[slot->index] = host_now_ns();
    f->order[f->fired++] = slot->index;
    if (f->fired == slot->last)
        loop_quit(f->loop, 7);
}

static void timers_fire_in_the_order_of_their_deadlines(void **state)
{
    static const unsigned delay_ms[5] = {9, 3, 12, 1, 6}, order[5] = {3, 1, 4, 0, 2};
    struct fixture *f = *state;
    struct slot slot[5];
    uint64_t start = host_now_ns();

    for (unsigned i = 0; i < 5; i++) {
        slot[i] = (struct slot){f, i, 5};
        assert_int_equal(loop_timer_create(f->loop, note, &slot[i], &f->timer[i]), 0);
        loop_timer_set(f->timer[i], start + delay_ms[i] * MS);
    }
    assert_int_equal(loop_run(f->loop), 7);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(f->order[i], order[i]);
        assert_true(f->fired_at[i] >= start + delay_ms[i] * MS);
    }
}

static void timer_is_not_milliseconds_late(void **state)
{
    struct fixture *f = *state;
    uint64_t best = UINT64_MAX;

    /* The best of several: a busy host delays some, a coarse timer all. */
    for (unsigned i = 0; i < 8; i++) {
        struct slot slot = {f, i, 0};
        struct loop_timer *timer;
        uint64_t deadline = host_now_ns() + 1 * MS;
        struct loop *loop;

        assert_int_equal(loop_create(&loop, NULL), 0);
        slot.f = f;
        struct fixture own = {.loop = loop};
        slot = (struct slot){&own, 0, 1};
        assert_int_equal(loop_timer_create(loop, note, &slot, &timer), 0);
        loop_timer_set(timer, deadline);
        loop_run(loop);
        if (own.fired_at[0] - deadline < best)
            best = own.fired_at[0] - deadline;
        loop_timer_destroy(timer);
        loop_destroy(loop);
    }
    assert_true(best < 300000);
}

static void disarmed_timer_does_not_fire(void **state)
{
    struct fixture *f = *state;
    struct slot never = {f, 0, 1}, end = {f, 1, 1};

    loop_timer_create(f->loop, note, &never, &f->timer[0]);
    loop_timer_create(f->loop, note, &end, &f->timer[1]);
    loop_timer_set(f->timer[0], host_now_ns() + 2 * MS);
    loop_timer_set(f->timer[1], host_now_ns() + 5 * MS);
    loop_timer_set(f->timer[0], UINT64_MAX);
    loop_run(f->loop);
    assert_int_equal(f->fired, 1);
    assert_int_equal(f->order[0], 1);
}

static void rearm(void *ctx)
{
    struct slot *slot = ctx;

    if (++slot->f->count < 1000)
        loop_timer_set(slot->f->timer[0], 1); /* long ago */
}

static void timer_rearmed_in_the_past_does_not_starve_others(void **state)
{
    struct fixture *f = *state;
    struct slot past = {f, 0, 0}, end = {f, 1, 1};

    loop_timer_create(f->loop, rearm, &past, &f->timer[0]);
    loop_timer_create(f->loop, note, &end, &f->timer[1]);
    loop_timer_set(f->timer[0], 1);
    loop_timer_set(f->timer[1], host_now_ns());
    loop_run(f->loop);
    assert_true(f->count >= 1);
    assert_int_equal(f->fired, 1);
}

static void destroy_self(void *ctx)
{
    struct slot *slot = ctx;

    loop_timer_destroy(slot->f->timer[0]);
    slot->f->timer[0] = NULL;
    loop_quit(slot->f->loop, 3);
}

static void timer_may_destroy_itself(void **state)
{
    struct fixture *f = *state;
    struct slot slot = {f, 0, 0};

    loop_timer_create(f->loop, destroy_self, &slot, &f->timer[0]);
    loop_timer_set(f->timer[0], host_now_ns());
    assert_int_equal(loop_run(f->loop), 3);
}

static void count_post(void *ctx)
{
    struct fixture *f = ctx;

    if (++f->count == 4000)
        loop_quit(f->loop, 0);
}

static void poster(void *ctx)
{
    struct fixture *f = ctx;

    for (int i = 0; i < 2000; i++)
        loop_post(f->loop, count_post, f);
}

static void posts_of_two_threads_all_arrive(void **state)
{
    struct fixture *f = *state;
    struct thread *thread[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_create(&thread[i], "poster", poster, f, NULL), 0);
    loop_run(f->loop);
    for (int i = 0; i < 2; i++)
        thread_join(thread[i]);
    assert_int_equal(f->count, 4000);
}

static void arm_from_afar(void *ctx)
{
    struct fixture *f = ctx;

    for (int i = 0; i < 1000; i++)
        loop_timer_set(f->timer[0], host_now_ns() + (i % 2 ? 5 : 500) * MS);
}

static void timer_set_by_another_thread_wakes_the_loop(void **state)
{
    struct fixture *f = *state;
    struct slot slot = {f, 0, 1};
    struct thread *thread;
    uint64_t start = host_now_ns();

    loop_timer_create(f->loop, note, &slot, &f->timer[0]);
    assert_int_equal(thread_create(&thread, "setter", arm_from_afar, f, NULL), 0);
    loop_run(f->loop);
    thread_join(thread);
    assert_true(host_now_ns() - start < 400 * MS);
}

static void quit_with(void *ctx)
{
    loop_quit(ctx, 5);
    loop_quit(ctx, 6);
}

static void first_quit_counts(void **state)
{
    struct fixture *f = *state;

    loop_post(f->loop, quit_with, f->loop);
    assert_int_equal(loop_run(f->loop), 5);
}

static void read_one(void *ctx, int fd, unsigned events)
{
    struct fixture *f = ctx;
    char byte;
    ssize_t n = read(fd, &byte, 1);

    if (n == 1)
        f->count++;
    if (n == 0)
        loop_quit(f->loop, 0);
}

static void pipe_is_read_to_its_end(void **state)
{
    struct fixture *f = *state;
    struct loop_fd *watch;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    close(ends[1]);
    assert_int_equal(loop_fd_add(f->loop, ends[0], LOOP_READ, read_one, f, &watch), 0);
    loop_run(f->loop);
    assert_int_equal(f->count, 3);
    loop_fd_remove(watch);
    close(ends[0]);
}

static void regular_file_is_read_to_its_end(void **state)
{
    struct fixture *f = *state;
    struct loop_fd *watch;
    FILE *file = tmpfile();

    fputs("12345", file);
    rewind(file);
    assert_int_equal(loop_fd_add(f->loop, fileno(file), LOOP_READ, read_one, f, &watch), 0);
    loop_run(f->loop);
    assert_int_equal(f->count, 5);
    loop_fd_remove(watch);
    fclose(file);
}

struct pair {
    struct fixture *f;
    struct loop_fd *watch[2];
};

static void remove_both(void *ctx, int fd, unsigned events)
{
    struct pair *pair = ctx;

    pair->f->count++;
    loop_fd_remove(pair->watch[0]);
    loop_fd_remove(pair->watch[1]);
    loop_quit(pair->f->loop, 0);
}

static void removed_descriptor_gets_no_event_of_the_same_round(void **state)
{
    struct fixture *f = *state;
    struct pair pair = {f, {NULL, NULL}};
    int ends[2][2];

    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(ends[i]), 0);
        assert_int_equal(write(ends[i][1], "x", 1), 1);
        loop_fd_add(f->loop, ends[i][0], LOOP_READ, remove_both, &pair, &pair.watch[i]);
    }
    loop_run(f->loop);
    assert_int_equal(f->count, 1);
    for (int i = 0; i < 2; i++) {
        close(ends[i][0]);
        close(ends[i][1]);
    }
}

static void descriptor_without_wanted_events_is_silent(void **state)
{
    struct fixture *f = *state;
    struct slot end = {f, 1, 1};
    struct loop_fd *watch;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    close(ends[1]); /* hung up */
    loop_fd_add(f->loop, ends[0], LOOP_READ, read_one, f, &watch);
    loop_fd_set(watch, 0);
    loop_timer_create(f->loop, note, &end, &f->timer[0]);
    loop_timer_set(f->timer[0], host_now_ns() + 2 * MS);
    assert_int_equal(loop_run(f->loop), 7);
    loop_fd_remove(watch);
    close(ends[0]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(timers_fire_in_the_order_of_their_deadlines),
        T(timer_is_not_milliseconds_late),
        T(disarmed_timer_does_not_fire),
        T(timer_rearmed_in_the_past_does_not_starve_others),
        T(timer_may_destroy_itself),
        T(posts_of_two_threads_all_arrive),
        T(timer_set_by_another_thread_wakes_the_loop),
        T(first_quit_counts),
        T(pipe_is_read_to_its_end),
        T(regular_file_is_read_to_its_end),
        T(removed_descriptor_gets_no_event_of_the_same_round),
        T(descriptor_without_wanted_events_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
