/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left when writing ends in the middle. The system calls of the back end are wrapped (by
 * the linker): they can be made to fail, and what they did can be remembered, so that an image can
 * be made as a host without power would leave it: with all that was synchronised, and any part of
 * what was not. qemu-img says whether an image is whole.
 *
 * Sectors tell who wrote them: their number and a sequence number.
 */
#include "images.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

enum { SECTOR = 512, DISK = 4 << 20, SECTORS = DISK / SECTOR, THREADS = 3, MAX_PENDING = 4096 };

/* What guests did; shared with the process that is killed. */
struct record {
    atomic_ullong next;
    atomic_ullong started[SECTORS];  /* the last write begun */
    atomic_ullong finished[SECTORS]; /* the last write that ended */
    atomic_ullong flushed[SECTORS];  /* the last write a flush has covered */
    atomic_ullong zeroed[SECTORS];   /* the last write that may have been zeroed */
};

/* ---- the wrapped system calls ---- */

struct change {
    uint64_t offset;
    size_t len;
    uint8_t *bytes; /* NULL: a hole */
};

/* The tests of this program run one after the other. */
static struct {
    pthread_mutex_t lock;
    atomic_long countdown; /* calls until one fails; negative: never */
    atomic_int code;       /* how */
    bool forever;          /* and all after it */
    bool recording;
    uint8_t *durable; /* the file at the last synchronisation */
    size_t durable_len, room;
    struct change pending[MAX_PENDING];
    unsigned count;
    bool overflow;
    /* The loss of power: so many calls from now, what guests had done by then. */
    unsigned plug, seed;
    bool at_sync; /* only synchronisations count: then most is on its way */
    struct record *record, *then;
} host = {.lock = PTHREAD_MUTEX_INITIALIZER, .countdown = -1};

ssize_t __real_pwritev64(int fd, const struct iovec *iov, int n, off_t offset);
ssize_t __real_preadv64(int fd, const struct iovec *iov, int n, off_t offset);
int __real_fdatasync(int fd);
int __real_fallocate64(int fd, int mode, off_t offset, off_t len);
ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int n, off_t offset);
ssize_t __wrap_preadv64(int fd, const struct iovec *iov, int n, off_t offset);
int __wrap_fdatasync(int fd);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t len);

static bool fails(void)
{
    long left = atomic_load(&host.countdown);

    if (left < 0)
        return false;
    left = atomic_fetch_sub(&host.countdown, 1);
    if (left > 0)
        return false;
    atomic_store(&host.countdown, host.forever ? 0 : -1);
    errno = atomic_load(&host.code);
    return true;
}

static void remember(uint64_t offset, const struct iovec *iov, size_t len)
{
    struct change *c = &host.pending[host.count];

    if (host.count == MAX_PENDING) {
        host.overflow = true;
        return;
    }
    *c = (struct change){offset, len, NULL};
    if (iov) {
        size_t at = 0;
        c->bytes = malloc(len);
        for (; at < len; iov++) {
            size_t part = iov->iov_len < len - at ? iov->iov_len : len - at;
            if (part)
                memcpy(c->bytes + at, iov->iov_base, part);
            at += part;
        }
    }
    host.count++;
}

static void apply(uint8_t **image, size_t *len, const struct change *c, size_t from, size_t n)
{
    if (c->bytes && c->offset + from + n > *len) {
        *image = realloc(*image, c->offset + from + n);
        memset(*image + *len, 0, c->offset + from + n - *len);
        *len = c->offset + from + n;
    }
    if (c->bytes)
        memcpy(*image + c->offset + from, c->bytes + from, n);
    else if (c->offset < *len)
        memset(*image + c->offset, 0, c->len < *len - c->offset ? c->len : *len - c->offset);
}

/* The file after a loss of power now: each write since the last synchronisation arrived, did not,
 * or arrived for some of its 512-byte sectors. */
static void lose_power(const char *path)
{
    size_t len = host.durable_len;
    uint8_t *image = malloc(len);

    memcpy(image, host.durable, len);
    for (unsigned i = 0; i < host.count; i++) {
        const struct change *c = &host.pending[i];
        unsigned fate = (unsigned)rand_r(&host.seed) % 4;
        if (fate < 2) {
            apply(&image, &len, c, 0, c->len);
        } else if (fate == 2 && c->bytes) {
            for (size_t at = 0; at < c->len; at += SECTOR)
                if (rand_r(&host.seed) % 2)
                    apply(&image, &len, c, at, c->len - at < SECTOR ? c->len - at : SECTOR);
        }
    }
    write_file(path, image, len);
    free(image);
}

