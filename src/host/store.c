/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in memory: the file that is read, what is new, and the thread that writes it once nothing
 * new has come for a while. store.lock is a leaf; nothing is read or written under it.
 */
#include "host/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/map.h"
#include "host/store_file.h"
#include "host/thread.h"

enum {
    QUIET_MS = 1000,
    WORTH = 64 << 10,     /* less that is new is not worth a new file, */
    WORTH_PART = 32,      /* nor is less than this part of the old one */
    HURRY = 24 << 20,     /* write even if more is coming */
    FRESH_MAX = 64 << 20, /* what is not written in time is not kept */
    CHUNK = 1 << 20,
    NICE = 19,
};

_Static_assert((int)STORE_MAX_RECORD < (int)CHUNK, "a record fits a chunk");

/* Memory for records: many small ones, given back all at once. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    uint8_t bytes[];
};

struct store {
    struct store_config config;
    char name[64];
    int dir;
    const char *problem;

    pthread_mutex_t lock;
    pthread_cond_t first, quit_asked; /* what the thread sleeps on, without and with work ahead */
    struct store_reader *reader;      /* or NULL */
    struct map map;                   /* key -> chain of struct store_fresh */
    struct store_fresh **fresh;       /* all of them, in order */
    struct chunk *chunk, *sealed;     /* where they lie; those that are being written */
    size_t fresh_count, fresh_room, fresh_bytes;
    bool resting, quit;
    bool failed; /* writing did not work once: no more of it */
    struct thread *thread;
    bool thread_started;
    struct store_figures figures;
};

/* --- what is new ------------------------------------------------------------------------------*/

static bool has_locked(const struct store *store, uint64_t key, const void *data, size_t size)
{
    for (const struct store_fresh *f = map_get(&store->map, key); f; f = f->chain)
        if (f->size == size && !memcmp(f->data, data, size))
            return true;
    return false;
}

static struct store_fresh *allocate_locked(struct store *store, size_t size)
{
    struct chunk *chunk = store->chunk;
    struct store_fresh *f;

    size = align_up(sizeof(*f) + size, sizeof(uint64_t));
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = malloc(sizeof(*chunk) + CHUNK);
        if (!chunk)
            return NULL;
        *chunk = (struct chunk){.next = store->chunk, .size = CHUNK};
        store->chunk = chunk;
    }
    f = (struct store_fresh *)(void *)(chunk->bytes + chunk->used);
    chunk->used += size;
    return f;
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

static bool room_locked(struct store *store)
{
    if (store->fresh_count < store->fresh_room)
        return true;
    size_t room = store->fresh_room ? 2 * store->fresh_room : 1024;
    struct store_fresh **fresh = realloc(store->fresh, room * sizeof(struct store_fresh *));
    if (!fresh)
        return false;
    store->fresh = fresh;
    store->fresh_room = room;
    return true;
}

static bool chain_locked(struct store *store, struct store_fresh *f)
{
    f->chain = map_get(&store->map, f->key);
    return !map_put(&store->map, f->key, f);
}

static bool add_locked(struct store *store, uint64_t key, const void *data, size_t size)
{
    struct store_fresh *f;

    if (store->failed || store->fresh_bytes + size > FRESH_MAX || !room_locked(store) ||
        has_locked(store, key, data, size))
        return false;
    f = allocate_locked(store, size);
    if (!f)
        return false;
    f->key = key;
    f->size = size;
    memcpy(f->data, data, size);
    if (!chain_locked(store, f))
        return false;
    store->fresh[store->fresh_count++] = f;
    store->fresh_bytes += size;
    store->figures.added++;
    store->figures.added_bytes += size;
    if (store->resting) {
        store->resting = false;
        pthread_cond_signal(&store->first);
    }
    return true;
}

/* True once: without the thread, all is written at the end. */
static bool wants_thread_locked(struct store *store)
{
    bool first = !store->thread_started;

    store->thread_started = true;
    return first;
}

