/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes a good image in thousands of ways and checks each: whatever is in it, the check ends, has
 * an answer to every requirement and a report in every form. Sanitizers see the rest.
 *   mutate IMAGE COUNT [FIRST-SEED]
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/error.h"
#include "check/fix.h"
#include "check/image.h"
#include "check/report.h"
#include "image/patch.h"
#include "image/source.h"

enum { BLOCK = 512, CHANGES_MAX = 12, TEN_SECONDS = 10 };

struct change {
    size_t at;
    uint8_t before[BLOCK];
};

struct mutator {
    uint8_t *bytes;
    size_t size, shown; /* shown: what is left of it to the check */
    size_t *block;      /* offsets of blocks that are not zero */
    size_t blocks;
    uint64_t random;
    struct change change[CHANGES_MAX];
    unsigned changes;
};

/* xorshift64* (Vigna) */
static uint64_t next(struct mutator *m)
{
    m->random ^= m->random >> 12;
    m->random ^= m->random << 25;
    m->random ^= m->random >> 27;
    return m->random * 0x2545f4914f6cdd1dull;
}

static uint8_t *open_block(struct mutator *m, size_t at)
{
    at -= at % BLOCK;
    if (m->changes == CHANGES_MAX || at + BLOCK > m->size)
        return NULL;
    m->change[m->changes].at = at;
    memcpy(m->change[m->changes++].before, m->bytes + at, BLOCK);
    return m->bytes + at;
}

static void undo(struct mutator *m)
{
    while (m->changes) {
        m->changes--;
        memcpy(m->bytes + m->change[m->changes].at, m->change[m->changes].before, BLOCK);
    }
    m->shown = m->size;
}

/* Values at which lengths and numbers go wrong. */
static uint64_t edge(struct mutator *m)
{
    static const uint64_t values[] = {0,    1,      2,         7,          0x7f,       0x80,
                                      0xff, 0x7fff, 0x8000,    0xffff,     0x7fffffff, 0x80000000,
                                      100,  4096,   0xfffffff, 0xffffffff, ~0ull,      1ull << 63,
                                      3,    512,    65535,     65536,      1ull << 40, 12};
    return values[next(m) % ARRAY_SIZE(values)];
}

static void mutate_block(struct mutator *m)
{
    /* The beginning of the disk has most of what matters. */
    size_t which = next(m) % 3 ? next(m) % m->blocks : next(m) % (m->blocks < 64 ? m->blocks : 64);
    uint8_t *p = open_block(m, m->block[which]);
    unsigned size = 1u << next(m) % 4;
    size_t at = next(m) % (BLOCK - 8);

    if (!p)
        return;
    switch (next(m) % 6) {
    case 0:
        p[at] = (uint8_t)next(m);
        break;
    case 1:
        p[at] ^= (uint8_t)(1u << next(m) % 8);
        break;
    case 2:
        st_le(p + at - at % size, size, edge(m));
        break;
    case 3:
        st_le(p + at - at % size, size, ld_le(p + at - at % size, size) + (next(m) % 5) - 2);
        break;
    case 4:
        memmove(p, m->bytes + m->block[next(m) % m->blocks], BLOCK);
        break;
    default:
        memset(p + at, (int)next(m), next(m) % (BLOCK - at));
        break;
    }
}

/* So that a changed table is still taken for one. */
static void repair_gpt(struct mutator *m)
{
    uint8_t *h = open_block(m, 512);
    uint64_t array, size;

    if (!h)
        return;
    array = ld_le(h + 72, 8) * 512;
    size = ld_le(h + 80, 4) * ld_le(h + 84, 4);
    if (array < m->size && size <= m->size - array && size <= 1 << 20)
        st_le(h + 88, 4, crc32(0, m->bytes + array, (uInt)size));
    st_le(h + 16, 4, 0);
    size = ld_le(h + 12, 4);
    st_le(h + 16, 4, crc32(0, h, size <= 512 ? (uInt)size : 92));
}

