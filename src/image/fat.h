/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads FAT12, FAT16 and FAT32 volumes, by Microsoft's "FAT: General Overview of On-Disk Format"
 * (version 1.03, below "FAT spec"). The volume is not trusted: chains are bounded by the number of
 * clusters, directories by 65536 entries, and every cluster number is checked.
 */
#ifndef ARMVM_IMAGE_FAT_H
#define ARMVM_IMAGE_FAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/findings.h"
#include "image/source.h"

struct error;

enum { FAT_NAME_MAX = 255 * 3 };

struct fat {
    struct image_source source;
    unsigned bits; /* 12, 16 or 32: by the number of clusters, the only thing that decides it */
    uint32_t bytes_per_sector, sectors_per_cluster, reserved_sectors, copies, fat_sectors;
    uint32_t root_entries; /* 0 on FAT32 */
    uint32_t root_cluster; /* FAT32 */
    uint32_t clusters;     /* numbered from 2 */
    uint64_t total_sectors;
    uint32_t volume_id;
    uint32_t free_clusters; /* counted by fat_check() */
    char label[12];         /* of the root directory, else of the boot sector; may be empty */
    struct findings findings;
    uint64_t cached; /* which piece of the FAT is in cache; ~0: none */
    uint8_t cache[4096];
};

struct fat_entry {
    char name[FAT_NAME_MAX + 1]; /* UTF-8: the long name if there is one */
    char short_name[13];
    bool directory;
    uint32_t cluster; /* the first; 0: none, or the root of FAT12 and FAT16 */
    uint32_t size;    /* bytes, 0 for a directory */
};

/* Reads the boot sector. -EINVAL: not a FAT volume, with the reason; or the source's error. What is
 * there but against the rules goes to fat->findings. Nothing is to be closed. */
int fat_open(const struct image_source *source, struct fat *fat, struct error *err);

/* Compares the copies of the FAT and counts free clusters; leaves findings. */
int fat_check(struct fat *fat);

/* Follows a directory's whole chain (NULL: the root's): damage becomes a finding, "fat-directory".
 */
int fat_check_directory(struct fat *fat, const struct fat_entry *dir);

/* Calls each for what is in dir (NULL: the root), without "." and "..", until it returns other than
 * 0, which becomes the result. A damaged chain or name ends the list with a finding. */
int fat_list(struct fat *fat, const struct fat_entry *dir,
             int (*each)(void *ctx, const struct fat_entry *entry), void *ctx);

/* Finds "/EFI/BOOT/BOOTAA64.EFI": slashes either way, without regard to case, by long or short
 * names. -ENOENT, -ENOTDIR, or the source's error. */
int fat_lookup(struct fat *fat, const char *path, struct fat_entry *entry);

/* Reads from a file; the range must lie inside it. -EIO: its chain of clusters is damaged. */
int fat_read(struct fat *fat, const struct fat_entry *entry, uint64_t offset, void *buf,
             size_t len);

/* The file as a source. file must stay. */
struct fat_file {
    struct fat *fat;
    struct fat_entry entry;
    uint32_t at_index, at_cluster; /* where the last read was, so that reading on is quick */
};
struct image_source fat_source(struct fat_file *file);

#endif
