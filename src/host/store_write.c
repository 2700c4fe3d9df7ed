/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a store's file: a new one beside it, renamed over it. Records of the old file are copied
 * as they are, checksums and all; what was found damaged is left out.
 *
 * Nobody waits for the disk: what a power failure leaves half written fails its checksums, and then
 * there is just nothing to be had.
 */
#include "host/store_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/hash.h"
#include "host/store.h"
#include "host/store_format.h"

enum { CHUNK = 256 << 10, LOCK_TRIES = 20, LOCK_PAUSE_MS = 10, STALE_SECONDS = 3600 };

/* What goes into the new file: fresh, or of the old file at old_at. */
struct item {
    struct store_entry entry;
    const struct store_fresh *fresh;
    uint32_t old_at, order; /* in the old file; among what is fresh */
};

struct writer {
    const struct store_write *job;
    struct store_reader *base; /* the file to be replaced, or NULL */
    struct item *item;
    size_t items;
    struct store_header header;
    int fd;
    uint64_t at; /* bytes given to out() */
    uint8_t *buffer;
    size_t filled;
};

/* --- which records ----------------------------------------------------------------------------*/

static uint64_t units(uint64_t size)
{
    return (size + STORE_UNIT - 1) / STORE_UNIT;
}

static void take_old(struct writer *w)
{
    for (uint32_t i = 0; w->base && i < w->base->header.entries; i++) {
        unsigned seen = atomic_load_explicit(&w->base->seen[i], memory_order_relaxed);
        if (seen == STORE_DAMAGED)
            continue;
        struct item *item = &w->item[w->items++];
        *item = (struct item){.entry = w->base->entry[i], .old_at = w->base->entry[i].at};
        if (seen == STORE_USED)
            item->entry.age = w->header.age;
    }
}

static bool known(const struct writer *w, const struct store_entry *entry)
{
    const struct store_entry *e;

    for (unsigned n = 0; w->base && (e = store_reader_find(w->base, entry->key, n)); n++)
        if (e->size == entry->size && e->sum == entry->sum &&
            w->base->seen[e - w->base->entry] != STORE_DAMAGED)
            return true;
    return false;
}

static void take_fresh(struct writer *w)
{
    for (size_t i = 0; i < w->job->count; i++) {
        const struct store_fresh *fresh = w->job->fresh[i];
        struct store_entry entry = {
            .key = fresh->key,
            .size = (uint32_t)fresh->size,
            .age = w->header.age,
            .sum = store_record_sum(&w->header, fresh->key, fresh->data, fresh->size)};
        if (!known(w, &entry))
            w->item[w->items++] =
                (struct item){.entry = entry, .fresh = fresh, .order = (uint32_t)i};
    }
}

/* The old file's order, then the new ones as they came: what was needed together stays together. */
static int by_place(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (!x->fresh != !y->fresh)
        return x->fresh ? 1 : -1;
    if (x->fresh)
        return (x->order > y->order) - (x->order < y->order);
    return (x->old_at > y->old_at) - (x->old_at < y->old_at);
}

/* Latest use first. */
static int by_age(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->entry.age != y->entry.age)
        return x->entry.age < y->entry.age ? 1 : -1;
    return by_place(a, b);
}

static int by_key(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    return (x->entry.key > y->entry.key) - (x->entry.key < y->entry.key);
}

static uint64_t total_size(const struct writer *w)
{
    uint64_t size = sizeof(struct store_header);

    for (size_t i = 0; i < w->items; i++)
        size += units(w->item[i].entry.size) * STORE_UNIT + sizeof(struct store_entry);
    return size;
}

/* Drops what has not been used for longest, down to three quarters of the limit, so that it is not
 * due again the next time. */
static void evict(struct writer *w)
{
    uint64_t size = sizeof(struct store_header), most = w->job->limit / 4 * 3;
    size_t kept = 0;

    if (total_size(w) <= w->job->limit)
        return;
    qsort(w->item, w->items, sizeof(*w->item), by_age);
    for (; kept < w->items; kept++) {
        size += units(w->item[kept].entry.size) * STORE_UNIT + sizeof(struct store_entry);
        if (size > most)
            break;
    }
    w->items = kept;
    qsort(w->item, w->items, sizeof(*w->item), by_place);
}

