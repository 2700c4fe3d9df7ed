/* SPDX-License-Identifier: Apache-2.0 */
/* CFI flash: commands as firmware gives them, and as it should not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/nv/nv.h"
#include "devtest.h"
#include "machine/flash/cfi.h"

enum { CODE = 0, VARS = CFI_BANK_SIZE, BLOCK = CFI_BLOCK_SIZE };
enum { READY = 0x00800080 };

struct bench {
    char path[64];
    struct nv *code, *vars;
    struct mem *mem;
    struct device *flash;
    unsigned switches;
    uint64_t written;
};

static void switched(void *ctx, uint64_t pa, uint64_t len)
{
    struct bench *b = ctx;

    assert_int_equal(len, CFI_BANK_SIZE);
    b->switches++;
}

static void written(void *ctx, uint64_t pa, uint64_t len)
{
    ((struct bench *)ctx)->written += len;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct nv_config code = {
        .path = b->path, .option = "--firmware", .size = CFI_BANK_SIZE, .readonly = true};
    struct nv_config vars = {.option = "--vars", .size = CFI_BANK_SIZE};
    int fd;

    strcpy(b->path, "/tmp/armvm-test-XXXXXX");
    fd = mkstemp(b->path);
    if (fd < 0 || write(fd, "firmware", 8) != 8 || close(fd))
        return -1;
    if (nv_open(&code, &b->code, NULL) || nv_open(&vars, &b->vars, NULL))
        return -1;
    unlink(b->path);
    b->mem = new_mem();
    b->flash = cfi_flash_create(b->code, b->vars);
    b->flash->resources = (struct device_resources){
        .mmio = {{CODE, CFI_BANK_SIZE}, {VARS, CFI_BANK_SIZE}}, .mmios = 2};
    if (device_map(b->flash, b->mem, NULL))
        return -1;
    mem_set_switch_observer(b->mem, switched, b);
    mem_set_observer(b->mem, written, b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    b->flash->ops->destroy(b->flash);
    mem_destroy(b->mem);
    nv_close(b->code);
    nv_close(b->vars);
    free(b);
    return 0;
}

static uint32_t array(const struct bench *b, uint32_t offset)
{
    uint32_t value;

    memcpy(&value, nv_bytes(b->vars) + offset, 4);
    return value;
}

static bool direct(const struct bench *b, uint64_t base)
{
    return mem_is_direct(mem_find(b->mem, base));
}

static void command(struct bench *b, uint32_t offset, uint16_t cmd)
{
    wr32(b->mem, VARS + offset, cmd * 0x10001u);
}

static void erase(struct bench *b, uint32_t offset)
{
    command(b, offset, 0x20);
    command(b, offset, 0xd0);
}

static void program(struct bench *b, uint32_t offset, uint32_t value)
{
    command(b, offset, 0x40);
    wr32(b->mem, VARS + offset, value);
}

static void it_starts_as_memory(void **state)
{
    struct bench *b = *state;
    char text[8];

    assert_true(direct(b, CODE) && direct(b, VARS));
    assert_int_equal(mem_read(b->mem, CODE, text, 8), 0);
    assert_memory_equal(text, "firmware", 8);
    assert_null(mem_ptr(b->mem, VARS, 4, true));
    assert_int_equal(mem_write(b->mem, VARS, "x", 1), -14);
    assert_int_equal(rd32(b->mem, VARS), 0);
}

static void query_describes_two_x16_chips(void **state)
{
    struct bench *b = *state;

    command(b, 0x55 * 4, 0x98);
    assert_false(direct(b, VARS));
    assert_int_equal(rd32(b->mem, VARS + 0x10 * 4), 0x00510051);
    assert_int_equal(rd32(b->mem, VARS + 0x11 * 4), 0x00520052);
    assert_int_equal(rd32(b->mem, VARS + 0x12 * 4), 0x00590059);
    assert_int_equal(rd(b->mem, VARS + 0x13 * 4, 1), 0x01);
    assert_int_equal(rd(b->mem, VARS + 0x27 * 4, 1), 25);
    assert_int_equal(rd(b->mem, VARS + 0x2a * 4, 1), 6);
    assert_int_equal(rd(b->mem, VARS + 0x2d * 4, 1), 255);
    assert_int_equal(rd(b->mem, VARS + 0x30 * 4, 1), 2);
    assert_int_equal(rd(b->mem, VARS + 0x31 * 4, 2), 'P');
    assert_int_equal(rd(b->mem, VARS + 0x32 * 4, 8), 0x00490049ull << 32 | 0x00520052);
    assert_int_equal(rd32(b->mem, VARS + 0xf0 * 4), 0);
    command(b, 0, 0xff);
    assert_true(direct(b, VARS));
}

static void identifiers_and_locks_can_be_read(void **state)
{
    struct bench *b = *state;

    command(b, BLOCK, 0x90);
    assert_int_equal(rd32(b->mem, VARS + BLOCK), 0x00890089);
    assert_int_equal(rd32(b->mem, VARS + BLOCK + 4), 0x00180018);
    assert_int_equal(rd32(b->mem, VARS + BLOCK + 8), 0);
    command(b, BLOCK, 0x60);
    command(b, BLOCK, 0x01);
    command(b, BLOCK, 0x90);
    assert_int_equal(rd32(b->mem, VARS + BLOCK + 8), 0x00010001);
    assert_int_equal(rd32(b->mem, VARS + 8), 0);
    assert_int_equal(rd32(b->mem, VARS + 2 * BLOCK + 8), 0);
}

static void a_locked_block_keeps_its_contents_until_it_is_unlocked(void **state)
{
    struct bench *b = *state;

    erase(b, 0);
    command(b, 0, 0x60);
    command(b, 0, 0x01);
    program(b, 0, 0);
    assert_int_equal(rd32(b->mem, VARS), READY | 0x00120012);
    assert_int_equal(array(b, 0), 0xffffffff);
    command(b, 0, 0x50);
    erase(b, 0);
    assert_int_equal(rd32(b->mem, VARS), READY | 0x00220022);
    command(b, 0, 0x50);
    command(b, 0, 0x60);
    command(b, 0, 0xd0);
    program(b, 0, 0x12345678);
    assert_int_equal(rd32(b->mem, VARS), READY);
    assert_int_equal(array(b, 0), 0x12345678);
}

static void erase_sets_one_block_to_ones(void **state)
{
    struct bench *b = *state;

    erase(b, BLOCK + 1000);
    assert_int_equal(rd32(b->mem, VARS), READY);
    assert_int_equal(array(b, BLOCK - 4), 0);
    assert_int_equal(array(b, BLOCK), 0xffffffff);
    assert_int_equal(array(b, 2 * BLOCK - 4), 0xffffffff);
    assert_int_equal(array(b, 2 * BLOCK), 0);
    assert_int_equal(b->written, BLOCK);
}

static void programming_only_clears_bits(void **state)
{
    struct bench *b = *state;

    erase(b, 0);
    program(b, 16, 0xff00ff0f);
    program(b, 16, 0x0ff0ffff);
    assert_int_equal(array(b, 16), 0x0f00ff0f);
    command(b, 0, 0xff);
    assert_int_equal(rd32(b->mem, VARS + 16), 0x0f00ff0f);
}

static void a_buffer_is_programmed_as_one(void **state)
{
    struct bench *b = *state;

    erase(b, 0);
    b->written = 0;
    command(b, 0, 0xe8);
    assert_int_equal(rd32(b->mem, VARS), READY);
    wr32(b->mem, VARS, 0x001f001f);
    for (uint32_t i = 0; i < 32; i++)
        wr32(b->mem, VARS + 256 + 4 * i, 0xabcd0000 + i);
    assert_int_equal(array(b, 256), 0xffffffff);
    command(b, 0, 0xd0);
    assert_int_equal(rd32(b->mem, VARS), READY);
    for (uint32_t i = 0; i < 32; i++)
        assert_int_equal(array(b, 256 + 4 * i), 0xabcd0000 + i);
    assert_int_equal(array(b, 256 + 128), 0xffffffff);
    assert_int_equal(b->written, 128);
}

static void a_buffer_of_one_word_works_too(void **state)
{
    struct bench *b = *state;

    erase(b, 0);
    command(b, 0, 0xe8);
    wr32(b->mem, VARS, 0);
    wr32(b->mem, VARS + BLOCK - 4, 0x55aa55aa);
    command(b, 0, 0xd0);
    assert_int_equal(array(b, BLOCK - 4), 0x55aa55aa);
}

static void bad_buffers_are_sequence_errors_and_change_nothing(void **state)
{
    struct bench *b = *state;
    const uint32_t last = CFI_BANK_SIZE - 4;
    static const struct {
        uint32_t count, first, second, confirm;
    } bad[] = {
        {32, 0, 0, 0xd0},                      /* too many words */
        {0xffff, 0, 0, 0xd0}, {1, 0, 4, 0xff}, /* not confirmed */
        {1, 16, 12, 0xd0},                     /* below the first */
        {1, 0, 8, 0xd0},                       /* beyond the announced */
        {1, 0, BLOCK, 0xd0},                   /* in another block */
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        command(b, 0, 0xe8);
        wr32(b->mem, VARS, bad[i].count * 0x10001u);
        if (bad[i].count < 32) {
            wr32(b->mem, VARS + bad[i].first, 0);
            wr32(b->mem, VARS + bad[i].second, 0);
            command(b, 0, (uint16_t)bad[i].confirm);
        }
        assert_int_equal(rd32(b->mem, VARS), READY | 0x00300030);
        command(b, 0, 0x50);
    }
    assert_int_equal(b->written, 0);
    /* A buffer that would leave the bank at its very end. */
    command(b, last, 0xe8);
    wr32(b->mem, VARS + last, 0x00010001);
    wr32(b->mem, VARS + last, 0);
    wr32(b->mem, VARS + last, 0);
    command(b, last, 0xd0);
    assert_int_equal(rd32(b->mem, VARS), READY | 0x00300030);
    assert_int_equal(b->written, 0);
}

