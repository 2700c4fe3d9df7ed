/* SPDX-License-Identifier: Apache-2.0 */
/* Puts consecutive TCP segments of one connection together into one long frame, which costs the
 * guest as much as a short one. Internal to backend/net. */
#ifndef ARMVM_BACKEND_NET_MERGE_H
#define ARMVM_BACKEND_NET_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_offload;

enum { MERGE_MAX_FRAME = 14 + 65535 };

struct merge {
    size_t len;        /* of the frame; 0: empty */
    unsigned segments; /* that it consists of */
    uint16_t size;     /* payload of all but the last */
    uint32_t next;     /* sequence number expected */
    bool closed;       /* takes no more */
    uint8_t frame[MERGE_MAX_FRAME];
};

/* Takes a frame in if it continues what is there, or can begin it. False: nothing changed. */
bool merge_add(struct merge *merge, const uint8_t *frame, size_t len);
/* Completes the headers of what was put together. The caller sets len = 0 when it is done with it.
 */
void merge_finish(struct merge *merge, struct net_offload *offload);

#endif
