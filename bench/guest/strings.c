// SPDX-License-Identifier: Apache-2.0
// The C library's own vector code: copies of all sizes, searches, comparisons.
#include <stdlib.h>

#include "vectors.h"

enum { SIZE = 1 << 18 };

// Keeps the compiler from knowing the library's functions.
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static size_t (*volatile length)(const char *) = strlen;
static void *(*volatile find)(const void *, int, size_t) = memchr;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static void *(*volatile set)(void *, int, size_t) = memset;

static void fill(uint8_t *data, uint64_t seed)
{
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(next_random(&seed) >> 30 | 1);
}

uint64_t vector_memcpy(unsigned amount)
{
    uint8_t *from = must_alloc(2 * SIZE), *to = from + SIZE;
    uint64_t seed = 21, sum = 0;
    fill(from, 20);
    for (unsigned i = 0; i < amount; i++) {
        for (int small = 0; small < 100; small++) {
            uint64_t random = next_random(&seed);
            size_t size = random % 200, at = random >> 20 & 0xffff;
            copy(to + at, from + (random >> 40 & 0xffff), size);
        }
        copy(to + SIZE / 2, from + i % 64, SIZE / 4);
        move(to + 70000, to + 70001, 30000);
        sum = mix_in(sum, to[i * 37 % SIZE]);
    }
    sum = mix_bytes(sum, to, SIZE);
    free(from);
    return sum;
}

uint64_t vector_strlen(unsigned amount)
{
    char *text = must_alloc(SIZE);
    uint64_t seed = 22, sum = 0;
    fill((uint8_t *)text, 23);
    for (size_t at = 0; at < SIZE; at += 1 + next_random(&seed) % 120)
        text[at] = 0;
    text[SIZE - 1] = 0;
    while (amount--) {
        size_t at = 0;
        while (at < SIZE) {
            size_t size = length(text + at);
            sum += size * size;
            at += size + 1;
        }
    }
    free(text);
    return mix_in(0, sum);
}

uint64_t vector_memchr(unsigned amount)
{
    uint8_t *data = must_alloc(SIZE);
    uint64_t sum = 0;
    fill(data, 24);
    for (size_t at = 5; at < SIZE; at += 400 + at % 800)
        data[at] = 0;
    data[SIZE - 1] = 0;
    while (amount--) {
        const uint8_t *at = data, *end = data + SIZE;
        while (at < end && (at = find(at, 0, (size_t)(end - at))))
            sum += (uint64_t)(at++ - data);
    }
    free(data);
    return mix_in(0, sum);
}

uint64_t vector_compare(unsigned amount)
{
    uint8_t *a = must_alloc(2 * SIZE), *b = a + SIZE;
    uint64_t seed = 25, sum = 0;
    fill(a, 26);
    memcpy(b, a, SIZE);
    for (unsigned i = 0; i < amount; i++) {
        for (int small = 0; small < 60; small++) {
            uint64_t random = next_random(&seed);
            size_t size = random % 300, at = random >> 20 & 0xffff;
            sum += compare(a + at, b + at, size) < 0;
            if (small % 8 == 0)
                set(b + at, (int)(random >> 50 & 0xff), size / 4);
        }
        size_t half = SIZE / 2;
        sum += compare(a + half, b + half, half) < 0;
    }
    sum = mix_bytes(sum, b, SIZE);
    free(a);
    return sum;
}
