/* SPDX-License-Identifier: Apache-2.0 */
/* The block device, over a temporary file. */
#include "rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "base/bits.h"
#include "base/error.h"
#include "machine/virtio/virtio_mmio.h"

enum { SECTORS = 2048, SECTOR = 512 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_ZEROES = 13 };

#define F_RO      (1ull << 5)
#define F_FLUSH   (1ull << 9)
#define F_WCE     (1ull << 11)
#define F_MQ      (1ull << 12)
#define F_DISCARD (1ull << 13)
#define F_ZEROES  (1ull << 14)

#define HEADER BUFFERS
#define STATUS (BUFFERS + 0x100)
#define DATA   (BUFFERS + 0x1000)

struct disk {
    struct rig rig;
    struct ring ring;
    struct blk *blk;
    char path[64];
    uint64_t features;
};

static uint8_t pattern(unsigned sector)
{
    return (uint8_t)(sector * 7 + 1);
}

static void make_file(char *path)
{
    uint8_t sector[SECTOR];
    int fd;

    strcpy(path, "/tmp/armvm-test-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < SECTORS; i++) {
        memset(sector, pattern(i), SECTOR);
        assert_int_equal(write(fd, sector, SECTOR), SECTOR);
    }
    close(fd);
}

static void begin(struct disk *d, bool readonly, bool ephemeral, bool legacy)
{
    struct blk_config config = {d->path, readonly, ephemeral, NULL};
    struct error err = {0};

    make_file(d->path);
    assert_int_equal(blk_open(&config, &d->blk, &err), 0);
    rig_create(&d->rig);
    rig_attach(&d->rig, virtio_mmio_blk_create(d->blk, "serial-1", legacy), legacy);
    d->features = driver_begin(&d->rig, ~F_EVENT_IDX);
    driver_queue(&d->rig, &d->ring, 0, 128);
    driver_ok(&d->rig);
}

static void end(struct disk *d)
{
    rig_destroy(&d->rig);
    blk_close(d->blk);
    unlink(d->path);
}

/* One request with its data in two pieces; returns the status byte, *written the used length. */
static int request(struct disk *d, unsigned type, uint64_t sector, uint32_t len, uint32_t *written)
{
    bool in = type == T_IN || type == T_GET_ID;
    uint32_t half = len / 2;
    struct used used;
    unsigned n = 0;

    poke(&d->rig, HEADER, 4, type);
    poke(&d->rig, HEADER + 4, 4, 0);
    poke(&d->rig, HEADER + 8, 8, sector);
    poke(&d->rig, STATUS, 1, 0xaa);
    set_desc(&d->rig, d->ring.desc, n++, HEADER, 16, D_NEXT, 1);
    if (len) {
        set_desc(&d->rig, d->ring.desc, n, DATA, half, D_NEXT | (in ? D_WRITE : 0), n + 1);
        n++;
        set_desc(&d->rig, d->ring.desc, n, DATA + half, len - half, D_NEXT | (in ? D_WRITE : 0),
                 n + 1);
        n++;
    }
    set_desc(&d->rig, d->ring.desc, n, STATUS, 1, D_WRITE, 0);
    make_available(&d->rig, &d->ring, 0);
    notify(&d->rig, &d->ring);
    used = wait_used(&d->rig, &d->ring);
    assert_int_equal(used.id, 0);
    if (written)
        *written = used.len;
    return (int)peek(&d->rig, STATUS, 1);
}

static uint8_t on_disk(struct disk *d, unsigned sector)
{
    uint8_t byte = 0;
    int fd = open(d->path, O_RDONLY);

    assert_int_equal(pread(fd, &byte, 1, (off_t)sector * SECTOR), 1);
    close(fd);
    return byte;
}

static void ranges(struct disk *d, unsigned i, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    poke(&d->rig, DATA + 16 * i, 8, sector);
    poke(&d->rig, DATA + 16 * i + 8, 4, sectors);
    poke(&d->rig, DATA + 16 * i + 12, 4, flags);
}

