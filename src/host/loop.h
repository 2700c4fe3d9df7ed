/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: one thread, epoll. Callbacks run on that thread only. */
#ifndef ARMVM_HOST_LOOP_H
#define ARMVM_HOST_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct loop;
struct loop_fd;
struct loop_timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

int loop_create(struct loop **loop, struct error *err);
void loop_destroy(struct loop *loop);

/* Runs until loop_quit; returns its status. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop, int status); /* any thread; the first call's status counts */

/* Watches a descriptor. Loop thread, or before loop_run. */
int loop_fd_add(struct loop *loop, int fd, unsigned events,
                void (*fn)(void *ctx, int fd, unsigned events), void *ctx, struct loop_fd **out);
void loop_fd_set(struct loop_fd *fd, unsigned events);
void loop_fd_remove(struct loop_fd *fd); /* does not close it */

/* Runs fn on the loop's thread soon; any thread. */
void loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx);

/* One-shot timers on host_now_ns()'s clock, armed and disarmed from any thread. A callback may
 * still be about to run when another thread disarms it. */
int loop_timer_create(struct loop *loop, void (*fn)(void *ctx), void *ctx, struct loop_timer **out);
void loop_timer_set(struct loop_timer *timer, uint64_t deadline_ns); /* UINT64_MAX: disarm */
void loop_timer_destroy(struct loop_timer *timer);

/* Called with every iteration's poll set, for libslirp-like libraries that bring their own. */

#endif
