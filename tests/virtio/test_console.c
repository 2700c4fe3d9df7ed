/* SPDX-License-Identifier: Apache-2.0 */
/* The console device, over a file or an idle back end. */
#include "rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/chr/chr.h"
#include "base/error.h"
#include "host/loop.h"
#include "machine/virtio/virtio_mmio.h"

enum { RX, TX };

struct console {
    struct rig rig;
    struct loop *loop;
    struct chr *chr;
    struct ring rx, tx;
    char path[64];
};

static void begin(struct console *c)
{
    struct error err = {0};
    char spec[80];

    strcpy(c->path, "/tmp/armvm-test-XXXXXX");
    close(mkstemp(c->path));
    snprintf(spec, sizeof(spec), "file:%s", c->path);
    assert_int_equal(loop_create(&c->loop, &err), 0);
    assert_int_equal(chr_create(c->loop, spec, &c->chr, &err), 0);
    chr_set_size(c->chr, 132, 43);
    rig_create(&c->rig);
    rig_attach(&c->rig, virtio_mmio_console_create(c->chr, false), false);
    driver_begin(&c->rig, ~0ull);
    driver_queue(&c->rig, &c->rx, RX, 8);
    driver_queue(&c->rig, &c->tx, TX, 8);
    driver_ok(&c->rig);
}

static void end(struct console *c)
{
    rig_destroy(&c->rig);
    if (c->chr)
        chr_destroy(c->chr);
    loop_destroy(c->loop);
    unlink(c->path);
}

/* What reached the file, after everything was flushed. */
static void expect_output(struct console *c, const char *text)
{
    char buf[256] = {0};
    int fd;

    rig_destroy(&c->rig);
    chr_destroy(c->chr);
    fd = open(c->path, O_RDONLY);
    assert_true(read(fd, buf, sizeof(buf) - 1) >= 0);
    close(fd);
    assert_string_equal(buf, text);
    loop_destroy(c->loop);
    unlink(c->path);
}

static void *run(void *ctx)
{
    loop_run(ctx);
    return NULL;
}

static void the_size_is_in_the_configuration_and_changes_interrupt(void **state)
{
    struct console c;
    uint32_t generation;

    begin(&c);
    assert_int_equal(config_read(&c.rig, 0, 2), 132);
    assert_int_equal(config_read(&c.rig, 2, 2), 43);
    generation = reg_read(&c.rig, 0xfc);
    chr_set_size(c.chr, 80, 25);
    assert_int_equal(config_read(&c.rig, 0, 4), 25 << 16 | 80);
    assert_int_not_equal(reg_read(&c.rig, 0xfc), generation);
    assert_int_equal(reg_read(&c.rig, 0x60), 2);
    end(&c);
}

static void output_goes_to_the_back_end_in_order(void **state)
{
    struct console c;

    begin(&c);
    memcpy(guest(&c.rig, BUFFERS, 16), "hello, world\n", 13);
    set_desc(&c.rig, c.tx.desc, 0, BUFFERS, 7, D_NEXT, 1);
    set_desc(&c.rig, c.tx.desc, 1, BUFFERS + 7, 6, 0, 0);
    make_available(&c.rig, &c.tx, 0);
    notify(&c.rig, &c.tx);
    wait_used(&c.rig, &c.tx);
    expect_output(&c, "hello, world\n");
}

static void early_output_needs_no_queue(void **state)
{
    struct console c;

    begin(&c);
    reg_write(&c.rig, 0x70, 0);
    config_write(&c.rig, 8, 4, 'X');
    config_write(&c.rig, 8, 4, 'Y');
    assert_int_equal(config_read(&c.rig, 8, 4), 0);
    expect_output(&c, "XY");
}

static void input_waits_for_buffers(void **state)
{
    struct console c;
    struct used used;
    pthread_t thread;

    begin(&c);
    pthread_create(&thread, NULL, run, c.loop);
    chr_inject(c.chr, "abcdef", 6);
    usleep(20000);
    set_desc(&c.rig, c.rx.desc, 0, BUFFERS, 4, D_WRITE, 0);
    set_desc(&c.rig, c.rx.desc, 1, BUFFERS + 16, 4, D_WRITE, 0);
    make_available(&c.rig, &c.rx, 0);
    make_available(&c.rig, &c.rx, 1);
    notify(&c.rig, &c.rx);
    used = wait_used(&c.rig, &c.rx);
    assert_int_equal(used.len, 4);
    used = wait_used(&c.rig, &c.rx);
    assert_int_equal(used.len, 2);
    assert_memory_equal(guest(&c.rig, BUFFERS, 4), "abcd", 4);
    assert_memory_equal(guest(&c.rig, BUFFERS + 16, 2), "ef", 2);
    loop_quit(c.loop, 0);
    pthread_join(thread, NULL);
    end(&c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_size_is_in_the_configuration_and_changes_interrupt),
        cmocka_unit_test(output_goes_to_the_back_end_in_order),
        cmocka_unit_test(early_output_needs_no_queue),
        cmocka_unit_test(input_waits_for_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
