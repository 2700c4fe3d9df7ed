/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_MACHINE_FW_FW_CFG_H
#define ARMVM_MACHINE_FW_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

struct device;

enum { FW_CFG_SIZE = 0x18 };

/* Keys of items that firmware asks for by number. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_CPUS = 0x05,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_KERNEL = 0x11,
    FW_CFG_INITRD = 0x12,
    FW_CFG_COMMAND_LINE_SIZE = 0x14,
    FW_CFG_COMMAND_LINE = 0x15,
    FW_CFG_DIRECTORY = 0x19,
    FW_CFG_FIRST_FILE = 0x20,
};

/* The device by which firmware is told about its machine; NULL: out of memory. */
struct device *fw_cfg_create(void);

/* Adds a file, or gives one of that name other contents. data is copied. -EINVAL: a name that is
 * empty or longer than 55 bytes, or more than 4 GiB; -ENOSPC: too many. */
int fw_cfg_add_file(struct device *fw_cfg, const char *name, const void *data, size_t size);

/* The same for what has no name but a key, below FW_CFG_FIRST_FILE. */
int fw_cfg_add_item(struct device *fw_cfg, uint16_t key, const void *data, size_t size);

#endif
