/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens and uses hostile qcow2 images. The input's first byte chooses the cluster size and how the
 * image is opened; then come patches to a small image that is right, then requests.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLUSTERS = 12, MAX_CLUSTER = 4096, MAX_OPS = 40, REQUEST = 20000 };

struct fuzz {
    const uint8_t *data;
    size_t left;
    uint8_t bytes[CLUSTERS * MAX_CLUSTER];
    unsigned cluster_bits;
};

static uint64_t take(struct fuzz *f, unsigned bytes)
{
    uint64_t value;

    if (bytes > f->left)
        bytes = (unsigned)f->left;
    value = ld_le(f->data, bytes);
    f->data += bytes;
    f->left -= bytes;
    return value;
}

static void put(struct fuzz *f, unsigned cluster, unsigned offset, unsigned size, uint64_t value)
{
    st_be(f->bytes + ((size_t)cluster << f->cluster_bits) + offset, size, value);
}

/* Clusters: header, refcount table, block, L1, L2, data, compressed data, a snapshot's table. */
static void make_image(struct fuzz *f, bool dirty)
{
    uint64_t cluster = 1ull << f->cluster_bits;

    memcpy(f->bytes, "QFI\xfb", 4);
    put(f, 0, 4, 4, 3);
    put(f, 0, 20, 4, f->cluster_bits);
    put(f, 0, 24, 8, 4 * cluster * cluster / 8);
    put(f, 0, 36, 4, 4);
    put(f, 0, 40, 8, 3 * cluster);
    put(f, 0, 48, 8, 1 * cluster);
    put(f, 0, 56, 4, 1);
    put(f, 0, 60, 4, 1);
    put(f, 0, 64, 8, 7 * cluster);
    put(f, 0, 72, 8, dirty);
    put(f, 0, 96, 4, 4);
    put(f, 0, 100, 4, 104);
    put(f, 1, 0, 8, 2 * cluster);
    for (unsigned i = 0; i < 8; i++)
        put(f, 2, 2 * i, 2, 1);
    put(f, 3, 0, 8, 4 * cluster | QCOW2_COPIED);
    put(f, 4, 0, 8, 5 * cluster | QCOW2_COPIED);
    put(f, 4, 8, 8, 6 * cluster | QCOW2_COMPRESSED);
    put(f, 4, 16, 8, QCOW2_ZERO);
    put(f, 4, 24, 8, 5 * cluster);
    put(f, 7, 0, 8, 3 * cluster);
    put(f, 7, 8, 4, 2);
}

static void patch(struct fuzz *f)
{
    for (unsigned n = (unsigned)take(f, 1) % 16; n; n--) {
        unsigned where = (unsigned)take(f, 2), size = 1u << (where >> 14);
        size_t at = (size_t)(where & 0xfff) % ((size_t)CLUSTERS << f->cluster_bits);
        /* The first clusters' beginnings are where things are. */
        if (where & 0x1000)
            at = ((at >> 6 & 7) << f->cluster_bits) + (at & 63) * 2;
        if (at + size <= sizeof(f->bytes))
            st_be(f->bytes + at, size, take(f, size));
    }
}

static void request(struct fuzz *f, struct image *image, bool writable, uint8_t *buffer)
{
    unsigned op = (unsigned)take(f, 1);
    uint64_t offset = take(f, op & 0x40 ? 7 : 2) * 512 % image->size, len = take(f, 1) * 64;
    struct iovec iov = {buffer, len};

    if (len > image->size - offset)
        len = image->size - offset;
    iov.iov_len = len;
    if (!writable)
        op &= 1;
    switch (op % 8) {
    case 0:
        image->ops->read(image, offset, &iov, 1);
        break;
    case 1:
        image->ops->read_now(image, offset, &iov, 1);
        break;
    case 2:
        image->ops->discard(image, offset,
                            op & 0x20 ? len << 6 < image->size - offset ? len << 6 : len : len);
        break;
    case 3:
        image->ops->zero(image, offset, len, op & 0x10);
        break;
    case 4:
        image->ops->flush(image);
        break;
    default:
        image->ops->write(image, offset, &iov, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz *f = calloc(1, sizeof(*f));
    struct qcow2_header header;
    struct error err;
    struct image *image;
    uint8_t *buffer = calloc(1, REQUEST);
    unsigned how;
    int fd = memfd_create("fuzz", 0);

    if (!f || !buffer || fd < 0)
        abort();
    f->data = data;
    f->left = size;
    how = (unsigned)take(f, 1);
    f->cluster_bits = 9 + how % 4;
    make_image(f, how & 16);
    patch(f);
    if (write(fd, f->bytes, (size_t)CLUSTERS << f->cluster_bits) < 0)
        abort();
    if (!qcow2_read_header(fd, "fuzz", &header, &err) &&
        !qcow2_open(fd, "fuzz", &header, how & 8, &image, &err)) {
        for (unsigned n = 0; f->left && n < MAX_OPS; n++)
            request(f, image, how & 8, buffer);
        image->ops->close(image);
    } else {
        close(fd);
    }
    free(buffer);
    free(f);
    return 0;
}
