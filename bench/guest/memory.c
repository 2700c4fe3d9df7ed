// SPDX-License-Identifier: Apache-2.0
// Memory, and two CPUs that share it. Figures are for one unit: a MiB moved, an access, an
// operation.
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernel.h"

enum { MIB = 1 << 20 };

static uint64_t *words(size_t size)
{
    uint64_t *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    must(p != MAP_FAILED, "mmap");
    return p;
}

static uint64_t sequential_read(unsigned amount)
{
    enum { SIZE = 32 * MIB };
    uint64_t *p = words(SIZE), sum = 0;
    for (size_t i = 0; i < SIZE / 8; i++)
        p[i] = i * 0x9e3779b97f4a7c15u;
    for (unsigned done = 0; done < amount; done += SIZE / MIB) {
        for (size_t i = 0; i < SIZE / 8; i++)
            sum += p[i] ^ done;
    }
    munmap(p, SIZE);
    return sum;
}

static uint64_t sequential_write(unsigned amount)
{
    enum { SIZE = 32 * MIB };
    uint64_t *p = words(SIZE);
    for (unsigned done = 0; done < amount; done += SIZE / MIB) {
        for (size_t i = 0; i < SIZE / 8; i++)
            p[i] = i + done;
    }
    uint64_t sum = p[1] + p[SIZE / 8 - 1];
    munmap(p, SIZE);
    return sum;
}

static uint64_t copy(unsigned amount)
{
    enum { SIZE = 16 * MIB };
    uint64_t *p = words(2 * SIZE), sum = 0;
    for (size_t i = 0; i < SIZE / 8; i++)
        p[i] = i * 3;
    for (unsigned done = 0; done < amount; done += SIZE / MIB) {
        memcpy(p + SIZE / 8, p, SIZE);
        p[done] = sum += p[SIZE / 8 + done / 2];
    }
    munmap(p, 2 * SIZE);
    return sum;
}

static uint64_t random_reads(unsigned amount, size_t size)
{
    uint64_t *p = words(size), seed = 61, sum = 0;
    for (size_t i = 0; i < size / 8; i++)
        p[i] = i;
    while (amount--)
        sum += p[next_random(&seed) % (size / 8)];
    munmap(p, size);
    return sum;
}

// One chain through all lines: each load waits for the one before.
static uint64_t chase(unsigned amount, size_t size)
{
    enum { LINE = 8 };
    uint64_t *p = words(size), seed = 62;
    size_t lines = size / 8 / LINE;
    for (size_t i = 0; i < lines; i++)
        p[i * LINE] = i * LINE;
    for (size_t i = lines - 1; i; i--) {
        size_t j = next_random(&seed) % i;
        uint64_t t = p[i * LINE];
        p[i * LINE] = p[j * LINE];
        p[j * LINE] = t;
    }
    uint64_t at = 0;
    while (amount--)
        at = p[at];
    munmap(p, size);
    return at;
}

static uint64_t random_256k(unsigned amount)
{
    return random_reads(amount, MIB / 4);
}

static uint64_t random_96m(unsigned amount)
{
    return random_reads(amount, 96 * (size_t)MIB);
}

static uint64_t chase_256k(unsigned amount)
{
    return chase(amount, MIB / 4);
}

static uint64_t chase_64m(unsigned amount)
{
    return chase(amount, 64 * (size_t)MIB);
}

struct shared {
    pthread_mutex_t lock;
    uint64_t locked, counted;
    uint64_t slots[256];
    unsigned head, tail; // of a queue of one writer and one reader
    unsigned amount;
};

static uint64_t together(unsigned amount, void *(*work)(void *), uint64_t (*other)(struct shared *))
{
    struct shared *s = must_alloc(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->amount = amount;
    pthread_t thread;
    must(pthread_create(&thread, NULL, work, s) == 0, "pthread_create");
    uint64_t sum = other(s);
    pthread_join(thread, NULL);
    sum += s->locked + s->counted;
    free(s);
    return sum;
}

static uint64_t count(struct shared *s)
{
    for (unsigned i = 0; i < s->amount; i++)
        __atomic_fetch_add(&s->counted, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void *count_too(void *context)
{
    count(context);
    return NULL;
}

static uint64_t share_atomics(unsigned amount)
{
    return together(amount, count_too, count);
}

static uint64_t lock(struct shared *s)
{
    for (unsigned i = 0; i < s->amount; i++) {
        pthread_mutex_lock(&s->lock);
        s->locked++;
        pthread_mutex_unlock(&s->lock);
    }
    return 0;
}

static void *lock_too(void *context)
{
    lock(context);
    return NULL;
}

static uint64_t share_mutex(unsigned amount)
{
    return together(amount, lock_too, lock);
}

static void *produce(void *context)
{
    struct shared *s = context;
    for (unsigned i = 0; i < s->amount; i++) {
        while (i - __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE) >= 256)
            ;
        s->slots[i % 256] = i * 7u;
        __atomic_store_n(&s->head, i + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static uint64_t consume(struct shared *s)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < s->amount; i++) {
        while (__atomic_load_n(&s->head, __ATOMIC_ACQUIRE) == i)
            ;
        sum += s->slots[i % 256];
        __atomic_store_n(&s->tail, i + 1, __ATOMIC_RELEASE);
    }
    return sum;
}

static uint64_t share_queue(unsigned amount)
{
    return together(amount, produce, consume);
}

static uint64_t atomics_alone(unsigned amount)
{
    struct shared s = {.amount = amount};
    count(&s);
    return s.counted;
}

const struct kernel bench_memory[] = {
    {"read-sequential", sequential_read, 1024},
    {"write-sequential", sequential_write, 1024},
    {"copy", copy, 1024},
    {"random-256K", random_256k, 20000000},
    {"random-96M", random_96m, 6000000},
    {"chase-256K", chase_256k, 10000000},
    {"chase-64M", chase_64m, 3000000},
    {"atomics-alone", atomics_alone, 5000000},
    {"share-atomics", share_atomics, 1000000},
    {"share-mutex", share_mutex, 500000},
    {"share-queue", share_queue, 1000000},
    {NULL, NULL, 0},
};
