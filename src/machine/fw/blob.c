/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/fw/blob.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

enum { FIRST_CAPACITY = 1024, MAX_CAPACITY = 16 << 20 /* far more than any machine's tables */ };

void blob_fail(struct blob *blob, int error)
{
    if (!blob->error)
        blob->error = error;
}

/* Room for `more` bytes behind the end. */
static bool reserve(struct blob *blob, size_t more)
{
    if (blob->error)
        return false;
    if (more > MAX_CAPACITY || blob->size + more > MAX_CAPACITY) {
        blob->error = -ENOSPC;
        return false;
    }
    if (blob->size + more <= blob->capacity)
        return true;
    size_t capacity = blob->capacity ? blob->capacity : FIRST_CAPACITY;
    while (capacity < blob->size + more)
        capacity *= 2;
    uint8_t *bigger = realloc(blob->data, capacity);
    if (!bigger) {
        blob->error = -ENOMEM;
        return false;
    }
    blob->data = bigger;
    blob->capacity = capacity;
    return true;
}

void blob_insert(struct blob *blob, size_t at, const void *data, size_t gap)
{
    if (!reserve(blob, gap) || gap == 0)
        return;
    if (at > blob->size) {
        blob->error = -EINVAL;
        return;
    }
    memmove(blob->data + at + gap, blob->data + at, blob->size - at);
    if (data)
        memcpy(blob->data + at, data, gap);
    else
        memset(blob->data + at, 0, gap);
    blob->size += gap;
}

void blob_put(struct blob *blob, const void *data, size_t size)
{
    blob_insert(blob, blob->size, data, size);
}

void blob_le(struct blob *blob, unsigned size, uint64_t value)
{
    uint8_t raw[8];
    st_le(raw, sizeof(raw), value);
    blob_put(blob, raw, size);
}

void blob_text(struct blob *blob, unsigned size, const char *text, char fill)
{
    size_t len = strlen(text);
    if (len > size) {
        blob_fail(blob, -ENAMETOOLONG);
        return;
    }
    blob_put(blob, text, len);
    for (; len < size; len++)
        blob_put(blob, &fill, 1);
}

void blob_align(struct blob *blob, size_t to)
{
    blob_put(blob, NULL, align_up(blob->size, to) - blob->size);
}

void blob_patch(struct blob *blob, size_t at, unsigned size, uint64_t value)
{
    if (blob->error)
        return;
    if (at > blob->size || size > blob->size - at) {
        blob->error = -EINVAL;
        return;
    }
    st_le(blob->data + at, size, value);
}

void blob_free(struct blob *blob)
{
    free(blob->data);
    *blob = (struct blob){0};
}