/* Forgets the first count records, the sealed ones. */
static void drop_locked(struct store *store, size_t count)
{
    for (size_t i = 0; i < count; i++)
        store->fresh_bytes -= store->fresh[i]->size;
    free_chunks(store->sealed);
    store->sealed = NULL;
    store->fresh_count -= count;
    memmove(store->fresh, store->fresh + count, store->fresh_count * sizeof(struct store_fresh *));
    map_clear(&store->map);
    for (size_t i = 0; i < store->fresh_count; i++)
        chain_locked(store, store->fresh[i]); /* on failure it is just not found */
}

/* --- writing ----------------------------------------------------------------------------------*/

/* The new file, in place of what has been read so far. */
static void exchange_reader(struct store *store)
{
    struct store_reader *reader, *old;
    const char *problem;

    if (store_reader_open(store->dir, store->name, store->config.key, &reader, &problem))
        return;
    pthread_mutex_lock(&store->lock);
    old = store->reader;
    store->reader = reader;
    pthread_mutex_unlock(&store->lock);
    store_reader_release(old);
}

/* What is new, for the thread that writes; it stays where it is and can be found meanwhile. */
static size_t seal(struct store *store, struct store_fresh ***fresh)
{
    struct chunk **end = &store->chunk;
    size_t count;

    pthread_mutex_lock(&store->lock);
    count = store->fresh_count;
    *fresh = malloc((count + 1) * sizeof(struct store_fresh *));
    if (*fresh)
        memcpy(*fresh, store->fresh, count * sizeof(struct store_fresh *));
    while (*end)
        end = &(*end)->next;
    *end = store->sealed; /* of an attempt that failed */
    store->sealed = store->chunk;
    store->chunk = NULL;
    pthread_mutex_unlock(&store->lock);
    return count;
}

/* last: nobody is going to look anything up any more. */
static int save(struct store *store, bool last)
{
    struct store_fresh **fresh;
    struct store_write job = {.dir = store->dir,
                              .name = store->name,
                              .prefix = store->config.prefix,
                              .key = {store->config.key[0], store->config.key[1]},
                              .limit = store->config.limit,
                              .total = store->config.total,
                              .base = store->reader}; /* nobody else changes it */
    int rc;

    job.count = seal(store, &fresh);
    job.fresh = fresh;
    rc = fresh ? store_write(&job) : -ENOMEM;
    free(fresh);
    if (!rc && !last)
        exchange_reader(store);
    pthread_mutex_lock(&store->lock);
    store->figures.saves += !rc;
    /* What could not be written is not tried again and again, unless others were just in the way.
     */
    if (rc != -EWOULDBLOCK) {
        store->failed = rc;
        drop_locked(store, job.count);
    }
    pthread_mutex_unlock(&store->lock);
    return rc;
}

int store_save(struct store *store)
{
    return save(store, false);
}

static bool worthwhile_locked(const struct store *store)
{
    uint64_t least = store->reader ? store->reader->header.end / WORTH_PART : 0;

    return !store->failed && store->fresh_bytes >= (least > WORTH ? least : WORTH);
}

static void wait_quiet_locked(struct store *store)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += QUIET_MS / 1000;
    until.tv_nsec += QUIET_MS % 1000 * 1000000l;
    while (!store->quit)
        if (pthread_cond_timedwait(&store->quit_asked, &store->lock, &until))
            return;
}

static void background(void *ctx)
{
    struct store *store = ctx;

    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    pthread_mutex_lock(&store->lock);
    while (!store->quit) {
        uint64_t before = store->figures.added;
        wait_quiet_locked(store);
        bool quiet = store->figures.added == before;
        if (store->quit)
            break;
        if (worthwhile_locked(store) && (quiet || store->fresh_bytes >= HURRY)) {
            pthread_mutex_unlock(&store->lock);
            save(store, false);
            pthread_mutex_lock(&store->lock);
        } else if (quiet) {
            store->resting = true;
            while (store->resting && !store->quit)
                pthread_cond_wait(&store->first, &store->lock);
        }
    }
    pthread_mutex_unlock(&store->lock);
}

