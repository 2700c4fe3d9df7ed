/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a raw image to qcow2 in one pass ("QCOW2 format" of QEMU's interop documents): header, L1
 * table, the clusters that are not zero, their L2 tables, refcount blocks, refcount table.
 */
#include "image/qcow2_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"

#define COPIED (1ull << 63) /* refcount is exactly one */

enum {
    CLUSTER_BITS = 16,
    CLUSTER = 1 << CLUSTER_BITS,
    L2_ENTRIES = CLUSTER / 8,
    REFCOUNTS = CLUSTER / 2, /* in a block: 16 bits each */
    REFCOUNT_ORDER = 4,
    HEADER = 104,
};

struct writer {
    int in, out;
    uint64_t size;     /* of the disk */
    uint64_t clusters; /* allocated so far in the file */
    uint8_t *buf;      /* one cluster */
    uint64_t *l1;      /* offsets, host order */
    uint64_t l1_entries;
};

static int write_at(int fd, uint64_t offset, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* Behind the end of the file there are zeroes. */
static int read_at(int fd, uint64_t offset, uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = pread(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n) {
            memset(data, 0, len);
            return 0;
        }
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static bool all_zero(const uint8_t *data)
{
    return !data[0] && !memcmp(data, data + 1, CLUSTER - 1);
}

/* The clusters that one L2 table describes. */
static int write_group(struct writer *w, uint64_t group)
{
    uint64_t from = group * L2_ENTRIES * CLUSTER, to = from + (uint64_t)L2_ENTRIES * CLUSTER;
    uint8_t *table = calloc(1, CLUSTER);
    bool any = false;
    int rc = table ? 0 : -ENOMEM;

    if (to > w->size)
        to = w->size;
    for (uint64_t at = from; !rc && at < to; at += CLUSTER) {
        off_t data = lseek(w->in, (off_t)at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break; /* only a hole is left */
        if (data > 0 && align_down((uint64_t)data, CLUSTER) > at) {
            at = align_down((uint64_t)data, CLUSTER) - CLUSTER;
            continue;
        }
        rc = read_at(w->in, at, w->buf, CLUSTER);
        if (rc || all_zero(w->buf))
            continue;
        rc = write_at(w->out, w->clusters * CLUSTER, w->buf, CLUSTER);
        st_be(table + (at - from) / CLUSTER * 8, 8, w->clusters * CLUSTER | COPIED);
        w->clusters++;
        any = true;
    }
    if (!rc && any) {
        rc = write_at(w->out, w->clusters * CLUSTER, table, CLUSTER);
        w->l1[group] = w->clusters++ * CLUSTER | COPIED;
    }
    free(table);
    return rc;
}

static int write_l1(struct writer *w)
{
    int rc = 0;

    for (uint64_t i = 0; !rc && i < w->l1_entries; i++) {
        uint8_t entry[8];
        st_be(entry, 8, w->l1[i]);
        rc = write_at(w->out, CLUSTER + 8 * i, entry, sizeof(entry));
    }
    return rc;
}

/* Every cluster of the file has one user. The blocks count themselves and their table, too. */
static int write_refcounts(struct writer *w, uint64_t *table, uint32_t *table_clusters)
{
    uint64_t blocks = 0, total, need = 1;
    int rc = 0;

    do {
        blocks = need;
        *table_clusters = (uint32_t)((blocks * 8 + CLUSTER - 1) / CLUSTER);
        total = w->clusters + blocks + *table_clusters;
        need = (total + REFCOUNTS - 1) / REFCOUNTS;
    } while (need > blocks);
    *table = (w->clusters + blocks) * CLUSTER;
    for (uint64_t i = 0; !rc && i < blocks; i++) {
        uint8_t entry[8];
        uint64_t left = total > i * REFCOUNTS ? total - i * REFCOUNTS : 0;
        memset(w->buf, 0, CLUSTER);
        for (uint64_t k = 0; k < REFCOUNTS && k < left; k++)
            st_be(w->buf + 2 * k, 2, 1);
        rc = write_at(w->out, (w->clusters + i) * CLUSTER, w->buf, CLUSTER);
        st_be(entry, 8, (w->clusters + i) * CLUSTER);
        if (!rc)
            rc = write_at(w->out, *table + 8 * i, entry, sizeof(entry));
    }
    /* The last cluster is whole. */
    return rc || ftruncate(w->out, (off_t)(total * CLUSTER)) == 0 ? rc : -errno;
}

static int write_header(struct writer *w, uint64_t refcounts, uint32_t refcount_clusters)
{
    uint8_t h[HEADER + 8] = {0}; /* the end-of-extensions mark behind it is zero */

    st_be(h, 4, 0x514649fb);
    st_be(h + 4, 4, 3);
    st_be(h + 20, 4, CLUSTER_BITS);
    st_be(h + 24, 8, w->size);
    st_be(h + 36, 4, w->l1_entries);
    st_be(h + 40, 8, CLUSTER);
    st_be(h + 48, 8, refcounts);
    st_be(h + 56, 4, refcount_clusters);
    st_be(h + 96, 4, REFCOUNT_ORDER);
    st_be(h + 100, 4, HEADER);
    return write_at(w->out, 0, h, sizeof(h));
}

static int convert(struct writer *w)
{
    uint32_t refcount_clusters = 0;
    uint64_t refcounts = 0;
    int rc = 0;

    w->clusters = 1 + (w->l1_entries * 8 + CLUSTER - 1) / CLUSTER;
    for (uint64_t i = 0; !rc && i < w->l1_entries; i++)
        rc = write_group(w, i);
    if (!rc)
        rc = write_l1(w);
    if (!rc)
        rc = write_refcounts(w, &refcounts, &refcount_clusters);
    /* Last: without it the file is no image yet. */
    return rc ? rc : write_header(w, refcounts, refcount_clusters);
}

int qcow2_from_raw(const char *raw, const char *out, struct error *err)
{
    struct writer w = {.in = -1, .out = -1};
    uint64_t group = (uint64_t)L2_ENTRIES * CLUSTER;
    struct stat st;
    int rc = 0;

    w.in = open(raw, O_RDONLY | O_CLOEXEC);
    if (w.in < 0 || fstat(w.in, &st) < 0) {
        rc = error_set(err, -errno, "%s: %s", raw, strerror(errno));
        goto done;
    }
    w.out = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (w.out < 0) {
        rc = error_set(err, -errno, "%s: %s", out, strerror(errno));
        goto done;
    }
    w.size = align_up((uint64_t)st.st_size, 512);
    w.l1_entries = (w.size + group - 1) / group;
    w.l1 = calloc(w.l1_entries + 1, sizeof(*w.l1));
    w.buf = malloc(CLUSTER);
    rc = w.l1 && w.buf ? convert(&w) : -ENOMEM;
    if (!rc && close(w.out) < 0)
        rc = -errno;
    else if (rc)
        close(w.out);
    if (rc) {
        unlink(out);
        error_set(err, rc, "%s: %s", out, strerror(-rc));
    }
done:
    if (w.in >= 0)
        close(w.in);
    free(w.l1);
    free(w.buf);
    return rc;
}
