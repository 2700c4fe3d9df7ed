#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian image that `make demo` leaves in the cache satisfies every profile. Without one there is
nothing to look at: 77, skipped.
    test_debian.py ARMVM SOURCE"""
import os
import pathlib
import sys

from damage import check

armvm, source = sys.argv[1:3]
image = pathlib.Path(os.environ.get("ARMVM_CACHE") or f"{source}/.cache") / "image/debian.img"
if not image.exists():
    sys.exit(77)
for profile in ("rfc-v2", "v1.0", "v2.0"):
    status, report = check(armvm, image, profile)
    for result in report["results"]:
        if result["outcome"] != "PASS":
            sys.exit(f"{profile}: {result['id']} {result['outcome']}: {result['found']} "
                     f"{[f['text'] for f in result['findings']]}")
    assert status == 0
print("complies with all profiles")
