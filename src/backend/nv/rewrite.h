/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware that rewrites a block of flash. EDK2 before 2024 cannot program more than 128 bytes in
 * place: for longer ones it erases the whole block, with all variables in it, and programs it anew
 * from its beginning. Stopped in between, real flash lacks what was not programmed again. Here that
 * can be avoided: what was in the block is remembered, and as long as a rewrite has done nothing
 * but to bring some of it back, the moment before the erasure is as good a one to have stopped at.
 */
#ifndef ARMVM_BACKEND_NV_REWRITE_H
#define ARMVM_BACKEND_NV_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

struct rewrite {
    bool open;  /* the last change of the array belongs to it */
    bool begun; /* something was programmed since the erasure */
    uint64_t offset, len;
    uint8_t *old; /* len bytes, what was there before */
};

/* [offset, offset + len) of the array bytes is about to be erased. */
void rewrite_erase(struct rewrite *rewrite, const uint8_t *bytes, uint64_t offset, uint64_t len);
/* len bytes at offset are about to be written. */
void rewrite_write(struct rewrite *rewrite, uint64_t offset, uint64_t len);
/* Some of what was in the block is not there again, and nothing else is. Once that is false, it
 * stays so until the next erasure, as long as bits go from 1 to 0 only. */
bool rewrite_is_under_way(const struct rewrite *rewrite, const uint8_t *bytes);
void rewrite_free(struct rewrite *rewrite);

#endif
