/* SPDX-License-Identifier: Apache-2.0 */
/* What reading and writing a store's file share. */
#ifndef ARMVM_HOST_STORE_FORMAT_H
#define ARMVM_HOST_STORE_FORMAT_H

#include "host/store_file.h"

#define STORE_MAGIC   0x65726f74536d7641ull /* "AvmStore" */
#define STORE_VERSION 1u

uint64_t store_header_sum(const struct store_header *header);
uint64_t store_record_sum(const struct store_header *header, uint64_t key, const void *data,
                          size_t size);
/* False: an error, or the file ends before. */
bool store_read_all(int fd, void *buffer, size_t size, uint64_t at);

#endif
