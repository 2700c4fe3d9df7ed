/* SPDX-License-Identifier: Apache-2.0 */
#include "check/requirement.h"

#include <string.h>

#include "base/bits.h"

/* Levels in rfc-v2, v1.0, v2.0. */
#define ALWAYS(l)                                                                                  \
    {                                                                                              \
        l, l, l                                                                                    \
    }
#define FROM_V1(l)                                                                                 \
    {                                                                                              \
        LEVEL_NONE, l, l                                                                           \
    }
#define FROM_V2(l)                                                                                 \
    {                                                                                              \
        LEVEL_NONE, LEVEL_NONE, l                                                                  \
    }

#define M  LEVEL_MUST
#define SR LEVEL_STRONG
#define R  LEVEL_RECOMMENDED

#define IMAGE    "Image Format"
#define FIRMWARE "Virtual Firmware"
#define HARDWARE "Hardware Description"
#define PLATFORM "VM Platform"

static const struct requirement table[] = {
    {"I1", "The disk is partitioned with a GUID partition table", ALWAYS(M),
     IMAGE "; UEFI 2.10, 5.2.3 and 5.3",
     "partition it anew (sgdisk --mbrtogpt IMAGE keeps an MBR's partitions)", "VMSPEC-IMAGE-GPT"},
    {"I2", "The EFI system partition has its type GUID", ALWAYS(M), IMAGE "; UEFI 2.10, 5.3.3",
     "give the partition its type (sgdisk --typecode=N:EF00 IMAGE), or make one",
     "VMSPEC-IMAGE-ESP"},
    {"I3", "The EFI system partition is FAT32", ALWAYS(M), IMAGE "; UEFI 2.10, 13.3.1",
     "format it anew (mkfs.vfat -F 32; at least 65525 clusters: 34 MiB of 512-byte sectors) and "
     "copy the files back",
     NULL},
    {"I4", "The boot program is at the removable media path", ALWAYS(M),
     IMAGE "; UEFI 2.10, 3.5.1.1",
     "put the boot loader at \\EFI\\BOOT\\BOOTAA64.EFI or BOOTARM.EFI ('armvm image fix IMAGE', or "
     "grub-install --removable in the guest)",
     "VMSPEC-IMAGE-BOOTAA64"},
    {"I5", "It is an EFI application for this machine", ALWAYS(M), IMAGE "; UEFI 2.10, 2.1.1",
     "install a boot loader that is built for arm64 (or arm) UEFI there, whole", NULL},
    {"I6", "It boots without a prepared UEFI environment", ALWAYS(M),
     IMAGE "; UEFI 2.10, 3.3 and 3.5.1.1",
     "put everything that the program at the removable path needs beside it (shim: the loader that "
     "it starts), and make shim's CSV files name programs that exist",
     NULL},
    {"I7", "The variable store is not in the image", ALWAYS(M), FIRMWARE,
     "delete it: variables belong to the machine, not to the image", NULL},
    {"I8", "Firmware is not shipped in the image", ALWAYS(R), FIRMWARE,
     "remove it: the hypervisor brings the firmware", NULL},

    {"F1", "The firmware is UEFI and runs the application", ALWAYS(M), FIRMWARE "; UEFI 2.10, 4",
     "use UEFI firmware built for virtual machines (EDK2's ArmVirtQemu, U-Boot)", "VMSPEC-EFI"},
    {"F2", "UEFI is the first software executed", ALWAYS(R), FIRMWARE,
     "let the machine start in the firmware", NULL},
    {"F3", "UEFI is of version 2.4A or later", ALWAYS(R), FIRMWARE "; UEFI 2.10, 4.3",
     "use newer firmware", NULL},
    {"F4", "The firmware's environment is persistent", ALWAYS(SR), FIRMWARE,
     "give the machine a variable store of its own (armvm run: --vars FILE)", NULL},
    {"F5", "Variables survive reset and power cycle", ALWAYS(SR), FIRMWARE "; UEFI 2.10, 8.2",
     "give the machine a variable store of its own (armvm run: --vars FILE)", NULL},
    {"F6", "The store belongs to the instance of the machine", ALWAYS(M), FIRMWARE,
     "keep the store outside of the disk image, one for each machine", NULL},
    {"F7", "UEFI's clock can be read and set", FROM_V1(M), FIRMWARE "; UEFI 2.10, 8.3",
     "use firmware with a real-time clock driver (PL031)", NULL},

    {"H1", "The hardware description is reached from UEFI's system table", ALWAYS(M),
     HARDWARE "; UEFI 2.10, 4.6", "let the firmware install the tables", NULL},
    {"H2", "There is a complete flattened device tree", ALWAYS(M), HARDWARE,
     "describe every device by a node and nothing else", "VMSPEC-EFI-DTB"},
    {"H3", "Mainline kernels boot by the device tree alone", ALWAYS(M), HARDWARE,
     "describe what the kernel needs in the device tree", NULL},
    {"H4", "There is ACPI as well as the device tree", FROM_V2(M), HARDWARE,
     "install ACPI 5.1 tables or newer", "VMSPEC-EFI-ACPI"},

    {"P1", "No memory map is assumed; everything can be enumerated", ALWAYS(M), PLATFORM,
     "find addresses in the hardware description", NULL},
    {"P2", "AArch32 at EL1 where the CPU can", ALWAYS(R), PLATFORM,
     "let the guest's EL1 be 32 bits wide", NULL},
    {"P3", "There is a console: PL011, virtio or Xen", ALWAYS(M), PLATFORM,
     "give the machine one and describe it", NULL},
    {"P4", "The interrupt controller is GICv2 or newer", ALWAYS(M), PLATFORM,
     "give the machine a GICv2 (up to 8 CPUs) or GICv3", NULL},
    {"P5", "There are the virtual timer and counter", ALWAYS(M), PLATFORM,
     "let the guest use CNTV and CNTVCT", NULL},
    {"P6", "There is a bus to which disks and networks can be added", ALWAYS(SR), PLATFORM,
     "give the machine PCI Express with hotplug, or the Xen bus", NULL},
    {"P7", "PSCI 0.2 or newer", FROM_V2(M), PLATFORM, "offer PSCI by HVC or SMC", NULL},

    {"G1", "The guest has PL011, virtio and Xen consoles", ALWAYS(M), PLATFORM,
     "build the kernel with CONFIG_SERIAL_AMBA_PL011_CONSOLE=y, CONFIG_HVC_XEN=y and "
     "CONFIG_VIRTIO_CONSOLE, a module in the initrd or built in",
     NULL},
    {"G2", "The guest has GICv2 and newer", ALWAYS(M), PLATFORM,
     "build the kernel with CONFIG_ARM_GIC and CONFIG_ARM_GIC_V3", NULL},
    {"G3", "The guest has block, network, console and balloon drivers for all three buses",
     ALWAYS(SR), PLATFORM,
     "build the drivers in, or put them into the initrd (Debian: /etc/initramfs-tools/modules; "
     "dracut: add_drivers)",
     NULL},
    {"G4", "The guest assumes no variant of the machine", ALWAYS(M), PLATFORM,
     "remove fixed device names from the kernel's command line", NULL},
    {"G5", "The guest uses UEFI's clock", FROM_V1(M), FIRMWARE,
     "build the kernel with CONFIG_EFI, CONFIG_RTC_CLASS and CONFIG_RTC_DRV_EFI (a module must be "
     "in the root file system)",
     "VMSPEC-OS-EFI-RTC"},
};

