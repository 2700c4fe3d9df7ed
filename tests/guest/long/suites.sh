#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Programs that test themselves, in Debian's file system on four CPUs, under the newest CPU model and
# under an old one:
#   openssl   its own `make test`, of Debian's newest source; which of the architecture's instructions
#             it has found is compared with what the model has. Left out: the fuzzers, whose inputs the
#             source is without. Recipes that skip themselves: those of the FIPS module, which is the same
#             algorithms once more and is not built, those that run other projects' sources
#             (95-test_external_*), and one for Windows
#   gmp mpfr  all of their check programs: GMP's multiplication and division are in assembly. Skip
#             themselves: mpn/t-addaddmul of GMP, as its function is in the assembly for other processors
#             alone, and tget_set_d64 and tget_set_d128 of MPFR, as gcc 12 has no _Decimal64 for Arm
#   python    the regression tests of the job of that name
#   strings   the C library's string functions (strings.c), of two releases, under each model: which
#             variants they chose, outline atomics, and, under the newer kernel, FEAT_MOPS
# Each prints a line of counts; the last line counts them all.
#   suites.sh ARMVM      SUITES="gmp python" and MODELS="max" choose; TESTS="test_evp test_bn" of OpenSSL's
set -uo pipefail
top=$(cd "$(dirname "$0")/../../.." && pwd)
armvm=$1
cache=${ARMVM_CACHE:-$top/.cache}
guest=$cache/guest
suites=$cache/suites
names=${SUITES:-strings gmp mpfr python openssl}
models=${MODELS:-max cortex-a72}
tests=${TESTS:-alltests -test_fuzz_*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache # of the code store
trouble='WARNING:|BUG:|Oops|soft lockup|rcu.*stall|Kernel panic|Call trace:|hung task'
passed=0
failed=0

if ! command -v qemu-img >/dev/null; then
    echo "suites: no qemu-img: install the package qemu-utils"
    exit 1
fi
"$top/tools/guest/rootfs.sh" && "$top/tools/guest/suites.sh" || exit 1
mkdir "$work/tree" "$work/tree/t"
cp "$top/tests/guest/long/suites-guest.sh" "$work/tree/t/"
(cd "$work/tree" && find . | cpio --quiet -o -H newc | gzip) >"$work/more.gz"

verdict() { # STATUS NAME
    if [ "$1" = 0 ]; then
        echo "ok - $2"
        passed=$((passed + 1))
    else
        echo "not ok - $2"
        failed=$((failed + 1))
    fi
}

# On disks that are thrown away; what the guest says ends up in $work/log.
suite() { # NAME MODEL KERNEL INITRD
    local image
    cat "$4" "$work/more.gz" >"$work/initrd.gz"
    for image in "$guest/rootfs.img" "$suites/suites.img"; do
        qemu-img create -q -f qcow2 -b "$image" -F raw "$work/$(basename "$image")" || return 1
    done
    "$armvm" run --cpu "$2" --kernel "$3" --initrd "$work/initrd.gz" --cpus 4 --memory 3G --net none \
        --disk "path=$work/rootfs.img" --disk "path=$work/suites.img" \
        --timeout "${JOB_TIMEOUT:-14400}" --append "console=ttyAMA0 quiet armvm.disk \
armvm.run=/t/suites-guest.sh suite.name=$1 suite.tests=${tests// /,}" </dev/null 2>&1 |
        stdbuf -oL tr -d '\r' | tee "$work/log"
    grep -q 'armvm-guest: exit 0' "$work/log" && ! grep -qE "$trouble" "$work/log"
}

# OPENSSL_armcap's bits (include/crypto/arm_arch.h of its source) by what the model has.
armcap() { # MODEL
    local have
    have=$(sed -n 's/^suite: openssl: armcap \(0x[0-9a-f]*\)$/\1/p' "$work/log")
    printf 'OPENSSL_armcap under %s: %s\n' "$1" "$have"
    # NEON AES SHA1 SHA256 PMULL, and for the newest SHA512 RNG SM3 SM4 SHA3
    case $1 in
    max) [ $((have & 0xf7d)) = $((0xf7d)) ] ;;
    *) [ $((have & 0x3d)) = $((0x3d)) ] && [ $((have & 0xf40)) = 0 ] ;;
    esac
}

# The variants that the C library of a release has chosen, by name.
chosen() { # RELEASE
    local function offset
    while read -r function offset; do
        echo "$function $(grep -i "^$(printf '%016x' "0x$offset") [tw] __" "$suites/symbols/$1" |
            cut -d ' ' -f 3 | sort -u | paste -sd/)"
    done < <(sed -n "s/^strings $1: variant //p" "$work/log")
}

# Whether they are those that the model's features call for (HWCAP2_MOPS, HWCAP_ATOMICS).
fitting() { # MODEL
    local release mops=0 atomics=exclusives
    case $1 in
    max)
        mops=3
        atomics=LSE
        ;;
    neoverse-n1) atomics=LSE ;;
    esac
    for release in bookworm trixie; do
        chosen $release >"$work/chosen"
        echo "$release under $1: $(paste -sd, "$work/chosen" | sed 's/,/, /g')"
        [ "$(grep -cE '^mem(cpy|move|set) __mem[a-z]*_mops$' "$work/chosen")" = $mops ] &&
            grep -q '^strlen __strlen_' "$work/chosen" &&
            grep -q "^strings $release: atomics $atomics\$" "$work/log" || return 1
    done
}

for name in $names; do
    for model in $models; do
        [ "$name" != strings ] || continue
        suite "$name" "$model" "$guest/vmlinuz" "$guest/initrd.gz"
        verdict $? "$name under $model: $(sed -n 's/^suite: [a-z]*: \(.*[0-9] .*\)/\1/p' "$work/log" | tail -n 1)"
        if [ "$name" = openssl ]; then
            armcap "$model"
            verdict $? "openssl finds what $model has"
        fi
    done
done
if [[ " $names " = *" strings "* ]]; then
    for model in cortex-a53 cortex-a72 neoverse-n1 max; do
        suite strings "$model" "$suites/vmlinuz" "$suites/initrd.gz"
        verdict $? "strings under $model: $(sed -n 's/^strings \(.* checks.*\)/\1/p' "$work/log" | paste -sd';')"
        fitting "$model"
        verdict $? "strings: the variants fit $model"
    done
fi
echo "suites: $passed passed, $failed failed"
exit $((failed > 0))
