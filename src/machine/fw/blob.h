/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow at the end: what firmware tables are written into. Errors latch, as in fdt.h:
 * write everything, then look at `error` once. */
#ifndef ARMVM_MACHINE_FW_BLOB_H
#define ARMVM_MACHINE_FW_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct blob {
    uint8_t *data; /* to free() by blob_free or by whoever takes it */
    size_t size, capacity;
    int error; /* 0 or negative errno: the first one */
};

/* Notes an error unless there is one already. */
void blob_fail(struct blob *blob, int error);
/* Appends; data NULL appends zero bytes. */
void blob_put(struct blob *blob, const void *data, size_t size);
/* Appends a number of 1 to 8 bytes, little-endian. */
void blob_le(struct blob *blob, unsigned size, uint64_t value);
/* Appends text in a field of exactly `size` bytes, filled up with `fill`. Longer text is an error.
 */
void blob_text(struct blob *blob, unsigned size, const char *text, char fill);
/* Zero bytes up to the next multiple of `to`, a power of two. */
void blob_align(struct blob *blob, size_t to);
/* Opens a gap of `gap` bytes at `at` <= size by moving what follows. */
void blob_insert(struct blob *blob, size_t at, const void *data, size_t gap);
/* Overwrites what is there already. */
void blob_patch(struct blob *blob, size_t at, unsigned size, uint64_t value);
void blob_free(struct blob *blob);

#endif
