/* SPDX-License-Identifier: Apache-2.0 */
/* SMBIOS structures, walked as a reader does, and through dmidecode. */
#include "devtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/fw/smbios.h"

static const struct smbios_facts plain = {
    .board = "virt",
    .cpu = "cortex-a72",
    .midr = 0x410fd083,
    .cpus = 4,
    .ram_base = 0x40000000,
    .ram_size = 6ull << 30,
};

/* The structure of a type, every one on the way checked: length, strings, handle. */
static const uint8_t *find(const struct blob *tables, unsigned type)
{
    const uint8_t *found = NULL;
    size_t at = 0;
    int last = -1;
    while (at < tables->size) {
        const uint8_t *s = tables->data + at;
        assert_true(tables->size - at >= 4 && s[1] >= 4 && s[1] + 2u <= tables->size - at);
        assert_true((int)ld_le(s + 2, 2) > last);
        last = (int)ld_le(s + 2, 2);
        if (s[0] == type)
            found = s;
        for (at += s[1]; tables->data[at] || tables->data[at + 1]; at++)
            assert_true(at + 2 < tables->size);
        at += 2;
        if (s[0] == 127)
            break;
    }
    assert_int_equal(at, tables->size);
    return found;
}

static void the_anchor_is_of_version_3(void **state)
{
    struct blob anchor, tables;
    uint8_t sum = 0;
    assert_int_equal(smbios_build(&plain, &anchor, &tables), 0);
    assert_int_equal(anchor.size, 24);
    assert_memory_equal(anchor.data, "_SM3_", 5);
    for (unsigned i = 0; i < 24; i++)
        sum += anchor.data[i];
    assert_int_equal(sum, 0);
    assert_int_equal(ld_le(anchor.data + 12, 4), tables.size);
    blob_free(&anchor);
    blob_free(&tables);
}

static void all_structures_are_there(void **state)
{
    static const uint8_t types[] = {1, 3, 4, 16, 17, 19, 32, 127};
    struct blob anchor, tables;
    assert_int_equal(smbios_build(&plain, &anchor, &tables), 0);
    for (unsigned i = 0; i < sizeof(types); i++)
        assert_non_null(find(&tables, types[i]));
    const uint8_t *s = find(&tables, 4);
    assert_int_equal(s[35], 4);
    assert_int_equal(ld_le(s + 8, 4), 0x410fd083);
    blob_free(&anchor);
    blob_free(&tables);
}

static void memory_of_any_size_is_said(void **state)
{
    static const struct {
        uint64_t size, array_kib, device_mib, extended_mib, last_kib;
    } rows[] = {
        {512ull << 20, 512 << 10, 512, 0, 0x17ffff},
        {6ull << 30, 6 << 20, 6 << 10, 0, 0x6fffff},
        {64ull << 30, 64 << 20, 0x7fff, 64 << 10, 0x40fffff},
        {4ull << 40, 0x80000000, 0x7fff, 4 << 20, 0xffffffff},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct smbios_facts facts = plain;
        struct blob anchor, tables;
        facts.ram_size = rows[i].size;
        assert_int_equal(smbios_build(&facts, &anchor, &tables), 0);
        assert_int_equal(ld_le(find(&tables, 16) + 7, 4), rows[i].array_kib);
        assert_int_equal(ld_le(find(&tables, 17) + 12, 2), rows[i].device_mib);
        assert_int_equal(ld_le(find(&tables, 17) + 28, 4), rows[i].extended_mib);
        assert_int_equal(ld_le(find(&tables, 19) + 8, 4), rows[i].last_kib);
        blob_free(&anchor);
        blob_free(&tables);
    }
}

/* dmidecode's dump format: the anchor at 0, the structures where its address says. */
static void dmidecode_has_no_complaint(void **state)
{
    enum { TABLES = 32 };
    struct blob anchor, tables;
    char path[] = "/tmp/armvm-smbios-XXXXXX", command[96], output[8192];
    if (system("dmidecode --version >/dev/null 2>&1") != 0) {
        print_message("dmidecode is missing\n");
        skip();
    }
    assert_int_equal(smbios_build(&plain, &anchor, &tables), 0);
    blob_patch(&anchor, 16, 8, TABLES);
    anchor.data[5] -= TABLES;
    blob_align(&anchor, TABLES);
    blob_put(&anchor, tables.data, tables.size);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, anchor.data, anchor.size), anchor.size);
    close(fd);
    blob_free(&anchor);
    blob_free(&tables);
    snprintf(command, sizeof(command), "dmidecode --from-dump %s 2>&1", path);
    FILE *dmidecode = popen(command, "re");
    assert_non_null(dmidecode);
    size_t size = fread(output, 1, sizeof(output) - 1, dmidecode);
    output[size] = 0;
    int status = pclose(dmidecode);
    unlink(path);
    static const char *const bad[] = {"BAD INDEX", "OUT OF SPEC", "roken", "nvalid", "runcated"};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        if (status || strstr(output, bad[i]))
            fail_msg("dmidecode: %s", output);
    assert_non_null(strstr(output, "Size: 6 GB"));
    assert_non_null(strstr(output, "Version: cortex-a72"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_anchor_is_of_version_3),
        cmocka_unit_test(all_structures_are_there),
        cmocka_unit_test(memory_of_any_size_is_said),
        cmocka_unit_test(dmidecode_has_no_complaint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
