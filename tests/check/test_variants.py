#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images that are as good as the usual one in other ways (formats, sectors, file systems, packings), and
what cannot be read, which must be skipped with the reason.
    test_variants.py ARMVM [NAME...]"""
import os
import struct
import sys

import images
from damage import (LOADER, STORE_GUID, check, csv, esp_delete, esp_put, new_root, poke, run_cases,
                    volume)
from images import ARM, GRUB, MIB, SDBOOT, SHIM, VERSION, pe, run

CASES = []
GUEST = {"G1", "G2", "G3", "G5"}


def case(skipped=(), failed=(), noted=None, reason=None):
    """A function that changes the image at a path and returns the path to check. What is skipped and
    fails; an id of a note; words in the reasons of what is skipped."""
    def add(function):
        CASES.append((function.__name__, set(skipped), set(failed), noted, reason, function))
        return function
    return add


# --- the image ------------------------------------------------------------------------------------

def convert(image, *options):
    out = image.with_suffix(".qcow2")
    out.unlink(missing_ok=True)
    run("qemu-img", "convert", "-O", "qcow2", *options, image, out)
    return out

@case()
def qcow2(image):
    return convert(image)

@case()
def qcow2_compressed(image):
    return convert(image, "-c", "-o", "compression_type=zstd,cluster_size=4096")

@case()
def qcow2_with_a_backing_file(image):
    base, out = convert(image), image.with_suffix(".top")
    out.unlink(missing_ok=True)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, out)
    return out

@case()
def sectors_of_4096(image):
    """A FAT volume of such sectors needs as many clusters, and is eight times as large."""
    esp, root = image.with_suffix(".fat"), image.with_suffix(".ext")
    images.make_fat(esp, images.ESP_FILES, size=264 * MIB, options=("-F", "32", "-S", "4096", "-s", "1"))
    images.make_ext(root, images.system_tree())
    image.unlink()
    return images.make_disk(image, esp, root, sector=4096)

@case(noted="gpt-backup-place")
def disk_that_has_grown(image):
    os.truncate(image, os.path.getsize(image) + 64 * MIB)
    return image

@case()
def names_in_lower_case(image):
    esp_delete(image, LOADER)
    run("mrd", "-i", f"{image}@@1M", "::EFI/BOOT")
    run("mrd", "-i", f"{image}@@1M", "::EFI")
    esp_put(image, "efi/boot/bootaa64.efi", GRUB)
    return image

@case()
def both_states(image):
    esp_put(image, "EFI/BOOT/BOOTARM.EFI", pe(ARM))
    return image

@case()
def only_32_bits(image):
    esp_delete(image, LOADER)
    esp_put(image, "EFI/BOOT/BOOTARM.EFI", pe(ARM))
    return image

@case()
def shim_with_its_loader(image):
    esp_put(image, LOADER, SHIM)
    esp_put(image, "EFI/BOOT/grubaa64.efi", GRUB)
    return image

@case()
def shim_with_fallback(image):
    esp_put(image, LOADER, SHIM)
    esp_put(image, "EFI/BOOT/fbaa64.efi", pe())
    esp_put(image, "EFI/debian/BOOTAA64.CSV", csv("shimaa64.efi"))
    esp_put(image, "EFI/debian/shimaa64.efi", SHIM)
    esp_put(image, "EFI/debian/grubaa64.efi", GRUB)
    return image

@case(noted="store-file")
def templates_of_a_package(image):
    new_root(image, more={"usr/share/AAVMF/AAVMF_VARS.fd": volume(STORE_GUID)})
    return image

@case()
def directories_within_themselves(image):
    """A hundred times each: whoever follows them all never ends."""
    run("mmd", "-i", f"{image}@@1M", "::LOOP")
    run("mmd", "-i", f"{image}@@1M", *(f"::LOOP/D{i}" for i in range(100)))
    esp = bytearray(image.read_bytes()[MIB:36 * MIB])
    at = esp.index(b"LOOP       \x10")
    cluster = esp[at + 20:at + 22], esp[at + 26:at + 28]
    for i in range(100):
        at = esp.index(f"D{i}".ljust(11).encode() + b"\x10")
        esp[at + 20:at + 22], esp[at + 26:at + 28] = cluster
    poke(image, MIB, bytes(esp))
    return image

@case(noted="mbr-hybrid")
def hybrid_mbr(image):
    poke(image, 462, struct.pack("<BBBBBBBBII", 0, 0, 0, 0, 0x0C, 0, 0, 0, 2048, 35 * 2048))
    return image


# --- the guest ------------------------------------------------------------------------------------

def initrd_case(kind, early=False):
    def change(image):
        new_root(image, ram=images.initrd(kind, early))
        return image
    change.__name__ = f"initrd_{kind}{'_early' if early else ''}"
    case()(change)

for packed in ("gzip", "xz", "zstd", "lz4", "bzip2", "lzma", "plain"):
    initrd_case(packed)
    initrd_case(packed, True)

def ikconfig_case(name, make):
    def change(image):
        tree = images.system_tree(kernel_image=make(images.kernel(images.config_text())))
        del tree[f"boot/config-{VERSION}"]
        root = image.with_suffix(".ext")
        images.make_ext(root, tree)
        with open(root, "rb") as f:
            poke(image, 36 * MIB, f.read())
        return image
    change.__name__ = f"ikconfig_{name}"
    case()(change)

def zimage(image):
    """A self-extracting arm kernel: code, then the payload."""
    head = bytes(36) + struct.pack("<III", 0x016F2818, 0, 0) + os.urandom(4000)
    return head + images.compress(image, "gzip") + b"\0" * 64

ikconfig_case("image", lambda image: image)
ikconfig_case("gzip", lambda image: images.compress(image, "gzip"))
ikconfig_case("zimage", zimage)
for packed in ("gzip", "zstd", "xz", "lz4", "lzma"):
    ikconfig_case(f"zboot_{packed}", lambda image, packed=packed: images.zboot(image, packed))

def ext_case(name, *options):
    """With an initial RAM disk of many blocks, which unpacks only if all are found."""
    def change(image):
        new_root(image, options=options, ram=images.initrd(noise=MIB + 12345))
        return image
    change.__name__ = name
    case()(change)

ext_case("ext2", "-t", "ext2")
ext_case("ext3_of_1024", "-t", "ext3", "-b", "1024", "-I", "128")
ext_case("ext4_of_1024", "-b", "1024")
ext_case("ext4_meta_bg", "-b", "1024", "-g", "1024", "-O", "meta_bg,^resize_inode")
ext_case("ext4_32_bits", "-O", "^64bit,^metadata_csum")

@case()
def ext4_in_fragments(image):
    """Free space in pieces of a block, so that the tree of extents has two levels."""
    root, ram = image.with_suffix(".ext"), image.with_suffix(".ram")
    tree = images.system_tree()
    del tree[f"boot/initrd.img-{VERSION}"]
    tree.update({f"frag/{i}": b"x" * 1000 for i in range(6000)})
    images.make_ext(root, tree, options=("-b", "1024", "-N", "8192", "-O", "^has_journal"))
    ram.write_bytes(images.initrd(noise=2 * MIB))
    commands = [f"rm frag/{i}" for i in range(0, 6000, 2)]
    fill = image.with_suffix(".fill")
    fill.write_bytes(b"\1" * 5 * MIB)
    commands = [f"write {fill} fill", *commands, f"write {ram} boot/initrd.img-{VERSION}"]
    run("debugfs", "-w", "-f", "-", root, data="\n".join(commands).encode())
    extents = run("debugfs", "-R", f"ex boot/initrd.img-{VERSION}", root).decode()
    assert "1/ 1" in extents or "1/ 2" in extents, extents[:500] # a second level
    poke(image, 36 * MIB, root.read_bytes())
    return image

@case()
def separate_boot(image):
    """/boot as a file system of its own, in front of the root file system."""
    esp, boot, root = (image.with_suffix(s) for s in (".fat", ".boot", ".ext"))
    tree = images.system_tree()
    images.make_fat(esp, images.ESP_FILES)
    images.make_ext(boot, {k[5:]: v for k, v in tree.items() if k.startswith("boot/")}, size=8 * MIB)
    images.make_ext(root, {k: v for k, v in tree.items() if not k.startswith("boot/")}, size=8 * MIB)
    image.unlink()
    images.make_disk(image, esp, boot)
    with open(image, "r+b") as f:
        f.truncate(56 * MIB)
        f.seek(46 * MIB)
        f.write(root.read_bytes())
    run("sgdisk", "-e", image)
    run("sgdisk", "-n", "3:46M:+8M", "-t", "3:8305", image)
    return image

@case()
def unified_kernel(image):
    """systemd's stub: kernel, initrd and command line in one program on the ESP."""
    stub = pe(sections={".osrel": b"ID=test\n", ".cmdline": b"quiet", ".initrd": images.initrd(),
                        ".linux": images.kernel(images.config_text())})
    esp_put(image, LOADER, SDBOOT)
    esp_put(image, f"EFI/Linux/{VERSION}.efi", stub)
    images.make_ext(image.with_suffix(".ext"), {f"usr/lib/modules/{VERSION}/{k}": v
                                                for k, v in images.modules().items()})
    poke(image, 36 * MIB, image.with_suffix(".ext").read_bytes())
    return image

