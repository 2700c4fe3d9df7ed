/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio block device (virtio 1.2, 5.2): four queues, of which a driver uses as many as it has CPUs
 * for. Requests go from the notifying thread straight
 * to the back end and come back on its threads. A request's chain keeps its host addresses while
 * it is under way; a reset waits for it and then drops its result.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/blk.h"
#include "base/bits.h"
#include "base/trace.h"
#include "machine/virtio/virtio.h"

enum {
    QUEUES = 4,
    QUEUE_SIZE = 128,
    SEG_MAX = QUEUE_SIZE - 2, /* a header and a status besides */
    SIZE_MAX_BYTES = 4 << 20,
    SECTOR = 512,
    MAX_RANGES = 16,             /* of a discard or write-zeroes request */
    MAX_RANGE_SECTORS = 1 << 22, /* 2 GiB */
    ID_BYTES = 20,
    BUDGET = 256, /* requests a notification takes before another thread goes on */
};

#define VIRTIO_BLK_F_SIZE_MAX     (1ull << 1)
#define VIRTIO_BLK_F_SEG_MAX      (1ull << 2)
#define VIRTIO_BLK_F_RO           (1ull << 5)
#define VIRTIO_BLK_F_BLK_SIZE     (1ull << 6)
#define VIRTIO_BLK_F_FLUSH        (1ull << 9)
#define VIRTIO_BLK_F_TOPOLOGY     (1ull << 10)
#define VIRTIO_BLK_F_CONFIG_WCE   (1ull << 11)
#define VIRTIO_BLK_F_MQ           (1ull << 12)
#define VIRTIO_BLK_F_DISCARD      (1ull << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (1ull << 14)

/* Request types and results (5.2.6). */
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum { ZEROES_UNMAP = 1 };

/* Offsets into the configuration (5.2.4). */
enum {
    CONFIG_CAPACITY = 0,
    CONFIG_SIZE_MAX = 8,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_PHYSICAL_EXP = 24,
    CONFIG_MIN_IO = 26,
    CONFIG_OPT_IO = 28,
    CONFIG_WRITEBACK = 32,
    CONFIG_NUM_QUEUES = 34,
    CONFIG_MAX_DISCARD_SECTORS = 36,
    CONFIG_MAX_DISCARD_SEG = 40,
    CONFIG_DISCARD_ALIGNMENT = 44,
    CONFIG_MAX_ZEROES_SECTORS = 48,
    CONFIG_MAX_ZEROES_SEG = 52,
    CONFIG_ZEROES_MAY_UNMAP = 56,
    CONFIG_BYTES = 60,
};

struct range {
    uint64_t sector;
    uint32_t sectors, flags;
};

struct vblk;

struct request {
    struct vblk *dev;
    struct request *next; /* free list */
    unsigned queue;
    uint32_t type;
    uint32_t data;          /* bytes of data in the write part */
    bool unsafe;            /* write-through: flush when done */
    unsigned range, ranges; /* DISCARD, WRITE_ZEROES: the one under way, and how many */
    struct range list[MAX_RANGES];
    struct blk_request io;
    struct iovec iov[VIRTQ_MAX_SEGS];
    struct virtq_chain chain;
};

struct vblk {
    struct virtio v;
    struct blk *blk;
    char serial[ID_BYTES];
    uint64_t sectors;
    struct request *free;
    unsigned under_way;      /* requests, and threads in process() */
    pthread_cond_t drained;  /* under_way became 0 */
    bool unfinished[QUEUES]; /* a notification ran out of budget: completions go on */
};

static void process(struct vblk *b, unsigned queue);

static struct request *request_get(struct vblk *b)
{
    struct request *r = b->free;

    if (r)
        b->free = r->next;
    else
        r = malloc(sizeof(*r));
    if (r)
        r->dev = b;
    return r;
}

static void request_put(struct request *r)
{
    r->next = r->dev->free;
    r->dev->free = r;
}

static void leave(struct vblk *b)
{
    if (!--b->under_way)
        pthread_cond_broadcast(&b->drained);
}

