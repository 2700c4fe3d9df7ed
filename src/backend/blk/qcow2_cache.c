/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of L2 tables and refcount blocks, by their place in the file; least recently used go first,
 * but for those that are pinned or dirty. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/qcow2.h"

static struct qcow2_page **bucket(struct qcow2 *q, uint64_t offset)
{
    uint64_t hash = offset / q->page_size * 0x9e3779b97f4a7c15ull;

    return &q->cache.bucket[hash >> 52 & (QCOW2_BUCKETS - 1)];
}

static void unlink_lru(struct qcow2_cache *c, struct qcow2_page *page)
{
    *(page->newer ? &page->newer->older : &c->newest) = page->older;
    *(page->older ? &page->older->newer : &c->oldest) = page->newer;
}

static void link_lru(struct qcow2_cache *c, struct qcow2_page *page)
{
    page->newer = NULL;
    page->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = page;
    c->newest = page;
}

static void remove_page(struct qcow2 *q, struct qcow2_page *page)
{
    struct qcow2_page **at = bucket(q, page->offset);

    while (*at != page)
        at = &(*at)->hash_next;
    *at = page->hash_next;
    unlink_lru(&q->cache, page);
    q->cache.pages--;
    free(page);
}

/* Makes room if the cache is full and something can go. */
static void evict(struct qcow2 *q)
{
    struct qcow2_page *page = q->cache.oldest;

    while (page && q->cache.pages >= QCOW2_MAX_PAGES) {
        struct qcow2_page *newer = page->newer;
        if (!page->pins && !page->dirty)
            remove_page(q, page);
        page = newer;
    }
}

struct qcow2_page *qcow2_page_find_locked(struct qcow2 *q, uint64_t offset)
{
    struct qcow2_page *page = *bucket(q, offset);

    while (page && page->offset != offset)
        page = page->hash_next;
    if (!page || page->loading)
        return NULL;
    if (page->newer) {
        unlink_lru(&q->cache, page);
        link_lru(&q->cache, page);
    }
    return page;
}

static struct qcow2_page *insert(struct qcow2 *q, uint64_t offset)
{
    struct qcow2_page **head = bucket(q, offset), *page;

    evict(q);
    page = calloc(1, sizeof(*page) + q->page_size);
    if (!page)
        return NULL;
    page->offset = offset;
    page->hash_next = *head;
    *head = page;
    link_lru(&q->cache, page);
    q->cache.pages++;
    return page;
}

static bool is_loading(struct qcow2 *q, uint64_t offset)
{
    const struct qcow2_page *page = *bucket(q, offset);

    while (page && page->offset != offset)
        page = page->hash_next;
    return page && page->loading;
}

int qcow2_page_get_locked(struct qcow2 *q, uint64_t offset, bool hold, struct qcow2_page **out)
{
    struct qcow2_page *page;
    struct iovec iov;
    int r;

    while (is_loading(q, offset))
        pthread_cond_wait(&q->changed, &q->lock);
    page = qcow2_page_find_locked(q, offset);
    if (page) {
        page->pins++;
        *out = page;
        return 0;
    }
    page = insert(q, offset);
    if (!page)
        return -ENOMEM;
    page->pins = 1;
    page->loading = true;
    iov = (struct iovec){page->data, q->page_size};
    if (!hold)
        pthread_mutex_unlock(&q->lock);
    r = fd_readv(q->fd, offset, &iov, 1);
    if (!hold)
        pthread_mutex_lock(&q->lock);
    page->loading = false;
    pthread_cond_broadcast(&q->changed);
    if (r)
        remove_page(q, page);
    else
        *out = page;
    return r;
}

void qcow2_page_put_locked(struct qcow2_page *page)
{
    page->pins--;
}

void qcow2_page_dirty_locked(struct qcow2 *q, struct qcow2_page *page, enum qcow2_kind kind)
{
    if (page->dirty)
        return;
    page->dirty = true;
    page->kind = kind;
    page->dirty_next = q->cache.dirty[kind];
    q->cache.dirty[kind] = page;
    q->cache.dirty_pages++;
}

void qcow2_page_forget_locked(struct qcow2 *q, uint64_t offset, uint64_t len)
{
    for (uint64_t end = offset + len; offset < end; offset += q->page_size) {
        struct qcow2_page *page = qcow2_page_find_locked(q, offset);
        if (!page)
            continue;
        /* Only a damaged image has a use for it still: then it is what the file has now. */
        if (page->pins || page->dirty)
            memset(page->data, 0, q->page_size);
        else
            remove_page(q, page);
    }
}

void qcow2_cache_free(struct qcow2 *q)
{
    while (q->cache.oldest)
        remove_page(q, q->cache.oldest);
}
