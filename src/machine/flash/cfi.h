/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_MACHINE_FLASH_CFI_H
#define ARMVM_MACHINE_FLASH_CFI_H

#include <stdint.h>

struct device;
struct nv;

enum { CFI_BANK_SIZE = 64 << 20, CFI_BLOCK_SIZE = 256 << 10 };

/* Two banks of flash, MMIO windows 0 and 1 of CFI_BANK_SIZE each, over memories of that size, which
 * stay the caller's. A read-only one has its write protection on: it can be identified, but neither
 * erased nor programmed. */
struct device *cfi_flash_create(struct nv *bank0, struct nv *bank1);

#endif
