/* SPDX-License-Identifier: Apache-2.0 */
/* Where translations of earlier runs are. */
#ifndef ARMVM_VM_CODE_STORE_H
#define ARMVM_VM_CODE_STORE_H

#include <stddef.h>

/* The directory that --code-store means: asked is its value, or NULL for the user's own cache
 * directory (XDG Base Directory Specification: $XDG_CACHE_HOME, else ~/.cache). NULL: none. The
 * answer may lie in room. */
const char *code_store_directory(const char *asked, char *room, size_t size);

#endif
