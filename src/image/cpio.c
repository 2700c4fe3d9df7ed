/* SPDX-License-Identifier: Apache-2.0 */
#include "image/cpio.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/unpack.h"

enum { HEADER = 110, ENTRIES_MAX = 1000000, PIECE = 65536 };

static const uint64_t BYTES_MAX = 1ull << 30;

struct cpio {
    const struct image_source *source;
    struct unpack *unpack; /* NULL: the archive is plain */
    uint64_t plain_at;     /* in the source, then */
    uint64_t position;     /* in the archive, for alignment */
    uint64_t left;         /* of the entry's contents */
    struct cpio_summary *summary;
    struct error *err;
    struct cpio_entry entry;
    uint8_t piece[PIECE];
};

/* --- the archive's bytes ---------------------------------------------------------------------- */

/* All of len, or *got fewer at the end. */
static int take(struct cpio *c, void *buf, size_t len, size_t *got)
{
    uint64_t left;
    int rc;

    if (c->summary->bytes > BYTES_MAX)
        return error_set(c->err, -EFBIG, "more than 1 GiB when unpacked");
    if (c->unpack) {
        rc = unpack_read(c->unpack, buf, len, got);
        if (rc == -EBADMSG)
            error_set(c->err, rc, "its %s data is damaged", unpack_name(c->unpack));
    } else {
        left = c->source->size - c->plain_at;
        *got = left < len ? (size_t)left : len;
        rc = source_read(c->source, c->plain_at, buf, *got);
        c->plain_at += *got;
    }
    c->position += *got;
    c->summary->bytes += *got;
    return rc;
}

static int take_all(struct cpio *c, void *buf, size_t len)
{
    size_t got;
    int rc = take(c, buf, len, &got);

    if (!rc && got < len)
        rc = error_set(c->err, -EINVAL, "it ends within an archive");
    return rc;
}

static int drop(struct cpio *c, uint64_t len)
{
    int rc = 0;

    while (!rc && len) {
        size_t n = len < PIECE ? (size_t)len : PIECE;
        rc = take_all(c, c->piece, n);
        len -= n;
    }
    return rc;
}

static int align(struct cpio *c)
{
    return drop(c, align_up(c->position, 4) - c->position);
}

int cpio_read(struct cpio *c, void *buf, size_t len)
{
    if (len > c->left)
        return -ERANGE;
    c->left -= len;
    return take_all(c, buf, len);
}

/* --- entries ---------------------------------------------------------------------------------- */

static int hex(const uint8_t *p, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 8; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *at = p[i] ? strchr(digits, p[i]) : NULL;
        if (!at)
            return -EINVAL;
        *value = *value << 4 | (uint32_t)(at - digits < 16 ? at - digits : at - digits - 6);
    }
    return 0;
}

/* The name in c->entry; 1: the trailer, behind which the archive ends. */
static int read_header(struct cpio *c)
{
    uint8_t h[HEADER];
    uint32_t mode, size, name;
    int rc = take_all(c, h, sizeof(h));

    if (rc)
        return rc;
    if (memcmp(h, "070701", 6) && memcmp(h, "070702", 6))
        return error_set(c->err, -EINVAL, "an entry of its archive is damaged");
    if (hex(h + 14, &mode) || hex(h + 54, &size) || hex(h + 94, &name) || !name ||
        name > CPIO_NAME_MAX)
        return error_set(c->err, -EINVAL, "an entry of its archive is damaged");
    rc = take_all(c, c->entry.name, name);
    c->entry.name[name] = 0;
    c->entry.mode = mode;
    c->entry.size = size;
    c->left = size;
    if (!rc)
        rc = align(c);
    if (rc)
        return rc;
    return !strcmp(c->entry.name, "TRAILER!!!");
}

static int walk_archive(struct cpio *c,
                        int (*each)(void *ctx, struct cpio *cpio, const struct cpio_entry *entry),
                        void *ctx)
{
    for (;;) {
        int rc = read_header(c);
        if (rc)
            return rc == 1 ? 0 : rc;
        if (++c->summary->entries > ENTRIES_MAX)
            return error_set(c->err, -EFBIG, "more than %d entries", ENTRIES_MAX);
        rc = each(ctx, c, &c->entry);
        if (!rc)
            rc = drop(c, c->left);
        if (!rc)
            rc = align(c);
        if (rc)
            return rc;
    }
}

