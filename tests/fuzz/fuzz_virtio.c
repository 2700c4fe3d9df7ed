/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a virtio device through its registers, its rings and its back end with arbitrary bytes.
 * The first byte chooses device and version; then come one-byte operations with operands. Some of
 * them do what a driver would do, so that the input gets far.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "backend/chr/core.h"
#include "backend/net/core.h"
#include "base/bits.h"
#include "base/error.h"
#include "host/loop.h"
#include "machine/dev/device.h"
#include "machine/mem/mem.h"
#include "machine/virtio/virtio_mmio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAM = 1 << 18, RAM2 = 4096, QUEUE_BYTES = 0x4000, BUFFERS = 0x10000, MAX_OPS = 400 };
enum { DESC_NEXT = 1, DESC_WRITE = 2 };
#define BASE 0x40000000ull

struct wire {
    struct net net;
    net_receive_fn *receive;
    void *ctx;
    uint8_t sum;
};

struct fuzz {
    const uint8_t *data;
    size_t left;
    struct mem *mem;
    struct device *dev;
    struct wire wire;
    struct loop *loop;
    struct chr *chr;
    struct blk *blk;
    bool legacy;
    uint16_t avail[4];
};

static uint64_t take(struct fuzz *f, unsigned bytes)
{
    uint64_t value = 0;

    if (bytes > f->left)
        bytes = (unsigned)f->left;
    value = ld_le(f->data, bytes);
    f->data += bytes;
    f->left -= bytes;
    return value;
}

static void wire_destroy(struct net *net)
{
}

static void wire_set_receiver(struct net *net, net_receive_fn *receive, void *ctx)
{
    ((struct wire *)net)->receive = receive;
    ((struct wire *)net)->ctx = ctx;
}

/* Touches every byte, for the sanitizer. */
static void wire_send(struct net *net, const struct iovec *iov, int iovcnt)
{
    for (int i = 0; i < iovcnt; i++)
        for (size_t n = 0; n < iov[i].iov_len; n++)
            ((struct wire *)net)->sum ^= ((const uint8_t *)iov[i].iov_base)[n];
}

static void wire_ready(struct net *net)
{
}

static void wire_set_merging(struct net *net, bool merging)
{
}

static const struct net_ops wire_ops = {wire_destroy, wire_set_receiver, wire_send,
                                        wire_set_merging, wire_ready};

static void line_set(void *ctx, unsigned input, bool level)
{
}

/* Disks of 256 KiB, one of them an overlay; opened once, because opening is slow. */
static struct blk *disk(bool ephemeral)
{
    static struct blk *disks[2];
    struct blk **blk = &disks[ephemeral];

    if (!*blk) {
        char path[] = "/tmp/armvm-fuzz-XXXXXX";
        struct blk_config config = {path, false, ephemeral, "raw"};
        struct error err;
        int fd = mkstemp(path);
        if (fd < 0 || ftruncate(fd, 256 << 10) || blk_open(&config, blk, &err))
            abort();
        close(fd);
        unlink(path);
    }
    return *blk;
}

static struct device *make_device(struct fuzz *f, unsigned kind)
{
    static const unsigned char mac[6] = {2, 0, 0, 0, 0, 1};
    struct error err;

    switch (kind % 4) {
    case 0:
        return virtio_mmio_blk_create(disk(kind & 16), "fuzz", f->legacy);
    case 1:
        f->wire.net.ops = &wire_ops;
        return virtio_mmio_net_create(&f->wire.net, mac, f->legacy);
    case 2:
        if (loop_create(&f->loop, &err) || chr_create(f->loop, "none", &f->chr, &err))
            abort();
        return virtio_mmio_console_create(f->chr, f->legacy);
    default:
        return virtio_mmio_rng_create(f->legacy);
    }
}

static void reg(struct fuzz *f, unsigned offset, uint64_t value)
{
    f->dev->ops->io[0]->write(f->dev, offset, 4, value);
}

static void poke(struct fuzz *f, uint64_t offset, unsigned size, uint64_t value)
{
    uint8_t raw[8];

    st_le(raw, size, value);
    mem_write(f->mem, BASE + offset % RAM, raw, size);
}

static uint64_t ring(unsigned queue)
{
    return queue * QUEUE_BYTES;
}

/* What an honest driver does up to DRIVER_OK, with features of the input's choice. */
static void set_up(struct fuzz *f)
{
    uint64_t features = take(f, 4) | 1ull << 32;

    reg(f, 0x70, 0);
    reg(f, 0x70, 3);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t offered = 0;
        reg(f, 0x14, i);
        f->dev->ops->io[0]->read(f->dev, 0x10, 4, &offered);
        reg(f, 0x24, i);
        reg(f, 0x20, offered & (features >> (32 * i)));
    }
    reg(f, 0x70, 11);
    for (unsigned q = 0; q < 2; q++) {
        reg(f, 0x30, q);
        reg(f, 0x38, 16);
        reg(f, 0x3c, 4096);
        reg(f, 0x40, (BASE + ring(q)) / 4096);
        reg(f, 0x80, BASE + ring(q));
        reg(f, 0x84, 0);
        reg(f, 0x90, BASE + ring(q) + 256);
        reg(f, 0x94, 0);
        reg(f, 0xa0, BASE + ring(q) + 4096);
        reg(f, 0xa4, 0);
        reg(f, 0x44, 1);
        poke(f, ring(q) + 256, 4, 0);
        f->avail[q] = 0;
    }
    reg(f, 0x70, 15);
}

