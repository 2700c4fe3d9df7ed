/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `armvm check guest`: an image is booted to user space on every machine that the specification
 * allows and armvm offers, on overlays and with variables that are thrown away; where it stops, and
 * on which, becomes a report. Nothing in the guest need help.
 */
#ifndef ARMVM_CHECK_BOOT_BOOT_H
#define ARMVM_CHECK_BOOT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "check/boot/stage.h"
#include "check/vm/vm.h"

struct error;
struct report;

struct boot_check {
    struct vm_check machine; /* the program and which of its machines; timeout of each boot */
    uint64_t silence_ns; /* a boot that prints nothing for so long has stopped; 0: as its timeout */
    const char *image;
    const char *expect; /* extended regular expression; NULL: a login prompt */
    const char *logs;   /* a directory for a file of each boot's output; or NULL */
    unsigned jobs;      /* at the same time, 1 to BOOT_JOBS */
};

enum { BOOT_JOBS = 64 };
extern const char boot_expect[];

/* The specification's variations as a table: consoles by all else. */
enum boot_column { COLUMN_PL011, COLUMN_VIRTIO, COLUMN_XEN, BOOT_COLUMNS };
enum { BOOT_ROWS = 12 };
extern const char *const boot_rows[BOOT_ROWS], *const boot_columns[BOOT_COLUMNS];

struct boot_variant {
    struct vm_variant vm;
    unsigned row;
    enum boot_column column;
};
/* Those that are asked for, of what armvm offers; returns how many. */
unsigned boot_variants(const struct vm_check *check, struct boot_variant *variant);
/* Whether armvm has no such machine at all. */
bool boot_not_offered(unsigned row, enum boot_column column);

/* Where a boot ended. */
enum boot_where {
    BOOT_DONE, /* it is there */
    BOOT_IN_FIRMWARE,
    BOOT_IN_LOADER,
    BOOT_IN_KERNEL,
    BOOT_IN_ROOT,
    BOOT_IN_USER,    /* user space came, but not what was expected */
    BOOT_AT_CONSOLE, /* it goes on, and does not show it */
    BOOT_SILENT,     /* nothing was printed, by nobody */
    BOOT_DIED,       /* armvm itself ended */
};
const char *boot_where_name(enum boot_where where);

/* armvm's status; also of a boot that was given up before, as nothing more was to come. */
enum { BOOT_TIMED_OUT = 124 };

struct boot_result {
    enum boot_where where;
    enum boot_stage stage;
    bool trouble;        /* the stage said that it gave up */
    uint64_t bytes_read; /* since the guest's last line */
    int status;
    double seconds;
    char line[160]; /* the last, or that of the trouble */
};
/* From what one boot showed alone. */
enum boot_where boot_judge(const struct boot_result *result);
/* Once all are there: one that is silent where the same machine with another console booted has
 * lost only its console. */
void boot_compare(const struct boot_variant *variant, struct boot_result *result, unsigned count);
void boot_report(const struct boot_check *check, const struct boot_variant *variant,
                 const struct boot_result *result, unsigned count, struct report *report);

/* Negative errno: it could not be looked at. */
int boot_check_run(const struct boot_check *check, struct report *report, struct error *err);

#endif
