/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels that are booted directly: what a file is, what has to be loaded where. Formats: arm64
 * Image (Linux Documentation/arch/arm64/booting.rst), that compressed by gzip or zstd, EFI zboot
 * (vmlinuz.efi) with such a payload, and ELF for AArch64. Files are not trusted.
 */
#ifndef ARMVM_MACHINE_FW_KERNEL_H
#define ARMVM_MACHINE_FW_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/fw/file.h"

struct error;

enum { KERNEL_MAX_SEGMENTS = 16 };

struct kernel_segment {
    uint64_t addr;      /* physical; for an Image relative to the 2 MiB aligned base */
    size_t offset;      /* in data or file */
    uint64_t file_size; /* bytes from there */
    uint64_t mem_size;  /* bytes in memory, the rest is zero */
};

struct kernel {
    const char *format; /* "arm64 Image", "AArch64 ELF" */
    uint8_t *data;      /* the uncompressed image; NULL: it is what is in file */
    size_t size;
    struct fw_file file;
    bool fixed;     /* ELF: segments' addresses are absolute */
    uint64_t entry; /* absolute, or relative to the base */
    struct kernel_segment segment[KERNEL_MAX_SEGMENTS];
    unsigned segments;
};

/* Opens and recognises a kernel; path must outlive it. On error one line says what the file is. */
int kernel_open(const char *path, struct kernel *kernel, struct error *err);
/* The same from memory; name is for messages. data stays the caller's. */
int kernel_parse(const char *name, const uint8_t *data, size_t size, struct kernel *kernel,
                 struct error *err);
void kernel_close(struct kernel *kernel);

/* Puts segment i's file_size bytes into memory at `to`. */
int kernel_read_segment(const struct kernel *kernel, unsigned i, void *to, struct error *err);

struct kernel_layout {
    uint64_t base; /* what an Image's segments are relative to; 0 for fixed ones */
    uint64_t entry;
    uint64_t initrd; /* 0 without one */
    uint64_t dtb;
};

/* Where everything goes in [ram_base, ram_base + ram_size): no overlaps, the device tree on a 2 MiB
 * boundary of its own, kernel and initrd within 1 GiB windows as booting.rst demands. */
int kernel_place(const struct kernel *kernel, const char *name, uint64_t ram_base,
                 uint64_t ram_size, uint64_t initrd_size, uint64_t dtb_size,
                 struct kernel_layout *layout, struct error *err);

/* What a file that is no kernel looks like, from its first bytes: "a Linux kernel for x86
 * (bzImage)"; never NULL ("data of an unknown kind"). */
const char *kernel_what(const uint8_t *data, size_t size);

#endif