static void copy_all(atomic_ullong *to, atomic_ullong *from)
{
    for (unsigned i = 0; i < SECTORS; i++)
        atomic_store(&to[i], atomic_load(&from[i]));
}

static void count_down_to_power_loss(bool sync)
{
    struct record *now = host.record, *then = host.then;

    if (!host.plug || host.at_sync > sync || --host.plug)
        return;
    /* Guests go on meanwhile: what must be there is read first, what may be there last. */
    copy_all(then->flushed, now->flushed);
    lose_power("crashed");
    copy_all(then->started, now->started);
    copy_all(then->zeroed, now->zeroed);
}

ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int n, off_t offset)
{
    ssize_t r;

    if (fails())
        return -1;
    if (!host.recording)
        return __real_pwritev64(fd, iov, n, offset);
    pthread_mutex_lock(&host.lock);
    count_down_to_power_loss(false);
    r = __real_pwritev64(fd, iov, n, offset);
    if (r > 0)
        remember((uint64_t)offset, iov, (size_t)r);
    pthread_mutex_unlock(&host.lock);
    return r;
}

ssize_t __wrap_preadv64(int fd, const struct iovec *iov, int n, off_t offset)
{
    return fails() ? -1 : __real_preadv64(fd, iov, n, offset);
}

int __wrap_fdatasync(int fd)
{
    if (fails())
        return -1;
    if (!host.recording)
        return 0; /* nobody pulls a plug here, and disks are slow */
    pthread_mutex_lock(&host.lock);
    count_down_to_power_loss(true);
    for (unsigned i = 0; i < host.count; i++) {
        apply(&host.durable, &host.durable_len, &host.pending[i], 0, host.pending[i].len);
        free(host.pending[i].bytes);
    }
    host.count = 0;
    pthread_mutex_unlock(&host.lock);
    return 0;
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t len)
{
    int r;

    if (fails())
        return -1;
    if (!host.recording)
        return __real_fallocate64(fd, mode, offset, len);
    pthread_mutex_lock(&host.lock);
    r = __real_fallocate64(fd, mode, offset, len);
    if (!r)
        remember((uint64_t)offset, NULL, (size_t)len);
    pthread_mutex_unlock(&host.lock);
    return r;
}

static void start_recording(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    assert_int_equal(fstat(fd, &st), 0);
    host.durable = malloc((size_t)st.st_size);
    host.durable_len = (size_t)st.st_size;
    assert_int_equal(read(fd, host.durable, (size_t)st.st_size), st.st_size);
    close(fd);
    host.count = 0;
    host.overflow = false;
    host.recording = true;
}

static void stop_recording(void)
{
    host.recording = false;
    for (unsigned i = 0; i < host.count; i++)
        free(host.pending[i].bytes);
    host.count = 0;
    free(host.durable);
}

/* ---- the guest ---- */

struct guest {
    struct blk *blk;
    struct record *record;
    unsigned number, seed, ops; /* ops 0: until killed */
    bool errors_allowed;
    atomic_int failed;
    pthread_t thread;
};

static void stamp(uint8_t *sector, unsigned number, unsigned long long seq)
{
    for (unsigned i = 0; i < SECTOR; i += 16) {
        unsigned long long n = number + 1;
        memcpy(sector + i, &n, 8);
        memcpy(sector + i + 8, &seq, 8);
    }
}

/* Guests have sectors of their own, in pieces of 3 KiB, so that they share clusters. */
static unsigned own_sector(struct guest *g, unsigned *count)
{
    unsigned pieces = SECTORS / (6 * THREADS);
    unsigned piece = (unsigned)rand_r(&g->seed) % pieces;

    *count = 1 + (unsigned)rand_r(&g->seed) % 6;
    return (piece * THREADS + g->number) * 6;
}

static void do_flush(struct guest *g, unsigned long long *copy)
{
    for (unsigned i = 0; i < SECTORS; i++)
        copy[i] = atomic_load(&g->record->finished[i]);
    if (perform(g->blk, BLK_FLUSH, 0, NULL, 0, false)) {
        g->failed = 1;
        return;
    }
    for (unsigned i = 0; i < SECTORS; i++)
        if (i / 6 % THREADS == g->number)
            atomic_store(&g->record->flushed[i], copy[i]);
}

