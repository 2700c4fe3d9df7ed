/* SPDX-License-Identifier: Apache-2.0 */
/* The user-mode network: options, and a guest's first steps inside it. No traffic leaves. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net/forward.h"
#include "backend/net/net.h"
#include "base/bits.h"
#include "base/error.h"

static void forwards_are_parsed(void **state)
{
    struct user_options o;
    struct error err = {0};

    assert_int_equal(user_parse(NULL, &o, &err), 0);
    assert_int_equal(o.forwards, 0);
    assert_int_equal(user_parse("hostfwd=tcp:2222:22,hostfwd=udp:0.0.0.0:53:10.0.2.16:5353,"
                                "restrict=on",
                                &o, &err),
                     0);
    assert_int_equal(o.forwards, 2);
    assert_true(o.restricted);
    assert_false(o.forward[0].udp);
    assert_int_equal(ntohl(o.forward[0].host.s_addr), 0x7f000001);
    assert_int_equal(o.forward[0].host_port, 2222);
    assert_int_equal(ntohl(o.forward[0].guest.s_addr), 0x0a00020f);
    assert_int_equal(o.forward[0].guest_port, 22);
    assert_true(o.forward[1].udp);
    assert_int_equal(o.forward[1].host.s_addr, 0);
    assert_int_equal(ntohl(o.forward[1].guest.s_addr), 0x0a000210);
    assert_int_equal(o.forward[1].guest_port, 5353);
}

static void bad_options_are_named(void **state)
{
    static const char *const bad[] = {
        "hostfwd=2222:22",
        "hostfwd=tcp:2222",
        "hostfwd=tcp:0:22",
        "hostfwd=tcp:65536:22",
        "hostfwd=tcp:22x:22",
        "hostfwd=tcp:-1:22",
        "hostfwd=tcp:1.2.3:1:2",
        "hostfwd=tcp:::",
        "hostfwd=tcp:1:2:3:4:5",
        "hostfwd=sctp:1:2",
        "hostfwd=tcp:[::1]:1:2",
        "hostfwd=",
        "fwd=tcp:1:2",
        "restrict=maybe",
        "hostfwd=tcp:1:2,,",
        "hostfwd=tcp:000000000000000000000000000000000000000000000000000000000000001:2",
    };
    struct user_options o;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = {0};
        if (user_parse(bad[i], &o, &err) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.text, "--net user"));
    }
}

static void a_port_in_use_is_named(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct error err = {0};
    struct net *net;
    char spec[64], port[16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
    snprintf(spec, sizeof(spec), "hostfwd=tcp:%s:22", port);
    assert_int_equal(net_user_create(NULL, spec, &net, &err), -EADDRINUSE);
    assert_non_null(strstr(err.text, port));
    assert_non_null(strstr(err.text, "in use"));
    close(fd);
}

struct guest {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    uint8_t frame[2048];
    size_t len;
    unsigned frames;
    uint16_t ethertype; /* only this */
    bool full;          /* refuse everything */
    unsigned refused;
};

static bool receive(void *ctx, const uint8_t *frame, size_t len, const struct net_offload *offload)
{
    struct guest *g = ctx;
    bool taken = true;

    pthread_mutex_lock(&g->lock);
    if (g->full) {
        g->refused++;
        taken = false;
    } else if (len <= sizeof(g->frame) && len >= 14 && ld_be(frame + 12, 2) == g->ethertype) {
        memcpy(g->frame, frame, len);
        g->len = len;
        g->frames++;
    }
    pthread_cond_broadcast(&g->arrived);
    pthread_mutex_unlock(&g->lock);
    return taken;
}

static void wait_for(struct guest *g, unsigned *counter, unsigned count)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&g->lock);
    while (*counter < count)
        if (pthread_cond_timedwait(&g->arrived, &g->lock, &until))
            break;
    pthread_mutex_unlock(&g->lock);
    assert_true(*counter >= count);
}

static const uint8_t arp_request[42] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 1, 2,  3, 0x08, 0x06, 0, 1, 8, 0,  6, 4, 0,
    1,    0x52, 0x54, 0,    1,    2,    3,    10,   0, 2, 15, 0, 0,    0,    0, 0, 0, 10, 0, 2, 2,
};

static void begin(struct guest *g, struct net **net, const char *spec, uint16_t ethertype)
{
    struct error err = {0};

    memset(g, 0, sizeof(*g));
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->arrived, NULL);
    g->ethertype = ethertype;
    if (net_user_create(NULL, spec, net, &err))
        fail_msg("%s", err.text);
    net_set_receiver(*net, receive, g);
}

static void send_arp(struct net *net)
{
    struct iovec iov[2] = {{(void *)arp_request, 20}, {(void *)(arp_request + 20), 22}};

    net_send(net, iov, 2);
}

static void the_gateway_answers_arp(void **state)
{
    struct guest g;
    struct net *net;

    begin(&g, &net, "restrict=on", 0x0806);
    send_arp(net);
    wait_for(&g, &g.frames, 1);
    assert_int_equal(ld_be(g.frame + 20, 2), 2);
    assert_int_equal(ld_be(g.frame + 28, 4), 0x0a000202);
    assert_int_equal(ld_be(g.frame + 38, 4), 0x0a00020f);
    /* Each of many wakes it up. */
    for (unsigned i = 2; i < 300; i++) {
        send_arp(net);
        wait_for(&g, &g.frames, i);
    }
    net_destroy(net);
}

