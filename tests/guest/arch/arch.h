/* SPDX-License-Identifier: Apache-2.0 */
/* Inside a Linux guest: what user space can see of the architecture. Each test is a function that
 * says whether its name is true. */
#ifndef ARMVM_TESTS_GUEST_ARCH_H
#define ARMVM_TESTS_GUEST_ARCH_H

#include <stdbool.h>
#include <stdint.h>

struct test {
    const char *name;
    bool (*run)(void);
};

/* Each file's tests; an entry without a name ends them. */
extern const struct test fault_tests[], register_tests[], code_tests[], debug_tests[],
    memory_tests[], pmu_tests[];

/* What a signal handler learnt. */
struct trap {
    int signal; /* 0: none came */
    int code;
    uint64_t address, pc, esr;
};

/* Calls fn(arg) and catches the signal it may raise. */
struct trap attempt(void (*fn)(void *arg), void *arg);

/* Anonymous memory of n pages, with every page touched. */
enum { PAGE = 4096 };
uint8_t *pages(unsigned n, int protection);

#endif
