/* SPDX-License-Identifier: Apache-2.0 */
#include "host/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t host_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t host_thread_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int64_t host_wall_seconds(void)
{
    return (int64_t)time(NULL);
}

void host_random(void *buf, unsigned long len)
{
    unsigned char *p = buf;

    while (len) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0) {
            /* Only a kernel without the call could get here with anything but EINTR; going on
             * with predictable bytes would be worse than not going on. */
            if (errno != EINTR)
                abort();
            continue;
        }
        p += n;
        len -= (unsigned long)n;
    }
}
