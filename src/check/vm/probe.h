/* SPDX-License-Identifier: Apache-2.0 */
/* The probe (guest/probe), built with this program and part of it. */
#ifndef ARMVM_CHECK_VM_PROBE_H
#define ARMVM_CHECK_VM_PROBE_H

#include <stddef.h>
#include <stdint.h>

struct error;

/* \EFI\BOOT\BOOTAA64.EFI; of size 0 in a build without a compiler for AArch64. */
extern const uint8_t probe_aarch64[];
extern const size_t probe_aarch64_size;

/* Writes a disk image with the probe that any UEFI of the architecture boots. path must not exist.
 * -ENOTSUP: this build has no probe. */
int probe_write_image(const char *path, struct error *err);
/* A disk that the probe may write to. */
int probe_write_scratch(const char *path, struct error *err);

#endif
