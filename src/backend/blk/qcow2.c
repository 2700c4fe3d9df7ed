/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing qcow2 images, and keeping track of the requests under way. */
#include "backend/blk/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"

int qcow2_table_load(int fd, struct qcow2_table *table, uint64_t offset, uint32_t entries)
{
    struct iovec iov = {NULL, 8ull * entries};
    int r;

    *table = (struct qcow2_table){.offset = offset, .entries = entries};
    table->entry = calloc(entries, 8);
    table->dirty = calloc(entries / 64 + 1, 1);
    if (!table->entry || !table->dirty)
        return -ENOMEM;
    iov.iov_base = table->entry;
    r = fd_readv(fd, offset, &iov, 1);
    for (uint32_t i = 0; !r && i < entries; i++)
        table->entry[i] = be64toh(table->entry[i]);
    return r;
}

void qcow2_table_set(struct qcow2_table *table, uint32_t i, uint64_t value)
{
    table->entry[i] = value;
    table->dirty[i / 64] = 1;
    table->any_dirty = true;
}

void qcow2_op_begin_locked(struct qcow2 *q, struct qcow2_op *op)
{
    *op = (struct qcow2_op){.seq = q->next_seq++, .prev = q->newest};
    *(q->newest ? &q->newest->next : &q->oldest) = op;
    q->newest = op;
}

void qcow2_op_end_locked(struct qcow2 *q, struct qcow2_op *op)
{
    *(op->prev ? &op->prev->next : &q->oldest) = op->next;
    *(op->next ? &op->next->prev : &q->newest) = op->prev;
}

static int qcow2_flush(struct image *image)
{
    return qcow2_commit((struct qcow2 *)image);
}

static void qcow2_close(struct image *image)
{
    struct qcow2 *q = (struct qcow2 *)image;

    /* The second time, the counts that the first one let go down. */
    if (q->writable && !qcow2_commit(q) && q->cache.dirty_pages)
        qcow2_commit(q);
    if (q->backing)
        q->backing->ops->close(q->backing);
    qcow2_unpacked_free(q);
    qcow2_cache_free(q);
    free(q->l1.entry);
    free(q->l1.dirty);
    free(q->ref.entry);
    free(q->ref.dirty);
    free(q->frees);
    free(q->path);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    pthread_mutex_destroy(&q->commit_lock);
    close(q->fd);
    free(q);
}

static const struct image_ops qcow2_ops = {
    .read = qcow2_read,
    .write = qcow2_write,
    .flush = qcow2_flush,
    .discard = qcow2_discard,
    .zero = qcow2_zero,
    .read_now = qcow2_read_now,
    .next_data = qcow2_next_data,
    .close = qcow2_close,
};

static struct qcow2 *create(int fd, const char *path, const struct qcow2_header *h, bool writable)
{
    struct qcow2 *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    q->image.ops = &qcow2_ops;
    q->image.size = align_up(h->size, 512);
    q->fd = fd;
    q->path = strdup(path);
    q->writable = writable;
    q->version = h->version;
    q->cluster_bits = h->cluster_bits;
    q->refcount_order = h->refcount_order;
    q->cluster_size = 1ull << h->cluster_bits;
    q->page_size = q->cluster_size < QCOW2_PAGE ? q->cluster_size : QCOW2_PAGE;
    q->l2_bits = h->cluster_bits - 3;
    q->ref_bits = h->cluster_bits + 3 - h->refcount_order;
    q->snapshots = h->snapshots;
    q->snapshots_offset = h->snapshots_offset;
    q->compression = h->compression;
    pthread_mutex_init(&q->commit_lock, NULL);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
    return q;
}

