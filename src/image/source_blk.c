/* SPDX-License-Identifier: Apache-2.0 */
/* Synchronous requests to a block back end. */
#include <pthread.h>

#include "backend/blk/blk.h"
#include "image/source.h"

struct wait {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int done, result;
};

static void finished(struct blk_request *request, int result)
{
    struct wait *wait = request->ctx;

    pthread_mutex_lock(&wait->lock);
    wait->done = 1;
    wait->result = result;
    pthread_cond_signal(&wait->changed);
    pthread_mutex_unlock(&wait->lock);
}

static int perform(struct blk *blk, enum blk_op op, uint64_t offset, void *buf, size_t len)
{
    struct wait wait = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    struct iovec iov = {buf, len};
    struct blk_request request = {.op = op,
                                  .offset = offset,
                                  .len = len,
                                  .iov = &iov,
                                  .iovcnt = 1,
                                  .done = finished,
                                  .ctx = &wait};

    blk_submit(blk, &request);
    pthread_mutex_lock(&wait.lock);
    while (!wait.done)
        pthread_cond_wait(&wait.changed, &wait.lock);
    pthread_mutex_unlock(&wait.lock);
    return wait.result;
}

static int read_blk(void *ctx, uint64_t offset, void *buf, size_t len)
{
    return perform(ctx, BLK_READ, offset, buf, len);
}

int blk_write_now(struct blk *blk, uint64_t offset, const void *data, size_t len)
{
    return perform(blk, BLK_WRITE, offset, (void *)data, len);
}

int blk_flush_now(struct blk *blk)
{
    return perform(blk, BLK_FLUSH, 0, NULL, 0);
}

static uint64_t next_data(void *ctx, uint64_t offset)
{
    return blk_next_data(ctx, offset);
}

struct image_source source_blk(struct blk *blk)
{
    return (struct image_source){
        .read = read_blk, .next_data = next_data, .ctx = blk, .size = blk_size(blk)};
}
