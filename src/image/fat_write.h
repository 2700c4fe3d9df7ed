/* SPDX-License-Identifier: Apache-2.0 */
/* Adds files to a FAT32 volume. */
#ifndef ARMVM_IMAGE_FAT_WRITE_H
#define ARMVM_IMAGE_FAT_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "image/fat.h"
#include "image/patch.h"

struct error;

/* Makes the file, and the directories in front of it where there are none. fat is open on a part of
 * the patched disk that begins at byte base of it. path: "/EFI/BOOT/BOOTAA64.EFI", of short names
 * (8.3). dos_time: as the volume has it, date in the high half. -EEXIST: there is something of that
 * name; -ENOSPC; -EINVAL: no short name, or no FAT32. */
int fat_add(struct fat *fat, struct patch *patch, uint64_t base, const char *path,
            const uint8_t *data, size_t size, uint32_t dos_time, struct error *err);

#endif
