/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's physical address space. */
#include "devtest.h"

#include <errno.h>
#include <string.h>

enum { PAGE = 4096 };

struct window {
    uint64_t offset, value;
    unsigned size;
};

static int window_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct window *w = dev;
    w->offset = offset;
    w->size = size;
    *value = w->value;
    return 0;
}

static int window_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct window *w = dev;
    *w = (struct window){offset, value, size};
    return 0;
}

static const struct mem_io_ops window_ops = {window_read, window_write};

static void ram_is_zero_and_keeps_what_is_written(void **state)
{
    struct mem *mem = new_mem();
    uint8_t buf[16];
    assert_int_equal(mem_add_ram(mem, 0x40000000, 16 * PAGE, "RAM", NULL), 0);
    assert_int_equal(mem_read(mem, 0x40000ffc, buf, 8), 0);
    assert_int_equal(buf[0] | buf[7], 0);
    assert_int_equal(mem_write(mem, 0x40000ffc, "abcdefgh", 8), 0);
    assert_int_equal(mem_read(mem, 0x40000ffc, buf, 8), 0);
    assert_memory_equal(buf, "abcdefgh", 8);
    mem_clear(mem);
    assert_int_equal(mem_read(mem, 0x40000ffc, buf, 8), 0);
    assert_int_equal(buf[0] | buf[7], 0);
    mem_destroy(mem);
}

static void ranges_that_leave_ram_are_refused_whole(void **state)
{
    struct mem *mem = new_mem();
    uint8_t buf[16] = {1};
    assert_int_equal(mem_add_ram(mem, 0x40000000, PAGE, "RAM", NULL), 0);
    assert_null(mem_ptr(mem, 0x40000ff8, 9, true));
    assert_non_null(mem_ptr(mem, 0x40000ff8, 8, true));
    assert_null(mem_ptr(mem, 0x40000000, UINT64_MAX, false));
    assert_null(mem_ptr(mem, UINT64_MAX, 2, false));
    assert_null(mem_ptr(mem, 0x3fffffff, 1, false));
    assert_int_equal(mem_write(mem, 0x40000ff8, buf, 16), -EFAULT);
    assert_int_equal(mem_read(mem, 0x40000ff8, buf, 8), 0);
    assert_int_equal(buf[0], 0);
    assert_int_equal(mem_read(mem, UINT64_MAX - 3, buf, 8), -EFAULT);
    mem_destroy(mem);
}

static void dma_spans_adjacent_slots(void **state)
{
    struct mem *mem = new_mem();
    uint8_t buf[8];
    assert_int_equal(mem_add_ram(mem, 0x40001000, PAGE, "b", NULL), 0);
    assert_int_equal(mem_add_ram(mem, 0x40000000, PAGE, "a", NULL), 0);
    assert_int_equal(mem_write(mem, 0x40000ffc, "abcdefgh", 8), 0);
    assert_int_equal(mem_read(mem, 0x40000ffc, buf, 8), 0);
    assert_memory_equal(buf, "abcdefgh", 8);
    assert_null(mem_ptr(mem, 0x40000ffc, 8, false));
    mem_destroy(mem);
}

static void accesses_reach_a_window_by_offset(void **state)
{
    struct mem *mem = new_mem();
    struct window w = {.value = 0x1122334455667788};
    uint64_t value;
    assert_int_equal(mem_add_io(mem, 0x9000000, 0x1000, &window_ops, &w, "w", NULL), 0);
    assert_int_equal(rd(mem, 0x9000ffe, 2), 0x7788);
    assert_int_equal(w.offset, 0xffe);
    wr(mem, 0x9000008, 1, 0xabcd);
    assert_int_equal(w.value, 0xcd);
    assert_int_equal(mem_io_read(mem, 0x9000002, 4, &value), -EFAULT);
    assert_int_equal(mem_io_read(mem, 0x9001000, 4, &value), -EFAULT);
    assert_int_equal(mem_io_read(mem, 0x9000000, 3, &value), -EFAULT);
    assert_int_equal(mem_io_write(mem, 0x8fffffc, 4, 0), -EFAULT);
    mem_destroy(mem);
}

static void an_access_across_the_end_of_a_window_is_refused(void **state)
{
    struct mem *mem = new_mem();
    struct window w = {0};
    uint64_t value;
    assert_int_equal(mem_add_io(mem, 0x9020000, 0x18 - 4, &window_ops, &w, "w", NULL), 0);
    assert_int_equal(mem_io_read(mem, 0x9020010, 8, &value), -EFAULT);
    assert_int_equal(mem_io_read(mem, 0x9020010, 4, &value), 0);
    mem_destroy(mem);
}

