/* SPDX-License-Identifier: Apache-2.0 */
/* Reading pieces of files to where they belong. */
#ifndef ARMVM_HOST_READ_H
#define ARMVM_HOST_READ_H

#include <stddef.h>
#include <stdint.h>

/* Reads exactly len bytes at offset of fd to `to`; 8 MiB and more by two threads. 0; -ENODATA: the
 * file ends before; else what pread(2) failed with, negative. After an error the contents of `to`
 * are undefined. */
int host_read_at(int fd, uint64_t offset, void *to, size_t len);

#endif
