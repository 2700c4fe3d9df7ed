/* SPDX-License-Identifier: Apache-2.0 */
/* Writing metadata in the order that keeps the file consistent (qcow2.h), and giving clusters back
 * when that is done. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/blk/qcow2.h"
#include "base/bits.h"

enum { TABLE_PIECE = 512, PIECE_ENTRIES = TABLE_PIECE / 8, MAX_WAITING_FREES = 16384 };

/* A copy of something dirty, and where it goes. */
struct piece {
    uint64_t offset;
    uint8_t *bytes;
    size_t len;
    struct qcow2_page *page; /* or */
    uint32_t table_piece;
};

enum stage { STAGE_REFCOUNTS, STAGE_REF_TABLE, STAGE_L2, STAGE_L1, STAGES };

struct commit {
    struct piece *piece[STAGES];
    size_t count[STAGES];
    uint8_t *bytes;
    size_t frees; /* so many of q->frees are covered */
};

static int sync_file(const struct qcow2 *q)
{
    return fdatasync(q->fd) ? -errno : 0;
}

static size_t dirty_pieces(const struct qcow2_table *table)
{
    size_t n = 0;

    for (uint32_t i = 0; table->any_dirty && i < table->entries / PIECE_ENTRIES + 1; i++)
        n += table->dirty[i];
    return n;
}

static void copy_pages(struct qcow2 *q, enum qcow2_kind kind, struct piece *piece, size_t *count,
                       uint8_t **at)
{
    while (q->cache.dirty[kind]) {
        struct qcow2_page *page = q->cache.dirty[kind];
        q->cache.dirty[kind] = page->dirty_next;
        q->cache.dirty_pages--;
        page->dirty = false;
        page->pins++; /* must not be read from the file again before it is there */
        memcpy(*at, page->data, q->page_size);
        piece[(*count)++] = (struct piece){page->offset, *at, q->page_size, page, 0};
        *at += q->page_size;
    }
}

static void copy_table(struct qcow2_table *table, struct piece *piece, size_t *count, uint8_t **at)
{
    for (uint32_t i = 0; table->any_dirty && i < table->entries / PIECE_ENTRIES + 1; i++) {
        uint32_t first = i * PIECE_ENTRIES, n = table->entries - first;
        if (!table->dirty[i])
            continue;
        table->dirty[i] = 0;
        if (n > PIECE_ENTRIES)
            n = PIECE_ENTRIES;
        for (uint32_t e = 0; e < n; e++)
            st_be(*at + 8 * e, 8, table->entry[first + e]);
        piece[(*count)++] = (struct piece){table->offset + 8ull * first, *at, 8 * n, NULL, i};
        *at += TABLE_PIECE;
    }
    table->any_dirty = false;
}

static int stage_locked(struct qcow2 *q, struct commit *c)
{
    size_t pages = q->cache.dirty_pages;
    size_t tables = dirty_pieces(&q->ref) + dirty_pieces(&q->l1);
    struct piece *piece = NULL;
    uint8_t *at;

    memset(c, 0, sizeof(*c));
    c->frees = q->frees_staged = q->free_count;
    if (!(pages + tables))
        return 0;
    /* Each stage's list begins where the one before ends. */
    piece = calloc(pages + tables, sizeof(*piece));
    c->bytes = malloc(pages * q->page_size + tables * TABLE_PIECE);
    c->piece[0] = piece;
    if (!piece || !c->bytes)
        return -ENOMEM;
    at = c->bytes;
    copy_pages(q, QCOW2_REFCOUNTS, c->piece[0], &c->count[0], &at);
    c->piece[1] = c->piece[0] + c->count[0];
    copy_table(&q->ref, c->piece[1], &c->count[1], &at);
    c->piece[2] = c->piece[1] + c->count[1];
    copy_pages(q, QCOW2_L2, c->piece[2], &c->count[2], &at);
    c->piece[3] = c->piece[2] + c->count[2];
    copy_table(&q->l1, c->piece[3], &c->count[3], &at);
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const struct piece *)a)->offset, y = ((const struct piece *)b)->offset;

    return (x > y) - (x < y);
}

/* Neighbours go in one write. */
static int write_stage(struct qcow2 *q, struct piece *piece, size_t count)
{
    enum { MOST = 64 };
    struct iovec iov[MOST];
    int r = 0;

    qsort(piece, count, sizeof(*piece), by_offset);
    for (size_t i = 0, n; !r && i < count; i += n) {
        uint64_t end = piece[i].offset;
        for (n = 0; n < MOST && i + n < count && piece[i + n].offset == end; n++) {
            iov[n] = (struct iovec){piece[i + n].bytes, piece[i + n].len};
            end += piece[i + n].len;
        }
        r = fd_writev(q->fd, piece[i].offset, iov, (int)n);
    }
    return r;
}

