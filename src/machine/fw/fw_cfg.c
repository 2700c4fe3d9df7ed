/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fw_cfg: items of bytes, some of them files, that firmware reads from its machine. One MMIO window
 * of 24 bytes, no interrupt. Specification: "QEMU Firmware Configuration (fw_cfg) Device".
 *
 *   +0x00  data, the selected item's next bytes, in memory's order at any width
 *   +0x08  selector, 16 bits, big-endian: a key; reading starts at the item's beginning
 *   +0x10  DMA address, 64 bits, big-endian: the write to its lower half starts the transfer that
 *          the descriptor there asks for
 */
#include "machine/fw/fw_cfg.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "machine/dev/device.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fdt.h"
#include "machine/mem/mem.h"

enum { DATA = 0x00, SELECTOR = 0x08, DMA = 0x10 };

enum {
    DMA_ERROR = 1,
    DMA_READ = 2,
    DMA_SKIP = 4,
    DMA_SELECT = 8,
    DMA_WRITE = 16,
    DESCRIPTOR = 16,
};

enum {
    ITEMS = FW_CFG_FIRST_FILE,
    FILES = 256,
    NAME = 56,
    DIRECTORY_ENTRY = 8 + NAME,
    ID_TRADITIONAL = 1,
    ID_DMA = 2,
    ZEROES = 4096,
};

/* What the DMA register reads as: "QEMU CFG". */
static const uint8_t dma_signature[8] = "QEMU CFG";

struct item {
    char name[NAME]; /* of a file */
    uint8_t *data;
    size_t size;
};

struct fw_cfg {
    struct device dev;
    pthread_mutex_t lock; /* all below */
    struct item item[ITEMS];
    struct item file[FILES]; /* sorted by name; the key is ITEMS + index */
    unsigned files;
    uint16_t key;
    uint64_t offset; /* of the next byte, at most the item's size */
    uint64_t dma;    /* the upper half that was written */
};

/* --- items ------------------------------------------------------------------------------------*/

static const struct item *selected(const struct fw_cfg *cfg)
{
    static const struct item none;

    if (cfg->key < ITEMS)
        return &cfg->item[cfg->key];
    return cfg->key < ITEMS + cfg->files ? &cfg->file[cfg->key - ITEMS] : &none;
}

static void select_key(struct fw_cfg *cfg, uint16_t key)
{
    cfg->key = key;
    cfg->offset = 0;
}

static void skip(struct fw_cfg *cfg, uint64_t len)
{
    uint64_t left = selected(cfg)->size - cfg->offset;

    cfg->offset += len < left ? len : left;
}

/* What is beyond an item's end reads as zero. */
static uint64_t read_data(struct fw_cfg *cfg, unsigned size)
{
    const struct item *item = selected(cfg);
    uint8_t bytes[8] = {0};

    for (unsigned i = 0; i < size && cfg->offset + i < item->size; i++)
        bytes[i] = item->data[cfg->offset + i];
    skip(cfg, size);
    return ld_le(bytes, size);
}

/* --- DMA --------------------------------------------------------------------------------------*/

static int copy_to_guest(struct fw_cfg *cfg, uint64_t pa, uint64_t len)
{
    static const uint8_t zeroes[ZEROES];
    const struct item *item = selected(cfg);
    uint64_t there = item->size - cfg->offset, piece = len < there ? len : there;
    int rc = piece ? mem_write(cfg->dev.mem, pa, item->data + cfg->offset, piece) : 0;

    for (uint64_t at = piece; at < len && !rc; at += piece) {
        piece = len - at < ZEROES ? len - at : ZEROES;
        rc = pa > UINT64_MAX - at ? -EFAULT : mem_write(cfg->dev.mem, pa + at, zeroes, piece);
    }
    skip(cfg, len);
    return rc;
}

/* All of the descriptor is read before anything is written: the transfer may overwrite it. */
static void transfer(struct fw_cfg *cfg, uint64_t descriptor)
{
    uint8_t bytes[DESCRIPTOR], result[4];
    uint32_t control, len;
    int rc = 0;

    if (mem_read(cfg->dev.mem, descriptor, bytes, sizeof(bytes)))
        return; /* nowhere to say so */
    control = (uint32_t)ld_be(bytes, 4);
    len = (uint32_t)ld_be(bytes + 4, 4);
    if (control & DMA_SELECT)
        select_key(cfg, (uint16_t)(control >> 16));
    if (control & DMA_READ)
        rc = copy_to_guest(cfg, ld_be(bytes + 8, 8), len);
    else if (control & DMA_WRITE)
        rc = -EROFS;
    else if (control & DMA_SKIP)
        skip(cfg, len);
    st_be(result, 4, rc ? DMA_ERROR : 0);
    mem_write(cfg->dev.mem, descriptor, result, sizeof(result));
}

/* --- registers --------------------------------------------------------------------------------*/

static int fw_cfg_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct fw_cfg *cfg = dev;

    *value = 0;
    pthread_mutex_lock(&cfg->lock);
    if (offset < SELECTOR)
        *value = read_data(cfg, size);
    else if (offset >= DMA)
        *value = ld_le(dma_signature + (offset - DMA), size);
    pthread_mutex_unlock(&cfg->lock);
    return 0;
}

static void write_dma(struct fw_cfg *cfg, uint64_t offset, unsigned size, uint64_t value)
{
    uint64_t number = __builtin_bswap64(value) >> (64 - 8 * size);

    if (size == 4 && offset == DMA) {
        cfg->dma = number << 32;
    } else if (size == 8 || (size == 4 && offset == DMA + 4)) {
        uint64_t descriptor = size == 8 ? number : cfg->dma | number;
        cfg->dma = 0;
        transfer(cfg, descriptor);
    }
}

