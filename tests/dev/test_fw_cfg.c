/* SPDX-License-Identifier: Apache-2.0 */
/* fw_cfg: items by register and by DMA, and descriptors no driver should write. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devtest.h"
#include "machine/fw/fw_cfg.h"

enum { BASE = 0x09020000, RAM = 0x40000000, RAM_SIZE = 0x10000, DESC = RAM };
enum { ERROR = 1, READ = 2, SKIP = 4, SELECT = 8, WRITE = 16 };

struct bench {
    struct mem *mem;
    struct device *cfg;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct line line = {0};

    b->mem = new_mem();
    b->cfg = fw_cfg_create();
    map_one(b->cfg, b->mem, BASE, FW_CFG_SIZE, &line);
    if (mem_add_ram(b->mem, RAM, RAM_SIZE, "RAM", NULL))
        return -1;
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    b->cfg->ops->destroy(b->cfg);
    mem_destroy(b->mem);
    free(b);
    return 0;
}

static void choose(struct bench *b, uint16_t key)
{
    wr(b->mem, BASE + 8, 2, __builtin_bswap16(key));
}

static uint8_t *ram(struct bench *b, uint64_t pa)
{
    uint8_t *p = mem_ptr(b->mem, pa, 1, true);

    assert_non_null(p);
    return p;
}

static void describe(struct bench *b, uint64_t at, uint32_t control, uint32_t len, uint64_t address)
{
    st_be(ram(b, at), 4, control);
    st_be(ram(b, at + 4), 4, len);
    st_be(ram(b, at + 8), 8, address);
}

/* Runs a transfer; what is left in the control word. */
static uint32_t dma(struct bench *b, uint32_t control, uint32_t len, uint64_t address)
{
    describe(b, DESC, control, len, address);
    wr32(b->mem, BASE + 0x10, __builtin_bswap32((uint32_t)((uint64_t)DESC >> 32)));
    wr32(b->mem, BASE + 0x14, __builtin_bswap32((uint32_t)DESC));
    return (uint32_t)ld_be(ram(b, DESC), 4);
}

static void it_says_what_it_is(void **state)
{
    struct bench *b = *state;

    choose(b, FW_CFG_SIGNATURE);
    assert_int_equal(rd32(b->mem, BASE), 0x554d4551); /* "QEMU" */
    choose(b, FW_CFG_ID);
    assert_int_equal(rd32(b->mem, BASE), 3);
    assert_int_equal(rd(b->mem, BASE + 0x10, 8), 0x47464320554d4551); /* "QEMU CFG" */
}

static void data_comes_in_order_at_any_width_and_zero_follows(void **state)
{
    struct bench *b = *state;

    assert_int_equal(fw_cfg_add_item(b->cfg, FW_CFG_KERNEL, "abcdefghijk", 11), 0);
    choose(b, FW_CFG_KERNEL);
    assert_int_equal(rd(b->mem, BASE, 1), 'a');
    assert_int_equal(rd(b->mem, BASE, 2), 'b' | 'c' << 8);
    assert_int_equal(rd(b->mem, BASE, 4), 0x67666564);
    assert_int_equal(rd(b->mem, BASE, 8), 0x6b6a6968);
    assert_int_equal(rd(b->mem, BASE, 8), 0);
    choose(b, FW_CFG_KERNEL);
    assert_int_equal(rd(b->mem, BASE, 1), 'a');
}

static void keys_that_name_nothing_read_as_zero(void **state)
{
    struct bench *b = *state;
    static const uint16_t keys[] = {2, 0x1f, 0x20, 0x21, 0x4000, 0x8000, 0xffff};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        choose(b, keys[i]);
        assert_int_equal(rd(b->mem, BASE, 8), 0);
    }
}

static void files_are_listed_by_name(void **state)
{
    struct bench *b = *state;
    uint8_t entry[64];

    assert_int_equal(fw_cfg_add_file(b->cfg, "etc/table-loader", "22", 2), 0);
    assert_int_equal(fw_cfg_add_file(b->cfg, "bootorder", "1", 1), 0);
    assert_int_equal(fw_cfg_add_file(b->cfg, "etc/acpi/tables", "333", 3), 0);
    assert_int_equal(fw_cfg_add_file(b->cfg, "bootorder", "4444", 4), 0);
    choose(b, FW_CFG_DIRECTORY);
    assert_int_equal(__builtin_bswap32(rd32(b->mem, BASE)), 3);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"bootorder", "etc/acpi/tables", "etc/table-loader"};
        static const uint8_t sizes[] = {4, 3, 2};
        for (unsigned n = 0; n < sizeof(entry); n++)
            entry[n] = (uint8_t)rd(b->mem, BASE, 1);
        assert_int_equal(ld_be(entry, 4), sizes[i]);
        assert_int_equal(ld_be(entry + 4, 2), FW_CFG_FIRST_FILE + i);
        assert_string_equal((char *)entry + 8, names[i]);
    }
    choose(b, FW_CFG_FIRST_FILE);
    assert_int_equal(rd32(b->mem, BASE), 0x34343434);
}

static void names_and_numbers_have_limits(void **state)
{
    struct bench *b = *state;
    char name[64];

    memset(name, 'x', sizeof(name));
    name[56] = 0;
    assert_int_equal(fw_cfg_add_file(b->cfg, name, "", 0), -EINVAL);
    assert_int_equal(fw_cfg_add_file(b->cfg, name + 1, "", 0), 0);
    assert_int_equal(fw_cfg_add_file(b->cfg, "", "", 0), -EINVAL);
    assert_int_equal(fw_cfg_add_item(b->cfg, FW_CFG_FIRST_FILE, "", 0), -EINVAL);
    for (unsigned i = 1; i < 256; i++) {
        snprintf(name, sizeof(name), "file%u", i);
        assert_int_equal(fw_cfg_add_file(b->cfg, name, "", 0), 0);
    }
    assert_int_equal(fw_cfg_add_file(b->cfg, "one more", "", 0), -ENOSPC);
}

