# SPDX-License-Identifier: Apache-2.0
"""Runs groups of programs inside guests: one boot for each rival and group, all guests up at once and
idle but for the one whose turn it is, so that a change of the machine's speed meets all alike."""
import dataclasses
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time

import measure
import payload
import rivals
import table

PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
LIMIT = 600 # seconds for one member in one guest
# The guest's clock may differ from the host's by what starting and ending a program takes.
CLOCK_SHARE, CLOCK_SECONDS = 0.25, 0.5


@dataclasses.dataclass
class Member:
    """A shell command that runs in guests and, unless it says otherwise, on the host. It prints
    "bench-result NAME NANOSECONDS UNITS CHECKSUM" or "bench-rate NAME NUMBER UNIT", once or more."""
    name: str
    command: str
    native: bool = True
    same: bool = True # the checksum is to be the same on the host
    needs: str = ""   # a program that the host may lack, where its failure would not show


@dataclasses.dataclass
class Group:
    title: str
    members: list[Member]
    prepare: str = ":"      # runs once, before any member
    rootfs: bool = False
    by_wall: bool = False   # the time that passes is meant, whatever --by says
    runs: int = 0           # at most, if not 0
    first: bool = False     # the first run, which translates and reads from disk, is a figure as well
    # NAME-1 and NAME-2: one CPU, two. They run in turn, in all of the rounds that are asked for: how
    # fast the machine is may change from one to the next.
    pairs: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Result:
    value: float
    unit: str
    checksum: str = ""


class Unfit(Exception):
    """A member could not run; the others can."""


def parse(output, scale):
    """Figure -> Result of one run's output. Scale: CPU time by the time that passed, or 1."""
    found = {}
    for name, spent, units, checksum in re.findall(
            r"^bench-result (\S+) (\d+) (\d+) ([0-9a-f]+)\r?$", output, re.MULTILINE):
        found[name] = Result(int(spent) / 1e9 / int(units) * scale, "s", checksum)
    for name, rate, unit in re.findall(r"^bench-rate (\S+) (\S+) (\S+)\r?$", output, re.MULTILINE):
        found[name] = Result(float(rate) / scale, unit)
    return found


class Guest(measure.Run):
    """A guest that runs members as it is told on its console."""

    def __init__(self, rival, machine, args):
        super().__init__(rival, machine, args, interactive=True)

    def cpu(self):
        return measure.cpu_time(self.process)

    def tell(self, line):
        self.output = b""
        self.start = time.monotonic()
        self.type(f"{line}\n".encode())

    def run(self, member, group, args):
        """Figure -> Result."""
        cpu = self.cpu()
        self.tell(member.name)
        passed = self.wait_for_line(rb"^bench-done (\d+)\r?", LIMIT)
        cpu = self.cpu() - cpu
        output = self.output.decode(errors="replace")
        if "bench-done 0" not in output:
            raise Unfit(f"{self.rival}: {member.name}: {output.strip()[-300:]}")
        self.check_clock(member, output, passed)
        return parse(output, cpu / passed if args.by == "cpu" and not group.by_wall else 1)

    def check_clock(self, member, output, passed):
        spent = [int(ns) / 1e9 for ns in re.findall(r"^bench-result \S+ (\d+)", output, re.MULTILINE)]
        if len(spent) != 1:
            return
        if not (1 - CLOCK_SHARE) * passed - CLOCK_SECONDS <= spent[0] <= 1.02 * passed + 0.01:
            print(f"bench: {self.rival}: {member.name}: {spent[0]:.3f} s by the guest's clock, "
                  f"{passed:.3f} s by the host's", flush=True)


