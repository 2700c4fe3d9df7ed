/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GUID partition tables (UEFI 2.10, chapter 5): both headers, both arrays and the protective MBR,
 * each judged by itself, so that a report can say which copy is damaged.
 */
#ifndef ARMVM_IMAGE_GPT_H
#define ARMVM_IMAGE_GPT_H

#include <stdbool.h>
#include <stdint.h>

#include "image/findings.h"
#include "image/guid.h"

struct error;
struct image_source;

#define GPT_TYPE_ESP "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"

struct mbr_entry {
    uint8_t status, type;
    uint32_t first, count; /* LBA, sectors */
};

struct mbr {
    bool signature;  /* 55 AA */
    bool protective; /* has an entry of type EE */
    struct mbr_entry entry[4];
};

struct gpt_header {
    bool present;  /* the signature is there */
    bool valid;    /* header and array pass every test that makes them usable */
    bool crc_good; /* the header's own */
    bool array_crc_good;
    uint64_t at; /* LBA where it was found */
    uint32_t revision, size;
    uint64_t my_lba, alternate_lba, first_usable, last_usable, array_lba;
    uint32_t entries, entry_size, array_crc;
    struct guid disk;
};

struct gpt_partition {
    uint32_t number; /* from 1, as systems count */
    struct guid type, unique;
    uint64_t first, last; /* LBA, inclusive */
    uint64_t attributes;
    char name[36 * 3 + 1]; /* UTF-8 */
};

struct gpt {
    uint32_t sector_size; /* 512 or 4096, by where a header is; 512 when there is none */
    uint64_t sectors;
    struct mbr mbr;
    struct gpt_header primary, backup;
    struct gpt_partition
        *partition; /* of the primary table, or of the backup if only that is valid */
    unsigned partitions;
    bool from_backup;
    struct findings findings;
};

/* Reads what is there; a disk without a GPT, or with a damaged one, is no error but a finding.
 * Negative errno only when the source cannot be read or memory runs out. gpt_free() after success.
 */
int gpt_read(const struct image_source *disk, struct gpt *gpt, struct error *err);
void gpt_free(struct gpt *gpt);
/* Whether there is a GPT at all. */
static inline bool gpt_present(const struct gpt *gpt)
{
    return gpt->primary.present || gpt->backup.present;
}
/* The partition as a source; cut at the end of the disk. */
struct image_source gpt_source(const struct image_source *disk, const struct gpt *gpt,
                               const struct gpt_partition *partition);

/* "EFI system partition"; NULL for what is not known. */
const char *gpt_type_name(const struct guid *type);
const char *mbr_type_name(uint8_t type);

#endif
