/* SPDX-License-Identifier: Apache-2.0 */
/* EFI programs, written here field by field (Microsoft's PE Format). */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/pe.h"

enum {
    SIZE = 4096,
    PE = 128,
    OPTIONAL = PE + 24,
    SECTIONS = OPTIONAL + 240,
    TEXT = 1024,
    EXTRA = 2048
};

static uint8_t file[SIZE];

static void section(unsigned index, const char *name, uint32_t address, uint32_t size,
                    uint32_t offset)
{
    uint8_t *p = file + SECTIONS + 40 * (size_t)index;

    memset(p, 0, 40);
    memcpy(p, name, strlen(name) < 8 ? strlen(name) : 8);
    st_le(p + 8, 4, size);
    st_le(p + 12, 4, address);
    st_le(p + 16, 4, size);
    st_le(p + 20, 4, offset);
}

static int make(void **state)
{
    memset(file, 0, sizeof(file));
    memcpy(file, "MZ", 2);
    st_le(file + 0x3c, 4, PE);
    memcpy(file + PE, "PE\0", 4);
    st_le(file + PE + 4, 2, PE_MACHINE_ARM64);
    st_le(file + PE + 6, 2, 2);
    st_le(file + PE + 20, 2, 240);
    st_le(file + OPTIONAL, 2, 0x20b);
    st_le(file + OPTIONAL + 16, 4, 0x1000);
    st_le(file + OPTIONAL + 56, 4, 0x4000);
    st_le(file + OPTIONAL + 68, 2, PE_SUBSYSTEM_EFI_APPLICATION);
    st_le(file + OPTIONAL + 108, 4, 16);
    section(0, ".text", 0x1000, 512, TEXT);
    section(1, ".data", 0x2000, 256, EXTRA);
    return 0;
}

static int parse(struct pe *pe)
{
    struct image_source source = source_memory(file, SIZE);
    struct error err = {0};
    int rc = pe_read(&source, pe, &err);

    if (rc)
        assert_true(err.text[0]);
    return rc;
}

static void expect(const char *id)
{
    struct pe pe;

    assert_int_equal(parse(&pe), 0);
    if (!findings_find(&pe.findings, id))
        fail_msg("no finding %s", id);
    make(NULL);
}

static void expect_kind(enum pe_kind kind, const char *version)
{
    struct pe pe;

    assert_int_equal(parse(&pe), 0);
    assert_int_equal(pe.kind, kind);
    assert_string_equal(pe.version, version);
    make(NULL);
}

static void a_good_program_is_read_without_findings(void **state)
{
    struct pe pe;

    assert_int_equal(parse(&pe), 0);
    assert_int_equal(pe.findings.count, 0);
    assert_int_equal(pe.machine, PE_MACHINE_ARM64);
    assert_true(pe.plus);
    assert_int_equal(pe.sections, 2);
    assert_string_equal(pe.section[0].name, ".text");
    assert_int_equal(pe.kind, PE_UNKNOWN);
}

static void a_32_bit_arm_program_is_pe32(void **state)
{
    struct pe pe;

    st_le(file + PE + 4, 2, PE_MACHINE_ARM_THUMB);
    st_le(file + OPTIONAL, 2, 0x10b);
    assert_int_equal(parse(&pe), 0);
    assert_false(pe.plus);
    assert_null(findings_find(&pe.findings, "pe-width"));
}

static void what_is_no_program_is_refused(void **state)
{
    static const struct {
        unsigned offset, size;
        uint64_t value;
    } wrong[] = {{0, 2, 0},        {0x3c, 4, ~0u},       {0x3c, 4, SIZE - 4},
                 {PE, 4, 0},       {OPTIONAL, 2, 0x107}, {PE + 20, 2, 0},
                 {PE + 20, 2, 111}};
    struct pe pe;

    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        st_le(file + wrong[i].offset, wrong[i].size, wrong[i].value);
        assert_int_equal(parse(&pe), -EINVAL);
        make(NULL);
    }
}

