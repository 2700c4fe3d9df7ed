/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: what is found in the file, checked. store_write.c writes it. */
#include "host/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "host/store.h"
#include "host/store_format.h"

/* --- the directory ----------------------------------------------------------------------------*/

static int make_parents(char *path)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        int rc = mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
        *at = '/';
        if (rc)
            return rc;
    }
    return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

/* Whether nobody but the user, and root, can have put it there. */
static bool trusted(const struct stat *st, mode_t others)
{
    return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & others);
}

int store_directory(const char *path, struct error *err)
{
    struct stat st;
    char copy[PATH_MAX];
    size_t len = strlen(path);
    int fd, rc;

    if (!len || len >= sizeof(copy))
        return error_set(err, -EINVAL, "%s: no name of a directory", path);
    memcpy(copy, path, len + 1);
    rc = make_parents(copy);
    if (rc)
        return error_set(err, rc, "%s: cannot be made: %s", path, strerror(-rc));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    rc = fstat(fd, &st) ? -errno : 0;
    if (!rc && !trusted(&st, S_IWGRP | S_IWOTH))
        rc = -EPERM;
    if (!rc)
        return fd;
    close(fd);
    return error_set(err, rc,
                     "%s: must be a directory that belongs to you and that nobody else can "
                     "write to (chmod 700)",
                     path);
}

/* --- opening ----------------------------------------------------------------------------------*/

bool store_read_all(int fd, void *buffer, size_t size, uint64_t at)
{
    uint8_t *to = buffer;

    while (size) {
        ssize_t n = pread(fd, to, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

uint64_t store_header_sum(const struct store_header *header)
{
    static const uint64_t key[2] = {STORE_MAGIC, STORE_VERSION};

    return hash_bytes(header, offsetof(struct store_header, sum), key);
}

static const char *check_header(const struct store_header *h, const struct stat *st,
                                const uint64_t key[2])
{
    if (h->magic != STORE_MAGIC || h->version != STORE_VERSION || h->size != sizeof(*h))
        return "not in this version's format";
    if (h->sum != store_header_sum(h))
        return "its header is damaged";
    if (h->key[0] != key[0] || h->key[1] != key[1])
        return "made by another program, or for another host";
    if (h->end != (uint64_t)st->st_size || h->index < sizeof(*h) || h->index > h->end ||
        h->end - h->index != (uint64_t)h->entries * sizeof(struct store_entry))
        return "its lengths do not fit";
    return NULL;
}

static bool index_sound(const struct store_reader *r)
{
    uint64_t last = 0;

    for (uint32_t i = 0; i < r->header.entries; i++) {
        const struct store_entry *e = &r->entry[i];
        uint64_t at = (uint64_t)e->at * STORE_UNIT;
        if (e->key < last || !e->size || e->size > STORE_MAX_RECORD || at < sizeof(r->header) ||
            at > r->header.index || e->size > r->header.index - at)
            return false;
        last = e->key;
    }
    return true;
}

/* Where each value of the key's upper bits begins. */
static void make_first(struct store_reader *r, unsigned bits)
{
    uint32_t next = 0;

    r->shift = 64 - bits;
    for (uint64_t top = 0; top < 1ull << bits; top++) {
        while (next < r->header.entries && r->entry[next].key >> r->shift < top)
            next++;
        r->first[top] = next;
    }
}

static int read_index(struct store_reader *r, const char **problem)
{
    const struct store_header *h = &r->header;
    size_t size = (size_t)h->entries * sizeof(*r->entry);
    unsigned bits = 1;

    while (1ull << bits < h->entries)
        bits++;
    r->entry = malloc(size ? size : 1);
    r->seen = calloc(h->entries + 1ul, 1);
    r->first = malloc(sizeof(*r->first) << bits);
    if (!r->entry || !r->seen || !r->first)
        return -ENOMEM;
    if (!store_read_all(r->fd, r->entry, size, h->index) ||
        hash_bytes(r->entry, size, h->salt) != h->index_sum || !index_sound(r)) {
        *problem = "its index is damaged";
        return -EBADMSG;
    }
    make_first(r, bits);
    return 0;
}

/* The time of the last change is that of the last use, for those who remove what nobody uses. */
static void touch(int fd, const struct stat *st)
{
    enum { HOUR = 3600 };

    if (time(NULL) - st->st_mtime > HOUR)
        (void)!futimens(fd, NULL);
}

static int open_checked(struct store_reader *r, const uint64_t key[2], const char **problem)
{
    struct stat st;

    if (fstat(r->fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode) || !trusted(&st, 077)) {
        *problem = "not a file of yours that nobody else can read or write";
        return -EPERM;
    }
    if (!store_read_all(r->fd, &r->header, sizeof(r->header), 0))
        *problem = "too short";
    else
        *problem = check_header(&r->header, &st, key);
    if (*problem)
        return -EBADMSG;
    touch(r->fd, &st);
    return read_index(r, problem);
}

int store_reader_open(int dir, const char *name, const uint64_t key[2],
                      struct store_reader **reader, const char **problem)
{
    struct store_reader *r;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc;

    *problem = NULL;
    if (fd < 0) {
        *problem = errno == ENOENT ? NULL : strerror(errno);
        return -errno;
    }
    r = calloc(1, sizeof(*r));
    if (!r) {
        close(fd);
        return -ENOMEM;
    }
    r->users = 1;
    r->fd = fd;
    rc = open_checked(r, key, problem);
    if (rc) {
        store_reader_release(r);
        return rc;
    }
    *reader = r;
    return 0;
}

void store_reader_release(struct store_reader *r)
{
    if (!r || atomic_fetch_sub(&r->users, 1) > 1)
        return;
    close(r->fd);
    free(r->entry);
    free(r->first);
    free((void *)r->seen);
    free(r);
}

/* --- records ----------------------------------------------------------------------------------*/

const struct store_entry *store_reader_find(const struct store_reader *r, uint64_t key,
                                            unsigned nth)
{
    uint32_t i = r->first[key >> r->shift];

    while (i < r->header.entries && r->entry[i].key < key)
        i++;
    if (nth >= r->header.entries - i || r->entry[i + nth].key != key)
        return NULL;
    return &r->entry[i + nth];
}

uint64_t store_record_sum(const struct store_header *header, uint64_t key, const void *data,
                          size_t size)
{
    const uint64_t salt[2] = {header->salt[0] ^ key, header->salt[1]};

    return hash_bytes(data, size, salt);
}

bool store_reader_read(struct store_reader *r, const struct store_entry *entry, void *buffer)
{
    _Atomic uint8_t *seen = &r->seen[entry - r->entry];
    bool ok = store_read_all(r->fd, buffer, entry->size, (uint64_t)entry->at * STORE_UNIT) &&
              store_record_sum(&r->header, entry->key, buffer, entry->size) == entry->sum;

    atomic_store_explicit(seen, ok ? STORE_USED : STORE_DAMAGED, memory_order_relaxed);
    return ok;
}
