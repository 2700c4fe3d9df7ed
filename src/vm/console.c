/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's output comes by tap() on vCPU threads; everything else happens on the loop's thread.
 * lock guards what tap() touches. Output for --expect is queued and looked at on the loop's thread,
 * many bytes at a time (a PL011 writes one); only when the loop cannot follow tap() itself has to
 * look. It never waits for the loop, which may be waiting for the vCPUs to stand still.
 */
#include "vm/console.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/chr/chr.h"
#include "base/error.h"
#include "host/clock.h"
#include "host/loop.h"
#include "host/terminal.h"
#include "vm/expect.h"

enum {
    MENU_KEY = 0x1d, /* Ctrl-] */
    QUEUE_BYTES = 32 << 10,
    HINT_SECONDS = 20,
    LOOK_DELAY_MS = 10, /* collects bytes, so that a line is not looked at for each of them */
    QUIET_MS = 100,
    SAY_WAITS_MS = 50, /* the guest may be running, and the loop has its timers to serve */
    STOP_WAITS_MS = 1000,
};

static const uint64_t MS = 1000000, SECOND = 1000000000;

struct console {
    struct console_config config;
    struct chr *chr;
    struct terminal *terminal; /* NULL: the back end is no terminal */
    struct loop_timer *tick;   /* status line and hint */
    struct loop_timer *look;   /* --expect: output is queued */
    struct loop_timer *quiet;  /* --expect: no output for a while */
    uint64_t started;
    bool menu_open, announced;

    pthread_mutex_t lock; /* everything below */
    bool line_shown, at_line_start, look_set, matched;
    uint64_t bytes;
    uint8_t *queue;
    size_t queued;
};

static void put(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* EAGAIN on a terminal that nobody reads: then nobody misses it either */
        text += n;
        len -= (size_t)n;
    }
}

static void clear_line_locked(struct console *console)
{
    if (console->line_shown)
        put(STDOUT_FILENO, "\r\033[K", 4);
    console->line_shown = false;
}

/* --- messages ------------------------------------------------------------------------------- */

void console_say(struct console *console, const char *fmt, ...)
{
    bool raw = console && console->terminal && terminal_is_raw(console->terminal);
    char line[800];
    va_list ap;
    int n;

    n = snprintf(line, sizeof(line), "armvm: ");
    va_start(ap, fmt);
    n += vsnprintf(line + n, sizeof(line) - (size_t)n - 2, fmt, ap);
    va_end(ap);
    if ((size_t)n > sizeof(line) - 3)
        n = sizeof(line) - 3;
    n += sprintf(line + n, raw ? "\r\n" : "\n");

    if (console) {
        /* After what the guest said before. */
        if (console->terminal || !strcmp(console->config.spec, "stdio"))
            chr_flush(console->chr, SAY_WAITS_MS);
        pthread_mutex_lock(&console->lock);
        clear_line_locked(console);
        if (console->terminal && !console->at_line_start)
            put(STDERR_FILENO, "\r\n", 2);
        console->at_line_start = true;
        pthread_mutex_unlock(&console->lock);
    }
    put(STDERR_FILENO, line, (size_t)n);
}

/* Lines for standard error while it is a terminal in raw mode, which returns no carriage. */
static ssize_t write_lines(void *cookie, const char *text, size_t len)
{
    struct console *console = cookie;

    pthread_mutex_lock(&console->lock);
    clear_line_locked(console);
    pthread_mutex_unlock(&console->lock);
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t part = end ? (size_t)(end - text) - at : len - at;
        put(STDERR_FILENO, text + at, part);
        if (end && console->terminal && terminal_is_raw(console->terminal))
            put(STDERR_FILENO, "\r\n", 2);
        else if (end)
            put(STDERR_FILENO, "\n", 1);
        at += part + (end != NULL);
    }
    return (ssize_t)len;
}

FILE *console_open_stderr(struct console *console)
{
    FILE *file = fopencookie(console, "w", (cookie_io_functions_t){.write = write_lines});

    if (file)
        setvbuf(file, NULL, _IOLBF, BUFSIZ);
    return file;
}

