#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No mutable data at file scope in src/: what a program of several machines cannot share.

Looks at the symbols of the objects that were built (build/ by default): anything in .data or .bss
is an error, but for the one named exception, the thread-local current vCPU (arm/current.c)."""
import pathlib
import subprocess
import sys

ALLOWED = {"current_cpu"}


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    objects = sorted(str(p) for p in build.glob("src/**/*.o"))
    if not objects:
        return 0  # nothing built yet
    out = subprocess.run(["nm", "-A", *objects], check=True, capture_output=True, text=True).stdout
    bad = []
    for line in out.splitlines():
        where, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) == 3 and fields[1] in "bBdDC" and fields[2].split(".")[0] not in ALLOWED:
            if not fields[2].startswith(("__", ".")):
                bad.append((where, fields[2]))
    for where, name in bad:
        print(f"check_globals: {where}: mutable data at file scope: {name}")
    return 1 if bad else 0


sys.exit(main())
