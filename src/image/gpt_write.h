/* SPDX-License-Identifier: Apache-2.0 */
/* Mends partition tables (UEFI 2.10, chapter 5). gpt is what gpt_read() said of the patched disk,
 * and is old after any of these. */
#ifndef ARMVM_IMAGE_GPT_WRITE_H
#define ARMVM_IMAGE_GPT_WRITE_H

#include "image/gpt.h"
#include "image/patch.h"

struct error;

/* Writes the other copy anew from the good one, the first if both are. -EINVAL: cannot be done,
 * with the reason. */
int gpt_restore(struct patch *patch, const struct gpt *gpt, struct error *err);
/* One partition of type EE over the whole disk; the boot code stays. */
int gpt_protect(struct patch *patch, const struct gpt *gpt, struct error *err);
/* Changes a partition's type in both copies, which must be good. number: from 1. */
int gpt_set_type(struct patch *patch, const struct gpt *gpt, uint32_t number,
                 const struct guid *type, struct error *err);

#endif
