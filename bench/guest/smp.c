// SPDX-License-Identifier: Apache-2.0
// The same work by one thread and by two: how far a second CPU goes.
#include <pthread.h>
#include <stdlib.h>

#include "integer.h"

struct part {
    unsigned number, parts, amount;
    uint64_t sum;
};

static uint64_t collatz(uint64_t from, uint64_t to, uint64_t step)
{
    uint64_t sum = 0;
    for (uint64_t i = from; i < to; i += step) {
        for (uint64_t n = i; n > 1; n = n & 1 ? 3 * n + 1 : n / 2)
            sum++;
    }
    return sum;
}

static void *work(void *context)
{
    struct part *part = context;
    part->sum = collatz(1 + part->number, part->amount * 1000ull, part->parts);
    return NULL;
}

static uint64_t divided(unsigned amount, unsigned parts)
{
    struct part part[2];
    pthread_t threads[2];
    uint64_t sum = 0;
    for (unsigned i = 0; i < parts; i++) {
        part[i] = (struct part){i, parts, amount, 0};
        must(pthread_create(&threads[i], NULL, work, &part[i]) == 0, "pthread_create");
    }
    for (unsigned i = 0; i < parts; i++) {
        pthread_join(threads[i], NULL);
        sum += part[i].sum;
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
