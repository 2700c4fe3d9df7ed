// SPDX-License-Identifier: Apache-2.0
// Calls: direct recursion, backtracking, and calls through tables in an order that is hard to
// guess.
#include "integer.h"

__attribute__((noinline)) static uint64_t fibonacci(unsigned n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

uint64_t integer_recursion(unsigned amount)
{
    return mix_in(0, fibonacci(amount));
}

static uint64_t place(unsigned all, unsigned columns, unsigned left, unsigned right)
{
    if (columns == all)
        return 1;
    uint64_t count = 0;
    for (unsigned free = all & ~(columns | left | right); free; free &= free - 1) {
        unsigned bit = free & -free;
        count += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

uint64_t integer_queens(unsigned amount)
{
    uint64_t sum = 0;
    for (unsigned n = 4; n <= amount + 1; n++)
        sum = mix_in(sum, place((1u << n) - 1, 0, 0, 0));
    return sum;
}

static uint64_t op_add(uint64_t a, uint64_t b)
{
    return a + b;
}
static uint64_t op_sub(uint64_t a, uint64_t b)
{
    return a - b;
}
static uint64_t op_xor(uint64_t a, uint64_t b)
{
    return a ^ b;
}
static uint64_t op_mul(uint64_t a, uint64_t b)
{
    return a * (b | 1);
}
static uint64_t op_turn(uint64_t a, uint64_t b)
{
    return a << (b & 31) | a >> (64 - (b & 31)) % 64;
}
static uint64_t op_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b + 1;
}
static uint64_t op_not(uint64_t a, uint64_t b)
{
    return ~a + (b & 3);
}
static uint64_t op_swap(uint64_t a, uint64_t b)
{
    return __builtin_bswap64(a) ^ b;
}

uint64_t integer_indirect(unsigned amount)
{
    static uint64_t (*const volatile table[])(uint64_t, uint64_t) = {
        op_add, op_sub, op_xor, op_mul, op_turn, op_min, op_not, op_swap};
    uint8_t order[512];
    uint64_t seed = 123456789, value = 1;
    for (size_t i = 0; i < sizeof(order); i++)
        order[i] = (uint8_t)(next_random(&seed) >> 40 & 7);
    while (amount--) {
        for (size_t i = 0; i < sizeof(order); i++)
            value = table[order[i]](value, i + amount);
    }
    return mix_in(0, value);
}
