/* SPDX-License-Identifier: Apache-2.0 */
/* The ACPI tables: handed over by a small interpreter of the table loader, checked by their sums,
 * by what they must say, and by iasl. */
#include "devtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/acpi/loader.h"

/* --- machines --------------------------------------------------------------------------------*/

enum { MAX_CPUS = 123 };

static const struct pci_windows windows = {
    .ecam = 0x4010000000,
    .ecam_size = 256 << 20,
    .pio = 0x3eff0000,
    .pio_size = 0x10000,
    .mmio32 = 0x10000000,
    .mmio32_size = 0x2eff0000,
    .mmio64 = 0x8000000000,
    .mmio64_size = 0x8000000000,
    .intx_spi = 3,
    .buses = 256,
};

static void build(unsigned gic, unsigned cpus, bool msi, struct acpi_files *files)
{
    struct acpi acpi;
    uint64_t mpidr[MAX_CPUS];
    for (unsigned i = 0; i < cpus; i++)
        mpidr[i] = (i / 16) << 8 | i % 16;
    acpi_init(&acpi);
    acpi.cpus = cpus;
    acpi.mpidr = mpidr;
    acpi.gic.version = gic;
    acpi.gic.distributor = 0x8000000;
    acpi.gic.cpu_interface = gic == 2 ? 0x8010000 : 0;
    acpi.gic.redistributors = gic == 3 ? 0x80a0000 : 0;
    acpi.gic.redistributor_size = gic == 3 ? cpus * 0x20000 : 0;
    for (unsigned i = 0; i < 4; i++)
        acpi.timer.gsiv[i] = (const uint32_t[]){29, 30, 27, 26}[i];
    acpi.uart.base = 0x9000000;
    acpi.uart.gsiv = 33;
    if (msi && gic == 3)
        acpi.its = 0x8080000;
    if (msi && gic == 2) {
        acpi.msi_frame.base = 0x8020000;
        acpi.msi_frame.first_gsiv = 80;
        acpi.msi_frame.count = 64;
    }
    acpi_cpus(&acpi, cpus);
    acpi_pci_host(&acpi, &windows);
    assert_int_equal(acpi_finish(&acpi, files), 0);
}

/* --- what firmware does ----------------------------------------------------------------------*/

struct place {
    const char *name;
    struct blob *file;
    uint64_t address;
    bool allocated;
};

struct firmware {
    struct place place[2];
};

static struct place *find(struct firmware *fw, const uint8_t *name)
{
    assert_int_equal(name[LOADER_NAME_SIZE - 1], 0);
    for (unsigned i = 0; i < 2; i++)
        if (!strcmp((const char *)name, fw->place[i].name))
            return &fw->place[i];
    fail_msg("there is no file %s", name);
    return NULL;
}

static uint8_t sum(const uint8_t *data, size_t size)
{
    uint8_t total = 0;
    for (size_t i = 0; i < size; i++)
        total += data[i];
    return total;
}

static void add_pointer(struct firmware *fw, const uint8_t *entry)
{
    struct place *in = find(fw, entry + 4), *target = find(fw, entry + 60);
    size_t at = ld_le(entry + 116, 4);
    unsigned size = entry[120];
    assert_true(in->allocated && target->allocated);
    assert_true(size == 8 && at + size <= in->file->size);
    uint64_t offset = ld_le(in->file->data + at, size);
    assert_true(offset < target->file->size);
    st_le(in->file->data + at, size, offset + target->address);
}

static void add_checksum(struct firmware *fw, const uint8_t *entry)
{
    struct place *in = find(fw, entry + 4);
    size_t at = ld_le(entry + 60, 4), start = ld_le(entry + 64, 4), size = ld_le(entry + 68, 4);
    assert_true(in->allocated);
    assert_true(start + size <= in->file->size && at >= start && at < start + size);
    assert_int_equal(in->file->data[at], 0);
    in->file->data[at] = (uint8_t)-sum(in->file->data + start, size);
}