/* Lock held. The status is the last byte of the write part, wherever the driver put it. */
static void complete(struct request *r, int status)
{
    struct vblk *b = r->dev;
    struct virtio *v = &b->v;
    struct virtq *q = &v->queue[r->queue];
    uint8_t byte = (uint8_t)status;

    /* After a failure or during a reset the memory is the driver's again. */
    if (q->active && !v->failed) {
        uint32_t written = status == S_OK ? r->data : 0;
        virtq_written(v->mem, &r->chain, r->data);
        virtq_write(v->mem, &r->chain, r->chain.in_len - 1, &byte, 1);
        virtq_push(q, r->chain.head, written + 1);
        virtio_signal(v, r->queue);
    }
    request_put(r);
    leave(b);
}

static int status_of(int result)
{
    return !result ? S_OK : result == -EOPNOTSUPP ? S_UNSUPP : S_IOERR;
}

static void submit_range(struct request *r)
{
    const struct range *range = &r->list[r->range];

    r->io.op = r->type == T_DISCARD ? BLK_DISCARD : BLK_WRITE_ZEROES;
    r->io.offset = range->sector * SECTOR;
    r->io.len = (uint64_t)range->sectors * SECTOR;
    r->io.unmap = r->type == T_DISCARD || (range->flags & ZEROES_UNMAP);
    blk_submit(r->dev->blk, &r->io);
}

/* The back end is done with one step. Lock not held; any thread, also the submitting one. */
static void done(struct blk_request *io, int result)
{
    struct request *r = io->ctx;
    struct vblk *b = r->dev;

    if (!result && r->ranges && ++r->range < r->ranges) {
        submit_range(r);
        return;
    }
    if (!result && r->unsafe) {
        r->unsafe = false;
        io->op = BLK_FLUSH;
        blk_submit(b->blk, io);
        return;
    }
    pthread_mutex_lock(&b->v.lock);
    if (result && trace_on(b->v.trace, TRACE_VIRTIO))
        trace_print(b->v.trace, TRACE_VIRTIO, "virtio-blk: request type %u: %s", r->type,
                    strerror(-result));
    if (r->io.background && b->unfinished[r->queue]) {
        unsigned queue = r->queue;
        b->unfinished[queue] = false;
        b->under_way++;
        complete(r, status_of(result));
        process(b, queue);
        leave(b);
    } else {
        complete(r, status_of(result));
    }
    pthread_mutex_unlock(&b->v.lock);
}

/* Takes len bytes at offset out of one part of a chain. */
static int slice(struct request *r, bool write, uint64_t offset, uint64_t len)
{
    const struct virtq_chain *c = &r->chain;
    unsigned i = write ? c->outs : 0, end = i + (write ? c->ins : c->outs);
    int n = 0;

    for (; i < end && len; i++) {
        if (offset >= c->iov[i].iov_len) {
            offset -= c->iov[i].iov_len;
            continue;
        }
        uint64_t part = c->iov[i].iov_len - offset;
        if (part > len)
            part = len;
        r->iov[n++] = (struct iovec){(uint8_t *)c->iov[i].iov_base + offset, part};
        offset = 0;
        len -= part;
    }
    return n;
}

static bool range_ok(const struct vblk *b, uint64_t sector, uint64_t sectors)
{
    return sector <= b->sectors && sectors <= b->sectors - sector;
}

/* Each prepare function gives S_OK when r->io is to be submitted, or the request's end. */
static int prepare_rw(struct request *r, uint64_t sector, uint64_t header)
{
    struct vblk *b = r->dev;
    bool in = r->type == T_IN;
    uint64_t len = in ? r->chain.in_len - 1 : r->chain.out_len - header;

    if (len % SECTOR || !range_ok(b, sector, len / SECTOR))
        return S_IOERR;
    if (!in && blk_readonly(b->blk))
        return S_IOERR;
    r->io.op = in ? BLK_READ : BLK_WRITE;
    r->io.offset = sector * SECTOR;
    r->io.len = len;
    r->io.iov = r->iov;
    r->io.iovcnt = slice(r, in, in ? 0 : header, len);
    r->data = in ? (uint32_t)len : 0;
    r->unsafe = !in && !b->v.config[CONFIG_WRITEBACK];
    return S_OK;
}

