/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that outlive the process: found by a 64-bit key, which several may share, kept in one
 * file of a directory of the user's own.
 *
 * Nothing in the file is believed: its owner and mode, header and index are checked when it is
 * opened, a record's checksum each time it is read, and a record is handed out as a copy, so that
 * nobody can change it behind the check. What does not hold is as if it were not there.
 *
 * A file is only ever replaced as a whole (renamed over), by what it had and what is new, under a
 * lock of the directory; readers of the old one keep it. Several processes may use it at once.
 */
#ifndef ARMVM_HOST_STORE_H
#define ARMVM_HOST_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct store;

enum { STORE_MAX_RECORD = 256 << 10 };

struct store_config {
    const char *directory; /* made, with its parents, if it is not there */
    const char *prefix;    /* of the file's name; the first key completes it */
    uint64_t key[2];       /* what the records are good for: a file with other keys is foreign */
    uint64_t limit;        /* of the file; above it, what was not used for longest goes */
    uint64_t total;        /* of all files with the prefix: the oldest go */
};

/* Negative errno: the directory cannot be made, or might not be the user's alone. */
int store_open(const struct store_config *config, struct store **store, struct error *err);
/* Writes what is new, if that is worth it, and frees. NULL is fine. */
void store_close(struct store *store);

/* What is wrong with the file that was found, or NULL. It will be replaced. */
const char *store_problem(const struct store *store);

/* Copies the nth (from 0) record with this key to buffer and returns its size; 0: there is none, or
 * it is damaged or larger than room (there may be further ones while *more is true). Any thread. */
size_t store_find(struct store *store, uint64_t key, unsigned nth, void *buffer, size_t room,
                  bool *more);

/* Adds a record. It is written in the background, as soon as nothing is added for a while. */
void store_add(struct store *store, uint64_t key, const void *data, size_t size);

/* Writes what is new now. 0 or negative errno. Not while another thread does. */
int store_save(struct store *store);

struct store_figures {
    uint64_t entries, bytes;     /* of the file in use */
    uint64_t added, added_bytes; /* since it was opened */
    uint64_t saves, damaged;     /* times written; records that failed their check */
};
void store_get_figures(struct store *store, struct store_figures *figures);

#endif
