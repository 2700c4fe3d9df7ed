// SPDX-License-Identifier: Apache-2.0
// What the measured kernels have in common. Each does a fixed amount of work, the same on every
// machine, and returns a checksum of what it computed.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct kernel {
    const char *name;
    uint64_t (*run)(unsigned amount);
    unsigned amount; // of work in one measurement, in the kernel's own unit
};

// Ends with a nameless entry. Figures of `bench_system` are for one unit of the amount.
extern const struct kernel bench_integer[], bench_fp[], bench_vectors[], bench_system[],
    bench_memory[], bench_smp[], bench_unseen[];

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline uint64_t mix_in(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * 0x9e3779b97f4a7c15u;
    return sum ^ sum >> 29;
}

static inline uint64_t mix_bytes(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        sum = mix_in(sum, word);
    }
    for (size_t i = size & ~(size_t)7; i < size; i++)
        sum = mix_in(sum, bytes[i]);
    return sum;
}

void *must_alloc(size_t size);         // zeroed; ends the program if there is no memory
void must(int good, const char *what); // ends the program with errno's message if not good
