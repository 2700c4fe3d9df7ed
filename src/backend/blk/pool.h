/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads that work on block requests; they are started when there is work for them. */
#ifndef ARMVM_BACKEND_BLK_POOL_H
#define ARMVM_BACKEND_BLK_POOL_H

struct blk_request;
struct pool;

/* work runs on one of the threads. */
int pool_create(struct pool **pool, void (*work)(void *ctx, struct blk_request *request),
                void *ctx);
/* Waits for everything that was put in. */
void pool_destroy(struct pool *pool);
void pool_put(struct pool *pool, struct blk_request *request);

#endif
