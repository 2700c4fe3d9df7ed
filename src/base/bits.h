/* SPDX-License-Identifier: Apache-2.0 */
/* Bit fields and byte order. Field limits are given as in the manuals: high bit, then low bit. */
#ifndef ARMVM_BASE_BITS_H
#define ARMVM_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* x<hi:lo>, 0 <= lo <= hi <= 63. */
static inline uint64_t bits(uint64_t x, unsigned hi, unsigned lo)
{
    return (x >> lo) & (~0ull >> (63 - (hi - lo)));
}

static inline bool bit(uint64_t x, unsigned n)
{
    return x >> n & 1;
}

/* A mask of n ones at the bottom, 0 <= n <= 64. */
static inline uint64_t ones(unsigned n)
{
    return n >= 64 ? ~0ull : (1ull << n) - 1;
}

/* Sign-extends the low n bits, 1 <= n <= 64. */
static inline int64_t sext64(uint64_t x, unsigned n)
{
    return (int64_t)(x << (64 - n)) >> (64 - n);
}

static inline uint64_t align_down(uint64_t x, uint64_t a)
{
    return x & ~(a - 1);
}

static inline uint64_t align_up(uint64_t x, uint64_t a)
{
    return (x + a - 1) & ~(a - 1);
}

/* Little- and big-endian loads and stores of up to 8 bytes, at any alignment, on any host. Stores
 * have the limit in their loops, too, or compilers warn of what would lie beyond. */
static inline uint64_t ld_le(const void *p, unsigned size)
{
    const uint8_t *b = p;
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)b[i] << (8 * i);
    return v;
}

static inline void st_le(void *p, unsigned size, uint64_t v)
{
    uint8_t *b = p;
    for (unsigned i = 0; i < size && i < 8; i++)
        b[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t ld_be(const void *p, unsigned size)
{
    const uint8_t *b = p;
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++)
        v = v << 8 | b[i];
    return v;
}

static inline void st_be(void *p, unsigned size, uint64_t v)
{
    uint8_t *b = p;
    for (unsigned i = 0; i < size && i < 8; i++)
        b[i] = (uint8_t)(v >> (8 * (size - 1 - i)));
}

#endif