static void an_unconfirmed_erase_is_an_error(void **state)
{
    struct bench *b = *state;

    command(b, 0, 0x20);
    command(b, 0, 0xff);
    assert_int_equal(rd32(b->mem, VARS), READY | 0x00300030);
    assert_int_equal(b->written, 0);
}

static void each_chip_follows_its_own_commands(void **state)
{
    struct bench *b = *state;

    erase(b, 0);
    wr32(b->mem, VARS, 0x00400070); /* chip 1 programs */
    wr32(b->mem, VARS, 0x12340070);
    assert_int_equal(rd32(b->mem, VARS), READY);
    assert_int_equal(array(b, 0), 0x1234ffff);
    program(b, 4, 0);
    wr32(b->mem, VARS, 0x00700020); /* chip 0 erases */
    wr32(b->mem, VARS, 0x007000d0);
    assert_int_equal(array(b, 0), 0x1234ffff);
    assert_int_equal(array(b, 4), 0x0000ffff);
    wr32(b->mem, VARS, 0x00ff0070);
    assert_int_equal(rd32(b->mem, VARS), 0x12340080);
    assert_false(direct(b, VARS));
}

static void narrow_writes_are_none(void **state)
{
    struct bench *b = *state;

    wr(b->mem, VARS, 1, 0x98);
    wr(b->mem, VARS + 2, 2, 0x98);
    wr(b->mem, VARS + 1, 4, 0x00900090); /* unaligned: bytes */
    assert_true(direct(b, VARS));
}

