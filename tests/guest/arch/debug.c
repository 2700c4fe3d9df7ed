/* SPDX-License-Identifier: Apache-2.0 */
/* Software step, hardware breakpoints and watchpoints, through ptrace. */
#define _GNU_SOURCE
#include "arch.h"

#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/ptrace.h>

enum { STATUS = 3, ENABLED_EL0 = 1 | 2 << 1, LOAD = 1 << 3, STORE = 2 << 3, STEPS_MAX = 100000 };

static volatile long watched[4];
static volatile int counter;

static void __attribute__((noinline)) target(void)
{
    counter++;
}

/* What is debugged. */
static void child(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    target();
    watched[1] = 5;
    watched[2];
    __asm__ volatile("ldaxr w10, [%0]\n stlxr w11, w10, [%0]" ::"r"(&counter)
                     : "w10", "w11", "memory");
    _exit(STATUS);
}

static pid_t start(void)
{
    int status;
    pid_t pid = fork();

    if (!pid)
        child();
    waitpid(pid, &status, 0);
    return pid;
}

static uint64_t pc(pid_t pid)
{
    struct user_regs_struct regs;
    struct iovec io = {&regs, sizeof(regs)};

    ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &io);
    return regs.pc;
}

/* Sets the first of the debug registers, or clears it with control = 0. */
static bool set(pid_t pid, int kind, const volatile void *address, uint32_t control)
{
    struct user_hwdebug_state state;
    struct iovec io = {&state, offsetof(struct user_hwdebug_state, dbg_regs[1])};

    memset(&state, 0, sizeof(state));
    state.dbg_regs[0].addr = (uint64_t)address;
    state.dbg_regs[0].ctrl = control;
    return !ptrace(PTRACE_SETREGSET, pid, (void *)(uintptr_t)kind, &io);
}

/* Runs on; whether it stops with SIGTRAP, for an address. */
static bool stops_for(pid_t pid, const volatile void *address)
{
    siginfo_t info;
    int status;

    ptrace(PTRACE_CONT, pid, NULL, NULL);
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        return false;
    ptrace(PTRACE_GETSIGINFO, pid, NULL, &info);
    return info.si_code == TRAP_HWBKPT && info.si_addr == address;
}

static bool ends(pid_t pid)
{
    int status;

    ptrace(PTRACE_CONT, pid, NULL, NULL);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == STATUS;
}

static bool steps(void)
{
    pid_t pid = start();
    uint64_t last = pc(pid);
    unsigned moved = 0;
    int status;

    for (unsigned n = 0; n < STEPS_MAX; n++) {
        ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
        waitpid(pid, &status, 0);
        if (WIFEXITED(status))
            return WEXITSTATUS(status) == STATUS && moved > 20;
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            return false;
        moved += pc(pid) != last;
        last = pc(pid);
    }
    return false;
}

static bool breakpoint(void)
{
    pid_t pid = start();
    void *address = (void *)(uintptr_t)target;

    return set(pid, NT_ARM_HW_BREAK, address, ENABLED_EL0 | 0xf << 5) && stops_for(pid, address) &&
           pc(pid) == (uint64_t)address && set(pid, NT_ARM_HW_BREAK, NULL, 0) && ends(pid);
}

static bool write_watchpoint(void)
{
    pid_t pid = start();

    return set(pid, NT_ARM_HW_WATCH, &watched[1], ENABLED_EL0 | 0xff << 5 | STORE) &&
           stops_for(pid, &watched[1]) && !ptrace(PTRACE_PEEKDATA, pid, &watched[1], NULL) &&
           set(pid, NT_ARM_HW_WATCH, NULL, 0) && ends(pid);
}

static bool read_watchpoint(void)
{
    pid_t pid = start();

    return set(pid, NT_ARM_HW_WATCH, &watched[2], ENABLED_EL0 | 0xff << 5 | LOAD) &&
           stops_for(pid, &watched[2]) && set(pid, NT_ARM_HW_WATCH, NULL, 0) && ends(pid);
}

static bool unmet_watchpoint(void)
{
    pid_t pid = start();

    return set(pid, NT_ARM_HW_WATCH, &watched[1], ENABLED_EL0 | 0xff << 5 | LOAD) && ends(pid);
}

const struct test debug_tests[] = {
    {"single step runs a program one instruction at a time", steps},
    {"hardware breakpoint stops at its address", breakpoint},
    {"write watchpoint stops before the store", write_watchpoint},
    {"read watchpoint stops at the load", read_watchpoint},
    {"watchpoint for loads ignores stores", unmet_watchpoint},
    {0},
};