static void do_write(struct guest *g, uint8_t *buf)
{
    unsigned count, first = own_sector(g, &count);
    unsigned long long seq = atomic_fetch_add(&g->record->next, 1) + 1;

    for (unsigned i = 0; i < count; i++) {
        stamp(buf + SECTOR * i, first + i, seq);
        atomic_store(&g->record->started[first + i], seq);
    }
    if (perform(g->blk, BLK_WRITE, (uint64_t)first * SECTOR, buf, (uint64_t)count * SECTOR, false))
        g->failed = 1;
    else
        for (unsigned i = 0; i < count; i++)
            atomic_store(&g->record->finished[first + i], seq);
}

/* Clusters that others also write, at the same time: any write that was begun before this ends may
 * be gone. Only one guest does it. */
static void do_zero(struct guest *g)
{
    unsigned count = SECTORS / 16, first = (unsigned)rand_r(&g->seed) % 16 * count;

    for (unsigned i = 0; i < count; i++)
        atomic_store(&g->record->zeroed[first + i], ~0ull);
    if (perform(g->blk, rand_r(&g->seed) % 2 ? BLK_DISCARD : BLK_WRITE_ZEROES,
                (uint64_t)first * SECTOR, NULL, (uint64_t)count * SECTOR, rand_r(&g->seed) % 2))
        g->failed = 1;
    for (unsigned i = 0; i < count; i++)
        atomic_store(&g->record->zeroed[first + i], atomic_load(&g->record->next));
}

static void *live(void *ctx)
{
    struct guest *g = ctx;
    unsigned long long *copy = calloc(SECTORS, sizeof(*copy));
    uint8_t buf[SECTOR * 6];

    for (unsigned i = 0; !g->ops || i < g->ops; i++) {
        unsigned what = (unsigned)rand_r(&g->seed) % 64;
        if (what < 4)
            do_flush(g, copy);
        else if (what == 4 && !g->number)
            do_zero(g);
        else
            do_write(g, buf);
    }
    free(copy);
    return NULL;
}

static struct record *new_record(void)
{
    struct record *record =
        mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(record, MAP_FAILED);
    return record;
}

static bool all_zero(const uint8_t *sector)
{
    for (unsigned i = 0; i < SECTOR; i++)
        if (sector[i])
            return false;
    return true;
}

/* No corruption (leaks are 3), and each sector holds a write that may be there. */
static void judge(struct record *record, const char *image)
{
    int status = shell("qemu-img check -f qcow2 %s", image), fd;
    uint8_t sector[SECTOR];

    if (status != 0 && status != 3) {
        (void)!system("cat log >&2");
        fail_msg("qemu-img check: %d", status);
    }
    must("qemu-img convert -f qcow2 -O raw %s contents", image);
    fd = open("contents", O_RDONLY);
    for (unsigned i = 0; i < SECTORS; i++) {
        unsigned long long number, seq, started = record->started[i];
        assert_int_equal(pread(fd, sector, SECTOR, (off_t)i * SECTOR), SECTOR);
        if (all_zero(sector)) {
            if (record->flushed[i] > record->zeroed[i])
                fail_msg("sector %u: a flushed write is gone", i);
            continue;
        }
        memcpy(&number, sector, 8);
        memcpy(&seq, sector + 8, 8);
        if (number != i + 1 || seq > started || seq < record->flushed[i])
            fail_msg("sector %u: has %llu of sector %llu; begun %llu, flushed %llu", i, seq,
                     number - 1, started, (unsigned long long)record->flushed[i]);
    }
    close(fd);
}

static void make_image(unsigned kind)
{
    static const char *const options[] = {
        "cluster_size=64k",
        "cluster_size=512",
        "cluster_size=4k,refcount_bits=1",
        "cluster_size=2k,lazy_refcounts=on",
        "compat=0.10,cluster_size=4k",
    };

    must("qemu-img create -f qcow2 -o %s image %d", options[kind % 5], DISK);
    if (kind % 5 == 0) {
        /* Something that is shared with a snapshot, and its copies must not be lost. */
        must("qemu-io -f qcow2 -c 'write -P 0 0 2M' image");
        must("qemu-img snapshot -c before image");
    }
}

