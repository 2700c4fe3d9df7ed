// SPDX-License-Identifier: Apache-2.0
// Switches between processes and threads, and what making and ending them costs.
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system.h"

struct channel {
    int there[2], back[2];
    unsigned amount;
};

static void open_channel(struct channel *c, unsigned amount)
{
    must(pipe(c->there) == 0 && pipe(c->back) == 0, "pipe");
    c->amount = amount;
}

static void close_channel(struct channel *c)
{
    for (int i = 0; i < 2; i++) {
        close(c->there[i]);
        close(c->back[i]);
    }
}

static void *echo(void *context)
{
    struct channel *c = context;
    char byte;
    for (unsigned i = 0; i < c->amount && read(c->there[0], &byte, 1) == 1; i++)
        must(write(c->back[1], &byte, 1) == 1, "write");
    return NULL;
}

static uint64_t call(struct channel *c)
{
    uint64_t good = 0;
    char byte = 'x';
    for (unsigned i = 0; i < c->amount; i++) {
        must(write(c->there[1], &byte, 1) == 1, "write");
        good += read(c->back[0], &byte, 1) == 1;
    }
    return good;
}

uint64_t system_pipe_processes(unsigned amount)
{
    struct channel c;
    open_channel(&c, amount);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        echo(&c);
        _exit(0);
    }
    uint64_t good = call(&c);
    waitpid(child, NULL, 0);
    close_channel(&c);
    return good;
}

uint64_t system_pipe_one_cpu(unsigned amount)
{
    cpu_set_t old, one;
    must(sched_getaffinity(0, sizeof(old), &old) == 0, "sched_getaffinity");
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    must(sched_setaffinity(0, sizeof(one), &one) == 0, "sched_setaffinity");
    uint64_t good = system_pipe_processes(amount);
    sched_setaffinity(0, sizeof(old), &old);
    return good;
}

uint64_t system_pipe_threads(unsigned amount)
{
    struct channel c;
    pthread_t thread;
    open_channel(&c, amount);
    must(pthread_create(&thread, NULL, echo, &c) == 0, "pthread_create");
    uint64_t good = call(&c);
    pthread_join(thread, NULL);
    close_channel(&c);
    return good;
}

struct table_tennis {
    uint32_t turn;
    unsigned amount;
};

static void strike(struct table_tennis *t, uint32_t mine)
{
    for (unsigned i = 0; i < t->amount; i++) {
        while (__atomic_load_n(&t->turn, __ATOMIC_ACQUIRE) != mine)
            syscall(SYS_futex, &t->turn, FUTEX_WAIT_PRIVATE, !mine, NULL, NULL, 0);
        __atomic_store_n(&t->turn, !mine, __ATOMIC_RELEASE);
        syscall(SYS_futex, &t->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void *opponent(void *context)
{
    strike(context, 1);
    return NULL;
}

uint64_t system_futex_pingpong(unsigned amount)
{
    struct table_tennis t = {0, amount};
    pthread_t thread;
    must(pthread_create(&thread, NULL, opponent, &t) == 0, "pthread_create");
    strike(&t, 0);
    pthread_join(thread, NULL);
    return t.turn;
}

static void *count_up(void *context)
{
    ++*(uint64_t *)context;
    return NULL;
}

uint64_t system_thread(unsigned amount)
{
    uint64_t count = 0;
    while (amount--) {
        pthread_t thread;
        must(pthread_create(&thread, NULL, count_up, &count) == 0, "pthread_create");
        pthread_join(thread, NULL);
    }
    return count;
}

uint64_t system_fork(unsigned amount)
{
    uint64_t good = 0;
    while (amount--) {
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0)
            _exit(7);
        int status;
        waitpid(child, &status, 0);
        good += WEXITSTATUS(status) == 7;
    }
    return good;
}

uint64_t system_exec(unsigned amount)
{
    uint64_t good = 0;
    while (amount--) {
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            execl("/proc/self/exe", "bench", "nothing", (char *)NULL);
            _exit(1);
        }
        int status;
        waitpid(child, &status, 0);
        good += status == 0;
    }
    return good;
}
