/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qcow2 images (versions 2 and 3), inside backend/blk.
 *
 * Guest clusters are found through two tables: L1 (in memory) names the clusters of L2 tables, an
 * L2 entry names a host cluster. Each host cluster has a reference count in a refcount block; the
 * refcount table (in memory) names those. Numbers in the file are big-endian.
 *
 * Blocks of L2 tables and refcount blocks are cached in pages (qcow2_cache.c), changed there, and
 * written by a commit (qcow2_commit.c), which holds the order that keeps the file consistent
 * whenever the process or the host dies:
 *
 *     data, refcount blocks | refcount table | L2 tables | L1 | (later) counts that went down
 *
 * with a barrier at each bar that separates something. What is cut off costs leaked clusters, no
 * more. A commit copies all that is dirty at one instant, so that an entry and what it points to
 * belong to the same commit or to an earlier one.
 *
 * Locks: commit_lock, then lock. `lock` covers everything in struct qcow2 but what is said to be
 * constant; it is not held during I/O on the guest's data. Functions with _locked in their name are
 * called with it, and those that say so may release it for a while.
 */
#ifndef ARMVM_BACKEND_BLK_QCOW2_H
#define ARMVM_BACKEND_BLK_QCOW2_H

#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/blk/image.h"

enum {
    QCOW2_MIN_CLUSTER_BITS = 9,
    QCOW2_MAX_CLUSTER_BITS = 21,
    QCOW2_PAGE = 4096,             /* of the cache; a cluster where that is smaller */
    QCOW2_MAX_PAGES = 8192,        /* of all images' 32 MiB each */
    QCOW2_MAX_DIRTY = 2048,        /* pages before a commit of our own accord */
    QCOW2_MAX_L1_BYTES = 32 << 20, /* as other programs that write the format have it */
    QCOW2_MAX_REF_BYTES = 8 << 20, /* of the refcount table */
    QCOW2_MAX_SNAPSHOTS = 65536,
    QCOW2_BACKING_NAME = 1024,
    QCOW2_BUCKETS = 4096,
};

/* Entries of L1 and L2 tables. */
#define QCOW2_COPIED     (1ull << 63) /* the count of what it points to is exactly one */
#define QCOW2_COMPRESSED (1ull << 62)
#define QCOW2_ZERO       1ull /* version 3: reads as zeroes, whatever it points to */
#define QCOW2_OFFSET     0x00fffffffffffe00ull

/* Incompatible features, and compatible and autoclear ones. */
enum {
    QCOW2_DIRTY = 1,
    QCOW2_CORRUPT = 2,
    QCOW2_DATA_FILE = 4,
    QCOW2_COMPRESSION = 8,
    QCOW2_EXTENDED_L2 = 16,
};
enum { QCOW2_DEFLATE = 0, QCOW2_ZSTD = 1 };

struct qcow2_header {
    unsigned version, cluster_bits, refcount_order;
    uint64_t size, l1_offset, reftable_offset, snapshots_offset;
    uint32_t l1_size, reftable_clusters, snapshots, crypt_method;
    uint64_t incompatible, autoclear;
    uint8_t compression;
    bool bitmaps;
    char backing[QCOW2_BACKING_NAME]; /* empty: none */
    char backing_format[16];          /* empty: not recorded */
    char feature[48]; /* the name of the first bit of `incompatible` we don't know */
};

/* A table of 64-bit entries that is in memory as a whole, in the host's byte order. */
struct qcow2_table {
    uint64_t offset; /* in the file */
    uint32_t entries;
    uint64_t *entry;
    uint8_t *dirty; /* a flag for each 64 entries */
    bool any_dirty;
};

enum qcow2_kind { QCOW2_REFCOUNTS, QCOW2_L2, QCOW2_KINDS };

struct qcow2_page {
    uint64_t offset;
    struct qcow2_page *hash_next;
    struct qcow2_page *newer, *older;
    struct qcow2_page *dirty_next;
    unsigned pins;
    bool loading, dirty;
    enum qcow2_kind kind; /* of dirty */
    uint8_t data[];
};

struct qcow2_cache {
    struct qcow2_page *bucket[QCOW2_BUCKETS];
    struct qcow2_page *newest, *oldest;
    struct qcow2_page *dirty[QCOW2_KINDS];
    unsigned pages, dirty_pages;
};

/* A request on its way. Host clusters that lose their last reference are not given to others while
 * a request that may have looked them up is under way. */
struct qcow2_op {
    uint64_t seq;
    uint64_t first, end; /* guest clusters it is allocating; equal: none */
    struct qcow2_op *prev, *next;
};

