/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio console (virtio 1.2, 5.3): one port, queue 0 to the guest and queue 1 from it. The size
 * of the host's terminal is in the configuration, and so is a register for early output.
 */
#include <stdlib.h>

#include "backend/chr/chr.h"
#include "base/bits.h"
#include "machine/virtio/virtio.h"

enum { RECEIVE = 0, TRANSMIT = 1 };

enum { CONFIG_COLS = 0, CONFIG_ROWS = 2, CONFIG_PORTS = 4, CONFIG_EMERG = 8, CONFIG_BYTES = 12 };

#define VIRTIO_CONSOLE_F_SIZE        (1ull << 0)
#define VIRTIO_CONSOLE_F_EMERG_WRITE (1ull << 2)

enum { MAX_CHAINS = 1024 /* a notification */ };

struct console {
    struct virtio v;
    struct chr *chr;
    struct virtq_chain chain;
};

static void transmit(struct console *c)
{
    struct virtio *v = &c->v;
    struct virtq *q = &v->queue[TRANSMIT];

    for (unsigned n = 0; n < MAX_CHAINS; n++) {
        if (!virtio_pop(v, TRANSMIT, &c->chain)) {
            virtq_enable_notify(q);
            if (!virtq_pending(q) || v->failed)
                break;
            continue;
        }
        for (unsigned i = 0; i < c->chain.outs; i++)
            chr_write(c->chr, c->chain.iov[i].iov_base, c->chain.iov[i].iov_len);
        virtq_push(q, c->chain.head, 0);
    }
    virtio_signal(v, TRANSMIT);
}

static void notify(struct virtio *v, unsigned queue)
{
    struct console *c = (struct console *)v;

    if (queue == TRANSMIT) {
        transmit(c);
        return;
    }
    /* Buffers to receive into: input may have waited for them. */
    virtq_enable_notify(&v->queue[RECEIVE]);
    chr_ready(c->chr);
}

/* Input from the host: into as many buffers as it takes. */
static size_t receive(void *ctx, const uint8_t *buf, size_t len)
{
    struct console *c = ctx;
    struct virtio *v = &c->v;
    size_t done = 0;

    pthread_mutex_lock(&v->lock);
    while (done < len && virtio_pop(v, RECEIVE, &c->chain)) {
        size_t n = virtq_write(v->mem, &c->chain, 0, buf + done, len - done);
        virtq_push(&v->queue[RECEIVE], c->chain.head, (uint32_t)n);
        done += n;
    }
    if (virtio_queue_live(v, RECEIVE)) {
        virtq_enable_notify(&v->queue[RECEIVE]);
        if (done)
            virtio_signal(v, RECEIVE);
        /* A buffer came between the last look and the wish to be told. */
        if (done < len && virtq_pending(&v->queue[RECEIVE]))
            chr_ready(c->chr);
    }
    pthread_mutex_unlock(&v->lock);
    return done;
}

static void set_config(struct console *c, unsigned columns, unsigned rows)
{
    st_le(c->v.config + CONFIG_COLS, 2, columns);
    st_le(c->v.config + CONFIG_ROWS, 2, rows);
    st_le(c->v.config + CONFIG_PORTS, 4, 1);
    st_le(c->v.config + CONFIG_EMERG, 4, 0);
}

/* Only emerg_wr can be written: a byte for the terminal (5.3.4). */
static void configured(struct virtio *v, unsigned offset, unsigned size)
{
    struct console *c = (struct console *)v;
    unsigned columns, rows;

    if (offset == CONFIG_EMERG)
        chr_write(c->chr, v->config + CONFIG_EMERG, 1);
    chr_get_size(c->chr, &columns, &rows);
    set_config(c, columns, rows);
}

static void resized(void *ctx, unsigned columns, unsigned rows)
{
    struct console *c = ctx;

    pthread_mutex_lock(&c->v.lock);
    set_config(c, columns, rows);
    if (c->v.status & VIRTIO_DRIVER_OK)
        virtio_config_changed(&c->v);
    pthread_mutex_unlock(&c->v.lock);
}

static void destroy(struct virtio *v)
{
    struct console *c = (struct console *)v;

    chr_set_receiver(c->chr, NULL, NULL);
    chr_set_resized(c->chr, NULL, NULL);
    virtio_fini(v);
    free(c);
}

static const struct virtio_type console_type = {
    .name = "virtio-console",
    .id = 3,
    .queues = 2,
    .queue_max = {64, 64},
    .features = VIRTIO_CONSOLE_F_SIZE | VIRTIO_CONSOLE_F_EMERG_WRITE,
    .configured = configured,
    .notify = notify,
    .destroy = destroy,
};

struct virtio *virtio_console_create(struct chr *chr, bool legacy)
{
    struct console *c = calloc(1, sizeof(*c));
    unsigned columns, rows;

    if (!c)
        return NULL;
    virtio_init(&c->v, &console_type, legacy, 0);
    c->chr = chr;
    c->v.config_size = CONFIG_BYTES;
    chr_get_size(chr, &columns, &rows);
    set_config(c, columns, rows);
    chr_set_resized(chr, resized, c);
    chr_set_receiver(chr, receive, c);
    return &c->v;
}