static void a_double_word_is_two_cycles(void **state)
{
    struct bench *b = *state;

    erase(b, 0);
    wr(b->mem, VARS + 8, 8, 0x1111222200400040); /* the command, then the word above it */
    assert_int_equal(array(b, 12), 0x11112222);
    assert_int_equal(array(b, 8), 0xffffffff);
}

static void the_code_bank_answers_but_does_not_change(void **state)
{
    struct bench *b = *state;
    uint8_t text[8];

    wr32(b->mem, CODE + 0x154, 0x00980098);
    assert_int_equal(rd32(b->mem, CODE + 0x40), 0x00510051);
    wr32(b->mem, CODE, 0x00200020);
    wr32(b->mem, CODE, 0x00d000d0);
    assert_int_equal(rd32(b->mem, CODE), READY | 0x00220022);
    wr32(b->mem, CODE, 0x00500050);
    wr32(b->mem, CODE, 0x00400040);
    wr32(b->mem, CODE, 0);
    assert_int_equal(rd32(b->mem, CODE), READY | 0x00120012);
    wr32(b->mem, CODE, 0x00ff00ff);
    assert_true(direct(b, CODE));
    assert_int_equal(mem_read(b->mem, CODE, text, 8), 0);
    assert_memory_equal(text, "firmware", 8);
}

