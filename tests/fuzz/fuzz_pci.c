/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a PCI host bridge with virtio functions through configuration space and its windows, with
 * arbitrary bytes: one-byte operations with operands. One of them does what firmware would do, so
 * that accesses reach BARs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "backend/chr/chr.h"
#include "base/bits.h"
#include "base/error.h"
#include "host/loop.h"
#include "machine/dev/device.h"
#include "machine/mem/mem.h"
#include "machine/pci/host.h"
#include "machine/virtio/virtio.h"
#include "machine/virtio/virtio_pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAM = 1 << 18, DEVICES = 3, MAX_OPS = 400, QUEUE_BYTES = 0x4000 };
#define BASE   0x40000000ull
#define ECAM   0x4010000000ull
#define PIO    0x3eff0000ull
#define MMIO32 0x10000000ull
#define MMIO64 0x8000000000ull

struct fuzz {
    const uint8_t *data;
    size_t left;
    struct mem *mem;
    struct device *host;
    uint64_t messages;
};

static uint64_t take(struct fuzz *f, unsigned bytes)
{
    if (bytes > f->left)
        bytes = (unsigned)f->left;
    uint64_t value = ld_le(f->data, bytes);
    f->data += bytes;
    f->left -= bytes;
    return value;
}

static void send(void *ctx, uint32_t device_id, uint64_t address, uint32_t data)
{
    ((struct fuzz *)ctx)->messages += device_id + address + data;
}

static void line_set(void *ctx, unsigned input, bool level)
{
}

/* A disk of 256 KiB; opened once, because opening is slow. */
static struct blk *disk(void)
{
    static struct blk *blk;
    if (!blk) {
        char path[] = "/tmp/armvm-fuzz-XXXXXX";
        struct blk_config config = {path, false, false, "raw"};
        struct error err;
        int fd = mkstemp(path);
        if (fd < 0 || ftruncate(fd, 256 << 10) || blk_open(&config, &blk, &err))
            abort();
        close(fd);
        unlink(path);
    }
    return blk;
}

static void put(struct fuzz *f, uint64_t address, unsigned size, uint64_t value)
{
    if (mem_io_write(f->mem, address, size, value))
        abort();
}

static uint64_t config(unsigned device, unsigned offset)
{
    return ECAM + (device << 15) + offset;
}

/* Each device's BARs at places of its own. */
static void set_up(struct fuzz *f)
{
    for (unsigned i = 1; i <= DEVICES; i++) {
        put(f, config(i, 0x10), 4, 0x100 * i);
        put(f, config(i, 0x14), 4, MMIO32 + 0x1000 * i);
        put(f, config(i, 0x20), 4, 0x4000 * i);
        put(f, config(i, 0x24), 4, MMIO64 >> 32);
        put(f, config(i, 4), 2, 7);
    }
}

/* What a driver does up to DRIVER_OK with a modern device. */
static void drive(struct fuzz *f)
{
    uint64_t bar = MMIO64 + 0x4000 * (take(f, 1) % DEVICES + 1);
    put(f, bar + 20, 1, 0);
    put(f, bar + 20, 1, 3);
    put(f, bar + 8, 4, 1);
    put(f, bar + 12, 4, 1);
    put(f, bar + 20, 1, 11);
    for (unsigned q = 0; q < 2; q++) {
        put(f, bar + 22, 2, q);
        put(f, bar + 24, 2, 16);
        put(f, bar + 26, 2, q);
        put(f, bar + 32, 8, BASE + q * QUEUE_BYTES);
        put(f, bar + 40, 8, BASE + q * QUEUE_BYTES + 256);
        put(f, bar + 48, 8, BASE + q * QUEUE_BYTES + 4096);
        put(f, bar + 28, 2, 1);
    }
    put(f, bar + 20, 1, 15);
}

static uint64_t window_address(struct fuzz *f)
{
    static const uint64_t base[] = {PIO, MMIO32, MMIO64};
    uint64_t offset = take(f, 2);
    return base[take(f, 1) % 3] + offset;
}

static void step(struct fuzz *f)
{
    unsigned op = (unsigned)take(f, 1), size = 1u << (op >> 4 & 3);
    uint64_t address, value;

    switch (op & 15) {
    case 0:
        set_up(f);
        break;
    case 1:
        drive(f);
        break;
    case 2:
        f->host->ops->reset(f->host);
        break;
    case 3:
    case 4: {
        uint8_t raw[8];
        address = take(f, 2);
        st_le(raw, 8, take(f, 8));
        mem_write(f->mem, BASE + address, raw, 8);
        break;
    }
    case 5:
    case 6:
    case 7:
        address = config((unsigned)take(f, 1) % (DEVICES + 2), (unsigned)take(f, 1));
        put(f, align_down(address, size), size, take(f, size));
        break;
    case 8:
    case 9:
        address = config((unsigned)take(f, 1) % (DEVICES + 2), (unsigned)take(f, 2) & 0xfff);
        mem_io_read(f->mem, align_down(address, size), size, &value);
        break;
    case 10:
        mem_io_read(f->mem, align_down(window_address(f), size), size, &value);
        break;
    default:
        address = window_address(f);
        put(f, align_down(address, size), size, take(f, size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {.data = data, .left = size};
    const struct pci_host_config host = {
        .windows = {ECAM, 256 << 20, PIO, 0x10000, MMIO32, 0x2eff0000, MMIO64, 512ull << 30, 3,
                    256},
        .msi = {send, &f},
    };
    struct error err;
    struct loop *loop;
    struct chr *chr;

    if (mem_create(&f.mem, &err) || mem_add_ram(f.mem, BASE, RAM, "ram", &err) ||
        loop_create(&loop, &err) || chr_create(loop, "none", &chr, &err))
        abort();
    f.host = pci_host_create(&host);
    if (!f.host || device_map(f.host, f.mem, &err) ||
        pci_host_add(f.host, 1, virtio_pci_create(virtio_rng_create(false), true), &err) ||
        pci_host_add(f.host, 2, virtio_pci_create(virtio_console_create(chr, false), false),
                     &err) ||
        pci_host_add(f.host, 3, virtio_pci_create(virtio_blk_create(disk(), "fuzz", false), true),
                     &err))
        abort();
    for (unsigned i = 0; i < 4; i++)
        f.host->irq[i] = (struct irq_line){line_set, NULL, 0};
    for (unsigned n = 0; f.left && n < MAX_OPS; n++)
        step(&f);
    f.host->ops->destroy(f.host);
    chr_destroy(chr);
    loop_destroy(loop);
    mem_destroy(f.mem);
    return 0;
}
