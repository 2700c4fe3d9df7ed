#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a reader relies on: a licence line in every file, lines and files of readable size."""
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
MAX_COLUMNS = 120
MAX_LINES = 900
SOURCES = (".c", ".h", ".py", ".sh", ".def", ".dec", ".build")


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, check=True,
                         capture_output=True, text=True).stdout
    return [TOP / line for line in out.splitlines()]


def main():
    bad = 0
    for path in tracked():
        if path.suffix not in SOURCES or not path.is_file():
            continue
        lines = path.read_text().splitlines()
        name = path.relative_to(TOP)
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
            print(f"check_style: {name}: no SPDX line")
            bad += 1
        if len(lines) > MAX_LINES and path.suffix in (".c", ".h", ".py"):
            print(f"check_style: {name}: {len(lines)} lines; split it along an idea")
            bad += 1
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS and path.suffix in (".c", ".h") and "tests" not in name.parts:
                print(f"check_style: {name}:{number}: {len(line)} columns")
                bad += 1
    return 1 if bad else 0


sys.exit(main())
