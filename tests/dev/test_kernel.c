/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel files: formats that boot, everything else by name, damaged and hostile headers. */
#include "devtest.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bits.h"
#include "machine/fw/kernel.h"
#include "machine/fw/unpack.h"

enum { MIB = 1 << 20, SIZE = 8192 };

static const uint64_t RAM = 0x40000000;

static uint8_t *image(uint64_t text_offset, uint64_t image_size)
{
    uint8_t *data = test_calloc(1, SIZE);
    st_le(data + 8, 8, text_offset);
    st_le(data + 16, 8, image_size);
    memcpy(data + 56, "ARM\x64", 4);
    for (unsigned i = 64; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7);
    return data;
}

static size_t gzip(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
    z_stream z = {
        .next_in = (Bytef *)data, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

/* An EFI zboot file around a payload. */
static size_t zboot(const uint8_t *payload, size_t size, const char *type, uint8_t *out)
{
    memset(out, 0, 0x1000);
    memcpy(out, "MZ\0\0zimg", 8);
    st_le(out + 8, 4, 0x1000);
    st_le(out + 12, 4, size);
    strcpy((char *)out + 24, type);
    memcpy(out + 56, "ARM\x64", 4); /* as arm64's PE stub may have: it must not win */
    memcpy(out + 0x1000, payload, size);
    return 0x1000 + size;
}

static void expect_image(const uint8_t *data, size_t size)
{
    struct kernel kernel;
    struct error err = {0};
    uint8_t *plain = image(0, 3 * MIB);
    if (kernel_parse("k", data, size, &kernel, &err))
        fail_msg("%s", err.text);
    assert_string_equal(kernel.format, "arm64 Image");
    assert_int_equal(kernel.size, SIZE);
    assert_memory_equal(kernel.data, plain, SIZE);
    assert_int_equal(kernel.segment[0].mem_size, 3 * MIB);
    kernel_close(&kernel);
    test_free(plain);
}

static void expect_error(const uint8_t *data, size_t size, const char *says)
{
    struct kernel kernel;
    struct error err = {0};
    assert_true(kernel_parse("the-file", data, size, &kernel, &err) < 0);
    assert_non_null(strstr(err.text, "the-file"));
    assert_null(strchr(err.text, '\n'));
    if (!strstr(err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

/* --- formats ---------------------------------------------------------------------------------*/

static void all_packings_of_an_image_are_recognised(void **state)
{
    uint8_t *plain = image(0, 3 * MIB), *packed = test_malloc(4 * SIZE),
            *out = test_malloc(8 * SIZE);
    expect_image(plain, SIZE);
    size_t size = gzip(plain, SIZE, packed, 4 * SIZE);
    expect_image(packed, size);
    expect_image(out, zboot(packed, size, "gzip", out));
    size = ZSTD_compress(packed, 4 * SIZE, plain, SIZE, 19);
    expect_image(packed, size);
    st_le(packed + size, 4, SIZE); /* the size that zboot appends */
    expect_image(out, zboot(packed, size + 4, "zstd", out));
    expect_image(out, zboot(packed, size, "zstd22", out));
    test_free(plain);
    test_free(packed);
    test_free(out);
}

static void every_truncation_is_an_error_or_an_image(void **state)
{
    uint8_t *plain = image(0, 3 * MIB), *packed = test_malloc(4 * SIZE),
            *out = test_malloc(8 * SIZE);
    size_t sizes[2] = {gzip(plain, SIZE, packed, 4 * SIZE)};
    for (size_t n = 0; n < sizes[0]; n += n < 64 ? 1 : 97)
        expect_error(packed, n, "");
    expect_error(packed, sizes[0] / 2, "truncated");
    size_t whole = zboot(packed, sizes[0], "gzip", out);
    for (size_t n = 0; n < whole; n += n < 64 ? 1 : 97)
        expect_error(out, n, "");
    expect_error(out, whole - 1, "truncated");
    sizes[1] = ZSTD_compress(packed, 4 * SIZE, plain, SIZE, 3);
    for (size_t n = 0; n < sizes[1]; n += n < 64 ? 1 : 97)
        expect_error(packed, n, "");
    expect_error(packed, sizes[1] - 1, "truncated");
    for (size_t n = 0; n < 64; n++)
        expect_error(plain, n, "expected an AArch64 kernel");
    test_free(plain);
    test_free(packed);
    test_free(out);
}

static void a_truncated_efi_image_is_told_by_its_sections(void **state)
{
    uint8_t *data = image(0, 3 * MIB);
    struct kernel kernel;
    memcpy(data, "MZ", 2);
    st_le(data + 0x3c, 4, 64);
    memcpy(data + 64, "PE\0\0\x64\xaa\2\0", 8);
    st_le(data + 64 + 20, 2, 0xf0);
    st_le(data + 64 + 24 + 0xf0 + 16, 4, 4096);
    st_le(data + 64 + 24 + 0xf0 + 20, 4, 4096);
    memset(data + 64 + 24 + 0xf0 + 40, 0, 40);
    assert_int_equal(kernel_parse("k", data, SIZE, &kernel, NULL), 0);
    kernel_close(&kernel);
    expect_error(data, SIZE - 1, "truncated");
    st_le(data + 0x3c, 4, 0xffffffff); /* no PE header after all */
    assert_int_equal(kernel_parse("k", data, SIZE - 1, &kernel, NULL), 0);
    kernel_close(&kernel);
    test_free(data);
}

static void damaged_data_is_an_error(void **state)
{
    uint8_t *plain = image(0, 3 * MIB), *packed = test_malloc(4 * SIZE),
            *out = test_malloc(8 * SIZE);
    size_t size = gzip(plain, SIZE, packed, 4 * SIZE);
    memset(packed + size / 2, 0xff, 64);
    expect_error(packed, size, "damaged");
    size = ZSTD_compress(packed, 4 * SIZE, plain, SIZE, 3);
    packed[6] ^= 0xff;
    memset(packed + size / 2, 0xff, 64);
    expect_error(packed, size, "data is");
    size = zboot((const uint8_t *)"BZh91AY", 7, "bzip2", out);
    expect_error(out, size, "bzip2");
    size = zboot((const uint8_t *)"not gzip", 8, "gzip", out);
    expect_error(out, size, "gzip");
    st_le(out + 8, 4, 0xffffffff);
    expect_error(out, size, "truncated");
    test_free(plain);
    test_free(packed);
    test_free(out);
}

static void a_bomb_ends_at_the_limit(void **state)
{
    enum { FULL = 1000000 };
    uint8_t *zeroes = test_calloc(1, FULL), *packed = test_malloc(FULL), *out;
    size_t size = gzip(zeroes, FULL, packed, FULL), out_size;
    assert_int_equal(unpack_gzip(packed, size, FULL - 1, &out, &out_size), -EFBIG);
    assert_int_equal(unpack_gzip(packed, size, FULL + 1, &out, &out_size), 0);
    assert_int_equal(out_size, FULL);
    free(out);
    size = ZSTD_compress(packed, FULL, zeroes, FULL, 3);
    assert_int_equal(unpack_zstd(packed, size, FULL - 1, &out, &out_size), -EFBIG);
    assert_int_equal(unpack_zstd(packed, size, FULL + 1, &out, &out_size), 0);
    assert_int_equal(out_size, FULL);
    free(out);
    test_free(zeroes);
    test_free(packed);
}

static void hostile_image_headers_are_errors(void **state)
{
    static const uint64_t sizes[][2] = {
        {0, 1ull << 41}, {1ull << 33, 0x1000}, {3, 0x1000}, {~0ull, ~0ull}, {0, ~0ull},
    };
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t *bad = image(sizes[i][0], sizes[i][1]);
        expect_error(bad, SIZE, "header");
        test_free(bad);
    }
}

static void other_files_are_called_by_their_name(void **state)
{
    static const struct {
        const char *says;
        unsigned offset;
        const char *magic;
        unsigned len;
    } files[] = {
        {"x86 (bzImage)", 0x202, "HdrS", 4},
        {"32-bit Arm (zImage)", 0x24, "\x18\x28\x6f\x01", 4},
        {"RISC-V", 56, "RSC\x05", 4},
        {"uImage", 0, "\x27\x05\x19\x56", 4},
        {"device tree", 0, "\xd0\x0d\xfe\xed", 4},
        {"initrd", 0, "070701", 6},
        {"qcow2", 0, "QFI\xfb", 4},
        {"xz", 0,
         "\xfd"
         "7zXZ",
         6},
        {"script", 0, "#!/bin/sh\n", 10},
        {"x86-64", 0,
         "\x7f"
         "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0",
         20},
        {"32-bit Arm", 0,
         "\x7f"
         "ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\x28\0",
         20},
        {"RISC-V", 0,
         "\x7f"
         "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xf3\0",
         20},
        {"PowerPC", 0,
         "\x7f"
         "ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\x15",
         20},
        {"MBR", 510, "\x55\xaa", 2},
        {"ext2/3/4", 1080, "\x53\xef", 2},
        {"unknown kind", 100, "\1", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        uint8_t *data = test_calloc(1, SIZE);
        memcpy(data + files[i].offset, files[i].magic, files[i].len);
        expect_error(data, SIZE, files[i].says);
        expect_error(data, files[i].offset + files[i].len, files[i].says);
        test_free(data);
    }
    expect_error((const uint8_t *)"", 0, "empty");
    expect_error((const uint8_t *)"hello, world\n", 13, "text");
}

static void a_packed_initrd_is_called_so(void **state)
{
    uint8_t packed[256];
    size_t size = gzip((const uint8_t *)"070701 and so on", 16, packed, sizeof(packed));
    expect_error(packed, size, "initrd");
    expect_error(packed, size, "gzip-compressed");
}

static void pe_files_are_called_by_their_machine(void **state)
{
    uint8_t *pe = test_calloc(1, SIZE);
    memcpy(pe, "MZ", 2);
    st_le(pe + 0x3c, 4, 0x80);
    memcpy(pe + 0x80, "PE\0\0\x64\x86", 6);
    expect_error(pe, SIZE, "x86-64");
    st_le(pe + 0x84, 2, 0xaa64);
    expect_error(pe, SIZE, "AArch64 without an arm64 Image header");
    st_le(pe + 0x3c, 4, 0xfffffff0);
    expect_error(pe, SIZE, "unknown machine");
    st_le(pe + 0x3c, 4, SIZE - 5);
    expect_error(pe, SIZE, "unknown machine");
    test_free(pe);
}

/* --- ELF -------------------------------------------------------------------------------------*/

static uint8_t *elf(uint64_t paddr, uint64_t filesz, uint64_t memsz, uint64_t offset)
{
    uint8_t *data = test_calloc(1, SIZE);
    Elf64_Ehdr eh = {.e_type = ET_EXEC,
                     .e_machine = EM_AARCH64,
                     .e_entry = 0xffff000000000040,
                     .e_phoff = 64,
                     .e_phentsize = sizeof(Elf64_Phdr),
                     .e_phnum = 2};
    Elf64_Phdr ph[2] = {
        {.p_type = PT_NOTE, .p_offset = ~0ull, .p_filesz = ~0ull, .p_memsz = ~0ull},
        {.p_type = PT_LOAD,
         .p_offset = offset,
         .p_vaddr = 0xffff000000000000,
         .p_paddr = paddr,
         .p_filesz = filesz,
         .p_memsz = memsz},
    };
    memcpy(eh.e_ident, ELFMAG, SELFMAG);
    eh.e_ident[EI_CLASS] = ELFCLASS64;
    eh.e_ident[EI_DATA] = ELFDATA2LSB;
    memcpy(data, &eh, sizeof(eh));
    memcpy(data + 64, ph, sizeof(ph));
    return data;
}

static void an_elf_file_is_entered_at_its_physical_address(void **state)
{
    struct kernel kernel;
    struct kernel_layout layout;
    struct error err;
    uint8_t *data = elf(RAM + 0x80000, 4096, 8192, 4096);
    assert_int_equal(kernel_parse("k", data, SIZE, &kernel, &err), 0);
    assert_int_equal(kernel_place(&kernel, "k", RAM, 64 * MIB, 5, 4096, &layout, &err), 0);
    assert_int_equal(layout.entry, RAM + 0x80040);
    assert_int_equal(layout.base, 0);
    assert_int_equal(layout.dtb, RAM + 2 * MIB);
    assert_int_equal(layout.initrd, RAM + 4 * MIB);
    kernel_close(&kernel);
    test_free(data);
}

static void hostile_elf_headers_are_errors(void **state)
{
    static const uint64_t bad[][4] = {
        {0x40000000, 4096, 4095, 4096}, {0x40000000, 4097, 5000, 4096}, {0x40000000, 1, 1, ~0ull},
        {0x40000000, ~0ull, ~0ull, 8},  {~0ull - 5, 16, 16, 0},         {0x40000000, 0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint8_t *data = elf(bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
        expect_error(data, SIZE, "ELF");
        test_free(data);
    }
    uint8_t *data = elf(RAM, 16, 16, 0);
    st_le(data + offsetof(Elf64_Ehdr, e_phoff), 8, ~0ull);
    expect_error(data, SIZE, "ELF");
    st_le(data + offsetof(Elf64_Ehdr, e_phoff), 8, 64);
    st_le(data + offsetof(Elf64_Ehdr, e_phnum), 2, 0xffff);
    expect_error(data, SIZE, "ELF");
    st_le(data + offsetof(Elf64_Ehdr, e_phentsize), 2, 1);
    expect_error(data, SIZE, "ELF");
    test_free(data);
}

/* --- placement -------------------------------------------------------------------------------*/

static int place(uint64_t text_offset, uint64_t image_size, uint64_t ram, uint64_t initrd,
                 struct kernel_layout *layout, struct error *err)
{
    struct kernel kernel;
    uint8_t *data = image(text_offset, image_size);
    assert_int_equal(kernel_parse("k", data, SIZE, &kernel, err), 0);
    int rc = kernel_place(&kernel, "k", RAM, ram, initrd, 2 * MIB, layout, err);
    kernel_close(&kernel);
    test_free(data);
    return rc;
}

static void kernel_tree_and_initrd_follow_each_other(void **state)
{
    struct kernel_layout layout;
    struct error err;
    assert_int_equal(place(0, 30 * MIB + 5, 128 * MIB, 7, &layout, &err), 0);
    assert_int_equal(layout.base, RAM);
    assert_int_equal(layout.entry, RAM);
    assert_int_equal(layout.dtb, RAM + 32 * MIB);
    assert_int_equal(layout.initrd, RAM + 34 * MIB);
    assert_int_equal(place(0x80000, 2 * MIB, 128 * MIB, 0, &layout, &err), 0);
    assert_int_equal(layout.entry, RAM + 0x80000);
    assert_int_equal(layout.dtb, RAM + 4 * MIB);
    assert_int_equal(layout.initrd, 0);
    assert_int_equal(place(77, 0, 128 * MIB, 0, &layout, &err), 0); /* before image_size existed */
    assert_int_equal(layout.entry, RAM + 0x80000);
}

static void what_does_not_fit_is_refused_with_its_size(void **state)
{
    struct kernel_layout layout;
    struct error err = {0};
    assert_true(place(0, 30 * MIB, 16 * MIB, 0, &layout, &err) < 0);
    assert_non_null(strstr(err.text, "--memory"));
    assert_true(place(0, 30 * MIB, 32 * MIB, 1, &layout, &err) < 0);
    assert_true(place(0, 30 * MIB, 64 * MIB, 64 * MIB, &layout, &err) < 0);
    assert_non_null(strstr(err.text, "initrd"));
    assert_true(place(0, (1ull << 40) - 1, 64 * MIB, 0, &layout, &err) < 0);
    assert_true(place((1ull << 32) - 8, 1 * MIB, 64 * MIB, 0, &layout, &err) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_packings_of_an_image_are_recognised),
        cmocka_unit_test(every_truncation_is_an_error_or_an_image),
        cmocka_unit_test(a_truncated_efi_image_is_told_by_its_sections),
        cmocka_unit_test(damaged_data_is_an_error),
        cmocka_unit_test(a_bomb_ends_at_the_limit),
        cmocka_unit_test(hostile_image_headers_are_errors),
        cmocka_unit_test(other_files_are_called_by_their_name),
        cmocka_unit_test(a_packed_initrd_is_called_so),
        cmocka_unit_test(pe_files_are_called_by_their_machine),
        cmocka_unit_test(an_elf_file_is_entered_at_its_physical_address),
        cmocka_unit_test(hostile_elf_headers_are_errors),
        cmocka_unit_test(kernel_tree_and_initrd_follow_each_other),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
