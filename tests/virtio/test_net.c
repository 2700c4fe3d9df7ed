/* SPDX-License-Identifier: Apache-2.0 */
/* The network device, over a fake back end. */
#include "rig.h"

#include <string.h>

#include "backend/net/core.h"
#include "base/bits.h"
#include "machine/virtio/virtio_mmio.h"

#define F_CSUM       (1ull << 0)
#define F_GUEST_CSUM (1ull << 1)
#define F_GUEST_TSO4 (1ull << 7)
#define F_TSO4       (1ull << 11)
#define F_MAC        (1ull << 5)
#define F_MRG        (1ull << 15)

enum { RX, TX };

struct wire {
    struct net net;
    net_receive_fn *receive;
    void *ctx;
    uint8_t frame[70000];
    size_t len;
    unsigned sent, readies;
    bool merging;
};

static void fake_destroy(struct net *net)
{
}

static void fake_set_receiver(struct net *net, net_receive_fn *receive, void *ctx)
{
    struct wire *w = (struct wire *)net;

    w->receive = receive;
    w->ctx = ctx;
}

static void fake_send(struct net *net, const struct iovec *iov, int iovcnt)
{
    struct wire *w = (struct wire *)net;

    w->len = 0;
    w->sent++;
    for (int i = 0; i < iovcnt; i++) {
        memcpy(w->frame + w->len, iov[i].iov_base, iov[i].iov_len);
        w->len += iov[i].iov_len;
    }
}

static void fake_ready(struct net *net)
{
    ((struct wire *)net)->readies++;
}

static void fake_set_merging(struct net *net, bool merging)
{
    ((struct wire *)net)->merging = merging;
}

static const struct net_ops fake_ops = {fake_destroy, fake_set_receiver, fake_send,
                                        fake_set_merging, fake_ready};

struct card {
    struct rig rig;
    struct wire wire;
    struct ring rx, tx;
    uint64_t features;
    struct net_offload offload; /* of arriving frames */
};

static const unsigned char mac[6] = {0x52, 0x54, 0, 1, 2, 3};

static void begin(struct card *c, uint64_t features, bool legacy)
{
    memset(&c->wire, 0, sizeof(c->wire));
    memset(&c->offload, 0, sizeof(c->offload));
    c->wire.net.ops = &fake_ops;
    rig_create(&c->rig);
    rig_attach(&c->rig, virtio_mmio_net_create(&c->wire.net, mac, legacy), legacy);
    c->features = driver_begin(&c->rig, features | F_VERSION_1);
    driver_queue(&c->rig, &c->rx, RX, 64);
    driver_queue(&c->rig, &c->tx, TX, 64);
    driver_ok(&c->rig);
}

static void end(struct card *c)
{
    rig_destroy(&c->rig);
    assert_null(c->wire.receive);
}

static void give_buffer(struct card *c, unsigned i, uint32_t len)
{
    set_desc(&c->rig, c->rx.desc, i, BUFFERS + 0x1000 * i, len, D_WRITE, 0);
    make_available(&c->rig, &c->rx, i);
    notify(&c->rig, &c->rx);
}

