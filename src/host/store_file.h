/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a store: header, records, index. Byte order is the host's; another's file has another
 * magic number.
 *
 *   struct store_header
 *   records, each at a multiple of 16, nothing but their bytes
 *   struct store_entry[entries], sorted by key
 */
#ifndef ARMVM_HOST_STORE_FILE_H
#define ARMVM_HOST_STORE_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct store_header {
    uint64_t magic;
    uint32_t version, size; /* size: of this header */
    uint64_t key[2];
    uint64_t salt[2]; /* key of all checksums but the last */
    uint64_t end;     /* of the file */
    uint64_t index;   /* where it stands */
    uint32_t entries;
    uint32_t age; /* counts the times that the file was written */
    uint64_t index_sum;
    uint64_t sum; /* of the header up to here */
};

struct store_entry {
    uint64_t key, sum;
    uint32_t at; /* in units of 16 bytes */
    uint32_t size;
    uint32_t age; /* of the file when it was last used */
    uint32_t reserved;
};

enum { STORE_UNIT = 16 };
enum { STORE_UNSEEN, STORE_USED, STORE_DAMAGED };

/* A file that was opened and found sound. */
struct store_reader {
    _Atomic unsigned users;
    int fd;
    struct store_header header;
    struct store_entry *entry;
    uint32_t *first;       /* by the key's upper bits: the first entry with these or higher ones */
    unsigned shift;        /* how far down the upper bits are */
    _Atomic uint8_t *seen; /* of each entry: STORE_* */
};

/* A record to be written. */
struct store_fresh {
    uint64_t key;
    size_t size;
    struct store_fresh *chain; /* others of the same key */
    uint8_t data[];
};

/* The directory, made if need be: its descriptor. Refused if somebody else could write there. */
int store_directory(const char *path, struct error *err);

/* 0; -ENOENT; -EBADMSG and the like: not to be used. *problem then says why. */
int store_reader_open(int dir, const char *name, const uint64_t key[2],
                      struct store_reader **reader, const char **problem);
void store_reader_release(struct store_reader *reader);

/* The entry with this key, the nth from 0, or NULL. */
const struct store_entry *store_reader_find(const struct store_reader *reader, uint64_t key,
                                            unsigned nth);
/* Reads and checks a record; false: it is not what was written. */
bool store_reader_read(struct store_reader *reader, const struct store_entry *entry, void *buffer);

struct store_write {
    int dir;
    const char *name, *prefix;
    uint64_t key[2];
    uint64_t limit, total;
    struct store_reader *base; /* what the process has been reading, or NULL */
    struct store_fresh *const *fresh;
    size_t count;
};

/* Merges what the directory has under this name with fresh. 0 or negative errno: all is as it was.
 */
int store_write(const struct store_write *write);

#endif
