/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random requests from several threads to images of all kinds that qemu-img makes, against a copy
 * in memory; afterwards qemu-img must find the image whole, without leaks, and of the same
 * contents.
 */
#include "images.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, SECTOR = 512 };

struct kind {
    const char *name;
    const char *options; /* -o */
    unsigned kib;        /* size of the disk */
    unsigned ops;        /* a thread and round */
    enum { EMPTY, ON_RAW, ON_QCOW2, COMPRESSED, SNAPSHOT, FULL } origin;
};

struct worker {
    struct blk *blk;
    uint8_t *model; /* shared: everybody has strips of his own */
    uint64_t size, strip;
    unsigned number, ops, seed;
    pthread_t thread;
    char failure[160];
};

/* A range inside one of the worker's strips. */
static void choose(struct worker *w, uint64_t *offset, uint64_t *len)
{
    uint64_t strips = w->size / w->strip, mine = (strips + THREADS - 1 - w->number) / THREADS;
    uint64_t at = ((uint64_t)rand_r(&w->seed) % mine * THREADS + w->number) * w->strip;
    uint64_t sectors = w->strip / SECTOR, skip = (uint64_t)rand_r(&w->seed) % sectors, n;

    if (rand_r(&w->seed) % 3 == 0)
        skip = 0;
    n = rand_r(&w->seed) % 3 ? 1 + (uint64_t)rand_r(&w->seed) % 8 : sectors;
    if (n > sectors - skip)
        n = sectors - skip;
    *offset = at + skip * SECTOR;
    *len = n * SECTOR;
}

static void check_read(struct worker *w, uint64_t offset, uint64_t len, uint8_t *buf)
{
    if (memcmp(buf, w->model + offset, len))
        snprintf(w->failure, sizeof(w->failure), "thread %u: wrong bytes in [%llu, +%llu)",
                 w->number, (unsigned long long)offset, (unsigned long long)len);
}

/* Each discarded sector is as it was or zero. */
static void after_discard(struct worker *w, uint64_t offset, uint64_t len, uint8_t *buf)
{
    static const uint8_t zero[SECTOR];

    for (uint64_t at = 0; at < len; at += SECTOR)
        if (memcmp(buf + at, zero, SECTOR) && memcmp(buf + at, w->model + offset + at, SECTOR))
            snprintf(w->failure, sizeof(w->failure), "thread %u: garbage at %llu", w->number,
                     (unsigned long long)(offset + at));
    memcpy(w->model + offset, buf, len);
}

static int step(struct worker *w, uint8_t *buf)
{
    uint64_t offset, len;
    int r;

    choose(w, &offset, &len);
    switch (rand_r(&w->seed) % 10) {
    case 0:
    case 1:
        r = perform(w->blk, BLK_READ, offset, buf, len, false);
        check_read(w, offset, len, buf);
        return r;
    case 2:
        memset(w->model + offset, 0, len);
        return perform(w->blk, BLK_WRITE_ZEROES, offset, NULL, len, rand_r(&w->seed) % 2);
    case 3:
        r = perform(w->blk, BLK_DISCARD, offset, NULL, len, true);
        if (!r)
            r = perform(w->blk, BLK_READ, offset, buf, len, false);
        after_discard(w, offset, len, buf);
        return r;
    case 4:
        return rand_r(&w->seed) % 8 ? 0 : perform(w->blk, BLK_FLUSH, 0, NULL, 0, false);
    default:
        memset(buf, rand_r(&w->seed), len);
        for (uint64_t i = 0; i < len; i += 64)
            buf[i] = (uint8_t)rand_r(&w->seed);
        memcpy(w->model + offset, buf, len);
        return perform(w->blk, BLK_WRITE, offset, buf, len, false);
    }
}

static void *work(void *ctx)
{
    struct worker *w = ctx;
    uint8_t *buf = malloc(w->strip);

    for (unsigned i = 0; i < w->ops && !*w->failure; i++) {
        int r = step(w, buf);
        if (r)
            snprintf(w->failure, sizeof(w->failure), "thread %u: a request failed: %s", w->number,
                     strerror(-r));
    }
    free(buf);
    return NULL;
}

