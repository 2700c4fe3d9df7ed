#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""armvm image fix: what it mends is mended by everybody's judgement, raw and qcow2; what it cannot mend
stays as it was; a dry run changes nothing; killed at any moment, the image is as before or as after.
    test_fix.py ARMVM"""
import fcntl
import hashlib
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

import images
from damage import LOADER, check, csv, esp_delete, esp_put, poke
from images import GRUB, SDBOOT, SHIM, pe, run
from test_broken import DEFECTS

os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
BY_NAME = {d[0]: d for d in DEFECTS}
# What of test_broken.py's defects is mended, and what is not.
MENDED = ["mbr_other_type", "mbr_no_signature", "mbr_starts_later", "mbr_too_short",
          "primary_header_flipped", "backup_header_flipped", "primary_wiped", "backup_wiped",
          "primary_array_flipped", "backup_array_flipped", "header_of_elsewhere",
          "copies_of_two_disks", "usable_backwards", "array_beyond_the_disk", "entries_of_odd_size",
          "header_of_no_size", "backup_points_elsewhere", "esp_of_data_type",
          "esp_type_not_mixed_endian", "only_the_vendors_directory"]
LEFT = ["no_table", "mbr_only", "both_headers_flipped", "image_cut_short", "no_esp", "nothing_there",
        "empty_esp", "only_for_x86"]


def shim_of_a_vendor(image):
    esp_delete(image, LOADER)
    run("mrd", "-i", f"{image}@@1M", "::EFI/BOOT")
    for name, data in (("shimaa64.efi", SHIM), ("grubaa64.efi", GRUB), ("mmaa64.efi", pe())):
        esp_put(image, f"EFI/debian/{name}", data)
    esp_put(image, "EFI/debian/BOOTAA64.CSV", csv("shimaa64.efi"))

def systemd_boot_only(image):
    esp_delete(image, LOADER)
    run("mrd", "-i", f"{image}@@1M", "::EFI/BOOT")
    esp_put(image, "EFI/systemd/systemd-bootaa64.efi", SDBOOT)
    esp_put(image, "EFI/Linux/0.1.efi", pe(sections={".osrel": b"x", ".linux": b"y"}))

def a_full_directory(image):
    """\\EFI\\BOOT has no free entry in its clusters, and the program is larger than one."""
    esp_delete(image, LOADER)
    for i in range(14): # with "." and ".." a cluster of 512 bytes
        esp_put(image, f"EFI/BOOT/FILE{i}", b"x")
    esp_put(image, "EFI/debian/grubaa64.efi", GRUB + bytes(300000))

def everything(image):
    """The first copy is gone, the type wrong, the program elsewhere."""
    systemd_boot_only(image)
    BY_NAME["esp_of_data_type"][4](image)
    poke(image, 446, bytes(64))
    poke(image, 512, bytes(512))

OWN = [shim_of_a_vendor, systemd_boot_only, a_full_directory, everything]


class Fixer:
    def __init__(self, armvm, work):
        self.armvm, self.work = armvm, pathlib.Path(work)
        self.good = images.make_good(work)
        self.image = self.work / "disk.img"

    def fresh(self, damage):
        run("cp", "--reflink=auto", "--sparse=always", self.good, self.image)
        damage(self.image)

    def fix(self, image, *options, status):
        done = subprocess.run([self.armvm, "image", "fix", *options, image], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == status, f"{done.returncode}: {done.stdout}{done.stderr}"
        left = [p for p in self.work.iterdir() if p.name.endswith(".armvm-new")]
        assert not left, f"left behind: {left}"
        return done.stdout + done.stderr

    def digest(self, path=None):
        return hashlib.sha256((path or self.image).read_bytes()).digest()

    def same(self, other):
        return not subprocess.run(["cmp", "-s", self.image, other]).returncode

    def judge(self, image):
        status, report = check(self.armvm, image, "v1.0")
        failed = {r["id"]: [f["text"] for f in r["findings"]] for r in report["results"]
                  if r["outcome"] in ("FAIL", "WARN")}
        assert status == 0 and not failed, f"after the mending: {failed}"

    def other_judges(self, raw):
        verdict = run("sgdisk", "-v", raw).decode()
        assert "No problems found" in verdict, verdict
        esp = self.work / "esp.part"
        run("dd", f"if={raw}", f"of={esp}", "bs=1M", "skip=1", "count=35", "conv=sparse")
        run("fsck.vfat", "-n", esp)

    def mended(self, damage):
        self.fresh(damage)
        before = self.digest()
        qcow2 = self.work / "disk.qcow2"
        qcow2.unlink(missing_ok=True)
        run("qemu-img", "convert", "-O", "qcow2", self.image, qcow2)
        assert "would be mended" in self.fix(self.image, "--dry-run", status=0)
        assert self.digest() == before, "a dry run changed the image"
        os.chmod(self.image, 0o640)
        assert ": mended: " in self.fix(self.image, status=0)
        assert os.stat(self.image).st_mode & 0o777 == 0o640
        self.judge(self.image)
        self.other_judges(self.image)
        assert "nothing to mend" in self.fix(self.image, status=0)
        self.fix(qcow2, status=0)
        self.judge(qcow2)
        run("qemu-img", "check", qcow2)
        run("qemu-img", "compare", self.image, qcow2)

    def left(self, damage):
        self.fresh(damage)
        before = self.digest()
        assert ": left: " in self.fix(self.image, status=1)
        assert self.digest() == before, "it was changed without being mended"

    def only_the_needed_bytes(self):
        """A mended copy of the table is as it was before it was damaged."""
        self.fresh(BY_NAME["primary_wiped"][4])
        self.fix(self.image, status=0)
        run("cmp", self.image, self.good)

    def in_use(self):
        self.fresh(BY_NAME["primary_wiped"][4])
        with open(self.image, "r+b") as f:
            for byte in (100, 201, 203): # a reader's locks, QEMU's or a machine's of armvm
                fcntl.fcntl(f, 38, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, byte, 1, 0)) # F_OFD_SETLKW
            assert "in use" in self.fix(self.image, status=3)

    def through_a_link(self):
        self.fresh(BY_NAME["primary_wiped"][4])
        link = self.work / "link.img"
        link.symlink_to(self.image)
        self.fix(link, status=0)
        assert link.is_symlink()
        self.judge(self.image)
        link.unlink()

    def with_a_backing_file(self):
        self.fresh(everything)
        base, top = self.work / "base.qcow2", self.work / "top.qcow2"
        run("qemu-img", "convert", "-O", "qcow2", self.image, base)
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base.name, top)
        before = self.digest(base)
        self.fix(top, status=0)
        self.judge(top)
        assert self.digest(base) == before

    def after_a_kill(self, rounds):
        """As before or as after, whenever it ends; and the next one puts up with what is left."""
        self.fresh(everything)
        before, after = self.work / "before.img", self.work / "after.img"
        run("cp", "--sparse=always", self.image, before)
        begin = time.monotonic()
        self.fix(self.image, status=0)
        took = time.monotonic() - begin
        run("cp", "--sparse=always", self.image, after)
        seen = {before: 0, after: 0}
        choice = random.Random(1)
        for _ in range(rounds):
            run("cp", "--sparse=always", before, self.image)
            process = subprocess.Popen([self.armvm, "image", "fix", self.image],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(choice.uniform(0, 2 * took))
            process.send_signal(signal.SIGKILL)
            process.wait()
            states = [state for state in seen if self.same(state)]
            assert states, "half-changed"
            seen[states[0]] += 1
            self.fix(self.image, status=0)
            assert self.same(after)
        print(f"killed {rounds} times: {seen[before]} as before, {seen[after]} as after")


def main():
    failures = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as work:
        fixer = Fixer(sys.argv[1], work)
        cases = [(name, fixer.mended, BY_NAME[name][4]) for name in MENDED]
        cases += [(f.__name__, fixer.mended, f) for f in OWN]
        cases += [(name, fixer.left, BY_NAME[name][4]) for name in LEFT]
        cases += [(f.__name__, f) for f in (fixer.only_the_needed_bytes, fixer.in_use,
                                            fixer.through_a_link, fixer.with_a_backing_file)]
        cases += [("after_a_kill", fixer.after_a_kill, 25)]
        for name, function, *arguments in cases:
            try:
                function(*arguments)
            except (AssertionError, SystemExit) as error:
                failures += 1
                print(f"not ok - {name}: {error}")
        print(f"{len(cases)} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
