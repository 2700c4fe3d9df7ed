# SPDX-License-Identifier: Apache-2.0
"""One description of a machine, and how armvm and QEMU are told to be it."""
import dataclasses
import pathlib

QEMU = {"qemu cortex-a72": "cortex-a72", "qemu max": "max,pauth-impdef=on"}
RIVALS = ("armvm", *QEMU)


@dataclasses.dataclass
class Disk:
    path: pathlib.Path
    format: str = "raw"
    read_only: bool = False


@dataclasses.dataclass
class Machine:
    """A machine to start: a kernel, or firmware with its code and variables. What it writes to
    disks and variables is thrown away if it is ephemeral."""
    cpus: int
    memory: str = "1G"
    append: str = ""
    initrd: pathlib.Path | None = None
    firmware: pathlib.Path | None = None
    variables: pathlib.Path | None = None
    disks: list[Disk] = dataclasses.field(default_factory=list)
    net: bool = False
    virtio_console: bool = False
    ephemeral: bool = False
    store: pathlib.Path | None = None # armvm's translations from one start to the next


def armvm(machine, args):
    words = [args.armvm, "run", "--cpus", machine.cpus, "--memory", machine.memory,
             "--net", "user" if machine.net else "none"]
    if machine.firmware:
        words += ["--firmware", machine.firmware, "--vars", machine.variables]
    else:
        words += ["--kernel", args.cache / "guest/vmlinuz", "--append", machine.append,
                  "--initrd", machine.initrd or args.cache / "guest/initrd.gz"]
        if machine.disks or machine.net:
            words += ["--virtio-bus", "pci"]
    for disk in machine.disks:
        words += ["--disk", f"path={disk.path},format={disk.format}{',readonly' * disk.read_only}"]
    if machine.virtio_console:
        words += ["--console", "virtio"]
    words += ["--code-store", machine.store or "off"]
    return words + (["--ephemeral"] if machine.ephemeral else [])


def qemu(machine, cpu, args):
    bus = "pci" if machine.firmware or machine.disks or machine.net else "device"
    words = [args.cache / "qemu/qemu-system-aarch64", "-M", "virt,gic-version=3,acpi=off",
             "-cpu", cpu, "-smp", machine.cpus, "-m", machine.memory, "-nographic", "-no-reboot"]
    if machine.firmware:
        # Neither waits for a key in the firmware's boot menu.
        words += ["-boot", "menu=on,splash-time=0",
                  "-drive", f"if=pflash,format=raw,readonly=on,file={machine.firmware}",
                  "-drive", f"if=pflash,format=raw,file={machine.variables}"]
    else:
        words += ["-kernel", args.cache / "guest/vmlinuz", "-append", machine.append,
                  "-initrd", machine.initrd or args.cache / "guest/initrd.gz"]
    # In armvm's order, so that disks have the same PCI addresses: boot variables name these.
    for number, disk in enumerate(machine.disks):
        words += ["-drive", f"if=none,id=d{number},format={disk.format},file={disk.path}"
                  f"{',readonly=on' * disk.read_only}",
                  "-device", f"virtio-blk-pci,drive=d{number}"]
    words += ["-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,romfile="] \
        if machine.net else ["-nic", "none"]
    words += ["-device", f"virtio-rng-{bus}"]
    if machine.virtio_console:
        words += ["-serial", "none", "-monitor", "none", "-device", f"virtio-serial-{bus}",
                  "-chardev", "stdio,id=c,signal=off", "-device", "virtconsole,chardev=c"]
    return words + (["-snapshot"] if machine.ephemeral else [])


def command(rival, machine, args):
    words = armvm(machine, args) if rival == "armvm" else qemu(machine, QEMU[rival], args)
    return [str(word) for word in words]
