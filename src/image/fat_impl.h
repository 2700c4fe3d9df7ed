/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by fat.c and fat_dir.c. */
#ifndef ARMVM_IMAGE_FAT_IMPL_H
#define ARMVM_IMAGE_FAT_IMPL_H

#include "image/fat.h"

bool fat_cluster_valid(const struct fat *fat, uint32_t cluster);
/* The cluster after this one, 0 at the chain's end; -EIO: the entry is free, bad or out of range.
 */
int fat_next(struct fat *fat, uint32_t cluster, uint32_t *next);
/* What the first copy of the table has for a cluster, as it is. */
int fat_table_entry(struct fat *fat, uint32_t cluster, uint32_t *value);
uint64_t fat_data_sector(const struct fat *fat);
uint32_t fat_cluster_bytes(const struct fat *fat);
uint64_t fat_cluster_offset(const struct fat *fat, uint32_t cluster);

enum fat_raw { FAT_RAW_ALL, FAT_RAW_LABEL };

/* Calls each for the 32-byte entries in use of a directory (NULL: the root): all that are not
 * deleted, or only the volume label. Ends when each returns other than 0, which becomes the
 * result. */
int fat_raw_entries(struct fat *fat, const struct fat_entry *dir, enum fat_raw what,
                    int (*each)(void *ctx, const uint8_t *raw), void *ctx);

#endif
