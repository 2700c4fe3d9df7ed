/* SPDX-License-Identifier: Apache-2.0 */
/* Performance monitors through the kernel: what `perf stat` and `perf record` are built upon. */
#define _GNU_SOURCE
#include "arch.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int open_event(uint64_t config, uint64_t period, bool kernel)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof(attr),
        .config = config,
        .disabled = 1,
        .exclude_kernel = !kernel,
        .exclude_hv = 1,
        .sample_period = period,
        .wakeup_events = 1,
    };
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

/* 3 instructions a round, 2 more before and after. */
static void spin(uint64_t rounds)
{
    __asm__ volatile("1: sub %0, %0, #1\n nop\n cbnz %0, 1b" : "+r"(rounds));
}

/* Counts spin() in user mode. */
static uint64_t counted(uint64_t config, uint64_t rounds)
{
    int fd = open_event(config, 0, false);
    uint64_t value = 0;

    if (fd < 0)
        return 0;
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    spin(rounds);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    if (read(fd, &value, 8) != 8)
        value = 0;
    close(fd);
    return value;
}

static bool instructions(void)
{
    uint64_t million = counted(PERF_COUNT_HW_INSTRUCTIONS, 1000000);
    uint64_t none = counted(PERF_COUNT_HW_INSTRUCTIONS, 1);

    return million >= 3000000 && million < 3000300 && none < 300;
}

static bool cycles(void)
{
    uint64_t few = counted(PERF_COUNT_HW_CPU_CYCLES, 1000000);
    uint64_t many = counted(PERF_COUNT_HW_CPU_CYCLES, 20000000);

    return few > 1000 && many > 4 * few;
}

/* A sleeping process has no cycles. */
static bool no_cycles_asleep(void)
{
    int fd = open_event(PERF_COUNT_HW_CPU_CYCLES, 0, true);
    struct timespec time = {.tv_nsec = 200000000};
    uint64_t value = UINT64_MAX;

    if (fd < 0)
        return false;
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    nanosleep(&time, NULL);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    bool ok = read(fd, &value, 8) == 8 && value < 100000000;
    close(fd);
    return ok;
}

/* Samples in the buffer of an event. */
static uint64_t samples_in(const struct perf_event_mmap_page *page)
{
    uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), samples = 0;

    for (uint64_t at = 0; at < head;) {
        const struct perf_event_header *record =
            (const void *)((const uint8_t *)page + PAGE + at % (16 * PAGE));
        samples += record->type == PERF_RECORD_SAMPLE;
        at += record->size;
    }
    return samples;
}

/* Samples while spin() runs; *expected: what was counted, in periods. */
static uint64_t sampled(uint64_t config, uint64_t period, uint64_t rounds, uint64_t *expected)
{
    int fd = open_event(config, period, false);
    struct perf_event_mmap_page *page;
    uint64_t samples = 0, count = 0;

    if (fd < 0)
        return 0;
    page = mmap(NULL, 17 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) {
        ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
        spin(rounds);
        ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
        samples = samples_in(page);
        if (read(fd, &count, 8) == 8)
            *expected = count / period;
        munmap(page, 17 * PAGE);
    }
    close(fd);
    return samples;
}

/* The overflow interrupt comes about as often as it should, again and again. An emulator on a busy
 * host may be late with some: ten tries of forty have to have half of what is due. The kernel's
 * tick, by which overflows are seen as well, brings a quarter. */
static bool sampled_well(uint64_t config, uint64_t period, uint64_t rounds)
{
    uint64_t samples = 0, expected = 0;
    unsigned good = 0;

    for (unsigned i = 0; i < 40 && good < 10; i++) {
        samples = sampled(config, period, rounds, &expected);
        good += expected >= 5 && samples >= expected / 2 && samples <= 2 * expected;
    }
    if (good < 10)
        printf("  %u tries were good; %lu samples, %lu due\n", good, samples, expected);
    return good >= 10;
}

static bool instruction_samples(void)
{
    return sampled_well(PERF_COUNT_HW_INSTRUCTIONS, 10000000, 30000000);
}

static bool cycle_samples(void)
{
    return sampled_well(PERF_COUNT_HW_CPU_CYCLES, 1000000, 30000000);
}

/* More events than counters: the kernel takes turns, which needs its scaling to work. */
static bool many_events(void)
{
    int fd[9];
    uint64_t value;
    bool ok = true;

    for (unsigned i = 0; i < 9; i++) {
        fd[i] = open_event(i & 1 ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_HW_INSTRUCTIONS, 0, true);
        ok = ok && fd[i] >= 0;
        ioctl(fd[i], PERF_EVENT_IOC_ENABLE, 0);
    }
    spin(30000000);
    for (unsigned i = 0; i < 9; i++) {
        ok = ok && read(fd[i], &value, 8) == 8 && value > 0;
        close(fd[i]);
    }
    return ok;
}

const struct test pmu_tests[] = {
    {"instructions are counted", instructions},
    {"cycles are counted", cycles},
    {"a sleeper has no cycles", no_cycles_asleep},
    {"samples by instructions", instruction_samples},
    {"samples by cycles", cycle_samples},
    {"more events than counters", many_events},
    {0},
};
