/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: epoll for descriptors, one eventfd for posts and quitting, one timerfd behind a
 * binary heap of timers. A timerfd, unlike epoll_wait's timeout, is good to a few microseconds.
 *
 * Locking: one lock guards the posts, the heap and the quit state; it is never held while a
 * callback runs, so that a callback may call anything here. Descriptors belong to the loop's
 * thread and need none.
 */
#include "host/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "host/clock.h"

enum { EVENTS_AT_ONCE = 32, NOT_IN_HEAP = -1 };

struct loop_fd {
    struct loop *loop;
    int fd;
    unsigned events;
    void (*fn)(void *ctx, int fd, unsigned events); /* NULL: removed, freed after this round */
    void *ctx;
    bool plain; /* a regular file: epoll refuses it, it is always ready */
    struct loop_fd *next_plain, *next_dead;
};

struct post {
    void (*fn)(void *ctx);
    void *ctx;
    struct post *next;
};

struct loop_timer {
    struct loop *loop;
    void (*fn)(void *ctx);
    void *ctx;
    uint64_t deadline;
    int index; /* in the heap, or NOT_IN_HEAP */
};

struct loop {
    int epoll, event, timer;
    struct loop_fd *event_watch, *timer_watch;
    struct loop_fd *plain, *dead; /* loop thread */

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t idle;  /* the running timer callback returned */
    struct post *posts, **posts_end;
    struct loop_timer **heap;
    unsigned armed, timers, capacity; /* heap entries, timers in existence, room */
    uint64_t programmed;              /* what the timerfd waits for */
    struct loop_timer *running;       /* its callback is under way */
    pthread_t thread;                 /* valid while running is set */
    bool quit;
    int status;
};