static int fw_cfg_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct fw_cfg *cfg = dev;

    pthread_mutex_lock(&cfg->lock);
    if (offset == SELECTOR && size == 2)
        select_key(cfg, __builtin_bswap16((uint16_t)value));
    else if (offset >= DMA)
        write_dma(cfg, offset, size, value);
    pthread_mutex_unlock(&cfg->lock);
    return 0;
}

/* --- contents ---------------------------------------------------------------------------------*/

static int set_item(struct item *item, const void *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        return -ENOMEM;
    if (size)
        memcpy(copy, data, size);
    free(item->data);
    item->data = copy;
    item->size = size;
    return 0;
}

/* A u32 count, then for each file u32 size, u16 key, u16 zero, the name; all big-endian. */
static int make_directory(struct fw_cfg *cfg)
{
    size_t size = 4 + (size_t)cfg->files * DIRECTORY_ENTRY;
    uint8_t *data = calloc(1, size);
    int rc;

    if (!data)
        return -ENOMEM;
    st_be(data, 4, cfg->files);
    for (unsigned i = 0; i < cfg->files; i++) {
        uint8_t *entry = data + 4 + i * DIRECTORY_ENTRY;
        st_be(entry, 4, cfg->file[i].size);
        st_be(entry + 4, 2, ITEMS + i);
        memcpy(entry + 8, cfg->file[i].name, NAME);
    }
    rc = set_item(&cfg->item[FW_CFG_DIRECTORY], data, size);
    free(data);
    return rc;
}

static int add_file(struct fw_cfg *cfg, const char *name, const void *data, size_t size)
{
    unsigned at = 0;
    int rc;

    while (at < cfg->files && strcmp(cfg->file[at].name, name) < 0)
        at++;
    if (at == cfg->files || strcmp(cfg->file[at].name, name)) {
        if (cfg->files == FILES)
            return -ENOSPC;
        memmove(&cfg->file[at + 1], &cfg->file[at], (cfg->files - at) * sizeof(cfg->file[0]));
        memset(&cfg->file[at], 0, sizeof(cfg->file[at]));
        memcpy(cfg->file[at].name, name, strlen(name));
        cfg->files++;
    }
    rc = set_item(&cfg->file[at], data, size);
    return rc ? rc : make_directory(cfg);
}

int fw_cfg_add_file(struct device *dev, const char *name, const void *data, size_t size)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;
    int rc;

    if (!*name || strlen(name) >= NAME || size > UINT32_MAX)
        return -EINVAL;
    pthread_mutex_lock(&cfg->lock);
    rc = add_file(cfg, name, data, size);
    pthread_mutex_unlock(&cfg->lock);
    return rc;
}

int fw_cfg_add_item(struct device *dev, uint16_t key, const void *data, size_t size)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;
    int rc;

    if (key >= ITEMS || size > UINT32_MAX)
        return -EINVAL;
    pthread_mutex_lock(&cfg->lock);
    rc = set_item(&cfg->item[key], data, size);
    pthread_mutex_unlock(&cfg->lock);
    return rc;
}

/* --- the device -------------------------------------------------------------------------------*/

static void fw_cfg_reset(struct device *dev)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;

    pthread_mutex_lock(&cfg->lock);
    select_key(cfg, 0);
    cfg->dma = 0;
    pthread_mutex_unlock(&cfg->lock);
}

static void fw_cfg_destroy(struct device *dev)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;

    for (unsigned i = 0; i < ITEMS; i++)
        free(cfg->item[i].data);
    for (unsigned i = 0; i < cfg->files; i++)
        free(cfg->file[i].data);
    pthread_mutex_destroy(&cfg->lock);
    free(cfg);
}

static int fw_cfg_describe(struct device *dev, struct fdt_builder *fdt)
{
    device_dt_begin(dev, fdt, "fw-cfg", "qemu,fw-cfg-mmio");
    dt_empty(fdt, "dma-coherent");
    dt_end(fdt);
    return 0;
}

static void fw_cfg_describe_acpi(struct device *dev, struct acpi *acpi)
{
    device_acpi_begin(dev, &acpi->dsdt, "FWCF", "QEMU0002", 0);
    aml_name_int(&acpi->dsdt, "_CCA", 1);
    aml_end(&acpi->dsdt);
}

static const struct mem_io_ops fw_cfg_io = {fw_cfg_read, fw_cfg_write};

static const struct device_ops fw_cfg_ops = {
    .name = "fw_cfg",
    .reset = fw_cfg_reset,
    .destroy = fw_cfg_destroy,
    .describe = fw_cfg_describe,
    .describe_acpi = fw_cfg_describe_acpi,
    .io = {&fw_cfg_io},
};

struct device *fw_cfg_create(void)
{
    static const uint8_t id[4] = {ID_TRADITIONAL | ID_DMA};
    struct fw_cfg *cfg = calloc(1, sizeof(*cfg));

    if (!cfg)
        return NULL;
    cfg->dev.ops = &fw_cfg_ops;
    pthread_mutex_init(&cfg->lock, NULL);
    if (set_item(&cfg->item[FW_CFG_SIGNATURE], "QEMU", 4) ||
        set_item(&cfg->item[FW_CFG_ID], id, sizeof(id)) || make_directory(cfg)) {
        fw_cfg_destroy(&cfg->dev);
        return NULL;
    }
    return &cfg->dev;
}
