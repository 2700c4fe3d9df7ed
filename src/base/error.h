/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that reach a person. Functions return 0 or a negative errno-style code; where a user's
 * input may be at fault they also take a struct error and leave one line in it, made where the
 * cause is known: what was wrong (file, option), and what to do.
 */
#ifndef ARMVM_BASE_ERROR_H
#define ARMVM_BASE_ERROR_H

struct error {
    int code;       /* negative errno, 0 when unset */
    char text[480]; /* one line, no newline */
};

/* Fills err (which may be NULL) and returns code, so that callers write `return error_set(...)`. */
int error_set(struct error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message already there; returns err->code. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
