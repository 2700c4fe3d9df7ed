/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that `armvm image info` says of a disk, as data. */
#ifndef ARMVM_IMAGE_INSPECT_H
#define ARMVM_IMAGE_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "image/fat.h"
#include "image/findings.h"
#include "image/fs.h"
#include "image/gpt.h"
#include "image/pe.h"
#include "image/source.h"

struct error;

enum { INSPECT_LOADERS_MAX = 64 };

struct inspect_loader {
    unsigned partition; /* index in the list below */
    char *path;         /* "/EFI/BOOT/BOOTAA64.EFI" */
    uint32_t size;
    bool is_pe;
    struct pe pe;     /* when is_pe */
    char reason[120]; /* why not, otherwise */
};

struct inspect_partition {
    uint32_t number;
    uint64_t start, size;     /* bytes */
    struct guid type, unique; /* zero on an MBR disk */
    uint8_t mbr_type;         /* 0 on a GPT disk */
    const char *type_name;    /* NULL: not known */
    const char *name;         /* GPT's; points into the table */
    bool esp;
    struct fs fs;
    struct findings findings; /* of the FAT volume, on an ESP */
};

enum inspect_table { TABLE_NONE, TABLE_MBR, TABLE_GPT };

struct inspect {
    enum inspect_table table;
    struct gpt gpt; /* also has the MBR and the sector size */
    unsigned partitions;
    struct inspect_partition *partition;
    struct fs whole; /* without a table: what the disk itself holds */
    unsigned loaders;
    bool more_loaders; /* than INSPECT_LOADERS_MAX */
    struct inspect_loader *loader;
};

/* Damage is reported in the findings; negative errno only when the source cannot be read or memory
 * runs out. inspect_free() after success. */
int inspect_disk(const struct image_source *disk, struct inspect *inspect, struct error *err);
void inspect_free(struct inspect *inspect);

/* Of all parts of the image: whether any finding is an error. */
bool inspect_bad(const struct inspect *inspect);

#endif