static void each_damage_is_named(void **state)
{
    static const struct {
        unsigned offset, size;
        uint64_t value;
        const char *id;
    } damage[] = {
        {PE + 6, 2, 0, "pe-empty"},
        {PE + 6, 2, 97, "pe-sections"},
        {PE + 20, 2, SIZE - OPTIONAL, "pe-table"},
        {OPTIONAL + 16, 4, 0, "pe-entry"},
        {OPTIONAL + 16, 4, 0x4000, "pe-entry"},
        {OPTIONAL + 16, 4, 0x3000, "pe-entry-section"},
        {OPTIONAL + 68, 2, 3, "pe-subsystem"},
        {OPTIONAL + 108, 4, 17, "pe-directories"},
        {OPTIONAL + 112 + 36, 4, SIZE + 1, "pe-certificates"},
        {PE + 4, 2, PE_MACHINE_ARM_THUMB, "pe-width"},
        {SECTIONS + 20, 4, SIZE - 511, "pe-section-file"},
        {SECTIONS + 20, 4, ~0u, "pe-section-file"},
        {SECTIONS + 12, 4, 0x3f00, "pe-section-memory"},
        {SECTIONS + 8, 4, ~0u, "pe-section-memory"},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(damage); i++) {
        st_le(file + damage[i].offset, damage[i].size, damage[i].value);
        expect(damage[i].id);
    }
}

static void programs_are_recognised_by_what_they_contain(void **state)
{
    section(1, ".sbat", 0x2000, 256, EXTRA);
    strcpy((char *)file + EXTRA,
           "sbat,1,SBAT Version,sbat,1,https://x\ngrub,3,FSF,grub,2.06,https://y\n");
    expect_kind(PE_GRUB, "2.06");
    section(1, "mods", 0x2000, 256, EXTRA);
    expect_kind(PE_GRUB, "");
    section(1, ".sbat", 0x2000, 256, EXTRA);
    strcpy((char *)file + EXTRA, "sbat,1,a,sbat,1,b\nshim,3,UEFI shim,shim,15.7,https://z\n");
    expect_kind(PE_SHIM, "15.7");
    section(1, ".sdmagic", 0x2000, 256, EXTRA);
    strcpy((char *)file + EXTRA, "#### LoaderInfo: systemd-boot 252.4 ####");
    expect_kind(PE_SYSTEMD_BOOT, "252.4");
    section(1, ".data", 0x2000, 256, EXTRA); /* as gnu-efi makes it on arm64 */
    strcpy((char *)file + EXTRA, "#### LoaderInfo: systemd-boot 252.4 ####");
    expect_kind(PE_SYSTEMD_BOOT, "252.4");
    section(0, ".linux", 0x1000, 512, TEXT);
    section(1, ".osrel", 0x2000, 256, EXTRA);
    expect_kind(PE_SYSTEMD_STUB, "");
    memcpy(file + 56, "ARM\x64", 4);
    expect_kind(PE_LINUX, "");
}

static void text_in_a_section_is_bounded(void **state)
{
    section(1, ".sbat", 0x2000, 256, EXTRA);
    memset(file + EXTRA, 'g', 256);
    expect_kind(PE_UNKNOWN, "");
    section(1, ".sbat", 0x2000, 256, SIZE - 100);
    memset(file + SIZE - 100, 'g', 100);
    expect_kind(PE_UNKNOWN, "");
    section(1, ".sbat", 0x2000, 64, EXTRA);
    strcpy((char *)file + EXTRA, "grub,,,,\033[31m");
    expect_kind(PE_GRUB, "?[31m");
}

#define TEST(fn) cmocka_unit_test_setup(fn, make)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_good_program_is_read_without_findings),
        TEST(a_32_bit_arm_program_is_pe32),
        TEST(what_is_no_program_is_refused),
        TEST(each_damage_is_named),
        TEST(programs_are_recognised_by_what_they_contain),
        TEST(text_in_a_section_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
