/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on a disk whose every sector says who wrote it. Built twice, for the guest, which writes,
 * and for the host, which afterwards checks what the image holds.
 *
 *   diskwork base FILE SECTORS              a file as if round 0 had written every sector of it
 *   diskwork sum FILE                       prints a checksum of a file or disk
 *   diskwork write DISK ROUND STRIPE OPS    four processes write; "work: flushed W N." tells that
 * all operations of process W up to number N are flushed. Each ends after OPS operations diskwork
 * check FILE STATE ROUND STRIPE LOG FILE holds what the round's LOG promises, on top of what STATE
 * says was there (made if ROUND is 0); STATE then says what is there now
 *
 * The operations follow from the numbers of round, process and operation alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SECTOR = 512,
    WORDS = SECTOR / 8,
    PIECE = 1 << 20,
    WORKERS = 4,
    STRIPE_MAX = 128,    /* sectors */
    UNFLUSHED_MAX = 2000 /* more than a process does between two lines on the console */
};

static const uint64_t magic = 0x726f7774636573a1;

enum kind { WRITE, ZERO, DISCARD };

struct op {
    enum kind kind;
    uint64_t sector, count;
};

static void die(const char *what)
{
    printf("work: broken: %s: %s.\n", what, strerror(errno));
    exit(1);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b * 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
    a ^= a >> 29;
    a *= 0x94d049bb133111eb;
    return a ^ a >> 32;
}

/* --- what a sector holds ----------------------------------------------------------------------*/

static uint64_t id_of(unsigned round, unsigned worker, uint64_t n)
{
    return (uint64_t)round << 40 | (uint64_t)worker << 32 | n;
}

static void fill(uint64_t *words, uint64_t id, uint64_t sector)
{
    words[0] = magic;
    words[1] = id;
    words[2] = sector;
    for (unsigned i = 3; i < WORDS; i++)
        words[i] = mix(id, sector) + (i & 7);
}

/* Who wrote it: 0 if it is zeroes; false if no one could have. */
static bool identify(const uint64_t *words, uint64_t sector, uint64_t *id)
{
    static const uint64_t zeroes[WORDS];
    uint64_t want[WORDS];

    *id = 0;
    if (!memcmp(words, zeroes, SECTOR))
        return true;
    *id = words[1];
    fill(want, *id, sector);
    return !memcmp(words, want, SECTOR);
}

/* --- operations -------------------------------------------------------------------------------*/

/* Stripes go to the processes in turn, so that they share clusters of an image. Number 0 is none.
 */
static struct op op_of(uint64_t sectors, unsigned round, unsigned worker, uint64_t stripe,
                       uint64_t n)
{
    uint64_t h = mix(id_of(round, worker, n), 1), what = mix(h, 2) % 16, place = mix(h, 3);
    uint64_t base = (mix(h, 4) % (sectors / stripe / WORKERS) * WORKERS + worker) * stripe;
    struct op op = {.kind = what < 12 ? WRITE : what < 14 ? ZERO : DISCARD};

    if (what == 0) { /* some sectors anywhere */
        op.count = 1 + mix(h, 5) % 7;
        op.sector = base + place % (stripe - op.count);
    } else { /* pages */
        op.count = (1 + mix(h, 5) % (stripe / 8)) * 8;
        op.sector = base + place % ((stripe - op.count) / 8 + 1) * 8;
    }
    return op;
}

static bool is_flush(unsigned round, unsigned worker, uint64_t n)
{
    return mix(id_of(round, worker, n), 6) % 12 == 0;
}

/* --- in the guest -----------------------------------------------------------------------------*/

static uint64_t sectors_of(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);

    if (end < 0)
        die("size");
    return (uint64_t)end / SECTOR;
}

