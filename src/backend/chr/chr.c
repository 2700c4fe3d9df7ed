/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character back ends: buffering and threads.
 *
 * Output goes through a ring to a thread of its own, so that a slow terminal or pipe holds up
 * neither a vCPU nor the loop. When the ring is full the guest waits for room, which slows it down
 * to its reader's pace; a reader that takes nothing for long counts as stuck (a stopped terminal,
 * after a second; a pipe's reader, after half a minute) and what does not fit is dropped and
 * counted until it moves again.
 *
 * Input is read by the loop when everything before it was taken; from a terminal with a menu also
 * ahead of that, because its key must always work.
 */
#include "backend/chr/core.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "host/clock.h"
#include "host/loop.h"
#include "host/thread.h"

enum {
    CHUNK = 4096, /* no more at once: POLLOUT promises as much of a pipe */
    POLL_MS = 50,
};

/* --- output ---------------------------------------------------------------------------------- */

static void ring_put(struct chr *chr, const uint8_t *buf, size_t len)
{
    size_t tail = (chr->head + chr->used) % CHR_OUT_BYTES;
    size_t first = len < CHR_OUT_BYTES - tail ? len : CHR_OUT_BYTES - tail;

    memcpy(chr->ring + tail, buf, first);
    memcpy(chr->ring, buf + first, len - first);
    chr->used += len;
}

static size_t ring_get(struct chr *chr, uint8_t *buf, size_t max)
{
    size_t len = chr->used < max ? chr->used : max;
    size_t first = len < CHR_OUT_BYTES - chr->head ? len : CHR_OUT_BYTES - chr->head;

    memcpy(buf, chr->ring + chr->head, first);
    memcpy(buf + first, chr->ring, len - first);
    chr->head = (chr->head + len) % CHR_OUT_BYTES;
    chr->used -= len;
    return len;
}

/* Writes once. Bytes written, 0 when it must wait (waits a little), negative errno. */
static ssize_t write_some(int fd, const uint8_t *buf, size_t len)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    ssize_t n;

    /* Some descriptors block: those only get what they are ready for. */
    if (poll(&p, 1, POLL_MS) == 0)
        return 0;
    n = write(fd, buf, len);
    if (n >= 0)
        return n;
    return errno == EINTR || errno == EAGAIN ? 0 : -errno;
}

/* Nobody listens, or nobody worth waiting for. */
static bool forgets(const struct chr *chr)
{
    return chr->keep_latest && (chr->out_fd < 0 || chr->stuck);
}

