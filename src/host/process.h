/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another program under our eyes: we read what it prints (both streams) and type into it. It is
 * ended with us, whatever ends us. Signals that ask us to stop are held back and reported by the
 * reads.
 */
#ifndef ARMVM_HOST_PROCESS_H
#define ARMVM_HOST_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct process;
struct process_signals;

/* Holds SIGINT, SIGTERM and SIGHUP back from here to process_signals_free(). */
int process_signals_new(struct process_signals **signals, struct error *err);
void process_signals_free(struct process_signals *signals);
/* The first that came, or 0. */
int process_signals_seen(struct process_signals *signals);

/* argv ends with NULL; argv[0] is looked up in PATH. A program that cannot be run prints why and
 * ends with status 127. */
int process_start(const char *const *argv, struct process_signals *signals,
                  struct process **process, struct error *err);
/* What it prints, waiting until deadline (host_now_ns()): the number of bytes; 0: it has closed its
 * output; -ETIMEDOUT; -EINTR: a signal asks us to stop. */
ssize_t process_read(struct process *process, void *buf, size_t size, uint64_t deadline);
/* Waits until one of them has something to read, or has ended: 0 and which; -ETIMEDOUT, -EINTR.
 * Those that are NULL are left out; -EINVAL: more than 64. */
int process_wait_any(struct process *const *process, unsigned count,
                     struct process_signals *signals, uint64_t deadline, unsigned *which);
/* All that it has read so far, files and others, as far as the host says it; else 0. */
uint64_t process_bytes_read(const struct process *process);
/* Types; what does not fit is lost. */
void process_write(struct process *process, const void *data, size_t size);
/* Waits until deadline for its end: 0 and its status as the shell has it; -ETIMEDOUT, -EINTR. */
int process_wait(struct process *process, uint64_t deadline, int *status);
/* Ends it if it has not ended, asking first, and frees. */
void process_end(struct process *process);
/* Asks all of them at once to end, and waits so long once, not for each. */
void process_end_all(struct process *const *process, unsigned count);

#endif
