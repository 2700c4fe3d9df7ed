/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A redo journal: a file of records that are only ever appended. All numbers are little-endian.
 *
 *   header   u8 magic[8] "armvmnv1", u64 sum of the memory that the records start from, u64 chain
 *   record   u32 kind, u32 offset, u32 length, u32 zero, payload (WRITE: length bytes; SEALED: the
 *            u64 sum of the memory after all records), u64 chain
 *
 * The chain is a checksum over everything before it in the file, so the records up to the first
 * one that does not agree with it are what was written, in order, however the file was cut off.
 *
 * SEALED is the last record: from then on the memory's own file may be neither what it was nor what
 * it becomes, and the journal is carried out whatever it holds.
 */
#ifndef ARMVM_BACKEND_NV_JOURNAL_H
#define ARMVM_BACKEND_NV_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum journal_kind { JOURNAL_WRITE = 1, JOURNAL_FILL_ONES, JOURNAL_SEALED };

struct journal {
    int fd;
    uint64_t end; /* where the next record goes */
    uint64_t chain;
    bool broken; /* a record could not be taken back: nothing more can be appended */
};

/* Creates an empty one (replacing what is there). 0 or negative errno. */
int journal_create(struct journal *journal, const char *path, uint64_t base_sum);
/* Goes on with one that was read: end and chain are those after its last good record. */
int journal_reopen(struct journal *journal, const char *path, uint64_t end, uint64_t chain);
/* Appends a record; negative errno: it is not there. */
int journal_append(struct journal *journal, enum journal_kind kind, uint64_t offset, uint64_t len,
                   const void *payload);
/* Waits until the records are on stable storage. */
int journal_sync(const struct journal *journal);
void journal_close(struct journal *journal);

struct journal_record {
    enum journal_kind kind;
    uint64_t offset, len;
    const uint8_t *payload; /* inside data */
};

/* Reading one back from memory: false if data does not start with a header. *at is then where the
 * first record is. */
bool journal_begin(const uint8_t *data, size_t size, uint64_t *base_sum, size_t *at,
                   uint64_t *chain);
/* The next record, which lies within [0, limit) of the memory; false after the last good one. */
bool journal_next(const uint8_t *data, size_t size, uint64_t limit, size_t *at, uint64_t *chain,
                  struct journal_record *record);

/* A checksum of bytes, going on from another one (0 to start). */
uint64_t journal_sum(uint64_t sum, const void *data, size_t len);

#endif
