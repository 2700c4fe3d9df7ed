# SPDX-License-Identifier: Apache-2.0
# Run in the small guest (armvm.run=/devices.sh): do its virtio devices work? Prints what it finds;
# status 0 if all do.
bad=0
fail() {
    echo "devices: $*"
    bad=1
}
for device in /sys/bus/pci/devices/*; do
    [ -e "$device" ] || continue
    id=$(cat "$device/vendor"):$(cat "$device/device")
    driver=
    [ -e "$device/driver" ] && driver=$(basename "$(readlink "$device/driver")")
    echo "devices: ${device##*/} $id driver ${driver:-none}, $(ls "$device/msi_irqs" 2>/dev/null | wc -l) messages"
    case $id in
    0x1af4:*) [ "$driver" = virtio-pci ] || fail "${device##*/} has no driver" ;;
    esac
done
grep virtio /proc/interrupts
if [ -e /dev/vda ]; then
    dd if=/dev/urandom of=/tmp/written bs=64k count=64 2>/dev/null
    dd if=/tmp/written of=/dev/vda bs=64k conv=fsync 2>/dev/null || fail "vda: cannot write"
    echo 3 >/proc/sys/vm/drop_caches
    dd if=/dev/vda of=/tmp/read bs=64k count=64 2>/dev/null
    cmp /tmp/written /tmp/read || fail "vda: reads other than what was written"
fi
if [ -e /sys/class/net/eth0 ]; then
    ip addr show eth0 | grep -q 'inet 10\.0\.2\.15' || fail "eth0: no address by DHCP"
    ping -c 2 -W 5 10.0.2.2 >/dev/null || fail "eth0: no answer from the host"
fi
if [ -e /dev/hwrng ]; then
    [ "$(dd if=/dev/hwrng bs=64 count=2 2>/dev/null | wc -c)" = 128 ] || fail "hwrng: too little"
fi
exit $bad
