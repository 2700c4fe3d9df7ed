/* SPDX-License-Identifier: Apache-2.0 */
/* Raw images: a file or block device whose bytes are the disk's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/blk/image.h"
#include "base/bits.h"
#include "base/error.h"

enum { ZERO_CHUNK = 1 << 20 };

struct raw {
    struct image image;
    int fd;
};

uint64_t iov_bytes(const struct iovec *iov, int iovcnt)
{
    uint64_t n = 0;

    for (int i = 0; i < iovcnt; i++)
        n += iov[i].iov_len;
    return n;
}

int iov_slice(const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t len, struct iovec *out)
{
    int n = 0;

    for (int i = 0; i < iovcnt && len; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        uint64_t part = iov[i].iov_len - skip;
        if (part > len)
            part = len;
        out[n++] = (struct iovec){(uint8_t *)iov[i].iov_base + skip, part};
        skip = 0;
        len -= part;
    }
    return n;
}

/* Goes on behind the first n bytes of *iov, which is ours to change. */
static void advance(struct iovec **iov, int *iovcnt, size_t n)
{
    while (*iovcnt && n >= (*iov)->iov_len) {
        n -= (*iov)->iov_len;
        ++*iov;
        --*iovcnt;
    }
    if (*iovcnt) {
        (*iov)->iov_base = (uint8_t *)(*iov)->iov_base + n;
        (*iov)->iov_len -= n;
    }
}

static int transfer(int fd, uint64_t offset, const struct iovec *iov, int iovcnt, bool write)
{
    struct iovec copy[IOV_MAX], *at = copy;

    if (iovcnt > IOV_MAX)
        return -EINVAL;
    memcpy(copy, iov, (size_t)iovcnt * sizeof(*iov));
    advance(&at, &iovcnt, 0);
    while (iovcnt) {
        ssize_t n =
            write ? pwritev(fd, at, iovcnt, (off_t)offset) : preadv(fd, at, iovcnt, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n && write)
            return -EIO;
        if (!n) { /* past the end */
            for (; iovcnt; at++, iovcnt--)
                if (at->iov_len)
                    memset(at->iov_base, 0, at->iov_len);
            break;
        }
        offset += (uint64_t)n;
        advance(&at, &iovcnt, (size_t)n);
    }
    return 0;
}

int fd_readv(int fd, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    return transfer(fd, offset, iov, iovcnt, false);
}

int fd_writev(int fd, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    return transfer(fd, offset, iov, iovcnt, true);
}

int fd_readv_now(int fd, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    ssize_t n = preadv2(fd, iov, iovcnt, (off_t)offset, RWF_NOWAIT);

    return n >= 0 && (uint64_t)n == iov_bytes(iov, iovcnt) ? 0 : -EAGAIN;
}

static int raw_read(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    return fd_readv(((struct raw *)image)->fd, offset, iov, iovcnt);
}

static int raw_write(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    return fd_writev(((struct raw *)image)->fd, offset, iov, iovcnt);
}

static int raw_read_now(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    return fd_readv_now(((struct raw *)image)->fd, offset, iov, iovcnt);
}

static int raw_flush(struct image *image)
{
    return fdatasync(((struct raw *)image)->fd) ? -errno : 0;
}

static int raw_discard(struct image *image, uint64_t offset, uint64_t len)
{
    struct raw *raw = (struct raw *)image;

    if (!len ||
        !fallocate(raw->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len))
        return 0;
    /* A hint: where the host cannot do it, nothing is the right thing to do. */
    return errno == EOPNOTSUPP || errno == ENOTTY || errno == ENODEV ? 0 : -errno;
}

static int write_zeroes(int fd, uint64_t offset, uint64_t len)
{
    void *zeroes = calloc(1, ZERO_CHUNK);
    int r = zeroes ? 0 : -ENOMEM;

    while (!r && len) {
        uint64_t part = len < ZERO_CHUNK ? len : ZERO_CHUNK;
        struct iovec iov = {zeroes, part};
        r = fd_writev(fd, offset, &iov, 1);
        offset += part;
        len -= part;
    }
    free(zeroes);
    return r;
}

static int raw_zero(struct image *image, uint64_t offset, uint64_t len, bool unmap)
{
    struct raw *raw = (struct raw *)image;
    int mode = unmap ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : FALLOC_FL_ZERO_RANGE;

    if (!len || !fallocate(raw->fd, mode, (off_t)offset, (off_t)len))
        return 0;
    if (errno == ENOSPC || errno == EIO)
        return -errno;
    return write_zeroes(raw->fd, offset, len);
}

static uint64_t raw_next_data(struct image *image, uint64_t offset)
{
    off_t at = lseek(((struct raw *)image)->fd, (off_t)offset, SEEK_DATA);

    if (at >= 0)
        return (uint64_t)at < image->size ? (uint64_t)at : image->size;
    return errno == ENXIO ? image->size : offset;
}

static void raw_close(struct image *image)
{
    struct raw *raw = (struct raw *)image;

    close(raw->fd);
    free(raw);
}

void raw_abandon(struct image *image)
{
    free(image);
}

static const struct image_ops raw_ops = {
    .read = raw_read,
    .write = raw_write,
    .flush = raw_flush,
    .discard = raw_discard,
    .zero = raw_zero,
    .read_now = raw_read_now,
    .next_data = raw_next_data,
    .close = raw_close,
};

static int get_size(int fd, uint64_t *size)
{
    struct stat st;

    if (fstat(fd, &st))
        return -errno;
    if (S_ISBLK(st.st_mode))
        return ioctl(fd, BLKGETSIZE64, size) ? -errno : 0;
    *size = (uint64_t)st.st_size;
    return 0;
}

int raw_open(int fd, const char *path, struct image **image, struct error *err)
{
    struct raw *raw;
    uint64_t size = 0;
    int r = get_size(fd, &size);

    if (r)
        return error_set(err, r, "%s: cannot find out its size: %s", path, strerror(-r));
    if (!size)
        return error_set(err, -EINVAL, "%s: is empty; give it a size first (truncate -s 4G %s)",
                         path, path);
    raw = calloc(1, sizeof(*raw));
    if (!raw)
        return error_set(err, -ENOMEM, "%s: out of memory", path);
    raw->image.ops = &raw_ops;
    raw->image.size = align_up(size, 512);
    raw->fd = fd;
    *image = &raw->image;
    return 0;
}
