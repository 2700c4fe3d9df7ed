/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_HOST_CLOCK_H
#define ARMVM_HOST_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t host_now_ns(void);
/* CPU time of the calling thread, in nanoseconds. */
uint64_t host_thread_ns(void);
/* CLOCK_REALTIME in seconds since 1970. */
int64_t host_wall_seconds(void);
/* Fills buf from the host's entropy source; never fails. */
void host_random(void *buf, unsigned long len);

#endif
