/* SPDX-License-Identifier: Apache-2.0 */
/* Character back ends. The loop runs on a thread of its own, as in the program. */
#include <stdarg.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/chr/chr.h"
#include "base/error.h"
#include "host/clock.h"
#include "host/loop.h"

struct bench {
    struct loop *loop;
    struct chr *chr;
    pthread_t thread;
    bool running;
    char dir[64], path[80];
    /* What the guest took. */
    pthread_mutex_t lock;
    char got[4096];
    size_t got_len, room;
};

static void *run(void *ctx)
{
    loop_run(ctx);
    return NULL;
}

static size_t receive(void *ctx, const uint8_t *buf, size_t len)
{
    struct bench *b = ctx;

    pthread_mutex_lock(&b->lock);
    if (len > b->room)
        len = b->room;
    memcpy(b->got + b->got_len, buf, len);
    b->got_len += len;
    b->room -= len;
    pthread_mutex_unlock(&b->lock);
    return len;
}

static void begin(struct bench *b, const char *kind)
{
    struct error err = {0};
    char spec[100];

    memset(b, 0, sizeof(*b));
    pthread_mutex_init(&b->lock, NULL);
    b->room = sizeof(b->got);
    strcpy(b->dir, "/tmp/armvm-test-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof(b->path), "%s/x", b->dir);
    snprintf(spec, sizeof(spec), kind, b->path);
    assert_int_equal(loop_create(&b->loop, &err), 0);
    if (chr_create(b->loop, spec, &b->chr, &err))
        fail_msg("%s", err.text);
    chr_set_receiver(b->chr, receive, b);
}

static void start(struct bench *b)
{
    b->running = true;
    pthread_create(&b->thread, NULL, run, b->loop);
}

static void stop(struct bench *b)
{
    if (b->running) {
        loop_quit(b->loop, 0);
        pthread_join(b->thread, NULL);
        b->running = false;
    }
    chr_destroy(b->chr);
    b->chr = NULL;
}

static void end(struct bench *b)
{
    if (b->chr)
        stop(b);
    loop_destroy(b->loop);
    unlink(b->path);
    rmdir(b->dir);
    pthread_mutex_destroy(&b->lock);
}

static bool has_input(struct bench *b, size_t len)
{
    pthread_mutex_lock(&b->lock);
    bool there = b->got_len >= len;
    pthread_mutex_unlock(&b->lock);
    return there;
}

static void give_room(struct bench *b)
{
    pthread_mutex_lock(&b->lock);
    b->room = 100;
    pthread_mutex_unlock(&b->lock);
    chr_ready(b->chr);
}

static void wait_input(struct bench *b, const char *text)
{
    for (unsigned i = 0; i < 3000 && !has_input(b, strlen(text)); i++)
        usleep(1000);
    assert_int_equal(b->got_len, strlen(text));
    assert_memory_equal(b->got, text, b->got_len);
}

static int dial(struct bench *b)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, b->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void expect_bytes(int fd, const char *text)
{
    char buf[256] = {0};
    size_t n = 0;

    while (n < strlen(text)) {
        ssize_t r = read(fd, buf + n, strlen(text) - n);
        assert_true(r > 0);
        n += (size_t)r;
    }
    assert_string_equal(buf, text);
}

static void bad_specs_are_explained(void **state)
{
    static const char *const spec[][2] = {
        {"tty", "there are stdio"},
        {"file", "path is missing"},
        {"file:", "path is missing"},
        {"none:x", "no argument"},
        {"file:/nonexistent/x", "/nonexistent/x"},
        {"socket:/nonexistent/x", "/nonexistent/x"},
    };
    struct loop *loop;
    struct error err = {0};

    assert_int_equal(loop_create(&loop, &err), 0);
    for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
        struct chr *chr;
        memset(&err, 0, sizeof(err));
        assert_true(chr_create(loop, spec[i][0], &chr, &err) < 0);
        if (!strstr(err.text, spec[i][1]))
            fail_msg("'%s' lacks '%s'", err.text, spec[i][1]);
    }
    loop_destroy(loop);
}

