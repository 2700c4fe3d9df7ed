# SPDX-License-Identifier: Apache-2.0
"""What guests are given to run: our own kernels, built for both sides, and an initrd that has them."""
import gzip
import io
import pathlib
import subprocess

import measure

SOURCES = pathlib.Path(__file__).resolve().parent / "guest"
FLAGS = ["-O2", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-ffp-contract=off", "-fno-math-errno", "-static", "-pthread"]
BUILDS = {"arm64": ["aarch64-linux-gnu-gcc"], "host": ["gcc", "-march=native"]}


def kernels(side, args):
    """The program `bench` for guests or for this host, built if it is older than its sources."""
    program = args.cache / f"bench/kernels-{side}"
    sources = sorted(SOURCES.glob("*.[ch]"))
    if program.exists() and program.stat().st_mtime > max(file.stat().st_mtime for file in sources):
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    built = subprocess.run([*BUILDS[side], *FLAGS, "-o", program,
                            *(file for file in sources if file.suffix == ".c")])
    if built.returncode:
        raise measure.Failed(f"bench: {BUILDS[side][0]} could not build {SOURCES} (see `make deps`)")
    return program


def work():
    """What the programs that are measured are given: scripts, and our own sources for compilers."""
    return [*sorted((SOURCES.parent / "work").iterdir()), *sorted(SOURCES.glob("*.[ch]"))]


def initrd(files, directory, args):
    """The small guest's, with files added to its root: name -> text, or a path to copy."""
    root = directory / "root"
    names = set()
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content)
        else:
            path.write_bytes(content.read_bytes())
            path.chmod(0o755)
        names |= {name, *(str(parent) for parent in pathlib.PurePath(name).parents)} - {"."}
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root, check=True,
                             input="".join(f"{name}\n" for name in sorted(names)).encode(),
                             stdout=subprocess.PIPE).stdout
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(archive)
    path = directory / "initrd.gz"
    path.write_bytes((args.cache / "guest/initrd.gz").read_bytes() + packed.getvalue())
    return path
