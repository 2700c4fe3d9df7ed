/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single-copy atomicity (manual B2.2.1): naturally aligned accesses up to 8 bytes are one access,
 * and so is each register of a pair. So bytes move in the largest pieces that are aligned, each by
 * a relaxed atomic of C. With FEAT_LSE2 that holds for whatever lies within 16 aligned bytes, for
 * which C has no name: its atomics must be aligned, and those of 16 bytes take a lock or write. The
 * host has such moves, on hosts with AVX for 16 aligned bytes by what Intel and AMD guarantee, and
 * for fewer since they lie in one cache line. They are written as instructions: the compiler
 * cannot split them, and ThreadSanitizer does not take for a race of ours what is one of the
 * guest's.
 */
#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "engine/jit/bytes.h"

/* As an operand: as many bytes of memory as an instruction reads or writes. */
#define BYTES_AT(p, n) (*(uint8_t(*)[n])(uintptr_t)(p))

#if defined(__x86_64__)
typedef long long vector __attribute__((vector_size(16)));

static void load16(uint8_t *to, const uint8_t *host)
{
    vector v;

    __asm__ volatile("movdqu %1, %0" : "=x"(v) : "m"(BYTES_AT(host, 16)));
    memcpy(to, &v, 16);
}

static void store16(uint8_t *host, const uint8_t *from)
{
    vector v;

    memcpy(&v, from, 16);
    __asm__ volatile("movdqu %1, %0" : "=m"(BYTES_AT(host, 16)) : "x"(v));
}

uint64_t jit_bytes_load_odd(const uint8_t *host, uint32_t size)
{
    uint64_t x = 0;

    if (size == 2)
        __asm__ volatile("movzwl %1, %k0" : "=r"(x) : "m"(BYTES_AT(host, 2)));
    else if (size == 4)
        __asm__ volatile("movl %1, %k0" : "=r"(x) : "m"(BYTES_AT(host, 4)));
    else
        __asm__ volatile("movq %1, %0" : "=r"(x) : "m"(BYTES_AT(host, 8)));
    return x;
}

static void store_odd(uint8_t *host, uint64_t value, uint32_t size)
{
    if (size == 2)
        __asm__ volatile("movw %w1, %0" : "=m"(BYTES_AT(host, 2)) : "r"(value));
    else if (size == 4)
        __asm__ volatile("movl %k1, %0" : "=m"(BYTES_AT(host, 4)) : "r"(value));
    else
        __asm__ volatile("movq %1, %0" : "=m"(BYTES_AT(host, 8)) : "r"(value));
}
#else
/* Hosts that make one instruction of a copy whose size is known: atomic where they have FEAT_LSE2.
 */
static void load16(uint8_t *to, const uint8_t *host)
{
    memcpy(to, host, 16);
}

static void store16(uint8_t *host, const uint8_t *from)
{
    memcpy(host, from, 16);
}

uint64_t jit_bytes_load_odd(const uint8_t *host, uint32_t size)
{
    uint64_t x = 0;

    if (size == 2)
        memcpy(&x, host, 2);
    else if (size == 4)
        memcpy(&x, host, 4);
    else
        memcpy(&x, host, 8);
    return x;
}

static void store_odd(uint8_t *host, uint64_t value, uint32_t size)
{
    if (size == 2)
        memcpy(host, &value, 2);
    else if (size == 4)
        memcpy(host, &value, 4);
    else
        memcpy(host, &value, 8);
}
#endif

static bool is_odd(const uint8_t *host, uint32_t size)
{
    return (uintptr_t)host & (size - 1);
}

/* --- pieces of 1, 2, 4 or 8 bytes -------------------------------------------------------------*/

static uint64_t load_piece(const uint8_t *host, uint32_t size)
{
    const void *at = host;

    if (is_odd(host, size))
        return jit_bytes_load_odd(host, size);
    switch (size) {
    case 1:
        return __atomic_load_n(host, __ATOMIC_RELAXED);
    case 2:
        return __atomic_load_n((const uint16_t *)at, __ATOMIC_RELAXED);
    case 4:
        return __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
    default:
        return __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
    }
}

static void store_piece(uint8_t *host, uint64_t value, uint32_t size)
{
    void *at = host;

    if (is_odd(host, size)) {
        store_odd(host, value, size);
        return;
    }
    switch (size) {
    case 1:
        __atomic_store_n(host, (uint8_t)value, __ATOMIC_RELAXED);
        break;
    case 2:
        __atomic_store_n((uint16_t *)at, (uint16_t)value, __ATOMIC_RELAXED);
        break;
    case 4:
        __atomic_store_n((uint32_t *)at, (uint32_t)value, __ATOMIC_RELAXED);
        break;
    default:
        __atomic_store_n((uint64_t *)at, value, __ATOMIC_RELAXED);
    }
}

/* --- whole accesses ---------------------------------------------------------------------------*/

static bool in_granules(const uint8_t *host, uint32_t size)
{
    return !(((uintptr_t)host | size) & 15);
}

/* The pieces that an access of any size is made of. */
static uint32_t piece_size(const uint8_t *host, uint32_t size)
{
    if (((uintptr_t)host & 15) + size <= 16 && size <= 8 && !(size & (size - 1)))
        return size;
    return 1u << __builtin_ctzll((uintptr_t)host | size | 8);
}

void jit_bytes_load(uint8_t *to, const uint8_t *host, uint32_t size)
{
    uint32_t piece = piece_size(host, size);

    if (in_granules(host, size))
        for (uint32_t at = 0; at < size; at += 16)
            load16(to + at, host + at);
    else
        for (uint32_t at = 0; at < size; at += piece)
            st_le(to + at, piece, load_piece(host + at, piece));
}

void jit_bytes_store(uint8_t *host, const uint8_t *from, uint32_t size)
{
    uint32_t piece = piece_size(host, size);

    if (in_granules(host, size))
        for (uint32_t at = 0; at < size; at += 16)
            store16(host + at, from + at);
    else
        for (uint32_t at = 0; at < size; at += piece)
            store_piece(host + at, ld_le(from + at, piece), piece);
}
