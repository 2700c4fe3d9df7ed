/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's terminal in raw mode, and back: by terminal_close, and if this process ends in any
 * other way (SIGKILL, a crash, exit in the middle), by a small supervisor process that holds the
 * saved settings and waits for our end.
 */
#ifndef ARMVM_HOST_TERMINAL_H
#define ARMVM_HOST_TERMINAL_H

#include <stdbool.h>

struct error;
struct terminal;

/* Saves fd's settings and starts the supervisor; nothing changes yet. -ENOTTY if fd is none. Best
 * called early, while the process is small. */
int terminal_open(struct terminal **terminal, int fd, struct error *err);
/* Restores the settings and ends the supervisor; NULL is fine. */
void terminal_close(struct terminal *terminal);

/* Every key goes to the guest, nothing is echoed or translated. Does nothing (false) while another
 * job has the terminal. */
bool terminal_raw(struct terminal *terminal);
void terminal_restore(struct terminal *terminal);
bool terminal_is_raw(const struct terminal *terminal);
/* Its size in characters; 80 by 24 when it does not tell. */
void terminal_size(const struct terminal *terminal, unsigned *columns, unsigned *rows);

/* The process stops as SIGTSTP would do it, with the terminal restored; returns after it goes on
 * (raw again if it was, and if we are in the foreground). */
void terminal_suspend(struct terminal *terminal);

#endif
