/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code without addresses. What refers to an instance's thunks and constants, always a rel32, names
 * them by number while detached; link numbers are zero then. Everything else in a region is
 * relative to the region itself.
 */
#include "engine/x64/cg.h"

/* Thunks, then entries of the pool, then quick helpers. */
enum { QUICK = THUNKS + POOL_COUNT, TARGETS = QUICK + MAX_QUICK };

static const uint8_t *target_address(const struct x64 *x, uint32_t number)
{
    if (number < THUNKS)
        return x->thunk[number];
    return number < QUICK ? x->pool + 16 * (number - THUNKS) : x->quick[number - QUICK];
}

static uint32_t target_number(const struct x64 *x, const uint8_t *address)
{
    uint32_t number = 0;
    while (number < TARGETS && target_address(x, number) != address)
        number++;
    return number;
}

bool x64_detach(const struct x64 *x, const struct x64_code *code, const uint8_t *rw,
                const uint8_t *rx, uint8_t *to)
{
    if (code->fars > X64_MAX_FARS)
        return false;
    memcpy(to, rw, code->size);
    for (unsigned i = 0; i < code->fars; i++) {
        uint32_t end = code->far[i], number;
        int32_t distance;
        memcpy(&distance, rw + end - 4, 4);
        number = target_number(x, rx + end + distance);
        if (number == TARGETS)
            return false;
        memcpy(to + end - 4, &number, 4);
    }
    for (unsigned i = 0; i < code->links; i++)
        memset(to + code->number[i], 0, 4);
    return true;
}

/* A field of four bytes that ends at end. */
static bool field_fits(const struct x64_code *code, uint64_t end)
{
    return end >= 4 && end <= code->size;
}

static bool link_fits(const struct x64_code *code, unsigned i)
{
    const struct x64_link *link = &code->link[i];
    return field_fits(code, link->jump + 4ull) && !(link->jump & 3) &&
           field_fits(code, link->guard + 4ull) && !(link->guard & 3) &&
           field_fits(code, code->number[i] + 4ull);
}

bool x64_attach(const struct x64 *x, const struct x64_code *code, uint8_t *rw, const uint8_t *rx,
                uint32_t first_link)
{
    if (code->fars > X64_MAX_FARS || code->links > X64_MAX_LINKS)
        return false;
    for (unsigned i = 0; i < code->fars; i++) {
        uint32_t end = code->far[i], number, distance;
        if (!field_fits(code, end))
            return false;
        memcpy(&number, rw + end - 4, 4);
        if (number >= TARGETS || !target_address(x, number))
            return false;
        distance = (uint32_t)(target_address(x, number) - (rx + end));
        memcpy(rw + end - 4, &distance, 4);
    }
    for (unsigned i = 0; i < code->links; i++) {
        uint32_t number = first_link + i;
        if (!link_fits(code, i))
            return false;
        memcpy(rw + code->number[i], &number, 4);
    }
    return true;
}
