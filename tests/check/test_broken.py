#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images with one defect each, made from a good one: each is reported under its requirement, by its
name, and no other requirement fails.
    test_broken.py ARMVM [NAME...]"""
import os
import pathlib
import struct
import sys
import uuid

import images
from damage import (FFS_GUID, LOADER, STORE_GUID, check, cluster_of, csv, esp_delete, esp_poke,
                    esp_put, fat_entry, fat_geometry, find_on_esp, gpt, new_esp, new_root, peek,
                    poke, replace, run_cases, volume)
from images import ESP_TYPE, GRUB, MIB, SDBOOT, SHIM, VERSION, X64, ARM, Gpt, pe, run

LINUX_DATA = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")
DEFECTS = []


def defect(requirement, finding, profile="rfc-v2"):
    """A function that damages the image at a path; what must be reported of it then."""
    def add(function):
        DEFECTS.append((function.__name__, requirement, finding, profile, function))
        return function
    return add


# --- I1 -------------------------------------------------------------------------------------------

@defect("I1", "gpt-missing")
def no_table(image):
    run("sgdisk", "--zap-all", image)

@defect("I1", "gpt-missing")
def mbr_only(image):
    run("sgdisk", "--zap-all", image)
    poke(image, 446, struct.pack("<BBBBBBBBII", 0x80, 0, 2, 0, 0xEF, 0, 0, 0, 2048, 35 * 2048))
    poke(image, 510, b"\x55\xaa")

@defect("I1", "mbr-not-protective")
def mbr_other_type(image):
    poke(image, 450, b"\x83")

@defect("I1", "mbr-not-protective")
def mbr_no_signature(image):
    poke(image, 510, b"\0\0")

@defect("I1", "mbr-start")
def mbr_starts_later(image):
    poke(image, 454, struct.pack("<I", 63))

@defect("I1", "mbr-size")
def mbr_too_short(image):
    poke(image, 458, struct.pack("<I", 1000))

@defect("I1", "gpt-header-crc")
def primary_header_flipped(image):
    gpt(image, lambda t: t.put(56, "B", 0x77, (0,)), False)

@defect("I1", "gpt-header-crc")
def backup_header_flipped(image):
    gpt(image, lambda t: t.put(56, "B", 0x77, (1,)), False)

@defect("I1", "gpt-primary-missing")
def primary_wiped(image):
    poke(image, 512, bytes(512))

@defect("I1", "gpt-backup-missing")
def backup_wiped(image):
    poke(image, os.path.getsize(image) - 512, bytes(512))

@defect("I1", "gpt-array-crc")
def primary_array_flipped(image):
    gpt(image, lambda t: t.entry(5, 3, b"x", (0,)), False)

@defect("I1", "gpt-array-crc")
def backup_array_flipped(image):
    gpt(image, lambda t: t.entry(5, 3, b"x", (1,)), False)

@defect("I1", "gpt-no-copy")
def both_headers_flipped(image):
    gpt(image, lambda t: t.put(60, "B", 0x77), False)

@defect("I1", "gpt-my-lba")
def header_of_elsewhere(image):
    gpt(image, lambda t: t.put(24, "Q", 7, (0,)))

@defect("I1", "gpt-copies-differ")
def backup_points_elsewhere(image):
    gpt(image, lambda t: t.put(32, "Q", 9, (1,)))

@defect("I1", "gpt-copies-differ")
def copies_of_two_disks(image):
    gpt(image, lambda t: t.put(56, "Q", 0x1122334455667788, (1,)))

@defect("I1", "gpt-usable")
def usable_backwards(image):
    def change(t):
        t.put(40, "Q", 5000, (0,))
        t.put(48, "Q", 4000, (0,))
    gpt(image, change)

@defect("I1", "gpt-array-place")
def array_beyond_the_disk(image):
    poke_header = Gpt(image)
    poke_header.put(72, "Q", 1 << 40, (0,))
    header = poke_header.header[0]
    struct.pack_into("<I", header, 16, 0)
    struct.pack_into("<I", header, 16, images.zlib.crc32(bytes(header[:92])))
    poke_header.file.close()
    poke(image, 512, header)

@defect("I1", "gpt-array-size")
def entries_of_odd_size(image):
    gpt(image, lambda t: t.put(84, "I", 100, (0,)))

@defect("I1", "gpt-header-size")
def header_of_no_size(image):
    gpt(image, lambda t: t.put(12, "I", 0, (0,)), False)

@defect("I1", "gpt-range")
def partition_in_the_array(image):
    gpt(image, lambda t: t.entry(2, 0, LINUX_DATA.bytes_le + bytes(16) + struct.pack("<QQ", 4, 9)))

@defect("I1", "gpt-overlap")
def partitions_overlap(image):
    gpt(image, lambda t: t.entry(2, 0, LINUX_DATA.bytes_le + b"\3" * 16 +
                                 struct.pack("<QQ", 74000, 75000)))

@defect("I1", "gpt-same-guid")
def partitions_of_one_name(image):
    gpt(image, lambda t: t.entry(1, 16, t.array[0][16:32]))

@defect("I1", "gpt-backup-missing")
def image_cut_short(image):
    os.truncate(image, os.path.getsize(image) - MIB // 2)


# --- I2 -------------------------------------------------------------------------------------------

@defect("I2", "esp-type")
def esp_of_data_type(image):
    gpt(image, lambda t: t.entry(0, 0, LINUX_DATA.bytes_le))

@defect("I2", "esp-type-swapped")
def esp_type_not_mixed_endian(image):
    gpt(image, lambda t: t.entry(0, 0, ESP_TYPE.bytes))

@defect("I2", "esp-missing")
def no_esp(image):
    gpt(image, lambda t: t.entry(0, 0, bytes(128)))


# --- I3 -------------------------------------------------------------------------------------------

@defect("I3", "fat-not-32")
def fat16(image):
    new_esp(image, images.ESP_FILES, options=("-F", "16", "-s", "2"))

@defect("I3", "fat-not-32")
def fat12(image):
    new_esp(image, images.ESP_FILES, options=("-F", "12", "-s", "32"))

@defect("I3", "fat32-clusters")
def fat32_of_few_clusters(image):
    esp_poke(image, 32, struct.pack("<I", 60000))

@defect("I3", "esp-not-fat")
def esp_is_ext4(image):
    root = image.with_suffix(".ext")
    images.make_ext(root, {"x": b""}, size=35 * MIB)
    replace(image, root, MIB)

@defect("I3", "esp-not-fat")
def esp_without_signature(image):
    esp_poke(image, 510, b"\0\0")

@defect("I3", "esp-not-fat")
def fat_size_of_fat16(image):
    esp_poke(image, 22, struct.pack("<H", 552))

@defect("I3", "fat32-root-entries")
def fat32_with_fixed_root(image):
    # As many sectors as the FAT's reserved ones give up, so that all else stays in place.
    reserved = struct.unpack("<H", peek(image, MIB + 14, 2))[0]
    table, size, _ = fat_geometry(image)
    tables = peek(image, MIB + table, 2 * size)
    esp_poke(image, table - 512, tables + bytes(512))
    esp_poke(image, 14, struct.pack("<H", reserved - 1))
    esp_poke(image, 17, struct.pack("<H", 16))

@defect("I3", "fat32-small-total")
def fat32_with_small_total(image):
    esp_poke(image, 19, struct.pack("<H", 0xFFFF))

@defect("I3", "fat-copies-differ")
def fats_differ(image):
    table, size, _ = fat_geometry(image)
    esp_poke(image, table + size + 4000, b"\x07")

@defect("I3", "fat32-version")
def fat32_of_unknown_version(image):
    esp_poke(image, 42, b"\1\0")

@defect("I3", "fat32-root")
def root_cluster_beyond(image):
    esp_poke(image, 44, struct.pack("<I", 200000))

@defect("I3", "fat-jump")
def boot_sector_without_jump(image):
    esp_poke(image, 0, b"\0\0\0")

@defect("I3", "fat-media")
def media_byte_wrong(image):
    esp_poke(image, 21, b"\x12")

@defect("I3", "fat-beyond-end")
def fat_larger_than_its_partition(image):
    esp_poke(image, 32, struct.pack("<I", 36 * 2048))

@defect("I3", "fat-too-short")
def fat_of_few_sectors(image):
    _, size, data = fat_geometry(image)
    # One copy of half the size, so that the data stays where it is.
    half = size // 2 // 512
    esp_poke(image, 36, struct.pack("<I", half))
    boot = peek(image, MIB, 512)
    esp_poke(image, 14, struct.pack("<H", data // 512 - half))
    esp_poke(image, 16, b"\1")
    esp_poke(image, data - half * 512, peek(image, MIB + struct.unpack_from("<H", boot, 14)[0] * 512,
                                            half * 512))

@defect("I3", "fat-chain")
def loader_without_its_end(image):
    fat_entry(image, cluster_of(image, find_on_esp(image, GRUB[:512])), 0)

@defect("I3", "fat-directory")
def directory_chain_broken(image):
    fat_entry(image, struct.unpack("<I", peek(image, MIB + 44, 4))[0], 99999)


# --- I4 -------------------------------------------------------------------------------------------

@defect("I4", "boot-path")
def nothing_there(image):
    esp_delete(image, LOADER)

@defect("I4", "boot-path")
def only_the_vendors_directory(image):
    esp_delete(image, LOADER)
    esp_put(image, "EFI/debian/grubaa64.efi", GRUB)

@defect("I4", "boot-path")
def only_for_x86(image):
    esp_delete(image, LOADER)
    esp_put(image, "EFI/BOOT/BOOTX64.EFI", pe(X64))

@defect("I4", "boot-path")
def empty_esp(image):
    new_esp(image, {})

@defect("I4", "boot-path-directory")
def a_directory_there(image):
    esp_delete(image, LOADER)
    run("mmd", "-i", f"{image}@@1M", "::" + LOADER)


# --- I5 -------------------------------------------------------------------------------------------

@defect("I5", "pe-machine")
def for_x86(image):
    esp_put(image, LOADER, pe(X64))

@defect("I5", "pe-machine")
def aarch64_in_the_place_of_arm(image):
    esp_put(image, "EFI/BOOT/BOOTARM.EFI", GRUB)

@defect("I5", "pe-width")
def pe32plus_of_32_bits(image):
    program = bytearray(GRUB)
    struct.pack_into("<H", program, 0x84, ARM)
    esp_put(image, "EFI/BOOT/BOOTARM.EFI", bytes(program))

@defect("I5", "pe-subsystem")
def boot_service_driver(image):
    esp_put(image, LOADER, pe(subsystem=11))

@defect("I5", "pe-format")
def a_text_file(image):
    esp_put(image, LOADER, b"not a program\n")

@defect("I5", "pe-format")
def an_empty_file(image):
    esp_put(image, LOADER, b"")

@defect("I5", "pe-format")
def no_pe_header(image):
    esp_put(image, LOADER, GRUB[:0x80] + bytes(4) + GRUB[0x84:])

@defect("I5", "pe-section-file")
def program_cut_short(image):
    esp_put(image, LOADER, GRUB[:0x240])

@defect("I5", "pe-section-memory")
def section_beyond_the_image(image):
    program = bytearray(GRUB)
    struct.pack_into("<I", program, 0x80 + 24 + 240 + 12, 0x7FFF0000)
    esp_put(image, LOADER, bytes(program))

@defect("I5", "pe-entry")
def entry_beyond_the_image(image):
    program = bytearray(GRUB)
    struct.pack_into("<I", program, 0x80 + 24 + 16, 0x7FFF0000)
    esp_put(image, LOADER, bytes(program))

@defect("I5", "pe-empty")
def no_sections(image):
    program = bytearray(GRUB)
    struct.pack_into("<H", program, 0x86, 0)
    esp_put(image, LOADER, bytes(program))

@defect("I5", "pe-directories")
def too_many_directories(image):
    program = bytearray(GRUB)
    struct.pack_into("<I", program, 0x80 + 24 + 108, 1000)
    esp_put(image, LOADER, bytes(program))


# --- I6 -------------------------------------------------------------------------------------------

@defect("I6", "shim-loader")
def shim_alone(image):
    esp_put(image, LOADER, SHIM)

@defect("I6", "csv-none")
def shim_and_fallback_alone(image):
    esp_put(image, LOADER, SHIM)
    esp_put(image, "EFI/BOOT/fbaa64.efi", pe())

@defect("I6", "csv-missing")
def csv_names_what_is_not_there(image):
    esp_put(image, LOADER, SHIM)
    esp_put(image, "EFI/BOOT/fbaa64.efi", pe())
    esp_put(image, "EFI/debian/BOOTAA64.CSV", csv("shimaa64.efi"))

@defect("I6", "csv-program")
def csv_names_no_program(image):
    esp_put(image, LOADER, SHIM)
    esp_put(image, "EFI/BOOT/fbaa64.efi", pe())
    esp_put(image, "EFI/debian/BOOTAA64.CSV", csv("shimaa64.efi"))
    esp_put(image, "EFI/debian/shimaa64.efi", pe(X64))

@defect("I6", "csv-empty")
def csv_not_in_utf16(image):
    esp_put(image, LOADER, SHIM)
    esp_put(image, "EFI/BOOT/fbaa64.efi", pe())
    esp_put(image, "EFI/debian/BOOTAA64.CSV", b"shimaa64.efi,debian,,x\n")
    esp_put(image, "EFI/debian/shimaa64.efi", GRUB)

@defect("I6", "shim-loader")
def csv_names_a_shim_alone(image):
    esp_put(image, LOADER, SHIM)
    esp_put(image, "EFI/BOOT/fbaa64.efi", pe())
    esp_put(image, "EFI/debian/BOOTAA64.CSV", csv("shimaa64.efi"))
    esp_put(image, "EFI/debian/shimaa64.efi", SHIM)

@defect("I6", "entry-none")
def systemd_boot_without_entries(image):
    esp_put(image, LOADER, SDBOOT)

@defect("I6", "entry-missing")
def systemd_boot_without_the_kernel(image):
    esp_put(image, LOADER, SDBOOT)
    esp_put(image, "loader/entries/debian.conf", b"title Debian\nlinux /abc/linux\n")


# --- I7 -------------------------------------------------------------------------------------------

@defect("I7", "store-file")
def uboot_variables_on_the_esp(image):
    esp_put(image, "ubootefi.var", b"x" * 100)

@defect("I7", "store-file")
def nvvars_on_the_esp(image):
    esp_put(image, "NvVars", b"x" * 100)

@defect("I7", "store-file")
def store_in_a_file_of_the_esp(image):
    esp_put(image, "EFI/vars.bin", volume(STORE_GUID))

@defect("I7", "store-raw")
def store_behind_the_partitions(image):
    poke(image, 50 * MIB + 4096, volume(STORE_GUID))

@defect("I7", "store-raw")
def store_before_the_partitions(image):
    poke(image, 512 * 1024, volume(STORE_GUID))

@defect("I7", "store-raw")
def store_as_a_partition(image):
    poke(image, 36 * MIB, bytes(14 * MIB))
    poke(image, 36 * MIB, volume(STORE_GUID))

@defect("I7", "store-file")
def store_in_boot(image):
    new_root(image, more={"boot/AAVMF_VARS.fd": volume(STORE_GUID)})

@defect("I7", "store-file")
def uboot_variables_in_boot(image):
    new_root(image, more={"boot/ubootefi.var": b"x" * 100})


# --- I8 -------------------------------------------------------------------------------------------

@defect("I8", "firmware-file")
def firmware_on_the_esp(image):
    esp_put(image, "QEMU_EFI.fd", bytes(4096) + volume(FFS_GUID))

@defect("I8", "firmware-raw")
def firmware_before_the_partitions(image):
    poke(image, 65536, volume(FFS_GUID))

@defect("I8", "firmware-raw")
def firmware_of_another_file_system(image):
    poke(image, 65536, volume(uuid.UUID(int=0x42)))

@defect("I8", "firmware-raw")
def uboot_before_the_partitions(image):
    poke(image, 8 * 4096, bytes(100) + b"U-Boot 2023.01+dfsg-2 (Jan 01 2023 - 00:00:00 +0000)\0")

@defect("I8", "firmware-raw")
def trusted_firmware_before_the_partitions(image):
    poke(image, 131072, struct.pack("<IIQ", 0xAA640001, 0x12345678, 0))

@defect("I8", "firmware-file")
def firmware_in_boot(image):
    new_root(image, more={"boot/efi.fd": volume(FFS_GUID)})

@defect("I8", "firmware-file")
def uboot_in_boot(image):
    new_root(image, more={"boot/u-boot.bin": bytes(5000) + b"U-Boot SPL 2021.10 (Oct 2021)\0"})


# What distributions ship, in the places where it is met.

def shipped(*paths):
    for path in paths:
        if os.path.exists(path):
            return pathlib.Path(path).read_bytes()
    raise SystemExit(f"none of {paths}: install qemu-efi-aarch64 and u-boot-qemu (make deps)")

@defect("I8", "firmware-file")
def edk2_on_the_esp(image):
    esp_put(image, "EFI/firmware/QEMU_EFI.fd", shipped("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"))

@defect("I7", "store-file")
def edk2_variables_on_the_esp(image):
    esp_put(image, "vars.fd", shipped("/usr/share/AAVMF/AAVMF_VARS.snakeoil.fd",
                                      "/usr/share/AAVMF/AAVMF_VARS.ms.fd")[:1 << 20])

@defect("I8", "firmware-raw")
def uboot_of_debian_before_the_partitions(image):
    data = shipped("/usr/lib/u-boot/qemu_arm64/u-boot.bin")
    data = data[data.index(b"U-Boot 20") - 65536:][:131072]
    poke(image, 65536, data)


# --- G --------------------------------------------------------------------------------------------

def without_option(requirement, option, profile="rfc-v2"):
    def damage(image):
        new_root(image, config=images.config_text(**{option: None}))
    damage.__name__ = f"without_{option.lower()}"
    defect(requirement, f"kernel-{option}", profile)(damage)

for option in ("SERIAL_AMBA_PL011", "SERIAL_AMBA_PL011_CONSOLE", "VIRTIO_CONSOLE", "HVC_XEN"):
    without_option("G1", option)
for option in ("ARM_GIC", "ARM_GIC_V3"):
    without_option("G2", option)
for option in ("VIRTIO_PCI", "VIRTIO_MMIO", "VIRTIO_BLK", "VIRTIO_NET", "VIRTIO_BALLOON", "XEN",
               "XEN_BLKDEV_FRONTEND", "XEN_NETDEV_FRONTEND", "XEN_BALLOON"):
    without_option("G3", option)
for option in ("EFI", "RTC_CLASS", "RTC_DRV_EFI"):
    without_option("G5", option, "v1.0")

@defect("G1", "kernel-VIRTIO_CONSOLE")
def console_module_nowhere(image):
    new_root(image, ram=images.initrd(leave_out=("virtio_console",)), leave_out=("virtio_console",))

@defect("G3", "initrd-virtio_mmio")
def module_not_in_the_initrd(image):
    new_root(image, ram=images.initrd(leave_out=("virtio_mmio",)))

@defect("G3", "initrd-xen_blkfront")
def no_initrd(image):
    tree = images.system_tree()
    del tree[f"boot/initrd.img-{VERSION}"]
    root = image.with_suffix(".ext")
    images.make_ext(root, tree)
    replace(image, root, 36 * MIB)

@defect("G3", "kernel-VIRTIO_BALLOON")
def module_nowhere(image):
    new_root(image, ram=images.initrd(leave_out=("virtio_balloon",)), leave_out=("virtio_balloon",))

@defect("G3", "initrd-damaged")
def initrd_flipped(image):
    ram = bytearray(images.initrd())
    ram[len(ram) // 2] ^= 0x55
    new_root(image, ram=bytes(ram))

@defect("G3", "initrd-damaged")
def initrd_cut_short(image):
    new_root(image, ram=images.initrd("gzip")[:-200])

@defect("G3", "alias-virtio_blk")
def module_without_alias(image):
    new_root(image, ram=images.initrd(no_alias=("virtio_blk",)))

@defect("G5", "kernel-RTC_DRV_EFI", "v2.0")
def clock_module_nowhere(image):
    new_root(image, config=images.config_text(RTC_DRV_EFI="m"),
             more={f"usr/lib/modules/{VERSION}/modules.builtin": b""})


# --- running --------------------------------------------------------------------------------------

def one(armvm, image, name, requirement, finding, profile, damage):
    damage(image)
    status, report = check(armvm, image, profile)
    failed = {r["id"]: r for r in report["results"] if r["outcome"] in ("FAIL", "WARN")}
    assert set(failed) == {requirement}, f"{name}: {sorted(failed)} failed instead of {requirement}"
    result = failed[requirement]
    found = [f["id"] for f in result["findings"]]
    assert finding in found, f"{name}: {requirement} fails by {found} instead of {finding}"
    assert all(f["text"] for f in result["findings"]) and result["clause"], f"{name}: says nothing"
    assert any(f["fix"] for f in result["findings"]), f"{name}: says no remedy"
    assert status == (result["level"] == "M"), f"{name}: exit status {status}"


def good_image(armvm, good):
    for profile in ("rfc-v2", "v1.0", "v2.0"):
        status, report = check(armvm, good, profile)
        bad = [r["id"] for r in report["results"] if r["outcome"] != "PASS"]
        assert not status and not bad, f"the good image: {bad}"


if __name__ == "__main__":
    sys.exit(run_cases(sys.argv, DEFECTS, "broken images", one, first=good_image))
