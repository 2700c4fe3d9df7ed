/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mends what can be mended without touching the guest's system: a copy of the partition table from
 * the other one, the protective MBR, the EFI system partition's type, a boot program for the
 * removable media path.
 */
#ifndef ARMVM_CHECK_FIX_H
#define ARMVM_CHECK_FIX_H

#include <stdint.h>

#include "image/patch.h"

struct error;

enum { FIX_LINES = 16 };

struct fix_list {
    unsigned done, left;
    char *did[FIX_LINES];    /* "the primary GPT is restored from the backup" */
    char *cannot[FIX_LINES]; /* what is wrong and why it stays */
};

/* Changes the patch only. time: seconds since 1970, of new files. Negative errno when the disk
 * cannot be read, memory runs out, or the disk would be worse than before (-EUCLEAN; then nothing
 * of the patch should be written). fix_free() in any case. */
int fix_image(struct patch *patch, int64_t time, struct fix_list *list, struct error *err);
void fix_free(struct fix_list *list);

#endif
