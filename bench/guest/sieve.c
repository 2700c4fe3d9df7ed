// SPDX-License-Identifier: Apache-2.0
// The sieve of Eratosthenes over bytes: strided stores.
#include <stdlib.h>

#include "integer.h"

#define LIMIT 2000000u

uint64_t integer_sieve(unsigned amount)
{
    uint8_t *composite = must_alloc(LIMIT);
    uint64_t sum = 0;
    while (amount--) {
        memset(composite, 0, LIMIT);
        uint64_t count = 0, last = 0;
        for (unsigned i = 2; i < LIMIT; i++) {
            if (composite[i])
                continue;
            count++;
            last = i;
            for (uint64_t j = (uint64_t)i * i; j < LIMIT; j += i)
                composite[j] = 1;
        }
        sum = mix_in(mix_in(sum, count), last);
    }
    free(composite);
    return sum;
}
