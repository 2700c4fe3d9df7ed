# SPDX-License-Identifier: Apache-2.0
"""A small disk image that satisfies every requirement that files can show, made within a second by
the usual tools (sgdisk, mkfs.vfat, mtools, mke2fs); and what is needed to damage copies of it."""
import gzip
import os
import pathlib
import random
import struct
import subprocess
import uuid
import zlib

os.environ["PATH"] += ":/usr/sbin:/sbin"
os.environ["MTOOLS_SKIP_CHECK"] = "1"

MIB = 1 << 20
VERSION = "6.1.0-9-arm64"
ESP_TYPE = uuid.UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
AA64, ARM, X64 = 0xAA64, 0x01C2, 0x8664


def run(*command, data=None):
    done = subprocess.run([str(c) for c in command], input=data, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr.decode(errors='replace')}")
    return done.stdout


# --- programs and kernels -------------------------------------------------------------------------

def pe(machine=AA64, subsystem=10, sections=None, sbat=None):
    """An EFI application: PE32+, or PE32 for 32-bit Arm, with a .text section and what is wanted."""
    wide = machine != ARM
    parts = [(".text", 0x60000020, b"\x00\x00\x80\xd2\xc0\x03\x5f\xd6" * 64)]
    if sbat:
        parts.append((".sbat", 0x40000040, sbat.encode() + b"\0"))
    for name, data in (sections or {}).items():
        parts.append((name, 0x40000040, data))
    optional = 112 + 128 if wide else 96 + 128
    headers = 0x80 + 24 + optional + 40 * len(parts)
    at, address = -(-headers // 512) * 512, 0x1000
    table, body = b"", b""
    for name, flags, data in parts:
        padded = data + bytes(-len(data) % 512)
        table += struct.pack("<8sIIIIIIHHI", name.encode(), len(data), address, len(padded),
                             at + len(body), 0, 0, 0, 0, flags)
        body += padded
        address += -(-len(data) // 4096) * 4096
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", machine, len(parts), 0, 0, 0, optional, 0x206)
    if wide:
        head = struct.pack("<HBBIIIII", 0x20B, 2, 0, 512, 0, 0, 0x1000, 0x1000)
        head += struct.pack("<QIIHHHHHHIIIIHHQQQQII", 0, 4096, 512, 0, 0, 0, 0, 0, 0, 0, address, at,
                            0, subsystem, 0, 0, 0, 0, 0, 0, 16)
    else:
        head = struct.pack("<HBBIIIIII", 0x10B, 2, 0, 512, 0, 0, 0x1000, 0x1000, 0x1000)
        head += struct.pack("<IIIHHHHHHIIIIHHIIIIII", 0, 4096, 512, 0, 0, 0, 0, 0, 0, 0, address, at,
                            0, subsystem, 0, 0, 0, 0, 0, 0, 16)
    head += bytes(optional - len(head))
    dos = b"MZ" + bytes(0x3A) + struct.pack("<I", 0x80) + bytes(0x40)
    image = dos + coff + head + table
    return image + bytes(at - len(image)) + body


GRUB = pe(sbat="sbat,1,SBAT Version,sbat,1,x\ngrub,4,Free Software Foundation,grub,2.06,x\n")
SHIM = pe(sbat="sbat,1,SBAT Version,sbat,1,x\nshim,4,UEFI shim,shim,15.8,x\n")
SDBOOT = pe(sections={".sdmagic": b"#### LoaderInfo: systemd-boot 252 ####\0"})

# Every option that a requirement needs, as Debian sets it.
CONFIG = {
    "ARM64": "y", "SERIAL_AMBA_PL011": "y", "SERIAL_AMBA_PL011_CONSOLE": "y", "VIRTIO_CONSOLE": "m",
    "HVC_XEN": "y", "ARM_GIC": "y", "ARM_GIC_V3": "y", "VIRTIO_PCI": "m", "VIRTIO_MMIO": "m",
    "VIRTIO_BLK": "m", "VIRTIO_NET": "m", "VIRTIO_BALLOON": "m", "XEN": "y",
    "XEN_BLKDEV_FRONTEND": "m", "XEN_NETDEV_FRONTEND": "m", "XEN_BALLOON": "y", "EFI": "y",
    "RTC_CLASS": "y", "RTC_DRV_EFI": "y",
}
MODULES = {
    "drivers/virtio/virtio_pci": "pci:v00001AF4d*sv*sd*bc*sc*i*",
    "drivers/virtio/virtio_mmio": "of:N*T*Cvirtio,mmio",
    "drivers/virtio/virtio_balloon": "virtio:d00000005v*",
    "drivers/block/virtio_blk": "virtio:d00000002v*",
    "drivers/net/virtio_net": "virtio:d00000001v*",
    "drivers/char/virtio_console": "virtio:d00000003v*",
    "drivers/block/xen-blkfront": "xen:vbd",
    "drivers/net/xen-netfront": "xen:vif",
}


def config_text(**changes):
    lines = ["#", "# Linux/arm64 6.1.0 Kernel Configuration", "#"]
    for name, value in {**CONFIG, **changes}.items():
        lines.append(f"CONFIG_{name}={value}" if value else f"# CONFIG_{name} is not set")
    return "\n".join(lines) + "\n"


def kernel(config=None):
    """An arm64 Image; with its configuration inside, if given."""
    head = struct.pack("<IIQQQQQQII", 0xD503201F, 0, 0, 65536, 10, 0, 0, 0, 0x644D5241, 0)
    image = head + b"Linux version 6.1.0-9-arm64 " + bytes(8192)
    if config:
        image += b"IKCFG_ST" + gzip.compress(config.encode()) + b"IKCFG_ED"
    return image + bytes(65536 - len(image))


def zboot(image, kind):
    """An EFI zboot kernel (vmlinuz.efi) with the image inside."""
    packed = compress(image, kind) if kind != "lz4" else run("lz4", "-l", "-c", data=image)
    return (b"MZ\0\0zimg" + struct.pack("<IIQ", 64, len(packed), 0) + kind.encode().ljust(32, b"\0") +
            b"\x00" * 8 + packed)


def compress(data, kind):
    if kind == "gzip":
        return gzip.compress(data, mtime=0)
    commands = {"xz": ["xz", "--check=crc32", "-c"], "zstd": ["zstd", "-q", "-c"],
                "lzma": ["xz", "--format=lzma", "-c"], "bzip2": ["bzip2", "-c"],
                "lz4": ["lz4", "-l", "-c"], "plain": ["cat"]}
    return run(*commands[kind], data=data)


def cpio(files):
    """A newc archive."""
    out = b""
    for number, (name, data) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        encoded = name.encode() + b"\0"
        mode = 0o40755 if data is None else 0o100644
        data = data or b""
        out += b"070701" + b"".join(b"%08X" % v for v in (
            number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)) + encoded
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return out


def modules(leave_out=(), no_alias=()):
    """What a directory lib/modules/VERSION has."""
    files = {}
    aliases = "# Aliases extracted from modules themselves.\n"
    for path, alias in MODULES.items():
        name = path.rsplit("/", 1)[1]
        if name not in leave_out:
            files[f"kernel/{path}.ko"] = b"\x7fELF" + name.encode()
        if name not in no_alias:
            aliases += f"alias {alias} {name.replace('-', '_')}\n"
    files["modules.alias"] = aliases.encode()
    files["modules.builtin"] = (b"kernel/drivers/tty/serial/amba-pl011.ko\n"
                                b"kernel/drivers/rtc/rtc-efi.ko\n")
    return files


def initrd(kind="zstd", early=False, noise=0, **changes):
    """noise: bytes that no packing makes smaller."""
    files = {"init": b"#!/bin/sh\n", "noise": random.Random(1).randbytes(noise),
             "usr/lib/modules": None}
    for path, data in modules(**changes).items():
        files[f"usr/lib/modules/{VERSION}/{path}"] = data
    archive = compress(cpio(files), kind)
    if early: # processors' microcode comes so
        archive = cpio({"kernel/x86/microcode/x.bin": b"x" * 100}) + bytes(512) + archive
    return archive


# --- file systems and disks -----------------------------------------------------------------------

def system_tree(config=None, kernel_image=None, ram=None, leave_out=(), no_alias=(), more=None):
    """A root file system's files; None for one that is to be missing."""
    files = {
        "etc/hostname": b"test\n",
        f"boot/vmlinuz-{VERSION}": kernel_image or kernel(),
        f"boot/config-{VERSION}": (config or config_text()).encode(),
        f"boot/initrd.img-{VERSION}": ram or initrd(),
    }
    for path, data in modules(leave_out, no_alias).items():
        files[f"usr/lib/modules/{VERSION}/{path}"] = data
    files.update(more or {})
    return {path: data for path, data in files.items() if data is not None}


def make_ext(path, files, size=14 * MIB, options=()):
    tree = path.with_suffix(".tree")
    run("rm", "-rf", tree)
    for name, data in files.items():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (tree / "lib").symlink_to("usr/lib")
    with open(path, "wb") as f:
        f.truncate(size)
    run("mke2fs", "-q", "-F", *(options if "-t" in options else ("-t", "ext4", *options)), "-d", tree, path)
    run("rm", "-rf", tree)


def make_fat(path, files, size=35 * MIB, options=("-F", "32", "-s", "1")):
    with open(path, "wb") as f:
        f.truncate(size)
    run("mkfs.vfat", *options, "-n", "ESP", path)
    made = set()
    for name, data in files.items():
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            directory = "/".join(parts[:depth])
            if directory.upper() not in made:
                run("mmd", "-i", path, "::" + directory)
                made.add(directory.upper())
        source = path.with_suffix(".file")
        source.write_bytes(data)
        run("mcopy", "-i", path, source, "::" + name)
        source.unlink()


ESP_FILES = {"EFI/BOOT/BOOTAA64.EFI": GRUB}


def make_disk(path, esp, root, sector=512):
    """Joins file systems (paths) to a disk with a GPT."""
    start, esp_size, root_size = MIB, esp.stat().st_size, root.stat().st_size
    size = start + esp_size + root_size + MIB
    with open(path, "wb") as f:
        f.truncate(size)
        for source in (esp, root):
            with open(source, "rb") as s:
                f.seek(start)
                while block := s.read(65536):
                    f.seek(len(block), 1) if not any(block) else f.write(block)
            start += source.stat().st_size
    if sector == 512:
        first, second = MIB // 512, (MIB + esp_size) // 512
        run("sgdisk", "-U", "11111111-2222-4333-8444-555555555555", "-a", "1",
            "-n", f"1:{first}:{second - 1}", "-t", "1:EF00", "-c", "1:ESP", "-u",
            "1:11111111-2222-4333-8444-555555555551", "-n",
            f"2:{second}:{second + root_size // 512 - 1}", "-t", "2:8305", "-c", "2:root", "-u",
            "2:11111111-2222-4333-8444-555555555552", path)
    else:
        Gpt.write_new(path, sector, [(ESP_TYPE, MIB, esp_size),
                                     (uuid.UUID("B921B045-1DF0-41C3-AF44-4C6F280D3FAE"),
                                      MIB + esp_size, root_size)])
    return path


def make_good(directory):
    """good.img and the file systems that it was made of."""
    directory = pathlib.Path(directory)
    esp, root = directory / "esp.fat", directory / "root.ext"
    make_fat(esp, ESP_FILES)
    make_ext(root, system_tree())
    return make_disk(directory / "good.img", esp, root)


class Gpt:
    """The tables of an image, to be changed; save() makes the checksums right unless told not to."""

    def __init__(self, path, sector=512):
        self.path, self.sector = path, sector
        self.file = open(path, "r+b")
        self.last = self.file.seek(0, 2) // sector - 1
        self.mbr = bytearray(self.read(0, 512))
        self.header = [bytearray(self.read(1, 512)), bytearray(self.read(self.last, 512))]
        self.array = [bytearray(self.read(self.field(i, 72, "Q"), 16384)) for i in (0, 1)]

    def read(self, lba, size):
        self.file.seek(lba * self.sector)
        return self.file.read(size)

    def write(self, lba, data):
        self.file.seek(lba * self.sector)
        self.file.write(data)

    def field(self, copy, offset, kind):
        return struct.unpack_from("<" + kind, self.header[copy], offset)[0]

    def put(self, offset, kind, value, copies=(0, 1)):
        for copy in copies:
            struct.pack_into("<" + kind, self.header[copy], offset, value)

    def entry(self, index, offset, data, copies=(0, 1)):
        for copy in copies:
            at = 128 * index + offset
            self.array[copy][at:at + len(data)] = data

    def save(self, checksums=True):
        for copy, lba in ((0, 1), (1, self.last)):
            header, array = self.header[copy], self.array[copy]
            if checksums:
                struct.pack_into("<I", header, 88, zlib.crc32(bytes(array)))
                struct.pack_into("<I", header, 16, 0)
                size = struct.unpack_from("<I", header, 12)[0]
                struct.pack_into("<I", header, 16, zlib.crc32(bytes(header[:min(size, 512)])))
            self.write(self.field(copy, 72, "Q"), array)
            self.write(lba, header)
        self.write(0, self.mbr)
        self.file.close()

    @staticmethod
    def write_new(path, sector, partitions):
        """A table for any size of sectors (sgdisk writes files with 512 only)."""
        last = os.path.getsize(path) // sector - 1
        blocks = 16384 // sector
        array = bytearray(16384)
        for i, (kind, start, size) in enumerate(partitions):
            struct.pack_into("<16s16sQQQ", array, 128 * i, kind.bytes_le,
                             uuid.UUID(int=0x1111 + i).bytes_le, start // sector,
                             (start + size) // sector - 1, 0)
        mbr = bytearray(sector)
        struct.pack_into("<BBBBBBBBII", mbr, 446, 0, 0, 2, 0, 0xEE, 255, 255, 255, 1, last)
        mbr[510:512] = b"\x55\xaa"
        with open(path, "r+b") as f:
            f.write(mbr)
            for here, other, at in ((1, last, 2), (last, 1, last - blocks)):
                header = bytearray(struct.pack(
                    "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, here, other, 2 + blocks,
                    last - blocks - 1, uuid.UUID(int=0x1234).bytes_le, at, 128, 128,
                    zlib.crc32(bytes(array))))
                struct.pack_into("<I", header, 16, zlib.crc32(bytes(header)))
                f.seek(at * sector)
                f.write(array)
                f.seek(here * sector)
                f.write(header)
