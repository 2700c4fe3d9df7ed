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
IDLE = "echo bench-idle; while :; do sleep 1000; done\n"


def regions(pid):
    """(start, end, kB of it that are this process's share) of each mapping, in order."""
    found = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if bounds := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            found.append([int(bounds[1], 16), int(bounds[2], 16), 0])
        elif line.startswith("Pss:"):
            found[-1][2] = int(line.split()[1])
    return found


def memory(run):
    """MiB of host memory: all of it, and what is not the guest's RAM. That is the mapping, or the run
    of mappings without gaps, that is as large as the RAM."""
    total = ram = 0
    joined = []
    for start, end, share in regions(run.process.pid):
        total += share
        if joined and joined[-1][1] == start:
            joined[-1][1] = end
            joined[-1][2] += share
        else:
            joined.append([start, end, share])
    for start, end, share in joined:
        if MEMORY_MIB << 20 <= end - start < (MEMORY_MIB << 20) * 1.25:
            ram += share
    return total / 1024, (total - ram) / 1024


def once(rival, machine, count, args):
    runs = []
    try:
        for _ in range(count):
            runs.append(measure.Run(rival, machine, args))
        for run in runs:
            run.wait_for_line(rb"^bench-idle\r?")
        time.sleep(5) # what still settles
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