static void tick(void *ctx)
{
    struct console *console = ctx;
    uint64_t now = host_now_ns(), age = now - console->started, next = now + 100 * MS;
    bool silent, hint = false;
    char line[200];

    pthread_mutex_lock(&console->lock);
    silent = !console->bytes;
    if (silent && age >= HINT_SECONDS * SECOND)
        hint = true;
    else if (silent && console->terminal && !console->menu_open &&
             terminal_is_raw(console->terminal)) {
        unsigned columns, rows;
        terminal_size(console->terminal, &columns, &rows);
        int n = snprintf(line, sizeof(line), "armvm: %s, %.1f s (Ctrl-] opens the menu)",
                         console->config.waiting, (double)age / (double)SECOND);
        if (n >= (int)columns)
            n = (int)columns - 1;
        put(STDOUT_FILENO, "\r", 1);
        put(STDOUT_FILENO, line, (size_t)n);
        put(STDOUT_FILENO, "\033[K", 3);
        console->line_shown = true;
    }
    pthread_mutex_unlock(&console->lock);

    if (hint)
        console_say(console, "no output for %d s. %s", HINT_SECONDS, console->config.hint);
    else if (silent)
        loop_timer_set(console->tick, next);
}

/* --- the guest's output --------------------------------------------------------------------- */

/* Looks at what is queued. */
static void look_locked(struct console *console)
{
    if (!console->matched)
        console->matched = expect_feed(console->config.expect, console->queue, console->queued);
    console->queued = 0;
}

static void announce(struct console *console, bool matched)
{
    if (matched && !console->announced && console->config.events.matched) {
        console->announced = true;
        console->config.events.matched(console->config.events.ctx);
    }
}

static void on_output(void *ctx)
{
    struct console *console = ctx;
    bool matched;

    pthread_mutex_lock(&console->lock);
    console->look_set = false;
    look_locked(console);
    matched = console->matched;
    pthread_mutex_unlock(&console->lock);
    announce(console, matched);
    if (!matched)
        loop_timer_set(console->quiet, host_now_ns() + QUIET_MS * MS);
}

static void on_quiet(void *ctx)
{
    announce(ctx, console_finish(ctx));
}

static void queue_locked(struct console *console, const uint8_t *buf, size_t len)
{
    while (len) {
        size_t n = QUEUE_BYTES - console->queued;
        n = n < len ? n : len;
        memcpy(console->queue + console->queued, buf, n);
        console->queued += n;
        buf += n;
        len -= n;
        if (console->queued == QUEUE_BYTES)
            look_locked(console);
    }
    if (!console->look_set) {
        console->look_set = true;
        loop_timer_set(console->look, host_now_ns() + LOOK_DELAY_MS * MS);
    }
}

static void tap(void *ctx, const uint8_t *buf, size_t len)
{
    struct console *console = ctx;

    if (!len)
        return;
    pthread_mutex_lock(&console->lock);
    clear_line_locked(console);
    console->bytes += len;
    console->at_line_start = buf[len - 1] == '\n' || buf[len - 1] == '\r';
    if (console->config.expect)
        queue_locked(console, buf, len);
    pthread_mutex_unlock(&console->lock);
}

bool console_finish(struct console *console)
{
    bool matched = false;

    pthread_mutex_lock(&console->lock);
    if (console->config.expect) {
        look_locked(console);
        if (!console->matched)
            console->matched = expect_idle(console->config.expect);
        matched = console->matched;
    }
    pthread_mutex_unlock(&console->lock);
    return matched;
}

uint64_t console_bytes(struct console *console)
{
    uint64_t bytes;

    pthread_mutex_lock(&console->lock);
    bytes = console->bytes;
    pthread_mutex_unlock(&console->lock);
    return bytes;
}

/* --- the menu ------------------------------------------------------------------------------- */

static void show_menu(struct console *console)
{
    static const char text[] = "armvm: q quit, r reset, p power button, s status, Ctrl-] sends "
                               "Ctrl-], other keys go back";

    pthread_mutex_lock(&console->lock);
    clear_line_locked(console);
    if (!console->at_line_start)
        put(STDOUT_FILENO, "\r\n", 2);
    put(STDOUT_FILENO, text, sizeof(text) - 1);
    console->line_shown = console->at_line_start = true;
    pthread_mutex_unlock(&console->lock);
    console->menu_open = true;
}

/* True if the key goes to the guest. */
static bool menu_key(struct console *console, uint8_t key)
{
    const struct console_events *events = &console->config.events;
    static const uint8_t keys[] = "qrps";
    void (*const action[])(void *ctx) = {events->quit, events->reset, events->power_button,
                                         events->status};

    console->menu_open = false;
    pthread_mutex_lock(&console->lock);
    clear_line_locked(console);
    pthread_mutex_unlock(&console->lock);
    for (unsigned i = 0; i < 4; i++)
        if ((key | 0x20) == keys[i] && action[i])
            action[i](events->ctx);
    return key == MENU_KEY;
}