static void a_frame_without_room_comes_when_there_is(void **state)
{
    struct guest g;
    struct net *net;

    begin(&g, &net, "restrict=on", 0x0806);
    g.full = true;
    send_arp(net);
    wait_for(&g, &g.refused, 1);
    assert_int_equal(g.frames, 0);
    pthread_mutex_lock(&g.lock);
    g.full = false;
    pthread_mutex_unlock(&g.lock);
    net_ready(net);
    wait_for(&g, &g.frames, 1);
    net_destroy(net);
}

static uint16_t ip_checksum(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)ld_be(p + i, 2);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void dhcp_offers_the_documented_addresses(void **state)
{
    uint8_t f[14 + 20 + 8 + 300] = {0};
    uint8_t *ip = f + 14, *udp = ip + 20, *bootp = udp + 8;
    struct iovec iov = {f, sizeof(f)};
    struct guest g;
    struct net *net;

    memset(f, 0xff, 6);
    memcpy(f + 6, arp_request + 6, 6);
    st_be(f + 12, 2, 0x0800);
    ip[0] = 0x45;
    st_be(ip + 2, 2, sizeof(f) - 14);
    ip[8] = 64;
    ip[9] = 17;
    st_be(ip + 16, 4, 0xffffffff);
    st_be(ip + 10, 2, ip_checksum(ip, 20));
    st_be(udp, 2, 68);
    st_be(udp + 2, 2, 67);
    st_be(udp + 4, 2, 308);
    bootp[0] = 1;
    bootp[1] = 1;
    bootp[2] = 6;
    memcpy(bootp + 28, arp_request + 6, 6);
    memcpy(bootp + 236, "\x63\x82\x53\x63\x35\x01\x01\xff", 8);

    begin(&g, &net, "", 0x0800);
    net_send(net, &iov, 1);
    wait_for(&g, &g.frames, 1);
    assert_int_equal(ld_be(g.frame + 14 + 28 + 16, 4), 0x0a00020f);
    assert_non_null(memmem(g.frame, g.len, "\x06\x04\x0a\x00\x02\x03", 6)); /* DNS */
    assert_non_null(memmem(g.frame, g.len, "\x03\x04\x0a\x00\x02\x02", 6)); /* router */
    net_destroy(net);
}

/* A port of the host's that nobody uses right now. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    close(fd);
    return ntohs(address.sin_port);
}

static void a_connection_to_a_forwarded_port_reaches_the_guest(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned port = free_port();
    uint8_t reply[42];
    struct iovec iov = {reply, sizeof(reply)};
    struct guest g;
    struct net *net;
    char spec[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    snprintf(spec, sizeof(spec), "hostfwd=tcp:%u:2345,restrict=on", port);
    begin(&g, &net, spec, 0x0806);
    address.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)) && errno, 1);
    /* Who has 10.0.2.15? We do; then the SYN comes. */
    wait_for(&g, &g.frames, 1);
    assert_int_equal(ld_be(g.frame + 38, 4), 0x0a00020f);
    pthread_mutex_lock(&g.lock);
    g.ethertype = 0x0800;
    memcpy(reply, g.frame + 6, 6);
    memcpy(reply + 6, arp_request + 6, 6);
    memcpy(reply + 12, arp_request + 12, 8);
    st_be(reply + 20, 2, 2);
    memcpy(reply + 22, arp_request + 6, 6);
    st_be(reply + 28, 4, 0x0a00020f);
    memcpy(reply + 32, g.frame + 22, 10);
    g.frames = 0;
    pthread_mutex_unlock(&g.lock);
    net_send(net, &iov, 1);
    wait_for(&g, &g.frames, 1);
    assert_int_equal(g.frame[23], 6);
    assert_int_equal(ld_be(g.frame + 14 + 20 + 2, 2), 2345);
    assert_int_equal(g.frame[14 + 20 + 13], 2); /* SYN */
    net_destroy(net);
    close(fd);
}

static void senseless_frames_do_no_harm(void **state)
{
    static uint8_t junk[70000];
    struct guest g;
    struct net *net;

    begin(&g, &net, "restrict=on", 0x0806);
    for (unsigned len = 0; len < 300; len++) {
        struct iovec iov = {junk, len};
        memset(junk, (int)len, sizeof(junk));
        net_send(net, &iov, 1);
    }
    struct iovec iov = {junk, sizeof(junk)};
    net_send(net, &iov, 1);
    send_arp(net);
    wait_for(&g, &g.frames, 1);
    net_destroy(net);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwards_are_parsed),
        cmocka_unit_test(bad_options_are_named),
        cmocka_unit_test(a_port_in_use_is_named),
        cmocka_unit_test(the_gateway_answers_arp),
        cmocka_unit_test(a_frame_without_room_comes_when_there_is),
        cmocka_unit_test(dhcp_offers_the_documented_addresses),
        cmocka_unit_test(a_connection_to_a_forwarded_port_reaches_the_guest),
        cmocka_unit_test(senseless_frames_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
