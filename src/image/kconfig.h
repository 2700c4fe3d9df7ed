/* SPDX-License-Identifier: Apache-2.0 */
/* A Linux kernel's configuration: as text, and out of the kernel itself (CONFIG_IKCONFIG). */
#ifndef ARMVM_IMAGE_KCONFIG_H
#define ARMVM_IMAGE_KCONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "image/source.h"

/* 'y', 'm', or 'n': of CONFIG_name in the text, whose byte behind the end is zero. */
char kconfig_get(const char *text, const char *name);
/* Whether it is a configuration at all. */
int kconfig_plausible(const char *text);

/* The configuration within a kernel: arm64 Image, EFI zboot, arm zImage, a systemd stub's .linux,
 * plain or compressed by what unpack.h knows. The caller frees *text, which ends with a zero.
 * -ENOENT: the kernel has none; -EBADMSG, -EINVAL: damaged; or the source's error. */
int kconfig_extract(const struct image_source *kernel, char **text);

#endif