void store_add(struct store *store, uint64_t key, const void *data, size_t size)
{
    bool start;

    if (!size || size > STORE_MAX_RECORD)
        return;
    pthread_mutex_lock(&store->lock);
    start = add_locked(store, key, data, size) && wants_thread_locked(store);
    pthread_mutex_unlock(&store->lock);
    if (start)
        (void)thread_create(&store->thread, "code-store", background, store, NULL);
}

/* --- looking up -------------------------------------------------------------------------------*/

/* Copies the nth new record; *nth is then what is left to count. */
static size_t find_fresh_locked(const struct store *store, uint64_t key, unsigned *nth,
                                void *buffer, size_t room, bool *found)
{
    const struct store_fresh *f = map_get(&store->map, key);

    while (f && *nth) {
        f = f->chain;
        --*nth;
    }
    *found = f;
    if (!f || f->size > room)
        return 0;
    memcpy(buffer, f->data, f->size);
    return f->size;
}

static void note_damage(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store->figures.damaged++;
    pthread_mutex_unlock(&store->lock);
}

size_t store_find(struct store *store, uint64_t key, unsigned nth, void *buffer, size_t room,
                  bool *more)
{
    struct store_reader *reader;
    const struct store_entry *entry;
    size_t size;

    pthread_mutex_lock(&store->lock);
    size = find_fresh_locked(store, key, &nth, buffer, room, more);
    reader = *more ? NULL : store->reader;
    if (reader)
        atomic_fetch_add(&reader->users, 1);
    pthread_mutex_unlock(&store->lock);
    if (!reader)
        return size;
    entry = store_reader_find(reader, key, nth);
    *more = entry;
    if (entry && entry->size <= room) {
        if (store_reader_read(reader, entry, buffer))
            size = entry->size;
        else
            note_damage(store);
    }
    store_reader_release(reader);
    return size;
}

/* --- life -------------------------------------------------------------------------------------*/

static void init_locks(struct store *store)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->first, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&store->quit_asked, &attr);
    pthread_condattr_destroy(&attr);
}

int store_open(const struct store_config *config, struct store **out, struct error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    int dir;

    if (!store)
        return error_set(err, -ENOMEM, "out of memory");
    dir = store_directory(config->directory, err);
    if (dir < 0) {
        free(store);
        return dir;
    }
    store->config = *config;
    store->dir = dir;
    snprintf(store->name, sizeof(store->name), "%s%016llx", config->prefix,
             (unsigned long long)config->key[0]);
    init_locks(store);
    (void)store_reader_open(dir, store->name, config->key, &store->reader, &store->problem);
    *out = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    pthread_mutex_lock(&store->lock);
    store->quit = true;
    pthread_cond_signal(&store->first);
    pthread_cond_signal(&store->quit_asked);
    pthread_mutex_unlock(&store->lock);
    thread_join(store->thread);
    if (worthwhile_locked(store))
        save(store, true);
    free_chunks(store->chunk);
    free_chunks(store->sealed);
    map_clear(&store->map);
    free(store->fresh);
    store_reader_release(store->reader);
    pthread_cond_destroy(&store->quit_asked);
    pthread_cond_destroy(&store->first);
    pthread_mutex_destroy(&store->lock);
    close(store->dir);
    free(store);
}

const char *store_problem(const struct store *store)
{
    return store->problem;
}

void store_get_figures(struct store *store, struct store_figures *figures)
{
    pthread_mutex_lock(&store->lock);
    *figures = store->figures;
    figures->entries = store->reader ? store->reader->header.entries : 0;
    figures->bytes = store->reader ? store->reader->header.end : 0;
    pthread_mutex_unlock(&store->lock);
}
