# SPDX-License-Identifier: Apache-2.0
"""Rounds of runs in alternation, and the table of what they gave."""
import os
import select
import statistics
import subprocess
import sys
import time

import rivals

LIMIT = 300 # seconds for one run


class Failed(Exception):
    pass


class Run:
    """One machine: what it says, and when. Seconds count from the start of the process."""

    def __init__(self, rival, machine, args):
        self.rival, self.output = rival, b""
        self.start = time.monotonic()
        self.process = subprocess.Popen(rivals.command(rival, machine, args),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def wait_for(self, text, within=LIMIT):
        """Seconds until text was on the console."""
        while text not in self.output:
            self.read(within)
        return time.monotonic() - self.start

    def read(self, within=LIMIT):
        left = self.start + within - time.monotonic()
        ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
        piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
        if not piece:
            self.stop()
            tail = self.output[-2000:].decode(errors="replace")
            raise Failed(f"{tail}\nbench: {self.rival} ended too early or took too long")
        self.output += piece

    def finish(self):
        """Seconds until the guest had powered off."""
        while select.select([self.process.stdout], [], [], LIMIT)[0]:
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                break
            self.output += piece
        else:
            self.process.kill() # hangs in silence
        status = self.process.wait()
        if status:
            tail = self.output[-2000:].decode(errors="replace")
            raise Failed(f"{tail}\nbench: {self.rival} ended with status {status}")
        return time.monotonic() - self.start

    def stop(self):
        """The guest is not needed any more, and nor is what it wrote."""
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()


def measure(name, once, runs):
    """Figure -> rival -> values of each run, of once(rival) -> {figure: value}. One round that
    does not count goes first, to fill the host's caches."""
    figures = {}
    for turn in range(runs + 1):
        for rival in rivals.RIVALS:
            for figure, value in once(rival).items():
                if turn:
                    figures.setdefault(figure, {}).setdefault(rival, []).append(value)
        if sys.stderr.isatty():
            print(f"\r{name}: {turn}/{runs} ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(end="\r\x1b[K", file=sys.stderr, flush=True)
    return figures


def title(name, unit, runs):
    columns = "".join(f"{rival:>26}" for rival in rivals.RIVALS)
    print(f"\n{name + ', ' + unit:<40}{'ratio':>7}{columns}    ({runs} runs)", flush=True)


def show(figures, more_is_better=False, digits=2):
    """Medians with least and most; the ratio is to the better QEMU, over 1 where armvm is."""
    for figure, values in figures.items():
        medians = {rival: statistics.median(list_) for rival, list_ in values.items()}
        ours = medians.pop("armvm")
        ratio = ours / max(medians.values()) if more_is_better else min(medians.values()) / ours
        columns = "".join(
            f"{statistics.median(v):.{digits}f} [{min(v):.{digits}f} {max(v):.{digits}f}]".rjust(26)
            for v in values.values())
        print(f"{figure:<40}{ratio:6.2f}x{columns}", flush=True)