/* --- bytes ------------------------------------------------------------------------------------*/

static int flush(struct writer *w)
{
    size_t done = 0;

    while (done < w->filled) {
        ssize_t n = write(w->fd, w->buffer + done, w->filled - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        done += (size_t)n;
    }
    w->filled = 0;
    return 0;
}

/* Appends; from NULL: zeros. */
static int out(struct writer *w, const void *from, size_t size)
{
    const uint8_t *p = from;

    w->at += size;
    while (size) {
        size_t n = size < CHUNK - w->filled ? size : CHUNK - w->filled;
        if (p) {
            memcpy(w->buffer + w->filled, p, n);
            p += n;
        } else {
            memset(w->buffer + w->filled, 0, n);
        }
        w->filled += n;
        size -= n;
        int rc = w->filled == CHUNK ? flush(w) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

/* Copies a piece of the old file, which may have been damaged since it was opened: then what is
 * missing is zeros, and the records' checksums tell. */
static int copy(struct writer *w, uint64_t at, uint64_t size)
{
    int rc = 0;

    while (size && !rc) {
        size_t n = size < CHUNK - w->filled ? (size_t)size : CHUNK - w->filled;
        if (!store_read_all(w->base->fd, w->buffer + w->filled, n, at))
            memset(w->buffer + w->filled, 0, n);
        w->filled += n;
        w->at += n;
        at += n;
        size -= n;
        rc = w->filled == CHUNK ? flush(w) : 0;
    }
    return rc;
}

/* How many items from first on stand one behind the other in the old file. */
static size_t run_of(const struct writer *w, size_t first)
{
    size_t i = first;

    while (i + 1 < w->items && !w->item[i + 1].fresh &&
           w->item[i + 1].old_at == w->item[i].old_at + units(w->item[i].entry.size))
        i++;
    return i + 1 - first;
}

static int write_old(struct writer *w, size_t first, size_t count)
{
    uint64_t at = w->item[first].old_at;
    const struct item *last = &w->item[first + count - 1];
    uint32_t moved = (uint32_t)(w->at / STORE_UNIT) - (uint32_t)at;

    for (size_t i = first; i < first + count; i++)
        w->item[i].entry.at = w->item[i].old_at + moved;
    return copy(w, at * STORE_UNIT, (last->old_at + units(last->entry.size) - at) * STORE_UNIT);
}

static int write_fresh(struct writer *w, struct item *item)
{
    int rc;

    item->entry.at = (uint32_t)(w->at / STORE_UNIT);
    rc = out(w, item->fresh->data, item->entry.size);
    return rc ? rc : out(w, NULL, align_up(w->at, STORE_UNIT) - w->at);
}

static int write_records(struct writer *w)
{
    int rc = out(w, NULL, align_up(sizeof(w->header), STORE_UNIT));
    size_t n;

    for (size_t i = 0; i < w->items && !rc; i += n) {
        n = w->item[i].fresh ? 1 : run_of(w, i);
        rc = w->item[i].fresh ? write_fresh(w, &w->item[i]) : write_old(w, i, n);
    }
    return rc;
}

static int write_index(struct writer *w)
{
    struct store_entry *index = malloc(w->items * sizeof(*index) + 1);
    int rc;

    if (!index)
        return -ENOMEM;
    qsort(w->item, w->items, sizeof(*w->item), by_key);
    for (size_t i = 0; i < w->items; i++)
        index[i] = w->item[i].entry;
    w->header.index = w->at;
    w->header.entries = (uint32_t)w->items;
    w->header.index_sum = hash_bytes(index, w->items * sizeof(*index), w->header.salt);
    rc = out(w, index, w->items * sizeof(*index));
    free(index);
    w->header.end = w->at;
    w->header.sum = store_header_sum(&w->header);
    return rc;
}

/* --- files ------------------------------------------------------------------------------------*/

static bool is_temporary(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && !strcmp(name + len - 4, ".new");
}

/* Removes what a killed process left half written, and the files that nobody has used for longest
 * while all together are too large. */
static void prune(const struct store_write *job)
{
    for (;;) {
        int fd = openat(job->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        char oldest[NAME_MAX + 1] = "";
        time_t oldest_time = 0;
        uint64_t total = 0;
        struct dirent *entry;
        if (!dir)
            return;
        while ((entry = readdir(dir))) {
            struct stat st;
            if (strncmp(entry->d_name, job->prefix, strlen(job->prefix)) ||
                fstatat(job->dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
                continue;
            if (is_temporary(entry->d_name)) {
                if (time(NULL) - st.st_mtime > STALE_SECONDS)
                    unlinkat(job->dir, entry->d_name, 0);
                continue;
            }
            total += (uint64_t)st.st_size;
            if (strcmp(entry->d_name, job->name) && (!oldest[0] || st.st_mtime < oldest_time)) {
                strcpy(oldest, entry->d_name);
                oldest_time = st.st_mtime;
            }
        }
        closedir(dir);
        if (total <= job->total || !oldest[0] || unlinkat(job->dir, oldest, 0))
            return;
    }
}

/* The file as it is now: another process may have replaced it. */
static struct store_reader *current(const struct store_write *job)
{
    struct store_reader *found = NULL;
    const char *problem;
    struct stat now, ours;

    if (job->base && !fstatat(job->dir, job->name, &now, AT_SYMLINK_NOFOLLOW) &&
        !fstat(job->base->fd, &ours) && now.st_ino == ours.st_ino && now.st_dev == ours.st_dev) {
        atomic_fetch_add(&job->base->users, 1);
        return job->base;
    }
    return store_reader_open(job->dir, job->name, job->key, &found, &problem) ? NULL : found;
}

static int prepare(struct writer *w)
{
    size_t old;

    w->base = current(w->job);
    old = w->base ? w->base->header.entries : 0;
    w->header = (struct store_header){.magic = STORE_MAGIC,
                                      .version = STORE_VERSION,
                                      .size = sizeof(w->header),
                                      .key = {w->job->key[0], w->job->key[1]},
                                      .age = w->base ? w->base->header.age + 1 : 1};
    if (w->base)
        memcpy(w->header.salt, w->base->header.salt, sizeof(w->header.salt));
    else if (getrandom(w->header.salt, sizeof(w->header.salt), 0) != sizeof(w->header.salt))
        return -EIO;
    w->item = calloc(old + w->job->count + 1, sizeof(*w->item));
    w->buffer = malloc(CHUNK);
    if (!w->item || !w->buffer)
        return -ENOMEM;
    take_old(w);
    qsort(w->item, w->items, sizeof(*w->item), by_place);
    take_fresh(w);
    evict(w);
    return 0;
}

static int write_all(struct writer *w)
{
    int rc = write_records(w);

    if (!rc)
        rc = write_index(w);
    if (!rc)
        rc = flush(w);
    if (!rc && pwrite(w->fd, &w->header, sizeof(w->header), 0) != sizeof(w->header))
        rc = -EIO;
    return rc;
}

static int write_beside(struct writer *w)
{
    char name[NAME_MAX + 1];
    int rc;

    snprintf(name, sizeof(name), "%s.%d.new", w->job->name, (int)getpid());
    unlinkat(w->job->dir, name, 0); /* under the lock: left by a process that had our number */
    w->fd = openat(w->job->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (w->fd < 0)
        return -errno;
    rc = write_all(w);
    if (close(w->fd) && !rc)
        rc = -errno;
    if (!rc && renameat(w->job->dir, name, w->job->dir, w->job->name))
        rc = -errno;
    if (rc)
        unlinkat(w->job->dir, name, 0);
    return rc;
}

/* Other processes write for some tens of milliseconds at most. */
static int lock(int dir)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000l};

    for (unsigned tries = 0; flock(dir, LOCK_EX | LOCK_NB); tries++) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || tries == LOCK_TRIES)
            return -errno;
        nanosleep(&pause, NULL);
    }
    return 0;
}

int store_write(const struct store_write *job)
{
    struct writer w = {.job = job, .fd = -1};
    int rc = lock(job->dir);

    if (rc)
        return rc;
    rc = prepare(&w);
    if (!rc)
        rc = write_beside(&w);
    if (!rc)
        prune(job);
    flock(job->dir, LOCK_UN);
    store_reader_release(w.base);
    free(w.item);
    free(w.buffer);
    return rc;
}
