/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/nv/rewrite.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_MAX = 1 << 20, ERASED = 0xff };

/* A block of a new file: what nobody ever erased, nobody rewrites. */
static bool is_new(const uint8_t *bytes, uint64_t len)
{
    return !bytes[0] && !memcmp(bytes, bytes + 1, len - 1);
}

void rewrite_erase(struct rewrite *rewrite, const uint8_t *bytes, uint64_t offset, uint64_t len)
{
    uint8_t *old;

    rewrite->open = false;
    if (!len || len > BLOCK_MAX || is_new(bytes + offset, len))
        return;
    old = realloc(rewrite->old, len);
    if (!old)
        return; /* as flash without this */
    memcpy(old, bytes + offset, len);
    *rewrite = (struct rewrite){.open = true, .offset = offset, .len = len, .old = old};
}

void rewrite_write(struct rewrite *rewrite, uint64_t offset, uint64_t len)
{
    if (offset < rewrite->offset || offset + len > rewrite->offset + rewrite->len)
        rewrite->open = false;
    rewrite->begun = true;
}

bool rewrite_is_under_way(const struct rewrite *rewrite, const uint8_t *bytes)
{
    bool lacking = false;

    if (!rewrite->open)
        return false;
    bytes += rewrite->offset;
    for (uint64_t i = 0; i < rewrite->len; i++) {
        if (bytes[i] == rewrite->old[i])
            continue;
        if (bytes[i] != ERASED)
            return false;
        lacking = true;
    }
    return lacking;
}

void rewrite_free(struct rewrite *rewrite)
{
    free(rewrite->old);
    *rewrite = (struct rewrite){0};
}