static size_t filter(void *ctx, uint8_t *buf, size_t len)
{
    struct console *console = ctx;
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        bool keep = true;
        if (console->menu_open) {
            keep = menu_key(console, buf[i]);
        } else if (buf[i] == MENU_KEY) {
            show_menu(console);
            keep = false;
        }
        if (keep)
            buf[kept++] = buf[i];
    }
    return kept;
}

/* --- life ----------------------------------------------------------------------------------- */

static int open_terminal(struct console *console, struct error *err)
{
    pid_t group;

    /* With only one of the two a terminal, the user builds a pipe or a log: Ctrl-C must end us. */
    if (strcmp(console->config.spec, "stdio") || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return 0;
    /* Started in the background ("armvm run ... &"): reading fails instead of stopping us. */
    group = tcgetpgrp(STDIN_FILENO);
    if (group >= 0 && group != getpgrp())
        signal(SIGTTIN, SIG_IGN);
    return terminal_open(&console->terminal, STDIN_FILENO, err);
}

int console_create(const struct console_config *config, struct loop *loop, struct console **out,
                   struct error *err)
{
    struct console *console = calloc(1, sizeof(*console));
    int rc = -ENOMEM;

    if (!console)
        return error_set(err, -ENOMEM, "out of memory");
    console->config = *config;
    console->at_line_start = true;
    pthread_mutex_init(&console->lock, NULL);
    if (config->expect)
        console->queue = malloc(QUEUE_BYTES);
    if ((config->expect && !console->queue) ||
        loop_timer_create(loop, tick, console, &console->tick) ||
        loop_timer_create(loop, on_output, console, &console->look) ||
        loop_timer_create(loop, on_quiet, console, &console->quiet))
        error_set(err, rc, "out of memory");
    else
        rc = open_terminal(console, err);
    if (!rc)
        rc = chr_create(loop, config->spec, &console->chr, err);
    if (rc) {
        console_destroy(console);
        return rc;
    }
    chr_set_tap(console->chr, tap, console);
    if (console->terminal)
        chr_set_filter(console->chr, filter, console);
    *out = console;
    return 0;
}

void console_destroy(struct console *console)
{
    if (!console)
        return;
    pthread_mutex_lock(&console->lock);
    clear_line_locked(console);
    pthread_mutex_unlock(&console->lock);
    chr_destroy(console->chr);
    /* The shell's prompt gets a line of its own. */
    if (console->terminal && !console->at_line_start)
        put(STDOUT_FILENO, "\r\n", 2);
    terminal_close(console->terminal);
    loop_timer_destroy(console->tick);
    loop_timer_destroy(console->look);
    loop_timer_destroy(console->quiet);
    pthread_mutex_destroy(&console->lock);
    free(console->queue);
    free(console);
}

struct chr *console_chr(struct console *console)
{
    return console->chr;
}

bool console_is_terminal(const struct console *console)
{
    return console->terminal;
}

void console_start(struct console *console)
{
    console->started = host_now_ns();
    if (!strcmp(console->config.spec, "pty"))
        console_say(console, "the console is on %s", chr_name(console->chr));
    if (console->terminal)
        terminal_raw(console->terminal);
    loop_timer_set(console->tick, console->started);
}

void console_resized(struct console *console)
{
    unsigned columns, rows;

    if (!console->terminal)
        return;
    terminal_size(console->terminal, &columns, &rows);
    chr_set_size(console->chr, columns, rows);
}

void console_stop(struct console *console)
{
    if (console->terminal && terminal_is_raw(console->terminal)) {
        chr_flush(console->chr, STOP_WAITS_MS);
        pthread_mutex_lock(&console->lock);
        clear_line_locked(console);
        if (!console->at_line_start)
            put(STDOUT_FILENO, "\r\n", 2);
        console->at_line_start = true;
        pthread_mutex_unlock(&console->lock);
        terminal_restore(console->terminal);
    }
}

void console_suspend(struct console *console)
{
    if (!console->terminal) {
        raise(SIGSTOP);
        return;
    }
    pthread_mutex_lock(&console->lock);
    clear_line_locked(console);
    pthread_mutex_unlock(&console->lock);
    terminal_suspend(console->terminal);
}

void console_continue(struct console *console)
{
    if (console->terminal && !terminal_is_raw(console->terminal))
        terminal_raw(console->terminal);
}
