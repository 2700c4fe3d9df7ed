// SPDX-License-Identifier: Apache-2.0
// Hash tables: open addressing of numbers, and words counted in chains.
#include <stdlib.h>

#include "integer.h"

#define SLOTS (1u << 16)
#define KEYS  40000u

static size_t slot_of(const uint64_t *slots, uint64_t key)
{
    size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> 48);
    while (slots[at] && slots[at] != key)
        at = (at + 1) % SLOTS;
    return at;
}

uint64_t integer_hash(unsigned amount)
{
    uint64_t *slots = must_alloc(SLOTS * sizeof(*slots));
    uint64_t sum = 0;
    while (amount--) {
        memset(slots, 0, SLOTS * sizeof(*slots));
        uint64_t seed = 2463534242u + amount, found = 0;
        for (unsigned i = 0; i < KEYS; i++) {
            uint64_t key = next_random(&seed) | 1;
            slots[slot_of(slots, key)] = key;
        }
        for (unsigned pass = 0; pass < 8; pass++) {
            seed = 2463534242u + amount;
            for (unsigned i = 0; i < KEYS; i++) {
                uint64_t key = next_random(&seed) | 1;
                found += slots[slot_of(slots, key)] == key;
                found += slots[slot_of(slots, key + 2)] == 0;
            }
        }
        sum = mix_in(sum, found);
    }
    free(slots);
    return sum;
}

struct word {
    struct word *next;
    unsigned count;
    char text[12];
};

static uint32_t hash_of(const char *text)
{
    uint32_t hash = 5381;
    for (; *text; text++)
        hash = hash * 33 ^ (uint8_t)*text;
    return hash;
}

static void make_word(char *text, uint64_t random)
{
    unsigned length = 3 + (unsigned)(random >> 60) % 6;
    for (unsigned i = 0; i < length; i++, random >>= 3)
        text[i] = (char)('a' + (random & 7));
    text[length] = 0;
}

uint64_t integer_strings(unsigned amount)
{
    enum { BUCKETS = 4096, WORDS = 12000 };
    struct word **buckets = must_alloc(BUCKETS * sizeof(*buckets));
    struct word *pool = must_alloc(WORDS * sizeof(*pool));
    uint64_t sum = 0;
    while (amount--) {
        memset(buckets, 0, BUCKETS * sizeof(*buckets));
        uint64_t seed = 521288629u + amount;
        unsigned used = 0;
        for (unsigned i = 0; i < WORDS; i++) {
            char text[12];
            make_word(text, next_random(&seed));
            struct word **at = &buckets[hash_of(text) % BUCKETS];
            while (*at && strcmp((*at)->text, text) != 0)
                at = &(*at)->next;
            if (!*at) {
                *at = &pool[used++];
                (*at)->next = NULL;
                (*at)->count = 0;
                strcpy((*at)->text, text);
            }
            (*at)->count++;
        }
        for (unsigned i = 0; i < used; i++)
            sum = mix_in(sum, pool[i].count);
    }
    free(buckets);
    free(pool);
    return sum;
}
