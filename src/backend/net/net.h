/* SPDX-License-Identifier: Apache-2.0 */
/* Network back ends: Ethernet frames in and out. */
#ifndef ARMVM_BACKEND_NET_NET_H
#define ARMVM_BACKEND_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct error;
struct loop;
struct net;

/* A frame that stands for several TCP segments: `segment` bytes of data in each, behind `header`
 * bytes of headers; its checksum is not complete (from csum_start on, field at csum_start +
 * csum_offset). All 0 for an ordinary frame. */
struct net_offload {
    uint16_t segment, header, csum_start, csum_offset;
};

/* A frame for the guest; false if it has no room now: the back end keeps or drops it, and net_ready
 * says when to go on. Called on a thread of the back end's, one call at a time; none is under way
 * after net_set_receiver returns. */
typedef bool net_receive_fn(void *ctx, const uint8_t *frame, size_t len,
                            const struct net_offload *offload);

/* User-mode network (libslirp): 10.0.2.0/24, gateway and host 10.0.2.2, DNS 10.0.2.3, guest
 * 10.0.2.15. spec: the rest of "--net user,..." ("hostfwd=tcp:HOST:GUEST", repeatable,
 * comma-separated; HOST is a port or ADDRESS:port). */
int net_user_create(struct loop *loop, const char *spec, struct net **net, struct error *err);

void net_destroy(struct net *net);
void net_set_receiver(struct net *net, net_receive_fn *receive, void *ctx);
/* A frame from the guest; any thread. Copies it. */
void net_send(struct net *net, const struct iovec *iov, int iovcnt);
/* Whether the receiver takes TCP/IPv4 segments put together into long frames; not at first. Any
 * thread; frames on their way may still come as they would have before. */
void net_set_merging(struct net *net, bool merging);
/* The guest has room again; any thread. */
void net_ready(struct net *net);

#endif
