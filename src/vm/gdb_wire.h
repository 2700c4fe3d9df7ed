/* SPDX-License-Identifier: Apache-2.0 */
/* The GDB protocol's packets on a socket: framing, check sums, escapes, acknowledgements. */
#ifndef ARMVM_VM_GDB_WIRE_H
#define ARMVM_VM_GDB_WIRE_H

#include <stddef.h>

struct gdb_wire;
struct loop;

/* Payload of the largest packet, either way. */
enum { GDB_PACKET = 0x4000 };

struct gdb_wire_events {
    /* A packet's payload, unescaped and followed by a NUL. */
    void (*packet)(void *ctx, char *data, size_t len);
    void (*interrupt)(void *ctx); /* Ctrl-C */
    void (*closed)(void *ctx);    /* by the peer; destroy the wire from here or later */
    void *ctx;
};

/* Takes over the connected, non-blocking socket. NULL: out of memory. */
struct gdb_wire *gdb_wire_create(struct loop *loop, int fd, const struct gdb_wire_events *events);
/* Closes the socket. May be called from an event. */
void gdb_wire_destroy(struct gdb_wire *wire);

/* Sends a packet. */
void gdb_wire_send(struct gdb_wire *wire, const void *data, size_t len);

/* From the next packet on, nothing is acknowledged (QStartNoAckMode). */
void gdb_wire_no_ack(struct gdb_wire *wire);

#endif