@case()
def boot_loader_entries(image):
    token = "0123456789abcdef0123456789abcdef"
    esp_put(image, LOADER, SDBOOT)
    esp_put(image, f"{token}/{VERSION}/linux", images.kernel(images.config_text()))
    esp_put(image, f"{token}/{VERSION}/initrd", images.initrd())
    esp_put(image, "loader/entries/test.conf",
            f"title Test\nlinux /{token}/{VERSION}/linux\ninitrd /{token}/{VERSION}/initrd\n".encode())
    images.make_ext(image.with_suffix(".ext"), {f"usr/lib/modules/{VERSION}/{k}": v
                                                for k, v in images.modules().items()})
    poke(image, 36 * MIB, image.with_suffix(".ext").read_bytes())
    return image

@case(skipped=GUEST, reason="no Linux kernel")
def another_system(image):
    images.make_ext(image.with_suffix(".ext"), {"readme": b"x"})
    poke(image, 36 * MIB, image.with_suffix(".ext").read_bytes())
    return image

@case(skipped={"G1", "G2", "G5"}, failed=(), reason="no kernel configuration")
def no_configuration(image):
    tree = images.system_tree()
    del tree[f"boot/config-{VERSION}"]
    images.make_ext(image.with_suffix(".ext"), tree)
    poke(image, 36 * MIB, image.with_suffix(".ext").read_bytes())
    return image