static void the_configuration_tells_capacity_and_limits(void **state)
{
    struct disk d;

    begin(&d, false, false, false);
    assert_int_equal(config_read(&d.rig, 0, 8), SECTORS);
    assert_int_equal(config_read(&d.rig, 12, 4), 126);
    assert_int_equal(config_read(&d.rig, 20, 4), 512);
    assert_int_equal(config_read(&d.rig, 32, 1), 1);
    assert_int_equal(config_read(&d.rig, 60, 4), 0);
    assert_true(d.features & F_FLUSH);
    assert_false(d.features & F_RO);
    end(&d);
}

static void reads_and_writes_reach_the_file(void **state)
{
    for (int legacy = 0; legacy < 2; legacy++) {
        struct disk d;
        uint32_t written;

        begin(&d, false, false, legacy);
        assert_int_equal(request(&d, T_IN, 5, 2 * SECTOR, &written), 0);
        assert_int_equal(written, 2 * SECTOR + 1);
        assert_int_equal(peek(&d.rig, DATA, 1), pattern(5));
        assert_int_equal(peek(&d.rig, DATA + SECTOR, 1), pattern(6));
        memset(guest(&d.rig, DATA, SECTOR), 0x5a, SECTOR);
        assert_int_equal(request(&d, T_OUT, 9, SECTOR, &written), 0);
        assert_int_equal(written, 1);
        assert_int_equal(request(&d, T_FLUSH, 0, 0, NULL), 0);
        assert_int_equal(on_disk(&d, 9), 0x5a);
        assert_int_equal(on_disk(&d, 10), pattern(10));
        end(&d);
    }
}

static void what_lies_outside_the_disk_is_an_error(void **state)
{
    static const uint64_t sector[] = {SECTORS - 1, SECTORS, ~0ull, 1ull << 55, 1ull << 63};
    struct disk d;

    begin(&d, false, false, false);
    for (size_t i = 0; i < ARRAY_SIZE(sector); i++) {
        assert_int_equal(request(&d, T_IN, sector[i], 2 * SECTOR, NULL), 1);
        assert_int_equal(request(&d, T_OUT, sector[i], 2 * SECTOR, NULL), 1);
    }
    assert_int_equal(request(&d, T_IN, 0, 100, NULL), 1);
    assert_int_equal(request(&d, T_IN, SECTORS - 1, SECTOR, NULL), 0);
    end(&d);
}

static void an_unknown_request_is_unsupported(void **state)
{
    struct disk d;

    begin(&d, false, false, false);
    assert_int_equal(request(&d, 99, 0, 0, NULL), 2);
    end(&d);
}

static void the_serial_number_can_be_asked_for(void **state)
{
    struct disk d;

    begin(&d, false, false, false);
    assert_int_equal(request(&d, T_GET_ID, 0, 20, NULL), 0);
    assert_memory_equal(guest(&d.rig, DATA, 20), "serial-1\0\0\0\0\0\0\0\0\0\0\0", 20);
    end(&d);
}

static void a_readonly_disk_says_so_and_refuses_writes(void **state)
{
    struct disk d;

    begin(&d, true, false, false);
    assert_true(d.features & F_RO);
    assert_false(d.features & (F_DISCARD | F_ZEROES));
    assert_int_equal(request(&d, T_OUT, 0, SECTOR, NULL), 1);
    assert_int_equal(request(&d, T_IN, 0, SECTOR, NULL), 0);
    assert_int_equal(request(&d, T_FLUSH, 0, 0, NULL), 0);
    ranges(&d, 0, 0, 8, 0);
    assert_int_equal(request(&d, T_ZEROES, 0, 16, NULL), 1);
    assert_int_equal(on_disk(&d, 0), pattern(0));
    end(&d);
}

