# SPDX-License-Identifier: Apache-2.0
"""Throughput of disks, by fio in the guest, and of network and consoles, by the host's clock."""
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time

import measure
import payload
import rivals
import table

SCRATCH_MIB = 512

FIO = """\
mount -t ext4 -o ro,noload /dev/vda /mnt
mount --bind /dev /mnt/dev
mount -t proc proc /mnt/proc
mount -t tmpfs tmpfs /mnt/tmp
job() {{ # NAME DEVICE KIND BLOCK DEPTH
    chroot /mnt /usr/bin/fio --name="$1" --filename="$2" --rw="$3" --bs="$4" --iodepth="$5" --direct=1 \\
        --ioengine=libaio --size={size}M --time_based --runtime={seconds} --ramp_time=0.2 \\
        --randrepeat=1 --minimal | awk -F';' -v n="$1" '{{ print "job " n " " ($7 + $48) / 1024 }}'
}}
for disk in raw:/dev/vdb qcow2:/dev/vdc; do
    for depth in {depths}; do
        job ${{disk%%:*}}-read-1M-$depth ${{disk#*:}} read 1M $depth
        job ${{disk%%:*}}-write-1M-$depth ${{disk#*:}} write 1M $depth
        job ${{disk%%:*}}-read-4k-$depth ${{disk#*:}} randread 4k $depth
        job ${{disk%%:*}}-write-4k-$depth ${{disk#*:}} randwrite 4k $depth
    done
done
"""

NET = """\
timeout 60 nc 10.0.2.2 {down} </dev/null >/dev/null
dd if=/dev/zero bs=64k 2>/dev/null | timeout 60 nc 10.0.2.2 {up} >/dev/null
"""


def scratch(directory):
    """Two disks full of the same noise. Both rivals write to them, all over them."""
    raw, qcow2 = directory / "scratch.img", directory / "scratch.qcow2"
    with open(raw, "wb") as file:
        for _ in range(SCRATCH_MIB):
            file.write(os.urandom(1 << 20))
    subprocess.run(["qemu-img", "convert", "-q", "-O", "qcow2", raw, qcow2], check=True)
    return [rivals.Disk(raw), rivals.Disk(qcow2, "qcow2")]


def disk(args):
    def once(rival):
        run = measure.Run(rival, machine, args)
        run.finish()
        found = re.findall(rb"^job (\S+) ([0-9.]+)\r?$", run.output, re.MULTILINE)
        if not found:
            raise measure.Failed(run.output.decode(errors="replace") + "\nbench: fio said nothing")
        return {names(word.decode()): float(value) for word, value in found}

    def names(word):
        format_, verb, size, depth = word.split("-")
        return f"{format_}, {'random' if size == '4k' else 'sequential'} {verb}, {size}, depth {depth}"

    rootfs = args.cache / "guest/rootfs.img"
    if not rootfs.exists():
        print(f"\ndisk: left out, there is no {rootfs}", flush=True)
        return
    with tempfile.TemporaryDirectory(dir=args.cache) as name:
        directory = pathlib.Path(name)
        system = directory / "rootfs.img"
        subprocess.run(["cp", "--sparse=always", rootfs, system], check=True)
        script = FIO.format(size=SCRATCH_MIB, seconds=1 if args.quick else 3, depths="1 32")
        machine = rivals.Machine(2, append="console=ttyAMA0 quiet armvm.run=/run.sh",
                                 initrd=payload.initrd({"run.sh": script}, directory, args),
                                 disks=[rivals.Disk(system), *scratch(directory)])
        table.title("virtio-blk on PCI, O_DIRECT, MiB/s", args.slow_runs)
        table.show(args, "disk", "MiB/s", measure.measure("disk", once, args.slow_runs))


class Host(threading.Thread):
    """One connection of the guest's: bytes are sent to it, or taken, for some seconds."""

    def __init__(self, sends, seconds):
        super().__init__(daemon=True)
        self.sends, self.seconds, self.rate = sends, seconds, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        piece, moved = bytearray(1 << 16), 0
        with self.listener, self.listener.accept()[0] as connection:
            connection.settimeout(10 * self.seconds)
            start = time.monotonic()
            while (spent := time.monotonic() - start) < self.seconds:
                count = connection.send(piece) if self.sends else connection.recv_into(piece)
                if not count:
                    return # too early
                moved += count
        self.rate = moved / spent / (1 << 20)


def network(args):
    def once(rival):
        down, up = Host(True, seconds), Host(False, seconds)
        down.start()
        up.start()
        with tempfile.TemporaryDirectory() as name:
            script = NET.format(down=down.port, up=up.port)
            machine = rivals.Machine(2, append="console=ttyAMA0 quiet armvm.run=/run.sh", net=True,
                                     initrd=payload.initrd({"run.sh": script},
                                                           pathlib.Path(name), args))
            run = measure.Run(rival, machine, args)
            run.finish()
        for host in (down, up):
            host.join(10)
            if host.rate is None:
                raise measure.Failed(run.output.decode(errors="replace") +
                                     f"\nbench: {rival}: the network lost data")
        return {"TCP, host to guest": down.rate, "TCP, guest to host": up.rate}

    seconds = 1 if args.quick else 4
    table.title("virtio-net on PCI, user mode, MiB/s", args.slow_runs)
    table.show(args, "network", "MiB/s", measure.measure("network", once, args.slow_runs))


CONSOLE = """\
exec <{device} >{device} 2>&1
stty raw -echo
echo bench-ready
got=$(head -c {size} | wc -c)
echo "bench-got $got"
read -r line
head -c {size} /dev/zero | tr '\\0' x
echo
echo bench-end
"""


def console(args):
    def once(rival):
        run = measure.Run(rival, machine, args, interactive=True)
        run.wait_for_line(rb"bench-ready\r?")
        start = time.monotonic()
        feed = threading.Thread(target=run.type, args=(bytes(size - 1) + b"\n",))
        feed.start()
        run.wait_for_line(rb"bench-got %d\r?" % size)
        feed.join()
        taken = time.monotonic() - start
        start = time.monotonic()
        run.type(b"\n")
        run.wait_for_line(rb"bench-end\r?")
        sent = time.monotonic() - start
        run.stop()
        # QEMU's virtio-console drops what its reader does not take at once: what came is counted.
        came = run.output.count(b"x")
        if rival == "armvm" and came < size:
            raise measure.Failed(f"bench: {rival}: the console lost {size - came} of {size} bytes")
        return {f"{name}, to the guest": size / taken / (1 << 20),
                f"{name}, from the guest": came / sent / (1 << 20)}

    figures = {}
    table.title("consoles, MiB/s", args.slow_runs)
    for name, device, virtio, size in (("PL011", "/dev/ttyAMA0", False, 1 << 15),
                                       ("virtio-console", "/dev/hvc0", True, 1 << 20 if args.quick else 1 << 22)):
        with tempfile.TemporaryDirectory() as directory:
            script = CONSOLE.format(device=device, size=size)
            machine = rivals.Machine(2, append=f"console={device[5:]} quiet armvm.run=/run.sh",
                                     virtio_console=virtio,
                                     initrd=payload.initrd({"run.sh": script}, pathlib.Path(directory), args))
            figures |= measure.measure("console", once, args.slow_runs)
    table.show(args, "console", "MiB/s", figures)
