/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-512 (FIPS 180-4), SM3 (GB/T 32905) and SM4 (GB/T 32907) steps, as the instructions of the
 * manual's C7.2 divide them. */
#include "engine/calc/crypto.h"

#include <stdbool.h>

static uint32_t rol(uint32_t x, unsigned n)
{
    n &= 31;
    return n ? x << n | x >> (32 - n) : x;
}

static uint64_t ror64(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

/* --- SHA-512 -----------------------------------------------------------------------------------*/

static uint64_t big_sigma0(uint64_t x)
{
    return ror64(x, 28) ^ ror64(x, 34) ^ ror64(x, 39);
}

static uint64_t big_sigma1(uint64_t x)
{
    return ror64(x, 14) ^ ror64(x, 18) ^ ror64(x, 41);
}

static uint64_t choose(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) ^ (~x & z);
}

static uint64_t majority(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}

union v128 crypto_sha512h(union v128 d, union v128 n, union v128 m)
{
    const uint64_t high = d.d[1] + big_sigma1(m.d[1]) + choose(m.d[1], n.d[0], n.d[1]);
    const uint64_t e = high + m.d[0];
    return (union v128){.d = {d.d[0] + big_sigma1(e) + choose(e, m.d[1], n.d[0]), high}};
}

union v128 crypto_sha512h2(union v128 d, union v128 n, union v128 m)
{
    const uint64_t high = d.d[1] + big_sigma0(m.d[0]) + majority(n.d[0], m.d[1], m.d[0]);
    return (union v128){.d = {d.d[0] + big_sigma0(high) + majority(high, m.d[0], m.d[1]), high}};
}

static uint64_t small_sigma0(uint64_t x)
{
    return ror64(x, 1) ^ ror64(x, 8) ^ x >> 7;
}

static uint64_t small_sigma1(uint64_t x)
{
    return ror64(x, 19) ^ ror64(x, 61) ^ x >> 6;
}

union v128 crypto_sha512su0(union v128 d, union v128 n)
{
    return (union v128){.d = {d.d[0] + small_sigma0(d.d[1]), d.d[1] + small_sigma0(n.d[0])}};
}

union v128 crypto_sha512su1(union v128 d, union v128 n, union v128 m)
{
    return (union v128){
        .d = {d.d[0] + small_sigma1(n.d[0]) + m.d[0], d.d[1] + small_sigma1(n.d[1]) + m.d[1]}};
}

/* --- SM3 ---------------------------------------------------------------------------------------*/

static uint32_t permute1(uint32_t x)
{
    return x ^ rol(x, 15) ^ rol(x, 23);
}

union v128 crypto_sm3partw1(union v128 d, union v128 n, union v128 m)
{
    union v128 r;
    for (unsigned i = 0; i < 3; i++)
        r.s[i] = permute1(d.s[i] ^ n.s[i] ^ rol(m.s[i + 1], 15));
    r.s[3] = permute1(d.s[3] ^ n.s[3] ^ rol(r.s[0], 15));
    return r;
}

union v128 crypto_sm3partw2(union v128 d, union v128 n, union v128 m)
{
    union v128 t, r;
    for (unsigned i = 0; i < 4; i++) {
        t.s[i] = n.s[i] ^ rol(m.s[i], 7);
        r.s[i] = d.s[i] ^ t.s[i];
    }
    r.s[3] ^= permute1(rol(t.s[0], 15));
    return r;
}

union v128 crypto_sm3ss1(union v128 n, union v128 m, union v128 a)
{
    return (union v128){.s = {0, 0, 0, rol(rol(n.s[3], 12) + m.s[3] + a.s[3], 7)}};
}

static uint32_t parity32(uint32_t x, uint32_t y, uint32_t z)
{
    return x ^ y ^ z;
}

static uint32_t majority32(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | (x & z) | (y & z);
}

static uint32_t choose32(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | (~x & z);
}

typedef uint32_t boolean_fn(uint32_t x, uint32_t y, uint32_t z);

/* d holds the state's words, the first (A or E) in the top lane. */
static union v128 sm3_tt1(union v128 d, union v128 n, uint32_t w, boolean_fn *fn)
{
    const uint32_t ss2 = n.s[3] ^ rol(d.s[3], 12);
    const uint32_t tt1 = fn(d.s[3], d.s[2], d.s[1]) + d.s[0] + ss2 + w;
    return (union v128){.s = {d.s[1], rol(d.s[2], 9), d.s[3], tt1}};
}

static union v128 sm3_tt2(union v128 d, union v128 n, uint32_t w, boolean_fn *fn)
{
    const uint32_t tt2 = fn(d.s[3], d.s[2], d.s[1]) + d.s[0] + n.s[3] + w;
    return (union v128){.s = {d.s[1], rol(d.s[2], 19), d.s[3], tt2 ^ rol(tt2, 9) ^ rol(tt2, 17)}};
}

union v128 crypto_sm3tt1a(union v128 d, union v128 n, uint32_t w)
{
    return sm3_tt1(d, n, w, parity32);
}

union v128 crypto_sm3tt1b(union v128 d, union v128 n, uint32_t w)
{
    return sm3_tt1(d, n, w, majority32);
}

union v128 crypto_sm3tt2a(union v128 d, union v128 n, uint32_t w)
{
    return sm3_tt2(d, n, w, parity32);
}

union v128 crypto_sm3tt2b(union v128 d, union v128 n, uint32_t w)
{
    return sm3_tt2(d, n, w, choose32);
}

/* --- SM4 ---------------------------------------------------------------------------------------*/

/* clang-format off */
static const uint8_t sm4_box[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05,
    0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3, 0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99,
    0x9c, 0x42, 0x50, 0xf4, 0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
    0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa, 0x75, 0x8f, 0x3f, 0xa6,
    0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba, 0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8,
    0x68, 0x6b, 0x81, 0xb2, 0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
    0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b, 0x01, 0x21, 0x78, 0x87,
    0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52, 0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e,
    0xea, 0xbf, 0x8a, 0xd2, 0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
    0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30, 0xf5, 0x8c, 0xb1, 0xe3,
    0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60, 0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f,
    0xd5, 0xdb, 0x37, 0x45, 0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
    0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41, 0x1f, 0x10, 0x5a, 0xd8,
    0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd, 0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0,
    0x89, 0x69, 0x97, 0x4a, 0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e, 0xd7, 0xcb, 0x39, 0x48,
};
/* clang-format on */

/* Four rounds from the state in x (the oldest word in lane 0) with keys k. */
static union v128 sm4_rounds(union v128 x, union v128 k, bool key_schedule)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t in = x.s[1] ^ x.s[2] ^ x.s[3] ^ k.s[i];
        uint32_t t = 0;
        for (unsigned b = 0; b < 32; b += 8)
            t |= (uint32_t)sm4_box[in >> b & 255] << b;
        t ^= key_schedule ? rol(t, 13) ^ rol(t, 23)
                          : rol(t, 2) ^ rol(t, 10) ^ rol(t, 18) ^ rol(t, 24);
        x = (union v128){.s = {x.s[1], x.s[2], x.s[3], x.s[0] ^ t}};
    }
    return x;
}

union v128 crypto_sm4e(union v128 d, union v128 n)
{
    return sm4_rounds(d, n, false);
}

union v128 crypto_sm4ekey(union v128 n, union v128 m)
{
    return sm4_rounds(n, m, true);
}
