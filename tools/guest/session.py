#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives a guest's console as a person would: waits for prompts, types commands, shows what comes.

    session.py COMMAND... < SCRIPT

COMMAND runs the machine, its console on standard input and output. The script's lines:
    login USER          waits for "login:", logs in without a password, waits for the shell
    run COMMAND         types it, waits until it is done; it must end with status 0
    send COMMAND        types it and does not wait (reboot, poweroff)
    end                 waits until the machine is off
The console goes to standard output. Status 0 if everything went as it should, else 1."""
import os
import pty
import re
import select
import signal
import sys
import time

SECONDS = 300  # to wait for anything
ESCAPES = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[ -/]+[0-~]|[0-Z^-~])")
BEGUN = re.compile(rb"\x1b(\[[0-?]*[ -/]*|\][^\x07\x1b]{0,200}|[ -/]*)$")


class Machine:
    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        self.seen = b""
        self.rest = b""
        self.mark = 0

    def read(self, deadline):
        """More of the console; False at its end."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            raise TimeoutError
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        # An escape sequence may come in two pieces: the first waits for the second.
        text = ESCAPES.sub(b"", self.rest + data)
        begun = BEGUN.search(text) if data else None
        self.rest = begun[0] if begun else b""
        text = text[:begun.start()] if begun else text
        sys.stdout.buffer.write(text.replace(b"\r\n", b"\n"))
        sys.stdout.buffer.flush()
        self.seen += text
        return bool(data)

    def wait(self, pattern):
        """What matches comes; later waits look behind it."""
        deadline = time.monotonic() + SECONDS
        while not (match := re.compile(pattern).search(self.seen, self.mark)):
            try:
                more = self.read(deadline)
            except TimeoutError:
                self.fail(f"nothing matches {pattern!r} in {SECONDS} s")
            if not more:
                self.fail(f"the machine ended before {pattern!r} came")
        self.mark = match.end()
        return match

    def type(self, text):
        os.write(self.fd, text.encode() + b"\r")

    def end(self):
        deadline = time.monotonic() + SECONDS
        try:
            while self.read(deadline):
                pass
        except TimeoutError:
            self.fail("the machine does not end")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def fail(self, why):
        print(f"\nsession: {why}", flush=True)
        os.kill(self.pid, signal.SIGKILL)
        sys.exit(1)


def run(machine, number, command):
    # The line that is typed comes back as an echo, in which the status is not filled in.
    machine.type(f"{command}; echo \"[$?]\" {number}.")
    match = machine.wait(rb"\[(\d+)\] %d\.\r" % number)
    if int(match[1]):
        machine.fail(f"'{command}' ended with {int(match[1])}")
    machine.wait(rb"[$#] $")


def login(machine, user):
    machine.wait(rb"login: $")
    machine.type(user)
    machine.wait(rb"[$#] $")
    machine.type("stty cols 200; TERM=dumb; bind 'set enable-bracketed-paste off' 2>/dev/null")
    machine.wait(rb"[$#] $")


def main():
    machine = Machine(sys.argv[1:])
    for number, line in enumerate(sys.stdin, 1):
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "login":
            login(machine, rest)
        elif word == "run":
            run(machine, number, rest)
        elif word == "send":
            machine.type(rest)
        elif word == "end":
            status = machine.end()
            if status:
                machine.fail(f"the machine ended with status {status}")
        elif word and not word.startswith("#"):
            machine.fail(f"'{word}' is no word of a script")


main()