static int prepare_ranges(struct request *r, uint64_t header)
{
    struct vblk *b = r->dev;
    uint64_t len = r->chain.out_len - header;
    uint8_t raw[MAX_RANGES * 16];

    if (blk_readonly(b->blk) || !len || len % 16 || len > sizeof(raw))
        return S_IOERR;
    virtq_read(&r->chain, header, raw, len);
    r->ranges = (unsigned)(len / 16);
    for (unsigned i = 0; i < r->ranges; i++) {
        struct range *range = &r->list[i];
        range->sector = ld_le(raw + 16 * i, 8);
        range->sectors = (uint32_t)ld_le(raw + 16 * i + 8, 4);
        range->flags = (uint32_t)ld_le(raw + 16 * i + 12, 4);
        /* 5.2.6.2: unknown flags, and unmap in a discard, are not supported. */
        if (range->flags & (r->type == T_DISCARD ? ~0u : ~(uint32_t)ZEROES_UNMAP))
            return S_UNSUPP;
        if (range->sectors > MAX_RANGE_SECTORS || !range_ok(b, range->sector, range->sectors))
            return S_IOERR;
    }
    r->unsafe = !b->v.config[CONFIG_WRITEBACK];
    return S_OK;
}

static int get_id(struct request *r)
{
    uint64_t room = r->chain.in_len - 1;

    r->data = (uint32_t)virtq_write(r->dev->v.mem, &r->chain, 0, r->dev->serial,
                                    room < ID_BYTES ? room : ID_BYTES);
    return S_OK;
}

/* Lock held. Reads the header; true when there is something to submit, else it is completed. */
static bool start(struct request *r)
{
    uint8_t header[16];
    uint64_t sector;
    int status;

    r->data = 0;
    r->range = r->ranges = 0;
    r->unsafe = false;
    r->io = (struct blk_request){.done = done, .ctx = r};
    if (virtq_read(&r->chain, 0, header, sizeof(header)) != sizeof(header)) {
        r->type = ~0u;
        complete(r, S_IOERR);
        return false;
    }
    r->type = (uint32_t)ld_le(header, 4);
    sector = ld_le(header + 8, 8);

    switch (r->type) {
    case T_IN:
    case T_OUT:
        status = prepare_rw(r, sector, sizeof(header));
        break;
    case T_FLUSH:
        r->io.op = BLK_FLUSH;
        status = S_OK;
        break;
    case T_DISCARD:
    case T_WRITE_ZEROES:
        status = prepare_ranges(r, sizeof(header));
        break;
    case T_GET_ID:
        complete(r, get_id(r));
        return false;
    default:
        status = S_UNSUPP;
    }
    if (status != S_OK)
        complete(r, status);
    return status == S_OK;
}

/* Takes the next request; NULL when there is none, and then the driver will tell of new ones. */
static struct request *take(struct vblk *b, unsigned queue)
{
    struct virtio *v = &b->v;
    struct request *r = request_get(b);

    if (!r)
        virtio_fail(v, "the host is out of memory");
    while (r && !virtio_pop(v, queue, &r->chain)) {
        if (virtio_queue_live(v, queue)) {
            virtq_enable_notify(&v->queue[queue]);
            if (virtq_pending(&v->queue[queue]))
                continue;
        }
        request_put(r);
        return NULL;
    }
    return r;
}

static void submit(struct request *r)
{
    if (r->ranges)
        submit_range(r);
    else
        blk_submit(r->dev->blk, &r->io);
}

/* Lock held, and released around each submission (its end may come at once). */
static void process(struct vblk *b, unsigned queue)
{
    struct virtio *v = &b->v;
    struct request *r;
    unsigned n = 0;

    b->under_way++; /* ourselves, as long as we may touch b */
    while (n < BUDGET && (r = take(b, queue))) {
        r->queue = queue;
        if (!r->chain.in_len) {
            request_put(r);
            virtio_fail(v, "a block request has no room for its status");
            break;
        }
        b->under_way++;
        if (!start(r))
            continue;
        /* The last one goes to another thread, which then carries on here. */
        if (++n == BUDGET) {
            r->io.background = true;
            b->unfinished[queue] = true;
        }
        pthread_mutex_unlock(&v->lock);
        submit(r);
        pthread_mutex_lock(&v->lock);
    }
    leave(b);
}