static void descriptor(struct fuzz *f)
{
    unsigned q = (unsigned)take(f, 1), index = q >> 1 & 15;
    uint64_t at = ring(q & 1) + 16 * index;

    poke(f, at, 8, BASE + BUFFERS + take(f, 2));
    poke(f, at + 8, 4, take(f, 2));
    poke(f, at + 12, 4, take(f, 1) | (uint64_t)(take(f, 1) & 31) << 16);
}

static void offer(struct fuzz *f)
{
    unsigned q = (unsigned)take(f, 1) & 1;

    poke(f, ring(q) + 256 + 4 + 2 * (f->avail[q] & 15), 2, take(f, 1) & 31);
    poke(f, ring(q) + 256 + 2, 2, ++f->avail[q]);
    reg(f, 0x50, q);
}

static void arrive(struct fuzz *f)
{
    static const uint8_t bytes[70000];
    size_t len = take(f, 2);
    struct net_offload offload = {(uint16_t)(len & 1 ? len : 0), 54, 34, 16};

    if (f->wire.receive)
        f->wire.receive(f->wire.ctx, bytes, len, &offload);
    if (f->chr && f->chr->receive)
        f->chr->receive(f->chr->receive_ctx, bytes, len);
}

/* A whole block request, right but for what the input says; in the first queue's descriptors 0
 * to 2.
 */
static void request(struct fuzz *f)
{
    unsigned type = (unsigned)take(f, 1) % 16, shape = (unsigned)take(f, 1);
    uint32_t len = (shape & 15) * (shape & 16 ? 16 : 512);
    unsigned flags = type && type != 8 ? DESC_NEXT : DESC_NEXT | DESC_WRITE;

    poke(f, BUFFERS, 8, type);
    poke(f, BUFFERS + 8, 8, take(f, 2));
    poke(f, BUFFERS + 512, 8, take(f, 1)); /* a range to discard */
    poke(f, BUFFERS + 520, 8, take(f, 1));
    poke(f, ring(0), 8, BASE + BUFFERS);
    poke(f, ring(0) + 8, 8, 16 | (uint64_t)DESC_NEXT << 32 | 1ull << 48);
    poke(f, ring(0) + 16, 8, BASE + BUFFERS + 512);
    poke(f, ring(0) + 24, 8, len | (uint64_t)flags << 32 | 2ull << 48);
    poke(f, ring(0) + 32, 8, BASE + BUFFERS + 511);
    poke(f, ring(0) + 40, 8, 1 | (uint64_t)DESC_WRITE << 32);
    poke(f, ring(0) + 256 + 4 + 2 * (f->avail[0] & 15), 2, 0);
    poke(f, ring(0) + 256 + 2, 2, ++f->avail[0]);
    if (shape & 32)
        reg(f, 0x50, 0);
}

static void step(struct fuzz *f)
{
    uint64_t value;
    unsigned size;

    switch (take(f, 1) % 12) {
    case 0:
        set_up(f);
        break;
    case 1:
    case 2:
        descriptor(f);
        break;
    case 3:
    case 4:
        offer(f);
        break;
    case 5:
        arrive(f);
        break;
    case 6:
        request(f);
        break;
    case 7:
        value = take(f, 2);
        poke(f, value, 8, take(f, 8));
        break;
    case 8:
        value = take(f, 1) & 0xfc;
        reg(f, (unsigned)value, take(f, 4));
        break;
    case 9:
        value = take(f, 2);
        size = 1u << (value >> 12 & 3);
        f->dev->ops->io[0]->write(f->dev, align_down(value & 0x1ff, size), size, take(f, 8));
        break;
    case 10:
        value = take(f, 2);
        size = 1u << (value >> 12 & 3);
        f->dev->ops->io[0]->read(f->dev, align_down(value & 0x1ff, size), size, &value);
        break;
    default:
        f->dev->ops->reset(f->dev);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {.data = data, .left = size};
    struct error err;
    unsigned kind = (unsigned)take(&f, 1);

    f.legacy = kind & 4;
    if (mem_create(&f.mem, &err) || mem_add_ram(f.mem, BASE, RAM, "ram", &err) ||
        mem_add_ram(f.mem, BASE + RAM, RAM2, "ram2", &err))
        abort();
    f.dev = make_device(&f, kind);
    f.dev->mem = f.mem;
    f.dev->irq[0] = (struct irq_line){line_set, NULL, 0};
    f.dev->resources.irq[0].edge = kind & 8;
    f.dev->ops->reset(f.dev);
    for (unsigned n = 0; f.left && n < MAX_OPS; n++)
        step(&f);
    f.dev->ops->destroy(f.dev);
    chr_destroy(f.chr);
    loop_destroy(f.loop);
    mem_destroy(f.mem);
    return 0;
}
