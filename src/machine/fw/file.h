/* SPDX-License-Identifier: Apache-2.0 */
/* Files that go into guest memory, read straight to where they belong. */
#ifndef ARMVM_MACHINE_FW_FILE_H
#define ARMVM_MACHINE_FW_FILE_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct fw_file {
    int fd;
    size_t size;
    const char *path, *what; /* "initrd": for messages */
};

/* Opens a regular file that is not empty; else one line says what it is. path and what must outlive
 * it. */
int fw_file_open(const char *path, const char *what, struct fw_file *file, struct error *err);
/* Reads exactly len bytes; a file that has become shorter meanwhile is an error. */
int fw_file_read(const struct fw_file *file, uint64_t offset, void *to, size_t len,
                 struct error *err);
void fw_file_close(struct fw_file *file);

#endif
