/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first cluster of a qcow2 image: a header of 72 bytes in version 2 and of 104 or more in
 * version 3, extensions { be32 type, length; data padded to 8 }, the name of the backing file.
 * Everything in it is checked here.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"
#include "base/error.h"

enum {
    MAGIC = 0,
    VERSION = 4,
    BACKING_OFFSET = 8,
    BACKING_SIZE = 16,
    CLUSTER_BITS = 20,
    SIZE = 24,
    CRYPT_METHOD = 32,
    L1_SIZE = 36,
    L1_TABLE_OFFSET = 40,
    REFCOUNT_TABLE_OFFSET = 48,
    REFCOUNT_TABLE_CLUSTERS = 56,
    NB_SNAPSHOTS = 60,
    SNAPSHOTS_OFFSET = 64,
    INCOMPATIBLE_FEATURES = 72,
    AUTOCLEAR_FEATURES = 88,
    REFCOUNT_ORDER = 96,
    HEADER_LENGTH = 100,
    COMPRESSION_TYPE = 104,
    V2_BYTES = 72,
    V3_BYTES = 104,
    MAX_BYTES = 65536, /* of what is looked at for extensions */
};

#define EXT_BACKING_FORMAT 0xe2792acau
#define EXT_FEATURE_NAMES  0x6803f857u
#define EXT_BITMAPS        0x23852875u

#define KNOWN_INCOMPATIBLE                                                                         \
    (QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_DATA_FILE | QCOW2_COMPRESSION | QCOW2_EXTENDED_L2)

static int bad(const char *path, struct error *err, const char *what)
{
    return error_set(err, -EINVAL,
                     "%s: is a damaged qcow2 image: %s (qemu-img check may know more)", path, what);
}

/* The name of the lowest incompatible bit we don't know, from the table of names. */
static void note_feature(struct qcow2_header *h, const uint8_t *data, uint32_t len)
{
    unsigned unknown = 0;
    uint64_t mask = h->incompatible & ~(uint64_t)KNOWN_INCOMPATIBLE;

    if (!mask)
        return;
    while (!bit(mask, unknown))
        unknown++;
    for (; len >= 48; data += 48, len -= 48)
        if (data[0] == 0 && data[1] == unknown) {
            memcpy(h->feature, data + 2, 46);
            for (char *c = h->feature; *c; c++)
                if (*c < ' ' || *c > '~')
                    *c = '?';
        }
}

static int read_extensions(struct qcow2_header *h, const uint8_t *raw, uint64_t at, uint64_t end,
                           const char *path, struct error *err)
{
    while (at + 8 <= end) {
        uint32_t type = (uint32_t)ld_be(raw + at, 4), len = (uint32_t)ld_be(raw + at + 4, 4);
        at += 8;
        if (!type)
            return 0;
        if (len > end - at)
            return bad(path, err, "a header extension is too long");
        if (type == EXT_BACKING_FORMAT) {
            if (len >= sizeof(h->backing_format))
                return bad(path, err, "its backing file's format has too long a name");
            memcpy(h->backing_format, raw + at, len);
            h->backing_format[len] = 0;
        } else if (type == EXT_FEATURE_NAMES) {
            note_feature(h, raw + at, len);
        } else if (type == EXT_BITMAPS) {
            h->bitmaps = true;
        }
        at = align_up(at + len, 8);
    }
    return 0;
}

static int check_table(const struct qcow2_header *h, uint64_t offset, uint64_t bytes)
{
    return !offset || offset % (1ull << h->cluster_bits) || offset >> 56 || bytes >> 56;
}

