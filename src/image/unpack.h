/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of compressed data, told by their first bytes: gzip, xz, lzma, zstd, bzip2, and lz4 in
 * the frame that kernels and initial RAM disks use. One member each; what follows is the caller's.
 */
#ifndef ARMVM_IMAGE_UNPACK_H
#define ARMVM_IMAGE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "image/source.h"

struct error;
struct unpack;

/* "gzip"; NULL: nothing known begins with these bytes. */
const char *unpack_probe(const uint8_t *head, size_t size);

/* -EINVAL: not compressed in a known way. source must stay. */
int unpack_open(const struct image_source *source, uint64_t offset, struct unpack **unpack);
/* Up to len bytes; fewer only at the end. -EBADMSG: the data is damaged; or the source's error. */
int unpack_read(struct unpack *unpack, void *buf, size_t len, size_t *got);
/* Where in the source the member ended; after a short read. */
uint64_t unpack_end(const struct unpack *unpack);
const char *unpack_name(const struct unpack *unpack);
void unpack_close(struct unpack *unpack);

#endif