static void perform(int fd, const struct op *op, uint64_t id, uint64_t *buffer)
{
    uint64_t range[2] = {op->sector * SECTOR, op->count * SECTOR};

    if (op->kind == DISCARD) {
        if (ioctl(fd, BLKDISCARD, range) && errno != EOPNOTSUPP)
            die("discard");
    } else if (op->kind == ZERO) {
        if (ioctl(fd, BLKZEROOUT, range))
            die("zeroes");
    } else {
        for (uint64_t i = 0; i < op->count; i++)
            fill(buffer + i * WORDS, id, op->sector + i);
        if (pwrite(fd, buffer, range[1], (off_t)range[0]) != (ssize_t)range[1])
            die("write");
    }
}

static void work(const char *disk, unsigned round, unsigned worker, uint64_t stripe, uint64_t ops)
{
    int fd = open(disk, O_RDWR | O_DIRECT);
    uint64_t *buffer = aligned_alloc(4096, STRIPE_MAX * SECTOR);

    if (fd < 0 || !buffer)
        die(disk);
    for (uint64_t n = 1, sectors = sectors_of(fd); n <= ops; n++) {
        struct op op = op_of(sectors, round, worker, stripe, n);
        char line[64];
        int len;
        perform(fd, &op, id_of(round, worker, n), buffer);
        if (!is_flush(round, worker, n) && n != ops)
            continue;
        if (fsync(fd))
            die("flush");
        len = snprintf(line, sizeof(line), "work: flushed %u %" PRIu64 ".\n", worker, n);
        if (write(STDOUT_FILENO, line, (size_t)len) != len)
            exit(1);
    }
}

static int do_write(const char *disk, unsigned round, uint64_t stripe, uint64_t ops)
{
    int bad = 0, status;

    for (unsigned worker = 0; worker < WORKERS; worker++)
        if (!fork()) {
            work(disk, round, worker, stripe, ops);
            exit(0);
        }
    while (wait(&status) > 0)
        bad |= status;
    return bad != 0;
}

static int do_sum(const char *path)
{
    int fd = open(path, O_RDONLY);
    uint64_t *piece = malloc(PIECE), sum = 0;
    ssize_t n;

    if (fd < 0 || !piece)
        die(path);
    while ((n = read(fd, piece, PIECE)) > 0)
        for (ssize_t i = 0; i < n / 8; i++)
            sum = (sum << 7 | sum >> 57) ^ piece[i];
    if (n < 0)
        die(path);
    printf("work: sum %016" PRIx64 ".\n", sum);
    return 0;
}

/* --- on the host ------------------------------------------------------------------------------*/

static int do_base(const char *path, uint64_t sectors)
{
    FILE *file = fopen(path, "w");
    uint64_t words[WORDS];

    if (!file)
        die(path);
    for (uint64_t i = 0; i < sectors; i++) {
        fill(words, id_of(0, 0, 1), i);
        if (fwrite(words, SECTOR, 1, file) != 1)
            die(path);
    }
    if (fclose(file))
        die(path);
    return 0;
}

/* What is known of a sector: what it held, or has been promised to hold since; whether it may be
 * zeroes instead. */
struct known {
    uint64_t id;
    bool zeroes, later_zeroes;
};

static void read_flushed(const char *path, uint64_t flushed[WORKERS])
{
    FILE *log = fopen(path, "r");
    char line[256];
    unsigned worker;
    uint64_t n;
    char dot;

    if (!log)
        die(path);
    while (fgets(line, sizeof(line), log))
        if (sscanf(line, "work: flushed %u %" SCNu64 "%c", &worker, &n, &dot) == 3 && dot == '.' &&
            worker < WORKERS && n > flushed[worker])
            flushed[worker] = n;
    fclose(log);
}

static void promise(struct known *known, const struct op *op, uint64_t id)
{
    for (uint64_t i = op->sector; i < op->sector + op->count; i++) {
        if (op->kind == DISCARD) { /* either */
            known[i].zeroes = true;
            continue;
        }
        known[i].id = op->kind == WRITE ? id : 0;
        known[i].zeroes = false;
    }
}

