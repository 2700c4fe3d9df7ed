/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NOR flash with the Intel command set, found by the Common Flash Interface (JEDEC JESD68.01,
 * JEP137; command set 1). Two banks of 64 MiB, MMIO windows 0 and 1. Each is two 16-bit chips side
 * by side on a 32-bit bus: chip 0 has the lower half of every word. Firmware gives both chips the
 * same command at once; each follows its own nevertheless.
 *
 * While both chips of a bank are in read-array mode, loads go straight to memory and never come
 * here. Erasing and programming take no time: the status register always says ready.
 */
#include "machine/flash/cfi.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/nv/nv.h"
#include "base/bits.h"
#include "machine/dev/device.h"
#include "machine/fw/fdt.h"
#include "machine/mem/mem.h"

enum {
    BANKS = 2,
    CHIPS = 2,
    BUS = 4,           /* bytes of a bus word */
    BUFFER_WORDS = 32, /* of a chip's write buffer */
    BLOCKS = CFI_BANK_SIZE / CFI_BLOCK_SIZE,
    BLOCK_WORDS = CFI_BLOCK_SIZE / BUS,
    PAGE = 4096,
};

enum command {
    CMD_PROGRAM_ALT = 0x10,
    CMD_ERASE = 0x20,
    CMD_PROGRAM = 0x40,
    CMD_CLEAR_STATUS = 0x50,
    CMD_LOCK_SETUP = 0x60,
    CMD_READ_STATUS = 0x70,
    CMD_READ_ID = 0x90,
    CMD_QUERY = 0x98,
    CMD_SUSPEND = 0xb0,
    CMD_CONFIRM = 0xd0, /* also: unlock, resume */
    CMD_LOCK = 0x01,
    CMD_LOCK_DOWN = 0x2f,
    CMD_BUFFERED = 0xe8,
    CMD_READ_ARRAY = 0xff,
};

enum {
    SR_READY = 0x80,
    SR_ERASE_ERROR = 0x20,
    SR_PROGRAM_ERROR = 0x10,
    SR_LOCKED = 0x02,
    MANUFACTURER = 0x89,
    DEVICE = 0x18,
};

enum chip_mode { READ_ARRAY, READ_STATUS, READ_ID, READ_QUERY };

/* What the next write cycle is. */
enum chip_state {
    COMMAND,
    ERASE_CONFIRM,
    LOCK_CONFIRM,
    PROGRAM_DATA,
    BUFFER_COUNT,
    BUFFER_DATA,
    BUFFER_CONFIRM
};

struct chip {
    enum chip_mode mode;
    enum chip_state state;
    uint8_t status;  /* without SR_READY */
    uint32_t block;  /* of the buffered program under way */
    uint32_t count;  /* words it was announced to have */
    uint32_t filled; /* and has got */
    uint32_t start;  /* address of the first, and lowest */
    bool strayed;    /* one lies below that, or beyond the announced ones */
    uint16_t buffer[BUFFER_WORDS];
    uint8_t locked[BLOCKS / 8];
};

/* What a write cycle makes a chip do to the array. Addresses count bus words. */
struct work {
    enum { NOTHING, ERASE, PROGRAM } kind;
    uint32_t start, count;
    const uint16_t *words;
    uint16_t one; /* where words points for a single word */
};

struct bank {
    struct nv *nv;
    struct chip chip[CHIPS];
};

struct cfi {
    struct device dev;
    pthread_mutex_t lock; /* all below */
    struct bank bank[BANKS];
};

/* JEP137's table, as every chip returns it from address 0x10 on. */
static const uint8_t query[] = {
    'Q',  'R',        'Y',  0x01, 0x00,
    0x31, 0x00,                         /* Intel extended command set, its table at 0x31 */
    0x00, 0x00,       0x00, 0x00,       /* no alternative */
    0x17, 0x20,       0x00, 0x00,       /* 1.7 V to 2.0 V, no VPP */
    0x08, 0x09,       0x0a, 0x00,       /* typical times: 2^n us, us, ms, ms */
    0x01, 0x01,       0x02, 0x00,       /* and at most 2^n times these */
    0x19, 0x01,       0x00, 0x06, 0x00, /* 32 MiB, x16, write buffer of 64 bytes */
    0x01, BLOCKS - 1, 0x00, 0x00, 0x02, /* one region of 256 blocks of 128 KiB */
    'P',  'R',        'I',  '1',  '1',  /* the command set's own table, version 1.1 */
    0x20, 0x00,       0x00, 0x00, 0x00, /* each block can be locked by itself, at once */
    0x01, 0x00,       0x18, 0x00, 0x00, /* lock bit; 1.8 V; no protection registers */
};

