#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The scripts behind armvm image create: their syntax in the shells that run them, and that a failing
# build says one line and leaves nothing.
#   test_scripts.sh SOURCE
set -uo pipefail
scripts=$1/share/image
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() { # NAME STATUS
    [ "$2" = 0 ] || { echo "FAIL $1"; failures=$((failures + 1)); }
}

bash -n "$scripts/create.sh"
check "create.sh is a bash script" $?
for script in builder-init install.sh pack.sh settings.sh; do
    sh -n "$scripts/$script"
    check "$script is a POSIX shell script" $?
done

# A mirror that is not there, and nothing cached.
mkdir "$work/tmp"
IMAGE_OUT=$work/disk.img IMAGE_SIZE=4294967296 IMAGE_SUITE=bookworm IMAGE_HOSTNAME=x IMAGE_USER=x \
    IMAGE_PASSWORD='' IMAGE_SSH_KEY='' IMAGE_INCLUDE='' IMAGE_MIRROR=file:/nonexistent \
    IMAGE_CACHE=$work/cache IMAGE_ARMVM=/bin/false IMAGE_PROGRESS=none TMPDIR=$work/tmp \
    timeout 60 bash "$scripts/create.sh" >"$work/out" 2>"$work/err"
status=$?
[ $status = 3 ] || [ $status = 2 ]
check "without packages the status is 2 or 3, not $status" $?
[ "$(wc -l <"$work/err")" = 1 ] && grep -q '^armvm image create: ' "$work/err"
check "one line says why: $(cat "$work/err")" $?
[ ! -e "$work/disk.img" ] && [ -z "$(ls "$work/tmp")" ]
check "nothing is left" $?
exit $((failures != 0))
