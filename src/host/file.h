/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, with one clear line when something is wrong with them. */
#ifndef ARMVM_HOST_FILE_H
#define ARMVM_HOST_FILE_H

#include <stddef.h>
#include <stdint.h>

struct error;

/* Reads all of path into *data (malloc'ed, one zero byte behind the end; the caller frees it).
 * A directory, a device, an empty file or one of more than limit bytes is refused: -EISDIR,
 * -ENOTSUP, -ENODATA, -EFBIG. what names the file's role in messages ("--kernel"). */
int file_read(const char *what, const char *path, size_t limit, uint8_t **data, size_t *size,
              struct error *err);

/* The same checks without reading. */
int file_check(const char *what, const char *path, uint64_t limit, uint64_t *size,
               struct error *err);

/* Writes all of data, replacing the file only when everything is written (a new file beside it is
 * renamed over it). */
int file_write(const char *what, const char *path, const void *data, size_t size,
               struct error *err);

/* A file in memory that has no name, with this in it: its descriptor, or negative errno. name is for
 * people who look at the process. */
int file_anonymous(const char *name, const void *data, size_t size);

/* Makes the directory path unless there is one. */
int file_make_directory(const char *what, const char *path, struct error *err);

#endif