static bool arrive(struct card *c, size_t len)
{
    uint8_t frame[70000];

    for (size_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(i * 3);
    return c->wire.receive(c->wire.ctx, frame, len, &c->offload);
}

/* Sends a frame of len bytes behind a header of `header` bytes, in one descriptor. */
static void transmit(struct card *c, unsigned header, uint32_t len)
{
    set_desc(&c->rig, c->tx.desc, 0, BUFFERS, header + len, 0, 0);
    make_available(&c->rig, &c->tx, 0);
    notify(&c->rig, &c->tx);
    wait_used(&c->rig, &c->tx);
}

static void the_configuration_has_address_and_link(void **state)
{
    struct card c;

    begin(&c, 0, false);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(config_read(&c.rig, i, 1), mac[i]);
    assert_int_equal(config_read(&c.rig, 6, 2), 1);
    config_write(&c.rig, 0, 1, 0xff);
    assert_int_equal(config_read(&c.rig, 0, 1), 0x52);
    end(&c);
}

static void frames_go_out_without_their_header(void **state)
{
    static const unsigned header[2] = {12, 10};

    for (int legacy = 0; legacy < 2; legacy++) {
        struct card c;
        begin(&c, 0, legacy);
        memset(guest(&c.rig, BUFFERS, 200), 0, 200);
        memset(guest(&c.rig, BUFFERS + header[legacy], 100), 0x42, 100);
        transmit(&c, header[legacy], 100);
        assert_int_equal(c.wire.sent, 1);
        assert_int_equal(c.wire.len, 100);
        assert_int_equal(c.wire.frame[0], 0x42);
        end(&c);
    }
}

static void a_header_split_from_the_frame_is_understood(void **state)
{
    struct card c;

    begin(&c, 0, false);
    memset(guest(&c.rig, BUFFERS, 200), 0, 200);
    set_desc(&c.rig, c.tx.desc, 0, BUFFERS, 5, D_NEXT, 1);
    set_desc(&c.rig, c.tx.desc, 1, BUFFERS + 5, 20, D_NEXT, 2);
    set_desc(&c.rig, c.tx.desc, 2, BUFFERS + 25, 60, 0, 0);
    make_available(&c.rig, &c.tx, 0);
    notify(&c.rig, &c.tx);
    assert_int_equal(c.wire.len, 73);
    end(&c);
}

static void senseless_frames_are_dropped_and_returned(void **state)
{
    struct card c;

    begin(&c, F_CSUM, false);
    memset(guest(&c.rig, BUFFERS, 200), 0, 200);
    transmit(&c, 0, 4);      /* no whole header */
    transmit(&c, 12, 13);    /* no whole Ethernet header */
    transmit(&c, 12, 70000); /* more than any frame */
    poke(&c.rig, BUFFERS + 1, 1, 1);
    transmit(&c, 12, 100); /* segmentation was not negotiated */
    poke(&c.rig, BUFFERS, 2, 1);
    poke(&c.rig, BUFFERS + 6, 2, 100);
    transmit(&c, 12, 100); /* the checksum starts outside */
    poke(&c.rig, BUFFERS + 6, 2, 50);
    poke(&c.rig, BUFFERS + 8, 2, 49);
    transmit(&c, 12, 100); /* its field lies outside */
    assert_int_equal(c.wire.sent, 0);
    assert_false(needs_reset(&c.rig));
    end(&c);
}

/* RFC 1071's example: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
static void a_checksum_left_to_us_is_filled_in(void **state)
{
    static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0x00, 0x00};
    struct card c;

    begin(&c, F_CSUM, false);
    assert_true(c.features & F_CSUM);
    memset(guest(&c.rig, BUFFERS, 200), 0, 200);
    memcpy(guest(&c.rig, BUFFERS + 12 + 20, sizeof(data)), data, sizeof(data));
    poke(&c.rig, BUFFERS, 1, 1);
    poke(&c.rig, BUFFERS + 6, 2, 20);
    poke(&c.rig, BUFFERS + 8, 2, 8);
    transmit(&c, 12, 30);
    assert_int_equal(c.wire.sent, 1);
    assert_int_equal(c.wire.frame[28], 0x22);
    assert_int_equal(c.wire.frame[29], 0x0d);
    end(&c);
}

static void a_large_tcp_segment_goes_out_whole(void **state)
{
    struct card c;

    begin(&c, F_CSUM | F_TSO4, false);
    assert_true(c.features & F_TSO4);
    memset(guest(&c.rig, BUFFERS, 12), 0, 12);
    poke(&c.rig, BUFFERS, 2, 1 | 1 << 8); /* NEEDS_CSUM, TCPV4 */
    poke(&c.rig, BUFFERS + 6, 2, 34);
    poke(&c.rig, BUFFERS + 8, 2, 16);
    transmit(&c, 12, 65000);
    assert_int_equal(c.wire.sent, 1);
    assert_int_equal(c.wire.len, 65000);
    end(&c);
}

static void a_frame_arrives_behind_a_header(void **state)
{
    static const unsigned header[2] = {12, 10};

    for (int legacy = 0; legacy < 2; legacy++) {
        struct card c;
        struct used used;

        begin(&c, 0, legacy);
        give_buffer(&c, 0, 2048);
        assert_true(arrive(&c, 100));
        used = wait_used(&c.rig, &c.rx);
        assert_int_equal(used.len, header[legacy] + 100);
        assert_int_equal(peek(&c.rig, BUFFERS + header[legacy] + 5, 1), 15);
        if (!legacy)
            assert_int_equal(peek(&c.rig, BUFFERS + 10, 2), 1);
        assert_true(c.rig.level);
        end(&c);
    }
}

