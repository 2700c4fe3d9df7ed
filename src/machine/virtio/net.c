/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio network device (virtio 1.2, 5.1): queue 0 to the guest, queue 1 from it. Checksums of
 * outgoing frames may be left to us (CSUM), and TCP may send up to 64 KiB at once (HOST_TSO4);
 * frames to the guest come checked from the host's stack (GUEST_CSUM with DATA_VALID), segments of
 * a TCP connection put together (GUEST_TSO4).
 */
#include <stdlib.h>
#include <string.h>

#include "backend/net/net.h"
#include "base/bits.h"
#include "machine/virtio/virtio.h"

enum { RECEIVE = 0, TRANSMIT = 1 };

#define VIRTIO_NET_F_CSUM       (1ull << 0)
#define VIRTIO_NET_F_GUEST_CSUM (1ull << 1)
#define VIRTIO_NET_F_MAC        (1ull << 5)
#define VIRTIO_NET_F_GUEST_TSO4 (1ull << 7)
#define VIRTIO_NET_F_HOST_TSO4  (1ull << 11)
#define VIRTIO_NET_F_MRG_RXBUF  (1ull << 15)
#define VIRTIO_NET_F_STATUS     (1ull << 16)

/* struct virtio_net_hdr (5.1.6): u8 flags, gso_type; le16 hdr_len, gso_size, csum_start,
 * csum_offset; and num_buffers, in the legacy interface only with MRG_RXBUF. */
enum {
    HDR_FLAGS = 0,
    HDR_GSO_TYPE = 1,
    HDR_HDR_LEN = 2,
    HDR_GSO_SIZE = 4,
    HDR_CSUM_START = 6,
    HDR_CSUM_OFFSET = 8,
    HDR_NUM_BUFFERS = 10,
    HDR_BYTES = 12,
    HDR_LEGACY_BYTES = 10,
    HDR_F_NEEDS_CSUM = 1,
    HDR_F_DATA_VALID = 2,
    HDR_GSO_TCPV4 = 1,
};

enum { CONFIG_MAC = 0, CONFIG_STATUS = 6, CONFIG_BYTES = 8, LINK_UP = 1 };

enum {
    QUEUE_SIZE = 256,
    MAX_FRAME = 65562, /* 14 + 4 + 64 KiB and some: the largest Ethernet frame either way */
    MIN_FRAME = 14,
    MAX_MERGED = 64,   /* buffers a frame takes */
    MAX_CHAINS = 1024, /* a notification */
};

struct vnet {
    struct virtio v;
    struct net *net;
    uint8_t mac[6];
    struct virtq_chain in[MAX_MERGED], out;
    uint8_t frame[MAX_FRAME]; /* an outgoing one that needs work */
};

static size_t header_bytes(const struct virtio *v)
{
    return v->legacy && !virtio_has(v, VIRTIO_NET_F_MRG_RXBUF) ? HDR_LEGACY_BYTES : HDR_BYTES;
}

/* The Internet checksum of the bytes from start on goes to start + offset (RFC 1071). The field
 * holds the pseudo header's part already. */
static bool fill_checksum(uint8_t *frame, size_t len, unsigned start, unsigned offset)
{
    uint64_t sum = 0;
    size_t i;

    if (start >= len || start + offset + 2u > len)
        return false;
    for (i = start; i + 8 <= len; i += 8) {
        uint64_t x;
        memcpy(&x, frame + i, 8);
        sum += (x >> 32) + (x & 0xffffffff);
    }
    for (; i + 2 <= len; i += 2) {
        uint16_t x;
        memcpy(&x, frame + i, 2);
        sum += x;
    }
    if (i < len) {
        uint8_t last[2] = {frame[i], 0};
        uint16_t x;
        memcpy(&x, last, 2);
        sum += x;
    }
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    /* 0 means "no checksum" to UDP; its other spelling is right for everybody. */
    uint16_t x = (uint16_t)~sum ? (uint16_t)~sum : 0xffff;
    memcpy(frame + start + offset, &x, 2);
    return true;
}

/* Drops the first n bytes of an iovec. */
static unsigned skip(struct iovec *iov, unsigned count, size_t n, struct iovec **first)
{
    while (count && n >= iov->iov_len) {
        n -= iov->iov_len;
        iov++;
        count--;
    }
    if (count) {
        iov->iov_base = (uint8_t *)iov->iov_base + n;
        iov->iov_len -= n;
    }
    *first = iov;
    return count;
}

