# SPDX-License-Identifier: Apache-2.0
"""Machines that say something, and rounds of their runs in alternation."""
import os
import re
import select
import subprocess
import sys
import time

import rivals

LIMIT = 300 # seconds for one run


class Failed(Exception):
    pass


class Run:
    """One machine: what it says, and when. Seconds count from the start of the process."""

    def __init__(self, rival, machine, args, interactive=False):
        self.rival, self.output = rival, b""
        self.start = time.monotonic()
        self.process = subprocess.Popen(rivals.command(rival, machine, args),
                                        stdin=subprocess.PIPE if interactive else subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait_for(self, text, within=LIMIT):
        """Seconds until text was on the console."""
        while text not in self.output:
            self.read(within)
        return time.monotonic() - self.start

    def wait_for_line(self, pattern, within=LIMIT):
        """Seconds until a whole line that matches was on the console."""
        while not re.search(pattern + rb"\n", self.output, re.MULTILINE):
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

    def type(self, data):
        """On the console of an interactive machine."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

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
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()


def cpu_time(process):
    """Seconds of CPU time that all threads of a process took: clock 2 of any process, by its number."""
    return time.clock_gettime(~process.pid << 3 | 2)


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
