/* SPDX-License-Identifier: Apache-2.0 */
/* The AML writer: encodings byte by byte, latched errors. */
#include "devtest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "machine/fw/acpi/aml.h"

/* Compares what was written with bytes (a string literal's, without its 0), and discards it. */
static void check_bytes(struct aml *aml, const char *bytes, size_t size)
{
    assert_int_equal(aml_check(aml), 0);
    assert_int_equal(aml->code.size, size);
    assert_memory_equal(aml->code.data, bytes, size);
    aml_discard(aml);
}
#define IS(aml, bytes) check_bytes(aml, bytes, sizeof(bytes) - 1)

static void integers_take_the_shortest_form(void **state)
{
    struct aml aml = {0};
    static const uint64_t values[] = {0,      1,       2,          0xff,        0x100,
                                      0xffff, 0x10000, 0xffffffff, 0x100000000, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        aml_int(&aml, values[i]);
    IS(&aml, "\x00\x01\x0a\x02\x0a\xff\x0b\x00\x01\x0b\xff\xff\x0c\x00\x00\x01\x00"
             "\x0c\xff\xff\xff\xff\x0e\x00\x00\x00\x00\x01\x00\x00\x00"
             "\x0e\xff\xff\xff\xff\xff\xff\xff\xff");
}

static void package_lengths_grow_at_their_limits(void **state)
{
    static const struct {
        size_t contents;
        const char *length;
    } edges[] = {
        {0, "\x01"},
        {62, "\x3f"},
        {63, "\x41\x04"},
        {4093, "\x4f\xff"},
        {4094, "\x81\x00\x01"},
        {0xffffc, "\x8f\xff\xff"},
        {0xffffd, "\xc1\x00\x00\x01"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
        struct aml aml = {0};
        unsigned bytes = 1 + ((uint8_t)edges[i].length[0] >> 6);
        aml_if(&aml);
        blob_put(&aml.code, NULL, edges[i].contents);
        aml_end(&aml);
        assert_int_equal(aml_check(&aml), 0);
        assert_int_equal(aml.code.size, 1 + bytes + edges[i].contents);
        assert_memory_equal(aml.code.data + 1, edges[i].length, bytes);
        aml_discard(&aml);
    }
}

static void an_inner_package_that_grows_counts_in_the_outer_one(void **state)
{
    struct aml aml = {0};
    aml_if(&aml);
    aml_else(&aml);
    blob_put(&aml.code, NULL, 63);
    aml_end(&aml);
    aml_end(&aml);
    assert_int_equal(aml_check(&aml), 0);
    assert_memory_equal(aml.code.data, "\xa0\x44\x04\xa1\x41\x04\x00", 7); /* 2+66, 2+63 */
    assert_int_equal(aml.code.size, 1 + 2 + 1 + 2 + 63);
    aml_discard(&aml);
}

static void field_units_are_measured_in_bits(void **state)
{
    struct aml aml = {0};
    aml_region(&aml, "REG", 0x9030000, 0x1000);
    aml_field(&aml, "REG");
    aml_field_skip(&aml, 8 * 0x404);
    aml_field_unit(&aml, "A", 63);
    aml_field_unit(&aml, "B", 64);
    aml_end(&aml);
    IS(&aml, "\x5b\x80REG_\x00\x0c\x00\x00\x03\x09\x0b\x00\x10"
             "\x5b\x81\x15REG_\x03\x00\x80\x02\x02" /* two bits 7:6, nibble, then bytes */
             "A___\x3f"
             "B___\x40\x04");
}

static void names_have_segments_of_four_characters(void **state)
{
    struct aml aml = {0};
    aml_path(&aml, "A");
    aml_path(&aml, "\\");
    aml_path(&aml, "^^L001");
    aml_path(&aml, "\\_SB.PWRB");
    aml_path(&aml, "\\_SB.PCI0.S1");
    IS(&aml, "A___\\\x00^^L001\\\x2e_SB_PWRB\\\x2f\x03_SB_PCI0S1__");
}

static void impossible_names_are_refused(void **state)
{
    static const char *const bad[] = {"abcd", "0ABC", "ABCDE", "A..B", "A-B", ".A", "A.", "\\^A"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct aml aml = {0};
        aml_path(&aml, bad[i]);
        if (aml_check(&aml) != -EINVAL)
            fail_msg("%s is accepted", bad[i]);
        aml_discard(&aml);
    }
}

static void identifiers_are_compressed_as_the_specification_says(void **state)
{
    struct aml aml = {0};
    aml_eisa_id(&aml, "PNP0A08");
    aml_eisa_id(&aml, "PNP0C0F");
    IS(&aml, "\x0c\x41\xd0\x0a\x08\x0c\x41\xd0\x0c\x0f");
    static const char *const bad[] = {"PNP0A0", "PNP0A088", "pnp0A08", "PN00A08", "PNP0G08"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        aml_eisa_id(&aml, bad[i]);
        assert_int_equal(aml_check(&aml), -EINVAL);
        aml_discard(&aml);
    }
}

static void a_uuid_is_a_buffer_with_numbers_first(void **state)
{
    struct aml aml = {0};
    aml_uuid(&aml, "33db4d5b-1ff7-401c-9657-7441c03dd766");
    IS(&aml, "\x11\x13\x0a\x10\x5b\x4d\xdb\x33\xf7\x1f\x1c\x40\x96\x57\x74\x41\xc0\x3d\xd7\x66");
    static const char *const bad[] = {"", "33db4d5b-1ff7-401c-9657-7441c03dd76",
                                      "33db4d5b-1ff7-401c-9657-7441c03dd76x",
                                      "33db4d5b01ff7-401c-9657-7441c03dd766"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        aml_uuid(&aml, bad[i]);
        assert_int_equal(aml_check(&aml), -EINVAL);
        aml_discard(&aml);
    }
}

static void objects_and_methods_nest(void **state)
{
    struct aml aml = {0};
    aml_scope(&aml, "\\_SB");
    aml_device(&aml, "C%03X", 0x1f);
    aml_name_string(&aml, "_HID", "ACPI0007");
    aml_method(&aml, "_STA", 0, false);
    aml_op(&aml, AML_RETURN);
    aml_int(&aml, 15);
    aml_end(&aml);
    aml_end(&aml);
    aml_end(&aml);
    IS(&aml, "\x10\x26\\_SB_"
             "\x5b\x82\x1e"
             "C01F\x08_HID\x0d"
             "ACPI0007\x00"
             "\x14\x09_STA\x00\xa4\x0a\x0f");
}

static void resources_are_a_buffer_that_ends_with_a_tag(void **state)
{
    struct aml aml = {0};
    aml_resources(&aml, "_CRS");
    aml_memory32(&aml, 0x9000000, 0x1000);
    aml_interrupt(&aml, 33, false);
    aml_resources_end(&aml);
    IS(&aml, "\x08_CRS\x11\x1a\x0a\x17"
             "\x86\x09\x00\x01\x00\x00\x00\x09\x00\x10\x00\x00"
             "\x89\x06\x00\x01\x01\x21\x00\x00\x00"
             "\x79\x00");
}

static void windows_have_the_width_they_need(void **state)
{
    struct aml aml = {0};
    aml_resources(&aml, "_CRS");
    aml_window_bus(&aml, 0, 256);
    aml_window_io(&aml, 0, 0x10000, 0x3eff0000);
    aml_window_memory64(&aml, 0x8000000000, 0x8000000000);
    aml_resources_end(&aml);
    assert_int_equal(aml_check(&aml), 0);
    const uint8_t *at = aml.resources.data;
    assert_memory_equal(at, "\x88\x0d\x00\x02\x0c\x00\x00\x00\x00\x00\xff\x00\x00\x00\x00\x01", 16);
    at += 16;
    assert_memory_equal(at, "\x87\x17\x00\x01\x0c\x13", 6);
    assert_int_equal(ld_le(at + 14, 4), 0xffff);
    assert_int_equal(ld_le(at + 18, 4), 0x3eff0000);
    assert_int_equal(ld_le(at + 22, 4), 0x10000);
    at += 26;
    assert_memory_equal(at, "\x8a\x2b\x00\x00\x0c\x01", 6);
    assert_int_equal(ld_le(at + 22, 8), 0xffffffffff);
    aml_discard(&aml);
    aml_resources(&aml, "_CRS");
    aml_memory(&aml, 0x4010000000, 0x10000000);
    assert_memory_equal(aml.resources.data, "\x8a\x2b\x00\x00\x0d\x01", 6);
    aml_resources_end(&aml);
    aml_discard(&aml);
}

static void windows_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        uint64_t min, size;
    } bad[] = {{0xffff0000, 0x20000}, {0x100000000, 0x1000}, {0x1000, 0}, {UINT64_MAX, 2}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct aml aml = {0};
        aml_resources(&aml, "_CRS");
        aml_window_memory32(&aml, bad[i].min, bad[i].size);
        aml_resources_end(&aml);
        assert_int_equal(aml_check(&aml), -ERANGE);
        aml_discard(&aml);
    }
}

