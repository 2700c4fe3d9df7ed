/* SPDX-License-Identifier: Apache-2.0 */
/* Threads with a name, which leave signals meant for the process to the thread that handles them.
 */
#ifndef ARMVM_HOST_THREAD_H
#define ARMVM_HOST_THREAD_H

struct error;
struct thread;

/* Starts fn(ctx) on a new thread. name is cut to 15 characters (what the host shows in top, gdb,
 * perf). Asynchronous signals are blocked in the new thread; faults are not. */
int thread_create(struct thread **thread, const char *name, void (*fn)(void *ctx), void *ctx,
                  struct error *err);
/* Waits for its end and frees it; NULL is fine. Not from the thread itself. */
void thread_join(struct thread *thread);

#endif
