# SPDX-License-Identifier: Apache-2.0
"""Boots by the host's clock: a kernel directly, and a Debian image through UEFI firmware."""
import itertools
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

import measure
import rivals
import table

UP = b"armvm-guest: user space is up"
GRUB = b"Welcome to GRUB!"
LOGIN = b"login: "
CODE = pathlib.Path("/usr/share/AAVMF/AAVMF_CODE.fd")
VARIABLES = pathlib.Path("/usr/share/AAVMF/AAVMF_VARS.fd")


def direct(args):
    def once(rival):
        run = measure.Run(rival, machine, args)
        return {f"{name}: to user space": run.wait_for(UP), f"{name}: to power-off": run.finish()}

    table.title("a kernel, directly, seconds", args.runs)
    figures = {}
    with tempfile.TemporaryDirectory() as directory:
        for cpus, warm in itertools.product((1, 2, 4), (False, True)):
            name = f"{cpus} CPU{'s' if cpus > 1 else ''}, {'warm' if warm else 'cold'}"
            machine = rivals.Machine(cpus, append="console=ttyAMA0 armvm.quick",
                                     store=pathlib.Path(directory) if warm else None)
            if warm:
                once("armvm")
            figures |= measure.measure(name, once, args.runs)
    table.show(args, "boot", "s", figures)


def settle(image, args):
    """A copy of the image that has been booted and shut down once: the first boot makes host keys
    and the like, which takes a random time. And the variables as that boot left them."""
    copy, variables = args.cache / "bench/debian.img", args.cache / "bench/vars.fd"
    if copy.exists() and copy.stat().st_mtime >= image.stat().st_mtime:
        return copy, variables
    copy.parent.mkdir(parents=True, exist_ok=True)
    unsettled = copy.with_suffix(".new")
    subprocess.run(["cp", "--sparse=always", image, unsettled], check=True)
    shutil.copyfile(VARIABLES, variables)
    machine = rivals.Machine(2, firmware=CODE, variables=variables, disks=[rivals.Disk(unsettled)])
    run = measure.Run("armvm", machine, args)
    run.wait_for(LOGIN)
    limit = time.monotonic() + 120
    # What still starts then says so on the console.
    while select.select([run.process.stdout], [], [], 10)[0] and time.monotonic() < limit:
        run.read()
    run.process.terminate() # the power button
    run.finish()
    os.replace(unsettled, copy)
    return copy, variables


def firmware(args):
    def once(rival):
        run = measure.Run(rival, machine, args)
        values = {f"{name}: to GRUB": run.wait_for(GRUB), f"{name}: to login": run.wait_for(LOGIN)}
        run.stop()
        return values

    image = args.cache / "image/debian.img"
    if not image.exists() or not CODE.exists():
        print(f"\nfirmware: left out, there is no {CODE if image.exists() else image}", flush=True)
        return
    copy, warm = settle(image, args)
    table.title("Debian by UEFI, 2 CPUs, seconds", args.slow_runs)
    figures = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, variables, store in (("first start", VARIABLES, None),
                                       ("later start", warm, pathlib.Path(directory))):
            machine = rivals.Machine(2, firmware=CODE, variables=variables, ephemeral=True,
                                     disks=[rivals.Disk(copy)], store=store)
            if store:
                once("armvm")
            figures |= measure.measure(name, once, args.slow_runs)
    table.show(args, "firmware", "s", figures)
