/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_CHECK_VM_FOLD_H
#define ARMVM_CHECK_VM_FOLD_H

struct report;

/* Adds the results of one machine to those of all: one line a test, which fails if it does on any
 * machine and says on which. where NULL: there is only one. */
void report_fold(struct report *into, const struct report *from, const char *where);

#endif
