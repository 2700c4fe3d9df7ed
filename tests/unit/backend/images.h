/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of disk images: a directory for them, qemu-img as the other implementation, requests
 * that wait for their end. */
#ifndef ARMVM_TESTS_BACKEND_IMAGES_H
#define ARMVM_TESTS_BACKEND_IMAGES_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backend/blk/blk.h"

/* The current directory becomes a new one under /tmp; images_end removes it. */
void images_begin(void);
void images_end(void);
bool have_qemu_img(void);
/* Runs a command (printf-like) with its output thrown away; returns its exit status. */
int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, and the test fails if it does. */
void must(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A file of pseudo-random bytes, a third of it zeroes in runs; the same bytes in *copy (malloc'ed)
 * unless that is NULL. */
void make_random(const char *path, size_t size, unsigned seed, uint8_t **copy);
void write_file(const char *path, const void *bytes, size_t size);

struct blk *open_blk(const char *path, bool readonly, bool ephemeral);
/* blk_open fails with that code, and the message has these words. */
void refuses(const struct blk_config *config, int code, const char *words);
int perform(struct blk *blk, enum blk_op op, uint64_t offset, void *buf, uint64_t len, bool unmap);

#endif
