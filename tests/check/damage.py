# SPDX-License-Identifier: Apache-2.0
"""What changes copies of the good image (images.py), and what runs tests over many such copies."""
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import uuid

import images
from images import MIB, Gpt, run

LOADER = "EFI/BOOT/BOOTAA64.EFI"
STORE_GUID = uuid.UUID("FFF12B8D-7696-4C8B-A985-2747075B4F50")
FFS_GUID = uuid.UUID("8C8CE578-8A3D-4F1C-9935-896185C32DD3")


def volume(guid, size=65536):
    """A firmware volume: header with its checksum, then the volume's contents."""
    header = bytearray(struct.pack("<16s16sQ4sIHHHBBIIII", bytes(16), guid.bytes_le, size, b"_FVH",
                                   0x4FEFF, 72, 0, 0, 0, 2, size // 4096, 4096, 0, 0))
    total = sum(struct.unpack("<36H", header)) & 0xFFFF
    struct.pack_into("<H", header, 50, -total & 0xFFFF)
    return bytes(header) + b"\xff" * (size - len(header))


def esp_put(image, name, data):
    source = image.with_suffix(".put")
    source.write_bytes(data)
    parts = name.split("/")
    for depth in range(1, len(parts)):
        subprocess.run(["mmd", "-D", "s", "-i", f"{image}@@1M", "::" + "/".join(parts[:depth])],
                       stdin=subprocess.DEVNULL, capture_output=True)
    run("mcopy", "-o", "-i", f"{image}@@1M", source, "::" + name)


def esp_delete(image, name):
    run("mdel", "-i", f"{image}@@1M", "::" + name)


def poke(image, offset, data):
    with open(image, "r+b") as f:
        f.seek(offset)
        f.write(data)


def peek(image, offset, size):
    with open(image, "rb") as f:
        f.seek(offset)
        return f.read(size)


def esp_poke(image, offset, data):
    poke(image, MIB + offset, data)


def replace(image, source, offset):
    with open(source, "rb") as f:
        poke(image, offset, f.read())


def new_esp(image, files, **kind):
    fat = image.with_suffix(".fat")
    images.make_fat(fat, files, **kind)
    replace(image, fat, MIB)


def new_root(image, **changes):
    options = changes.pop("options", ())
    root = image.with_suffix(".ext")
    images.make_ext(root, images.system_tree(**changes), options=options)
    replace(image, root, 36 * MIB)


def fat_geometry(image):
    boot = peek(image, MIB, 512)
    reserved, copies, sectors = (struct.unpack_from("<H", boot, 14)[0], boot[16],
                                 struct.unpack_from("<I", boot, 36)[0])
    return reserved * 512, sectors * 512, (reserved + copies * sectors) * 512


def fat_entry(image, cluster, value):
    table, size, _ = fat_geometry(image)
    for copy in (0, 1):
        esp_poke(image, table + copy * size + 4 * cluster, struct.pack("<I", value))


def find_on_esp(image, data):
    return peek(image, MIB, 35 * MIB).index(data)


def cluster_of(image, offset):
    return (offset - fat_geometry(image)[2]) // 512 + 2


def gpt(image, change, checksums=True):
    table = Gpt(image)
    change(table)
    table.save(checksums)


def csv(*files):
    return b"\xff\xfe" + "".join(f"{f},label,,description\n" for f in files).encode("utf-16le")


# --- tests ----------------------------------------------------------------------------------------

def check(armvm, image, profile):
    done = subprocess.run([armvm, "check", "--profile", profile, "--format", "json", image],
                          capture_output=True, timeout=60)
    if done.returncode not in (0, 1):
        raise AssertionError(f"exit status {done.returncode}: {done.stderr.decode()}")
    return done.returncode, json.loads(done.stdout)


def run_cases(argv, cases, what, one, first=None):
    """Calls one(armvm, image, *case) with a fresh copy for each case, or those that are named; an
    AssertionError is a failure. first(armvm, good) looks at the good image itself."""
    armvm, only = argv[1], argv[2:]
    failures = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as work:
        good = images.make_good(work)
        if first:
            first(armvm, good)
        for case in cases:
            if only and case[0] not in only:
                continue
            image = pathlib.Path(work) / "copy.img"
            run("cp", "--reflink=auto", "--sparse=always", good, image)
            try:
                one(armvm, image, *case)
            except AssertionError as error:
                failures += 1
                print(f"not ok - {error}")
        print(f"{len(cases)} {what}, {failures} failures")
    return 1 if failures else 0
