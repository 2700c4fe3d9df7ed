/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening images: what they are, who else uses them, and the files below them.
 *
 * A backing file is opened in the format that the image above it records. Where none is recorded
 * (as older programs did), a file that has no other format's first bytes is raw, and a qcow2 image
 * is taken for one only if it refers to no further file: its bytes may have been written by a guest
 * that had it as a raw disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "backend/blk/image.h"
#include "backend/blk/qcow2.h"
#include "base/error.h"
#include "host/image_lock.h"

enum { MAX_DEPTH = 32 };

/* One file of a chain, the guest's first. */
struct link {
    const char *path;
    const char *format;      /* NULL: not said */
    const struct link *over; /* NULL: the guest's */
    bool writer;
    const struct blk_config *config; /* the guest's */
    unsigned depth;
    dev_t dev;
    ino_t ino;
};

static int open_link(struct link *link, struct image **image, struct error *err);

/* One writer, or any number of readers, of all processes. */
static int lock_file(int fd, const struct link *link, struct error *err)
{
    if (!host_image_lock(fd, link->writer))
        return 0;
    if (link->over)
        return error_set(
            err, -EBUSY,
            "%s: is being written by another machine, and %s is based on it; stop that "
            "one, or use copies",
            link->path, link->over->path);
    if (!link->writer)
        return error_set(err, -EBUSY,
                         "%s: another machine is writing to it; stop that one, or use a copy",
                         link->path);
    return error_set(err, -EBUSY,
                     "%s: is in use by another machine; stop that one, or open it with readonly or "
                     "ephemeral if that one only reads",
                     link->path);
}

static int open_error(const struct link *link, int code, struct error *err)
{
    const char *path = link->path;

    switch (code) {
    case ENOENT:
        if (link->over)
            return error_set(err, -code,
                             "%s: there is no such file, and %s is based on it; put it back, or "
                             "change what is recorded (qemu-img rebase -u)",
                             path, link->over->path);
        return error_set(err, -code, "%s: there is no such file", path);
    case EISDIR:
        return error_set(err, -code, "%s: is a directory, not a disk image", path);
    case EBUSY:
        return error_set(err, -code, "%s: the host is using this device (is it mounted?)", path);
    case EACCES:
    case EPERM:
    case EROFS:
        if (link->writer)
            return error_set(err, -code,
                             "%s: no permission to write (%s); readonly or ephemeral need none",
                             path, strerror(code));
        return error_set(err, -code, "%s: no permission to read", path);
    default:
        return error_set(err, -code, "%s: cannot open: %s", path, strerror(code));
    }
}

/* A file that is its own base has a chain without an end. */
static int check_cycle(const struct link *link, struct error *err)
{
    if (link->depth > MAX_DEPTH)
        return error_set(err, -ELOOP,
                         "%s: lies below more than %d other images; join some of them "
                         "(qemu-img commit)",
                         link->path, MAX_DEPTH);
    for (const struct link *up = link->over; up; up = up->over)
        if (up->dev == link->dev && up->ino == link->ino)
            return error_set(err, -ELOOP,
                             "%s: is, by way of its backing files, based on itself; change what is "
                             "recorded (qemu-img rebase -u)",
                             link->path);
    return 0;
}

