/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on their way to a guest: merging must neither invent, lose nor reorder a byte of a TCP
 * stream. The input is a list of records: a length, changes to a template segment. And the options
 * of "--net user", from the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net/forward.h"
#include "backend/net/merge.h"
#include "backend/net/net.h"
#include "base/bits.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IP = 14, TCP = 34, DATA = 54 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static size_t make_frame(uint8_t *f, uint32_t seq, size_t payload)
{
    memset(f, 0, DATA);
    st_be(f + 12, 2, 0x0800);
    f[IP] = 0x45;
    st_be(f + IP + 2, 2, 40 + payload);
    f[IP + 9] = 6;
    st_be(f + TCP + 4, 4, seq);
    f[TCP + 12] = 0x50;
    f[TCP + 13] = 16;
    memset(f + DATA, (int)seq, payload);
    return DATA + payload;
}

static void finish(struct merge *m, uint64_t *out)
{
    struct net_offload offload;

    if (!m->len)
        return;
    merge_finish(m, &offload);
    require(m->len <= MERGE_MAX_FRAME);
    require(!offload.segment || offload.header + (size_t)offload.segment < m->len);
    *out += m->len - DATA;
    m->len = 0;
}

static void merge(const uint8_t *data, size_t size)
{
    static struct merge m;
    static uint8_t frame[70000];
    uint64_t in = 0, out = 0;
    uint32_t seq = 0;

    m.len = 0;
    while (size >= 6) {
        size_t len = make_frame(frame, seq, ld_le(data, 2));
        if (data[2] & 1)
            frame[data[3] % DATA] = data[4];
        if (data[2] & 2)
            seq += data[5];
        if (merge_add(&m, frame, len)) {
            in += len - DATA;
        } else {
            finish(&m, &out);
            if (merge_add(&m, frame, len))
                in += len - DATA;
        }
        seq += (uint32_t)(len - DATA);
        data += 6;
        size -= 6;
    }
    finish(&m, &out);
    require(in == out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct user_options options;
    struct error err = {0};
    char text[512];

    merge(data, size);
    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (user_parse(text, &options, &err))
        require(err.text[0]);
    return 0;
}