/* The ring has room, or not even a stuck listener's guest may wait: true when there is room. */
static bool wait_for_room_locked(struct chr *chr)
{
    uint64_t deadline = host_now_ns() + chr->patience_ms * 1000000ull;
    struct timespec until = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};

    while (chr->used == CHR_OUT_BYTES && !chr->stuck && !chr->quit && !chr->dead) {
        if (forgets(chr))
            break;
        if (pthread_cond_clockwait(&chr->changed, &chr->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
            chr->stuck = chr->used == CHR_OUT_BYTES;
    }
    return chr->used < CHR_OUT_BYTES;
}

/* Nobody listens: the oldest bytes make room. */
static void forget_locked(struct chr *chr, size_t len)
{
    if (len > chr->used)
        len = chr->used;
    chr->head = (chr->head + len) % CHR_OUT_BYTES;
    chr->used -= len;
}

static void put_output(struct chr *chr, const uint8_t *buf, size_t len)
{
    pthread_mutex_lock(&chr->lock);
    while (len && !chr->dead && !chr->quit) {
        size_t part = len < CHUNK ? len : CHUNK;

        if (forgets(chr) && CHR_OUT_BYTES - chr->used < part)
            forget_locked(chr, part);
        if (!wait_for_room_locked(chr)) {
            if (forgets(chr))
                continue;
            chr->lost += len;
            break;
        }
        if (part > CHR_OUT_BYTES - chr->used)
            part = CHR_OUT_BYTES - chr->used;
        /* Looked at here: the writer may have emptied the ring while we waited. */
        if (!chr->used)
            pthread_cond_broadcast(&chr->changed);
        ring_put(chr, buf, part);
        buf += part;
        len -= part;
    }
    pthread_mutex_unlock(&chr->lock);
}

/* Fills the writer's own chunk when there is something for somebody. */
static size_t next_chunk_locked(struct chr *chr, uint8_t *chunk)
{
    size_t n;

    if (chr->lost && chr->used < CHR_OUT_BYTES / 2) {
        n = (size_t)snprintf((char *)chunk, CHUNK,
                             "\r\n[armvm: %llu bytes of output were lost here]\r\n",
                             (unsigned long long)chr->lost);
        chr->lost = 0;
        return n;
    }
    n = ring_get(chr, chunk, CHUNK);
    pthread_cond_broadcast(&chr->changed);
    return n;
}

static void writer(void *ctx)
{
    struct chr *chr = ctx;
    uint8_t chunk[CHUNK];
    size_t at = 0, end = 0;
    uint64_t moved = 0; /* the last time anything did, or was not urgent */
    int last_fd = -1;

    pthread_mutex_lock(&chr->lock);
    for (;;) {
        while (!chr->quit && (chr->out_fd < 0 || (at == end && !chr->used)))
            pthread_cond_wait(&chr->changed, &chr->lock);
        if (chr->quit && (chr->out_fd < 0 || (at == end && !chr->used && !chr->lost)))
            break;
        if (chr->out_fd != last_fd) /* what a former listener did not get is lost */
            at = end = 0;
        last_fd = chr->out_fd;
        if (at == end) {
            at = 0;
            end = next_chunk_locked(chr, chunk);
        }
        chr->unsent = end - at;
        chr->writing = true;
        pthread_mutex_unlock(&chr->lock);
        ssize_t n = write_some(last_fd, chunk + at, end - at);
        pthread_mutex_lock(&chr->lock);
        chr->writing = false;
        if (n > 0 || !chr->quit)
            moved = host_now_ns();
        if (n > 0) {
            at += (size_t)n;
            chr->stuck = false;
        } else if (n < 0) {
            at = end = 0;
            /* A socket's end is seen by whoever reads it, and another one may come. */
            if (!chr->keep_latest) {
                chr->dead = true;
                chr->used = 0;
            } else if (chr->out_fd == last_fd) {
                chr->out_fd = -1;
            }
        }
        chr->unsent = end - at;
        pthread_cond_broadcast(&chr->changed);
        if (chr->quit && (n < 0 || host_now_ns() - moved > chr->patience_ms * 1000000ull))
            break;
    }
    pthread_mutex_unlock(&chr->lock);
}

int chr_start_output(struct chr *chr, int fd, struct error *err)
{
    chr->ring = malloc(CHR_OUT_BYTES);
    if (!chr->ring)
        return error_set(err, -ENOMEM, "%s: out of memory", chr->name);
    chr->out_fd = fd;
    return thread_create(&chr->writer, "console", writer, chr, err);
}

void chr_set_output(struct chr *chr, int fd)
{
    pthread_mutex_lock(&chr->lock);
    chr->out_fd = fd;
    chr->stuck = false;
    pthread_cond_broadcast(&chr->changed);
    while (chr->writing)
        pthread_cond_wait(&chr->changed, &chr->lock);
    pthread_mutex_unlock(&chr->lock);
}

void chr_write(struct chr *chr, const void *buf, size_t len)
{
    if (chr->tap)
        chr->tap(chr->tap_ctx, buf, len);
    if (chr->ring)
        put_output(chr, buf, len);
}

void chr_flush(struct chr *chr, unsigned milliseconds)
{
    uint64_t deadline = host_now_ns() + milliseconds * 1000000ull;
    struct timespec until = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};
    int rc = 0;

    pthread_mutex_lock(&chr->lock);
    while (rc != ETIMEDOUT && chr->out_fd >= 0 && !chr->dead && !chr->stuck &&
           (chr->used || chr->unsent))
        rc = pthread_cond_clockwait(&chr->changed, &chr->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&chr->lock);
}

/* --- input ----------------------------------------------------------------------------------- */

static void kick(struct chr *chr)
{
    uint64_t one = 1;
    ssize_t n;

    do
        n = write(chr->kick, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
}

static void watch_input(struct chr *chr, bool on)
{
    if (chr->in_watch)
        loop_fd_set(chr->in_watch, on ? LOOP_READ : 0);
}

/* Keeps bytes until the guest takes them. What is too much is dropped, as on a UART's line. */
static void keep_input(struct chr *chr, const uint8_t *buf, size_t len)
{
    size_t pending = chr->in_end - chr->in_at;

    if (chr->in_at) {
        memmove(chr->in, chr->in + chr->in_at, pending);
        chr->in_at = 0;
        chr->in_end = pending;
    }
    if (len > CHR_IN_BYTES - pending)
        len = CHR_IN_BYTES - pending;
    if (pending + len > chr->in_room) {
        size_t room = 2 * (pending + len);
        uint8_t *grown = realloc(chr->in, room);
        if (!grown)
            return;
        chr->in = grown;
        chr->in_room = room;
    }
    if (len)
        memcpy(chr->in + pending, buf, len);
    chr->in_end += len;
}

/* Gives the guest what is there, and reads on if that is wanted. */
static void deliver(struct chr *chr)
{
    while (chr->receive && chr->in_at < chr->in_end) {
        size_t taken =
            chr->receive(chr->receive_ctx, chr->in + chr->in_at, chr->in_end - chr->in_at);
        if (!taken)
            break;
        chr->in_at += taken;
    }
    watch_input(chr, chr->filter || (chr->receive && chr->in_at == chr->in_end));
}

static void on_kick(void *ctx, int fd, unsigned events)
{
    struct chr *chr = ctx;
    uint64_t count;
    uint8_t *injected;
    size_t len;

    if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return;
    pthread_mutex_lock(&chr->lock);
    injected = chr->injected;
    len = chr->injected_len;
    chr->injected = NULL;
    chr->injected_len = 0;
    pthread_mutex_unlock(&chr->lock);
    keep_input(chr, injected, len);
    free(injected);
    deliver(chr);
}

static void on_input(void *ctx, int fd, unsigned events)
{
    struct chr *chr = ctx;
    uint8_t buf[4096];
    ssize_t n = read(fd, buf, sizeof(buf));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        if (chr->hangup)
            chr->hangup(chr);
        else
            chr_set_input(chr, -1);
        return;
    }
    keep_input(chr, buf, chr->filter ? chr->filter(chr->filter_ctx, buf, (size_t)n) : (size_t)n);
    deliver(chr);
}

