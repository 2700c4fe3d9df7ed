/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/blk/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "backend/blk/blk.h"
#include "host/thread.h"

enum { THREADS = 4 };

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work_there;
    struct blk_request *head, **tail;
    unsigned waiting; /* requests in the list */
    unsigned idle;    /* threads asleep */
    bool quit;
    struct thread *thread[THREADS];
    unsigned threads;
    void (*work)(void *ctx, struct blk_request *request);
    void *ctx;
};

static struct blk_request *take_locked(struct pool *pool)
{
    struct blk_request *request = pool->head;

    pool->head = request->next;
    if (!pool->head)
        pool->tail = &pool->head;
    pool->waiting--;
    return request;
}

static void worker(void *ctx)
{
    struct pool *pool = ctx;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->head && !pool->quit) {
            pool->idle++;
            pthread_cond_wait(&pool->work_there, &pool->lock);
            pool->idle--;
        }
        if (!pool->head)
            break;
        struct blk_request *request = take_locked(pool);
        pthread_mutex_unlock(&pool->lock);
        pool->work(pool->ctx, request);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

static int start_thread(struct pool *pool)
{
    int r = thread_create(&pool->thread[pool->threads], "disk", worker, pool, NULL);

    if (!r)
        pool->threads++;
    return r;
}

int pool_create(struct pool **out, void (*work)(void *ctx, struct blk_request *request), void *ctx)
{
    struct pool *pool = calloc(1, sizeof(*pool));

    if (!pool)
        return -ENOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_there, NULL);
    pool->tail = &pool->head;
    pool->work = work;
    pool->ctx = ctx;
    /* The first one now, so that there always is one. */
    if (start_thread(pool)) {
        pthread_cond_destroy(&pool->work_there);
        pthread_mutex_destroy(&pool->lock);
        free(pool);
        return -EAGAIN;
    }
    *out = pool;
    return 0;
}

void pool_destroy(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->work_there);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        thread_join(pool->thread[i]);
    pthread_cond_destroy(&pool->work_there);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void pool_put(struct pool *pool, struct blk_request *request)
{
    request->next = NULL;
    pthread_mutex_lock(&pool->lock);
    *pool->tail = request;
    pool->tail = &request->next;
    pool->waiting++;
    if (pool->waiting > pool->idle && pool->threads < THREADS && !pool->quit)
        start_thread(pool); /* if that fails, the others will do */
    pthread_cond_signal(&pool->work_there);
    pthread_mutex_unlock(&pool->lock);
}