/* A TCP segment of up to 64 KiB (HOST_TSO4) needs no cutting: what follows is a TCP stack that
 * takes it in one piece. */
static bool segment_ok(const struct vnet *n, uint8_t gso_type)
{
    return !gso_type || (gso_type == HDR_GSO_TCPV4 && virtio_has(&n->v, VIRTIO_NET_F_HOST_TSO4));
}

/* One frame from the guest. Frames that make no sense are dropped, as on a wire. */
static void send_chain(struct vnet *n)
{
    struct virtq_chain *chain = &n->out;
    size_t header = header_bytes(&n->v);
    uint8_t hdr[HDR_BYTES] = {0};
    struct iovec *iov;
    unsigned count;

    if (virtq_read(chain, 0, hdr, header) != header)
        return;
    size_t len = chain->out_len - header;
    if (len < MIN_FRAME || len > MAX_FRAME || !segment_ok(n, hdr[HDR_GSO_TYPE]))
        return;

    if (hdr[HDR_FLAGS] & HDR_F_NEEDS_CSUM && virtio_has(&n->v, VIRTIO_NET_F_CSUM)) {
        struct iovec whole = {n->frame, len};
        virtq_read(chain, header, n->frame, len);
        if (fill_checksum(n->frame, len, (unsigned)ld_le(hdr + HDR_CSUM_START, 2),
                          (unsigned)ld_le(hdr + HDR_CSUM_OFFSET, 2)))
            net_send(n->net, &whole, 1);
        return;
    }
    count = skip(chain->iov, chain->outs, header, &iov);
    net_send(n->net, iov, (int)count);
}

static void transmit(struct vnet *n)
{
    struct virtio *v = &n->v;
    struct virtq *q = &v->queue[TRANSMIT];

    for (unsigned i = 0; i < MAX_CHAINS; i++) {
        if (!virtio_pop(v, TRANSMIT, &n->out)) {
            virtq_enable_notify(q);
            if (!virtq_pending(q) || v->failed)
                break;
            continue;
        }
        send_chain(n);
        virtq_push(q, n->out.head, 0);
    }
    virtio_signal(v, TRANSMIT);
}

static void notify(struct virtio *v, unsigned queue)
{
    struct vnet *n = (struct vnet *)v;

    if (queue == TRANSMIT)
        transmit(n);
    else if (queue == RECEIVE)
        net_ready(n->net);
}

/* Pops buffers for len bytes; 0 when there are not enough (none is taken then). */
static unsigned take_buffers(struct vnet *n, size_t len, unsigned max)
{
    struct virtio *v = &n->v;
    unsigned count = 0;
    size_t room = 0;

    while (room < len && count < max) {
        if (!virtio_pop(v, RECEIVE, &n->in[count])) {
            if (!virtio_queue_live(v, RECEIVE))
                return 0;
            virtq_enable_notify(&v->queue[RECEIVE]);
            if (virtq_pending(&v->queue[RECEIVE]))
                continue;
            break;
        }
        room += n->in[count++].in_len;
    }
    if (room >= len)
        return count;
    /* A frame too long for what a driver gives is lost; else it waits for more buffers. */
    bool hopeless = count == max;
    while (count) {
        count--;
        if (hopeless)
            virtq_push(&v->queue[RECEIVE], n->in[count].head, 0);
        else
            virtq_unpop(&v->queue[RECEIVE]);
    }
    if (hopeless)
        virtio_signal(v, RECEIVE);
    return 0;
}

static void fill_buffers(struct vnet *n, unsigned count, const uint8_t *hdr, size_t header,
                         const uint8_t *frame, size_t len)
{
    struct virtq *q = &n->v.queue[RECEIVE];
    size_t done = 0;

    for (unsigned i = 0; i < count; i++) {
        struct virtq_chain *chain = &n->in[i];
        size_t at = 0;
        if (!i) /* take_buffers may split even the header */
            at = virtq_write(n->v.mem, chain, 0, hdr, header);
        size_t part = virtq_write(n->v.mem, chain, at, frame + done, len - done);
        done += part;
        virtq_fill(q, i, chain->head, (uint32_t)(at + part));
    }
    virtq_publish(q, count);
    virtio_signal(&n->v, RECEIVE);
}

