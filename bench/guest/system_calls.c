// SPDX-License-Identifier: Apache-2.0
// Calls that do next to nothing: what is left is the way into the kernel and back.
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

uint64_t system_null(unsigned amount)
{
    pid_t parent = getppid();
    uint64_t good = 0;
    while (amount--)
        good += syscall(SYS_getppid) == parent;
    return good;
}

uint64_t system_read(unsigned amount)
{
    int file = open("/dev/zero", O_RDONLY);
    must(file >= 0, "/dev/zero");
    uint64_t good = 0;
    char byte;
    while (amount--)
        good += (uint64_t)read(file, &byte, 1);
    close(file);
    return good;
}

uint64_t system_write(unsigned amount)
{
    int file = open("/dev/null", O_WRONLY);
    must(file >= 0, "/dev/null");
    uint64_t good = 0;
    while (amount--)
        good += (uint64_t)write(file, "x", 1);
    close(file);
    return good;
}

uint64_t system_stat(unsigned amount)
{
    struct stat st;
    uint64_t good = 0;
    while (amount--)
        good += stat("/proc/self/status", &st) == 0;
    return good;
}

uint64_t system_clock(unsigned amount)
{
    struct timespec t, last = {0, 0};
    uint64_t good = 0;
    while (amount--) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        good += t.tv_sec > last.tv_sec || (t.tv_sec == last.tv_sec && t.tv_nsec >= last.tv_nsec);
        last = t;
    }
    return good;
}

static volatile sig_atomic_t taken;

static void take(int number)
{
    (void)number;
    taken++;
}

uint64_t system_signal(unsigned amount)
{
    struct sigaction action = {.sa_handler = take};
    sigaction(SIGUSR1, &action, NULL);
    pid_t self = getpid();
    taken = 0;
    while (amount--)
        kill(self, SIGUSR1);
    return (uint64_t)taken;
}

uint64_t system_futex_wake(unsigned amount)
{
    static uint32_t word;
    uint64_t good = 0;
    while (amount--)
        good += syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0;
    return good;
}