static void ephemeral_writes_are_read_back_and_leave_the_file_alone(void **state)
{
    struct disk d;

    begin(&d, false, true, false);
    memset(guest(&d.rig, DATA, SECTOR), 0x77, SECTOR);
    assert_int_equal(request(&d, T_OUT, 130, SECTOR, NULL), 0);
    assert_int_equal(request(&d, T_IN, 129, 3 * SECTOR, NULL), 0);
    assert_int_equal(peek(&d.rig, DATA, 1), pattern(129));
    assert_int_equal(peek(&d.rig, DATA + SECTOR, 1), 0x77);
    assert_int_equal(peek(&d.rig, DATA + 2 * SECTOR, 1), pattern(131));
    assert_int_equal(on_disk(&d, 130), pattern(130));
    end(&d);
}

static void discarded_and_zeroed_ranges_read_as_zeroes(void **state)
{
    static const unsigned type[] = {T_DISCARD, T_ZEROES};

    for (unsigned i = 0; i < 2; i++) {
        struct disk d;
        begin(&d, false, false, false);
        ranges(&d, 0, 16, 8, 0);
        ranges(&d, 1, 64, 8, 0);
        assert_int_equal(request(&d, type[i], 0, 32, NULL), 0);
        assert_int_equal(on_disk(&d, 15), pattern(15));
        assert_int_equal(on_disk(&d, 16), 0);
        assert_int_equal(on_disk(&d, 24), pattern(24));
        assert_int_equal(on_disk(&d, 71), 0);
        end(&d);
    }
}

static void bad_ranges_are_refused(void **state)
{
    struct disk d;

    begin(&d, false, false, false);
    ranges(&d, 0, SECTORS, 1, 0);
    assert_int_equal(request(&d, T_ZEROES, 0, 16, NULL), 1);
    ranges(&d, 0, ~0ull, 2, 0);
    assert_int_equal(request(&d, T_DISCARD, 0, 16, NULL), 1);
    ranges(&d, 0, 0, 8, 1);
    assert_int_equal(request(&d, T_DISCARD, 0, 16, NULL), 2);
    ranges(&d, 0, 0, 8, 2);
    assert_int_equal(request(&d, T_ZEROES, 0, 16, NULL), 2);
    assert_int_equal(request(&d, T_ZEROES, 0, 15, NULL), 1);
    assert_int_equal(request(&d, T_ZEROES, 0, 0, NULL), 1);
    assert_int_equal(request(&d, T_ZEROES, 0, 16 * 17, NULL), 1);
    assert_int_equal(on_disk(&d, 0), pattern(0));
    end(&d);
}

