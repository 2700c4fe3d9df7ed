/* SPDX-License-Identifier: Apache-2.0 */
/* virtio entropy device (virtio 1.2, 5.4): one queue of buffers, filled from the host's entropy
 * source on the notifying thread. */
#include <stdlib.h>

#include "host/clock.h"
#include "machine/virtio/virtio.h"

enum {
    MAX_BYTES = 4096,  /* a buffer: drivers take what they get */
    MAX_CHAINS = 1024, /* a notification: a guest cannot keep a thread in here for ever */
};

struct rng {
    struct virtio v;
    struct virtq_chain chain;
};

static void notify(struct virtio *v, unsigned queue)
{
    struct rng *rng = (struct rng *)v;
    struct virtq *q = &v->queue[queue];
    uint8_t bytes[MAX_BYTES];

    for (unsigned n = 0; n < MAX_CHAINS; n++) {
        if (!virtio_pop(v, queue, &rng->chain)) {
            virtq_enable_notify(q);
            if (!virtq_pending(q) || v->failed)
                break;
            continue;
        }
        size_t len = rng->chain.in_len < MAX_BYTES ? rng->chain.in_len : MAX_BYTES;
        host_random(bytes, len);
        virtq_write(v->mem, &rng->chain, 0, bytes, len);
        virtq_push(q, rng->chain.head, (uint32_t)len);
    }
    virtio_signal(v, queue);
}

static void destroy(struct virtio *v)
{
    virtio_fini(v);
    free(v);
}

static const struct virtio_type rng_type = {
    .name = "virtio-rng",
    .id = 4,
    .queues = 1,
    .queue_max = {64},
    .notify = notify,
    .destroy = destroy,
};

struct virtio *virtio_rng_create(bool legacy)
{
    struct rng *rng = calloc(1, sizeof(*rng));

    if (!rng)
        return NULL;
    virtio_init(&rng->v, &rng_type, legacy, 0);
    return &rng->v;
}
