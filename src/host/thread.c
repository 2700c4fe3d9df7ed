/* SPDX-License-Identifier: Apache-2.0 */
#include "host/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct thread {
    pthread_t id;
    char name[16];
    void (*fn)(void *ctx);
    void *ctx;
};

static void *enter(void *opaque)
{
    struct thread *thread = opaque;

    pthread_setname_np(pthread_self(), thread->name);
    thread->fn(thread->ctx);
    return NULL;
}

int thread_create(struct thread **thread, const char *name, void (*fn)(void *ctx), void *ctx,
                  struct error *err)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    struct thread *t = calloc(1, sizeof(*t));
    sigset_t block, before;
    int rc;

    if (!t)
        return error_set(err, -ENOMEM, "out of memory");
    snprintf(t->name, sizeof(t->name), "%s", name);
    t->fn = fn;
    t->ctx = ctx;

    sigfillset(&block);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&block, faults[i]);
    /* The new thread inherits the mask that stands while it is created. */
    pthread_sigmask(SIG_SETMASK, &block, &before);
    rc = pthread_create(&t->id, NULL, enter, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc) {
        free(t);
        return error_set(err, -rc, "cannot start the thread '%s': %s", name, strerror(rc));
    }
    *thread = t;
    return 0;
}

void thread_join(struct thread *thread)
{
    if (!thread)
        return;
    pthread_join(thread->id, NULL);
    free(thread);
}