/* On a block device nothing is fresh. */
static int get_end(struct qcow2 *q)
{
    struct stat st;

    if (fstat(q->fd, &st))
        return -errno;
    q->file_end = S_ISREG(st.st_mode) ? qcow2_clusters(q, (uint64_t)st.st_size) : 1ull << 55;
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Are the table's blocks possible ones, and each there once? */
static int check_blocks(struct qcow2 *q)
{
    uint32_t n = q->ref.entries;
    uint64_t *sorted = malloc(8ull * n);
    int r = 0;

    if (!sorted)
        return -ENOMEM;
    memcpy(sorted, q->ref.entry, 8ull * n);
    qsort(sorted, n, 8, compare);
    for (uint32_t i = 0; i < n; i++)
        if (sorted[i] && ((sorted[i] & (q->cluster_size - 1)) || sorted[i] >> 56 ||
                          (i && sorted[i] == sorted[i - 1])))
            r = -EINVAL;
    free(sorted);
    return r;
}

static int counted(struct qcow2 *q, uint64_t offset, uint64_t bytes)
{
    for (uint64_t c = offset >> q->cluster_bits; c <= (offset + bytes - 1) >> q->cluster_bits;
         c++) {
        uint64_t count;
        int r = qcow2_refcount_locked(q, c, &count);
        if (r || !count)
            return r ? r : -EINVAL;
    }
    return 0;
}

/* Before clusters are handed out by what the counts say: do they know the tables? */
static int check_counts(struct qcow2 *q)
{
    int r = check_blocks(q);

    if (!r)
        r = counted(q, 0, 1);
    if (!r)
        r = counted(q, q->l1.offset, 8ull * q->l1.entries);
    if (!r)
        r = counted(q, q->ref.offset, 8ull * q->ref.entries);
    for (uint32_t i = 0; !r && i < q->ref.entries; i++)
        if (q->ref.entry[i])
            r = counted(q, q->ref.entry[i], 1);
    for (uint32_t i = 0; !r && i < q->l1.entries; i++)
        if (q->l1.entry[i] & QCOW2_OFFSET)
            r = counted(q, q->l1.entry[i] & QCOW2_OFFSET, 1);
    return r;
}

static int prepare_writing(struct qcow2 *q, const struct qcow2_header *h, struct error *err)
{
    uint64_t entries = (uint64_t)h->reftable_clusters << (q->cluster_bits - 3);
    int r = qcow2_table_load(q->fd, &q->ref, h->reftable_offset, (uint32_t)entries);

    if (r)
        return error_set(err, r, "%s: cannot read its refcount table: %s", q->path, strerror(-r));
    if (h->incompatible & QCOW2_DIRTY) {
        r = qcow2_repair(q, err);
        if (r)
            return r;
    }
    pthread_mutex_lock(&q->lock);
    r = check_counts(q);
    pthread_mutex_unlock(&q->lock);
    if (r)
        return error_set(
            err, r,
            "%s: its reference counts are wrong; repair it (qemu-img check -r all), or "
            "open it with readonly or ephemeral",
            q->path);
    /* Bits of what we do not keep up to date (bitmaps) go, as the format asks. */
    if (h->autoclear || (h->incompatible & QCOW2_DIRTY))
        r = qcow2_write_features(q->fd, h->incompatible & ~(uint64_t)QCOW2_DIRTY, 0);
    if (!r && fdatasync(q->fd))
        r = -errno;
    return r ? error_set(err, r, "%s: cannot write: %s", q->path, strerror(-r)) : 0;
}

int qcow2_open(int fd, const char *path, const struct qcow2_header *h, bool writable,
               struct image **image, struct error *err)
{
    struct qcow2 *q;
    int r = qcow2_check_features(h, path, writable, err);

    if (r)
        return r;
    q = create(fd, path, h, writable);
    if (!q || !q->path)
        r = error_set(err, -ENOMEM, "%s: out of memory", path);
    if (!r)
        r = get_end(q);
    if (!r)
        r = qcow2_table_load(fd, &q->l1, h->l1_offset, h->l1_size);
    if (r && q && q->path)
        error_set(err, r, "%s: cannot read its L1 table: %s", path, strerror(-r));
    if (!r && writable)
        r = prepare_writing(q, h, err);
    if (!r) {
        *image = &q->image;
        return 0;
    }
    if (q) {
        q->writable = false;
        q->fd = -1; /* still the caller's */
        qcow2_close(&q->image);
    }
    return r;
}

void qcow2_set_backing(struct image *image, struct image *backing)
{
    ((struct qcow2 *)image)->backing = backing;
}
