/* SPDX-License-Identifier: Apache-2.0 */
/* The memory map (UEFI 2.10, 7.2.3), and the end of boot services. */
#include "base/tap.h"
#include "uefi/uefi.h"

enum { MAP_BYTES = 64 << 10, TRIES = 4 };

static u8 map[MAP_BYTES] PAGE_ALIGNED;
static uptr map_size, entry_size;

const struct efi_memory *memory_at(uptr index)
{
    return entry_size && (index + 1) * entry_size <= map_size
               ? (const struct efi_memory *)(map + index * entry_size)
               : NULL;
}

static efi_status read_map(uptr *key)
{
    u32 version;
    efi_status status;

    map_size = MAP_BYTES;
    status = efi.boot->get_memory_map(&map_size, map, key, &entry_size, &version);
    if (status || entry_size < sizeof(struct efi_memory))
        entry_size = 0;
    return status;
}

efi_status memory_read(void)
{
    uptr key;

    return read_map(&key);
}

static void check_entry(const struct efi_memory *at, uptr index)
{
    u64 end = at->physical + at->pages * PAGE;

    if (at->physical % PAGE || !at->pages || end <= at->physical)
        test_bad("entry %u: 0x%llx, %llu pages", (u32)index, at->physical, at->pages);
    if (at->type > 15 && at->type < 0x70000000)
        test_bad("entry %u: no memory type %u", (u32)index, at->type);
    for (uptr i = 0; i < index; i++) {
        const struct efi_memory *other = memory_at(i);
        if (at->physical < other->physical + other->pages * PAGE && other->physical < end) {
            test_bad("0x%llx, %llu pages, overlaps 0x%llx, %llu pages", at->physical, at->pages,
                     other->physical, other->pages);
            return;
        }
    }
}

void test_memory_map(void)
{
    u64 usable = 0, here = (u64)(uptr)map;
    bool self = false;
    uptr key, small = 1, count = 0, size;
    u32 version;
    efi_status status = efi.boot->get_memory_map(&small, map, &key, &size, &version);

    test_begin("F1 the memory map is well-formed");
    if (status != EFI_BUFFER_TOO_SMALL || small < 2)
        test_bad("GetMemoryMap into one byte: %s", efi_name(status));
    status = read_map(&key);
    if (status || !entry_size)
        test_bad("GetMemoryMap: %s, entries of %u bytes", efi_name(status), (u32)entry_size);
    for (; memory_at(count); count++) {
        const struct efi_memory *at = memory_at(count);
        check_entry(at, count);
        if (at->type == MEMORY_CONVENTIONAL)
            usable += at->pages * PAGE;
        if (here >= at->physical && here < at->physical + at->pages * PAGE)
            self = at->type == MEMORY_LOADER_CODE || at->type == MEMORY_LOADER_DATA;
    }
    if (!usable)
        test_bad("no conventional memory");
    if (!self)
        test_bad("this program's own memory is not marked as a loader's");
    test_end("%u entries, %llu MiB free", (u32)count, usable >> 20);
}

efi_status leave_boot_services(void)
{
    efi_status status = EFI_NOT_READY;
    uptr key;

    /* The map may change between the two calls: the first failure is part of the protocol. */
    for (u32 i = 0; i < TRIES && status; i++) {
        status = read_map(&key);
        if (!status)
            status = efi.boot->exit_boot_services(efi.image, key);
    }
    if (!status)
        efi.boot = NULL;
    return status;
}