int chr_set_input(struct chr *chr, int fd)
{
    int r = 0;

    loop_fd_remove(chr->in_watch);
    chr->in_watch = NULL;
    chr->in_fd = fd;
    if (fd >= 0)
        r = loop_fd_add(chr->loop, fd, LOOP_READ, on_input, chr, &chr->in_watch);
    return r;
}

void chr_ready(struct chr *chr)
{
    kick(chr);
}

void chr_inject(struct chr *chr, const void *buf, size_t len)
{
    pthread_mutex_lock(&chr->lock);
    if (len <= CHR_IN_BYTES - chr->injected_len) {
        uint8_t *grown = realloc(chr->injected, chr->injected_len + len + 1);
        if (grown) {
            chr->injected = grown;
            memcpy(grown + chr->injected_len, buf, len);
            chr->injected_len += len;
        }
    }
    pthread_mutex_unlock(&chr->lock);
    kick(chr);
}

/* --- hooks ----------------------------------------------------------------------------------- */

void chr_set_receiver(struct chr *chr, chr_receive_fn *receive, void *ctx)
{
    chr->receive_ctx = ctx;
    chr->receive = receive;
    if (receive)
        kick(chr);
}

void chr_set_tap(struct chr *chr, void (*tap)(void *ctx, const uint8_t *buf, size_t len), void *ctx)
{
    chr->tap_ctx = ctx;
    chr->tap = tap;
}

void chr_set_filter(struct chr *chr, chr_filter_fn *filter, void *ctx)
{
    chr->filter_ctx = ctx;
    chr->filter = filter;
}

const char *chr_name(const struct chr *chr)
{
    return chr->name;
}

void chr_get_size(struct chr *chr, unsigned *columns, unsigned *rows)
{
    pthread_mutex_lock(&chr->lock);
    *columns = chr->columns;
    *rows = chr->rows;
    pthread_mutex_unlock(&chr->lock);
}

void chr_set_size(struct chr *chr, unsigned columns, unsigned rows)
{
    pthread_mutex_lock(&chr->lock);
    chr->columns = columns;
    chr->rows = rows;
    pthread_mutex_unlock(&chr->lock);
    if (chr->resized)
        chr->resized(chr->resized_ctx, columns, rows);
}

void chr_set_resized(struct chr *chr, void (*resized)(void *ctx, unsigned columns, unsigned rows),
                     void *ctx)
{
    chr->resized_ctx = ctx;
    chr->resized = resized;
}

/* --- life ------------------------------------------------------------------------------------ */

int chr_create(struct loop *loop, const char *spec, struct chr **out, struct error *err)
{
    struct chr *chr = calloc(1, sizeof(*chr));
    int r;

    if (!chr)
        return error_set(err, -ENOMEM, "out of memory");
    chr->loop = loop;
    chr->out_fd = chr->in_fd = chr->listen_fd = -1;
    chr->patience_ms = CHR_PATIENCE_MS;
    pthread_mutex_init(&chr->lock, NULL);
    pthread_cond_init(&chr->changed, NULL);
    chr->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (chr->kick < 0)
        r = error_set(err, -errno, "cannot create an eventfd: %s", strerror(errno));
    else
        r = loop_fd_add(loop, chr->kick, LOOP_READ, on_kick, chr, &chr->kick_watch);
    if (!r)
        r = chr_open_spec(chr, spec, err);
    if (r) {
        chr_destroy(chr);
        return r;
    }
    *out = chr;
    return 0;
}

static void close_fd(int fd)
{
    if (fd > STDERR_FILENO)
        close(fd);
}

void chr_destroy(struct chr *chr)
{
    if (!chr)
        return;
    pthread_mutex_lock(&chr->lock);
    chr->quit = true;
    pthread_cond_broadcast(&chr->changed);
    pthread_mutex_unlock(&chr->lock);
    thread_join(chr->writer);

    loop_fd_remove(chr->in_watch);
    loop_fd_remove(chr->kick_watch);
    loop_fd_remove(chr->listen_watch);
    if (chr->out_fd != chr->in_fd)
        close_fd(chr->out_fd);
    close_fd(chr->in_fd);
    close_fd(chr->listen_fd);
    close_fd(chr->kick);
    if (chr->unlink_name)
        unlink(chr->name);
    free(chr->injected);
    free(chr->in);
    free(chr->ring);
    free(chr->name);
    pthread_cond_destroy(&chr->changed);
    pthread_mutex_destroy(&chr->lock);
    free(chr);
}
