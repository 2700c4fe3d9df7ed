/* SPDX-License-Identifier: Apache-2.0 */
#include "image/unpack.h"

#include <bzlib.h>
#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bits.h"

enum {
    INPUT = 65536,
    LZ4_MAGIC =
        0x184c2102, /* the legacy frame: blocks of up to 8 MiB, each with its size before it */
    LZ4_BLOCK = 8 << 20,
    ZSTD_WINDOW_LOG = 27, /* what zstd takes without being asked: 128 MiB */
};
static const uint64_t LZMA_MEMORY = 256 << 20;

/* What a step did. */
struct flow {
    const uint8_t *in;
    size_t in_len, used;
    uint8_t *out;
    size_t out_len, made;
    bool last; /* no more input will come */
};

struct codec {
    const char *name;
    uint8_t magic[6];
    unsigned magic_len;
    int (*begin)(struct unpack *u);
    /* 1: the member ended; 0: go on; negative errno. */
    int (*step)(struct unpack *u, struct flow *flow);
    void (*end)(struct unpack *u);
};

struct unpack {
    const struct codec *codec;
    struct image_source source;
    uint64_t at; /* of what is read next */
    uint8_t input[INPUT];
    size_t in_start, in_end;
    bool done;
    int failed;
    union {
        z_stream zlib;
        lzma_stream lzma;
        bz_stream bzip2;
        ZSTD_DStream *zstd;
        struct {
            uint8_t *packed, *plain; /* one block */
            uint32_t have, want;     /* of packed; want 0: the size comes first */
            uint32_t plain_at, plain_len;
            uint8_t head[4];
            uint32_t head_have;
            bool started;
        } lz4;
    } u;
};

/* --- zlib, liblzma, libbz2, libzstd ----------------------------------------------------------- */