static void mutate(struct mutator *m)
{
    unsigned count = 1 + (unsigned)(next(m) % 8);

    for (unsigned i = 0; i < count; i++)
        mutate_block(m);
    if (next(m) % 2)
        repair_gpt(m);
    if (next(m) % 16 == 0)
        m->shown = next(m) % m->size;
}

static void require(bool holds, const char *what, uint64_t seed)
{
    if (holds)
        return;
    fprintf(stderr, "mutate: seed %llu: %s\n", (unsigned long long)seed, what);
    abort();
}

/* Every form of the report. */
static void write_all(const struct report *report, uint64_t seed)
{
    for (unsigned format = 0; report_format_names()[format]; format++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        require(out && !report_write(report, (enum report_format)format, false, out, NULL),
                "a report cannot be written", seed);
        fclose(out);
        require(size > 0, "a report is empty", seed);
        free(text);
    }
}

/* What can be mended is, or nothing is changed; both are judged in there. */
static void mend_one(struct mutator *m, uint64_t seed)
{
    struct image_source source = source_memory(m->bytes, m->shown);
    struct error err = {0};
    struct fix_list list;
    struct patch patch;
    int rc;

    patch_init(&patch, &source);
    rc = fix_image(&patch, 0, &list, &err);
    require(!rc || rc == -EUCLEAN || rc == -EIO, err.text, seed);
    fix_free(&list);
    patch_free(&patch);
}

static int check_one(struct mutator *m, uint64_t seed)
{
    struct image_source source = source_memory(m->bytes, m->shown);
    struct report *report = report_new("image", "mutated", PROFILE_V1_0);
    struct error err = {0};
    struct timespec begin, end;
    int failed;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    require(!check_image(&source, report, &err), err.text, seed);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    require(end.tv_sec - begin.tv_sec < TEN_SECONDS, "takes too long", seed);
    require(report_counts(report).results == 12, "a requirement has no result", seed);
    for (size_t i = 0; report_at(report, i); i++) {
        const struct check_result *result = report_at(report, i);
        require(result->outcome == CHECK_PASS || result->found || result->findings,
                "a failure has no reason", seed);
    }
    write_all(report, seed);
    failed = report_status(report);
    report_free(report);
    return failed;
}

static int load(struct mutator *m, const char *path)
{
    FILE *in = fopen(path, "rb");

    if (!in || fseek(in, 0, SEEK_END))
        return -1;
    m->size = m->shown = (size_t)ftell(in);
    m->bytes = malloc(m->size);
    m->block = malloc((m->size / BLOCK + 1) * sizeof(*m->block));
    rewind(in);
    if (!m->bytes || !m->block || fread(m->bytes, 1, m->size, in) != m->size)
        return -1;
    fclose(in);
    for (size_t at = 0; at + BLOCK <= m->size; at += BLOCK)
        if (m->bytes[at] || memcmp(m->bytes + at, m->bytes + at + 1, BLOCK - 1))
            m->block[m->blocks++] = at;
    return m->blocks ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct mutator m = {0};
    uint64_t count, first, failed = 0;

    if (argc < 3 || load(&m, argv[1])) {
        fprintf(stderr, "usage: mutate IMAGE COUNT [FIRST-SEED]\n");
        return 2;
    }
    count = strtoull(argv[2], NULL, 0);
    first = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
    require(!check_one(&m, 0), "the image is not good to begin with", 0);
    for (uint64_t seed = first; seed < first + count; seed++) {
        m.random = seed * 0x9e3779b97f4a7c15ull | 1;
        mutate(&m);
        failed += (uint64_t)check_one(&m, seed);
        if (seed % 8 == 0)
            mend_one(&m, seed);
        undo(&m);
    }
    require(!check_one(&m, 0), "the image is not good at the end", 0);
    printf("%llu mutated images, %llu with a must that fails\n", (unsigned long long)count,
           (unsigned long long)failed);
    free(m.bytes);
    free(m.block);
    return 0;
}