static void what_is_left_open_is_an_error(void **state)
{
    struct aml aml = {0};
    aml_device(&aml, "DEV0");
    assert_int_equal(aml_check(&aml), -EINVAL);
    aml_discard(&aml);
    aml_resources(&aml, "_CRS");
    assert_int_equal(aml_check(&aml), -EINVAL);
    aml_discard(&aml);
    aml_end(&aml);
    assert_int_equal(aml_check(&aml), -EINVAL);
    aml_discard(&aml);
    aml_interrupt(&aml, 1, false);
    assert_int_equal(aml_check(&aml), -EINVAL);
    aml_discard(&aml);
    for (unsigned i = 0; i <= AML_MAX_DEPTH; i++)
        aml_if(&aml);
    assert_int_equal(aml_check(&aml), -E2BIG);
    aml_discard(&aml);
}

static void the_first_error_is_the_result(void **state)
{
    struct aml aml = {0};
    aml_device(&aml, "TOOLONG");
    aml_package(&aml, 256);
    aml_string(&aml, "caf\xc3\xa9");
    aml_end(&aml);
    aml_end(&aml);
    assert_int_equal(aml_check(&aml), -EINVAL);
    aml_discard(&aml);
    aml_buffer(&aml, NULL, 17 << 20);
    assert_int_equal(aml_check(&aml), -ENOSPC);
    aml_discard(&aml);
    aml_package(&aml, 256);
    aml_end(&aml);
    assert_int_equal(aml_check(&aml), -E2BIG);
    aml_discard(&aml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_take_the_shortest_form),
        cmocka_unit_test(package_lengths_grow_at_their_limits),
        cmocka_unit_test(an_inner_package_that_grows_counts_in_the_outer_one),
        cmocka_unit_test(field_units_are_measured_in_bits),
        cmocka_unit_test(names_have_segments_of_four_characters),
        cmocka_unit_test(impossible_names_are_refused),
        cmocka_unit_test(identifiers_are_compressed_as_the_specification_says),
        cmocka_unit_test(a_uuid_is_a_buffer_with_numbers_first),
        cmocka_unit_test(objects_and_methods_nest),
        cmocka_unit_test(resources_are_a_buffer_that_ends_with_a_tag),
        cmocka_unit_test(windows_have_the_width_they_need),
        cmocka_unit_test(windows_that_do_not_fit_are_refused),
        cmocka_unit_test(what_is_left_open_is_an_error),
        cmocka_unit_test(the_first_error_is_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
