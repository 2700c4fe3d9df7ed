/* SPDX-License-Identifier: Apache-2.0 */
/* virtio devices over MMIO, as the board creates them. Each call makes the device behind its
 * transport; the board sets resources (one window of 0x200, one interrupt) and maps it.
 * legacy selects transport version 1 (virtio 0.9.5) instead of 2. */
#ifndef ARMVM_MACHINE_VIRTIO_VIRTIO_MMIO_H
#define ARMVM_MACHINE_VIRTIO_VIRTIO_MMIO_H

#include <stdbool.h>

struct blk;
struct chr;
struct device;
struct net;
struct virtio;

/* Puts a device, made with the same `legacy`, behind a transport, which owns it from here on (also
 * on error). NULL when out of memory, or if v is NULL. */
struct device *virtio_mmio_create(struct virtio *v, bool legacy);

/* Both in one. NULL when out of memory. Back ends belong to the caller and outlive the device. */
struct device *virtio_mmio_blk_create(struct blk *blk, const char *serial, bool legacy);
struct device *virtio_mmio_net_create(struct net *net, const unsigned char mac[6], bool legacy);
struct device *virtio_mmio_console_create(struct chr *chr, bool legacy);
struct device *virtio_mmio_rng_create(bool legacy);
/* An empty slot: MagicValue, DeviceID 0. */
struct device *virtio_mmio_empty_create(bool legacy);

#endif
