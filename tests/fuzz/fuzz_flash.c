/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flash and fw_cfg by arbitrary accesses: pieces of 8 bytes, of which the first chooses what is
 * done. The write-protected bank never changes, and a bank is memory again after FF.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/nv/nv.h"
#include "base/bits.h"
#include "machine/dev/device.h"
#include "machine/flash/cfi.h"
#include "machine/fw/fw_cfg.h"
#include "machine/mem/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECE = 8, MAX_PIECES = 500, RAM = 0x40000000, RAM_SIZE = 0x4000, CFG = 0x09020000 };

struct fuzz {
    struct nv *code, *vars;
    struct mem *mem;
    struct device *flash, *cfg;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void setup(struct fuzz *f)
{
    struct nv_config config = {.option = "", .size = CFI_BANK_SIZE};

    require(!nv_open(&config, &f->vars, NULL));
    config.path = "/etc/passwd"; /* any small file: this one is at hand */
    config.readonly = true;
    require(!nv_open(&config, &f->code, NULL));
    require(!mem_create(&f->mem, NULL));
    require(!mem_add_ram(f->mem, RAM, RAM_SIZE, "RAM", NULL));
    f->flash = cfi_flash_create(f->code, f->vars);
    f->cfg = fw_cfg_create();
    require(f->flash && f->cfg);
    f->flash->resources = (struct device_resources){
        .mmio = {{0, CFI_BANK_SIZE}, {CFI_BANK_SIZE, CFI_BANK_SIZE}}, .mmios = 2};
    f->cfg->resources = (struct device_resources){.mmio = {{CFG, FW_CFG_SIZE}}, .mmios = 1};
    require(!device_map(f->flash, f->mem, NULL) && !device_map(f->cfg, f->mem, NULL));
    require(!fw_cfg_add_file(f->cfg, "file", "contents", 8));
}

/* An address in one of the banks: often near a block's start or the bank's end. */
static uint64_t flash_address(const uint8_t *p)
{
    uint64_t bank = p[1] & 1 ? CFI_BANK_SIZE : 0;
    uint64_t block = (uint64_t)p[2] * CFI_BLOCK_SIZE, in = ld_le(p + 3, 1) * 4;

    return bank + block + (p[1] & 2 ? CFI_BLOCK_SIZE - 1024 + in : in) + (p[1] & 4 ? p[1] >> 5 : 0);
}

static void step(struct fuzz *f, const uint8_t *p)
{
    unsigned size = 1u << (p[0] >> 6);
    uint64_t value = ld_le(p + 4, 4) | ld_le(p + 4, 4) << 32;

    switch (p[0] & 7) {
    case 0:
        mem_io_read(f->mem, flash_address(p), size, &value);
        break;
    case 1:
        mem_io_write(f->mem, flash_address(p), size, value);
        break;
    case 2:
    case 3: /* a command to both chips, as drivers give them */
        mem_io_write(f->mem, align_down(flash_address(p), 4), 4, p[4] * 0x10001u);
        break;
    case 4:
        mem_io_write(f->mem, CFG + p[1] % 32, size, value);
        break;
    case 5:
        mem_io_read(f->mem, CFG + p[1] % 32, size, &value);
        break;
    case 6: { /* a descriptor, and DMA from it */
        uint8_t desc[16] = {0, p[1], 0, p[2], 0, 0, p[3], p[4], 0, 0, 0, 0, 0x40, 0, p[5], p[6]};
        mem_write(f->mem, RAM + p[7] * 8u, desc, sizeof(desc));
        mem_io_write(f->mem, CFG + 0x10, 8, __builtin_bswap64(RAM + p[7] * 8u));
        break;
    }
    default:
        f->flash->ops->reset(f->flash);
        f->cfg->ops->reset(f->cfg);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f;
    uint8_t before[4096];

    setup(&f);
    memcpy(before, nv_bytes(f.code), sizeof(before));
    for (unsigned i = 0; i < MAX_PIECES && (i + 1) * PIECE <= size; i++)
        step(&f, data + i * PIECE);
    require(!memcmp(before, nv_bytes(f.code), sizeof(before)));
    for (unsigned i = 0; i < 100; i++) { /* ends any buffer that is being filled, then FF */
        mem_io_write(f.mem, CFI_BANK_SIZE, 4, 0x00ff00ff);
        mem_io_write(f.mem, 0, 4, 0x00ff00ff);
    }
    require(mem_is_direct(mem_find(f.mem, 0)) && mem_is_direct(mem_find(f.mem, CFI_BANK_SIZE)));
    f.flash->ops->destroy(f.flash);
    f.cfg->ops->destroy(f.cfg);
    mem_destroy(f.mem);
    nv_close(f.code);
    nv_close(f.vars);
    return 0;
}
