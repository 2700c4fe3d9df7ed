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

struct blk_config;
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
    /* The first byte at or behind offset that may be other than zero; the size: there is none. A
     * hint: offset itself is always right. NULL: not known. */
    uint64_t (*next_data)(struct image *image, uint64_t offset);
    void (*close)(struct image *image);
};

struct image {
    const struct image_ops *ops;
    uint64_t size; /* a multiple of 512 */
};

/* Opens what config asks for, with all that lies below it, and locks every file (open.c). */
int image_open(const struct blk_config *config, struct image **image, struct error *err);

enum image_format { IMAGE_RAW, IMAGE_QCOW2, IMAGE_FOREIGN };
enum { IMAGE_PROBE_BYTES = 80 };
/* What the first bytes of a file (zeroes where it is shorter) make it (probe.c). *name is for
 * people. */
enum image_format image_probe(const uint8_t bytes[IMAGE_PROBE_BYTES], const char **name);

/* A raw image whose format was guessed: a write that would make the guess another one the next time
 * fails with -EPERM (guard.c). base becomes the guard's; config has the path,
 * and who is to be told. */
int guard_open(struct image *base, const struct blk_config *config, struct image **image,
               struct error *err);

/* fd becomes the image's, unless it fails. path for messages. */
int raw_open(int fd, const char *path, struct image **image, struct error *err);
/* Frees it without closing fd, which is the caller's again. */
void raw_abandon(struct image *image);
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
