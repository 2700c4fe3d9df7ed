/* SPDX-License-Identifier: Apache-2.0 */
/* Opening images (what they are, who else uses them) and carrying requests to their format. */
#include "backend/blk/blk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/blk/image.h"
#include "backend/blk/pool.h"
#include "base/bits.h"
#include "base/error.h"

enum { INLINE_BYTES = 128 << 10 /* what a submitting thread may copy itself */ };

struct blk {
    struct image *image;
    struct pool *pool;
    bool readonly; /* for the guest */
};

/* Formats we know by their first bytes and do not read. A guest can write such bytes into its raw
 * disk; so they are never taken for more than a reason to ask. */
static const struct {
    const char *name;
    unsigned offset, len;
    uint8_t magic[8];
} foreign[] = {
    {"qcow2", 0, 4, {'Q', 'F', 'I', 0xfb}},
    {"VMDK", 0, 4, {'K', 'D', 'M', 'V'}},
    {"VHDX", 0, 8, {'v', 'h', 'd', 'x', 'f', 'i', 'l', 'e'}},
    {"VDI", 64, 4, {0x7f, 0x10, 0xda, 0xbe}},
};

static int probe(int fd, const struct blk_config *config, struct error *err)
{
    uint8_t head[72] = {0};

    if (config->format && strcmp(config->format, "raw"))
        return error_set(err, -EINVAL,
                         "%s: format %s is not supported by this build (only raw is); convert it: "
                         "qemu-img convert -O raw",
                         config->path, config->format);
    if (config->format)
        return 0;
    if (pread(fd, head, sizeof(head), 0) < 0)
        return error_set(err, -errno, "%s: cannot read: %s", config->path, strerror(errno));
    for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
        if (!memcmp(head + foreign[i].offset, foreign[i].magic, foreign[i].len))
            return error_set(err, -EINVAL,
                             "%s: is a %s image, and this build reads raw ones: convert it "
                             "(qemu-img convert -O raw), or say format=raw if its bytes are the "
                             "disk",
                             config->path, foreign[i].name);
    return 0;
}

