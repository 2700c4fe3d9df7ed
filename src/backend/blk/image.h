/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image formats behind a block back end. Operations are synchronous, come from several threads at
 * once and lie inside the image; 0 or negative errno. Internal to backend/blk.
 */
#ifndef ARMVM_BACKEND_BLK_IMAGE_H
#define ARMVM_BACKEND_BLK_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct error;
struct image;

struct image_ops {
    int (*read)(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt);
    int (*write)(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt);
    int (*flush)(struct image *image);
    int (*discard)(struct image *image, uint64_t offset, uint64_t len);
    int (*zero)(struct image *image, uint64_t offset, uint64_t len, bool unmap);
    /* Reads if that needs no waiting, else -EAGAIN. */
    int (*read_now)(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt);
    void (*close)(struct image *image);
};

struct image {
    const struct image_ops *ops;
    uint64_t size; /* a multiple of 512 */
};

/* fd becomes the image's. path for messages. */
int raw_open(int fd, const char *path, struct image **image, struct error *err);
/* Writes go to an unlinked temporary file instead of base, which becomes the overlay's. */
int overlay_open(struct image *base, struct image **image, struct error *err);

/* Whole transfers on a file: short ones and interruptions are continued; reading past the end gives
 * zeroes. */
int fd_readv(int fd, uint64_t offset, const struct iovec *iov, int iovcnt);
/* The same from the page cache, without waiting for a device; else -EAGAIN. */
int fd_readv_now(int fd, uint64_t offset, const struct iovec *iov, int iovcnt);
int fd_writev(int fd, uint64_t offset, const struct iovec *iov, int iovcnt);
/* Takes bytes [skip, skip + len) of a vector; out has room for iovcnt entries. Returns its count.
 */
int iov_slice(const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t len, struct iovec *out);
uint64_t iov_bytes(const struct iovec *iov, int iovcnt);

#endif