@case(skipped={"G3"}, reason="neither cpio nor a known compression")
def initrd_of_unknown_packing(image):
    new_root(image, ram=b"\x89LZO\0\r\n\x1a\n" + bytes(100))
    return image

def foreign_case(name, *pieces):
    def change(image):
        poke(image, 36 * MIB, bytes(14 * MIB))
        for offset, data in pieces:
            poke(image, 36 * MIB + offset, data)
        return image
    change.__name__ = name
    case(skipped=GUEST, reason=name.split("_")[1])(change)

foreign_case("root_xfs", (0, b"XFSB"))
foreign_case("root_btrfs", (0x10040, b"_BHRfS_M"))
foreign_case("root_LVM", (512, b"LABELONE"), (536, b"LVM2 001"))
foreign_case("root_LUKS", (0, b"LUKS\xba\xbe\x00\x02"))


# --- running --------------------------------------------------------------------------------------

def one(armvm, image, name, skipped, failed, noted, reason, change):
    path = change(image)
    _, report = check(armvm, path, "v1.0")
    by = {word: {r["id"] for r in report["results"] if r["outcome"] in word}
          for word in (("SKIP",), ("FAIL", "WARN"))}
    why = {r["id"]: r["found"] or [f["text"] for f in r["findings"]] for r in report["results"]}
    assert by["FAIL", "WARN"] == failed, f"{name}: fails: " + str(
        {k: why[k] for k in by["FAIL", "WARN"]})
    if name == "no_configuration": # what needs no option that is never a module may still be told
        assert by["SKIP",] >= {"G1", "G2"}, f"{name}: {by['SKIP',]}"
    else:
        assert by["SKIP",] == skipped, f"{name}: skipped: {({k: why[k] for k in by['SKIP',]})}"
    if reason:
        for key in by["SKIP",]:
            assert reason in why[key], f"{name}: {key}: {why[key]}"
    ids = [f["id"] for r in report["results"] for f in r["findings"]]
    assert not noted or noted in ids, f"{name}: no note {noted}: {ids}"


if __name__ == "__main__":
    sys.exit(run_cases(sys.argv, CASES, "variants", one))
