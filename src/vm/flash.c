/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/flash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "backend/nv/nv.h"
#include "base/error.h"
#include "vm/config.h"

enum {
    BANK = 64 << 20,
    VARS_LEAST = 768 << 10, /* UEFI's three areas of 256 KiB */
};

/* Where variables are kept: beside the image, unless --vars says otherwise. */
static int choose_vars(const struct vm_config *config, struct flash *flash, struct error *err)
{
    const char *image = config->disks ? config->disk[0].path : NULL;
    struct stat st;
    int n = 0;

    if (config->vars) {
        n = asprintf(&flash->vars_path, "%s", config->vars);
    } else if (image && (config->image || !config->kernel)) {
        if (!config->ephemeral && !stat(image, &st) && !S_ISREG(st.st_mode))
            return error_set(err, -EINVAL,
                             "--vars: %s is a device; say which file keeps the firmware's "
                             "variables, or use --ephemeral",
                             image);
        n = asprintf(&flash->vars_path, "%s.vars", image);
    }
    if (n < 0)
        flash->vars_path = NULL;
    return n < 0 ? error_set(err, -ENOMEM, "out of memory") : 0;
}

int flash_open(const struct vm_config *config, struct flash *flash, struct error *err)
{
    struct nv_config code = {.option = "--firmware", .size = BANK, .readonly = true};
    struct nv_config vars = {
        .option = "--vars",
        .size = BANK,
        .least = VARS_LEAST,
        .ephemeral = config->ephemeral || config->dry_run,
    };
    int rc;

    if (!vm_config_firmware(config))
        return 0;
    rc = firmware_find(vm_config_firmware(config), &firmware_host, &flash->firmware, err);
    if (!rc)
        rc = choose_vars(config, flash, err);
    if (rc)
        return rc;
    code.path = flash->firmware.code;
    vars.path = flash->vars_path;
    vars.initial = flash->firmware.variables;
    rc = nv_open(&code, &flash->code, err);
    return rc ? rc : nv_open(&vars, &flash->vars, err);
}

void flash_close(struct flash *flash)
{
    nv_close(flash->code);
    nv_close(flash->vars);
    firmware_free(&flash->firmware);
    free(flash->vars_path);
}
