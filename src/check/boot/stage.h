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

#include "base/escape.h"

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
    enum escape escape;
    unsigned long lines; /* of the guest, that were not empty */
    unsigned starts;     /* of the firmware: a guest may restart, but not for ever */
    size_t len;
    char line[STAGE_LINE];
    bool ended;      /* the last line says that nothing follows by itself */
    char last[160];  /* the last line that was not empty */
    char said[160];  /* the last of armvm itself */
    char cause[160]; /* the first line of trouble */
};

void stages_init(struct stages *stages);
/* True: the stage changed, or trouble was named. */
bool stages_feed(struct stages *stages, const char *buf, size_t len);
/* The last line need not have an end. */
void stages_end(struct stages *stages);
/* The last line, whole or not, is one that a guest stops with: a prompt of a rescue shell, the end
 * of a panic. Whether it does stop shows when nothing follows. */
bool stages_ended(const struct stages *stages);
/* "firmware", "boot loader", ... */
const char *boot_stage_name(enum boot_stage stage);

#endif
