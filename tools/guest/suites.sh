#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds what tests/guest/long/suites.sh runs: the test programs of OpenSSL, GMP and MPFR, from Debian's
# sources by the cross compiler, and Debian's newer C library and kernel, which use what Debian 12's
# do not know (FEAT_MOPS). The first time takes half an hour. Leaves in .cache/suites:
#   suites.img           openssl/ gmp/ mpfr/, trixie/ (a C library), perl/, strings
#   vmlinuz, initrd.gz   the newer kernel, and an initrd with its modules
#   symbols/             of both C libraries, by name: bookworm, trixie
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cache=${ARMVM_CACHE:-$top/.cache}
suites=$cache/suites
next=$cache/apt-trixie
host=aarch64-linux-gnu
jobs=${JOBS:-$(nproc)}
export PATH=$PATH:/sbin:/usr/sbin
# shellcheck source=tools/guest/apt-private.sh
. "$top/tools/guest/apt-private.sh"
# shellcheck source=tools/guest/modules.sh
. "$top/tools/guest/modules.sh"

for tool in $host-gcc:gcc-aarch64-linux-gnu make:make perl:perl xz:xz-utils mke2fs:e2fsprogs; do
    if ! command -v "${tool%:*}" >/dev/null; then
        echo "suites: no ${tool%:*}: install the package ${tool#*:}" >&2
        exit 1
    fi
done
if ! perl -MIPC::Cmd -e 1 2>/dev/null; then
    echo "suites: perl lacks its modules: install the package perl" >&2
    exit 1
fi
mkdir -p "$suites"

# Runs a command in a directory, its output to a log; says what is going on, and why it failed.
step() { # NAME DIRECTORY COMMAND...
    local name=$1 directory=$2
    shift 2
    echo "    $name" >&2
    (cd "$directory" && "$@") >"$suites/${name// /-}.log" 2>&1 || {
        tail -n 15 "$suites/${name// /-}.log" >&2
        echo "suites: $name failed: see $suites/${name// /-}.log" >&2
        exit 1
    }
}

# An empty directory with a source in it, named after the package.
unpack() { # PACKAGE
    rm -rf "${suites:?}/build/$1"
    mkdir -p "$suites/build/$1"
    tar -x --strip-components=1 -C "$suites/build/$1" -f \
        "$(compgen -G "$next/tarballs/$1_*.orig.tar.?z" | sort -V | tail -n 1)"
}

# Programs alone, without what they were built from.
strip_programs() { # DIRECTORY
    find "$1" -type f \( -name '*.o' -o -name '*.lo' -o -name '*.a' -o -name '*.d' \) -delete
    find "$1" -type f \( -perm -u+x -o -name '*.so*' \) -exec \
        sh -c 'head -c 4 "$1" | grep -q ELF && "$2" --strip-unneeded "$1"' - {} $host-strip \;
}

# OpenSSL, for its harness (test/run_tests.pl) as `make test` leaves it, but for the fuzzers' corpora.
# The tools are named one by one: recipes that ask about the machine they run on skip themselves if a
# prefix of a cross compiler was given. The options are for recipes that skip themselves otherwise. The
# link is for the linker: the one in the package leads to the host's /lib.
openssl() {
    local zlib=$suites/zlib
    apt_private_init "$cache/apt-arm64" arm64
    apt_private_fetch "$cache/apt-arm64" zlib1g zlib1g-dev
    rm -rf "$zlib"
    apt_private_unpack "$cache/apt-arm64" "$zlib" zlib1g zlib1g-dev
    ln -s "$(find "$zlib" -name 'libz.so.1.*')" "$zlib/libz.so"
    unpack openssl
    cd "$suites/build/openssl"
    step "configuring OpenSSL" . ./Configure linux-aarch64 CC=$host-gcc AR=$host-ar RANLIB=$host-ranlib no-docs \
        enable-zlib --with-zlib-include="$zlib/usr/include" --with-zlib-lib="$zlib" \
        enable-ec_nistp_64_gcc_128 enable-md2 enable-rc5 enable-sslkeylog enable-tfo
    step "building OpenSSL and its tests" . make -j "$jobs" build_sw
    rm -rf fuzz/corpora
    strip_programs .
    # Where it will be: see tests/guest/long/suites-guest.sh.
    grep -rlI --include='*.p[lm]' --include='*.sh' "$PWD" . | xargs -r sed -i "s,$PWD,/mnt/openssl,g"
}

# GMP's assembly is written in m4, of which this host need not have one. Debian's tarball lacks the
# manual, which the makefiles ask for.
gmp() {
    unpack gmp
    cd "$suites/build/gmp"
    apt_private_init "$cache/apt-host" "$(dpkg --print-architecture)" backports
    apt_private_fetch "$cache/apt-host" m4 libsigsegv2
    apt_private_unpack "$cache/apt-host" "$suites/m4" m4 libsigsegv2
    cat >"$suites/m4/m4" <<EOF
#!/bin/sh
LD_LIBRARY_PATH=$(dirname "$(find "$suites/m4" -name 'libsigsegv.so*' | head -n 1)") exec $suites/m4/usr/bin/m4 "\$@"
EOF
    chmod +x "$suites/m4/m4"
    mkdir -p doc
    printf 'all check clean:\n\t@:\n' >doc/Makefile.in
    export M4=$suites/m4/m4
    step "configuring GMP" . ./configure --host=$host --disable-shared CFLAGS=-O2
    step "building GMP" . make -j "$jobs"
    step "building GMP's checks" . make -j "$jobs" check TESTS=
}