static int gzip_begin(struct unpack *u)
{
    return inflateInit2(&u->u.zlib, 15 + 16) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_step(struct unpack *u, struct flow *f)
{
    z_stream *z = &u->u.zlib;
    int r;

    z->next_in = (uint8_t *)f->in;
    z->avail_in = (uInt)f->in_len;
    z->next_out = f->out;
    z->avail_out = (uInt)f->out_len;
    r = inflate(z, Z_NO_FLUSH);
    f->used = f->in_len - z->avail_in;
    f->made = f->out_len - z->avail_out;
    if (r == Z_STREAM_END)
        return 1;
    return r == Z_OK || r == Z_BUF_ERROR ? 0 : r == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

static void gzip_end(struct unpack *u)
{
    inflateEnd(&u->u.zlib);
}

static int xz_begin(struct unpack *u)
{
    return lzma_stream_decoder(&u->u.lzma, LZMA_MEMORY, 0) == LZMA_OK ? 0 : -ENOMEM;
}

static int lzma_begin(struct unpack *u)
{
    return lzma_alone_decoder(&u->u.lzma, LZMA_MEMORY) == LZMA_OK ? 0 : -ENOMEM;
}

static int lzma_step(struct unpack *u, struct flow *f)
{
    lzma_stream *z = &u->u.lzma;
    lzma_ret r;

    z->next_in = f->in;
    z->avail_in = f->in_len;
    z->next_out = f->out;
    z->avail_out = f->out_len;
    r = lzma_code(z, f->last ? LZMA_FINISH : LZMA_RUN);
    f->used = f->in_len - z->avail_in;
    f->made = f->out_len - z->avail_out;
    if (r == LZMA_STREAM_END)
        return 1;
    return r == LZMA_OK || r == LZMA_BUF_ERROR ? 0 : r == LZMA_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

static void lzma_finish(struct unpack *u)
{
    lzma_end(&u->u.lzma);
}

static int bzip2_begin(struct unpack *u)
{
    return BZ2_bzDecompressInit(&u->u.bzip2, 0, 0) == BZ_OK ? 0 : -ENOMEM;
}

static int bzip2_step(struct unpack *u, struct flow *f)
{
    bz_stream *z = &u->u.bzip2;
    int r;

    z->next_in = (char *)f->in;
    z->avail_in = (unsigned)f->in_len;
    z->next_out = (char *)f->out;
    z->avail_out = (unsigned)f->out_len;
    r = BZ2_bzDecompress(z);
    f->used = f->in_len - z->avail_in;
    f->made = f->out_len - z->avail_out;
    if (r == BZ_STREAM_END)
        return 1;
    return r == BZ_OK ? 0 : r == BZ_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

static void bzip2_end(struct unpack *u)
{
    BZ2_bzDecompressEnd(&u->u.bzip2);
}

static int zstd_begin(struct unpack *u)
{
    u->u.zstd = ZSTD_createDStream();
    if (!u->u.zstd)
        return -ENOMEM;
    ZSTD_DCtx_setParameter(u->u.zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return 0;
}

static int zstd_step(struct unpack *u, struct flow *f)
{
    ZSTD_inBuffer in = {f->in, f->in_len, 0};
    ZSTD_outBuffer out = {f->out, f->out_len, 0};
    size_t r = ZSTD_decompressStream(u->u.zstd, &out, &in);

    f->used = in.pos;
    f->made = out.pos;
    if (ZSTD_isError(r))
        return -EBADMSG;
    return !r;
}

static void zstd_end(struct unpack *u)
{
    ZSTD_freeDStream(u->u.zstd);
}

/* --- lz4 -------------------------------------------------------------------------------------- */

static int lz4_begin(struct unpack *u)
{
    u->u.lz4.packed = malloc((size_t)LZ4_compressBound(LZ4_BLOCK));
    u->u.lz4.plain = malloc(LZ4_BLOCK);
    if (u->u.lz4.packed && u->u.lz4.plain)
        return 0;
    free(u->u.lz4.packed);
    free(u->u.lz4.plain);
    return -ENOMEM;
}

/* A block is complete. */
static int lz4_block(struct unpack *u)
{
    int n = LZ4_decompress_safe((const char *)u->u.lz4.packed, (char *)u->u.lz4.plain,
                                (int)u->u.lz4.want, LZ4_BLOCK);

    u->u.lz4.want = 0;
    u->u.lz4.have = 0;
    u->u.lz4.plain_at = 0;
    u->u.lz4.plain_len = n > 0 ? (uint32_t)n : 0;
    return n < 0 ? -EBADMSG : 0;
}

/* Four bytes: the magic number once, then sizes; a size that cannot be one belongs to what follows,
 * and ends the member before it. */
static int lz4_head(struct unpack *u, struct flow *f)
{
    uint32_t value;

    while (u->u.lz4.head_have < 4 && f->used < f->in_len)
        u->u.lz4.head[u->u.lz4.head_have++] = f->in[f->used++];
    if (u->u.lz4.head_have < 4)
        return f->last ? 1 : 0;
    value = (uint32_t)ld_le(u->u.lz4.head, 4);
    if (!u->u.lz4.started) {
        u->u.lz4.head_have = 0;
        u->u.lz4.started = true;
        return 0;
    }
    if (!value || value > (uint32_t)LZ4_compressBound(LZ4_BLOCK))
        return 1; /* unpack_end() takes these four back */
    u->u.lz4.head_have = 0;
    u->u.lz4.want = value;
    return 0;
}

static int lz4_step(struct unpack *u, struct flow *f)
{
    size_t n;

    if (u->u.lz4.plain_at < u->u.lz4.plain_len) {
        n = u->u.lz4.plain_len - u->u.lz4.plain_at;
        n = n < f->out_len ? n : f->out_len;
        memcpy(f->out, u->u.lz4.plain + u->u.lz4.plain_at, n);
        u->u.lz4.plain_at += (uint32_t)n;
        f->made = n;
        return 0;
    }
    if (!u->u.lz4.want)
        return lz4_head(u, f);
    n = u->u.lz4.want - u->u.lz4.have;
    n = n < f->in_len ? n : f->in_len;
    memcpy(u->u.lz4.packed + u->u.lz4.have, f->in, n);
    u->u.lz4.have += (uint32_t)n;
    f->used = n;
    return u->u.lz4.have == u->u.lz4.want ? lz4_block(u) : 0;
}

static void lz4_end(struct unpack *u)
{
    free(u->u.lz4.packed);
    free(u->u.lz4.plain);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct codec codecs[] = {
    {"gzip", {0x1f, 0x8b, 0x08}, 3, gzip_begin, gzip_step, gzip_end},
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, xz_begin, lzma_step, lzma_finish},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, zstd_begin, zstd_step, zstd_end},
    {"bzip2", {'B', 'Z', 'h'}, 3, bzip2_begin, bzip2_step, bzip2_end},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, lz4_begin, lz4_step, lz4_end},
    {"lzma", {0x5d, 0x00, 0x00}, 3, lzma_begin, lzma_step, lzma_finish},
};

static const struct codec *find(const uint8_t *head, size_t size)
{
    for (unsigned i = 0; i < ARRAY_SIZE(codecs); i++)
        if (size >= codecs[i].magic_len && !memcmp(head, codecs[i].magic, codecs[i].magic_len))
            return &codecs[i];
    return NULL;
}

const char *unpack_probe(const uint8_t *head, size_t size)
{
    const struct codec *codec = find(head, size);

    return codec ? codec->name : NULL;
}

int unpack_open(const struct image_source *source, uint64_t offset, struct unpack **result)
{
    const struct codec *codec;
    struct unpack *u;
    uint8_t head[6];
    size_t n;
    int rc;

    if (offset >= source->size)
        return -EINVAL;
    n = source->size - offset < sizeof(head) ? (size_t)(source->size - offset) : sizeof(head);
    rc = source_read(source, offset, head, n);
    if (rc)
        return rc;
    codec = find(head, n);
    if (!codec)
        return -EINVAL;
    u = calloc(1, sizeof(*u));
    if (!u)
        return -ENOMEM;
    u->codec = codec;
    u->source = *source;
    u->at = offset;
    rc = codec->begin(u);
    if (rc) {
        free(u);
        return rc;
    }
    *result = u;
    return 0;
}

static int refill(struct unpack *u)
{
    uint64_t left = u->source.size - u->at;
    size_t n = left < INPUT ? (size_t)left : INPUT;
    int rc = source_read(&u->source, u->at, u->input, n);

    if (rc)
        return rc;
    u->at += n;
    u->in_start = 0;
    u->in_end = n;
    return 0;
}

static int advance(struct unpack *u, uint8_t *out, size_t len, size_t *made)
{
    struct flow flow = {.out = out, .out_len = len};
    int rc;

    if (u->in_start == u->in_end) {
        rc = refill(u);
        if (rc)
            return rc;
    }
    flow.in = u->input + u->in_start;
    flow.in_len = u->in_end - u->in_start;
    flow.last = u->at == u->source.size;
    rc = u->codec->step(u, &flow);
    u->in_start += flow.used;
    *made = flow.made;
    u->done = rc == 1;
    /* The data ends within the member. */
    if (!rc && flow.last && !flow.in_len && !flow.made)
        return -EBADMSG;
    return rc < 0 ? rc : 0;
}

int unpack_read(struct unpack *u, void *buf, size_t len, size_t *got)
{
    *got = 0;
    while (*got < len && !u->done && !u->failed) {
        size_t made = 0;
        u->failed = advance(u, (uint8_t *)buf + *got, len - *got, &made);
        *got += made;
    }
    return u->failed;
}

uint64_t unpack_end(const struct unpack *u)
{
    uint64_t end = u->at - (u->in_end - u->in_start);

    return u->codec->step == lz4_step ? end - u->u.lz4.head_have : end;
}

const char *unpack_name(const struct unpack *u)
{
    return u->codec->name;
}

void unpack_close(struct unpack *u)
{
    if (!u)
        return;
    u->codec->end(u);
    free(u);
}