static void a_file_gets_everything_even_without_a_loop(void **state)
{
    struct bench b;
    enum { COUNT = 100000 };
    char line[16];
    FILE *f;

    begin(&b, "file:%s");
    for (unsigned i = 0; i < COUNT; i++) {
        int n = snprintf(line, sizeof(line), "%u\n", i);
        chr_write(b.chr, line, (size_t)n);
    }
    stop(&b);
    f = fopen(b.path, "r");
    for (unsigned i = 0; i < COUNT; i++) {
        assert_non_null(fgets(line, sizeof(line), f));
        assert_int_equal(atoi(line), i);
    }
    assert_null(fgets(line, sizeof(line), f));
    fclose(f);
    end(&b);
}

static void injected_bytes_arrive_and_wait_for_room(void **state)
{
    struct bench b;

    begin(&b, "none");
    b.room = 3;
    start(&b);
    chr_inject(b.chr, "abc", 3);
    chr_inject(b.chr, "def", 3);
    wait_input(&b, "abc");
    usleep(5000);
    give_room(&b);
    wait_input(&b, "abcdef");
    end(&b);
}

static void a_socket_serves_one_client_after_the_other(void **state)
{
    struct bench b;
    int fd;

    begin(&b, "socket:%s");
    assert_string_equal(chr_name(b.chr), b.path);
    chr_write(b.chr, "early ", 6);
    start(&b);
    fd = dial(&b);
    expect_bytes(fd, "early ");
    assert_int_equal(write(fd, "in", 2), 2);
    wait_input(&b, "in");
    chr_write(b.chr, "late", 4);
    expect_bytes(fd, "late");
    close(fd);
    fd = dial(&b);
    assert_int_equal(write(fd, "two", 3), 3);
    wait_input(&b, "intwo");
    chr_write(b.chr, "again", 5);
    expect_bytes(fd, "again");
    stop(&b);
    assert_int_equal(access(b.path, F_OK), -1);
    close(fd);
    end(&b);
}

static void a_socket_nobody_reads_keeps_the_latest_output(void **state)
{
    struct bench b;
    uint64_t start_ns = host_now_ns();
    char *block = malloc(1 << 20);
    int fd;

    begin(&b, "socket:%s");
    memset(block, 'x', 1 << 20);
    chr_write(b.chr, block, 1 << 20);
    chr_write(b.chr, "END", 3);
    assert_true(host_now_ns() - start_ns < 900000000ull);
    start(&b);
    fd = dial(&b);
    size_t n = 0;
    while (!memmem(block, n, "END", 3)) {
        ssize_t r = read(fd, block + n, (1 << 20) - n);
        assert_true(r > 0);
        n += (size_t)r;
    }
    assert_int_equal(block[0], 'x');
    close(fd);
    free(block);
    end(&b);
}