static int check_layout(const struct qcow2_header *h, const char *path, struct error *err)
{
    unsigned cover_bits = 2 * h->cluster_bits - 3; /* of the bytes an L2 table maps */
    uint64_t covers = 1ull << cover_bits, needed;

    if (!h->size || h->size >> 56)
        return error_set(err, -EINVAL, "%s: has a size of %llu bytes, which no disk has", path,
                         (unsigned long long)h->size);
    needed = (align_up(h->size, 512) + covers - 1) >> cover_bits;
    if (h->l1_size > QCOW2_MAX_L1_BYTES / 8 || needed > QCOW2_MAX_L1_BYTES / 8)
        return bad(path, err, "its L1 table is too long");
    if (h->l1_size < needed)
        return bad(path, err, "its L1 table is too short for its size");
    if (check_table(h, h->l1_offset, 8ull * h->l1_size))
        return bad(path, err, "its L1 table is in an impossible place");
    if (!h->reftable_clusters ||
        (uint64_t)h->reftable_clusters << h->cluster_bits > QCOW2_MAX_REF_BYTES)
        return bad(path, err, "its refcount table has an impossible length");
    if (check_table(h, h->reftable_offset, 0))
        return bad(path, err, "its refcount table is in an impossible place");
    if (h->snapshots > QCOW2_MAX_SNAPSHOTS)
        return bad(path, err, "it has too many snapshots");
    if (h->snapshots && check_table(h, h->snapshots_offset, 0))
        return bad(path, err, "its snapshot table is in an impossible place");
    return 0;
}

static int parse_v3(struct qcow2_header *h, const uint8_t *raw, size_t got, uint32_t *length,
                    const char *path, struct error *err)
{
    uint64_t order = ld_be(raw + REFCOUNT_ORDER, 4);

    *length = (uint32_t)ld_be(raw + HEADER_LENGTH, 4);
    h->incompatible = ld_be(raw + INCOMPATIBLE_FEATURES, 8);
    h->autoclear = ld_be(raw + AUTOCLEAR_FEATURES, 8);
    if (got < V3_BYTES || *length < V3_BYTES || *length % 8 || *length > 1u << h->cluster_bits ||
        *length > got)
        return bad(path, err, "its header has an impossible length");
    if (order > 6)
        return bad(path, err, "its refcounts are wider than 64 bits");
    h->refcount_order = (unsigned)order;
    if (*length > COMPRESSION_TYPE)
        h->compression = raw[COMPRESSION_TYPE];
    if (!(h->incompatible & QCOW2_COMPRESSION) != !h->compression)
        return bad(path, err, "its compression type and features contradict each other");
    return 0;
}

static int parse_backing(struct qcow2_header *h, const uint8_t *raw, size_t got, uint64_t *end,
                         const char *path, struct error *err)
{
    uint64_t offset = ld_be(raw + BACKING_OFFSET, 8), size = ld_be(raw + BACKING_SIZE, 4);

    *end = got < 1u << h->cluster_bits ? got : 1u << h->cluster_bits;
    if (!offset)
        return 0;
    if (!size || size >= sizeof(h->backing) || offset > *end || size > *end - offset)
        return bad(path, err, "the name of its backing file is in an impossible place");
    memcpy(h->backing, raw + offset, size);
    if (strlen(h->backing) != size)
        return bad(path, err, "the name of its backing file has a zero byte in it");
    *end = offset;
    return 0;
}

