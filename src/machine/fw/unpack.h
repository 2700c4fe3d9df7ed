/* SPDX-License-Identifier: Apache-2.0 */
/* Decompression of whole files into memory, with a limit. Data behind the compressed stream is
 * ignored (EFI zboot appends sizes, signatures follow). */
#ifndef ARMVM_MACHINE_FW_UNPACK_H
#define ARMVM_MACHINE_FW_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool unpack_is_gzip(const uint8_t *data, size_t size);
bool unpack_is_zstd(const uint8_t *data, size_t size);

/* *out is malloc'ed. -EINVAL: damaged; -ENODATA: it ends too early; -EFBIG: more than limit bytes;
 * -ENOMEM. */
int unpack_gzip(const uint8_t *data, size_t size, size_t limit, uint8_t **out, size_t *out_size);
int unpack_zstd(const uint8_t *data, size_t size, size_t limit, uint8_t **out, size_t *out_size);

#endif
