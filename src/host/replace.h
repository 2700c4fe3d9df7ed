/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a large file so that it is either as before or wholly changed, whenever the process
 * ends: a copy beside it (shared with it where the file system can) is changed and takes its name.
 */
#ifndef ARMVM_HOST_REPLACE_H
#define ARMVM_HOST_REPLACE_H

struct error;
struct replacement;

/* Locks path against other users and makes the copy. Links are followed. What is neither is
 * refused: -ENOTSUP for devices, -EBUSY while others use it. A copy that an earlier attempt left is
 * replaced. */
int replace_begin(const char *path, struct replacement **replacement, struct error *err);
/* Where the copy is, to be opened and changed; valid until the end. */
const char *replace_copy(const struct replacement *replacement);
/* Brings the copy to the disk and gives it the name. Frees replacement, also on an error, which
 * leaves the file as it was. */
int replace_commit(struct replacement *replacement, struct error *err);
void replace_abort(struct replacement *replacement);

#endif
