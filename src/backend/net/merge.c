/* SPDX-License-Identifier: Apache-2.0 */
/* Merging of TCP over IPv4 (RFC 791, RFC 9293) as receivers do it: same connection, same
 * acknowledgement and window, consecutive bytes, full segments but for the last one. */
#include "backend/net/merge.h"

#include <string.h>

#include "backend/net/net.h"
#include "base/bits.h"

/* Without options, which libslirp sends in a connection's first segment only. */
enum { IP = 14, TCP = IP + 20, DATA = TCP + 20 };
enum { FLAG_PSH = 8, FLAG_ACK = 16 };

/* A segment with data and nothing special about it. */
static bool plain_segment(const uint8_t *f, size_t len)
{
    if (len <= DATA || len > MERGE_MAX_FRAME)
        return false;
    return ld_be(f + 12, 2) == 0x0800 && f[IP] == 0x45 && ld_be(f + IP + 2, 2) == len - IP &&
           !(ld_be(f + IP + 6, 2) & 0x3fff) && f[IP + 9] == 6 && f[TCP + 12] == 0x50 &&
           (f[TCP + 13] & ~FLAG_PSH) == FLAG_ACK;
}

/* Everything but lengths, identification, checksums, sequence number and PSH. */
static bool same_flow(const uint8_t *a, const uint8_t *b)
{
    return !memcmp(a, b, IP + 2) && !memcmp(a + IP + 6, b + IP + 6, 4) &&
           !memcmp(a + IP + 12, b + IP + 12, 8 + 4) && !memcmp(a + TCP + 8, b + TCP + 8, 5) &&
           !memcmp(a + TCP + 14, b + TCP + 14, 2);
}

bool merge_add(struct merge *m, const uint8_t *frame, size_t len)
{
    size_t payload = len - DATA;

    if (!plain_segment(frame, len))
        return false;
    if (!m->len) {
        memcpy(m->frame, frame, len);
        m->len = len;
        m->segments = 1;
        m->size = (uint16_t)payload;
        m->closed = false;
    } else {
        if (m->closed || payload > m->size || len - DATA > MERGE_MAX_FRAME - m->len ||
            ld_be(frame + TCP + 4, 4) != m->next || !same_flow(m->frame, frame))
            return false;
        memcpy(m->frame + m->len, frame + DATA, payload);
        m->frame[TCP + 13] |= frame[TCP + 13];
        m->len += payload;
        m->segments++;
    }
    m->next = (uint32_t)(ld_be(frame + TCP + 4, 4) + payload);
    if (payload < m->size || frame[TCP + 13] & FLAG_PSH)
        m->closed = true;
    return true;
}

static uint32_t sum16(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)ld_be(p + i, 2);
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

void merge_finish(struct merge *m, struct net_offload *offload)
{
    uint8_t *f = m->frame;
    size_t total = m->len - IP;

    memset(offload, 0, sizeof(*offload));
    if (m->segments < 2)
        return;
    st_be(f + IP + 2, 2, total);
    st_be(f + IP + 10, 2, 0);
    st_be(f + IP + 10, 2, (uint16_t)~fold(sum16(f + IP, 20)));
    /* The field holds the pseudo header's sum; the guest would add the rest if it sent it on. */
    st_be(f + TCP + 16, 2, fold(sum16(f + IP + 12, 8) + 6 + (uint32_t)(total - 20)));
    *offload = (struct net_offload){
        .segment = m->size, .header = DATA, .csum_start = TCP, .csum_offset = 16};
}