static void a_stale_socket_file_is_replaced_and_a_live_one_refused(void **state)
{
    struct bench b;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct chr *chr;
    struct error err = {0};
    char spec[100];
    int fd;

    begin(&b, "socket:%s");
    snprintf(spec, sizeof(spec), "socket:%s", b.path);
    assert_int_equal(chr_create(b.loop, spec, &chr, &err), -EADDRINUSE);
    assert_non_null(strstr(err.text, b.path));
    assert_int_equal(access(b.path, F_OK), 0);
    stop(&b);

    strcpy(address.sun_path, b.path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    memset(&err, 0, sizeof(err));
    if (chr_create(b.loop, spec, &chr, &err))
        fail_msg("%s", err.text);
    chr_destroy(chr);
    end(&b);
}

static void a_pty_carries_bytes_both_ways(void **state)
{
    struct bench b;
    int fd;

    begin(&b, "pty");
    start(&b);
    assert_int_equal(strncmp(chr_name(b.chr), "/dev/pts/", 9), 0);
    fd = open(chr_name(b.chr), O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    chr_write(b.chr, "out\r\n", 5);
    expect_bytes(fd, "out\r\n");
    assert_int_equal(write(fd, "in\r", 3), 3);
    wait_input(&b, "in\r");
    close(fd);
    end(&b);
}

/* Runs a test with standard input and output replaced by pipes. */
struct pipes {
    int in[2], out[2], saved[2];
};

static void redirect(struct pipes *p)
{
    fflush(stdout);
    assert_int_equal(pipe(p->in), 0);
    assert_int_equal(pipe(p->out), 0);
    p->saved[0] = dup(0);
    p->saved[1] = dup(1);
    dup2(p->in[0], 0);
    dup2(p->out[1], 1);
    close(p->in[0]);
    close(p->out[1]);
}

static void restore(struct pipes *p)
{
    dup2(p->saved[0], 0);
    dup2(p->saved[1], 1);
    close(p->saved[0]);
    close(p->saved[1]);
}

static size_t take_menu_key(void *ctx, uint8_t *buf, size_t len)
{
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        if (buf[i] == 0x1d)
            atomic_fetch_add((atomic_uint *)ctx, 1);
        else
            buf[kept++] = buf[i];
    }
    return kept;
}

static void the_filter_sees_keys_even_when_the_guest_takes_none(void **state)
{
    struct bench b;
    struct pipes p;
    atomic_uint keys = 0;

    redirect(&p);
    begin(&b, "stdio");
    chr_set_filter(b.chr, take_menu_key, &keys);
    b.room = 2;
    start(&b);
    ssize_t n = write(p.in[1], "abcd", 4);
    usleep(20000);
    n += write(p.in[1],
               "e\x1d"
               "f",
               3);
    for (unsigned i = 0; i < 2000 && !keys; i++)
        usleep(1000);
    unsigned seen = keys;
    give_room(&b);
    for (unsigned i = 0; i < 2000 && !has_input(&b, 6); i++)
        usleep(1000);
    end(&b);
    restore(&p);
    close(p.in[1]);
    close(p.out[0]);
    assert_int_equal(n, 7);
    assert_int_equal(seen, 1);
    assert_int_equal(b.got_len, 6);
    assert_memory_equal(b.got, "abcdef", 6);
}

static void *slow_reader(void *ctx)
{
    struct pipes *p = ctx;
    char buf[65536];
    size_t total = 0;
    ssize_t n;

    while ((n = read(p->out[0], buf, sizeof(buf))) > 0) {
        total += (size_t)n;
        usleep(500);
    }
    return (void *)total;
}

static void a_slow_pipe_slows_the_guest_and_loses_nothing(void **state)
{
    enum { TOTAL = 3 << 20 };
    struct bench b;
    struct pipes p;
    pthread_t reader;
    char block[1000];
    void *total;

    redirect(&p);
    begin(&b, "stdio");
    start(&b);
    pthread_create(&reader, NULL, slow_reader, &p);
    memset(block, 'y', sizeof(block));
    for (unsigned i = 0; i < TOTAL / 1000; i++)
        chr_write(b.chr, block, sizeof(block));
    end(&b);
    restore(&p);
    pthread_join(reader, &total);
    close(p.in[1]);
    close(p.out[0]);
    assert_int_equal((size_t)total, TOTAL / 1000 * 1000);
}

/* Nobody reads the pseudo terminal: the guest waits once, then the latest output is kept. */
static void a_stuck_reader_holds_the_guest_up_only_once(void **state)
{
    struct bench b;
    char block[4096];
    uint64_t t;

    begin(&b, "pty");
    start(&b);
    memset(block, 'z', sizeof(block));
    t = host_now_ns();
    for (unsigned i = 0; i < 300; i++)
        chr_write(b.chr, block, sizeof(block));
    t = host_now_ns() - t;
    assert_true(t > 900000000ull);
    assert_true(t < 3000000000ull);
    end(&b);
}

static void a_closed_pipe_does_not_hold_the_guest_up(void **state)
{
    struct bench b;
    struct pipes p;
    char block[4096];
    uint64_t t = host_now_ns();

    redirect(&p);
    close(p.out[0]);
    begin(&b, "stdio");
    start(&b);
    memset(block, 'z', sizeof(block));
    for (unsigned i = 0; i < 300; i++)
        chr_write(b.chr, block, sizeof(block));
    end(&b);
    restore(&p);
    close(p.in[1]);
    assert_true(host_now_ns() - t < 5000000000ull);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_specs_are_explained),
        cmocka_unit_test(a_file_gets_everything_even_without_a_loop),
        cmocka_unit_test(injected_bytes_arrive_and_wait_for_room),
        cmocka_unit_test(a_socket_serves_one_client_after_the_other),
        cmocka_unit_test(a_socket_nobody_reads_keeps_the_latest_output),
        cmocka_unit_test(a_stale_socket_file_is_replaced_and_a_live_one_refused),
        cmocka_unit_test(a_pty_carries_bytes_both_ways),
        cmocka_unit_test(the_filter_sees_keys_even_when_the_guest_takes_none),
        cmocka_unit_test(a_slow_pipe_slows_the_guest_and_loses_nothing),
        cmocka_unit_test(a_stuck_reader_holds_the_guest_up_only_once),
        cmocka_unit_test(a_closed_pipe_does_not_hold_the_guest_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