/* One writer, or any number of readers, of all processes. */
static int lock_file(int fd, const struct blk_config *config, bool writer, struct error *err)
{
    struct flock lock = {.l_type = writer ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

    if (!fcntl(fd, F_OFD_SETLK, &lock))
        return 0;
    if (errno != EAGAIN && errno != EACCES)
        return 0; /* a file system without locks: as it was without us */
    if (!writer)
        return error_set(err, -EBUSY,
                         "%s: another machine is writing to it; stop that one, or use a copy",
                         config->path);
    return error_set(err, -EBUSY,
                     "%s: is in use by another machine; stop that one, or open it with readonly or "
                     "ephemeral if that one only reads",
                     config->path);
}

static int open_error(const struct blk_config *config, bool writer, int code, struct error *err)
{
    const char *path = config->path;

    switch (code) {
    case ENOENT:
        return error_set(err, -code, "%s: there is no such file", path);
    case EISDIR:
        return error_set(err, -code, "%s: is a directory, not a disk image", path);
    case EBUSY:
        return error_set(err, -code, "%s: the host is using this device (is it mounted?)", path);
    case EACCES:
    case EPERM:
    case EROFS:
        if (writer)
            return error_set(err, -code,
                             "%s: no permission to write (%s); readonly or ephemeral need none",
                             path, strerror(code));
        return error_set(err, -code, "%s: no permission to read", path);
    default:
        return error_set(err, -code, "%s: cannot open: %s", path, strerror(code));
    }
}

static int open_file(const struct blk_config *config, bool writer, struct error *err)
{
    int flags = (writer ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat st;
    int fd;

    if (stat(config->path, &st))
        return open_error(config, writer, errno, err);
    if (S_ISDIR(st.st_mode))
        return open_error(config, writer, EISDIR, err);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return error_set(err, -EINVAL, "%s: is neither a file nor a block device", config->path);
    /* On a block device O_EXCL asks that nobody has it mounted. */
    if (S_ISBLK(st.st_mode) && writer)
        flags |= O_EXCL;
    fd = open(config->path, flags);
    return fd < 0 ? open_error(config, writer, errno, err) : fd;
}

static int open_image(const struct blk_config *config, struct image **image, struct error *err)
{
    bool writer = !config->readonly && !config->ephemeral;
    struct image *base;
    int fd, r;

    fd = open_file(config, writer, err);
    if (fd < 0)
        return fd;
    r = lock_file(fd, config, writer, err);
    if (!r)
        r = probe(fd, config, err);
    if (!r)
        r = raw_open(fd, config->path, &base, err);
    if (r) {
        close(fd);
        return r;
    }
    if (!config->ephemeral || config->readonly) {
        *image = base;
        return 0;
    }
    r = overlay_open(base, image, err);
    if (r)
        base->ops->close(base);
    return r;
}

/* -EINVAL, -EROFS, or 0 when the request can be carried out. */
static int check(const struct blk *blk, const struct blk_request *request)
{
    bool transfer = request->op == BLK_READ || request->op == BLK_WRITE;

    if (request->op == BLK_FLUSH)
        return 0;
    if (request->offset > blk->image->size || request->len > blk->image->size - request->offset)
        return -EINVAL;
    if (transfer && (request->iovcnt < 0 || request->iovcnt > IOV_MAX ||
                     iov_bytes(request->iov, request->iovcnt) != request->len))
        return -EINVAL;
    return blk->readonly && request->op != BLK_READ ? -EROFS : 0;
}

static int perform(struct blk *blk, const struct blk_request *request)
{
    struct image *image = blk->image;
    int r = check(blk, request);

    if (r)
        return r;
    switch (request->op) {
    case BLK_READ:
        return image->ops->read(image, request->offset, request->iov, request->iovcnt);
    case BLK_WRITE:
        return image->ops->write(image, request->offset, request->iov, request->iovcnt);
    case BLK_FLUSH:
        return image->ops->flush(image);
    case BLK_DISCARD:
        return image->ops->discard(image, request->offset, request->len);
    case BLK_WRITE_ZEROES:
        return image->ops->zero(image, request->offset, request->len, request->unmap);
    }
    return -EINVAL;
}

static void work(void *ctx, struct blk_request *request)
{
    request->done(request, perform(ctx, request));
}

int blk_open(const struct blk_config *config, struct blk **out, struct error *err)
{
    struct blk *blk = calloc(1, sizeof(*blk));
    int r;

    if (!blk)
        return error_set(err, -ENOMEM, "%s: out of memory", config->path);
    blk->readonly = config->readonly;
    r = open_image(config, &blk->image, err);
    if (r) {
        free(blk);
        return r;
    }
    r = pool_create(&blk->pool, work, blk);
    if (r) {
        blk->image->ops->close(blk->image);
        free(blk);
        return error_set(err, r, "%s: cannot start a thread for it: %s", config->path,
                         strerror(-r));
    }
    *out = blk;
    return 0;
}

void blk_close(struct blk *blk)
{
    if (!blk)
        return;
    pool_destroy(blk->pool);
    if (!blk->readonly)
        blk->image->ops->flush(blk->image);
    blk->image->ops->close(blk->image);
    free(blk);
}

uint64_t blk_size(const struct blk *blk)
{
    return blk->image->size;
}

bool blk_readonly(const struct blk *blk)
{
    return blk->readonly;
}

void blk_submit(struct blk *blk, struct blk_request *request)
{
    const struct image_ops *ops = blk->image->ops;
    int r = check(blk, request);

    if (!request->background) {
        if (r || (request->op == BLK_FLUSH && blk->readonly)) {
            request->done(request, r);
            return;
        }
        if (request->op == BLK_READ && request->len <= INLINE_BYTES &&
            !ops->read_now(blk->image, request->offset, request->iov, request->iovcnt)) {
            request->done(request, 0);
            return;
        }
    }
    pool_put(blk->pool, request);
}
