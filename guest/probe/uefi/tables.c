/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that UEFI hands over (UEFI 2.10, chapter 4): whole, and of a version that will do. */
#include "base/tap.h"
#include "uefi/uefi.h"

static u32 crc32(const u8 *data, uptr size, uptr field)
{
    u32 crc = ~0u;

    for (uptr i = 0; i < size; i++) {
        crc ^= i - field < 4 ? 0 : data[i]; /* the field itself counts as zero */
        for (u32 bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void check_header(const char *what, const struct efi_header *header, u64 signature,
                         uptr smallest)
{
    u32 crc;

    if (!header) {
        test_bad("%s: no table", what);
        return;
    }
    if (header->signature != signature)
        test_bad("%s: signature 0x%llx", what, header->signature);
    if (header->size < smallest || header->size > 65536) {
        test_bad("%s: size %u, at least %u is needed", what, header->size, (u32)smallest);
        return;
    }
    crc = crc32((const u8 *)header, header->size, 16);
    if (crc != header->crc32)
        test_bad("%s: CRC32 0x%08x, the field says 0x%08x", what, crc, header->crc32);
}

/* Every service up to the last that UEFI 2.4 has must be there. */
static void check_services(const char *what, const void *table, uptr size, uptr reserved)
{
    void *const *service = (void *const *)((const u8 *)table + sizeof(struct efi_header));
    uptr count = (size - sizeof(struct efi_header)) / sizeof(void *);

    for (uptr i = 0; i < count; i++)
        if (!service[i] && i != reserved)
            test_bad("%s: service %u is a null pointer", what, (u32)i);
}

static void test_revision(void)
{
    u32 revision = efi.system->header.revision;

    test_begin("F3 UEFI is of revision 2.4A or newer");
    /* 2.4 errata A has no number of its own: 2.4.0 is 0x00020028. */
    if (revision < 0x00020028)
        test_bad("the system table says revision %u.%u", revision >> 16, revision % 65536 / 10);
    test_fix("use newer firmware");
    test_end("revision %u.%u.%u", revision >> 16, revision % 65536 / 10, revision % 10);
}

static void test_configuration_table(void)
{
    static const struct guid dtb = GUID_DTB_TABLE, acpi = GUID_ACPI_TABLE,
                             smbios = GUID_SMBIOS3_TABLE;
    bool has_dtb, has_acpi;

    test_begin("H1 the hardware description is reached from the system table");
    if (efi.system->tables > 1000 || (efi.system->tables && !efi.system->table))
        test_bad("the configuration table has %u entries at %llx", (u32)efi.system->tables,
                 (u64)(uptr)efi.system->table);
    for (uptr i = 0; !test_failed() && i < efi.system->tables; i++)
        if (!efi.system->table[i].table)
            test_bad("entry %u of the configuration table points nowhere", (u32)i);
    has_dtb = !test_failed() && efi_find_table(&dtb);
    has_acpi = !test_failed() && efi_find_table(&acpi);
    if (!test_failed() && !has_dtb && !has_acpi)
        test_bad("there is neither a device tree nor ACPI in the configuration table");
    test_fix("the firmware must install the device tree with GUID "
             "b1b621d5-f19c-41a5-830b-d9152c69aae0");
    test_end("%u tables:%s%s%s", (u32)efi.system->tables, has_dtb ? " device tree" : "",
             has_acpi ? " ACPI" : "", efi_find_table(&smbios) ? " SMBIOS" : "");
}

void test_tables(void)
{
    char vendor[40] = "";

    test_begin("F1 the system table and the services tables are whole");
    check_header("system table", &efi.system->header, EFI_SYSTEM_SIGNATURE,
                 sizeof(struct efi_system));
    check_header("boot services", &efi.boot->header, EFI_BOOT_SIGNATURE, sizeof(struct efi_boot));
    check_header("runtime services", &efi.runtime->header, EFI_RUNTIME_SIGNATURE,
                 sizeof(struct efi_runtime));
    if (!test_failed()) {
        check_services("boot services", efi.boot, sizeof(struct efi_boot), 17);
        check_services("runtime services", efi.runtime, sizeof(struct efi_runtime), ~0ul);
    }
    for (u32 i = 0; efi.system->vendor && i + 1 < sizeof(vendor) && efi.system->vendor[i]; i++)
        append(vendor, sizeof(vendor), "%c", efi.system->vendor[i]);
    test_end("firmware of %s, revision 0x%x", *vendor ? vendor : "nobody",
             efi.system->firmware_revision);
    test_revision();
    test_configuration_table();
}