static void a_long_frame_takes_several_buffers_when_merging(void **state)
{
    struct card c;
    uint32_t total = 0;

    begin(&c, F_MRG, false);
    for (unsigned i = 0; i < 3; i++)
        give_buffer(&c, i, 1024);
    assert_true(arrive(&c, 2500));
    for (unsigned i = 0; i < 3; i++)
        total += wait_used(&c.rig, &c.rx).len;
    assert_int_equal(total, 2512);
    assert_int_equal(peek(&c.rig, BUFFERS + 10, 2), 3);
    assert_int_equal(peek(&c.rig, BUFFERS + 0x1000, 1), (uint8_t)((1024 - 12) * 3));
    end(&c);
}

static void merged_segments_arrive_as_such_when_negotiated(void **state)
{
    struct card c;

    begin(&c, F_MRG | F_GUEST_CSUM | F_GUEST_TSO4, false);
    assert_true(c.wire.merging);
    c.offload = (struct net_offload){1460, 54, 34, 16};
    for (unsigned i = 0; i < 3; i++)
        give_buffer(&c, i, 4096);
    assert_true(arrive(&c, 54 + 5000));
    wait_used(&c.rig, &c.rx);
    assert_int_equal(peek(&c.rig, BUFFERS, 8), 0x002205b400360101);
    assert_int_equal(peek(&c.rig, BUFFERS + 8, 4), 0x00020010);
    reg_write(&c.rig, 0x70, 0);
    assert_false(c.wire.merging);
    end(&c);

    begin(&c, F_MRG, false);
    assert_false(c.wire.merging);
    c.offload.segment = 1460;
    give_buffer(&c, 0, 4096);
    assert_true(arrive(&c, 3000)); /* falls on the floor */
    assert_false(has_used(&c.rig, &c.rx));
    end(&c);
}

static void without_buffers_a_frame_waits_and_none_is_lost(void **state)
{
    struct card c;
    unsigned readies;

    begin(&c, F_MRG | F_EVENT_IDX, false);
    assert_false(arrive(&c, 100));
    give_buffer(&c, 0, 512);
    assert_false(arrive(&c, 1000)); /* one is not enough */
    assert_false(has_used(&c.rig, &c.rx));
    readies = c.wire.readies;
    give_buffer(&c, 1, 1024);
    assert_true(c.wire.readies > readies);
    assert_true(arrive(&c, 1000));
    assert_int_equal(wait_used(&c.rig, &c.rx).id, 0);
    assert_int_equal(wait_used(&c.rig, &c.rx).id, 1);
    end(&c);
}

static void a_frame_too_long_for_the_buffers_is_lost(void **state)
{
    struct card c;

    begin(&c, 0, false);
    give_buffer(&c, 0, 64);
    assert_false(arrive(&c, 100));
    assert_int_equal(wait_used(&c.rig, &c.rx).len, 0);
    assert_false(needs_reset(&c.rig));
    end(&c);
}

static void a_buffer_without_room_for_the_header_needs_reset(void **state)
{
    struct card c;

    begin(&c, F_MRG, false);
    give_buffer(&c, 0, 4);
    give_buffer(&c, 1, 1000);
    assert_true(arrive(&c, 100));
    assert_true(needs_reset(&c.rig));
    assert_true(arrive(&c, 100));
    end(&c);
}

static void without_a_driver_frames_fall_on_the_floor(void **state)
{
    struct card c;

    begin(&c, 0, false);
    reg_write(&c.rig, 0x70, 0);
    assert_true(arrive(&c, 100));
    end(&c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_has_address_and_link),
        cmocka_unit_test(frames_go_out_without_their_header),
        cmocka_unit_test(a_header_split_from_the_frame_is_understood),
        cmocka_unit_test(senseless_frames_are_dropped_and_returned),
        cmocka_unit_test(a_checksum_left_to_us_is_filled_in),
        cmocka_unit_test(a_large_tcp_segment_goes_out_whole),
        cmocka_unit_test(a_frame_arrives_behind_a_header),
        cmocka_unit_test(a_long_frame_takes_several_buffers_when_merging),
        cmocka_unit_test(merged_segments_arrive_as_such_when_negotiated),
        cmocka_unit_test(without_buffers_a_frame_waits_and_none_is_lost),
        cmocka_unit_test(a_frame_too_long_for_the_buffers_is_lost),
        cmocka_unit_test(a_buffer_without_room_for_the_header_needs_reset),
        cmocka_unit_test(without_a_driver_frames_fall_on_the_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
