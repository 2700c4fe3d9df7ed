/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Initial RAM disks as Linux unpacks them (Documentation/driver-api/early-userspace/buffer-format):
 * "newc" cpio archives, plain or compressed, one after the other, with zeroes between.
 */
#ifndef ARMVM_IMAGE_CPIO_H
#define ARMVM_IMAGE_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/source.h"

struct error;
struct cpio;

enum { CPIO_NAME_MAX = 4096 };

struct cpio_entry {
    char name[CPIO_NAME_MAX + 1]; /* as in the archive; not safe to print */
    uint32_t mode;
    uint64_t size;
};

struct cpio_summary {
    char kinds[128];         /* "cpio, zstd": how the archives are packed, in their order */
    unsigned archives;       /* that ended as they should */
    uint64_t entries, bytes; /* bytes: unpacked */
};

/* Calls each for every entry, which may read its contents by cpio_read(), until it returns other
 * than 0, which becomes the result. -EINVAL, -EBADMSG: damaged, with the reason in err; -EFBIG:
 * more than 1 GiB or a million entries; or the source's error. */
int cpio_walk(const struct image_source *source,
              int (*each)(void *ctx, struct cpio *cpio, const struct cpio_entry *entry), void *ctx,
              struct cpio_summary *summary, struct error *err);
/* The next len bytes of the entry's contents. -ERANGE: it has fewer. */
int cpio_read(struct cpio *cpio, void *buf, size_t len);

#endif