mpfr() {
    unpack mpfr4
    cd "$suites/build/mpfr4"
    step "configuring MPFR" . ./configure --host=$host --disable-shared CFLAGS=-O2 \
        --with-gmp-build="$suites/build/gmp"
    step "building MPFR" . make -j "$jobs"
    step "building MPFR's checks" . make -j "$jobs" check TESTS=
}

# The newer C library and kernel, and the symbols of both libraries.
trixie() {
    local kernel root
    mapfile -t options < <(apt_private_options "$next")
    kernel=$(apt-cache "${options[@]}" depends linux-image-arm64 |
        sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
    [ -n "$kernel" ] || { echo "suites: Debian's lists name no kernel for arm64" >&2; exit 1; }
    apt_private_fetch "$next" libc6 libc6-dbg libgcc-s1 "$kernel"
    apt_private_init "$cache/apt-arm64" arm64
    apt_private_fetch "$cache/apt-arm64" libc6 libc6-dbg perl perl-modules-5.36 libperl5.36
    rm -rf "$suites"/{trixie,debug,kernel,perl}
    apt_private_unpack "$next" "$suites/trixie" libc6 libgcc-s1
    apt_private_unpack "$cache/apt-arm64" "$suites/perl" perl perl-modules-5.36 libperl5.36
    apt_private_unpack "$next" "$suites/kernel" "$kernel"
    mkdir -p "$suites/symbols"
    apt_private_unpack "$next" "$suites/debug/trixie" libc6 libc6-dbg
    apt_private_unpack "$cache/apt-arm64" "$suites/debug/bookworm" libc6 libc6-dbg
    symbols bookworm
    symbols trixie
    cp "$suites/kernel/boot/vmlinuz-${kernel#linux-image-}" "$suites/vmlinuz"
    root=$(mktemp -d)
    guest_modules "$suites/kernel" "$root/lib/modules"
    (cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip >"$suites/modules.gz"
    rm -rf "$root" "$suites"/{kernel,debug} "$suites/initrd.gz"
}

# What `nm` says of a C library, by the debugging file that its build ID names.
symbols() { # RELEASE
    local library id
    library=$(find "$suites/debug/$1" -name libc.so.6 | head -n 1)
    id=$($host-readelf -n "$library" | sed -n 's/.*Build ID: //p')
    $host-nm "$suites/debug/$1/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" >"$suites/symbols/$1"
}

# Everything that runs in the guest.
image() {
    local tree
    tree=$suites/tree
    rm -rf "$tree"
    mkdir -p "$tree"/{gmp,mpfr}
    cp -a "$suites"/build/openssl "$suites/trixie" "$suites/perl" "$tree/"
    (cd "$suites/build/gmp/tests" && find . -type f -perm -u+x -exec sh -c \
        'head -c 4 "$1" | grep -q ELF && cp --parents "$1" "$2"' - {} "$tree/gmp" \;)
    (cd "$suites/build/mpfr4/tests" && cp ./*.dat "$tree/mpfr/" && find . -maxdepth 1 -type f -perm -u+x \
        -exec sh -c 'head -c 4 "$1" | grep -q ELF && cp "$1" "$2"' - {} "$tree/mpfr" \;)
    strip_programs "$tree/gmp"
    strip_programs "$tree/mpfr"
    $host-gcc -std=gnu11 -D_GNU_SOURCE -O2 -fno-builtin -moutline-atomics -Wall -Wextra -pthread \
        -o "$tree/strings" "$top/tests/guest/long/strings.c"
    rm -f "$suites/suites.img.new"
    truncate -s $(($(du -sm "$tree" | cut -f1) + 400))M "$suites/suites.img.new"
    mke2fs -q -t ext4 -d "$tree" "$suites/suites.img.new"
    rm -rf "$tree"
    mv "$suites/suites.img.new" "$suites/suites.img"
}

"$top/tools/guest/fetch.sh"
apt_private_init "$next" arm64 trixie
apt_private_source "$next" openssl gmp mpfr4
# A part is made once more when what makes it has changed.
for part in openssl gmp mpfr trixie; do
    how=$(declare -f $part | cksum)
    [ "$(cat "$suites/$part.done" 2>/dev/null)" = "$how" ] && continue
    ($part)
    echo "$how" >"$suites/$part.done"
done
if [ ! -f "$suites/initrd.gz" ] || [ "$cache/guest/initrd.gz" -nt "$suites/initrd.gz" ]; then
    cat "$cache/guest/initrd.gz" "$suites/modules.gz" >"$suites/initrd.gz"
fi
newest=$(find "$suites"/*.done "$0" "$top/tests/guest/long/strings.c" -newer "$suites/suites.img" 2>/dev/null || echo all)
if [ ! -f "$suites/suites.img" ] || [ -n "$newest" ]; then
    echo "    writing $suites/suites.img" >&2
    image
fi