static void notify(struct virtio *v, unsigned queue)
{
    process((struct vblk *)v, queue);
}

static void quiesce(struct virtio *v)
{
    struct vblk *b = (struct vblk *)v;

    while (b->under_way)
        pthread_cond_wait(&b->drained, &v->lock);
    memset(b->unfinished, 0, sizeof(b->unfinished));
}

/* Without FLUSH a driver cannot ask for durability: every write has it (5.2.5.1). */
static void started(struct virtio *v)
{
    if (!virtio_has(v, VIRTIO_BLK_F_FLUSH) && !virtio_has(v, VIRTIO_BLK_F_CONFIG_WCE))
        v->config[CONFIG_WRITEBACK] = 0;
}

static void fill_config(struct vblk *b)
{
    uint8_t *c = b->v.config;

    st_le(c + CONFIG_CAPACITY, 8, b->sectors);
    st_le(c + CONFIG_SIZE_MAX, 4, SIZE_MAX_BYTES);
    st_le(c + CONFIG_SEG_MAX, 4, SEG_MAX);
    st_le(c + CONFIG_BLK_SIZE, 4, SECTOR);
    c[CONFIG_PHYSICAL_EXP] = 3; /* 4 KiB */
    st_le(c + CONFIG_MIN_IO, 2, 8);
    st_le(c + CONFIG_OPT_IO, 4, 0);
    c[CONFIG_WRITEBACK] = 1;
    st_le(c + CONFIG_NUM_QUEUES, 2, QUEUES);
    st_le(c + CONFIG_MAX_DISCARD_SECTORS, 4, MAX_RANGE_SECTORS);
    st_le(c + CONFIG_MAX_DISCARD_SEG, 4, MAX_RANGES);
    st_le(c + CONFIG_DISCARD_ALIGNMENT, 4, 8);
    st_le(c + CONFIG_MAX_ZEROES_SECTORS, 4, MAX_RANGE_SECTORS);
    st_le(c + CONFIG_MAX_ZEROES_SEG, 4, MAX_RANGES);
    c[CONFIG_ZEROES_MAY_UNMAP] = 1;
}

/* Only the cache mode can be written. */
static void configured(struct virtio *v, unsigned offset, unsigned size)
{
    bool cached = v->config[CONFIG_WRITEBACK] & 1;

    fill_config((struct vblk *)v);
    v->config[CONFIG_WRITEBACK] = cached;
}

static void reset(struct virtio *v)
{
    v->config[CONFIG_WRITEBACK] = 1;
}

static void destroy(struct virtio *v)
{
    struct vblk *b = (struct vblk *)v;

    pthread_mutex_lock(&v->lock);
    v->failed = true;
    quiesce(v);
    pthread_mutex_unlock(&v->lock);
    while (b->free) {
        struct request *r = b->free;
        b->free = r->next;
        free(r);
    }
    pthread_cond_destroy(&b->drained);
    virtio_fini(v);
    free(b);
}

static const struct virtio_type blk_type = {
    .name = "virtio-blk",
    .id = 2,
    .queues = QUEUES,
    .queue_max = {QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE},
    .features = VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE |
                VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY | VIRTIO_BLK_F_CONFIG_WCE |
                VIRTIO_BLK_F_MQ,
    .configured = configured,
    .notify = notify,
    .started = started,
    .quiesce = quiesce,
    .reset = reset,
    .destroy = destroy,
};

struct virtio *virtio_blk_create(struct blk *blk, const char *serial, bool legacy)
{
    struct vblk *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    virtio_init(&b->v, &blk_type, legacy,
                blk_readonly(blk) ? VIRTIO_BLK_F_RO
                                  : VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES);
    b->blk = blk;
    b->sectors = blk_size(blk) / SECTOR;
    if (serial)
        memcpy(b->serial, serial, strnlen(serial, ID_BYTES));
    pthread_cond_init(&b->drained, NULL);
    b->v.config_size = CONFIG_BYTES;
    fill_config(b);
    return &b->v;
}
