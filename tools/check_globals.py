#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No mutable data at file scope in src/: what a program of several machines cannot share.

Looks at the symbols of the objects that were built (build/ by default): anything in .data or .bss
is an error, but for the one named exception, the thread-local current vCPU (arm/current.c)."""
import pathlib
import subprocess
import sys

ALLOWED = {"current"}


def is_mutable(section):
    """Constants with pointers in them lie in .data.rel.ro, which is read-only once linked."""
    return section.startswith((".data", ".bss", ".tdata", ".tbss", "*COM*")) and \
        not section.startswith(".data.rel.ro")


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    objects = sorted(str(p) for p in build.glob("src/**/*.o"))
    if not objects:
        return 0  # nothing built yet
    bad = []
    for path in objects:
        out = subprocess.run(["nm", "--format=sysv", path], check=True, capture_output=True,
                             text=True).stdout
        for line in out.splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 7 and is_mutable(fields[6]) and fields[0].split(".")[0] not in ALLOWED:
                bad.append((path, fields[0]))
    for where, name in bad:
        print(f"check_globals: {where}: mutable data at file scope: {name}")
    return 1 if bad else 0


sys.exit(main())
