/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lanes of 64 x 64 -> 128-bit multiplications, each folded back to 64 bits by exclusive or. A
 * product is lost on a factor of zero, which a key nobody chose makes as likely as any other value.
 */
#include "base/hash.h"

#include <string.h>

#include "base/bits.h"

__extension__ typedef unsigned __int128 u128;

/* The first digits of pi's fraction. */
static const uint64_t odd[4] = {0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1,
                                0x082efa98ec4e6c89};

static uint64_t fold(uint64_t a, uint64_t b)
{
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word(const uint8_t *p)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t w;
    memcpy(&w, p, 8);
    return w;
#else
    return ld_le(p, 8);
#endif
}

uint64_t hash_bytes(const void *data, size_t size, const uint64_t key[2])
{
    uint64_t a = key[0] ^ odd[0], b = key[1] ^ odd[1];
    const uint8_t *p = data;
    uint8_t last[32] = {0};
    size_t left = size;

    for (; left >= 32; left -= 32, p += 32) {
        a = fold(word(p) ^ a, word(p + 8) ^ odd[2]) + a;
        b = fold(word(p + 16) ^ b, word(p + 24) ^ odd[3]) + b;
    }
    if (left)
        memcpy(last, p, left);
    a = fold(word(last) ^ a, word(last + 8) ^ odd[2]) + a;
    b = fold(word(last + 16) ^ b, word(last + 24) ^ odd[3]) + b;
    return fold(a ^ odd[1], b ^ odd[2] ^ (uint64_t)size) ^ fold(a + key[1], odd[3] ^ b);
}
