/* SPDX-License-Identifier: Apache-2.0 */
/* Says in a few words what a file is that somebody took for a kernel. */
#include "machine/fw/kernel.h"

#include <string.h>

#include "base/bits.h"

static const struct {
    uint32_t offset;
    uint8_t len;
    const char *magic;
    const char *what;
} signatures[] = {
    {0x202, 4, "HdrS", "a Linux kernel for x86 (bzImage)"},
    {0x24, 4, "\x18\x28\x6f\x01", "a Linux kernel for 32-bit Arm (zImage)"},
    {56, 4, "RSC\x05", "a Linux kernel for RISC-V"},
    {48, 5, "RISCV", "a Linux kernel for RISC-V"},
    {0, 4, "\x27\x05\x19\x56", "a U-Boot image (uImage)"},
    {0, 4, "\xd0\x0d\xfe\xed", "a device tree or FIT image"},
    {0, 6, "070701", "a cpio archive: an initrd, not a kernel"},
    {0, 6, "070702", "a cpio archive: an initrd, not a kernel"},
    {0, 4, "QFI\xfb", "a qcow2 disk image"},
    {0, 6,
     "\xfd"
     "7zXZ",
     "an xz-compressed file"},
    {0, 3, "BZh", "a bzip2-compressed file"},
    {0, 4, "\x02\x21\x4c\x18", "an lz4-compressed file"},
    {0, 4, "\x04\x22\x4d\x18", "an lz4-compressed file"},
    {0, 4, "\x89LZO", "an lzop-compressed file"},
    {0, 4, "PK\x03\x04", "a zip archive"},
    {0, 7, "!<arch>", "an ar archive or Debian package: unpack it first"},
    {0, 4, "\xed\xab\xee\xdb", "an RPM package: unpack it first"},
    {0, 2, "#!", "a script"},
    {257, 5, "ustar", "a tar archive"},
    {32769, 5, "CD001", "an ISO 9660 CD image"},
    {512, 8, "EFI PART", "a disk image with a GPT"},
    {1080, 2, "\x53\xef", "an ext2/3/4 file system"},
};

static const struct {
    uint16_t machine; /* ELF e_machine */
    const char *what;
} elf_machines[] = {
    {3, "an ELF file for 32-bit x86"}, {8, "an ELF file for MIPS"},
    {20, "an ELF file for PowerPC"},   {21, "an ELF file for 64-bit PowerPC"},
    {22, "an ELF file for IBM Z"},     {40, "an ELF file for 32-bit Arm"},
    {62, "an ELF file for x86-64"},    {183, "an ELF file for AArch64"},
    {243, "an ELF file for RISC-V"},   {258, "an ELF file for LoongArch"},
};

static const struct {
    uint16_t machine; /* PE Machine */
    const char *what;
} pe_machines[] = {
    {0x014c, "an EFI or Windows program for 32-bit x86"},
    {0x01c2, "an EFI program for 32-bit Arm"},
    {0x01c4, "an EFI or Windows program for 32-bit Arm"},
    {0x5032, "an EFI program for 32-bit RISC-V"},
    {0x5064, "an EFI program for 64-bit RISC-V"},
    {0x6264, "an EFI program for LoongArch"},
    {0x8664, "an EFI or Windows program for x86-64"},
    {0xaa64, "an EFI program for AArch64 without an arm64 Image header"},
};

static const char *elf_what(const uint8_t *data, size_t size)
{
    if (size >= 20) {
        uint16_t machine = (uint16_t)(data[5] == 2 ? ld_be(data + 18, 2) : ld_le(data + 18, 2));
        for (size_t i = 0; i < ARRAY_SIZE(elf_machines); i++)
            if (elf_machines[i].machine == machine)
                return elf_machines[i].what;
    }
    return "an ELF file for an unknown machine";
}

static const char *pe_what(const uint8_t *data, size_t size)
{
    if (size >= 64) {
        uint64_t at = ld_le(data + 0x3c, 4);
        if (at <= size - 6 && memcmp(data + at, "PE\0\0", 4) == 0) {
            uint16_t machine = (uint16_t)ld_le(data + at + 4, 2);
            for (size_t i = 0; i < ARRAY_SIZE(pe_machines); i++)
                if (pe_machines[i].machine == machine)
                    return pe_machines[i].what;
        }
    }
    return "an MS-DOS or EFI program for an unknown machine";
}

static bool is_text(const uint8_t *data, size_t size)
{
    size_t n = size < 256 ? size : 256;
    for (size_t i = 0; i < n; i++)
        if ((data[i] < 0x20 && data[i] != '\n' && data[i] != '\r' && data[i] != '\t') ||
            data[i] == 0x7f)
            return false;
    return n > 0;
}

const char *kernel_what(const uint8_t *data, size_t size)
{
    if (size == 0)
        return "empty";
    if (size >= 4 && memcmp(data,
                            "\x7f"
                            "ELF",
                            4) == 0)
        return elf_what(data, size);
    for (size_t i = 0; i < ARRAY_SIZE(signatures); i++)
        if (size >= signatures[i].offset + (size_t)signatures[i].len &&
            memcmp(data + signatures[i].offset, signatures[i].magic, signatures[i].len) == 0)
            return signatures[i].what;
    if (size >= 2 && memcmp(data, "MZ", 2) == 0)
        return pe_what(data, size);
    if (size >= 512 && data[510] == 0x55 && data[511] == 0xaa)
        return "a disk image with an MBR";
    if (is_text(data, size))
        return "a text file";
    return "data of an unknown kind";
}
