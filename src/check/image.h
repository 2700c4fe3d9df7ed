/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a disk image: I1 to I8, and what files show of G1, G2, G3 and G5. */
#ifndef ARMVM_CHECK_IMAGE_H
#define ARMVM_CHECK_IMAGE_H

struct error;
struct image_source;
struct report;

/* Reads the disk and adds facts and results. Damage is a result; negative errno only when the
 * source cannot be read or memory runs out. */
int check_image(const struct image_source *disk, struct report *report, struct error *err);

#endif
