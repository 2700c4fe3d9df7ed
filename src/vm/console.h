/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user sees: the guest's console between a character back end and a device, the terminal
 * in raw mode with its menu, the status line before the guest's first output, the hint when it
 * stays silent, --expect, and our own messages in between.
 */
#ifndef ARMVM_VM_CONSOLE_H
#define ARMVM_VM_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct chr;
struct console;
struct error;
struct expect;
struct loop;

/* Called on the loop's thread. */
struct console_events {
    void (*quit)(void *ctx);
    void (*reset)(void *ctx);
    void (*power_button)(void *ctx);
    void (*status)(void *ctx);
    void (*matched)(void *ctx); /* --expect */
    void *ctx;
};

struct console_config {
    const char *spec;      /* of the back end: "stdio", "file:F"... */
    const char *waiting;   /* for the status line: "starting vmlinuz" */
    const char *hint;      /* one line to print when the guest stays silent */
    struct expect *expect; /* or NULL; stays the caller's */
    struct console_events events;
};

/* Creates the back end and, if that is a terminal, its supervisor: before threads and guest memory
 * exist. */
int console_create(const struct console_config *config, struct loop *loop, struct console **console,
                   struct error *err);
void console_destroy(struct console *console); /* restores the terminal */

struct chr *console_chr(struct console *console);
/* The guest starts: raw mode, status line. */
void console_start(struct console *console);
/* The guest has ended: the terminal is the user's again. */
void console_stop(struct console *console);
/* No more output will come: a last look for --expect's match. */
bool console_finish(struct console *console);
/* The guest's console is the terminal that we were started from. */
bool console_is_terminal(const struct console *console);
uint64_t console_bytes(struct console *console); /* printed by the guest */

/* SIGTSTP: the terminal is the shell's while we stand still. */
void console_suspend(struct console *console);
/* SIGCONT: take the terminal again, if it is ours. */
void console_continue(struct console *console);

/* SIGWINCH: the guest's virtio console hears of it. */
void console_resized(struct console *console);

/* Standard error for others' lines (--trace); the caller closes it before the console goes. */
FILE *console_open_stderr(struct console *console);

/* One line "armvm: ..." on standard error, whatever state the terminal is in. console may be NULL.
 */
void console_say(struct console *console, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
