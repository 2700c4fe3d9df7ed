#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make demo: a Debian image from power-on to login, through UEFI. The image is built the first time,
# which takes some minutes. On a terminal the console is yours; else a scripted session logs in,
# looks around, writes a UEFI variable, reboots, reads it back and powers off.
#   demo.sh ARMVM
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
armvm=$1
cache=${ARMVM_CACHE:-$top/.cache}
image=$cache/image/debian.img

"$top/tools/deps.sh" build image
if ! "$top/tools/guest/image.sh" "$armvm"; then
    echo "The Debian image cannot be built here: booting the small demonstration instead."
    exec "$top/tools/guest/demo-kernel.sh" "$armvm"
fi

if [ -t 0 ]; then
    echo "Booting Debian from $image, which keeps what you write, through UEFI."
    echo "Log in as 'debian' (no password). 'sudo poweroff' in the guest ends it, Ctrl-] is armvm's menu."
    exec "$armvm" run "$image"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
variable=/sys/firmware/efi/efivars/ArmvmDemo-6ba0d7f6-64ff-4e63-9d2b-b1b5f8a2c8d0
cat >"$work/script" <<END
login debian
run uname -a
run sudo efibootmgr -v
run lsblk
run ip a
run systemctl is-system-running --wait
run printf '\\007\\000\\000\\000kept' | sudo tee $variable >/dev/null
send sudo reboot
login debian
run sudo tail -c 4 $variable | grep -x kept
run systemctl is-system-running --wait
send sudo poweroff
end
END
# The image stays as it is: what this session writes goes to a layer that vanishes, and its
# variables to a file that does.
"$top/tools/guest/session.py" "$armvm" run "$image" --ephemeral --timeout 600 <"$work/script"
