/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/gdb_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/loop.h"

enum state { IDLE, PAYLOAD, ESCAPED, SUM_HIGH, SUM_LOW };

/* $, #, two digits, and each byte may become two. */
enum { FRAME = 2 * GDB_PACKET + 4, OUT_LIMIT = 4 << 20 };

struct gdb_wire {
    struct loop *loop;
    struct loop_fd *watch;
    int fd;
    struct gdb_wire_events events;
    bool no_ack;
    bool dead;      /* destroyed inside an event: freed when that returns */
    unsigned depth; /* of calls into events */

    enum state state;
    char in[GDB_PACKET + 1];
    size_t in_len;
    bool too_long;
    uint8_t sum, expected;

    char *out; /* not sent yet */
    size_t out_len, out_room;
    char last[FRAME]; /* for a peer that asks again */
    size_t last_len;
};

static void flush(struct gdb_wire *wire)
{
    size_t sent = 0;

    while (sent < wire->out_len) {
        ssize_t n = send(wire->fd, wire->out + sent, wire->out_len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            sent = wire->out_len; /* the reading side will notice that the peer is gone */
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    memmove(wire->out, wire->out + sent, wire->out_len - sent);
    wire->out_len -= sent;
    loop_fd_set(wire->watch, wire->out_len ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

/* A peer that does not read loses the rest; it will not hold up the machine or eat its memory. */
static void put(struct gdb_wire *wire, const void *data, size_t len)
{
    if (wire->out_len + len > wire->out_room) {
        size_t room = 2 * wire->out_room + len;
        char *out = room <= OUT_LIMIT ? realloc(wire->out, room) : NULL;
        if (!out)
            return;
        wire->out = out;
        wire->out_room = room;
    }
    memcpy(wire->out + wire->out_len, data, len);
    wire->out_len += len;
    flush(wire);
}

void gdb_wire_send(struct gdb_wire *wire, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const char *bytes = data;
    char *to = wire->last;
    uint8_t sum = 0;

    if (len > GDB_PACKET)
        len = GDB_PACKET;
    *to++ = '$';
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        if (c == '$' || c == '#' || c == '}' || c == '*') {
            *to++ = '}';
            sum += '}';
            c ^= 0x20;
        }
        *to++ = c;
        sum += (uint8_t)c;
    }
    *to++ = '#';
    *to++ = digits[sum >> 4];
    *to++ = digits[sum & 15];
    wire->last_len = (size_t)(to - wire->last);
    put(wire, wire->last, wire->last_len);
}

void gdb_wire_no_ack(struct gdb_wire *wire)
{
    wire->no_ack = true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void packet_done(struct gdb_wire *wire)
{
    bool good = wire->sum == wire->expected && !wire->too_long;

    if (!wire->no_ack)
        put(wire, good ? "+" : "-", 1);
    if (!good)
        return;
    wire->in[wire->in_len] = 0;
    wire->events.packet(wire->events.ctx, wire->in, wire->in_len);
}

static void idle_byte(struct gdb_wire *wire, char c)
{
    if (c == '$') {
        wire->state = PAYLOAD;
        wire->in_len = 0;
        wire->sum = 0;
        wire->too_long = false;
    } else if (c == '-' && !wire->no_ack) {
        put(wire, wire->last, wire->last_len);
    } else if (c == 3) {
        wire->events.interrupt(wire->events.ctx);
    }
}

static void payload_byte(struct gdb_wire *wire, char c)
{
    if (wire->in_len < GDB_PACKET)
        wire->in[wire->in_len++] = c;
    else
        wire->too_long = true;
}

static void byte(struct gdb_wire *wire, char c)
{
    switch (wire->state) {
    case IDLE:
        idle_byte(wire, c);
        break;
    case PAYLOAD:
        if (c == '#') {
            wire->state = SUM_HIGH;
            break;
        }
        wire->sum += (uint8_t)c;
        if (c == '}')
            wire->state = ESCAPED;
        else
            payload_byte(wire, c);
        break;
    case ESCAPED:
        wire->sum += (uint8_t)c;
        payload_byte(wire, c ^ 0x20);
        wire->state = PAYLOAD;
        break;
    case SUM_HIGH:
        wire->expected = (uint8_t)(digit(c) << 4);
        wire->state = SUM_LOW;
        break;
    case SUM_LOW:
        wire->expected |= (uint8_t)digit(c);
        wire->state = IDLE;
        packet_done(wire);
        break;
    }
}

static void release(struct gdb_wire *wire)
{
    free(wire->out);
    free(wire);
}

static void on_socket(void *ctx, int fd, unsigned events)
{
    struct gdb_wire *wire = ctx;
    char buf[4096];
    ssize_t n;

    wire->depth++;
    if (events & LOOP_WRITE)
        flush(wire);
    n = recv(fd, buf, sizeof(buf), 0);
    for (ssize_t i = 0; i < n && !wire->dead; i++)
        byte(wire, buf[i]);
    if (!wire->dead && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)))
        wire->events.closed(wire->events.ctx);
    if (!--wire->depth && wire->dead)
        release(wire);
}

struct gdb_wire *gdb_wire_create(struct loop *loop, int fd, const struct gdb_wire_events *events)
{
    struct gdb_wire *wire = calloc(1, sizeof(*wire));

    if (!wire)
        return NULL;
    wire->loop = loop;
    wire->fd = fd;
    wire->events = *events;
    if (loop_fd_add(loop, fd, LOOP_READ, on_socket, wire, &wire->watch)) {
        free(wire);
        return NULL;
    }
    return wire;
}

void gdb_wire_destroy(struct gdb_wire *wire)
{
    if (!wire || wire->dead)
        return;
    loop_fd_remove(wire->watch);
    close(wire->fd);
    wire->dead = true;
    if (!wire->depth)
        release(wire);
}