/* References that went away: counts go down once no table in the file has them any more. */
struct qcow2_free {
    uint64_t cluster, count;
    uint64_t seq; /* requests before this one may use them */
    bool durable; /* the tables without them are on the disk */
};

struct qcow2_unpacked; /* qcow2_compress.c */

struct qcow2 {
    struct image image;
    /* Constant. */
    int fd;
    char *path;
    bool writable;
    unsigned version, cluster_bits, refcount_order;
    unsigned l2_bits;  /* log2 of an L2 table's entries */
    unsigned ref_bits; /* log2 of the clusters a refcount block covers */
    uint64_t cluster_size, page_size;
    uint32_t snapshots;
    uint64_t snapshots_offset;
    uint8_t compression;
    struct image *backing;

    pthread_mutex_t commit_lock, lock;
    pthread_cond_t changed; /* a page is loaded, a request ended */
    struct qcow2_table l1, ref;
    struct qcow2_cache cache;
    struct qcow2_op *oldest, *newest;
    uint64_t next_seq;
    struct qcow2_free *frees;
    size_t free_count, free_room;
    size_t frees_staged; /* a commit under way covers so many: they must not become longer */
    uint64_t free_hint;  /* no free cluster below */
    uint64_t file_end; /* clusters of the file that were ever in use: what is above is all holes */

    struct qcow2_unpacked *unpacked;
};

/* qcow2_header.c. path for messages. Reads and checks the header; what it says about features and
 * encryption is checked by qcow2_check_features. */
int qcow2_read_header(int fd, const char *path, struct qcow2_header *header, struct error *err);
int qcow2_check_features(const struct qcow2_header *header, const char *path, bool writable,
                         struct error *err);
/* Change the header in place, in one write each. */
int qcow2_write_reftable_pointer(int fd, uint64_t offset, uint32_t clusters);
int qcow2_write_features(int fd, uint64_t incompatible, uint64_t autoclear);

/* qcow2.c. Takes over fd. The backing file, if header->backing is not empty, is attached before the
 * first request; it becomes the image's. */
int qcow2_open(int fd, const char *path, const struct qcow2_header *header, bool writable,
               struct image **image, struct error *err);
void qcow2_set_backing(struct image *image, struct image *backing);
int qcow2_table_load(int fd, struct qcow2_table *table, uint64_t offset, uint32_t entries);
void qcow2_table_set(struct qcow2_table *table, uint32_t i, uint64_t value);
void qcow2_op_begin_locked(struct qcow2 *q, struct qcow2_op *op);
void qcow2_op_end_locked(struct qcow2 *q, struct qcow2_op *op);

/* qcow2_cache.c. A page is pinned until it is put. hold: `lock` is kept even while it is read from
 * the file (but for waiting for another thread that reads it). */
int qcow2_page_get_locked(struct qcow2 *q, uint64_t offset, bool hold, struct qcow2_page **page);
/* The page if it is there; not pinned. */
struct qcow2_page *qcow2_page_find_locked(struct qcow2 *q, uint64_t offset);
void qcow2_page_put_locked(struct qcow2_page *page);
void qcow2_page_dirty_locked(struct qcow2 *q, struct qcow2_page *page, enum qcow2_kind kind);
/* A cluster gets a new life as a table: what is cached of it is forgotten. */
void qcow2_page_forget_locked(struct qcow2 *q, uint64_t offset, uint64_t len);
void qcow2_cache_free(struct qcow2 *q);

/* qcow2_refcount.c. */
uint64_t qcow2_ref_get(const uint8_t *block, uint64_t index, unsigned order);
void qcow2_ref_set(uint8_t *block, uint64_t index, unsigned order, uint64_t value);
int qcow2_refcount_locked(struct qcow2 *q, uint64_t cluster, uint64_t *count);
/* Up to want clusters next to each other (at least one), counted once; *fresh: the file never
 * reached there. -E2BIG: the refcount table must grow first (qcow2_grow, without locks). */
int qcow2_alloc_locked(struct qcow2 *q, uint64_t want, uint64_t *cluster, uint64_t *got,
                       bool *fresh);
/* Counts down at once: of clusters that nothing in the file refers to. */
void qcow2_release_locked(struct qcow2 *q, uint64_t cluster, uint64_t count);
/* Counts down when what the caller changed in L1 or L2 is on the disk. */
void qcow2_free_later_locked(struct qcow2 *q, uint64_t cluster, uint64_t count);

/* qcow2_grow.c. Makes the refcount table longer. */
int qcow2_grow(struct qcow2 *q);
/* Writes counts (of clusters [0, n)) and a table for them behind the last cluster, and makes the
 * header point there. */
