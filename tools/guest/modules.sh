# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced. The kernel modules that guest/init loads.
#   guest_modules FROM TO   copies them from a kernel's tree to TO, and TO/order names them

guest_modules() {
    local from=$1 to=$2 module file name
    mkdir -p "$to"
    : >"$to/order"
    # In the order in which they load: each after what it depends on.
    for module in virtio virtio_ring virtio_mmio virtio_pci_modern_dev virtio_pci_legacy_dev \
        virtio_pci virtio_blk failover net_failover virtio_net virtio_console virtio-rng crc16 \
        libcrc32c crc32c_generic mbcache jbd2 ext4; do
        file=$(find "$from" -name "$module.ko*" -o -name "${module//_/-}.ko*" | head -n 1)
        [ -n "$file" ] || continue # what is not there is built in
        name=$(basename "${file%.xz}")
        case $file in
        *.xz) xz -dc "$file" >"$to/$name" ;;
        *) cp "$file" "$to/$name" ;;
        esac
        echo "$name" >>"$to/order"
    done
}
