/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-volatile memories: an array in host memory whose bytes come from a file and, if they are to
 * be kept, go back to it. The file is the plain array, sparse and perhaps shorter (the rest reads
 * as zero). Changes go to a journal beside it (FILE.journal, see journal.h) before they are
 * visible, and into the file itself at the end; a journal that is found when the file is opened
 * was left by a process that was killed, and is carried out then. So whenever the process or the
 * host stops, what was written up to some moment is there, and nothing that was written later.
 */
#ifndef ARMVM_BACKEND_NV_NV_H
#define ARMVM_BACKEND_NV_NV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct nv;

struct nv_config {
    const char *path;    /* NULL: there is no file, and nothing is kept */
    const char *option;  /* for messages: "--vars" */
    const char *initial; /* what a file that does not exist starts with; NULL: zeroes */
    uint64_t size;       /* of the array: what path and initial may have at most */
    uint64_t least;      /* what path must have at least */
    bool readonly;       /* never changes; path must exist */
    bool ephemeral;      /* changes are thrown away; path is not even created */
};

/* Opens a memory and locks its file (another writer, also in another process, is refused with one
 * line). On other errors, too, one line. */
int nv_open(const struct nv_config *config, struct nv **nv, struct error *err);
/* Settles, and puts all changes into the file. */
void nv_close(struct nv *nv);

/* The array: page-aligned, zero-filled, backed by the host only where it has contents. To be
 * changed by nv_write and nv_fill_ones alone. */
uint8_t *nv_bytes(const struct nv *nv);
uint64_t nv_size(const struct nv *nv);
bool nv_readonly(const struct nv *nv);

/* Change [offset, offset + len), multiples of 4 inside the array. Each call is kept as a whole or
 * not at all, in the order of calls. One thread at a time. -EROFS; or negative, and nothing has
 * changed: the host cannot keep it. */
int nv_write(struct nv *nv, uint64_t offset, const void *data, uint64_t len);
int nv_fill_ones(struct nv *nv, uint64_t offset, uint64_t len);

/* For when the machine stops or starts over: a block that was filled with ones, and of which since
 * then nothing but some of its former contents was written, is again what it was (see rewrite.h).
 * A block of which nothing was written stays filled with ones; it does not if the process was
 * killed. 1: that was so; 0: nothing to do; or negative, and nothing has changed. */
int nv_settle(struct nv *nv);

#endif
