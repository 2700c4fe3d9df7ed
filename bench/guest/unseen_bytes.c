// SPDX-License-Identifier: Apache-2.0
// Unseen: bytes, bits and text.
#include <stdio.h>
#include <stdlib.h>

#include "unseen.h"

uint64_t unseen_life(unsigned amount)
{
    enum { SIDE = 256 };
    uint8_t *now = must_alloc(2 * SIDE * SIDE), *next = now + SIDE * SIDE, *memory = now;
    uint64_t seed = 71;
    for (int i = 0; i < SIDE * SIDE; i++)
        now[i] = next_random(&seed) >> 62 == 0;
    while (amount--) {
        for (int y = 0; y < SIDE; y++) {
            const uint8_t *above = now + (y + SIDE - 1) % SIDE * SIDE, *row = now + y * SIDE,
                          *below = now + (y + 1) % SIDE * SIDE;
            for (int x = 0; x < SIDE; x++) {
                int l = (x + SIDE - 1) % SIDE, r = (x + 1) % SIDE;
                int count = above[l] + above[x] + above[r] + row[l] + row[r] + below[l] + below[x] +
                            below[r];
                next[y * SIDE + x] = count == 3 || (count == 2 && row[x]);
            }
        }
        uint8_t *t = now;
        now = next;
        next = t;
    }
    uint64_t sum = mix_bytes(0, now, SIDE * SIDE);
    free(memory);
    return sum;
}

static size_t compress(const uint8_t *in, size_t size, uint8_t *out)
{
    static uint32_t heads[1 << 14];
    memset(heads, 0, sizeof(heads));
    size_t made = 0, at = 0;
    while (at + 4 < size) {
        uint32_t word;
        memcpy(&word, in + at, 4);
        uint32_t slot = word * 2654435761u >> 18, before = heads[slot];
        heads[slot] = (uint32_t)at + 1;
        size_t length = 0;
        if (before && at - (before - 1) < 65536) {
            while (length < 255 && at + length < size && in[before - 1 + length] == in[at + length])
                length++;
        }
        if (length >= 4) {
            size_t back = at - (before - 1);
            out[made++] = (uint8_t)length;
            out[made++] = (uint8_t)back;
            out[made++] = (uint8_t)(back >> 8);
            at += length;
        } else {
            out[made++] = 0;
            out[made++] = in[at++];
        }
    }
    return made;
}

static size_t expand(const uint8_t *in, size_t size, uint8_t *out)
{
    size_t made = 0;
    for (size_t at = 0; at < size;) {
        unsigned length = in[at++];
        if (!length) {
            out[made++] = in[at++];
            continue;
        }
        size_t back = in[at] | (size_t)in[at + 1] << 8;
        at += 2;
        for (; length; length--, made++)
            out[made] = out[made - back];
    }
    return made;
}

uint64_t unseen_compress(unsigned amount)
{
    enum { SIZE = 1 << 19 };
    uint8_t *plain = must_alloc(4 * SIZE), *packed = plain + SIZE, *again = plain + 3 * SIZE;
    uint64_t seed = 72, sum = 0;
    for (size_t i = 0; i < SIZE; i++) {
        uint64_t random = next_random(&seed);
        plain[i] = i > 300 && random >> 61 ? plain[i - 1 - (random & 0xff) % 7 * 37]
                                           : (uint8_t)('a' + (random & 15));
    }
    while (amount--) {
        size_t size = compress(plain, SIZE, packed);
        sum = mix_in(sum, size + expand(packed, size, again));
        sum = mix_in(sum, again[amount * 997 % SIZE]);
        plain[amount * 1009] ^= 1;
    }
    free(plain);
    return sum;
}

uint64_t unseen_distance(unsigned amount)
{
    enum { LENGTH = 900 };
    uint8_t a[LENGTH], b[LENGTH];
    unsigned row[LENGTH + 1];
    uint64_t seed = 73, sum = 0;
    while (amount--) {
        for (int i = 0; i < LENGTH; i++) {
            a[i] = next_random(&seed) >> 62 & 3;
            b[i] = next_random(&seed) >> 63 ? a[i] : next_random(&seed) >> 62 & 3;
        }
        for (unsigned j = 0; j <= LENGTH; j++)
            row[j] = j;
        for (unsigned i = 1; i <= LENGTH; i++) {
            unsigned diagonal = row[0];
            row[0] = i;
            for (unsigned j = 1; j <= LENGTH; j++) {
                unsigned best = diagonal + (a[i - 1] != b[j - 1]);
                diagonal = row[j];
                best = best < diagonal + 1 ? best : diagonal + 1;
                row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
            }
        }
        sum = mix_in(sum, row[LENGTH]);
    }
    return sum;
}

