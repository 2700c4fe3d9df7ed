/* SPDX-License-Identifier: Apache-2.0 */
/* --expect: looks for a regular expression in the lines that the guest prints. */
#ifndef ARMVM_VM_EXPECT_H
#define ARMVM_VM_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct expect;

/* regex: POSIX extended. It is matched against one line at a time, without its end-of-line
 * characters, NULs and terminal control sequences. -EINVAL with the reason for a bad one. */
int expect_create(struct expect **expect, const char *regex, struct error *err);
void expect_destroy(struct expect *expect);

/* Output of the guest, in chunks of any size. True once it has matched. The last line counts though
 * it has not ended yet, but there '$' does not match: more of the line may follow. */
bool expect_feed(struct expect *expect, const uint8_t *buf, size_t len);
/* Nothing more has come for a while (or will come): now '$' matches at the end of what is there,
 * such as a prompt. */
bool expect_idle(struct expect *expect);

/* The line that matched, or the last one that was not blank; printable characters only. */
const char *expect_line(const struct expect *expect);

#endif
