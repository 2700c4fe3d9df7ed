/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a guest has come, from what it prints: the words that firmware, boot loaders, kernels and
 * the first programs of user space are known by. Control sequences are left out, and nothing of it
 * is trusted.
 */
#ifndef ARMVM_CHECK_BOOT_STAGE_H
#define ARMVM_CHECK_BOOT_STAGE_H

#include <stdbool.h>
#include <stddef.h>

enum boot_stage {
    STAGE_SILENT,  /* nothing was printed */
    STAGE_UNKNOWN, /* something was, and none of it is known */
    STAGE_FIRMWARE,
    STAGE_LOADER,
    STAGE_KERNEL,
    STAGE_ROOT, /* the initial RAM disk, and the root file system that it looks for */
    STAGE_USER,
};

enum { STAGE_LINE = 256 };

struct stages {
    enum boot_stage stage;
    bool trouble; /* the stage gave up, and said so */
    int escape;
    unsigned long lines; /* of the guest, that were not empty */
    size_t len;
    char line[STAGE_LINE];
    char last[160];  /* the last line that was not empty */
    char said[160];  /* the last of armvm itself */
    char cause[160]; /* the first line of trouble */
};

void stages_init(struct stages *stages);
/* True: the stage changed, or trouble was named. */
bool stages_feed(struct stages *stages, const char *buf, size_t len);
/* The last line need not have an end. */
void stages_end(struct stages *stages);
/* "firmware", "boot loader", ... */
const char *boot_stage_name(enum boot_stage stage);

#endif
