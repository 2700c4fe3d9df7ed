/* SPDX-License-Identifier: Apache-2.0 */
/* Where message-signalled interrupts go. device_id is the PCI requester ID of the function that
 * writes `data` to `address`; the sink takes only the addresses that are its own. Any thread;
 * senders may hold their own lock. */
#ifndef ARMVM_MACHINE_DEV_MSI_H
#define ARMVM_MACHINE_DEV_MSI_H

#include <stdint.h>

struct msi_sink {
    void (*send)(void *ctx, uint32_t device_id, uint64_t address, uint32_t data);
    void *ctx;
};

#endif
