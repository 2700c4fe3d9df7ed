/* SPDX-License-Identifier: Apache-2.0 */
/* The files of machines under test, all in one directory that goes away: an image of the probe, the
 * variables of one machine, a disk to write to, a further disk. */
#ifndef ARMVM_CHECK_VM_INSTANCE_H
#define ARMVM_CHECK_VM_INSTANCE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct error;
struct report;

enum { INSTANCE_PATH = 200 };

struct instance {
    char directory[INSTANCE_PATH - 20];
    char pristine[INSTANCE_PATH]; /* the image as it was made */
    char image[INSTANCE_PATH], vars[INSTANCE_PATH], scratch[INSTANCE_PATH], extra[INSTANCE_PATH];
    /* A second machine's: a copy of the first one's image, variables of its own. */
    char image2[INSTANCE_PATH], vars2[INSTANCE_PATH];
};

/* A new directory of ours alone, below TMPDIR or /tmp, its path without anything special in it. */
int instance_directory(char *path, size_t size, struct error *err);
int instance_open(struct instance *instance, struct error *err);
void instance_close(struct instance *instance);

/* Makes all of a machine's files anew. vars NULL: there is none yet; "": zeroes; or a file that it
 * begins with. */
int instance_reset(struct instance *instance, const char *vars, struct error *err);
/* The second machine's, from what the first one's image is now. */
int instance_copy(struct instance *instance, const char *vars, struct error *err);
/* Whether the image is no longer as it was made. */
int instance_changed(const struct instance *instance, bool *changed, struct error *err);
/* I7: what is on the image that must not be goes to the report. */
int instance_look(const struct instance *instance, struct report *report, struct error *err);

#endif