/* Merged segments as the driver knows them (5.1.6.4); others were checked by who made them. */
static void fill_header(const struct vnet *n, uint8_t *hdr, const struct net_offload *offload)
{
    if (offload->segment) {
        hdr[HDR_FLAGS] = HDR_F_NEEDS_CSUM;
        hdr[HDR_GSO_TYPE] = HDR_GSO_TCPV4;
        st_le(hdr + HDR_HDR_LEN, 2, offload->header);
        st_le(hdr + HDR_GSO_SIZE, 2, offload->segment);
        st_le(hdr + HDR_CSUM_START, 2, offload->csum_start);
        st_le(hdr + HDR_CSUM_OFFSET, 2, offload->csum_offset);
    } else if (virtio_has(&n->v, VIRTIO_NET_F_GUEST_CSUM)) {
        hdr[HDR_FLAGS] = HDR_F_DATA_VALID;
    }
}

static bool merges(const struct virtio *v)
{
    return virtio_has(v, VIRTIO_NET_F_GUEST_TSO4) && virtio_has(v, VIRTIO_NET_F_GUEST_CSUM);
}

static bool receive(void *ctx, const uint8_t *frame, size_t len, const struct net_offload *offload)
{
    struct vnet *n = ctx;
    struct virtio *v = &n->v;
    uint8_t hdr[HDR_BYTES] = {0};
    bool taken = true;

    pthread_mutex_lock(&v->lock);
    /* With no driver there, or one that broke the rules, frames fall on the floor. */
    if (virtio_queue_live(v, RECEIVE) && len <= MAX_FRAME && (!offload->segment || merges(v))) {
        size_t header = header_bytes(v);
        bool merge = virtio_has(v, VIRTIO_NET_F_MRG_RXBUF);
        unsigned count = take_buffers(n, header + len, merge ? MAX_MERGED : 1);
        if (count && n->in[0].in_len < header) {
            virtio_fail(v, "a receive buffer is shorter than the header");
        } else if (count) {
            fill_header(n, hdr, offload);
            st_le(hdr + HDR_NUM_BUFFERS, 2, count);
            fill_buffers(n, count, hdr, header, frame, len);
        } else {
            taken = v->failed;
        }
    }
    pthread_mutex_unlock(&v->lock);
    return taken;
}

static void set_config(struct vnet *n)
{
    memcpy(n->v.config + CONFIG_MAC, n->mac, 6);
    st_le(n->v.config + CONFIG_STATUS, 2, LINK_UP);
}

/* The legacy interface lets a driver change the address (5.1.4.2). */
static void configured(struct virtio *v, unsigned offset, unsigned size)
{
    struct vnet *n = (struct vnet *)v;

    if (v->legacy)
        memcpy(n->mac, v->config + CONFIG_MAC, 6);
    set_config(n);
}

static void started(struct virtio *v)
{
    net_set_merging(((struct vnet *)v)->net, merges(v));
}

static void reset(struct virtio *v)
{
    struct vnet *n = (struct vnet *)v;

    net_set_merging(n->net, false);
    /* Frames that waited for the former driver's buffers must not reach the next one. */
    net_ready(n->net);
}

static void destroy(struct virtio *v)
{
    struct vnet *n = (struct vnet *)v;

    net_set_receiver(n->net, NULL, NULL);
    virtio_fini(v);
    free(n);
}

static const struct virtio_type net_type = {
    .name = "virtio-net",
    .id = 1,
    .queues = 2,
    .queue_max = {QUEUE_SIZE, QUEUE_SIZE},
    .features = VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_MAC |
                VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_MRG_RXBUF |
                VIRTIO_NET_F_STATUS,
    .configured = configured,
    .notify = notify,
    .started = started,
    .reset = reset,
    .destroy = destroy,
};

struct virtio *virtio_net_create(struct net *net, const unsigned char mac[6], bool legacy)
{
    struct vnet *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    virtio_init(&n->v, &net_type, legacy, 0);
    n->net = net;
    memcpy(n->mac, mac, 6);
    n->v.config_size = CONFIG_BYTES;
    set_config(n);
    net_set_receiver(net, receive, n);
    return &n->v;
}
