/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ITS's tables in guest memory (IHI 0069 5.2): device table, collection table, interrupt
 * translation tables. Their format is our own, eight bytes an entry:
 *
 *   device       Valid 63, ITT_addr 51:8, Size 4:0 (bits of EventID minus one)
 *   collection   Valid 63, CPU number 15:0
 *   event        Valid 63, collection 31:16, INTID 15:0
 *
 * The guest may scribble on them: whatever is read is checked before it is used.
 */
#include "machine/intc/its.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"

#define ENTRY_VALID (1ull << 63)
#define ITT_ADDRESS 0xfffffffffff00ull

/* --- entries ---------------------------------------------------------------------------------*/

static int read_entry(const struct its *its, uint64_t at, uint64_t *entry)
{
    uint8_t raw[ITS_ENTRY];
    int rc = mem_read(its->dev.mem, at, raw, sizeof(raw));
    *entry = rc ? 0 : ld_le(raw, sizeof(raw));
    return rc;
}

static int write_entry(const struct its *its, uint64_t at, uint64_t entry)
{
    uint8_t raw[ITS_ENTRY];
    st_le(raw, sizeof(raw), entry);
    return mem_write(its->dev.mem, at, raw, sizeof(raw));
}

/* GITS_BASER.Page_Size: 4, 16 or 64 KiB. */
static uint64_t page_size(uint64_t baser)
{
    unsigned code = (unsigned)bits(baser, 9, 8);
    return 4096ull << (code >= 2 ? 4 : 2 * code);
}

/* Physical_Address; with 64 KiB pages bits 15:12 of the register are address bits 51:48. */
static uint64_t table_base(uint64_t baser)
{
    if (page_size(baser) == 65536)
        return (baser & 0xffffffff0000ull) | bits(baser, 15, 12) << 48;
    return baser & 0xfffffffff000ull & ~(page_size(baser) - 1);
}

/* Where the entry of a device or a collection is, in a flat table or behind a first level. */
static int find_entry(const struct its *its, enum its_table table, uint32_t id, uint64_t *at)
{
    uint64_t baser = its->baser[table], page = page_size(baser), level1;
    uint64_t entries = (bits(baser, 7, 0) + 1) * page / ITS_ENTRY, base = table_base(baser);
    unsigned id_bits = table == ITS_DEVICES ? ITS_DEVICE_BITS : ITS_COLLECTION_BITS;
    if (!(baser & GITS_BASER_VALID) || id >> id_bits)
        return -ENOENT;
    if (!(baser & GITS_BASER_INDIRECT)) {
        *at = base + (uint64_t)id * ITS_ENTRY;
        return id < entries ? 0 : -ENOENT;
    }
    uint64_t per_page = page / ITS_ENTRY;
    if (id / per_page >= entries)
        return -ENOENT;
    int rc = read_entry(its, base + id / per_page * ITS_ENTRY, &level1);
    if (rc)
        return rc;
    if (!(level1 & ENTRY_VALID))
        return -ENOENT;
    *at = (level1 & 0xffffffffff000ull & ~(page - 1)) + id % per_page * ITS_ENTRY;
    return 0;
}

static int get(const struct its *its, enum its_table table, uint32_t id, uint64_t *entry)
{
    uint64_t at;
    int rc = find_entry(its, table, id, &at);
    if (!rc)
        rc = read_entry(its, at, entry);
    if (!rc && !(*entry & ENTRY_VALID))
        rc = -ENOENT;
    return rc;
}

static int put(struct its *its, enum its_table table, uint32_t id, uint64_t entry)
{
    uint64_t at;
    int rc = find_entry(its, table, id, &at);
    if (!rc)
        rc = write_entry(its, at, entry);
    its_cache_flush(its);
    return rc;
}

/* --- devices and collections -----------------------------------------------------------------*/

int its_map_device(struct its *its, uint32_t device, uint64_t itt, unsigned event_bits)
{
    if (event_bits < 1 || event_bits > ITS_EVENT_BITS)
        return -ENOENT;
    return put(its, ITS_DEVICES, device, ENTRY_VALID | (itt & ITT_ADDRESS) | (event_bits - 1));
}

int its_unmap_device(struct its *its, uint32_t device)
{
    return put(its, ITS_DEVICES, device, 0);
}

