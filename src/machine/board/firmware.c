/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine that starts with firmware has besides: flash, and fw_cfg with what it is told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "machine/board/board_impl.h"
#include "machine/flash/cfi.h"
#include "machine/fw/fw_cfg.h"

static int cannot_add(int rc, const char *what, struct error *err)
{
    return rc ? error_set(err, rc, "firmware cannot be told of %s: %s", what, strerror(-rc)) : 0;
}

/* An item, and its size under a key of its own. */
static int add_sized(struct board *board, const char *what, uint16_t key, uint16_t size_key,
                     const void *data, size_t size, struct error *err)
{
    uint8_t le[4];
    int rc;

    st_le(le, 4, size);
    rc = fw_cfg_add_item(board->fw_cfg, key, data, size);
    if (!rc)
        rc = fw_cfg_add_item(board->fw_cfg, size_key, le, sizeof(le));
    return cannot_add(rc, what, err);
}

static int add_file(struct board *board, const char *path, const char *what, uint16_t key,
                    uint16_t size_key, struct error *err)
{
    struct fw_file file;
    uint8_t *data;
    int rc = fw_file_open(path, what, &file, err);

    if (rc)
        return rc;
    data = malloc(file.size);
    if (!data)
        rc = error_set(err, -ENOMEM, "%s: no memory for its %zu MiB", path, file.size >> 20);
    else
        rc = fw_file_read(&file, 0, data, file.size, err);
    if (!rc)
        rc = add_sized(board, path, key, size_key, data, file.size, err);
    free(data);
    fw_file_close(&file);
    return rc;
}

/* Firmware starts a kernel that is an EFI application, as it is once it is uncompressed. */
static int add_kernel(struct board *board, struct error *err)
{
    const char *path = board->config.kernel;
    struct kernel kernel;
    int rc = kernel_open(path, &kernel, err);

    if (rc)
        return rc;
    if (kernel.fixed)
        rc = error_set(err, -EINVAL,
                       "%s: is an ELF file, which firmware cannot start; leave --firmware out to "
                       "start it directly",
                       path);
    else if (kernel.data)
        rc = add_sized(board, path, FW_CFG_KERNEL, FW_CFG_KERNEL_SIZE, kernel.data, kernel.size,
                       err);
    else
        rc = add_file(board, path, "kernel", FW_CFG_KERNEL, FW_CFG_KERNEL_SIZE, err);
    kernel_close(&kernel);
    return rc;
}

/* --kernel with --firmware. */
static int add_boot_files(struct board *board, struct error *err)
{
    const char *append = board->config.append ? board->config.append : "";
    int rc = add_kernel(board, err);

    if (!rc && board->config.initrd)
        rc =
            add_file(board, board->config.initrd, "initrd", FW_CFG_INITRD, FW_CFG_INITRD_SIZE, err);
    if (!rc)
        rc = add_sized(board, "the command line", FW_CFG_COMMAND_LINE, FW_CFG_COMMAND_LINE_SIZE,
                       append, strlen(append) + 1, err);
    return rc;
}

/* UEFI waits some seconds for a key before it boots, unless there is a boot menu with a time of its
 * own (u16, milliseconds). Guests and the firmware's own menu (OsIndications) need none. */
static int add_settings(struct board *board, struct error *err)
{
    static const uint8_t on[2] = {1}, no_wait[2] = {0};
    uint8_t cpus[2];
    int rc;

    st_le(cpus, 2, board->config.cpus);
    rc = fw_cfg_add_item(board->fw_cfg, FW_CFG_CPUS, cpus, sizeof(cpus));
    if (!rc)
        rc = fw_cfg_add_item(board->fw_cfg, FW_CFG_BOOT_MENU, on, sizeof(on));
    if (!rc)
        rc = fw_cfg_add_file(board->fw_cfg, "etc/boot-menu-wait", no_wait, sizeof(no_wait));
    return cannot_add(rc, "its settings", err);
}

static int add_flash(struct board *board, const struct board_firmware_map *map, struct error *err)
{
    struct device *flash = cfi_flash_create(board->config.flash_code, board->config.flash_vars);

    if (flash)
        flash->resources = (struct device_resources){
            .mmio = {{map->flash, CFI_BANK_SIZE}, {map->flash + CFI_BANK_SIZE, CFI_BANK_SIZE}},
            .mmios = 2,
        };
    return board_add(board, flash, err);
}

int board_add_firmware(struct board *board, const struct board_firmware_map *map,
                       struct error *err)
{
    int rc = board->config.flash_code ? add_flash(board, map, err) : 0;

    if (rc)
        return rc;
    board->fw_cfg = fw_cfg_create();
    if (board->fw_cfg)
        board->fw_cfg->resources = (struct device_resources){
            .mmio = {{map->fw_cfg, FW_CFG_SIZE}},
            .mmios = 1,
        };
    rc = board_add(board, board->fw_cfg, err);
    if (rc)
        return rc;
    rc = add_settings(board, err);
    return !rc && board->config.kernel ? add_boot_files(board, err) : rc;
}