static void stray_stores_to_the_code_bank_are_ignored(void **state)
{
    struct bench *b = *state;

    wr(b->mem, CODE + 0x1cb20, 8, 0x17384);
    wr32(b->mem, CODE + 4, 0x00010070);
    wr32(b->mem, CODE + 4, 0x70);
    wr(b->mem, CODE + 5, 1, 0x90);
    assert_true(direct(b, CODE));
}

static void leaving_the_array_is_announced_once_if_loads_were_cached(void **state)
{
    struct bench *b = *state;

    command(b, 0, 0x70);
    command(b, 0, 0xff);
    assert_int_equal(b->switches, 0);
    assert_true(mem_rom_cache(mem_find(b->mem, VARS)));
    command(b, 0, 0x70);
    assert_int_equal(b->switches, 1);
    assert_false(mem_rom_cache(mem_find(b->mem, VARS)));
    command(b, 0, 0x90);
    command(b, 0, 0xff);
    assert_int_equal(b->switches, 1);
}

static void reset_brings_the_array_back_and_unlocks(void **state)
{
    struct bench *b = *state;

    erase(b, 0);
    program(b, 0, 0x600dda7a);
    command(b, 0, 0x60);
    command(b, 0, 0x01);
    command(b, 0, 0xe8);
    b->flash->ops->reset(b->flash);
    assert_true(direct(b, VARS));
    assert_int_equal(rd32(b->mem, VARS), 0x600dda7a);
    command(b, 0, 0x90);
    assert_int_equal(rd32(b->mem, VARS + 8), 0);
}

static void reset_takes_back_a_rewrite_that_is_under_way(void **state)
{
    struct bench *b = *state;

    erase(b, 0);
    program(b, 0, 0x600dda7a);
    program(b, 4, 0x12345678);
    erase(b, 0);
    program(b, 0, 0x600dda7a);
    b->flash->ops->reset(b->flash);
    assert_int_equal(rd32(b->mem, VARS + 4), 0x12345678);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_starts_as_memory),
        T(query_describes_two_x16_chips),
        T(identifiers_and_locks_can_be_read),
        T(a_locked_block_keeps_its_contents_until_it_is_unlocked),
        T(erase_sets_one_block_to_ones),
        T(programming_only_clears_bits),
        T(a_buffer_is_programmed_as_one),
        T(a_buffer_of_one_word_works_too),
        T(bad_buffers_are_sequence_errors_and_change_nothing),
        T(an_unconfirmed_erase_is_an_error),
        T(each_chip_follows_its_own_commands),
        T(narrow_writes_are_none),
        T(a_double_word_is_two_cycles),
        T(the_code_bank_answers_but_does_not_change),
        T(stray_stores_to_the_code_bank_are_ignored),
        T(leaving_the_array_is_announced_once_if_loads_were_cached),
        T(reset_brings_the_array_back_and_unlocks),
        T(reset_takes_back_a_rewrite_that_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