#undef M
#undef SR
#undef R

const struct requirement *requirement_at(size_t index)
{
    return index < ARRAY_SIZE(table) ? &table[index] : NULL;
}

const struct requirement *requirement_find(const char *id)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (!strcmp(table[i].id, id) || (table[i].alias && !strcmp(table[i].alias, id)))
            return &table[i];
    return NULL;
}

size_t requirement_index(const struct requirement *requirement)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (&table[i] == requirement)
            return i;
    return ARRAY_SIZE(table);
}

const char *requirement_group(const struct requirement *requirement)
{
    static const struct {
        char letter;
        const char *name;
    } groups[] = {
        {'I', "Disk image"},  {'F', "Firmware"}, {'H', "Hardware description"},
        {'P', "VM platform"}, {'G', "Guest"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        if (requirement_index(requirement) < ARRAY_SIZE(table) &&
            requirement->id[0] == groups[i].letter)
            return groups[i].name;
    return "Other";
}

const char *check_level_name(enum check_level level)
{
    static const char *const names[] = {"not in this profile", "recommended",
                                        "strongly recommended", "must"};

    return names[level];
}

const char *check_level_short(enum check_level level)
{
    static const char *const names[] = {"-", "R", "SR", "M"};

    return names[level];
}

const char *const *check_profile_names(void)
{
    static const char *const names[] = {"rfc-v2", "v1.0", "v2.0", NULL};

    return names;
}
