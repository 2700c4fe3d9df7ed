/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that were found by enumeration work: sectors are read (and written, on a disk that says
 * that it is for that), entropy comes, network cards start. Virtio 1.2, chapter 5.
 */
#include "bare/bare.h"
#include "base/tap.h"
#include "device/virtio.h"

enum { SECTOR = 512, BLOCK_READ = 0, BLOCK_WRITE = 1, F_RO = 1 << 5, SCRATCH_FIRST = 8 };
/* The first sector of a disk that may be overwritten. */
static const char scratch_mark[] = "ARMVM PROBE SCRATCH DISK";

static struct {
    u32 type, reserved;
    u64 sector;
} header;
static u8 data[SECTOR] PAGE_ALIGNED, check[SECTOR];
static volatile u8 block_status;

static u64 config64(const struct virtio *dev, u32 at)
{
    u64 config = dev->transport->config(dev);

    return config ? io_read32(config + at) | (u64)io_read32(config + at + 4) << 32 : 0;
}

static bool block_request(struct virtio *dev, u32 type, u64 sector)
{
    struct virtio_part part[] = {
        {&header, sizeof(header), false},
        {data, SECTOR, type == BLOCK_READ},
        {(const void *)&block_status, 1, true},
    };
    u32 written;
    const char *wrong;

    header.type = type;
    header.sector = sector;
    block_status = 0xff;
    wrong = virtio_transfer(dev, 0, part, COUNT(part), &written);
    if (!wrong && block_status)
        wrong = "a request fails";
    if (wrong)
        test_bad("%s: %s", dev->name, wrong);
    return !wrong;
}

static void fill(u64 seed)
{
    for (u32 i = 0; i < SECTOR; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        data[i] = (u8)(seed >> 56);
    }
}

/* Writes sectors in one order and reads them in the other. */
static u32 write_scratch(struct virtio *dev, u64 sectors)
{
    u64 seed = arch_counter();
    u32 wrong = 0, count = 16;

    if (sectors < SCRATCH_FIRST + count)
        return 0;
    for (u32 i = 0; i < count; i++) {
        fill(seed + i);
        if (!block_request(dev, BLOCK_WRITE, SCRATCH_FIRST + i))
            return 0;
    }
    for (u32 i = count; i-- > 0;) {
        if (!block_request(dev, BLOCK_READ, SCRATCH_FIRST + i))
            return 0;
        memcpy(check, data, SECTOR);
        fill(seed + i);
        wrong += memcmp(check, data, SECTOR) != 0;
    }
    if (wrong)
        test_bad("%s: %u of %u sectors read differ from what was written", dev->name, wrong, count);
    return count;
}

struct blocks {
    u32 disks, gpts, scratch, written;
};

static void try_block(struct virtio *dev, struct blocks *seen)
{
    u64 sectors;
    const char *wrong = virtio_start(dev, F_RO, 1);

    if (wrong) {
        test_bad("%s: %s", dev->name, wrong);
        return;
    }
    seen->disks++;
    sectors = config64(dev, 0);
    if (!sectors) {
        test_bad("%s: a disk without a sector", dev->name);
    } else if (block_request(dev, BLOCK_READ, 0)) {
        bool scratch = !memcmp(data, scratch_mark, sizeof(scratch_mark) - 1);
        if (scratch && !(dev->offered & F_RO)) {
            seen->scratch++;
            seen->written += write_scratch(dev, sectors);
        } else if (sectors > 1 && block_request(dev, BLOCK_READ, 1)) {
            seen->gpts += !memcmp(data, "EFI PART", 8);
        }
    }
    virtio_stop(dev);
}

static void test_blocks(void)
{
    struct blocks seen = {0};
    u32 there = 0;

    for (u32 i = 0; i < virtio_devices.count; i++)
        there += virtio_devices.dev[i].kind == VIRTIO_BLOCK && !virtio_devices.dev[i].failed;
    if (!there) {
        skip("P1 the disk is found by enumeration and read without firmware",
             "no virtio block device");
        skip("P1 what is written to a disk is read back", "no virtio block device");
        return;
    }
    test_begin("P1 the disk is found by enumeration and read without firmware");
    for (u32 i = 0; i < virtio_devices.count; i++)
        if (virtio_devices.dev[i].kind == VIRTIO_BLOCK && !virtio_devices.dev[i].failed)
            try_block(&virtio_devices.dev[i], &seen);
    if (!seen.gpts)
        test_bad("none of %u disks has a GPT", seen.disks);
    test_end("%u disks, %u with a GPT", seen.disks, seen.gpts);
    if (!seen.scratch)
        skip("P1 what is written to a disk is read back", "there is no scratch disk");
    else
        test("P1 what is written to a disk is read back", seen.written, "%u sectors", seen.written);
}

static void test_entropy(void)
{
    u32 found = 0, written = 0;

    for (u32 i = 0; i < virtio_devices.count; i++)
        found += virtio_devices.dev[i].kind == VIRTIO_ENTROPY && !virtio_devices.dev[i].failed;
    if (!found) {
        skip("P1 the entropy source gives bytes", "no virtio entropy source");
        return;
    }
    test_begin("P1 the entropy source gives bytes");
    for (u32 i = 0; i < virtio_devices.count; i++) {
        struct virtio *dev = &virtio_devices.dev[i];
        struct virtio_part part = {data, 64, true};
        u32 zero = 0;
        const char *wrong;
        if (dev->kind != VIRTIO_ENTROPY || dev->failed)
            continue;
        memset(data, 0, sizeof(data));
        wrong = virtio_start(dev, 0, 1);
        if (!wrong)
            wrong = virtio_transfer(dev, 0, &part, 1, &written);
        for (u32 n = 0; n < written && n < 64; n++)
            zero += !data[n];
        if (!wrong && (!written || written > 64 || zero > written / 2 + 1))
            wrong = "what it gives is not random";
        if (wrong)
            test_bad("%s: %s", dev->name, wrong);
        virtio_stop(dev);
    }
    test_end("%u bytes", written);
}

static void test_network(void)
{
    u32 found = 0;
    char address[32] = "";

    for (u32 i = 0; i < virtio_devices.count; i++) {
        struct virtio *dev = &virtio_devices.dev[i];
        const char *wrong;
        u64 config;
        if (dev->kind != VIRTIO_NET || dev->failed)
            continue;
        if (!found++)
            test_begin("P1 network cards start");
        wrong = virtio_start(dev, 1 << 5, 2); /* VIRTIO_NET_F_MAC */
        config = dev->transport->config(dev);
        if (wrong)
            test_bad("%s: %s", dev->name, wrong);
        else if (dev->offered & 1 << 5 && io_read8(config) & 1)
            test_bad("%s: its address is a group's", dev->name);
        address[0] = 0;
        for (u32 n = 0; n < 6; n++)
            append(address, sizeof(address), n ? ":%02x" : "%02x", io_read8(config + n));
        virtio_stop(dev);
    }
    if (found)
        test_end("%u, %s", found, address);
    else
        skip("P1 network cards start", "no virtio network card");
}

/* Hot plug itself takes somebody outside; the bus can be seen. */
static void test_bus(void)
{
    const char *bus = machine.platform.pci.ecam.size ? "PCI Express is there" : "no PCI";

    skip("P6 block and network are on a bus with hot plug", "%s; plugging is not tried from inside",
         bus);
}

void test_devices(void)
{
    test_blocks();
    test_entropy();
    test_network();
    test_bus();
}
