/* SPDX-License-Identifier: Apache-2.0 */
/* A keyed 64-bit hash of bytes, quick enough to check whatever is read from a file. It finds
 * damage; it is no proof against somebody who knows the key and means harm. */
#ifndef ARMVM_BASE_HASH_H
#define ARMVM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The same on every host. */
uint64_t hash_bytes(const void *data, size_t size, const uint64_t key[2]);

#endif
