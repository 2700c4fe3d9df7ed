// SPDX-License-Identifier: Apache-2.0
// Sorting: compares and swaps inline, and through the C library's callback.
#include <stdlib.h>

#include "integer.h"

#define COUNT 300000u

static void insertion(uint32_t *a, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t value = a[i];
        size_t j = i;
        for (; j && a[j - 1] > value; j--)
            a[j] = a[j - 1];
        a[j] = value;
    }
}

static void quicksort(uint32_t *a, size_t n)
{
    while (n > 12) {
        uint32_t x = a[0], y = a[n / 2], z = a[n - 1];
        uint32_t pivot = x < y ? (y < z ? y : x < z ? z : x) : (x < z ? x : y < z ? z : y);
        size_t i = 0, j = n - 1;
        for (;; i++, j--) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i >= j)
                break;
            uint32_t t = a[i];
            a[i] = a[j];
            a[j] = t;
        }
        size_t left = j + 1;
        quicksort(a + left, n - left);
        n = left;
    }
    insertion(a, n);
}

static void fill(uint32_t *a, uint64_t seed)
{
    for (size_t i = 0; i < COUNT; i++)
        a[i] = (uint32_t)next_random(&seed);
}

uint64_t integer_quicksort(unsigned amount)
{
    uint32_t *a = must_alloc(COUNT * sizeof(*a));
    uint64_t sum = 0;
    while (amount--) {
        fill(a, 88172645463325252u + amount);
        quicksort(a, COUNT);
        sum = mix_bytes(sum, a, COUNT * sizeof(*a));
    }
    free(a);
    return sum;
}

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

uint64_t integer_qsort(unsigned amount)
{
    uint32_t *a = must_alloc(COUNT / 2 * sizeof(*a));
    uint64_t sum = 0, seed = 4101842887655102017u;
    while (amount--) {
        for (size_t i = 0; i < COUNT / 2; i++)
            a[i] = (uint32_t)next_random(&seed);
        qsort(a, COUNT / 2, sizeof(*a), by_value);
        sum = mix_bytes(sum, a, COUNT / 2 * sizeof(*a));
    }
    free(a);
    return sum;
}
