/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the smallest compliant disk: a GPT with one EFI system partition, FAT32 (UEFI 2.10, 5.3
 * and 13.3), raw, sparse, the same bytes for the same files.
 */
#ifndef ARMVM_IMAGE_ESP_OUT_H
#define ARMVM_IMAGE_ESP_OUT_H

#include <stddef.h>

struct error;

struct esp_file {
    const char *path; /* "/EFI/BOOT/BOOTAA64.EFI": names of 8.3 characters, in upper case */
    const void *data;
    size_t size;
};

/* path must not exist; it is removed again after an error. -EINVAL: a name does not fit; -ENOSPC:
 * the files do not. */
int esp_write(const char *path, const struct esp_file *files, unsigned count, struct error *err);

#endif