static void run_loader(struct firmware *fw, struct acpi_files *files)
{
    *fw = (struct firmware){{{ACPI_RSDP_FILE, &files->rsdp, 0x13c0000000, false},
                             {ACPI_TABLES_FILE, &files->tables, 0x13c0010000, false}}};
    assert_int_equal(files->loader.size % LOADER_ENTRY_SIZE, 0);
    for (size_t at = 0; at < files->loader.size; at += LOADER_ENTRY_SIZE) {
        const uint8_t *entry = files->loader.data + at;
        switch (ld_le(entry, 4)) {
        case LOADER_ALLOCATE: {
            uint64_t align = ld_le(entry + 60, 4);
            struct place *place = find(fw, entry + 4);
            assert_true(align && !(align & (align - 1)) && !place->allocated);
            assert_true(entry[64] == LOADER_HIGH || entry[64] == LOADER_SEGMENT_F);
            place->allocated = true;
            break;
        }
        case LOADER_ADD_POINTER:
            add_pointer(fw, entry);
            break;
        case LOADER_ADD_CHECKSUM:
            add_checksum(fw, entry);
            break;
        default:
            fail_msg("command %u is unknown", (unsigned)ld_le(entry, 4));
        }
    }
}

/* The table at a guest address, its length and checksum found good. */
static const uint8_t *table_at(const struct firmware *fw, uint64_t address)
{
    const struct blob *tables = fw->place[1].file;
    uint64_t offset = address - fw->place[1].address;
    assert_true(offset < tables->size && offset + 36 <= tables->size);
    const uint8_t *table = tables->data + offset;
    size_t length = ld_le(table + 4, 4);
    assert_true(length >= 36 && length <= tables->size - offset);
    assert_int_equal(sum(table, length), 0);
    assert_int_equal(offset % 8, 0);
    return table;
}

/* From RSDP through XSDT, as an operating system goes. */
static const uint8_t *find_table(const struct firmware *fw, const char *signature)
{
    const uint8_t *rsdp = fw->place[0].file->data;
    const uint8_t *xsdt = table_at(fw, ld_le(rsdp + 24, 8));
    assert_memory_equal(xsdt, "XSDT", 4);
    for (size_t at = 36; at < ld_le(xsdt + 4, 4); at += 8) {
        const uint8_t *table = table_at(fw, ld_le(xsdt + at, 8));
        if (!memcmp(table, signature, 4))
            return table;
    }
    return NULL;
}

/* --- tests -----------------------------------------------------------------------------------*/

static void the_loader_makes_pointers_and_checksums_good(void **state)
{
    for (unsigned gic = 2; gic <= 3; gic++) {
        struct acpi_files files;
        struct firmware fw;
        build(gic, 8, true, &files);
        run_loader(&fw, &files);
        const uint8_t *rsdp = files.rsdp.data;
        assert_int_equal(files.rsdp.size, 36);
        assert_memory_equal(rsdp, "RSD PTR ", 8);
        assert_int_equal(sum(rsdp, 20), 0);
        assert_int_equal(sum(rsdp, 36), 0);
        assert_int_equal(rsdp[15], 2);
        assert_int_equal(ld_le(rsdp + 16, 4), 0);
        static const char *const wanted[] = {"FACP", "APIC", "GTDT", "PPTT",
                                             "MCFG", "SPCR", "DBG2"};
        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
            if (!find_table(&fw, wanted[i]))
                fail_msg("no %s", wanted[i]);
        const uint8_t *dsdt = table_at(&fw, ld_le(find_table(&fw, "FACP") + 140, 8));
        assert_memory_equal(dsdt, "DSDT", 4);
        assert_int_equal(find_table(&fw, "IORT") != NULL, gic == 3);
        acpi_files_free(&files);
    }
}

