/* SPDX-License-Identifier: Apache-2.0 */
/* Block back ends: asynchronous, byte-addressed images. */
#ifndef ARMVM_BACKEND_BLK_BLK_H
#define ARMVM_BACKEND_BLK_BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct blk;
struct error;

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD, BLK_WRITE_ZEROES };

struct blk_request {
    enum blk_op op;
    uint64_t offset, len;    /* bytes, inside the image */
    const struct iovec *iov; /* READ, WRITE: len bytes in all; stays valid until done */
    int iovcnt;
    bool unmap;      /* WRITE_ZEROES: may deallocate */
    bool background; /* done must not come before blk_submit returns */
    void (*done)(struct blk_request *request, int result); /* 0 or negative errno; any thread */
    void *ctx;                                             /* the submitter's */
    struct blk_request *next; /* the back end's while it owns the request */
};

struct blk_config {
    const char *path;
    bool readonly;
    bool ephemeral;     /* writes go to an anonymous overlay that vanishes */
    const char *format; /* "raw" or NULL to probe */
};

/* Opens an image and locks it (another writer, also in another process, is refused with one line
 * naming the file). A directory, a missing file, no permission: one line each. */
int blk_open(const struct blk_config *config, struct blk **blk, struct error *err);
void blk_close(struct blk *blk); /* waits for requests under way, flushes */

/* Bytes, a multiple of 512. A raw file of another length has a last sector whose missing bytes read
 * as zeroes; a write to that sector makes the file longer. */
uint64_t blk_size(const struct blk *blk);
bool blk_readonly(const struct blk *blk);
/* Hands over a request; done is called exactly once, possibly before this returns. */
void blk_submit(struct blk *blk, struct blk_request *request);

#endif
