/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/fw/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

struct buffer {
    uint8_t *data;
    size_t size, capacity, limit;
};

bool unpack_is_gzip(const uint8_t *data, size_t size)
{
    return size >= 3 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8;
}

bool unpack_is_zstd(const uint8_t *data, size_t size)
{
    return size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0;
}

/* Makes room for more output: 0, -EFBIG or -ENOMEM. */
static int buffer_grow(struct buffer *buf, size_t first)
{
    if (buf->size < buf->capacity)
        return 0;
    if (buf->capacity >= buf->limit)
        return -EFBIG;
    size_t capacity = buf->capacity ? buf->capacity * 2 : first;
    if (capacity > buf->limit)
        capacity = buf->limit;
    uint8_t *data = realloc(buf->data, capacity);
    if (!data)
        return -ENOMEM;
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

static size_t first_guess(size_t size)
{
    return size < 4096 ? 16384 : size * 4;
}

static int finish(int rc, struct buffer *buf, uint8_t **out, size_t *out_size)
{
    if (rc) {
        free(buf->data);
        return rc;
    }
    *out = buf->data;
    *out_size = buf->size;
    return 0;
}

int unpack_gzip(const uint8_t *data, size_t size, size_t limit, uint8_t **out, size_t *out_size)
{
    struct buffer buf = {.limit = limit};
    z_stream z = {0};
    if (size > UINT32_MAX)
        return -EFBIG;
    if (inflateInit2(&z, 15 + 16 /* gzip only */) != Z_OK)
        return -ENOMEM;
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)size;
    int rc = 0;
    while (!rc) {
        rc = buffer_grow(&buf, first_guess(size));
        if (rc)
            break;
        size_t room = buf.capacity - buf.size;
        if (room > 1u << 30)
            room = 1u << 30;
        z.next_out = buf.data + buf.size;
        z.avail_out = (uInt)room;
        int status = inflate(&z, Z_NO_FLUSH);
        buf.size += room - z.avail_out;
        if (status == Z_STREAM_END)
            break;
        if (status == Z_BUF_ERROR || (status == Z_OK && z.avail_in == 0 && z.avail_out != 0))
            rc = -ENODATA;
        else if (status == Z_MEM_ERROR)
            rc = -ENOMEM;
        else if (status != Z_OK)
            rc = -EINVAL;
    }
    inflateEnd(&z);
    return finish(rc, &buf, out, out_size);
}

int unpack_zstd(const uint8_t *data, size_t size, size_t limit, uint8_t **out, size_t *out_size)
{
    struct buffer buf = {.limit = limit};
    ZSTD_DStream *z = ZSTD_createDStream();
    if (!z)
        return -ENOMEM;
    /* Kernels are compressed with windows of up to 128 MiB (zstd -22 --ultra). */
    ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 27);
    ZSTD_inBuffer in = {data, size, 0};
    int rc = 0;
    for (;;) {
        rc = buffer_grow(&buf, first_guess(size));
        if (rc)
            break;
        ZSTD_outBuffer to = {buf.data, buf.capacity, buf.size};
        size_t before_in = in.pos;
        size_t status = ZSTD_decompressStream(z, &to, &in);
        bool stuck = in.pos == before_in && to.pos == buf.size;
        buf.size = to.pos;
        if (ZSTD_isError(status)) {
            rc = -EINVAL;
            break;
        }
        if (status == 0) /* a frame is complete */
            break;
        if (stuck || (in.pos == in.size && buf.size < buf.capacity)) {
            rc = -ENODATA;
            break;
        }
    }
    ZSTD_freeDStream(z);
    return finish(rc, &buf, out, out_size);
}