static void run_guests(struct blk *blk, struct record *record, unsigned seed, unsigned ops,
                       int *failed)
{
    struct guest g[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        g[i] = (struct guest){
            .blk = blk, .record = record, .number = i, .seed = seed * 8 + i, .ops = ops};
        pthread_create(&g[i].thread, NULL, live, &g[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(g[i].thread, NULL);
        *failed |= g[i].failed;
    }
}

static void a_killed_process_leaves_a_whole_image_with_all_that_was_flushed(void **state)
{
    unsigned rounds = getenv("ARMVM_LONG") ? 500 : 50, seed = 1;
    struct record *record = NULL;

    if (!have_qemu_img())
        skip();
    for (unsigned round = 0; round < rounds; round++) {
        pid_t child;
        int status, failed = 0;
        /* Five rounds on one image: it must also be good to go on with. */
        if (round % 5 == 0) {
            if (record)
                munmap(record, sizeof(*record));
            record = new_record();
            make_image(round / 5);
        }
        /* What the last one had not flushed may be lost. */
        for (unsigned i = 0; i < SECTORS; i++)
            record->finished[i] = record->flushed[i];
        child = fork();
        if (!child) {
            struct blk *blk = open_blk("image", false, false);
            run_guests(blk, record, round, 0, &failed);
            _exit(0);
        }
        usleep(2000 + (useconds_t)rand_r(&seed) % 40000);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        judge(record, "image");
    }
    munmap(record, sizeof(*record));
}

static void a_loss_of_power_leaves_a_whole_image_with_all_that_was_flushed(void **state)
{
    unsigned rounds = getenv("ARMVM_LONG") ? 1000 : 60, lost = 0;

    if (!have_qemu_img())
        skip();
    host.seed = 7;
    for (unsigned round = 0; round < rounds; round++) {
        struct record *record = new_record(), *then = new_record();
        struct blk *blk;
        int failed = 0;
        make_image(round);
        start_recording("image");
        host.record = record;
        host.then = then;
        host.at_sync = round % 3;
        host.plug = 1 + (unsigned)rand_r(&host.seed) % (host.at_sync ? 40 : 500);
        blk = open_blk("image", false, false);
        run_guests(blk, record, round, 150, &failed);
        assert_false(failed);
        assert_false(host.overflow);
        blk_close(blk);
        stop_recording();
        must("qemu-img check -f qcow2 image");
        if (!host.plug) {
            judge(then, "crashed");
            lost++;
        }
        munmap(record, sizeof(*record));
        munmap(then, sizeof(*then));
    }
    assert_true(lost > rounds / 2);
}

/* One call fails, or all from one on (a full or broken host disk): requests fail, no more; and when
 * the host is well again, everything can be written. */
static void failing_system_calls_are_io_errors_and_leave_a_whole_image(void **state)
{
    static const int codes[] = {EIO, ENOSPC};
    unsigned seed = 3, seen = 0;

    if (!have_qemu_img())
        skip();
    for (unsigned round = 0; round < 60; round++) {
        struct record *record = new_record();
        struct blk *blk;
        int failed = 0, left;
        make_image(round);
        blk = open_blk("image", false, false);
        host.forever = round % 2;
        atomic_store(&host.code, codes[round / 2 % 2]);
        atomic_store(&host.countdown, (long)(unsigned)rand_r(&seed) % 300);
        run_guests(blk, record, round, 150, &failed);
        atomic_store(&host.countdown, -1);
        seen += failed;
        left = perform(blk, BLK_FLUSH, 0, NULL, 0, false);
        assert_int_equal(left, 0);
        failed = 0;
        run_guests(blk, record, round + 1000, 100, &failed);
        assert_int_equal(failed, 0);
        blk_close(blk);
        judge(record, "image");
        munmap(record, sizeof(*record));
    }
    assert_true(seen > 30);
}

/* Whatever call fails while it is opened: one line, and the file as it was. */
static void an_image_that_cannot_be_opened_is_left_alone(void **state)
{
    struct blk_config config = {"image", false, false, "qcow2"};
    unsigned opened = 0;

    if (!have_qemu_img())
        skip();
    make_image(0);
    must("cp image before");
    host.forever = false;
    for (long n = 0; n < 40; n++) {
        struct error err = {0};
        struct blk *blk;
        atomic_store(&host.code, EIO);
        atomic_store(&host.countdown, n);
        if (!blk_open(&config, &blk, &err)) {
            atomic_store(&host.countdown, -1);
            blk_close(blk);
            opened++;
        } else {
            assert_non_null(strstr(err.text, "image"));
        }
        atomic_store(&host.countdown, -1);
        must("cmp image before");
    }
    assert_true(opened > 0 && opened < 40);
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

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_killed_process_leaves_a_whole_image_with_all_that_was_flushed),
        TEST(a_loss_of_power_leaves_a_whole_image_with_all_that_was_flushed),
        TEST(failing_system_calls_are_io_errors_and_leave_a_whole_image),
        TEST(an_image_that_cannot_be_opened_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
