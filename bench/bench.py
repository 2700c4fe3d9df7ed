#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times guests side by side: armvm against QEMU, in alternation, so that a change of the machine's
speed meets all of them alike. A ratio over 1 means that armvm is better than the better QEMU; the
distance is armvm's time by that of the same program on the host itself."""
import argparse
import functools
import json
import pathlib
import sys

import boots
import density
import groups
import measure
import suite
import transfers

GROUPS = {"boot": boots.direct, "firmware": boots.firmware, "disk": transfers.disk,
          "network": transfers.network, "console": transfers.console}
GROUPS |= {name: functools.partial(suite.run, name, group) for name, group in groups.GROUPS.items()}
GROUPS["density"] = density.density


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--armvm", required=True)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=9, help="of a second or so each")
    parser.add_argument("--by", choices=("wall", "cpu"), default="wall",
                        help="cpu: scale by the CPU time that the machine's process got, for a busy host")
    parser.add_argument("--only", default="", help="members whose names have one of these, by commas")
    parser.add_argument("--json", type=pathlib.Path, help="a file for all values")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    args = parser.parse_args()
    args.cache = args.cache.resolve()
    unknown = set(args.groups) - set(GROUPS)
    if unknown or args.runs < 1:
        parser.error(f"no group {unknown.pop()}: {', '.join(GROUPS)}" if unknown else "--runs: 1 at least")
    args.quick = args.runs < 5
    args.slow_runs = max(1, args.runs // 3) # of what takes a minute
    args.suite_runs = args.runs if args.quick else (args.runs + 1) // 2
    args.record = []
    print("median [least most]; ratio: armvm against the better QEMU", flush=True)
    try:
        for group in args.groups or GROUPS:
            GROUPS[group](args)
    except measure.Failed as failure:
        sys.exit(str(failure))
    finally:
        if args.json:
            args.json.write_text(json.dumps(args.record, indent=1) + "\n")


main()