/* The structures of a kind in MADT; *last is the last one of them. */
static unsigned madt_count(const uint8_t *madt, unsigned type, const uint8_t **last)
{
    unsigned count = 0;
    for (size_t at = 44; at < ld_le(madt + 4, 4); at += madt[at + 1]) {
        assert_true(madt[at + 1] >= 2);
        if (madt[at] == type) {
            *last = madt + at;
            count++;
        }
    }
    return count;
}

static void madt_describes_a_gicv3_with_its(void **state)
{
    struct acpi_files files;
    struct firmware fw;
    const uint8_t *s = NULL;
    build(3, MAX_CPUS, true, &files);
    run_loader(&fw, &files);
    const uint8_t *madt = find_table(&fw, "APIC");
    assert_int_equal(madt_count(madt, 0xb, &s), MAX_CPUS);
    assert_int_equal(s[1], 0x50);
    assert_int_equal(ld_le(s + 8, 4), MAX_CPUS - 1); /* UID */
    assert_int_equal(ld_le(s + 12, 4), 1);           /* enabled */
    assert_int_equal(ld_le(s + 32, 8), 0);           /* no memory-mapped interface */
    assert_int_equal(ld_le(s + 68, 8), 0x70a);       /* MPIDR */
    assert_int_equal(madt_count(madt, 0xc, &s), 1);
    assert_int_equal(s[20], 3);
    assert_int_equal(madt_count(madt, 0xe, &s), 1);
    assert_int_equal(ld_le(s + 4, 8), 0x80a0000);
    assert_int_equal(ld_le(s + 12, 4), MAX_CPUS * 0x20000);
    assert_int_equal(madt_count(madt, 0xf, &s), 1);
    assert_int_equal(ld_le(s + 8, 8), 0x8080000);
    assert_int_equal(madt_count(madt, 0xd, &s), 0);
    acpi_files_free(&files);
}

static void madt_describes_a_gicv2_with_an_msi_frame(void **state)
{
    struct acpi_files files;
    struct firmware fw;
    const uint8_t *s = NULL;
    build(2, 8, true, &files);
    run_loader(&fw, &files);
    const uint8_t *madt = find_table(&fw, "APIC");
    assert_int_equal(madt_count(madt, 0xb, &s), 8);
    assert_int_equal(ld_le(s + 32, 8), 0x8010000);
    assert_int_equal(madt_count(madt, 0xc, &s), 1);
    assert_int_equal(s[20], 2);
    assert_int_equal(madt_count(madt, 0xd, &s), 1);
    assert_int_equal(ld_le(s + 8, 8), 0x8020000);
    assert_int_equal(ld_le(s + 20, 2), 64);
    assert_int_equal(ld_le(s + 22, 2), 80);
    assert_int_equal(madt_count(madt, 0xe, &s) + madt_count(madt, 0xf, &s), 0);
    acpi_files_free(&files);
}

static void fixed_tables_say_what_the_machine_is(void **state)
{
    struct acpi_files files;
    struct firmware fw;
    build(3, 1, false, &files);
    run_loader(&fw, &files);
    const uint8_t *t = find_table(&fw, "FACP");
    assert_int_equal(ld_le(t + 4, 4), 276);
    assert_int_equal(t[8] << 8 | t[131], 0x603);
    assert_int_equal(ld_le(t + 112, 4), 1 << 20); /* hardware-reduced */
    assert_int_equal(ld_le(t + 129, 2), 3);       /* PSCI through HVC */
    t = find_table(&fw, "GTDT");
    assert_int_equal(ld_le(t + 48, 4), 29);
    assert_int_equal(ld_le(t + 56, 4), 30);
    assert_int_equal(ld_le(t + 64, 4), 27);
    assert_int_equal(ld_le(t + 72, 4), 26);
    t = find_table(&fw, "SPCR");
    assert_int_equal(t[36], 3);
    assert_int_equal(ld_le(t + 44, 8), 0x9000000);
    assert_int_equal(ld_le(t + 54, 4), 33);
    t = find_table(&fw, "MCFG");
    assert_int_equal(ld_le(t + 44, 8), 0x4010000000);
    assert_int_equal(t[55], 255);
    assert_null(find_table(&fw, "IORT"));
    acpi_files_free(&files);
}

