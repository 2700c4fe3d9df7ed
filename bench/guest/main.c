// SPDX-License-Identifier: Apache-2.0
// bench run NAME            one kernel
// bench time NAME COMMAND   any program; the checksum is of its standard output
// bench list
// bench text SIZE           so many bytes of what looks like text, the same on every machine
// Each prints "bench-result NAME NANOSECONDS UNITS CHECKSUM".
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"

static const struct group {
    const char *name;
    const struct kernel *kernels;
    int per_unit; // its figures are for one unit of the amount
} groups[] = {
    {"integer", bench_integer, 0}, {"fp", bench_fp, 0},         {"vectors", bench_vectors, 0},
    {"system", bench_system, 1},   {"memory", bench_memory, 1}, {"smp", bench_smp, 0},
    {"unseen", bench_unseen, 0},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

void *must_alloc(size_t size)
{
    void *memory = calloc(1, size);
    must(memory != NULL, "calloc");
    return memory;
}

void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int run(const char *name)
{
    for (size_t g = 0; g < GROUPS; g++) {
        for (const struct kernel *k = groups[g].kernels; k->name; k++) {
            if (strcmp(k->name, name) != 0)
                continue;
            uint64_t start = now();
            uint64_t sum = k->run(k->amount);
            uint64_t spent = now() - start;
            printf("bench-result %s %" PRIu64 " %u %016" PRIx64 "\n", name, spent,
                   groups[g].per_unit ? k->amount : 1, sum);
            return 0;
        }
    }
    fprintf(stderr, "bench: no kernel %s\n", name);
    return 2;
}

static int list(void)
{
    for (size_t g = 0; g < GROUPS; g++) {
        for (const struct kernel *k = groups[g].kernels; k->name; k++)
            printf("%s %s\n", groups[g].name, k->name);
    }
    return 0;
}

static int time_command(const char *name, char **command)
{
    int ends[2];
    must(pipe(ends) == 0, "pipe");
    uint64_t start = now();
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execvp(command[0], command);
        must(0, command[0]);
    }
    close(ends[1]);
    uint64_t sum = 0;
    static uint8_t piece[65536];
    ssize_t count;
    // Pieces have any size: the sum is by byte.
    while ((count = read(ends[0], piece, sizeof(piece))) > 0) {
        for (ssize_t i = 0; i < count; i++)
            sum = (sum ^ piece[i]) * 0x100000001b3u;
    }
    int status;
    must(waitpid(child, &status, 0) == child, "wait");
    uint64_t spent = now() - start;
    if (status != 0) {
        fprintf(stderr, "bench: %s ended with status %d\n", name, status);
        return 1;
    }
    printf("bench-result %s %" PRIu64 " 1 %016" PRIx64 "\n", name, spent, sum);
    return 0;
}

static int write_text(size_t size)
{
    static const char *const sounds[] = {"the", "an", "ti", "re", "on", "st", "e",  "mo",
                                         "ka",  "in", "lu", "er", "d",  "s",  "pa", "ing"};
    uint64_t seed = 20240229;
    size_t made = 0, column = 0;
    while (made < size) {
        // Few words are common and most are rare: the rank is a power of an even number.
        uint64_t random = next_random(&seed), rank = (random >> 32) % 3000;
        uint64_t word = rank * rank * rank / 9000000 + 1;
        for (uint64_t rest = word * 0x9e3779b9u; rest; rest >>= word < 60 ? 11 : 7)
            made += (size_t)printf("%s", sounds[rest % 16]);
        column += 8;
        int ends = column > 80 && random % 3 == 0;
        made += (size_t)printf(ends ? ".\n" : random % 11 ? " " : ", ");
        column = ends ? 0 : column;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "run") == 0)
        return run(argv[2]);
    if (argc > 3 && strcmp(argv[1], "time") == 0)
        return time_command(argv[2], argv + 3);
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list();
    if (argc == 2 && strcmp(argv[1], "nothing") == 0) // what the kernels that start programs start
        return 0;
    if (argc == 3 && strcmp(argv[1], "text") == 0)
        return write_text(strtoul(argv[2], NULL, 10));
    fprintf(stderr, "usage: bench run NAME | time NAME COMMAND... | list | text SIZE\n");
    return 2;
}
