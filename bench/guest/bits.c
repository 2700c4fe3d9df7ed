// SPDX-License-Identifier: Apache-2.0
// Bits: counts, scans, turns, reversals, bit fields and wide products.
#include "integer.h"

static uint64_t reverse_bits(uint64_t x)
{
    x = (x >> 1 & 0x5555555555555555u) | (x & 0x5555555555555555u) << 1;
    x = (x >> 2 & 0x3333333333333333u) | (x & 0x3333333333333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0fu) | (x & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(x);
}

static unsigned count_bits(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)(x * 0x0101010101010101u >> 56);
}

static uint64_t fields(uint64_t x)
{
    uint64_t gathered =
        (x & 0xff) | (x >> 12 & 0xff) << 8 | (x >> 25 & 0x3ff) << 16 | (x >> 47) << 26;
    int64_t parts = (int64_t)(x << 20) >> 40;
    return gathered + (uint64_t)parts * 3;
}

uint64_t integer_bits(unsigned amount)
{
    uint64_t seed = 0x853c49e6748fea9bu, sum = 0, odd = 0;
    for (unsigned i = 0; i < amount * 20000; i++) {
        uint64_t x = next_random(&seed);
        sum += count_bits(x) + (unsigned)__builtin_clzll(x | 1) +
               (unsigned)__builtin_ctzll(x | 1u << 31);
        sum ^= reverse_bits(x) + fields(x);
        sum = sum << 11 | sum >> 53;
        sum += (uint64_t)((unsigned __int128)x * (sum | 1) >> 64);
        if (x & sum & 4)
            odd += (uint32_t)x / ((uint32_t)(sum >> 40) | 1);
        else if ((x ^ sum) & 0x10)
            odd -= sum >> 3;
    }
    return mix_in(sum, odd);
}
