/* SPDX-License-Identifier: Apache-2.0 */
/* Random guest code without libFuzzer: test_code [SECONDS [SEED]]; 2 seconds by default. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "code.h"

enum { MAX_SIZE = 400 };

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545f4914f6cdd1dull;
}

int main(int argc, char **argv)
{
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 2);
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) * 2 + 1 : 1;
    unsigned long count[3] = {0};
    struct code_rig *rig = code_rig_create();
    if (!rig) {
        printf("this host has no translator\n");
        return 77;
    }
    while (time(NULL) < end && count[CODE_DIFFERS] < 5) {
        uint8_t data[MAX_SIZE];
        size_t size = 8 + next(&seed) % (MAX_SIZE - 8);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(next(&seed) >> 32);
        if (next(&seed) % 8) /* random words are mostly UNDEFINED, and soon dull */
            data[0] &= (uint8_t)~4u;
        count[code_run(rig, data, size)]++;
    }
    code_rig_destroy(rig);
    printf("%lu programs agree, %lu did not come to an end, %lu differ\n", count[CODE_AGREES],
           count[CODE_UNFINISHED], count[CODE_DIFFERS]);
    return count[CODE_DIFFERS] != 0 || !count[CODE_AGREES];
}