/* --- reading ----------------------------------------------------------------------------------*/

static bool is_locked(const struct chip *chip, uint32_t word)
{
    return bit(chip->locked[word / BLOCK_WORDS / 8], word / BLOCK_WORDS % 8);
}

static uint16_t read_query(uint32_t word)
{
    uint32_t at = word % BLOCK_WORDS - 0x10;

    return at < sizeof(query) ? query[at] : 0;
}

static uint16_t read_id(const struct chip *chip, uint32_t word)
{
    switch (word % BLOCK_WORDS) {
    case 0:
        return MANUFACTURER;
    case 1:
        return DEVICE;
    case 2:
        return is_locked(chip, word);
    default:
        return 0;
    }
}

static uint16_t chip_read(const struct bank *bank, unsigned n, uint32_t word)
{
    const struct chip *chip = &bank->chip[n];

    switch (chip->mode) {
    case READ_STATUS:
        return SR_READY | chip->status;
    case READ_ID:
        return read_id(chip, word);
    case READ_QUERY:
        return read_query(word);
    case READ_ARRAY:
        break;
    }
    return (uint16_t)ld_le(nv_bytes(bank->nv) + (uint64_t)word * BUS + 2 * n, 2);
}

static uint32_t bus_read(const struct bank *bank, uint32_t word)
{
    return chip_read(bank, 0, word) | (uint32_t)chip_read(bank, 1, word) << 16;
}

static int bank_read(struct cfi *cfi, unsigned n, uint64_t offset, unsigned size, uint64_t *value)
{
    uint32_t word = (uint32_t)(offset / BUS);

    pthread_mutex_lock(&cfi->lock);
    *value = bus_read(&cfi->bank[n], word) >> 8 * (offset % BUS);
    if (size == 8)
        *value |= (uint64_t)bus_read(&cfi->bank[n], word + 1) << 32;
    pthread_mutex_unlock(&cfi->lock);
    return 0;
}

/* --- commands ---------------------------------------------------------------------------------*/

static void command(struct chip *chip, uint32_t word, uint8_t cmd)
{
    if (cmd == CMD_CLEAR_STATUS) {
        chip->status = 0;
        return;
    }
    chip->mode = READ_STATUS;
    switch ((enum command)cmd) {
    case CMD_READ_STATUS:
    case CMD_SUSPEND: /* nothing is ever under way */
    case CMD_CONFIRM:
        break;
    case CMD_READ_ID:
        chip->mode = READ_ID;
        break;
    case CMD_QUERY:
        chip->mode = READ_QUERY;
        break;
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        chip->state = PROGRAM_DATA;
        break;
    case CMD_ERASE:
        chip->state = ERASE_CONFIRM;
        break;
    case CMD_LOCK_SETUP:
        chip->state = LOCK_CONFIRM;
        break;
    case CMD_BUFFERED:
        chip->state = BUFFER_COUNT;
        chip->block = word / BLOCK_WORDS;
        break;
    default: /* READ_ARRAY, and what a chip does not know */
        chip->mode = READ_ARRAY;
    }
}

static void confirm_lock(struct chip *chip, uint32_t word, uint8_t cmd)
{
    uint8_t *locks = &chip->locked[word / BLOCK_WORDS / 8];
    uint8_t mask = (uint8_t)(1 << word / BLOCK_WORDS % 8);

    if (cmd == CMD_CONFIRM)
        *locks &= (uint8_t)~mask;
    else if (cmd == CMD_LOCK || cmd == CMD_LOCK_DOWN)
        *locks |= mask;
    else /* a command sequence error shows as both */
        chip->status |= SR_ERASE_ERROR | SR_PROGRAM_ERROR;
}

static void begin_buffer(struct chip *chip, uint16_t value)
{
    chip->count = value + 1u;
    chip->filled = 0;
    chip->strayed = false;
    chip->state = BUFFER_DATA;
    memset(chip->buffer, 0xff, sizeof(chip->buffer));
    if (chip->count > BUFFER_WORDS) {
        chip->status |= SR_ERASE_ERROR | SR_PROGRAM_ERROR;
        chip->state = COMMAND;
    }
}

static void fill_buffer(struct chip *chip, uint32_t word, uint16_t value)
{
    if (!chip->filled)
        chip->start = word;
    if (word / BLOCK_WORDS != chip->block || word - chip->start >= chip->count)
        chip->strayed = true;
    else
        chip->buffer[word - chip->start] = value;
    if (++chip->filled == chip->count)
        chip->state = BUFFER_CONFIRM;
}

