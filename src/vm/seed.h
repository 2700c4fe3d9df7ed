/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seed for cloud-init's NoCloud data source: a small FAT disk labelled CIDATA with the files
 * user-data and meta-data, from which a cloud image makes its first user.
 */
#ifndef ARMVM_VM_SEED_H
#define ARMVM_VM_SEED_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum { SEED_MAX_KEYS = 32 };

struct seed_config {
    const char *user;                /* login name */
    const char *password;            /* NULL: none, only keys */
    const char *hostname;            /* may be NULL */
    const char *keys[SEED_MAX_KEYS]; /* lines of authorized_keys */
    unsigned key_count;
};

/* Lower-case letters, digits, '-' and '_', beginning with a letter or '_', at most 32: what useradd
 * takes everywhere. */
int seed_check_user(const char *user, struct error *err);

/* The disk image, malloc'ed; *size is a multiple of 512. -E2BIG when the keys do not fit. */
int seed_build(const struct seed_config *config, uint8_t **image, size_t *size, struct error *err);

#endif