static void wake(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t n;

    do
        n = write(loop->event, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
}

static void drain(int fd)
{
    uint64_t count;
    ssize_t n;

    do
        n = read(fd, &count, sizeof(count));
    while (n < 0 && errno == EINTR);
}

/* --- the heap ------------------------------------------------------------------------------- */

static void heap_put(struct loop *loop, unsigned index, struct loop_timer *timer)
{
    loop->heap[index] = timer;
    timer->index = (int)index;
}

static void heap_up_locked(struct loop *loop, unsigned index)
{
    struct loop_timer *timer = loop->heap[index];

    while (index && loop->heap[(index - 1) / 2]->deadline > timer->deadline) {
        heap_put(loop, index, loop->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_put(loop, index, timer);
}

static void heap_down_locked(struct loop *loop, unsigned index)
{
    struct loop_timer *timer = loop->heap[index];

    for (;;) {
        unsigned child = 2 * index + 1;
        if (child >= loop->armed)
            break;
        if (child + 1 < loop->armed &&
            loop->heap[child + 1]->deadline < loop->heap[child]->deadline)
            child++;
        if (loop->heap[child]->deadline >= timer->deadline)
            break;
        heap_put(loop, index, loop->heap[child]);
        index = child;
    }
    heap_put(loop, index, timer);
}

static void heap_remove_locked(struct loop *loop, struct loop_timer *timer)
{
    unsigned index = (unsigned)timer->index;
    struct loop_timer *last;

    if (timer->index == NOT_IN_HEAP)
        return;
    timer->index = NOT_IN_HEAP;
    last = loop->heap[--loop->armed];
    if (last == timer)
        return;
    heap_put(loop, index, last);
    heap_up_locked(loop, index);
    heap_down_locked(loop, (unsigned)last->index);
}

/* Lets the timerfd fire at the earliest deadline. It may stay programmed too early (a disarmed
 * timer costs one idle wake-up, not a system call), never too late. */
static void program_locked(struct loop *loop)
{
    uint64_t want = loop->armed ? loop->heap[0]->deadline : UINT64_MAX;
    struct itimerspec when = {0};

    if (want >= loop->programmed)
        return;
    loop->programmed = want;
    /* 0 would disarm it. */
    if (want == 0)
        want = 1;
    when.it_value.tv_sec = (time_t)(want / 1000000000u);
    when.it_value.tv_nsec = (long)(want % 1000000000u);
    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* --- timers --------------------------------------------------------------------------------- */

int loop_timer_create(struct loop *loop, void (*fn)(void *ctx), void *ctx, struct loop_timer **out)
{
    struct loop_timer *timer = calloc(1, sizeof(*timer));

    if (!timer)
        return -ENOMEM;
    *timer = (struct loop_timer){loop, fn, ctx, UINT64_MAX, NOT_IN_HEAP};

    pthread_mutex_lock(&loop->lock);
    /* Room for every timer there is, so that arming one cannot fail. */
    if (loop->timers == loop->capacity) {
        unsigned capacity = loop->capacity ? 2 * loop->capacity : 16;
        struct loop_timer **heap = realloc(loop->heap, capacity * sizeof(heap[0]));
        if (!heap) {
            pthread_mutex_unlock(&loop->lock);
            free(timer);
            return -ENOMEM;
        }
        loop->heap = heap;
        loop->capacity = capacity;
    }
    loop->timers++;
    pthread_mutex_unlock(&loop->lock);
    *out = timer;
    return 0;
}

void loop_timer_set(struct loop_timer *timer, uint64_t deadline_ns)
{
    struct loop *loop = timer->loop;

    pthread_mutex_lock(&loop->lock);
    timer->deadline = deadline_ns;
    if (deadline_ns == UINT64_MAX) {
        heap_remove_locked(loop, timer);
    } else {
        if (timer->index == NOT_IN_HEAP)
            heap_put(loop, loop->armed++, timer);
        heap_up_locked(loop, (unsigned)timer->index);
        heap_down_locked(loop, (unsigned)timer->index);
        program_locked(loop);
    }
    pthread_mutex_unlock(&loop->lock);
}

void loop_timer_destroy(struct loop_timer *timer)
{
    struct loop *loop;

    if (!timer)
        return;
    loop = timer->loop;
    pthread_mutex_lock(&loop->lock);
    heap_remove_locked(loop, timer);
    /* From another thread: its callback may be under way, and uses ctx. */
    while (loop->running == timer && !pthread_equal(loop->thread, pthread_self()))
        pthread_cond_wait(&loop->idle, &loop->lock);
    heap_remove_locked(loop, timer); /* the callback may have armed it again */
    if (loop->running == timer)
        loop->running = NULL;
    loop->timers--;
    pthread_mutex_unlock(&loop->lock);
    free(timer);
}

static void run_timers(struct loop *loop)
{
    uint64_t now = host_now_ns();
    unsigned budget;

    pthread_mutex_lock(&loop->lock);
    loop->programmed = UINT64_MAX;
    /* A callback that arms its timer in the past must not keep descriptors waiting. */
    budget = loop->armed;
    while (budget-- && loop->armed && loop->heap[0]->deadline <= now) {
        struct loop_timer *timer = loop->heap[0];
        heap_remove_locked(loop, timer);
        loop->running = timer;
        pthread_mutex_unlock(&loop->lock);
        timer->fn(timer->ctx);
        /* timer may be gone now. */
        pthread_mutex_lock(&loop->lock);
        loop->running = NULL;
        pthread_cond_broadcast(&loop->idle);
    }
    program_locked(loop);
    pthread_mutex_unlock(&loop->lock);
}

static void on_timer(void *ctx, int fd, unsigned events)
{
    drain(fd);
    run_timers(ctx);
}

/* --- posts ---------------------------------------------------------------------------------- */

void loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    struct post *post = malloc(sizeof(*post));
    bool first;

    /* The callers are devices in the middle of something and cannot take an error. */
    if (!post)
        abort();
    *post = (struct post){fn, ctx, NULL};
    pthread_mutex_lock(&loop->lock);
    first = !loop->posts;
    *loop->posts_end = post;
    loop->posts_end = &post->next;
    pthread_mutex_unlock(&loop->lock);
    if (first)
        wake(loop);
}

static struct post *take_posts(struct loop *loop)
{
    struct post *posts;

    pthread_mutex_lock(&loop->lock);
    posts = loop->posts;
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
    pthread_mutex_unlock(&loop->lock);
    return posts;
}

static void on_event(void *ctx, int fd, unsigned events)
{
    struct post *post;

    /* Drained before the list is taken: a post in between wakes us again. */
    drain(fd);
    for (post = take_posts(ctx); post;) {
        struct post *next = post->next;
        post->fn(post->ctx);
        free(post);
        post = next;
    }
}

/* --- descriptors ---------------------------------------------------------------------------- */

static uint32_t to_epoll(unsigned events)
{
    /* EPOLLERR and EPOLLHUP come unasked. */
    return (events & LOOP_READ ? EPOLLIN : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u) |
           (events & LOOP_HANGUP ? EPOLLRDHUP : 0u);
}

static unsigned from_epoll(uint32_t events)
{
    unsigned ready = (events & EPOLLIN ? LOOP_READ : 0u) | (events & EPOLLOUT ? LOOP_WRITE : 0u);

    if (events & EPOLLRDHUP)
        ready |= LOOP_HANGUP;
    /* A callback that knows only reading or writing finds the end or the error by trying. */
    if (events & (EPOLLHUP | EPOLLERR))
        ready |= LOOP_HANGUP | LOOP_READ | LOOP_WRITE;
    return ready;
}

int loop_fd_add(struct loop *loop, int fd, unsigned events,
                void (*fn)(void *ctx, int fd, unsigned events), void *ctx, struct loop_fd **out)
{
    struct loop_fd *watch = calloc(1, sizeof(*watch));
    struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};

    if (!watch)
        return -ENOMEM;
    *watch = (struct loop_fd){.loop = loop, .fd = fd, .events = events, .fn = fn, .ctx = ctx};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        int rc = -errno;
        if (rc != -EPERM) {
            free(watch);
            return rc;
        }
        watch->plain = true;
        watch->next_plain = loop->plain;
        loop->plain = watch;
    } else if (!events) {
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
    }
    *out = watch;
    return 0;
}

void loop_fd_set(struct loop_fd *watch, unsigned events)
{
    struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};

    if (watch->events == events)
        return;
    /* Without wanted events epoll still reports a hang-up, over and over: take it out. */
    if (!watch->plain) {
        int op = !events ? EPOLL_CTL_DEL : !watch->events ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        epoll_ctl(watch->loop->epoll, op, watch->fd, &event);
    }
    watch->events = events;
}

