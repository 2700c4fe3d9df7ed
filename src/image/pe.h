/* SPDX-License-Identifier: Apache-2.0 */
/* EFI applications: PE32 and PE32+ images (Microsoft's "PE Format"; UEFI 2.10, section 2.1.1). */
#ifndef ARMVM_IMAGE_PE_H
#define ARMVM_IMAGE_PE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/findings.h"
#include "image/source.h"

struct error;

enum {
    PE_MACHINE_AMD64 = 0x8664,
    PE_MACHINE_I386 = 0x014c,
    PE_MACHINE_ARM64 = 0xaa64,
    PE_MACHINE_ARM_THUMB = 0x01c2, /* what UEFI calls ARM (2.1.1) */
    PE_MACHINE_RISCV64 = 0x5064,
    PE_MACHINE_LOONGARCH64 = 0x6264,
    PE_MACHINE_EBC = 0x0ebc,
    PE_SUBSYSTEM_EFI_APPLICATION = 10,
    PE_SUBSYSTEM_EFI_BOOT_DRIVER = 11,
    PE_SUBSYSTEM_EFI_RUNTIME_DRIVER = 12,
    PE_SECTIONS_MAX = 96, /* the format's own limit */
};

struct pe_section {
    char name[9];
    uint32_t address, size;     /* in memory */
    uint32_t offset, file_size; /* in the file */
    uint32_t flags;
};

/* What it is, by what it contains. */
enum pe_kind {
    PE_UNKNOWN,
    PE_GRUB,
    PE_SYSTEMD_BOOT,
    PE_SYSTEMD_STUB, /* a kernel, initrd and command line behind systemd's stub */
    PE_SHIM,
    PE_LINUX,
    PE_UBOOT,
};

struct pe {
    uint16_t machine, subsystem;
    bool plus; /* PE32+ */
    uint32_t entry, image_size, section_alignment, file_alignment;
    uint32_t certificates; /* bytes of the certificate table; 0: not signed */
    unsigned sections;
    struct pe_section section[PE_SECTIONS_MAX];
    enum pe_kind kind;
    char version[64]; /* what the program says of its version; may be empty */
    struct findings findings;
};

/* -EINVAL: no PE image, with the reason; or the source's error. What is there but damaged or
 * against UEFI's rules goes to pe->findings. */
int pe_read(const struct image_source *file, struct pe *pe, struct error *err);
const struct pe_section *pe_find(const struct pe *pe, const char *name);

/* "AArch64"; NULL for what is not known. */
const char *pe_machine_name(uint16_t machine);
/* "GRUB" */
const char *pe_kind_name(enum pe_kind kind);

#endif
