/* SPDX-License-Identifier: Apache-2.0 */
/* Address spaces that change under running threads. */
#define _GNU_SOURCE
#include "arch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ADDS = 200000, ROUNDS = 300, BLOCK = 16 };

static bool on_all(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread[THREADS];
    bool ok = true;

    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, fn, arg);
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        ok &= !failed;
    }
    return ok;
}

static void *add(void *arg)
{
    for (unsigned i = 0; i < ADDS; i++)
        __atomic_fetch_add((long *)arg, 1, __ATOMIC_RELAXED);
    return NULL;
}

static bool atomic_adds(void)
{
    long sum = 0;

    return on_all(add, &sum) && sum == THREADS * ADDS;
}

static void *add_by_exclusives(void *arg)
{
    for (unsigned i = 0; i < ADDS; i++) {
        uint64_t old;
        uint32_t failed;
        do
            __asm__ volatile("ldxr %0, [%2]\n add %0, %0, #1\n stxr %w1, %0, [%2]"
                             : "=&r"(old), "=&r"(failed)
                             : "r"(arg)
                             : "memory");
        while (failed);
    }
    return NULL;
}

static bool exclusive_adds(void)
{
    long sum = 0;

    return on_all(add_by_exclusives, &sum) && sum == THREADS * ADDS;
}

/* Maps, fills, protects and unmaps; addresses are reused at once, by all threads. */
static void *churn(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t *p = pages(BLOCK, PROT_READ | PROT_WRITE);
        for (unsigned j = 0; j < BLOCK; j++)
            p[j * PAGE] = (uint8_t)(i + j);
        mprotect(p, BLOCK * PAGE, PROT_READ);
        for (unsigned j = 0; j < BLOCK; j++)
            if (p[j * PAGE] != (uint8_t)(i + j))
                return p;
        munmap(p, BLOCK * PAGE);
    }
    return NULL;
}

static bool mappings_come_and_go(void)
{
    return on_all(churn, NULL);
}

static int child_writes(uint8_t *p, unsigned round)
{
    for (unsigned i = 0; i < BLOCK; i++) {
        if (p[i * PAGE] != (uint8_t)(round + 1))
            return 1;
        p[i * PAGE] = 0xee;
    }
    for (unsigned i = 0; i < BLOCK; i++)
        if (p[i * PAGE] != 0xee)
            return 2;
    return 0;
}

static bool copy_on_write(void)
{
    uint8_t *p = pages(BLOCK, PROT_READ | PROT_WRITE);

    for (unsigned round = 0; round < 20; round++) {
        int status;
        pid_t pid = fork();
        if (!pid)
            _exit(child_writes(p, round));
        for (unsigned i = 0; i < BLOCK; i++)
            p[i * PAGE]++;
        waitpid(pid, &status, 0);
        if (status)
            return false;
    }
    return true;
}

/* The kernel copies to user space by STTR: what it may write changes with every mprotect. */
static bool copies_follow_protection(void)
{
    int zero = open("/dev/zero", O_RDONLY);
    uint8_t *p = pages(2, PROT_READ | PROT_WRITE);
    bool ok = true;

    for (unsigned i = 0; i < ROUNDS && ok; i++) {
        p[0] = p[PAGE] = 1;
        ok &= read(zero, p, 2 * PAGE) == 2 * PAGE && !p[0] && !p[PAGE];
        p[PAGE] = 1;
        mprotect(p + PAGE, PAGE, PROT_READ);
        ok &= read(zero, p + PAGE, 8) < 0 && errno == EFAULT && p[PAGE] == 1;
        ok &= read(zero, p, 2 * PAGE) <= PAGE;
        mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE);
    }
    close(zero);
    return ok;
}

/* A copy into a page that is shared after fork() goes to a page of its own. */
static bool copies_break_sharing(void)
{
    int zero = open("/dev/zero", O_RDONLY);
    uint8_t *p = pages(1, PROT_READ | PROT_WRITE);
    bool ok = true;

    for (unsigned i = 0; i < 20 && ok; i++) {
        int status;
        pid_t pid;
        p[8] = 1;
        pid = fork();
        if (!pid)
            _exit(read(zero, p, 64) != 64 || p[8]);
        waitpid(pid, &status, 0);
        ok &= !status && p[8] == 1 && read(zero, p, 64) == 64 && !p[8];
    }
    close(zero);
    return ok;
}

static bool shared_file(void)
{
    int fd = open("/tmp/arch.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    uint8_t *p, byte = 0;

    if (fd < 0 || ftruncate(fd, 2 * PAGE))
        return false;
    p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p[0]) /* read first: the write that follows must still make the page dirty */
        return false;
    p[PAGE] = 'x';
    msync(p, 2 * PAGE, MS_SYNC);
    return pread(fd, &byte, 1, PAGE) == 1 && byte == 'x';
}

const struct test memory_tests[] = {
    {"atomic additions of all threads count", atomic_adds},
    {"exclusive additions of all threads count", exclusive_adds},
    {"mappings that come and go keep their contents", mappings_come_and_go},
    {"copy on write keeps parent and child apart", copy_on_write},
    {"kernel's copies follow the protection of pages", copies_follow_protection},
    {"kernel's copies break sharing after fork", copies_break_sharing},
    {"write to a shared mapping reaches the file", shared_file},
    {0},
};
