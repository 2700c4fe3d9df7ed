/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "arch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* A signal handler has nothing but globals. */
static sigjmp_buf back;
static volatile struct trap caught;

/* The kernel puts ESR_EL1 into a record of the signal frame, for some faults. */
static uint64_t esr_of(const mcontext_t *context)
{
    const uint8_t *record = (const uint8_t *)context->__reserved;

    for (;;) {
        uint32_t magic, size;
        uint64_t esr;
        memcpy(&magic, record, 4);
        memcpy(&size, record + 4, 4);
        memcpy(&esr, record + 8, 8);
        if (magic == ESR_MAGIC)
            return esr;
        if (!magic || !size)
            return 0;
        record += size;
    }
}

static void on_signal(int signal, siginfo_t *info, void *opaque)
{
    const ucontext_t *context = opaque;

    caught.signal = signal;
    caught.code = info->si_code;
    caught.address = (uint64_t)info->si_addr;
    caught.pc = context->uc_mcontext.pc;
    caught.esr = esr_of(&context->uc_mcontext);
    siglongjmp(back, 1);
}

struct trap attempt(void (*fn)(void *arg), void *arg)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
    struct sigaction catch = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction before[4];

    for (unsigned i = 0; i < 4; i++)
        sigaction(signals[i], &catch, &before[i]);
    caught.signal = 0;
    if (!sigsetjmp(back, 1))
        fn(arg);
    for (unsigned i = 0; i < 4; i++)
        sigaction(signals[i], &before[i], NULL);
    return caught;
}

uint8_t *pages(unsigned n, int protection)
{
    uint8_t *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        abort();
    for (unsigned i = 0; i < n; i++)
        p[i * PAGE] = 1;
    if (mprotect(p, n * PAGE, protection))
        abort();
    return p;
}

int main(void)
{
    static const struct test *const all[] = {fault_tests, register_tests, code_tests,
                                             debug_tests, memory_tests,   pmu_tests};
    static uint8_t stack[65536]; /* signals arrive on it: some tests spoil SP */
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    unsigned number = 0, failures = 0;

    sigaltstack(&alternate, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        for (const struct test *test = all[i]; test->name; test++) {
            bool ok = test->run();
            printf("%s %u - %s\n", ok ? "ok" : "not ok", ++number, test->name);
            failures += !ok;
        }
    printf("arch: %u tests, %u failures\n", number, failures);
    return failures != 0;
}
