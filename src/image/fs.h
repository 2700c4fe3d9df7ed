/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition holds, by its superblock. */
#ifndef ARMVM_IMAGE_FS_H
#define ARMVM_IMAGE_FS_H

#include <stdint.h>

#include "image/source.h"

struct fs {
    const char *kind; /* "ext4", "FAT32", "LVM", ...; NULL: nothing known */
    char label[128];  /* UTF-8; may be empty */
    char uuid[37];    /* as the system's tools print it; may be empty */
};

/* Never an error but the source's: what is unknown or damaged has no kind. */
int fs_probe(const struct image_source *source, struct fs *fs);

#endif