static int open_file(struct link *link, struct error *err)
{
    int flags = (link->writer ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat st;
    int fd, r;

    if (stat(link->path, &st))
        return open_error(link, errno, err);
    if (S_ISDIR(st.st_mode))
        return open_error(link, EISDIR, err);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return error_set(err, -EINVAL, "%s: is neither a file nor a block device", link->path);
    link->dev = st.st_dev;
    link->ino = st.st_ino;
    r = check_cycle(link, err);
    if (r)
        return r;
    /* On a block device O_EXCL asks that nobody has it mounted. */
    if (S_ISBLK(st.st_mode) && link->writer)
        flags |= O_EXCL;
    fd = open(link->path, flags);
    return fd < 0 ? open_error(link, errno, err) : fd;
}

static int probe_file(int fd, const char *path, enum image_format *format, const char **name,
                      struct error *err)
{
    uint8_t head[IMAGE_PROBE_BYTES] = {0};

    if (pread(fd, head, sizeof(head), 0) < 0)
        return error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
    *format = image_probe(head, name);
    return 0;
}

static int find_format(int fd, const struct link *link, enum image_format *format,
                       struct error *err)
{
    const char *name;
    int r;

    *format = IMAGE_RAW;
    if (link->format && !strcmp(link->format, "qcow2"))
        *format = IMAGE_QCOW2;
    else if (link->format && strcmp(link->format, "raw"))
        return error_set(err, -EINVAL,
                         "%s: format %s is not supported (raw and qcow2 are); convert it: qemu-img "
                         "convert -O qcow2",
                         link->path, link->format);
    if (link->format)
        return 0;
    r = probe_file(fd, link->path, format, &name, err);
    if (r || *format != IMAGE_FOREIGN)
        return r;
    return error_set(err, -EINVAL,
                     "%s: is a %s image, which is not supported: convert it (qemu-img convert -O "
                     "qcow2)%s",
                     link->path, name,
                     link->over ? "" : ", or say format=raw if its bytes are the disk");
}

/* A name in an image is relative to the directory of that image. Of the forms "protocol:rest" only
 * file: is a file. */
static char *backing_path(const struct link *link, const char *name, struct error *err)
{
    const char *slash = strrchr(link->path, '/'), *colon = strchr(name, ':');
    size_t dir = slash ? (size_t)(slash - link->path) + 1 : 0;
    char *path;

    if (!strncmp(name, "file:", 5)) {
        name += 5;
    } else if (colon && !memchr(name, '/', (size_t)(colon - name))) {
        error_set(err, -ENOTSUP,
                  "%s: is based on '%s', which is no local file; that is not supported", link->path,
                  name);
        return NULL;
    }
    if (*name == '/')
        dir = 0;
    path = malloc(dir + strlen(name) + 1);
    if (!path) {
        error_set(err, -ENOMEM, "%s: out of memory", link->path);
        return NULL;
    }
    memcpy(path, link->path, dir);
    strcpy(path + dir, name);
    return path;
}

static int open_backing(const struct link *over, const struct qcow2_header *h, struct image **image,
                        struct error *err)
{
    struct link link = {.over = over, .depth = over->depth + 1};
    char *path = backing_path(over, h->backing, err);
    int r;

    if (!path)
        return err ? err->code : -EINVAL;
    link.path = path;
    link.format = *h->backing_format ? h->backing_format : NULL;
    r = open_link(&link, image, err);
    free(path);
    return r;
}

static int open_qcow2(int fd, const struct link *link, struct image **image, struct error *err)
{
    struct qcow2_header *h = malloc(sizeof(*h));
    struct image *backing = NULL;
    int r;

    if (!h)
        return error_set(err, -ENOMEM, "%s: out of memory", link->path);
    r = qcow2_read_header(fd, link->path, h, err);
    if (!r)
        r = qcow2_check_features(h, link->path, link->writer, err);
    if (!r && *h->backing && link->over && !link->format)
        r = error_set(
            err, -EINVAL,
            "%s: looks like qcow2 with a backing file, but %s does not record its format; "
            "if it is right, record it: qemu-img rebase -u -F qcow2 -b %s %s",
            link->path, link->over->path, link->path, link->over->path);
    if (!r && *h->backing)
        r = open_backing(link, h, &backing, err);
    if (!r) {
        r = qcow2_open(fd, link->path, h, link->writer, image, err);
        if (!r)
            qcow2_set_backing(*image, backing);
        else if (backing)
            backing->ops->close(backing);
    }
    free(h);
    return r;
}

static int open_raw(int fd, const struct link *link, struct image **image, struct error *err)
{
    int r = raw_open(fd, link->path, image, err);

    /* A guard that cannot be made leaves fd to the caller as every other error does. */
    if (r || link->format || !link->writer)
        return r;
    r = guard_open(*image, link->config, image, err);
    if (r)
        raw_abandon(*image);
    return r;
}

static int open_link(struct link *link, struct image **image, struct error *err)
{
    enum image_format format = IMAGE_RAW;
    int fd = open_file(link, err), r;

    if (fd < 0)
        return fd;
    r = lock_file(fd, link, err);
    if (!r)
        r = find_format(fd, link, &format, err);
    if (!r)
        r = format == IMAGE_QCOW2 ? open_qcow2(fd, link, image, err)
                                  : open_raw(fd, link, image, err);
    if (r)
        close(fd);
    return r;
}

int image_open(const struct blk_config *config, struct image **image, struct error *err)
{
    struct link link = {.path = config->path,
                        .format = config->format,
                        .writer = !config->readonly && !config->ephemeral,
                        .config = config};
    struct image *base;
    int r = open_link(&link, &base, err);

    if (r)
        return r;
    if (!config->ephemeral || config->readonly) {
        *image = base;
        return 0;
    }
    r = overlay_open(base, image, err);
    if (r)
        base->ops->close(base);
    return r;
}

static void describe_qcow2(const struct qcow2_header *h, struct blk_info *info)
{
    info->format = "qcow2";
    info->size = h->size;
    memcpy(info->backing, h->backing, sizeof(h->backing));
    info->cluster_size = 1u << h->cluster_bits;
    info->version = h->version;
    info->compression = h->compression == QCOW2_ZSTD ? "zstd" : "zlib";
    info->dirty = h->incompatible & QCOW2_DIRTY;
    info->corrupt = h->incompatible & QCOW2_CORRUPT;
    info->snapshots = h->snapshots;
}

int blk_describe(const char *path, struct blk_info *info, struct error *err)
{
    struct link link = {.path = path};
    struct qcow2_header *h = malloc(sizeof(*h));
    enum image_format format;
    struct image *raw;
    struct stat st = {0};
    int fd = h ? open_file(&link, err) : error_set(err, -ENOMEM, "%s: out of memory", path), r;

    if (fd < 0) {
        free(h);
        return fd;
    }
    memset(info, 0, sizeof(*info));
    fstat(fd, &st);
    info->file_size = (uint64_t)st.st_blocks * 512;
    r = find_format(fd, &link, &format, err);
    if (!r && format == IMAGE_QCOW2) {
        r = qcow2_read_header(fd, path, h, err);
        if (!r)
            describe_qcow2(h, info);
    } else if (!r) {
        r = raw_open(fd, path, &raw, err);
        if (!r) {
            info->format = "raw";
            info->size = raw->size;
            raw_abandon(raw);
        }
    }
    close(fd);
    free(h);
    return r;
}
