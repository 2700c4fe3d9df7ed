// SPDX-License-Identifier: Apache-2.0
// The same work by one thread and by two: how far a second CPU goes.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "integer.h"

// Threads take pieces until none is left: throughput is measured, not whose half was larger.
enum { PIECE = 1024 };

struct job {
    _Atomic uint64_t next;
    uint64_t end;
};

static uint64_t collatz(uint64_t from, uint64_t to)
{
    uint64_t sum = 0;
    for (uint64_t i = from; i < to; i++) {
        for (uint64_t n = i; n > 1; n = n & 1 ? 3 * n + 1 : n / 2)
            sum++;
    }
    return sum;
}

static void *work(void *context)
{
    struct job *job = context;
    uint64_t sum = 0, from;
    while ((from = atomic_fetch_add(&job->next, PIECE)) < job->end)
        sum += collatz(from, from + PIECE < job->end ? from + PIECE : job->end);
    return (void *)(uintptr_t)sum;
}

static uint64_t divided(unsigned amount, unsigned parts)
{
    struct job job = {.next = 1, .end = amount * 1000ull};
    pthread_t threads[2];
    uint64_t sum = 0;
    for (unsigned i = 0; i < parts; i++)
        must(pthread_create(&threads[i], NULL, work, &job) == 0, "pthread_create");
    for (unsigned i = 0; i < parts; i++) {
        void *part;
        pthread_join(threads[i], &part);
        sum += (uintptr_t)part;
    }
    return sum;
}

static uint64_t one(unsigned amount)
{
    return divided(amount, 1);
}

static uint64_t two(unsigned amount)
{
    return divided(amount, 2);
}

const struct kernel bench_smp[] = {
    {"threads-1", one, 1200},
    {"threads-2", two, 1200},
    {NULL, NULL, 0},
};
