/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed clusters: raw deflate, or a zstd frame. They are never written, so what was unpacked
 * once stays true for as long as an entry refers to it; a few unpacked ones are kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "backend/blk/qcow2.h"

enum { KEPT = 8 };

struct kept {
    uint64_t host, packed_len; /* packed_len 0: empty */
    uint64_t used;             /* when */
    uint8_t *bytes;
};

struct qcow2_unpacked {
    pthread_mutex_t lock;
    uint64_t clock;
    struct kept kept[KEPT];
};

static int unpack_deflate(const uint8_t *packed, size_t len, uint8_t *out, size_t size)
{
    z_stream z = {.next_in = (uint8_t *)packed,
                  .avail_in = (uInt)len,
                  .next_out = out,
                  .avail_out = (uInt)size};
    int r;

    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return -ENOMEM;
    r = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return (r == Z_STREAM_END || r == Z_BUF_ERROR) && !z.avail_out ? 0 : -EIO;
}

/* The stream ends somewhere in the last sector; how long it is, only it knows. */
static int unpack_zstd(const uint8_t *packed, size_t len, uint8_t *out, size_t size)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer from = {packed, len, 0};
    ZSTD_outBuffer to = {out, size, 0};
    size_t r = 1;

    if (!context)
        return -ENOMEM;
    while (to.pos < to.size) {
        size_t in_before = from.pos, out_before = to.pos;
        r = ZSTD_decompressStream(context, &to, &from);
        if (ZSTD_isError(r) || (from.pos == in_before && to.pos == out_before))
            break;
    }
    ZSTD_freeDCtx(context);
    return to.pos == to.size ? 0 : -EIO;
}

static uint8_t *unpack(struct qcow2 *q, const struct qcow2_extent *e, int *error)
{
    uint8_t *packed = malloc(e->packed_len), *out = malloc(q->cluster_size);
    struct iovec iov = {packed, e->packed_len};

    *error = packed && out ? fd_readv(q->fd, e->host, &iov, 1) : -ENOMEM;
    if (!*error)
        *error = q->compression == QCOW2_ZSTD
                     ? unpack_zstd(packed, e->packed_len, out, q->cluster_size)
                     : unpack_deflate(packed, e->packed_len, out, q->cluster_size);
    free(packed);
    if (*error) {
        free(out);
        return NULL;
    }
    return out;
}

static void copy_out(const uint8_t *from, const struct iovec *iov, int iovcnt)
{
    for (int i = 0; i < iovcnt; i++) {
        if (iov[i].iov_len)
            memcpy(iov[i].iov_base, from, iov[i].iov_len);
        from += iov[i].iov_len;
    }
}

static struct qcow2_unpacked *get_kept(struct qcow2 *q)
{
    struct qcow2_unpacked *u;

    pthread_mutex_lock(&q->lock);
    if (!q->unpacked) {
        q->unpacked = calloc(1, sizeof(*u));
        if (q->unpacked)
            pthread_mutex_init(&q->unpacked->lock, NULL);
    }
    u = q->unpacked;
    pthread_mutex_unlock(&q->lock);
    return u;
}

static struct kept *find(struct qcow2_unpacked *u, const struct qcow2_extent *e)
{
    for (unsigned i = 0; i < KEPT; i++)
        if (u->kept[i].packed_len == e->packed_len && u->kept[i].host == e->host)
            return &u->kept[i];
    return NULL;
}

/* Puts it in the place of the one that was not used for longest. */
static void keep(struct qcow2_unpacked *u, const struct qcow2_extent *e, uint8_t *bytes)
{
    struct kept *at = find(u, e);

    if (!at) {
        at = &u->kept[0];
        for (unsigned i = 1; i < KEPT; i++)
            if (u->kept[i].used < at->used)
                at = &u->kept[i];
    }
    free(at->bytes);
    *at = (struct kept){e->host, e->packed_len, ++u->clock, bytes};
}

int qcow2_read_packed(struct qcow2 *q, const struct qcow2_extent *e, uint64_t skip,
                      const struct iovec *iov, int iovcnt)
{
    struct qcow2_unpacked *u = get_kept(q);
    struct kept *kept;
    uint8_t *bytes;
    int r;

    if (!u)
        return -ENOMEM;
    pthread_mutex_lock(&u->lock);
    kept = find(u, e);
    if (kept) {
        kept->used = ++u->clock;
        copy_out(kept->bytes + skip, iov, iovcnt);
        pthread_mutex_unlock(&u->lock);
        return 0;
    }
    pthread_mutex_unlock(&u->lock);

    bytes = unpack(q, e, &r);
    if (!bytes)
        return r;
    copy_out(bytes + skip, iov, iovcnt);
    pthread_mutex_lock(&u->lock);
    keep(u, e, bytes);
    pthread_mutex_unlock(&u->lock);
    return 0;
}

void qcow2_unpacked_free(struct qcow2 *q)
{
    if (!q->unpacked)
        return;
    for (unsigned i = 0; i < KEPT; i++)
        free(q->unpacked->kept[i].bytes);
    pthread_mutex_destroy(&q->unpacked->lock);
    free(q->unpacked);
}
