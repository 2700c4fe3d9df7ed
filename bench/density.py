# SPDX-License-Identifier: Apache-2.0
"""What guests cost that do nothing: the host's CPU time and memory, for one and for ten of them."""
import pathlib
import re
import tempfile
import time

import measure
import payload
import rivals
import table

MEMORY_MIB = 512
SETTLE = 10 # seconds until what is measured lasts: guests' own timers, and what a machine gives back
IDLE = "echo bench-idle; while :; do sleep 1000; done\n"


class Region:
    """Memory of a process: mappings of one kind without gaps between them, as the kernel may cut one
    into several. The kind is what they map, and how: name, permissions, flags."""

    def __init__(self, start, end, kind):
        self.start, self.end, self.kind, self.share = start, end, kind, 0

    def is_ram(self):
        return MEMORY_MIB << 20 <= self.end - self.start < (MEMORY_MIB << 20) * 1.25


def regions(smaps):
    """All of a process, from its smaps, each with the kB of it that are this process's share."""
    mappings, joined = [], []
    for line in smaps.splitlines():
        if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line):
            mappings.append(Region(int(head[1], 16), int(head[2], 16), (head[3], head[4])))
        elif line.startswith("Pss:"):
            mappings[-1].share = int(line.split()[1])
        elif line.startswith("VmFlags:"):
            mappings[-1].kind += (line,)
    for mapping in mappings:
        if joined and joined[-1].end == mapping.start and joined[-1].kind == mapping.kind:
            joined[-1].end = mapping.end
            joined[-1].share += mapping.share
        else:
            joined.append(mapping)
    return joined


def memory(run):
    """MiB of host memory: all of it, and what is not the guest's RAM, which is known by its size."""
    found = regions(pathlib.Path(f"/proc/{run.process.pid}/smaps").read_text())
    total = sum(region.share for region in found)
    return total / 1024, (total - sum(region.share for region in found if region.is_ram())) / 1024


def once(rival, machine, count, args):
    runs = []
    try:
        for _ in range(count):
            runs.append(measure.Run(rival, machine, args))
        for run in runs:
            run.wait_for_line(rb"^bench-idle\r?")
        time.sleep(SETTLE)
        start = time.monotonic()
        before = sum(measure.cpu_time(run.process) for run in runs)
        time.sleep(4 if args.quick else 20)
        spent = sum(measure.cpu_time(run.process) for run in runs) - before
        share = spent / (time.monotonic() - start) * 100
        sizes = [memory(run) for run in runs]
    finally:
        for run in runs:
            run.stop()
    return share, sum(size[0] for size in sizes), sum(size[1] for size in sizes)


def density(args):
    table.title(f"idle guests, 2 CPUs, {MEMORY_MIB} MiB each", 1)
    figures = {"%": {}, "MiB": {}}
    with tempfile.TemporaryDirectory(dir=args.cache) as name:
        initrd = payload.initrd({"run.sh": IDLE}, pathlib.Path(name), args)
        machine = rivals.Machine(2, memory=f"{MEMORY_MIB}M", initrd=initrd,
                                 append="console=ttyAMA0 quiet armvm.run=/run.sh")
        for count in (1, 10):
            many = f"{count} guest{'s' * (count > 1)}"
            for rival in rivals.RIVALS:
                share, total, own = once(rival, machine, count, args)
                figures["%"].setdefault(f"{many}, CPU %", {})[rival] = [max(share, 0.001)]
                figures["MiB"].setdefault(f"{many}, memory MiB", {})[rival] = [total]
                figures["MiB"].setdefault(f"{many}, memory but RAM MiB", {})[rival] = [own]
    for unit, rows in figures.items():
        for figure, values in rows.items():
            table.row(args, "density", unit, figure, values)
    table.summary(args, "density")