/* --- archives one after the other ------------------------------------------------------------- */

static void add_kind(struct cpio_summary *summary, const char *kind)
{
    size_t len = strlen(summary->kinds);

    snprintf(summary->kinds + len, sizeof(summary->kinds) - len, "%s%s", len ? ", " : "", kind);
}

/* A compressed member holds archives as well, with zeroes between; to its end. */
static int walk_member(struct cpio *c, uint64_t *at,
                       int (*each)(void *ctx, struct cpio *cpio, const struct cpio_entry *entry),
                       void *ctx)
{
    int rc = unpack_open(c->source, *at, &c->unpack);
    size_t got;

    if (rc)
        return rc;
    add_kind(c->summary, unpack_name(c->unpack));
    c->position = 0;
    rc = walk_archive(c, each, ctx);
    c->summary->archives += !rc;
    do {
        got = 0;
        if (!rc)
            rc = take(c, c->piece, PIECE, &got);
        for (size_t i = 0; !rc && i < got; i++)
            if (c->piece[i])
                rc = error_set(c->err, -EINVAL,
                               "there is something behind the archive in its %s data",
                               unpack_name(c->unpack));
    } while (!rc && got == PIECE);
    *at = unpack_end(c->unpack);
    unpack_close(c->unpack);
    c->unpack = NULL;
    return rc;
}

static int walk_plain(struct cpio *c, uint64_t *at,
                      int (*each)(void *ctx, struct cpio *cpio, const struct cpio_entry *entry),
                      void *ctx)
{
    int rc;

    add_kind(c->summary, "cpio");
    c->plain_at = *at;
    c->position = 0;
    rc = walk_archive(c, each, ctx);
    c->summary->archives += !rc;
    *at = c->plain_at;
    return rc;
}

/* Where the next byte other than zero is. */
static int skip_zeroes(struct cpio *c, uint64_t *at)
{
    while (*at < c->source->size) {
        uint64_t left = c->source->size - *at;
        size_t n = left < PIECE ? (size_t)left : PIECE, i = 0;
        int rc = source_read(c->source, *at, c->piece, n);
        if (rc)
            return rc;
        while (i < n && !c->piece[i])
            i++;
        *at += i;
        if (i < n)
            return 0;
    }
    return 0;
}

int cpio_walk(const struct image_source *source,
              int (*each)(void *ctx, struct cpio *cpio, const struct cpio_entry *entry), void *ctx,
              struct cpio_summary *summary, struct error *err)
{
    struct cpio *c = calloc(1, sizeof(*c));
    uint64_t at = 0;
    int rc = c ? 0 : error_set(err, -ENOMEM, "out of memory");

    memset(summary, 0, sizeof(*summary));
    while (!rc) {
        uint8_t head[6] = {0};
        size_t n;
        c->source = source;
        c->summary = summary;
        c->err = err;
        rc = skip_zeroes(c, &at);
        if (rc || at == source->size)
            break;
        n = source->size - at < sizeof(head) ? (size_t)(source->size - at) : sizeof(head);
        rc = source_read(source, at, head, n);
        if (!rc && (!memcmp(head, "070701", 6) || !memcmp(head, "070702", 6)))
            rc = walk_plain(c, &at, each, ctx);
        else if (!rc && unpack_probe(head, n))
            rc = walk_member(c, &at, each, ctx);
        else if (!rc)
            rc = error_set(err, -EINVAL, "neither cpio nor a known compression at byte %" PRIu64,
                           at);
    }
    if (!rc && !summary->archives)
        rc = error_set(err, -EINVAL, "there is no archive in it");
    if (rc && rc != -EINVAL && rc != -EBADMSG && rc != -EFBIG && rc < 0)
        error_set(err, rc, "cannot be read: %s", strerror(-rc));
    free(c);
    return rc;
}
