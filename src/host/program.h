/* SPDX-License-Identifier: Apache-2.0 */
/* Which program this is. */
#ifndef ARMVM_HOST_PROGRAM_H
#define ARMVM_HOST_PROGRAM_H

#include <stdint.h>

/* A hash of what the running program was loaded from, code and data, its build id among them:
 * another build has another one. 0 or negative errno: the host does not tell. */
int host_program_hash(const uint64_t key[2], uint64_t *hash);

#endif