def run_native(member, group, directory, args):
    """Figure -> Result on the host, or nothing if the host lacks the program."""
    if member.needs and not shutil.which(member.needs, path=PATH):
        return {}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {"PATH": PATH, "HOME": str(directory), "LC_ALL": "C"}
    done = subprocess.run(["sh", directory / "members" / member.name], cwd=directory, timeout=LIMIT,
                          env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    passed = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        return {}
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return parse(done.stdout.decode(errors="replace"),
                 cpu / passed if args.by == "cpu" and not group.by_wall else 1)


def members(group, directory, place):
    """Their scripts, in which the directory of the work is written out."""
    texts = {"prepare": group.prepare} | {member.name: member.command for member in group.members}
    (directory / "members").mkdir()
    for name, text in texts.items():
        (directory / "members" / name).write_text(
            f"cd {place} || exit 1\nset -e\n{text.replace('@', str(place))}\n")


class Bench:
    """One group's guests, and the host beside them."""

    def __init__(self, group, args, directory):
        self.group, self.args = group, args
        self.native = directory / "native"
        inside = directory / "inside"
        self.native.mkdir()
        inside.mkdir()
        members(group, self.native, self.native)
        members(group, inside, "/tmp")
        shutil.copy(payload.kernels("host", args), self.native / "bench")
        (self.native / "files").mkdir()
        files = {"serve.sh": (payload.SOURCES / "serve.sh").read_text(),
                 "bench": payload.kernels("arm64", args)}
        for file in payload.work():
            shutil.copy(file, self.native / "files")
            files[f"files/{file.name}"] = file
        files |= {f"members/{file.name}": file.read_text() for file in (inside / "members").iterdir()}
        disks = [rivals.Disk(args.cache / "guest/rootfs.img", read_only=True)] if group.rootfs else []
        machine = rivals.Machine(2, append="console=ttyAMA0 quiet armvm.run=/serve.sh", disks=disks,
                                 initrd=payload.initrd(files, directory, args))
        self.guests = {}
        try:
            for rival in rivals.RIVALS:
                self.guests[rival] = Guest(rival, machine, args)
            for guest in self.guests.values():
                guest.wait_for_line(rb"^bench-ready\r?", LIMIT)
                if b"bench-unprepared" in guest.output:
                    raise measure.Failed(guest.output.decode(errors="replace")[-500:] +
                                         f"\nbench: {guest.rival} could not prepare {group.title}")
        except BaseException:
            self.stop()
            raise
        subprocess.run(["sh", self.native / "members/prepare"], cwd=self.native, capture_output=True)

    def once(self, turn):
        """Figure -> rival or host -> Result, of members that run one after the other."""
        found = {}
        for rival, guest in self.guests.items():
            for member in turn:
                for figure, result in guest.run(member, self.group, self.args).items():
                    found.setdefault(figure, {})[rival] = result
        for member in turn:
            if member.native:
                for figure, result in run_native(member, self.group, self.native, self.args).items():
                    found.setdefault(figure, {})[table.NATIVE] = result
        return found

    def measure(self, turn, runs):
        """Figure -> (unit, rival or host -> values)."""
        figures = {}
        for _ in range(runs):
            for figure, results in self.once(turn).items():
                check(turn, figure, results)
                for rival, result in results.items():
                    unit, values = figures.setdefault(figure, (result.unit, {}))
                    values.setdefault(rival, []).append(result.value)
        return figures

    def stop(self):
        for guest in self.guests.values():
            guest.stop()


def check(turn, figure, results):
    """All computed the same."""
    sums = {rival: result.checksum for rival, result in results.items()
            if all(member.same for member in turn) or rival != table.NATIVE}
    if len(set(sums.values())) > 1:
        raise measure.Failed(f"bench: {figure} computed different things: {sums}")


def turns(group, only):
    """The members, but for those that --only leaves out; the two of a pair together."""
    chosen = [member for member in group.members
              if not only or any(word in member.name for word in only.split(","))]
    pair_of = {f"{pair}-{cpus}": pair for pair in group.pairs for cpus in (1, 2)}
    found = {}
    for member in chosen:
        found.setdefault(pair_of.get(member.name, member.name), []).append(member)
    return list(found.values())


def run_turn(name, bench, turn, runs, args):
    try:
        if bench.group.first:
            for figure, (unit, values) in bench.measure(turn, 1).items():
                table.row(args, f"{name} first", unit, f"{figure}, first run", values)
        for figure, (unit, values) in bench.measure(turn, runs).items():
            table.row(args, name, unit, figure, values)
    except Unfit as why:
        print(f"{', '.join(member.name for member in turn):<42} left out: {why}", flush=True)


def run(name, group, args):
    runs = args.runs if group.pairs else min(args.suite_runs, group.runs or args.suite_runs)
    table.title(group.title + (", CPU time" if args.by == "cpu" and not group.by_wall else ""), runs)
    with tempfile.TemporaryDirectory(dir=args.cache) as directory:
        bench = Bench(group, args, pathlib.Path(directory))
        try:
            for turn in turns(group, args.only):
                run_turn(name, bench, turn, runs, args)
        finally:
            bench.stop()
    table.summary(args, f"{name} first")
    table.summary(args, name)
    for pair in group.pairs:
        scaling(name, pair, args)


def scaling(name, pair, args):
    """What a second CPU gave, round by round: the time with one by the time with two."""
    found = {entry["figure"]: entry["values"] for entry in args.record if entry["group"] == name}
    one, two = found.get(f"{pair}-1"), found.get(f"{pair}-2")
    if one and two:
        table.row(args, f"{name} scaling", "times", f"scaling: {pair}",
                  {rival: [a / b for a, b in zip(one[rival], two[rival])] for rival in two})
