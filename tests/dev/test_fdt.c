/* SPDX-License-Identifier: Apache-2.0 */
/* The device-tree writer: layout of values, growth, latched errors. */
#include "devtest.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "machine/fw/fdt.h"

static void values_are_laid_out_as_the_specification_says(void **state)
{
    struct fdt_builder b;
    void *fdt;
    size_t size;
    int len;
    struct dt_range range = {0x4000000000, 0x20000000};
    struct dt_irq irqs[] = {{0, 1, DT_IRQ_LEVEL_HIGH}, {1, 11, DT_IRQ_EDGE_RISING}};
    dt_init(&b);
    dt_u64(&b, "u64", 0x1122334455667788);
    dt_node(&b, "dev@%x", 0x1000);
    dt_strings(&b, "compatible", "a,b\nc");
    dt_reg(&b, &range, 1);
    dt_interrupts(&b, irqs, 2);
    dt_empty(&b, "flag");
    dt_end(&b);
    assert_int_equal(dt_finish(&b, &fdt, &size), 0);
    assert_int_equal(fdt_check_full(fdt, size), 0);
    assert_memory_equal(fdt_getprop(fdt, 0, "u64", &len), "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    int node = fdt_path_offset(fdt, "/dev@1000");
    assert_true(node > 0);
    assert_memory_equal(fdt_getprop(fdt, node, "compatible", &len), "a,b\0c", 6);
    assert_int_equal(len, 6);
    assert_memory_equal(fdt_getprop(fdt, node, "reg", &len), "\0\0\0\x40\0\0\0\0\0\0\0\0\x20\0\0\0",
                        16);
    assert_memory_equal(fdt_getprop(fdt, node, "interrupts", &len),
                        "\0\0\0\0\0\0\0\1\0\0\0\4\0\0\0\1\0\0\0\x0b\0\0\0\1", 24);
    assert_non_null(fdt_getprop(fdt, node, "flag", &len));
    assert_int_equal(len, 0);
    free(fdt);
}

static void a_large_tree_grows_its_buffer(void **state)
{
    struct fdt_builder b;
    void *fdt;
    size_t size;
    char blob[1000] = {0};
    dt_init(&b);
    for (unsigned i = 0; i < 500; i++) {
        dt_node(&b, "node%u", i);
        dt_bytes(&b, "blob", blob, sizeof(blob));
        dt_end(&b);
    }
    assert_int_equal(dt_finish(&b, &fdt, &size), 0);
    assert_int_equal(fdt_check_full(fdt, size), 0);
    assert_true(fdt_path_offset(fdt, "/node499") > 0);
    free(fdt);
}

static void the_first_error_is_the_result(void **state)
{
    struct fdt_builder b;
    void *fdt = NULL;
    size_t size;
    char longer_than_any_name[100];
    memset(longer_than_any_name, 'n', sizeof(longer_than_any_name) - 1);
    longer_than_any_name[sizeof(longer_than_any_name) - 1] = 0;
    dt_init(&b);
    dt_node(&b, "%s", longer_than_any_name);
    dt_u32(&b, "x", 1);
    dt_end(&b);
    assert_int_equal(dt_finish(&b, &fdt, &size), -ENAMETOOLONG);
    assert_null(fdt);
    dt_init(&b);
    dt_bytes(&b, "huge", "", 3 << 20);
    assert_int_equal(dt_finish(&b, &fdt, &size), -ENOSPC);
    dt_init(&b);
    dt_discard(&b);
}

static void unbalanced_nodes_are_an_error(void **state)
{
    struct fdt_builder b;
    void *fdt = NULL;
    size_t size;
    dt_init(&b);
    dt_node(&b, "open");
    assert_true(dt_finish(&b, &fdt, &size) < 0);
    assert_null(fdt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_laid_out_as_the_specification_says),
        cmocka_unit_test(a_large_tree_grows_its_buffer),
        cmocka_unit_test(the_first_error_is_the_result),
        cmocka_unit_test(unbalanced_nodes_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