static void overlaps_are_refused_by_name(void **state)
{
    struct mem *mem = new_mem();
    struct window w;
    struct error err = {0};
    static const struct {
        uint64_t base, size;
    } bad[] = {
        {0x2000, 0x1000}, {0x1800, 0x1000}, {0x2800, 0x100}, {0x1000, 0x8000}, {0x2fff, 1},
    };
    assert_int_equal(mem_add_io(mem, 0x2000, 0x1000, &window_ops, &w, "first", NULL), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(mem_add_io(mem, bad[i].base, bad[i].size, &window_ops, &w, "new", &err) < 0);
        assert_non_null(strstr(err.text, "first"));
    }
    assert_int_equal(mem_add_io(mem, 0x1000, 0x1000, &window_ops, &w, "below", NULL), 0);
    assert_int_equal(mem_add_io(mem, 0x3000, 0x1000, &window_ops, &w, "above", NULL), 0);
    mem_destroy(mem);
}

static void memory_the_host_does_not_have_is_refused(void **state)
{
    struct mem *mem = new_mem();
    struct error err = {0};
    assert_int_equal(mem_add_ram(mem, 0x40000000, 1ull << 46, "RAM", &err), -ENOMEM);
    assert_non_null(strstr(err.text, "--memory"));
    assert_true(mem_add_ram(mem, 0x40000000, 0, "RAM", &err) < 0);
    assert_true(mem_add_ram(mem, 0x40000000, 4097, "RAM", &err) < 0);
    assert_true(mem_add_ram(mem, (1ull << 48) - PAGE, 2 * PAGE, "RAM", &err) < 0);
    assert_null(mem_at(mem, 0));
    mem_destroy(mem);
}

static void every_slot_is_found_by_all_its_addresses(void **state)
{
    struct mem *mem = new_mem();
    struct window w[50];
    assert_null(mem_find(mem, 0x1000));
    for (unsigned i = 0; i < 50; i++) /* not in order */
        assert_int_equal(
            mem_add_io(mem, 0x1000 * (1 + i * 7 % 50), 0x800, &window_ops, &w[i], "w", NULL), 0);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t base = 0x1000 * (1 + i);
        assert_int_equal(mem_at(mem, i)->base, base);
        assert_ptr_equal(mem_find(mem, base), mem_at(mem, i));
        assert_ptr_equal(mem_find(mem, base + 0x7ff), mem_at(mem, i));
        assert_null(mem_find(mem, base + 0x800));
        assert_null(mem_find(mem, base - 1));
    }
    mem_destroy(mem);
}

static void observe(void *ctx, uint64_t pa, uint64_t len)
{
    *(uint64_t *)ctx += pa + len;
}

static void the_observer_hears_of_dma(void **state)
{
    struct mem *mem = new_mem();
    uint64_t sum = 0;
    assert_int_equal(mem_add_ram(mem, 0x40000000, PAGE, "RAM", NULL), 0);
    mem_set_observer(mem, observe, &sum);
    assert_int_equal(mem_write(mem, 0x40000010, "x", 1), 0);
    assert_int_equal(sum, 0x40000011);
    mem_destroy(mem);
}

static int rom_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    *value = 0x80;
    return 0;
}

static int rom_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    ++*(unsigned *)dev;
    return 0;
}

static void a_rom_device_is_memory_to_dma_and_a_device_to_stores(void **state)
{
    static const struct mem_io_ops ops = {rom_read, rom_write};
    static uint8_t bytes[PAGE] __attribute__((aligned(PAGE)));
    struct mem *mem = new_mem();
    unsigned writes = 0;
    uint8_t got[2];
    bytes[1] = 0x5a;
    assert_int_equal(mem_add_rom_device(mem, 0, PAGE, bytes, &ops, &writes, "rom", NULL), 0);
    assert_int_equal(mem_read(mem, 0, got, 2), 0);
    assert_int_equal(got[1], 0x5a);
    assert_int_equal(mem_write(mem, 0, got, 2), -EFAULT);
    assert_null(mem_ptr(mem, 0, 1, true));
    wr(mem, 2, 4, 0); /* unaligned: four bytes */
    assert_int_equal(writes, 4);
    assert_int_equal(rd(mem, 1, 2), 0x8080);
    mem_rom_direct(mem, 0, false);
    assert_false(mem_is_direct(mem_find(mem, 0)));
    assert_int_equal(mem_read(mem, 0, got, 2), 0);
    mem_clear(mem);
    assert_int_equal(bytes[1], 0x5a);
    mem_destroy(mem);
    assert_int_equal(bytes[1], 0x5a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ram_is_zero_and_keeps_what_is_written),
        cmocka_unit_test(ranges_that_leave_ram_are_refused_whole),
        cmocka_unit_test(dma_spans_adjacent_slots),
        cmocka_unit_test(accesses_reach_a_window_by_offset),
        cmocka_unit_test(an_access_across_the_end_of_a_window_is_refused),
        cmocka_unit_test(overlaps_are_refused_by_name),
        cmocka_unit_test(memory_the_host_does_not_have_is_refused),
        cmocka_unit_test(every_slot_is_found_by_all_its_addresses),
        cmocka_unit_test(the_observer_hears_of_dma),
        cmocka_unit_test(a_rom_device_is_memory_to_dma_and_a_device_to_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