static void confirm_buffer(struct chip *chip, uint8_t cmd, struct work *work)
{
    if (cmd != CMD_CONFIRM || chip->strayed ||
        chip->start % BLOCK_WORDS + chip->count > BLOCK_WORDS) {
        chip->status |= SR_ERASE_ERROR | SR_PROGRAM_ERROR;
        return;
    }
    *work = (struct work){PROGRAM, chip->start, chip->count, .words = chip->buffer};
}

static void chip_write(struct chip *chip, uint32_t word, uint16_t value, struct work *work)
{
    uint8_t cmd = (uint8_t)value;
    enum chip_state state = chip->state;

    chip->state = COMMAND;
    switch (state) {
    case COMMAND:
        command(chip, word, cmd);
        break;
    case ERASE_CONFIRM:
        if (cmd == CMD_CONFIRM)
            *work = (struct work){ERASE, word / BLOCK_WORDS * BLOCK_WORDS, BLOCK_WORDS};
        else
            chip->status |= SR_ERASE_ERROR | SR_PROGRAM_ERROR;
        break;
    case LOCK_CONFIRM:
        confirm_lock(chip, word, cmd);
        break;
    case PROGRAM_DATA:
        *work = (struct work){PROGRAM, word, 1, .one = value};
        work->words = &work->one;
        break;
    case BUFFER_COUNT:
        begin_buffer(chip, value);
        break;
    case BUFFER_DATA:
        chip->state = BUFFER_DATA;
        fill_buffer(chip, word, value);
        break;
    case BUFFER_CONFIRM:
        confirm_buffer(chip, cmd, work);
        break;
    }
}

/* --- the array --------------------------------------------------------------------------------*/

static void fail(struct bank *bank, unsigned chips, uint8_t status)
{
    for (unsigned n = 0; n < CHIPS; n++)
        if (chips & 1u << n)
            bank->chip[n].status |= status;
}

/* Chips whose block is locked take no part. */
static unsigned without_locked(struct bank *bank, unsigned chips, const struct work *work)
{
    uint8_t error = work->kind == ERASE ? SR_ERASE_ERROR : SR_PROGRAM_ERROR;

    for (unsigned n = 0; n < CHIPS; n++)
        if (chips & 1u << n && is_locked(&bank->chip[n], work->start)) {
            fail(bank, 1u << n, error | SR_LOCKED);
            chips &= ~(1u << n);
        }
    return chips;
}

/* Programs up to BUFFER_WORDS bus words in one piece: bits only go from 1 to 0. */
static int program(struct bank *bank, unsigned chips, const struct work work[CHIPS],
                   const struct work *common)
{
    uint64_t offset = (uint64_t)common->start * BUS;
    uint8_t data[BUFFER_WORDS * BUS];

    memcpy(data, nv_bytes(bank->nv) + offset, common->count * BUS);
    for (unsigned n = 0; n < CHIPS; n++)
        for (uint32_t i = 0; chips & 1u << n && i < common->count; i++) {
            uint8_t *p = data + i * BUS + 2 * n;
            st_le(p, 2, ld_le(p, 2) & work[n].words[i]);
        }
    return nv_write(bank->nv, offset, data, common->count * BUS);
}

/* One chip's half of a block, as a chip alone is never told by working firmware. */
static int erase_half(struct bank *bank, unsigned n, uint64_t offset)
{
    uint8_t data[PAGE];
    int rc = 0;

    for (uint64_t at = offset; at < offset + CFI_BLOCK_SIZE && !rc; at += PAGE) {
        memcpy(data, nv_bytes(bank->nv) + at, PAGE);
        for (unsigned i = 2 * n; i < PAGE; i += BUS)
            st_le(data + i, 2, 0xffff);
        rc = nv_write(bank->nv, at, data, PAGE);
    }
    return rc;
}

static void perform(struct cfi *cfi, unsigned b, unsigned chips, const struct work work[CHIPS])
{
    const struct work *common = &work[chips & 1 ? 0 : 1];
    struct bank *bank = &cfi->bank[b];
    bool erase = common->kind == ERASE;
    uint64_t offset = (uint64_t)common->start * BUS;
    int rc;

    chips = without_locked(bank, chips, common);
    if (!chips)
        return;
    if (!erase)
        rc = program(bank, chips, work, common);
    else if (chips == 3)
        rc = nv_fill_ones(bank->nv, offset, CFI_BLOCK_SIZE);
    else
        rc = erase_half(bank, chips >> 1, offset);
    if (rc)
        fail(bank, chips,
             (uint8_t)((erase ? SR_ERASE_ERROR : SR_PROGRAM_ERROR) |
                       (nv_readonly(bank->nv) ? SR_LOCKED : 0)));
    else
        mem_written(cfi->dev.mem, cfi->dev.resources.mmio[b].base + offset,
                    (uint64_t)common->count * BUS);
}