void loop_fd_remove(struct loop_fd *watch)
{
    struct loop *loop;

    if (!watch)
        return;
    loop = watch->loop;
    if (watch->plain) {
        struct loop_fd **link = &loop->plain;
        while (*link != watch)
            link = &(*link)->next_plain;
        *link = watch->next_plain;
    } else if (watch->events) {
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    }
    /* Events of this round may still point to it. */
    watch->fn = NULL;
    watch->next_dead = loop->dead;
    loop->dead = watch;
}

static void bury(struct loop *loop)
{
    while (loop->dead) {
        struct loop_fd *watch = loop->dead;
        loop->dead = watch->next_dead;
        free(watch);
    }
}

static bool plain_wanted(const struct loop *loop)
{
    for (struct loop_fd *watch = loop->plain; watch; watch = watch->next_plain)
        if (watch->events & (LOOP_READ | LOOP_WRITE))
            return true;
    return false;
}

/* One callback for each regular file that is wanted. A removal ends the walk; what follows comes
 * in the next round. */
static void run_plain(struct loop *loop)
{
    for (struct loop_fd *watch = loop->plain; watch && watch->fn; watch = watch->next_plain) {
        unsigned ready = watch->events & (LOOP_READ | LOOP_WRITE);
        if (ready)
            watch->fn(watch->ctx, watch->fd, ready);
    }
}

/* --- the loop ------------------------------------------------------------------------------- */

int loop_create(struct loop **out, struct error *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    int rc;

    if (!loop)
        return error_set(err, -ENOMEM, "out of memory");
    loop->posts_end = &loop->posts;
    loop->programmed = UINT64_MAX;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->idle, NULL);
    loop->event = loop->timer = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll >= 0)
        loop->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->event >= 0)
        loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    rc = loop->timer < 0 ? -errno : 0;
    if (!rc)
        rc = loop_fd_add(loop, loop->event, LOOP_READ, on_event, loop, &loop->event_watch);
    if (!rc)
        rc = loop_fd_add(loop, loop->timer, LOOP_READ, on_timer, loop, &loop->timer_watch);
    if (rc) {
        loop_destroy(loop);
        return error_set(err, rc, "cannot create the event loop: %s", strerror(-rc));
    }
    *out = loop;
    return 0;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    loop_fd_remove(loop->event_watch);
    loop_fd_remove(loop->timer_watch);
    bury(loop);
    for (struct post *post = take_posts(loop); post;) {
        struct post *next = post->next;
        free(post);
        post = next;
    }
    if (loop->timer >= 0)
        close(loop->timer);
    if (loop->event >= 0)
        close(loop->event);
    if (loop->epoll >= 0)
        close(loop->epoll);
    free(loop->heap);
    pthread_cond_destroy(&loop->idle);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

static bool must_quit(struct loop *loop, int *status)
{
    bool quit;

    pthread_mutex_lock(&loop->lock);
    quit = loop->quit;
    *status = loop->status;
    pthread_mutex_unlock(&loop->lock);
    return quit;
}

int loop_run(struct loop *loop)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int status;

    pthread_mutex_lock(&loop->lock);
    loop->thread = pthread_self();
    pthread_mutex_unlock(&loop->lock);

    while (!must_quit(loop, &status)) {
        int n = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, plain_wanted(loop) ? 0 : -1);
        for (int i = 0; i < n; i++) {
            struct loop_fd *watch = events[i].data.ptr;
            unsigned ready = from_epoll(events[i].events);
            /* A callback earlier in this round may have lost interest or removed it. */
            ready &= watch->events | LOOP_HANGUP;
            if (watch->fn && watch->events && ready)
                watch->fn(watch->ctx, watch->fd, ready);
        }
        run_plain(loop);
        bury(loop);
    }
    return status;
}

void loop_quit(struct loop *loop, int status)
{
    pthread_mutex_lock(&loop->lock);
    if (!loop->quit) {
        loop->quit = true;
        loop->status = status;
    }
    pthread_mutex_unlock(&loop->lock);
    wake(loop);
}