static void expect(struct known *known, uint64_t sectors, unsigned round, uint64_t stripe,
                   const uint64_t flushed[WORKERS])
{
    for (unsigned worker = 0; worker < WORKERS; worker++)
        for (uint64_t n = 1; n <= flushed[worker] + UNFLUSHED_MAX; n++) {
            struct op op = op_of(sectors, round, worker, stripe, n);
            if (n <= flushed[worker])
                promise(known, &op, id_of(round, worker, n));
            else if (op.kind != WRITE)
                for (uint64_t i = op.sector; i < op.sector + op.count; i++)
                    known[i].later_zeroes = true;
        }
}

/* By an operation of this round that nothing had been promised of. */
static bool is_later(uint64_t id, uint64_t sector, uint64_t sectors, unsigned round,
                     uint64_t stripe, const uint64_t flushed[WORKERS])
{
    unsigned worker = id >> 32 & 0xff;
    uint64_t n = id & 0xffffffff;
    struct op op;

    if (id >> 40 != round || worker >= WORKERS || n <= flushed[worker])
        return false;
    op = op_of(sectors, round, worker, stripe, n);
    return op.kind == WRITE && sector >= op.sector && sector - op.sector < op.count;
}

static bool is_right(const struct known *known, uint64_t id)
{
    return id == known->id || (!id && (known->zeroes || known->later_zeroes));
}

static struct known *load_state(const char *path, uint64_t sectors)
{
    struct known *known = calloc(sectors, sizeof(*known));
    FILE *state = fopen(path, "r");

    if (!known || !state)
        die(path);
    for (uint64_t i = 0; i < sectors; i++)
        if (fread(&known[i].id, sizeof(known[i].id), 1, state) != 1)
            die(path);
    fclose(state);
    return known;
}

static int do_check(const char *path, const char *state, unsigned round, uint64_t stripe,
                    const char *log)
{
    int fd = open(path, O_RDONLY);
    uint64_t sectors = fd < 0 ? 0 : sectors_of(fd), flushed[WORKERS] = {0}, bad = 0, words[WORDS];
    struct known *known = round ? load_state(state, sectors) : NULL;
    FILE *in = fopen(path, "r"), *out;

    if (fd < 0 || !in)
        die(path);
    if (known) {
        read_flushed(log, flushed);
        expect(known, sectors, round, stripe, flushed);
    }
    out = fopen(state, "w");
    if (!out)
        die(state);
    for (uint64_t i = 0, id; i < sectors; i++) {
        bool whole = fread(words, SECTOR, 1, in) == 1 && identify(words, i, &id);
        if (!whole || (known && !is_right(&known[i], id) &&
                       !is_later(id, i, sectors, round, stripe, flushed))) {
            if (bad++ < 10)
                printf("work: broken: sector %" PRIu64 ": has %s%" PRIx64 ", should have %" PRIx64
                       "%s or later.\n",
                       i, whole ? "" : "part of ", id, known ? known[i].id : 0,
                       known && known[i].zeroes ? " or zeroes" : "");
        }
        if (fwrite(&id, sizeof(id), 1, out) != 1)
            die(state);
    }
    if (fclose(out))
        die(state);
    printf("work: checked %" PRIu64 " operations, %" PRIu64 " sectors wrong.\n",
           flushed[0] + flushed[1] + flushed[2] + flushed[3], bad);
    return bad != 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!strcmp(what, "base") && argc == 4)
        return do_base(argv[2], strtoull(argv[3], NULL, 0));
    if (!strcmp(what, "sum") && argc == 3)
        return do_sum(argv[2]);
    if (!strcmp(what, "write") && argc == 6)
        return do_write(argv[2], (unsigned)atoi(argv[3]), strtoull(argv[4], NULL, 0),
                        strtoull(argv[5], NULL, 0));
    if (!strcmp(what, "check") && argc == 7)
        return do_check(argv[2], argv[3], (unsigned)atoi(argv[4]), strtoull(argv[5], NULL, 0),
                        argv[6]);
    fprintf(stderr, "usage: diskwork base|sum|write|check ...\n");
    return 2;
}
