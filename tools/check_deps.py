#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: the layers of docs/architecture.md, checked in every source file."""
import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parent.parent / "src"
DEVICES = ["machine/char", "machine/rtc", "machine/misc", "machine/intc", "machine/timer",
           "machine/virtio", "machine/pci", "machine/flash"]
BACKENDS = ["backend/blk", "backend/net", "backend/chr", "backend/nv"]

# Folder -> the folders whose headers it may include, besides its own and base.
MAY = {
    "base": [],
    "host": [],
    "engine/calc": [],
    "engine/ir": ["engine/calc"],
    "machine/mem": ["host"],
    "machine/fw": ["machine/pci/windows.h"],
    "machine/fw/file.c": ["machine/fw", "host/read.h"],
    "machine/fw/fw_cfg.c": ["machine/dev", "machine/mem", "machine/fw"], # a device among tables
    "backend": ["host"],
    "machine/dev": ["machine/mem", "machine/fw", "host"],
    "arm": ["machine/mem"],
    "engine/front": ["engine/ir", "arm"],
    "engine/x64": ["engine/ir"],
    "engine/jit": ["engine/front", "engine/x64", "engine/ir", "arm", "machine/mem", "host",
                   "engine.h"],
    "machine/board": ["machine/dev", "arm", "machine/mem", "machine/fw", "backend", "engine.h",
                      "host", *DEVICES],
    "vm": ["machine/board", "engine.h", "machine/dev", "host", "backend", "machine/mem", "arm"],
    "image": ["backend"],
    "check": ["image", "vm", "backend", "host"],
    "cmd": ["vm", "backend", "image", "check", "host", "arm", "engine.h", "machine/board"],
    "engine": [],
}
for device in DEVICES:
    MAY[device] = ["machine/dev", "machine/mem", "machine/fw", "backend", "arm/hooks.h",
                   "arm/current.h", "arm/cpu.h", "arm/features.h", "host"]
MAY["machine/virtio"].append("machine/pci")


def folder(path):
    """The row of MAY that a file belongs to: the longest that fits."""
    return max((f for f in MAY if path == f or path.startswith(f + "/")), key=len, default=None)


def allowed(own, included):
    if included.startswith((own + "/", "base/")):
        return True
    return any(included == entry or included.startswith(entry + "/") or
               included == "engine/" + entry for entry in MAY[own])


def main():
    bad = 0
    for path in sorted(SRC.rglob("*.[ch]")):
        relative = path.relative_to(SRC).as_posix()
        own = folder(relative)
        if own is None:
            print(f"check_deps: {relative}: in a folder without a row in tools/check_deps.py")
            bad += 1
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match and "/" in match[1] and not allowed(own, match[1]):
                print(f"check_deps: src/{relative}:{number}: {own} may not include {match[1]}")
                bad += 1
    return 1 if bad else 0


sys.exit(main())
