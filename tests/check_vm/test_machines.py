#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""armvm check vm --command with machines that misbehave: the machine is a small script that says what
a probe would say. What it does wrong must be found, and the check must end.

    test_machines.py ARMVM"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ARMVM = sys.argv[1]
GOOD_FIRST = """
say "# armvm probe, boot 1 of 4"; say "ok 1 - F3 revision"; say "# found: 2.7"
say "# please type: armvm77"; typed=$(dd bs=1 count=7 2>/dev/null)
[ "$typed" = armvm77 ] && say "ok 2 - P3 input" || say "not ok 2 - P3 input"
say "# probe: reset by PSCI"; say "# armvm probe, boot 2 of 4"; say "ok 3 - F5 variables survive a reset"
say "# probe: reset by ResetSystem"; say "# armvm probe, boot 3 of 4"
say "# probe: power off; please start the machine again"
"""
GOOD_LAST = """
say "# armvm probe, boot 4 of 4"; say "ok 4 - F5 variables survive a power cycle"; say "1..4"
say "# the probe has come to its end; it switches the power off"
"""
# A machine whose variables are a file: not empty after the first start.
MACHINE = """say() {{ printf '%s\\r\\n' "$1"; }}
if [ -s {{vars}}.kept ]; then rm -f {{vars}}.kept
{last}
else echo 1 >{{vars}}.kept
{first}
fi
: {{image}}
"""

failures = 0


def check(name, good, *more):
    global failures
    print(("ok - " if good else "not ok - ") + name)
    if not good:
        failures += 1
        print(*more, sep="\n")


def run(script, *options, timeout=60):
    command = [ARMVM, "check", "vm", "--quiet", "--format", "json", "--timeout", "5", *options,
               "--command", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = None
    return done.returncode, report, done.stderr


def texts(value):
    """All texts of a report."""
    if isinstance(value, dict):
        return [text for v in value.values() for text in texts(v)]
    if isinstance(value, list):
        return [text for v in value for text in texts(v)]
    return [value] if isinstance(value, str) else []


def machine(first=GOOD_FIRST, last=GOOD_LAST):
    return MACHINE.format(first=first, last=last)


def misbehaving():
    status, report, err = run(machine())
    check("a machine that does all right passes", status == 0 and report, status, report, err)

    cases = [
        ("a machine that ends early", machine('say "# armvm probe, boot 1 of 4"; exit 0'),
         "the machine ended"),
        ("a machine that hangs", machine('say "# armvm probe, boot 1 of 4"; sleep 100'), "no end after"),
        ("a probe that never starts", machine("say hello; exit 0"), "never started"),
        ("a probe that bails out",
         machine('say "# armvm probe, boot 1 of 4"; say "Bail out! exception 4"; sleep 100'),
         "exception 4"),
    ]
    for name, script, words in cases:
        status, report, err = run(script)
        check(f"{name} fails", status == 1 and any(words in text for text in texts(report)),
              status, report, err)

    status, report, err = run(machine(last='say "# armvm probe, boot 1 of 4"; sleep 100'))
    check("variables that a power cycle loses are found",
          any("began anew" in text for text in texts(report)), status, report, err)

    status, report, err = run(machine(last=GOOD_LAST + "echo x >>{image}"))
    check("a machine that writes to the image fails F6",
          status == 1 and any("has written to its disk image" in text for text in texts(report)),
          status, report, err)

    shared = machine().replace("{vars}.kept", "{image}.kept")
    status, report, err = run(shared.replace(": {image}", "").replace("{image}.kept", "$PWD/kept"))
    check("a command without {image} is refused", status == 2 and "{image}" in err, status, err)

    with tempfile.TemporaryDirectory() as kept:
        status, report, err = run(machine().replace("{vars}.kept", f"{kept}/kept") + ": {vars}")
    check("machines that share variables fail F6",
          status == 1 and any("finds the variables of the first" in text for text in texts(report)),
          status, report, err)


def what_cannot_be_run():
    status, _, err = run("no-such-program-at-all {image}")
    check("a program that is not there is said", status == 3 and "no-such-program" in err, status, err)
    status, _, err = run("echo wrong option >&2; exit 1; {image}")
    check("a program that refuses is said", status == 3 and "wrong option" in err, status, err)


def leftovers():
    """Nothing stays: no file, no process."""
    with tempfile.TemporaryDirectory() as place:
        env = dict(os.environ, TMPDIR=place)
        pid = pathlib.Path(place) / "pid"
        script = machine(f'echo $$ >{pid}; say "# armvm probe, boot 1 of 4"; exec sleep 100')
        process = subprocess.Popen([ARMVM, "check", "vm", "--quiet", "--command", script], env=env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        child = int(pid.read_text())
        pid.unlink()
        process.send_signal(signal.SIGINT)
        status = process.wait(timeout=20)
        check("SIGINT ends the check", status in (130, -signal.SIGINT), status)
        check("its files are gone", not os.listdir(place), os.listdir(place))
        try:
            os.kill(child, 0)
            gone = pathlib.Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"
        except ProcessLookupError:
            gone = True
        check("its machine is gone", gone)


def usage():
    cases = [
        (["--command", "x {image}", "--gic", "2"], "armvm's own machines"),
        (["--vars", "/dev/null"], "{vars}"),
        (["--gic", "2", "--cpus", "9"], "GICv2 serves at most 8"),
        (["--timeout", "0"], "--timeout"),
        (["--profile", "v3"], "--profile"),
        (["image"], "image"),
    ]
    for options, words in cases:
        done = subprocess.run([ARMVM, "check", "vm", *options], capture_output=True, text=True,
                              check=False)
        check(f"refused: {' '.join(options)}", done.returncode == 2 and words in done.stderr,
              done.returncode, done.stderr)
    done = subprocess.run([ARMVM, "check", "vm", "--list", "--tables", "both"], capture_output=True,
                          text=True, check=True)
    lines = done.stdout.splitlines()
    check("all configurations are listed", len(set(lines)) == 16, done.stdout)
    done = subprocess.run([ARMVM, "check", "vm", "--list", "--quick"], capture_output=True, text=True,
                          check=True)
    quick = done.stdout
    check("--quick has every GIC, bus and console", quick.count("\n") == 2 and
          all(word in quick for word in ("GICv2", "GICv3", "pci", "mmio", "PL011", "virtio console")),
          quick)


def image():
    """The probe's image is one that `armvm check` has nothing to say against."""
    with tempfile.TemporaryDirectory() as place:
        path = f"{place}/probe.img"
        subprocess.run([ARMVM, "check", "vm", "--write-image", path], check=True)
        done = subprocess.run([ARMVM, "check", path], capture_output=True, text=True, check=False)
        check("the probe's image complies", done.returncode == 0 and "FAIL" not in done.stdout and
              "WARN" not in done.stdout, done.stdout)
        done = subprocess.run([ARMVM, "check", "vm", "--write-image", path], capture_output=True,
                              text=True, check=False)
        check("a file that exists is not replaced", done.returncode == 3 and path in done.stderr,
              done.returncode, done.stderr)


misbehaving()
what_cannot_be_run()
leftovers()
usage()
image()
sys.exit(1 if failures else 0)
