#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times guests side by side: armvm against QEMU, in alternation, so that a change of the machine's
speed meets all of them alike. A ratio over 1 means that armvm is faster.

Boots are timed by the host's clock from the start of the process to the guest's line, and to the
end of the process. Jobs inside the guest are timed by the guest (`time` of guest/jobs.sh), which
prints "job NAME SECONDS"."""
import argparse
import dataclasses
import pathlib
import re
import statistics
import subprocess
import sys
import time

UP = b"armvm-guest: user space is up"
RIVALS = {"qemu cortex-a72": "cortex-a72", "qemu max": "max,pauth-impdef=on"}


@dataclasses.dataclass
class Boot:
    """One configuration to boot."""
    name: str
    cpus: int
    memory: str = "1G"
    append: str = "armvm.quick"


def command(rival, boot, args):
    guest = args.cache / "guest"
    append = f"console=ttyAMA0 {boot.append}"
    if rival == "armvm":
        return [args.armvm, "run", "--kernel", guest / "vmlinuz", "--initrd", guest / "initrd.gz",
                "--cpus", str(boot.cpus), "--memory", boot.memory, "--net", "none",
                "--append", append]
    return [args.cache / "qemu/qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu",
            RIVALS[rival], "-smp", str(boot.cpus), "-m", boot.memory, "-nographic", "-no-reboot",
            "-nic", "none", "-device", "virtio-rng-device", "-kernel", guest / "vmlinuz",
            "-initrd", guest / "initrd.gz", "-append", append]


def run(rival, boot, args):
    """Seconds to user space, to the end of the process, and what the guest's jobs reported."""
    start = time.monotonic()
    process = subprocess.Popen([str(word) for word in command(rival, boot, args)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    up, jobs, lines = None, {}, []
    for line in process.stdout:
        lines.append(line)
        if UP in line and up is None:
            up = time.monotonic() - start
        match = re.match(rb"job (\S+) ([0-9.]+)", line)
        if match:
            jobs[match[1].decode()] = float(match[2])
    status = process.wait()
    total = time.monotonic() - start
    if status != 0 or up is None:
        sys.stdout.buffer.write(b"".join(lines[-20:]))
        sys.exit(f"bench: {rival} failed on '{boot.name}' (status {status})")
    return {f"{boot.name}: to user space": up, f"{boot.name}: to power-off": total,
            **{f"{boot.name}: {name}": seconds for name, seconds in jobs.items()}}


def measure(boot, args):
    """Figure -> rival -> seconds of each run. One round that does not count goes first."""
    rivals = ["armvm", *RIVALS]
    figures = {}
    for turn in range(args.runs + 1):
        for rival in rivals:
            for figure, seconds in run(rival, boot, args).items():
                if turn:
                    figures.setdefault(figure, {}).setdefault(rival, []).append(seconds)
        if sys.stderr.isatty():
            print(f"\r{boot.name}: {turn}/{args.runs} ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return figures


def show(figures):
    for figure, rivals in figures.items():
        medians = {rival: statistics.median(seconds) for rival, seconds in rivals.items()}
        ours = medians.pop("armvm")
        spread = "  ".join(f"{rival} {statistics.median(s):.3f} [{min(s):.3f} {max(s):.3f}]"
                           for rival, s in rivals.items())
        ratio = min(medians.values()) / ours
        print(f"{figure:<48} {ratio:5.2f}x better QEMU   {spread}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--armvm", required=True)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=int, default=9)
    args = parser.parse_args()
    print(f"seconds: median [least most] of {args.runs} runs; ratio: better QEMU's median / armvm's")
    for boot in (Boot("1 CPU", 1), Boot("2 CPUs", 2), Boot("4 CPUs", 4)):
        show(measure(boot, args))


main()