int its_find_device(const struct its *its, uint32_t device, struct its_device *found)
{
    uint64_t entry;
    int rc = get(its, ITS_DEVICES, device, &entry);
    if (rc)
        return rc;
    unsigned event_bits = (unsigned)bits(entry, 4, 0) + 1;
    if (event_bits > ITS_EVENT_BITS)
        return -ENOENT;
    found->itt = entry & ITT_ADDRESS;
    found->events = 1u << event_bits;
    return 0;
}

int its_map_collection(struct its *its, uint32_t collection, unsigned cpu)
{
    return put(its, ITS_COLLECTIONS, collection, ENTRY_VALID | cpu);
}

int its_unmap_collection(struct its *its, uint32_t collection)
{
    return put(its, ITS_COLLECTIONS, collection, 0);
}

int its_find_collection(const struct its *its, uint32_t collection, unsigned *cpu)
{
    uint64_t entry;
    int rc = get(its, ITS_COLLECTIONS, collection, &entry);
    if (rc)
        return rc;
    *cpu = (unsigned)bits(entry, 15, 0);
    return *cpu < its->gic->cpus ? 0 : -ENOENT;
}

int its_check_collection(const struct its *its, uint32_t collection)
{
    uint64_t at;
    return find_entry(its, ITS_COLLECTIONS, collection, &at);
}

/* --- events ----------------------------------------------------------------------------------*/

static int find_itt_entry(const struct its *its, uint32_t device, uint32_t event, uint64_t *at)
{
    struct its_device found;
    int rc = its_find_device(its, device, &found);
    if (rc)
        return rc;
    if (event >= found.events)
        return -ENOENT;
    *at = found.itt + (uint64_t)event * ITS_ENTRY;
    return 0;
}

static uint64_t *cache_slot(struct its *its, uint32_t device, uint32_t event)
{
    uint32_t hash = (device << 16 ^ event) * 0x9e3779b1u;
    return &its->cache[hash >> (32 - ITS_CACHE_BITS)];
}

int its_map_event(struct its *its, uint32_t device, uint32_t event, uint32_t lpi,
                  uint32_t collection)
{
    uint64_t at;
    int rc = find_itt_entry(its, device, event, &at);
    if (rc)
        return rc;
    *cache_slot(its, device, event) = 0;
    return write_entry(its, at, ENTRY_VALID | (uint64_t)collection << 16 | lpi);
}

int its_unmap_event(struct its *its, uint32_t device, uint32_t event, const struct its_event *found)
{
    *cache_slot(its, device, event) = 0;
    return write_entry(its, found->at, 0);
}

int its_find_event(const struct its *its, uint32_t device, uint32_t event, struct its_event *found)
{
    uint64_t entry;
    int rc = find_itt_entry(its, device, event, &found->at);
    if (!rc)
        rc = read_entry(its, found->at, &entry);
    if (rc)
        return rc;
    found->lpi = (uint32_t)bits(entry, 15, 0);
    found->collection = (uint16_t)bits(entry, 31, 16);
    return entry & ENTRY_VALID && found->lpi >= GIC_LPI0 ? 0 : -ENOENT;
}

/* --- translation -----------------------------------------------------------------------------*/

int its_translate(struct its *its, uint32_t device, uint32_t event, uint32_t *lpi, unsigned *cpu)
{
    struct its_event found;
    if (device >> ITS_DEVICE_BITS || event >> ITS_EVENT_BITS)
        return -ENOENT;
    uint64_t *slot = cache_slot(its, device, event), key = (uint64_t)event << 16 | device;
    if (*slot && *slot >> 32 == key) {
        *lpi = (uint32_t)bits(*slot, 31, 16);
        *cpu = (unsigned)bits(*slot, 15, 0);
        return 0;
    }
    int rc = its_find_event(its, device, event, &found);
    if (!rc)
        rc = its_find_collection(its, found.collection, cpu);
    if (rc)
        return rc;
    *lpi = found.lpi;
    *slot = key << 32 | (uint64_t)found.lpi << 16 | *cpu;
    its->cache_used = true;
    return 0;
}

void its_cache_flush(struct its *its)
{
    if (its->cache_used)
        memset(its->cache, 0, sizeof(its->cache));
    its->cache_used = false;
}