/* --- write cycles -----------------------------------------------------------------------------*/

static bool is_array(const struct bank *bank)
{
    return bank->chip[0].mode == READ_ARRAY && bank->chip[1].mode == READ_ARRAY;
}

/* A write-protected bank may be running the very code that stores into it by mistake: it listens
 * only to commands that both chips get at once, as every driver gives them. */
static bool is_noise(const struct bank *bank, uint32_t value)
{
    bool idle = bank->chip[0].state == COMMAND && bank->chip[1].state == COMMAND;

    return nv_readonly(bank->nv) && idle && value >> 16 != (value & 0xffff);
}

/* One cycle on the bus. */
static void bus_write(struct cfi *cfi, unsigned b, uint32_t word, uint32_t value)
{
    struct bank *bank = &cfi->bank[b];
    struct work work[CHIPS] = {{NOTHING}, {NOTHING}};

    if (is_noise(bank, value))
        return;
    for (unsigned n = 0; n < CHIPS; n++)
        chip_write(&bank->chip[n], word, (uint16_t)(value >> 16 * n), &work[n]);
    if (work[0].kind && work[0].kind == work[1].kind && work[0].start == work[1].start &&
        work[0].count == work[1].count) {
        perform(cfi, b, 3, work);
    } else {
        if (work[0].kind)
            perform(cfi, b, 1, work);
        if (work[1].kind)
            perform(cfi, b, 2, work);
    }
}

/* The bus has no byte lanes: a narrower write is none. (Drivers that probe for the bus' width by
 * trying all would be misled by a chip that answers alone.) */
static int bank_write(struct cfi *cfi, unsigned n, uint64_t offset, unsigned size, uint64_t value)
{
    uint32_t word = (uint32_t)(offset / BUS);

    if (size < BUS)
        return 0;
    pthread_mutex_lock(&cfi->lock);
    bus_write(cfi, n, word, (uint32_t)value);
    if (size == 8)
        bus_write(cfi, n, word + 1, (uint32_t)(value >> 32));
    mem_rom_direct(cfi->dev.mem, cfi->dev.resources.mmio[n].base, is_array(&cfi->bank[n]));
    pthread_mutex_unlock(&cfi->lock);
    return 0;
}

/* --- the device -------------------------------------------------------------------------------*/

static int read0(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    return bank_read(dev, 0, offset, size, value);
}

static int read1(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    return bank_read(dev, 1, offset, size, value);
}

static int write0(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    return bank_write(dev, 0, offset, size, value);
}

static int write1(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    return bank_write(dev, 1, offset, size, value);
}

/* The array keeps its contents; a block's lock does not outlast the power. Where another CPU resets
 * the machine in the middle of a rewrite, that did not begin. */
static void cfi_reset(struct device *dev)
{
    struct cfi *cfi = (struct cfi *)dev;

    pthread_mutex_lock(&cfi->lock);
    for (unsigned n = 0; n < BANKS; n++) {
        memset(cfi->bank[n].chip, 0, sizeof(cfi->bank[n].chip));
        mem_rom_direct(dev->mem, dev->resources.mmio[n].base, true);
        if (nv_settle(cfi->bank[n].nv) > 0)
            mem_written(dev->mem, dev->resources.mmio[n].base, CFI_BANK_SIZE);
    }
    pthread_mutex_unlock(&cfi->lock);
}

static void cfi_destroy(struct device *dev)
{
    struct cfi *cfi = (struct cfi *)dev;

    pthread_mutex_destroy(&cfi->lock);
    free(cfi);
}

static int cfi_describe(struct device *dev, struct fdt_builder *fdt)
{
    device_dt_begin(dev, fdt, "flash", "cfi-flash");
    dt_u32(fdt, "bank-width", BUS);
    dt_end(fdt);
    return 0;
}

static const struct mem_io_ops io0 = {read0, write0}, io1 = {read1, write1};

static const struct device_ops cfi_ops = {
    .name = "cfi-flash",
    .reset = cfi_reset,
    .destroy = cfi_destroy,
    .describe = cfi_describe,
    .io = {&io0, &io1},
};

struct device *cfi_flash_create(struct nv *bank0, struct nv *bank1)
{
    struct cfi *cfi = calloc(1, sizeof(*cfi));

    if (!cfi)
        return NULL;
    cfi->dev.ops = &cfi_ops;
    cfi->bank[0].nv = bank0;
    cfi->bank[1].nv = bank1;
    cfi->dev.rom[0] = nv_bytes(bank0);
    cfi->dev.rom[1] = nv_bytes(bank1);
    pthread_mutex_init(&cfi->lock, NULL);
    return &cfi->dev;
}