int qcow2_read_header(int fd, const char *path, struct qcow2_header *h, struct error *err)
{
    uint8_t raw[MAX_BYTES];
    ssize_t got = pread(fd, raw, sizeof(raw), 0);
    uint32_t length = V2_BYTES;
    uint64_t end;
    int r;

    if (got < 0)
        return error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
    memset(h, 0, sizeof(*h));
    if (got < V2_BYTES || memcmp(raw + MAGIC, "QFI\xfb", 4))
        return error_set(err, -EINVAL, "%s: is no qcow2 image; leave format= out to find out",
                         path);
    h->version = (unsigned)ld_be(raw + VERSION, 4);
    if (h->version == 1)
        return error_set(err, -EINVAL,
                         "%s: is a qcow image of version 1; convert it: qemu-img convert -O qcow2",
                         path);
    if (h->version != 2 && h->version != 3)
        return error_set(err, -EINVAL, "%s: is a qcow2 image of version %u; there are 2 and 3 here",
                         path, h->version);
    h->cluster_bits = (unsigned)ld_be(raw + CLUSTER_BITS, 4);
    if (h->cluster_bits < QCOW2_MIN_CLUSTER_BITS || h->cluster_bits > QCOW2_MAX_CLUSTER_BITS)
        return bad(path, err, "its clusters have an impossible size");
    h->size = ld_be(raw + SIZE, 8);
    h->crypt_method = (uint32_t)ld_be(raw + CRYPT_METHOD, 4);
    h->l1_size = (uint32_t)ld_be(raw + L1_SIZE, 4);
    h->l1_offset = ld_be(raw + L1_TABLE_OFFSET, 8);
    h->reftable_offset = ld_be(raw + REFCOUNT_TABLE_OFFSET, 8);
    h->reftable_clusters = (uint32_t)ld_be(raw + REFCOUNT_TABLE_CLUSTERS, 4);
    h->snapshots = (uint32_t)ld_be(raw + NB_SNAPSHOTS, 4);
    h->snapshots_offset = ld_be(raw + SNAPSHOTS_OFFSET, 8);
    h->refcount_order = 4;
    r = h->version == 3 ? parse_v3(h, raw, (size_t)got, &length, path, err) : 0;
    if (!r)
        r = parse_backing(h, raw, (size_t)got, &end, path, err);
    if (!r)
        r = read_extensions(h, raw, length, end, path, err);
    return r ? r : check_layout(h, path, err);
}

int qcow2_check_features(const struct qcow2_header *h, const char *path, bool writable,
                         struct error *err)
{
    uint64_t unknown = h->incompatible & ~(uint64_t)KNOWN_INCOMPATIBLE;

    if (h->crypt_method)
        return error_set(err, -ENOTSUP,
                         "%s: is encrypted (%s), which is not supported; decrypt it with qemu-img "
                         "convert",
                         path, h->crypt_method == 1 ? "AES" : "LUKS");
    if (h->incompatible & QCOW2_DATA_FILE)
        return error_set(err, -ENOTSUP,
                         "%s: keeps its data in another file (data_file), which is not supported; "
                         "convert it: qemu-img convert -O qcow2",
                         path);
    if (h->incompatible & QCOW2_EXTENDED_L2)
        return error_set(err, -ENOTSUP,
                         "%s: has subclusters (extended_l2), which are not supported; convert it: "
                         "qemu-img convert -O qcow2",
                         path);
    if (unknown)
        return error_set(err, -ENOTSUP, "%s: needs a qcow2 feature that is not supported: %s", path,
                         *h->feature ? h->feature : "one without a name");
    if (h->compression > QCOW2_ZSTD)
        return error_set(err, -ENOTSUP, "%s: is compressed in an unknown way (type %u)", path,
                         h->compression);
    if (writable && (h->incompatible & QCOW2_CORRUPT))
        return error_set(err, -EINVAL,
                         "%s: is marked as corrupt; repair a copy (qemu-img check -r all), or open "
                         "it with readonly or ephemeral",
                         path);
    return 0;
}

static int write_at(int fd, uint64_t offset, void *bytes, size_t len)
{
    struct iovec iov = {bytes, len};

    return fd_writev(fd, offset, &iov, 1);
}

int qcow2_write_reftable_pointer(int fd, uint64_t offset, uint32_t clusters)
{
    uint8_t raw[12];

    st_be(raw, 8, offset);
    st_be(raw + 8, 4, clusters);
    return write_at(fd, REFCOUNT_TABLE_OFFSET, raw, sizeof(raw));
}

int qcow2_write_features(int fd, uint64_t incompatible, uint64_t autoclear)
{
    uint8_t raw[24];
    struct iovec iov = {raw, sizeof(raw)};
    int r = fd_readv(fd, INCOMPATIBLE_FEATURES, &iov, 1);

    if (r)
        return r;
    st_be(raw, 8, incompatible);
    st_be(&raw[AUTOCLEAR_FEATURES - INCOMPATIBLE_FEATURES], 8, autoclear);
    return write_at(fd, INCOMPATIBLE_FEATURES, raw, sizeof(raw));
}
