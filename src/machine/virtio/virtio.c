/* SPDX-License-Identifier: Apache-2.0 */
/* What all virtio devices share: features, status, queues' life, failure and reset (virtio 1.2,
 * 2 and 3; "legacy" is what 1.2 calls the interface of virtio 0.9.5). */
#include "machine/virtio/virtio.h"

#include "base/bits.h"
#include "base/trace.h"

static void reset_queues(struct virtio *v)
{
    for (unsigned i = 0; i < v->type->queues; i++) {
        v->queue[i].mem = v->mem;
        v->queue[i].max = v->type->queue_max[i];
        virtq_reset(&v->queue[i]);
    }
}

void virtio_set_interface(struct virtio *v, bool legacy)
{
    v->legacy = legacy;
    v->offered &= ~(VIRTIO_F_ANY_LAYOUT | VIRTIO_F_VERSION_1);
    v->offered |= legacy ? VIRTIO_F_ANY_LAYOUT : VIRTIO_F_VERSION_1;
    v->accepted = 0;
}

void virtio_init(struct virtio *v, const struct virtio_type *type, bool legacy, uint64_t features)
{
    v->type = type;
    v->offered = type->features | features | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
    virtio_set_interface(v, legacy);
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->idle, NULL);
    reset_queues(v);
}

void virtio_fini(struct virtio *v)
{
    pthread_cond_destroy(&v->idle);
    pthread_mutex_destroy(&v->lock);
}

void virtio_fail(struct virtio *v, const char *why)
{
    if (v->failed)
        return;
    v->failed = true;
    if (trace_on(v->trace, TRACE_VIRTIO))
        trace_print(v->trace, TRACE_VIRTIO, "%s: given up until its reset: %s", v->type->name,
                    why ? why : "?");
    /* 2.1.2: tell it, once it is up. The legacy interface has no such bit. */
    if (!v->legacy) {
        v->status |= VIRTIO_NEEDS_RESET;
        if (v->status & VIRTIO_DRIVER_OK)
            virtio_config_changed(v);
    }
}

/* Waits until nothing is under way; other threads that want to change the state wait for us. */
static void quiesce(struct virtio *v)
{
    while (v->resetting)
        pthread_cond_wait(&v->idle, &v->lock);
    if (!v->type->quiesce)
        return;
    v->resetting = true;
    v->type->quiesce(v);
    v->resetting = false;
    pthread_cond_broadcast(&v->idle);
}

void virtio_reset(struct virtio *v)
{
    /* From here on queues are not live: nothing new starts. */
    v->status = 0;
    v->failed = true;
    quiesce(v);
    reset_queues(v);
    v->failed = false;
    v->accepted = 0;
    v->status = 0;
    if (v->type->reset)
        v->type->reset(v);
}

void virtio_set_dma(struct virtio *v, bool on)
{
    if (v->no_dma == !on)
        return;
    v->no_dma = !on;
    if (!on) {
        quiesce(v);
        return;
    }
    for (unsigned i = 0; i < v->type->queues; i++)
        virtio_notify(v, i);
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
    uint8_t old;

    if (!status) {
        virtio_reset(v);
        return;
    }
    while (v->resetting)
        pthread_cond_wait(&v->idle, &v->lock);

    old = v->status;
    /* The driver cannot take bits back, nor set ours (2.1.1). */
    status = (uint8_t)((status & ~VIRTIO_NEEDS_RESET) | old);
    if (!v->legacy && (status & ~old & VIRTIO_FEATURES_OK) &&
        ((v->accepted & ~v->offered) || !virtio_has(v, VIRTIO_F_VERSION_1)))
        status &= (uint8_t)~VIRTIO_FEATURES_OK;
    v->status = status;

    if ((status & ~old & VIRTIO_DRIVER_OK)) {
        if (v->type->started && !v->legacy && !v->failed)
            v->type->started(v);
        if (v->failed && !v->legacy)
            virtio_config_changed(v);
    }
}

void virtio_accept(struct virtio *v, unsigned word, uint32_t features)
{
    if (word > 1 || v->resetting || (v->status & VIRTIO_FEATURES_OK))
        return;
    v->accepted &= ~(0xffffffffull << (32 * word));
    v->accepted |= (uint64_t)features << (32 * word);
    /* There is no FEATURES_OK to refuse with. */
    if (v->legacy)
        v->accepted &= v->offered;
}

void virtio_queue_start(struct virtio *v, unsigned queue)
{
    struct virtq *q = &v->queue[queue];
    uint64_t features = v->accepted & v->offered;

    if (v->resetting || v->failed || q->active)
        return;
    q->mem = v->mem;
    if (virtq_activate(q, features & VIRTIO_F_EVENT_IDX, features & VIRTIO_F_INDIRECT_DESC)) {
        virtio_fail(v, q->why);
        return;
    }
    if (trace_on(v->trace, TRACE_VIRTIO))
        trace_print(v->trace, TRACE_VIRTIO, "%s: queue %u: %u entries at %#llx, %#llx, %#llx",
                    v->type->name, queue, q->size, (unsigned long long)q->desc,
                    (unsigned long long)q->avail, (unsigned long long)q->used);
    if (v->legacy && v->type->started)
        v->type->started(v);
}

void virtio_queue_stop(struct virtio *v, unsigned queue)
{
    if (!v->queue[queue].active)
        return;
    quiesce(v);
    virtq_deactivate(&v->queue[queue]);
}

bool virtio_queue_live(const struct virtio *v, unsigned queue)
{
    /* Legacy drivers use queues before DRIVER_OK (3.1.2). */
    return v->queue[queue].active && !v->failed && !v->resetting && !v->no_dma &&
           (v->legacy || (v->status & VIRTIO_DRIVER_OK));
}

void virtio_notify(struct virtio *v, unsigned queue)
{
    if (queue < v->type->queues && virtio_queue_live(v, queue))
        v->type->notify(v, queue);
}

bool virtio_pop(struct virtio *v, unsigned queue, struct virtq_chain *chain)
{
    int r;

    if (!virtio_queue_live(v, queue))
        return false;
    r = virtq_pop(&v->queue[queue], chain);
    if (r < 0)
        virtio_fail(v, v->queue[queue].why);
    return r > 0;
}

void virtio_signal(struct virtio *v, unsigned queue)
{
    if (v->queue[queue].active && virtq_interrupt_wanted(&v->queue[queue]))
        v->interrupt(v->interrupt_ctx, VIRTIO_INT_QUEUE, queue);
}

void virtio_config_changed(struct virtio *v)
{
    v->generation++;
    v->interrupt(v->interrupt_ctx, VIRTIO_INT_CONFIG, 0);
}

uint64_t virtio_config_read(const struct virtio *v, uint64_t offset, unsigned size)
{
    if (offset >= v->config_size || size > v->config_size - offset)
        return 0;
    return ld_le(v->config + offset, size);
}

void virtio_config_write(struct virtio *v, uint64_t offset, unsigned size, uint64_t value)
{
    if (!v->type->configured || v->resetting || offset >= v->config_size ||
        size > v->config_size - offset)
        return;
    /* The type keeps what it can use and puts the rest back. */
    st_le(v->config + offset, size, value);
    v->type->configured(v, (unsigned)offset, size);
}
