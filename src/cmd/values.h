/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options. Each takes the whole text or says in one line what would have been right;
 * -EINVAL then. */
#ifndef ARMVM_CMD_VALUES_H
#define ARMVM_CMD_VALUES_H

#include <stdint.h>

struct error;

/* Bytes: "1073741824", "1G", "512M", "64KiB" (powers of 1024, either case). */
int value_size(const char *text, uint64_t *bytes, struct error *err);
int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number, struct error *err);
/* "90", "1.5", "90s", "10m", "1h" in nanoseconds; above zero. */
int value_duration(const char *text, uint64_t *ns, struct error *err);
/* The index of text in names, which ends with NULL. */
int value_choice(const char *text, const char *const *names, unsigned *index, struct error *err);

#endif