static void run(const struct kind *kind, struct blk *blk, uint8_t *model, uint64_t size,
                unsigned round)
{
    struct worker w[THREADS];
    unsigned seed = round * 1000 + kind->kib;
    uint64_t strip = (uint64_t)SECTOR << rand_r(&seed) % 10;

    while (strip * THREADS > size)
        strip /= 2;
    for (unsigned i = 0; i < THREADS; i++) {
        w[i] = (struct worker){blk, model, size, strip, i, kind->ops, seed + i + 1, 0, ""};
        pthread_create(&w[i].thread, NULL, work, &w[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(w[i].thread, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        if (*w[i].failure)
            fail_msg("%s, round %u, strips of %llu: %s", kind->name, round,
                     (unsigned long long)strip, w[i].failure);
}

static uint8_t *make_image(const struct kind *kind)
{
    size_t size = (size_t)kind->kib << 10, base = size * 3 / 4 / 1024 * 1024 + 512;
    uint8_t *model = calloc(1, size), *below;

    shell("rm -f *");
    switch (kind->origin) {
    case EMPTY:
        must("qemu-img create -f qcow2 -o %s image %zu", kind->options, size);
        return model;
    case ON_RAW:
    case ON_QCOW2: /* the base is shorter than the disk */
        make_random("base.raw", base, kind->kib, &below);
        must("qemu-img convert -f raw -O %s base.raw base",
             kind->origin == ON_RAW ? "raw" : "qcow2");
        must("qemu-img create -f qcow2 -o %s -b base -F %s image %zu", kind->options,
             kind->origin == ON_RAW ? "raw" : "qcow2", size);
        memcpy(model, below, base);
        free(below);
        return model;
    default:
        free(model);
        make_random("base.raw", size, kind->kib, &model);
        must("qemu-img convert %s -f raw -O qcow2 -o %s base.raw image",
             kind->origin == COMPRESSED ? "-c" : "", kind->options);
        if (kind->origin == SNAPSHOT)
            must("qemu-img snapshot -c before image");
        return model;
    }
}

static void compare(struct blk *blk, const struct kind *kind, const uint8_t *model, size_t size)
{
    uint8_t *buf = malloc(size);

    assert_int_equal(perform(blk, BLK_READ, 0, buf, size, false), 0);
    for (size_t i = 0; i < size; i++)
        if (buf[i] != model[i])
            fail_msg("%s: byte %zu differs when read again", kind->name, i);
    free(buf);
}

static void check_kind(const struct kind *kind)
{
    size_t size = (size_t)kind->kib << 10;
    uint8_t *model = make_image(kind);
    unsigned rounds = getenv("ARMVM_LONG") ? 20 : 2;

    for (unsigned round = 0; round < rounds; round++) {
        struct blk *blk = open_blk("image", false, false);
        assert_int_equal(blk_size(blk), size);
        run(kind, blk, model, size, round);
        compare(blk, kind, model, size);
        blk_close(blk);
        print_message("  %s, round %u\n", kind->name, round);
        must("qemu-img check -f qcow2 image");
        write_file("model", model, size);
        must("qemu-img compare -f qcow2 -F raw image model");
        blk = open_blk("image", true, false);
        compare(blk, kind, model, size);
        blk_close(blk);
    }
    if (kind->origin == SNAPSHOT) {
        must("qemu-img convert -f qcow2 -O raw -l before image old");
        must("cmp old base.raw");
        must("qemu-img snapshot -d before image");
        must("qemu-img check -f qcow2 image");
    }
    free(model);
}

static const struct kind kinds[] = {
    {"64 KiB clusters", "cluster_size=64k", 16384, 400, EMPTY},
    {"512-byte clusters", "cluster_size=512", 4096, 400, EMPTY},
    {"512-byte clusters, larger", "cluster_size=512,refcount_bits=64", 65536, 300, EMPTY},
    {"1 KiB clusters", "cluster_size=1k", 4096, 300, ON_RAW},
    {"2 KiB clusters", "cluster_size=2k", 4096, 300, ON_QCOW2},
    {"4 KiB clusters", "cluster_size=4k", 8192, 300, SNAPSHOT},
    {"8 KiB clusters", "cluster_size=8k", 8192, 300, ON_QCOW2},
    {"2 MiB clusters", "cluster_size=2M", 24577, 150, EMPTY},
    {"2 MiB clusters on raw", "cluster_size=2M", 24577, 100, ON_RAW},
    {"version 2", "compat=0.10", 8192, 300, EMPTY},
    {"version 2 on raw", "compat=0.10,cluster_size=4k", 8192, 200, ON_RAW},
    {"version 2 with a snapshot", "compat=0.10,cluster_size=4k", 8192, 200, SNAPSHOT},
    {"counts of 1 bit", "refcount_bits=1,cluster_size=512", 4096, 300, EMPTY},
    {"counts of 2 bits", "refcount_bits=2,cluster_size=1k", 4096, 300, SNAPSHOT},
    {"counts of 4 bits", "refcount_bits=4,cluster_size=4k", 8192, 200, SNAPSHOT},
    {"counts of 8 bits", "refcount_bits=8,cluster_size=512", 4096, 200, SNAPSHOT},
    {"counts of 32 bits", "refcount_bits=32,cluster_size=512", 4096, 200, ON_RAW},
    {"counts of 64 bits", "refcount_bits=64,cluster_size=512", 4096, 300, SNAPSHOT},
    {"lazy refcounts", "lazy_refcounts=on", 8192, 200, EMPTY},
    {"reserved clusters", "preallocation=metadata,cluster_size=4k", 8192, 200, EMPTY},
    {"all allocated", "preallocation=falloc", 8192, 200, EMPTY},
    {"deflate", "compression_type=zlib", 8192, 200, COMPRESSED},
    {"deflate, 4 KiB clusters", "cluster_size=4k", 8192, 200, COMPRESSED},
    {"zstd", "compression_type=zstd", 8192, 200, COMPRESSED},
    {"zstd, 2 MiB clusters", "compression_type=zstd,cluster_size=2M", 16384, 100, COMPRESSED},
    {"full", "cluster_size=64k", 8192, 200, FULL},
};

static void random_requests_leave_images_whole_and_right(void **state)
{
    if (!have_qemu_img())
        skip();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        check_kind(&kinds[i]);
}

static int begin(void **state)
{
    images_begin();
    return 0;
}

static int end(void **state)
{
    images_end();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_requests_leave_images_whole_and_right, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
