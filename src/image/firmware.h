/* SPDX-License-Identifier: Apache-2.0 */
/* Finds firmware and its variable stores in a piece of a disk or a file. */
#ifndef ARMVM_IMAGE_FIRMWARE_H
#define ARMVM_IMAGE_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/source.h"

enum firmware_kind {
    FIRMWARE_VARIABLES, /* a volume of the variable store's type */
    FIRMWARE_VOLUME,    /* any other firmware volume */
    FIRMWARE_UBOOT,
    FIRMWARE_FIP, /* Trusted Firmware's package */
};

/* "a firmware volume" */
const char *firmware_kind_name(enum firmware_kind kind);

/* Whether a firmware volume (UEFI PI 1.7, volume 3, 3.2.1) begins at p. */
bool firmware_volume_at(const uint8_t *p, size_t size, enum firmware_kind *kind);

/* Calls each for what is found, until it returns other than 0, which becomes the result; at most
 * one of a kind in each 64 KiB. *budget:
 * bytes that may be read, counted down; -EFBIG when there are none left. */
int firmware_scan(const struct image_source *source, uint64_t *budget,
                  int (*each)(void *ctx, enum firmware_kind kind, uint64_t offset), void *ctx);

#endif
