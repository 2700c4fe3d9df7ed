# SPDX-License-Identifier: Apache-2.0
# Run by the small guest's init with suite.name=NAME on the kernel's command line, and once more
# inside Debian's file system, with the suites' disk on /mnt: one suite, its last line "suite: NAME ...".
if [ "$1" != inside ]; then
    for word in $(cat /proc/cmdline); do
        case $word in suite.name=*) name=${word#suite.name=} ;; esac
    done
    for what in proc:proc sysfs:sys devtmpfs:dev tmpfs:tmp; do
        mount -t ${what%:*} ${what%:*} /mnt/${what#*:}
    done
    mkdir -p /mnt/dev/shm /mnt/dev/pts
    mount -t tmpfs tmpfs /mnt/dev/shm
    mount -t devpts devpts /mnt/dev/pts
    mount -t ext4 /dev/vdb /mnt/mnt || exit 1
    for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
        ln -s "/proc/self/${link#*:}" "/mnt/dev/${link%:*}" 2>/dev/null
    done
    ip link set lo up # for OpenSSL's servers
    ip addr add 127.0.0.1/8 dev lo 2>/dev/null
    cp "$0" /mnt/tmp/suite.sh
    exec chroot /mnt /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root TERM=dumb \
        bash /tmp/suite.sh inside "$name"
fi
cd /tmp || exit 1

# Every program of a list on its own; what fails says so, and how it ended.
programs() { # SUITE < LIST
    local suite=$1 all failed=0
    mapfile -t all
    one() {
        "$1" >"/tmp/out.${1//\//_}" 2>&1
        local status=$?
        case $status in
        0) echo "pass $1" ;;
        77) echo "skip $1" ;;
        *) echo "FAIL $1: status $status: $(tail -n 5 "/tmp/out.${1//\//_}" | tr '\n' ' ')" ;;
        esac
        rm -f "/tmp/out.${1//\//_}"
    }
    export -f one
    printf '%s\0' "${all[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'one "$0"' | tee /tmp/verdicts
    failed=$(grep -c ^FAIL /tmp/verdicts)
    echo "suite: $suite: ${#all[@]} programs, $(grep -c ^pass /tmp/verdicts) passed," \
        "$(grep -c ^skip /tmp/verdicts) skipped, $failed failed"
    [ "$failed" = 0 ] && [ ${#all[@]} -gt 0 ] && [ "$(grep -c . /tmp/verdicts)" = ${#all[@]} ]
}

case $2 in
gmp)
    find /mnt/gmp -type f -perm -u+x | sort | programs gmp
    ;;
mpfr)
    cd /mnt/mpfr || exit 1 # their data files are beside them
    find . -type f -perm -u+x | sort | programs mpfr
    ;;
openssl)
    cd /mnt/openssl || exit 1
    util/shlib_wrap.sh apps/openssl version
    echo "suite: openssl: armcap $(util/shlib_wrap.sh apps/openssl info -cpusettings |
        sed -n 's/.*OPENSSL_armcap=\(0x[0-9a-f]*\).*/\1/p')"
    perl=/mnt/perl/usr
    export PERL5LIB=$perl/share/perl/5.36:$perl/lib/aarch64-linux-gnu/perl/5.36:$perl/share/perl/5.36.0
    PERL5LIB=$PERL5LIB:$perl/lib/aarch64-linux-gnu/perl/5.36.0
    tests=$(sed -n 's/.*suite.tests=\([^ ]*\).*/\1/p' /proc/cmdline)
    # shellcheck disable=SC2086
    SRCTOP=$PWD BLDTOP=$PWD PERL=perl EXE_EXT='' HARNESS_JOBS=$(nproc) \
        perl test/run_tests.pl ${tests//,/ } 2>&1 | tee /tmp/log
    status=${PIPESTATUS[0]}
    # Why these skip themselves: see suites.sh.
    skipped=$(grep -oE '[0-9]+-[A-Za-z0-9_]+\.t \.+ skipped: .*' /tmp/log |
        grep -vE '^[^ ]*(fips|acvp|pairwise_fail|windows|external)')
    [ -z "$skipped" ] || printf 'Skipped, and should not be:\n%s\n' "$skipped"
    # The first lines of results are of what the harness prepares.
    echo "suite: openssl: $(sed -n 's/^Files=\([0-9]*\), Tests=\([0-9]*\),.*/\1 recipes, \2 tests/p' /tmp/log |
        tail -n 1), $(grep -c ' skipped: ' /tmp/log) skipped, $(sed -n 's/^Result: //p' /tmp/log | tail -n 1)"
    [ "$status" = 0 ] && [ -z "$skipped" ] && [ "$(sed -n 's/^Result: //p' /tmp/log | tail -n 1)" = PASS ]
    ;;
python)
    bash /root/python.sh 2>&1 | tee /tmp/log
    status=${PIPESTATUS[0]}
    echo "suite: python: $(sed -n 's/^All \([0-9]*\) tests OK.*/\1 modules passed/p' /tmp/log)"
    [ "$status" = 0 ] && grep -q '^All .* tests OK' /tmp/log
    ;;
strings)
    status=0
    /mnt/strings | sed 's/^strings:/strings bookworm:/'
    [ "${PIPESTATUS[0]}" = 0 ] || status=1
    next=/mnt/trixie/usr/lib/aarch64-linux-gnu
    $next/ld-linux-aarch64.so.1 --library-path $next /mnt/strings | sed 's/^strings:/strings trixie:/'
    [ "${PIPESTATUS[0]}" = 0 ] || status=1
    exit $status
    ;;
*)
    echo "suite: there is no $2"
    exit 1
    ;;
esac
