/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flat map with 4 KiB granule: what UEFI's memory map calls memory is write-back memory, what a
 * device driver asks for becomes Device-nGnRE, and nothing else is there: an access to an address
 * that nobody described faults. Arm ARM, D8.
 */
#include "aarch64/offsets.h"
#include "arch.h"
#include "base/tap.h"
#include "uefi/uefi.h"

enum { TABLES = 160, ENTRIES = 512, LEVELS = 4 };

struct mmu {
    u64 ttbr, tcr, mair, sctlr;
};
_Static_assert(__builtin_offsetof(struct mmu, mair) == MMU_MAIR, "offsets.h");

struct mmu mmu;
static u64 table[TABLES][ENTRIES] PAGE_ALIGNED;
static u32 used;
static bool on;

#define VALID   1ull
#define TABLE   3ull
#define AF      (1ull << 10)
#define INNER   (3ull << 8)
#define UXN     (1ull << 54)
#define PXN     (1ull << 53)
#define MEMORY  (AF | INNER | UXN)
#define DEVICE  (AF | 1ull << 2 | UXN | PXN) /* MAIR index 1 */
#define ADDRESS 0xfffffffff000ull

void arch_enter(const struct mmu *mmu);

static u64 *new_table(void)
{
    return used < TABLES ? table[used++] : NULL;
}

static bool is_block(u64 entry, u32 level)
{
    return (entry & 3) == (level == 3 ? 3 : 1);
}

/* Makes a table of what was a block, with the same map. */
static u64 *split(u64 *entry, u32 level)
{
    u64 *below = new_table(), step = 1ull << (39 - 9 * (level + 1));
    u64 old = *entry;

    if (!below)
        return NULL;
    for (u32 i = 0; is_block(old, level) && i < ENTRIES; i++)
        below[i] = ((old & ~2ull) + i * step) | (level + 1 == 3 ? 3 : 1);
    *entry = (u64)(uptr)below | TABLE;
    return below;
}

/* keep: what is mapped stays. */
static bool map(u64 *at, u32 level, u64 from, u64 to, u64 attributes, bool keep)
{
    u64 step = 1ull << (39 - 9 * level);

    while (from < to) {
        u64 *entry = &at[from / step % ENTRIES], next = align_down(from, step) + step;
        u64 end = next < to ? next : to;
        bool whole = from % step == 0 && end == next && level >= 1;
        if (keep && level >= 1 && is_block(*entry, level)) {
            /* stays */
        } else if ((whole && (*entry & 3) != TABLE) || level == 3) {
            *entry = from | attributes | (level == 3 ? 3 : 1);
        } else {
            u64 *below =
                (*entry & 3) == TABLE ? (u64 *)(uptr)(*entry & ADDRESS) : split(entry, level);
            if (!below || !map(below, level + 1, from, end, attributes, keep))
                return false;
        }
        from = end;
    }
    return true;
}

static u64 physical_bits(void)
{
    static const u8 bits[] = {32, 36, 40, 42, 44, 48};
    u64 range = read_sysreg(id_aa64mmfr0_el1) & 15;

    return range < COUNT(bits) ? bits[range] : 48;
}

bool mmu_device(u64 base, u64 size)
{
    u64 from = align_down(base, PAGE), to = align_up(base + size, PAGE);
    bool good;

    if (!size || to <= from || to > 1ull << physical_bits())
        return false;
    good = map(table[0], 0, from, to, DEVICE, true);
    /* Nothing that was valid changes, but a block may have become a table. */
    if (on)
        asm volatile("dsb ishst\n tlbi vmalle1is\n dsb ish\n isb" ::: "memory");
    return good;
}

static bool is_memory(const struct efi_memory *area)
{
    return area->type != MEMORY_RESERVED && area->type != MEMORY_UNUSABLE &&
           area->type != MEMORY_MMIO && area->type != MEMORY_MMIO_PORT;
}

void mmu_prepare(void)
{
    u64 range = read_sysreg(id_aa64mmfr0_el1) & 15;

    memset(table[0], 0, sizeof(table[0]));
    used = 1;
    for (uptr i = 0; memory_at(i); i++) {
        const struct efi_memory *area = memory_at(i);
        u64 end = area->physical + area->pages * PAGE;
        if (is_memory(area) && !map(table[0], 0, area->physical, end, MEMORY, false))
            note("out of page tables");
        if (area->type == MEMORY_MMIO && area->attributes & EFI_MEMORY_RUNTIME)
            mmu_device(area->physical, area->pages * PAGE); /* for runtime services */
    }
    mmu.ttbr = (u64)(uptr)table[0];
    mmu.mair = 0x04ff; /* 0: write-back; 1: Device-nGnRE */
    /* T0SZ 16 (48 bits), write-back inner shareable walks, no TTBR1, the CPU's physical range. */
    mmu.tcr = 16 | 1 << 8 | 1 << 10 | 3 << 12 | 16 << 16 | 1 << 23 | 2ull << 30 |
              (range > 5 ? 5 : range) << 32;
    mmu.sctlr = 0x30d0180d | 1 << 4 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 18 | 1 << 26;
}

void arch_own(void)
{
    arch_clean(&mmu, sizeof(mmu));
    arch_clean(table, sizeof(table));
    arch_enter(&mmu);
    on = true;
}
