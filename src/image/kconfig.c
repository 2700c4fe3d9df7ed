/* SPDX-License-Identifier: Apache-2.0 */
#include "image/kconfig.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "image/pe.h"
#include "image/unpack.h"

enum {
    WINDOW = 1 << 20,
    CONFIG_MAX = 4 << 20, /* of the text */
    PACKED_MAX = 1 << 20, /* of what is behind the mark */
    NESTING_MAX = 3,
    CANDIDATES_MAX = 64, /* places in a zImage that look like compressed data */
};
static const uint64_t KERNEL_MAX = 512 << 20; /* bytes that are looked through, in all */

/* --- text ------------------------------------------------------------------------------------- */

char kconfig_get(const char *text, const char *name)
{
    char line[96];
    size_t len = (size_t)snprintf(line, sizeof(line), "CONFIG_%s=", name);
    const char *at = text;

    while (len < sizeof(line) && (at = strstr(at, line))) {
        if ((at == text || at[-1] == '\n') && (at[len] == 'y' || at[len] == 'm') &&
            (at[len + 1] == '\n' || at[len + 1] == '\r' || !at[len + 1]))
            return at[len];
        at += len;
    }
    return 'n';
}

int kconfig_plausible(const char *text)
{
    return strstr(text, "\nCONFIG_") || !strncmp(text, "CONFIG_", 7);
}

/* --- IKCONFIG --------------------------------------------------------------------------------- */

/* A stream of the kernel's bytes: plain, or being unpacked. */
struct feed {
    const struct image_source *source;
    uint64_t at;
    struct unpack *unpack; /* NULL: plain */
    uint64_t *budget;
};

static int feed_read(struct feed *f, uint8_t *buf, size_t len, size_t *got)
{
    uint64_t left = f->source->size - f->at;
    int rc;

    if (f->unpack)
        return unpack_read(f->unpack, buf, len, got);
    *got = left < len ? (size_t)left : len;
    rc = source_read(f->source, f->at, buf, *got);
    f->at += *got;
    return rc;
}

/* The text behind the mark: gzip. */
static int open_config(const uint8_t *packed, size_t size, char **text)
{
    struct image_source source = source_memory(packed, size);
    struct unpack *unpack;
    size_t got = 0;
    int rc = unpack_open(&source, 0, &unpack);

    if (rc)
        return rc == -EINVAL ? -ENOENT : rc;
    *text = malloc(CONFIG_MAX + 1);
    rc = *text ? unpack_read(unpack, *text, CONFIG_MAX, &got) : -ENOMEM;
    unpack_close(unpack);
    if (rc) {
        free(*text);
        return rc;
    }
    (*text)[got] = 0;
    if (kconfig_plausible(*text))
        return 0;
    free(*text);
    return -ENOENT;
}

/* Looks through the stream for the mark that kernel/configs.c puts before the configuration. */
static int search(struct feed *f, char **text)
{
    uint8_t *window = malloc(WINDOW + PACKED_MAX);
    size_t have = 0, got = 1;
    int rc = window ? -ENOENT : -ENOMEM, failed = 0;

    while (rc == -ENOENT && *f->budget >= WINDOW + PACKED_MAX && (got || have)) {
        const uint8_t *mark;
        size_t keep;
        if (!failed)
            failed = feed_read(f, window + have, WINDOW + PACKED_MAX - have, &got);
        else
            got = 0;
        have += got; /* what came before damage counts */
        *f->budget -= got;
        mark = memmem(window, have, "IKCFG_ST", 8);
        if (mark && ((size_t)(mark - window) < WINDOW || !got)) {
            rc = open_config(mark + 8, have - (size_t)(mark + 8 - window), text);
            keep = have - (size_t)(mark + 1 - window);
        } else if (mark) {
            keep = have - (size_t)(mark - window);
        } else {
            keep = have < 7 ? have : 7;
        }
        if (!got && rc == -ENOENT && !mark)
            break;
        memmove(window, window + have - keep, keep);
        have = keep;
    }
    free(window);
    return rc == -ENOENT && failed ? failed : rc;
}

/* --- what kernels are packed in --------------------------------------------------------------- */

static int extract(const struct image_source *kernel, unsigned nesting, uint64_t *budget,
                   char **text);

static int from_unpacked(const struct image_source *source, uint64_t offset, uint64_t *budget,
                         char **text)
{
    struct feed feed = {.source = source, .budget = budget};
    int rc = unpack_open(source, offset, &feed.unpack);

    if (!rc)
        rc = search(&feed, text);
    unpack_close(feed.unpack);
    return rc;
}

/* A zImage's payload has no place in its header that all versions share: the bytes are searched for
 * beginnings of compressed data, and the one that unpacks to a kernel with the mark is it. */
static int from_zimage(const struct image_source *source, uint64_t *budget, char **text)
{
    size_t size = source->size < (64 << 20) ? (size_t)source->size : 64 << 20;
    uint8_t *data = malloc(size);
    unsigned tried = 0;
    int rc = data ? source_read(source, 0, data, size) : -ENOMEM;

    if (rc) {
        free(data);
        return rc;
    }
    rc = -ENOENT;
    for (size_t at = 64; rc != 0 && rc != -ENOMEM && at + 6 < size && tried < CANDIDATES_MAX; at++)
        if (unpack_probe(data + at, size - at)) {
            tried++;
            rc = from_unpacked(source, at, budget, text);
        }
    free(data);
    return rc && rc != -ENOMEM ? -ENOENT : rc;
}

/* A systemd stub has the kernel in a section. */
static int from_stub(const struct image_source *source, unsigned nesting, uint64_t *budget,
                     char **text)
{
    struct pe *pe = malloc(sizeof(*pe));
    const struct pe_section *section;
    int rc = -ENOENT;

    if (!pe)
        return -ENOMEM;
    if (!pe_read(source, pe, NULL) && (section = pe_find(pe, ".linux"))) {
        struct image_source part = source_part(source, section->offset, section->file_size);
        rc = extract(&part, nesting + 1, budget, text);
    }
    free(pe);
    return rc;
}

static int extract(const struct image_source *kernel, unsigned nesting, uint64_t *budget,
                   char **text)
{
    struct feed feed = {.source = kernel, .budget = budget};
    uint8_t head[64] = {0};
    size_t n = kernel->size < sizeof(head) ? (size_t)kernel->size : sizeof(head);
    int rc = source_read(kernel, 0, head, n);

    if (rc || nesting > NESTING_MAX)
        return rc ? rc : -ENOENT;
    if (unpack_probe(head, n))
        return from_unpacked(kernel, 0, budget, text);
    if (!memcmp(head, "MZ", 2) && !memcmp(head + 4, "zimg", 4)) {
        uint64_t offset = ld_le(head + 8, 4), len = ld_le(head + 12, 4);
        struct image_source part = source_part(kernel, offset, len);
        return from_unpacked(&part, 0, budget, text);
    }
    if (ld_le(head + 36, 4) == 0x016f2818)
        return from_zimage(kernel, budget, text);
    if (!memcmp(head, "MZ", 2) && memcmp(head + 56, "ARM\x64", 4)) {
        rc = from_stub(kernel, nesting, budget, text);
        if (rc != -ENOENT)
            return rc;
    }
    return search(&feed, text);
}

int kconfig_extract(const struct image_source *kernel, char **text)
{
    uint64_t budget = KERNEL_MAX;

    return extract(kernel, 0, &budget, text);
}
