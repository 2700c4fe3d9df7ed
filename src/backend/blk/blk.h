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
    const char *format; /* "raw", "qcow2", or NULL to look at its first bytes */
    /* Called, from any thread, with a line about something the user should know of; or NULL. */
    void (*notice)(void *ctx, const char *line);
    void *notice_ctx;
};

/* Opens an image and what it is based on, and locks all of these files: this one for ourselves
 * alone if it is written, the others against being written. Whatever is wrong with one of them is
 * one line that names it. path must stay
 * valid. With format NULL a raw image's guest cannot write what would make it
 * another format (such a write fails). */
int blk_open(const struct blk_config *config, struct blk **blk, struct error *err);
void blk_close(struct blk *blk); /* waits for requests under way, flushes */

/* Bytes, a multiple of 512. A raw file of another length has a last sector whose missing bytes read
 * as zeroes; a write to that sector makes the file longer. */
uint64_t blk_size(const struct blk *blk);
bool blk_readonly(const struct blk *blk);
/* Where at or behind offset there may be other bytes than zeroes, so that holes need not be read;
 * the size: nowhere. */
uint64_t blk_next_data(struct blk *blk, uint64_t offset);
/* Hands over a request; done is called exactly once, possibly before this returns. */
void blk_submit(struct blk *blk, struct blk_request *request);

struct blk_info {
    const char *format; /* "raw" or "qcow2" */
    uint64_t size;      /* of the disk, bytes */
    uint64_t file_size; /* what the file takes on its file system, bytes (without backing files) */
    char backing[4096]; /* as recorded in the image; empty: none */
    uint32_t cluster_size;   /* 0: none */
    unsigned version;        /* of the format; 0: none */
    const char *compression; /* how compressed clusters are; NULL: there can be none */
    bool dirty, corrupt;     /* as marked in the image */
    unsigned snapshots;
};

/* Says what an image is, by its first bytes, also one that blk_open would refuse because of a
 * feature. Opens and locks nothing else, changes nothing. The strings are constants. */
int blk_describe(const char *path, struct blk_info *info, struct error *err);

#endif
