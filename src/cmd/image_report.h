/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what was found out about an image. */
#ifndef ARMVM_CMD_IMAGE_REPORT_H
#define ARMVM_CMD_IMAGE_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct inspect;

/* What the format says of the image; zero and NULL for what it does not have. */
struct report_file {
    const char *path, *format;
    uint64_t size, file_size, disk_usage; /* of the guest's disk, of the file, what it occupies */
    unsigned version, snapshots;
    uint32_t cluster_size;
    const char *compression, *backing; /* the backing file's name as recorded */
    bool dirty, corrupt;
};

void report_text(const struct report_file *file, const struct inspect *inspect, FILE *out);
void report_json(const struct report_file *file, const struct inspect *inspect, FILE *out);

#endif