static uint32_t turn(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

// FIPS 180-4, section 6.1.2.
static void sha1_block(uint32_t *h, const uint8_t *p)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++) {
        memcpy(&w[i], p + 4 * i, 4);
        w[i] = __builtin_bswap32(w[i]);
    }
    for (int i = 16; i < 80; i++)
        w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t t = turn(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

uint64_t unseen_sha1(unsigned amount)
{
    enum { SIZE = 1 << 20 };
    uint8_t *data = must_alloc(SIZE);
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 8));
    while (amount--) {
        for (size_t at = 0; at < SIZE; at += 64)
            sha1_block(h, data + at);
    }
    free(data);
    return mix_bytes(h[4], h, 16);
}

// A machine of eight instructions on a tape, which multiplies by nested loops.
uint64_t unseen_tape(unsigned amount)
{
    static const char code[] =
        "++++++++[>+++++++++[>++++++++++[>+++++[>+++>+<<-]<-]<-]>>>>[->>+<<]<<<<<-]";
    uint8_t tape[512];
    int jump[sizeof(code)], stack[64], depth = 0;
    for (int i = 0; code[i]; i++) {
        if (code[i] == '[')
            stack[depth++] = i;
        else if (code[i] == ']') {
            jump[i] = stack[--depth];
            jump[jump[i]] = i;
        }
    }
    uint64_t sum = 0;
    while (amount--) {
        memset(tape, 0, sizeof(tape));
        unsigned at = 64;
        uint64_t steps = 0;
        for (int i = 0; code[i] && steps < 400000; i++, steps++) {
            switch (code[i]) {
            case '+':
                tape[at]++;
                break;
            case '-':
                tape[at]--;
                break;
            case '>':
                at = (at + 1) % sizeof(tape);
                break;
            case '<':
                at = (at - 1) % sizeof(tape);
                break;
            case '[':
                i = tape[at] ? i : jump[i];
                break;
            case ']':
                i = tape[at] ? jump[i] : i;
                break;
            }
        }
        sum = mix_in(sum, mix_bytes(steps, tape, sizeof(tape)));
    }
    return sum;
}

// Patterns with ?, * and sets, matched by backtracking.
static int matches(const char *p, const char *s)
{
    for (; *p; p++, s++) {
        if (*p == '*') {
            for (; *s; s++) {
                if (matches(p + 1, s))
                    return 1;
            }
            return matches(p + 1, s);
        }
        if (!*s)
            return 0;
        if (*p == '[') {
            int found = 0;
            for (p++; *p != ']'; p++)
                found |= *p == *s;
            if (!found)
                return 0;
        } else if (*p != '?' && *p != *s) {
            return 0;
        }
    }
    return !*s;
}

uint64_t unseen_match(unsigned amount)
{
    static const char *const patterns[] = {"a*b*c*d", "*[aeiou]??[xyz]*", "*ab*ba*",
                                           "?b*[abc][def]*h", "*hh*a*g"};
    char text[48];
    uint64_t seed = 74, count = 0;
    for (unsigned i = 0; i < amount * 100; i++) {
        for (size_t j = 0; j < sizeof(text) - 1; j++)
            text[j] = (char)('a' + (next_random(&seed) >> 61));
        text[sizeof(text) - 1] = 0;
        for (size_t j = 0; j < sizeof(patterns) / sizeof(patterns[0]); j++)
            count = count * 3 + (uint64_t)matches(patterns[j], text);
    }
    return mix_in(0, count);
}

uint64_t unseen_printf(unsigned amount)
{
    char text[128];
    uint64_t seed = 75, sum = 0;
    while (amount--) {
        uint64_t random = next_random(&seed);
        double value = (double)(int64_t)random / 1e9;
        int size = snprintf(text, sizeof(text), "%.10g %u %x %s", value, (unsigned)random,
                            (unsigned)(random >> 32), random & 1 ? "odd" : "even");
        char *end;
        double back = strtod(text, &end);
        sum = mix_in(sum, (uint64_t)size + strtoul(end, NULL, 10) + (back < value));
    }
    return sum;
}
