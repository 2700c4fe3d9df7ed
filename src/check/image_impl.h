/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that check an image. Functions answer 0, or the negative errno that must end
 * everything. */
#ifndef ARMVM_CHECK_IMAGE_IMPL_H
#define ARMVM_CHECK_IMAGE_IMPL_H

#include "check/report.h"
#include "image/fat.h"
#include "image/inspect.h"
#include "image/source.h"
#include "image/tree.h"

enum { ESPS_MAX = 4, FIX_TEXT = 400 };

/* The remedy where FAT's tables are damaged. */
#define FAT_REPAIR "run fsck.vfat on the partition, or format it anew and copy the files back"

/* What is taken for the EFI system partition: those of the type, else the one that looks like it.
 */
struct esp {
    int partition; /* index in inspect; -1: the whole disk */
    char name[48]; /* "partition 1" */
    struct image_source source;
    bool cut;      /* it is not wholly on the disk: that is I1's, and nothing else is said of it */
    bool readable; /* fat is open */
    struct fat fat;
};

struct image_check {
    struct report *report;
    const struct image_source *disk;
    struct inspect in;
    struct esp *esp;
    unsigned esps;
    /* One for each, made before the checks, since some find what belongs to another. */
    struct check_result *i[9];
};

/* image_disk.c: I1, I2, I3 but for broken files. */
int check_table(struct image_check *c);
int check_esp_type(struct image_check *c);
int check_esp_format(struct image_check *c);

/* image_boot.c: I4, I5, I6. */
int check_boot(struct image_check *c);
/* image_chain.c: what a program at the removable path starts next. path: "/EFI/BOOT/BOOTAA64.EFI".
 */
int check_chain(struct image_check *c, struct esp *esp, const char *path, const struct pe *pe);

/* image_store.c: I7, I8. */
int check_store(struct image_check *c);

/* guest.c: G1, G2, G3, G5. */
int check_guest(struct image_check *c);

/* image.c. Inspects the disk and makes a result for each of I1 to I8; image_check_end() after
 * success. */
int image_check_begin(struct image_check *c, const struct image_source *disk, struct report *report,
                      struct error *err);
void image_check_end(struct image_check *c);
/* Whether the result has no failure so far. */
static inline bool result_good(const struct check_result *result)
{
    return result->outcome == CHECK_PASS;
}
/* Makes a result that has no failure SKIP, with the reason; one that has stays. */
void result_skip(struct report *report, struct check_result *result, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct image_source partition_source(const struct image_check *c, int partition);
/* "partition 2", "the disk" */
void partition_name(const struct image_check *c, int partition, char *name, size_t size);

/* Loads a file's PE headers and reads all of it. -EINVAL: no PE image (the reason in err); -EIO:
 * its clusters are damaged; else as all others. */
int load_pe(struct esp *esp, const struct fat_entry *entry, struct pe *pe, struct error *err);

#endif