static void an_error_in_a_device_is_the_result(void **state)
{
    struct acpi acpi;
    struct acpi_files files;
    acpi_init(&acpi);
    aml_device(&acpi.dsdt, "lower");
    aml_end(&acpi.dsdt);
    assert_true(acpi_finish(&acpi, &files) < 0);
    assert_null(files.tables.data);
    struct pci_windows none = {0};
    acpi_init(&acpi);
    acpi_pci_host(&acpi, &none);
    assert_true(acpi_finish(&acpi, &files) < 0);
}

/* --- iasl ------------------------------------------------------------------------------------*/

static void run_iasl(const char *directory, const char *name, const char *how)
{
    char command[512], output[4096];
    snprintf(command, sizeof(command), "cd %s && iasl %s 2>&1", directory, how);
    FILE *iasl = popen(command, "re");
    assert_non_null(iasl);
    size_t size = fread(output, 1, sizeof(output) - 1, iasl);
    output[size] = 0;
    int status = pclose(iasl);
    if (status || strstr(output, "rror  ") || strstr(output, "arning  ") ||
        strstr(output, "Remark  ") || strstr(output, "nvalid"))
        fail_msg("%s: iasl %s: %s", name, how, output);
}

static void put_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Disassembled, compiled anew and the same: what iasl does not understand would be lost. Checksum,
 * compiler and its revision are iasl's then. */
static void check_table(const char *directory, const uint8_t *table, size_t size)
{
    char path[64], name[5] = "";
    uint8_t *again = malloc(size + 1);
    assert_non_null(again);
    memcpy(name, table, 4);
    snprintf(path, sizeof(path), "%s/t.dat", directory);
    put_file(path, table, size);
    run_iasl(directory, name, "-d t.dat");
    run_iasl(directory, name, "-oa -vr -p t t.dsl");
    snprintf(path, sizeof(path), "%s/t.aml", directory);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    if (fread(again, 1, size + 1, file) != size || memcmp(again, table, 9) ||
        memcmp(again + 10, table + 10, 18) || memcmp(again + 36, table + 36, size - 36))
        fail_msg("%s is not the same after iasl", name);
    fclose(file);
    free(again);
}

static void check_machine(unsigned gic, unsigned cpus, bool msi)
{
    struct acpi_files files;
    char directory[] = "/tmp/armvm-acpi-XXXXXX", command[64];
    size_t at = 0, size;
    uint8_t *table;
    assert_non_null(mkdtemp(directory));
    build(gic, cpus, msi, &files);
    while (acpi_next_table(&files, &at, &table, &size)) {
        assert_non_null(table);
        assert_int_equal(sum(table, size), 0);
        check_table(directory, table, size);
        free(table);
    }
    acpi_files_free(&files);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    assert_int_equal(system(command), 0);
}

static void iasl_has_no_complaint(void **state)
{
    if (system("iasl -v >/dev/null 2>&1") != 0) {
        print_message("iasl (package acpica-tools) is missing\n");
        skip();
    }
    check_machine(2, 1, false);
    check_machine(2, 8, true);
    check_machine(3, 1, true);
    check_machine(3, 8, false);
    check_machine(3, MAX_CPUS, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loader_makes_pointers_and_checksums_good),
        cmocka_unit_test(madt_describes_a_gicv3_with_its),
        cmocka_unit_test(madt_describes_a_gicv2_with_an_msi_frame),
        cmocka_unit_test(fixed_tables_say_what_the_machine_is),
        cmocka_unit_test(an_error_in_a_device_is_the_result),
        cmocka_unit_test(iasl_has_no_complaint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