/* Writes the stages; a barrier stands before each that refers to what came before, and at the end.
 */
static int write_staged(struct qcow2 *q, struct commit *c)
{
    int r = 0;

    for (unsigned s = 0; !r && s < STAGES; s++) {
        if (!c->count[s])
            continue;
        if (s != STAGE_REFCOUNTS)
            r = sync_file(q);
        if (!r)
            r = write_stage(q, c->piece[s], c->count[s]);
    }
    return r ? r : sync_file(q);
}

static void unstage_locked(struct qcow2 *q, struct commit *c, bool failed)
{
    for (unsigned s = 0; s < STAGES; s++) {
        enum qcow2_kind kind = s == STAGE_REFCOUNTS ? QCOW2_REFCOUNTS : QCOW2_L2;
        struct qcow2_table *table = s == STAGE_REF_TABLE ? &q->ref : &q->l1;
        for (size_t i = 0; i < c->count[s]; i++) {
            struct piece *piece = &c->piece[s][i];
            if (piece->page)
                qcow2_page_put_locked(piece->page);
            if (!failed)
                continue;
            if (piece->page) {
                qcow2_page_dirty_locked(q, piece->page, kind);
            } else {
                table->dirty[piece->table_piece] = 1;
                table->any_dirty = true;
            }
        }
    }
    for (size_t i = 0; !failed && i < c->frees; i++)
        q->frees[i].durable = true;
    q->frees_staged = 0;
    free(c->piece[0]);
    free(c->bytes);
}

/* Takes those references out of the list that no request can be using. */
static struct qcow2_free *take_frees_locked(struct qcow2 *q, size_t *count)
{
    uint64_t oldest = q->oldest ? q->oldest->seq : ~0ull;
    struct qcow2_free *taken = NULL;
    size_t kept = 0;

    *count = 0;
    if (q->free_count && q->frees[0].durable)
        taken = malloc(q->free_count * sizeof(*taken));
    if (!taken)
        return NULL;
    for (size_t i = 0; i < q->free_count; i++) {
        if (q->frees[i].durable && q->frees[i].seq <= oldest)
            taken[(*count)++] = q->frees[i];
        else
            q->frees[kept++] = q->frees[i];
    }
    q->free_count = kept;
    return taken;
}

/* The host gets the room back: clusters that were referred to once. Nobody can look at them, and
 * nobody gets them before the count goes down. */
static void punch(struct qcow2 *q, const struct qcow2_free *f)
{
    uint64_t run = 0;

    for (uint64_t i = 0; i <= f->count; i++) {
        uint64_t refs = 0;
        if (i < f->count) {
            pthread_mutex_lock(&q->lock);
            if (qcow2_refcount_locked(q, f->cluster + i, &refs))
                refs = 0;
            pthread_mutex_unlock(&q->lock);
        }
        if (refs == 1) {
            run++;
            continue;
        }
        if (run && fallocate(q->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                             (off_t)((f->cluster + i - run) << q->cluster_bits),
                             (off_t)(run << q->cluster_bits)))
            return; /* a file system without holes */
        run = 0;
    }
}

static void apply_frees(struct qcow2 *q)
{
    struct qcow2_free *frees;
    size_t count;

    pthread_mutex_lock(&q->lock);
    frees = take_frees_locked(q, &count);
    pthread_mutex_unlock(&q->lock);
    for (size_t i = 0; i < count; i++) {
        punch(q, &frees[i]);
        pthread_mutex_lock(&q->lock);
        qcow2_release_locked(q, frees[i].cluster, frees[i].count);
        pthread_mutex_unlock(&q->lock);
    }
    free(frees);
}

int qcow2_commit_inner(struct qcow2 *q)
{
    struct commit c;
    int r;

    pthread_mutex_lock(&q->lock);
    r = stage_locked(q, &c);
    pthread_mutex_unlock(&q->lock);
    if (!r)
        r = write_staged(q, &c);
    pthread_mutex_lock(&q->lock);
    unstage_locked(q, &c, r);
    pthread_mutex_unlock(&q->lock);
    if (!r)
        apply_frees(q);
    return r;
}

int qcow2_commit(struct qcow2 *q)
{
    int r;

    pthread_mutex_lock(&q->commit_lock);
    r = qcow2_commit_inner(q);
    pthread_mutex_unlock(&q->commit_lock);
    return r;
}

bool qcow2_commit_due_locked(const struct qcow2 *q)
{
    return q->cache.dirty_pages > QCOW2_MAX_DIRTY || q->free_count > MAX_WAITING_FREES;
}

void qcow2_commit_in_passing(struct qcow2 *q)
{
    if (pthread_mutex_trylock(&q->commit_lock))
        return; /* there is one under way */
    qcow2_commit_inner(q);
    pthread_mutex_unlock(&q->commit_lock);
}
