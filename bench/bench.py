#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times guests side by side: armvm against QEMU, in alternation, so that a change of the machine's
speed meets all of them alike. A ratio over 1 means that armvm is faster than the better QEMU."""
import argparse
import pathlib
import sys

import boots
import measure
import transfers

GROUPS = {"boot": boots.direct, "firmware": boots.firmware, "disk": transfers.disk,
          "network": transfers.network}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--armvm", required=True)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    args = parser.parse_args()
    args.cache = args.cache.resolve()
    unknown = set(args.groups) - set(GROUPS)
    if unknown or args.runs < 1:
        parser.error(f"no group {unknown.pop()}: {', '.join(GROUPS)}" if unknown else "--runs: 1 at least")
    args.quick = args.runs < 5
    args.slow_runs = max(1, args.runs // 3) # of what takes a minute
    print("median [least most]; ratio: armvm against the better QEMU", flush=True)
    try:
        for group in args.groups or GROUPS:
            GROUPS[group](args)
    except measure.Failed as failure:
        sys.exit(str(failure))


main()