static void dma_selects_skips_and_reads(void **state)
{
    struct bench *b = *state;

    fw_cfg_add_item(b->cfg, FW_CFG_KERNEL, "0123456789", 10);
    memset(ram(b, RAM + 0x100), 0xee, 16);
    assert_int_equal(dma(b, SELECT | SKIP | FW_CFG_KERNEL << 16, 4, 0), 0);
    assert_int_equal(dma(b, READ, 3, RAM + 0x100), 0);
    assert_memory_equal(ram(b, RAM + 0x100), "456\xee", 4);
    assert_int_equal(dma(b, READ, 6, RAM + 0x100), 0);
    assert_memory_equal(ram(b, RAM + 0x100), "789\0\0\0\xee", 7);
    assert_int_equal(dma(b, SELECT | FW_CFG_KERNEL << 16, 0, 0), 0);
    assert_int_equal(rd(b->mem, BASE, 1), '0');
    assert_int_equal(dma(b, SKIP, 0xffffffff, 0), 0);
    assert_int_equal(dma(b, SKIP, 0xffffffff, 0), 0);
    assert_int_equal(rd(b->mem, BASE, 8), 0);
}

static void a_write_of_eight_bytes_starts_dma_too(void **state)
{
    struct bench *b = *state;

    describe(b, DESC, SELECT | READ | FW_CFG_SIGNATURE << 16, 4, RAM + 0x200);
    wr(b->mem, BASE + 0x10, 8, __builtin_bswap64(DESC));
    assert_memory_equal(ram(b, RAM + 0x200), "QEMU", 4);
    assert_int_equal(ld_be(ram(b, DESC), 4), 0);
}

static void items_cannot_be_written(void **state)
{
    struct bench *b = *state;

    assert_int_equal(dma(b, SELECT | WRITE | FW_CFG_ID << 16, 4, RAM + 0x100), ERROR);
    choose(b, FW_CFG_ID);
    assert_int_equal(rd32(b->mem, BASE), 3);
}

static void a_transfer_over_its_own_descriptor_is_what_was_asked_first(void **state)
{
    struct bench *b = *state;

    fw_cfg_add_item(b->cfg, FW_CFG_KERNEL, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
    assert_int_equal(dma(b, SELECT | READ | FW_CFG_KERNEL << 16, 12, DESC), 0);
    assert_int_equal(ld_be(ram(b, DESC + 4), 8), ~0ull);
}

static void what_is_not_ram_is_an_error(void **state)
{
    struct bench *b = *state;
    static const uint64_t bad[] = {
        BASE, BASE + 0x10,        RAM + RAM_SIZE,     RAM + RAM_SIZE - 1, RAM - 1,
        0,    0xffffffffffffffff, 0xfffffffffffffff0, 1ull << 48,
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(dma(b, SELECT | READ | FW_CFG_SIGNATURE << 16, 4, bad[i]), ERROR);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) /* the descriptor itself is nowhere */
        wr(b->mem, BASE + 0x10, 8, __builtin_bswap64(bad[i]));
}

static void a_length_beyond_memory_is_an_error(void **state)
{
    struct bench *b = *state;

    assert_int_equal(dma(b, SELECT | READ | FW_CFG_SIGNATURE << 16, 0xffffffff, RAM + 0x1000),
                     ERROR);
    assert_int_equal(dma(b, SELECT | READ | 0x1fu << 16, 0xffffffff, RAM + 0x1000), ERROR);
    assert_int_equal(dma(b, SELECT | READ | FW_CFG_SIGNATURE << 16, 0, ~0ull), 0);
}

static void halves_and_bytes_of_the_dma_register_start_nothing(void **state)
{
    struct bench *b = *state;

    describe(b, DESC, SELECT | READ | FW_CFG_SIGNATURE << 16, 4, RAM + 0x200);
    wr(b->mem, BASE + 0x14, 2, 0x40);
    wr(b->mem, BASE + 0x17, 1, 0);
    wr(b->mem, BASE + 8, 4, 0);
    wr(b->mem, BASE + 8, 8, 0);
    wr(b->mem, BASE, 8, 0);
    assert_int_equal(*ram(b, RAM + 0x200), 0);
}

static void reset_forgets_the_selection_but_no_item(void **state)
{
    struct bench *b = *state;

    fw_cfg_add_item(b->cfg, FW_CFG_KERNEL, "kernel", 6);
    choose(b, FW_CFG_KERNEL);
    wr32(b->mem, BASE + 0x10, 0x12345678);
    b->cfg->ops->reset(b->cfg);
    assert_int_equal(rd(b->mem, BASE, 1), 'Q');
    assert_int_equal(dma(b, SELECT | READ | FW_CFG_KERNEL << 16, 6, RAM + 0x100), 0);
    assert_memory_equal(ram(b, RAM + 0x100), "kernel", 6);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_says_what_it_is),
        T(data_comes_in_order_at_any_width_and_zero_follows),
        T(keys_that_name_nothing_read_as_zero),
        T(files_are_listed_by_name),
        T(names_and_numbers_have_limits),
        T(dma_selects_skips_and_reads),
        T(a_write_of_eight_bytes_starts_dma_too),
        T(items_cannot_be_written),
        T(a_transfer_over_its_own_descriptor_is_what_was_asked_first),
        T(what_is_not_ram_is_an_error),
        T(a_length_beyond_memory_is_an_error),
        T(halves_and_bytes_of_the_dma_register_start_nothing),
        T(reset_forgets_the_selection_but_no_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
