/* SPDX-License-Identifier: Apache-2.0 */
/* Where message-signalled interrupts go: an interrupt controller's doorbell. */
#ifndef ARMVM_MACHINE_DEV_MSI_H
#define ARMVM_MACHINE_DEV_MSI_H

#include <stdint.h>

/* device_id is the requester ID (bus 15:8, device 7:3, function 2:0). send may be called from any
 * thread, with the sender's locks held: it must not call back. What the controller does not know
 * (another address, a number out of range) it ignores. */
struct msi_sink {
    void (*send)(void *ctx, uint32_t device_id, uint64_t address, uint32_t data);
    void *ctx;
};

#endif