/* A host that cannot write (here: a file size limit; else a full disk) is the guest's I/O error. */
static void host_errors_are_the_guests_io_errors(void **state)
{
    struct rlimit old, limit;
    struct disk d;

    begin(&d, false, false, false);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = (struct rlimit){SECTORS / 2 * SECTOR, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(request(&d, T_OUT, SECTORS / 2 + 8, SECTOR, NULL), 1);
    assert_int_equal(request(&d, T_OUT, 0, SECTOR, NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(request(&d, T_OUT, SECTORS / 2 + 8, SECTOR, NULL), 0);
    end(&d);
}

static void a_short_header_is_an_error_and_no_status_breaks(void **state)
{
    struct disk d;

    begin(&d, false, false, false);
    set_desc(&d.rig, d.ring.desc, 0, HEADER, 8, D_NEXT, 1);
    set_desc(&d.rig, d.ring.desc, 1, STATUS, 1, D_WRITE, 0);
    make_available(&d.rig, &d.ring, 0);
    notify(&d.rig, &d.ring);
    wait_used(&d.rig, &d.ring);
    assert_int_equal(peek(&d.rig, STATUS, 1), 1);
    set_desc(&d.rig, d.ring.desc, 0, HEADER, 16, 0, 0);
    make_available(&d.rig, &d.ring, 0);
    notify(&d.rig, &d.ring);
    assert_true(needs_reset(&d.rig));
    end(&d);
}

static void the_cache_mode_can_be_changed_and_reset(void **state)
{
    struct disk d;

    begin(&d, false, false, false);
    assert_true(d.features & F_WCE);
    config_write(&d.rig, 32, 1, 0);
    assert_int_equal(config_read(&d.rig, 32, 1), 0);
    assert_int_equal(request(&d, T_OUT, 1, SECTOR, NULL), 0);
    config_write(&d.rig, 0, 8, 1);
    assert_int_equal(config_read(&d.rig, 0, 8), SECTORS);
    reg_write(&d.rig, 0x70, 0);
    assert_int_equal(config_read(&d.rig, 32, 1), 1);
    end(&d);
}

static void many_requests_at_once_all_come_back(void **state)
{
    enum { COUNT = 40 };
    struct disk d;
    bool seen[COUNT] = {0};

    begin(&d, false, false, false);
    for (unsigned i = 0; i < COUNT; i++) {
        bool in = i % 2;
        poke(&d.rig, HEADER + 16 * i, 8, in ? T_IN : T_OUT);
        poke(&d.rig, HEADER + 16 * i + 8, 8, i * 8);
        set_desc(&d.rig, d.ring.desc, 3 * i, HEADER + 16 * i, 16, D_NEXT, 3 * i + 1);
        set_desc(&d.rig, d.ring.desc, 3 * i + 1, DATA + 0x1000 * i, 4096,
                 D_NEXT | (in ? D_WRITE : 0), 3 * i + 2);
        set_desc(&d.rig, d.ring.desc, 3 * i + 2, DATA + 0x100000 + i, 1, D_WRITE, 0);
        make_available(&d.rig, &d.ring, 3 * i);
    }
    notify(&d.rig, &d.ring);
    for (unsigned i = 0; i < COUNT; i++) {
        struct used used = wait_used(&d.rig, &d.ring);
        assert_false(seen[used.id / 3]);
        seen[used.id / 3] = true;
    }
    assert_false(needs_reset(&d.rig));
    end(&d);
}

/* Each in a queue of its own, at once; every one comes back in its queue. */
static void requests_come_back_in_the_queue_they_came_in(void **state)
{
    struct ring ring[4];
    struct disk d;

    begin(&d, false, false, false);
    reg_write(&d.rig, 0x70, 0);
    d.features = driver_begin(&d.rig, ~F_EVENT_IDX);
    assert_true(d.features & F_MQ);
    assert_int_equal(config_read(&d.rig, 34, 2), 4);
    for (unsigned i = 0; i < 4; i++)
        driver_queue(&d.rig, &ring[i], i, 16);
    driver_ok(&d.rig);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t at = HEADER + 0x40 * i;
        poke(&d.rig, at, 4, T_IN);
        poke(&d.rig, at + 8, 8, 10 + i);
        poke(&d.rig, STATUS + i, 1, 0xaa);
        set_desc(&d.rig, ring[i].desc, 0, at, 16, D_NEXT, 1);
        set_desc(&d.rig, ring[i].desc, 1, DATA + SECTOR * i, SECTOR, D_NEXT | D_WRITE, 2);
        set_desc(&d.rig, ring[i].desc, 2, STATUS + i, 1, D_WRITE, 0);
        make_available(&d.rig, &ring[i], 0);
    }
    for (unsigned i = 4; i-- > 0;) {
        notify(&d.rig, &ring[i]);
        assert_int_equal(wait_used(&d.rig, &ring[i]).len, SECTOR + 1);
        assert_int_equal(peek(&d.rig, STATUS + i, 1), 0);
        assert_int_equal(peek(&d.rig, DATA + SECTOR * i, 1), pattern(10 + i));
        assert_false(i && has_used(&d.rig, &ring[i - 1]));
    }
    end(&d);
}

static void memory_is_untouched_after_reset(void **state)
{
    struct disk d;

    begin(&d, false, false, false);
    for (unsigned round = 0; round < 50; round++) {
        poke(&d.rig, HEADER, 8, T_IN);
        poke(&d.rig, HEADER + 8, 8, 0);
        set_desc(&d.rig, d.ring.desc, 0, HEADER, 16, D_NEXT, 1);
        /* More than a submitting thread copies itself. */
        set_desc(&d.rig, d.ring.desc, 1, DATA, 512 << 10, D_NEXT | D_WRITE, 2);
        set_desc(&d.rig, d.ring.desc, 2, STATUS, 1, D_WRITE, 0);
        make_available(&d.rig, &d.ring, 0);
        notify(&d.rig, &d.ring);
        reg_write(&d.rig, 0x70, 0);
        memset(guest(&d.rig, DATA, 512 << 10), 0xee, 512 << 10);
        poke(&d.rig, STATUS, 1, 0xee);
        uint16_t used = (uint16_t)peek(&d.rig, d.ring.used + 2, 2);
        usleep(200);
        assert_int_equal(peek(&d.rig, DATA + (512 << 10) - 8, 8), 0xeeeeeeeeeeeeeeee);
        assert_int_equal(peek(&d.rig, STATUS, 1), 0xee);
        assert_int_equal(peek(&d.rig, d.ring.used + 2, 2), used);
        driver_begin(&d.rig, ~F_EVENT_IDX);
        driver_queue(&d.rig, &d.ring, 0, 128);
        driver_ok(&d.rig);
    }
    end(&d);
}

struct kicker {
    struct disk *disk;
    atomic_bool stop;
};

static void *kick(void *ctx)
{
    struct kicker *k = ctx;

    while (!k->stop)
        notify(&k->disk->rig, &k->disk->ring);
    return NULL;
}

/* More requests than one notification's budget, notified from two threads. */
static void a_flood_from_two_threads_is_carried_to_its_end(void **state)
{
    struct disk d;
    struct kicker k = {&d, false};
    pthread_t thread;

    begin(&d, false, false, false);
    poke(&d.rig, HEADER, 8, T_IN);
    poke(&d.rig, HEADER + 8, 8, 3);
    for (unsigned i = 0; i < 40; i++) {
        set_desc(&d.rig, d.ring.desc, 3 * i, HEADER, 16, D_NEXT, 3 * i + 1);
        set_desc(&d.rig, d.ring.desc, 3 * i + 1, DATA + 0x1000 * i, SECTOR, D_NEXT | D_WRITE,
                 3 * i + 2);
        set_desc(&d.rig, d.ring.desc, 3 * i + 2, DATA + 0x100000 + i, 1, D_WRITE, 0);
    }
    pthread_create(&thread, NULL, kick, &k);
    for (unsigned i = 0; i < 40; i++)
        make_available(&d.rig, &d.ring, 3 * i);
    for (unsigned i = 0; i < 3000; i++) {
        struct used used = wait_used(&d.rig, &d.ring);
        make_available(&d.rig, &d.ring, used.id);
    }
    k.stop = true;
    pthread_join(thread, NULL);
    notify(&d.rig, &d.ring);
    for (unsigned i = 0; i < 40; i++)
        wait_used(&d.rig, &d.ring);
    assert_false(needs_reset(&d.rig));
    end(&d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_tells_capacity_and_limits),
        cmocka_unit_test(reads_and_writes_reach_the_file),
        cmocka_unit_test(what_lies_outside_the_disk_is_an_error),
        cmocka_unit_test(an_unknown_request_is_unsupported),
        cmocka_unit_test(the_serial_number_can_be_asked_for),
        cmocka_unit_test(a_readonly_disk_says_so_and_refuses_writes),
        cmocka_unit_test(ephemeral_writes_are_read_back_and_leave_the_file_alone),
        cmocka_unit_test(discarded_and_zeroed_ranges_read_as_zeroes),
        cmocka_unit_test(bad_ranges_are_refused),
        cmocka_unit_test(host_errors_are_the_guests_io_errors),
        cmocka_unit_test(a_short_header_is_an_error_and_no_status_breaks),
        cmocka_unit_test(the_cache_mode_can_be_changed_and_reset),
        cmocka_unit_test(many_requests_at_once_all_come_back),
        cmocka_unit_test(requests_come_back_in_the_queue_they_came_in),
        cmocka_unit_test(memory_is_untouched_after_reset),
        cmocka_unit_test(a_flood_from_two_threads_is_carried_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
