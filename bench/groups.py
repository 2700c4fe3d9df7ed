# SPDX-License-Identifier: Apache-2.0
"""The groups of programs that are run inside guests."""
import suite


def program(name, command, same=True, needs=""):
    return suite.Member(name, f"@/bench time {name} {command}", same=same, needs=needs)


def kernels(*names):
    return [suite.Member(name, f"@/bench run {name}") for name in names]


# Lines of openssl's that begin with +F: are for machines; the last figures are those of 8 KiB blocks.
SPEED = """\
case {name} in rsa* | ecd*) evp= ;; *) evp="-bytes 8192 -evp" ;; esac
openssl speed -elapsed -mr -seconds 1 $evp {name} 2>/dev/null | tr -d '\\r' >speed
awk -F: '/^\\+F:/ {{ print "bench-rate {name} " $4 / 1048576 " MiB/s" }}
    /^\\+F[24]:/ {{ print "bench-rate {name}-sign " $4 " /s"; print "bench-rate {name}-verify " $5 " /s" }}
    /^\\+F5:/ {{ print "bench-rate {name} " $4 " /s" }}' speed
"""

# Compressed bytes differ from version to version, and a compiler's output from target to target.
PROGRAMS = [
    program("python", "python3 @/files/work.py @/text"),
    program("perl", "perl @/files/work.pl @/text"),
    program("sqlite", "sqlite3 :memory: <@/files/work.sql"),
    program("gcc", "gcc -O2 -S -o - @/files/unseen_bytes.c", same=False),
    program("7z", "sh -c 'rm -f @/t.7z; 7z a -bd -mmt1 -mx3 -mtm- @/t.7z @/part >@/log; 7z t @/t.7z >@/log'"),
    program("gzip", "sh -c 'gzip -nc @/text >@/t.gz; gzip -t @/t.gz; cksum <@/t.gz'", same=False),
    program("xz", "sh -c 'xz -c @/part >@/t.xz; xz -t @/t.xz; cksum <@/t.xz'", same=False),
    program("zstd", "sh -c 'zstd -q -9 -c @/text >@/t.zst; zstd -q -t @/t.zst; cksum <@/t.zst'", same=False),
    program("jq", "jq -n -f @/files/work.jq"),
    program("awk", "gawk -f @/files/work.awk @/text"),
]

UNSEEN = [
    program("lua", "lua5.4 @/files/work.lua"),
    program("bc", "sh -c 'echo \"scale=700; 4*a(1); e(1.5)\" | BC_LINE_LENGTH=0 bc -l'"),
    program("sed", "sh -c \"sed -E 's/([a-z]+)ing/\\\\1ed/g; /tia.*on/d; y/aeiou/uoiea/' @/text | cksum\""),
    program("sort", "sh -c 'tr -c a-z \"\\n\" <@/text | sort | uniq -c | sort -k1,1nr -k2 | cksum'"),
    program("bzip2", "sh -c 'bzip2 -c @/part >@/t.bz2; bzip2 -t @/t.bz2; cksum <@/t.bz2'"),
    program("factor", "sh -c 'seq 1000000000000000003 2 1000000000000000203 | factor | cksum'"),
    program("shell", "dash -c 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); x=${x#???}abcd; done; echo ${#x}'"),
]

# What is to run on one CPU is kept on one: pigz has threads besides, and pipes another process.
SMP = [
    program("pigz-1", "taskset 1 sh -c 'pigz -nc -p 1 @/text | cksum'", same=False, needs="pigz"),
    program("pigz-2", "sh -c 'pigz -nc -p 2 @/text | cksum'", same=False, needs="pigz"),
    *(program(f"make-{jobs}", f"{one}make -B -j{jobs} -C @/objects -f @/files/compile.mk FROM=@/files", same=False)
      for jobs, one in ((1, "taskset 1 "), (2, ""))),
    *(program(f"sysbench-{kind}", f"sh -c 'sysbench {kind} --threads=2 --time=0 {more} run >@/log'", same=False)
      for kind, more in (("cpu", "--events=300"), ("threads", "--events=500 --thread-yields=50"),
                         ("mutex", "--mutex-num=64 --mutex-locks=5000 --mutex-loops=100"))),
]

TEXT = "@/bench text 2000000 >@/text; head -c 500000 @/text >@/part; mkdir @/objects"

# Both results are of one run in a tree of its own.
PACKAGES = """\
umount -l @/second 2>/dev/null || mkdir -p @/second
mount -t tmpfs -o size=900m tmpfs @/second
cp -a /second/tree/. @/second/
mkdir -p @/second/archives
mount --bind /second/archives @/second/archives
mount -t proc proc @/second/proc
mount --bind /dev @/second/dev
cp @/bench @/files/second.sh @/second/
chroot @/second /bench time dpkg-unpack sh /second.sh unpack
chroot @/second /bench time dpkg-configure sh /second.sh configure
"""

GROUPS = {
    "integer": suite.Group("integer, own kernels in C", kernels(
        "sieve", "quicksort", "qsort-libc", "hash-table", "hash-strings", "linked-list", "binary-trees",
        "recursion", "queens", "indirect-calls", "bits", "interpreter-switch", "interpreter-goto",
        "list-matrix-state-crc")),
    "programs": suite.Group("Debian's programs", PROGRAMS, rootfs=True, prepare=TEXT,
                            first=True),
    "fp": suite.Group("scalar floating point", kernels(
        "mandelbrot", "n-body", "fft", "lu", "spectral-norm", "fp-convert")),
    "vectors": suite.Group("vectors", kernels(
        "sgemm", "dgemm-autovector", "image-blur", "memcpy", "strlen", "memchr", "memcmp-memset",
        "video-sad", "video-dct", "blend-saturating-8", "fir-saturating-16", "table-lookup",
        "histogram-sum")),
    "crypto": suite.Group("OpenSSL's speed", [suite.Member(name, SPEED.format(name=name)) for name in (
        "aes-128-gcm", "chacha20-poly1305", "sha256", "sha512", "rsa2048", "ecdsap256", "ecdhx25519")],
        rootfs=True),
    "system": suite.Group("calls of the operating system, each", kernels(
        "null-syscall", "read-1", "write-1", "stat", "clock-gettime", "signal", "pipe-processes",
        "pipe-threads", "pipe-one-cpu", "futex-wake", "futex-pingpong", "thread-create", "fork-wait",
        "fork-exec-wait", "page-fault", "page-fault-file", "copy-on-write", "mmap-munmap", "mprotect",
        "small-files")),
    "memory": suite.Group("memory, for a MiB or an access", kernels(
        "read-sequential", "write-sequential", "copy", "random-256K", "random-96M", "chase-256K",
        "chase-64M", "atomics-alone", "share-atomics", "share-mutex", "share-queue")),
    "smp": suite.Group("two CPUs", kernels("threads-1", "threads-2") + SMP, rootfs=True, prepare=TEXT,
                       by_wall=True, pairs=["threads", "pigz", "make"]),
    "packages": suite.Group("installing Debian's required packages",
                            [suite.Member("packages", PACKAGES, native=False)], rootfs=True, runs=1),
    "unseen": suite.Group("kernels and programs that nothing was tuned for", kernels(
        "life", "lz-compress", "digits-of-e", "edit-distance", "sha1-portable", "tape-machine",
        "shortest-paths", "sudoku", "tsearch", "pattern-match", "ray-caster", "heat-float",
        "printf-strtod") + UNSEEN, rootfs=True, prepare=TEXT),
}