int qcow2_write_refcounts(struct qcow2 *q, const uint32_t *counts, uint64_t n);

/* qcow2_repair.c. Counts all references anew after a crash of a program that writes counts late;
 * before the first request. */
int qcow2_repair(struct qcow2 *q, struct error *err);

/* qcow2_commit.c. Brings all metadata to the file; everything written before is on the disk when
 * it returns 0. On an error nothing is lost, and the next commit tries again. */
int qcow2_commit(struct qcow2 *q);
/* With commit_lock. */
int qcow2_commit_inner(struct qcow2 *q);
/* Is so much waiting that there should be a commit of our own accord? */
bool qcow2_commit_due_locked(const struct qcow2 *q);
/* That commit; the guest hears of an error when it flushes. Without locks. */
void qcow2_commit_in_passing(struct qcow2 *q);

/* qcow2_map.c. A piece of the guest's disk that is alike. */
enum qcow2_type {
    QCOW2_HOLE,   /* the backing file's, or zeroes */
    QCOW2_ZEROES, /* host: a cluster in reserve, or 0 */
    QCOW2_DATA,   /* at host */
    QCOW2_PACKED, /* one compressed cluster */
};
struct qcow2_extent {
    enum qcow2_type type;
    uint64_t host; /* DATA: of the first byte; ZEROES: of the cluster; PACKED: of its data */
    uint64_t len;  /* bytes from where it was looked up */
    uint64_t packed_len;
    bool copied;
};
int qcow2_decode(const struct qcow2 *q, uint64_t entry, struct qcow2_extent *extent);
/* Entries of a page that are alike from offset on, cut to len bytes. */
int qcow2_look(const struct qcow2 *q, const struct qcow2_page *page, uint64_t offset, uint64_t len,
               struct qcow2_extent *extent);
/* Entries in a page, as a logarithm. */
static inline unsigned qcow2_page_bits(const struct qcow2 *q)
{
    return (q->cluster_bits < 12 ? q->cluster_bits : 12) - 3;
}
/* What is at offset, up to len bytes (at least one, within a page of entries). May release the
 * lock. */
int qcow2_lookup_locked(struct qcow2 *q, uint64_t offset, uint64_t len,
                        struct qcow2_extent *extent);
/* The same if that needs no reading; else -EAGAIN. */
int qcow2_lookup_cached_locked(struct qcow2 *q, uint64_t offset, uint64_t len,
                               struct qcow2_extent *extent);
/* The page with the entry of the cluster at offset in an L2 table that is ours alone (made or
 * copied if need be), pinned; *index is the entry's place in it. May release the lock. */
int qcow2_l2_writable_locked(struct qcow2 *q, uint64_t offset, struct qcow2_page **page,
                             unsigned *index);
static inline uint64_t qcow2_entry(const struct qcow2_page *page, unsigned index)
{
    uint64_t raw;

    __builtin_memcpy(&raw, page->data + 8 * (size_t)index, 8);
    return be64toh(raw);
}
void qcow2_set_entry_locked(struct qcow2 *q, struct qcow2_page *page, unsigned index,
                            uint64_t entry);
/* Gives back what an entry that is no longer in use pointed to. */
void qcow2_drop_entry_locked(struct qcow2 *q, uint64_t entry);
/* Waits until nobody else is allocating in [first, end); true if it had to (and the lock was
 * released). */
bool qcow2_wait_overlap_locked(struct qcow2 *q, const struct qcow2_op *op, uint64_t first,
                               uint64_t end);

/* qcow2_io.c. */
int qcow2_read(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt);
int qcow2_read_now(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt);
uint64_t qcow2_next_data(struct image *image, uint64_t offset);
/* Reads on behalf of a request that has begun. */
int qcow2_read_range(struct qcow2 *q, uint64_t offset, const struct iovec *iov, int iovcnt);

/* qcow2_compress.c. Bytes [skip, skip + len) of a compressed cluster. */
int qcow2_read_packed(struct qcow2 *q, const struct qcow2_extent *extent, uint64_t skip,
                      const struct iovec *iov, int iovcnt);
void qcow2_unpacked_free(struct qcow2 *q);

/* qcow2_write.c, qcow2_zero.c. */
int qcow2_write(struct image *image, uint64_t offset, const struct iovec *iov, int iovcnt);
int qcow2_discard(struct image *image, uint64_t offset, uint64_t len);
int qcow2_zero(struct image *image, uint64_t offset, uint64_t len, bool unmap);

static inline uint64_t qcow2_clusters(const struct qcow2 *q, uint64_t bytes)
{
    return (bytes + q->cluster_size - 1) >> q->cluster_bits;
}

#endif
