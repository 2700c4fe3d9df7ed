/* SPDX-License-Identifier: Apache-2.0 */
/* DSP0134 3.0, chapters 5.2.2 (the anchor), 6 and 7. Structures are written in the order of their
 * numbers; a handle is the structure's type in the high byte. Type 0 is about the firmware, which
 * adds its own. */
#include "machine/fw/smbios.h"

#include <stdbool.h>
#include <string.h>

#define VENDOR "armvm"

enum {
    TYPE_SYSTEM = 1,
    TYPE_CHASSIS = 3,
    TYPE_PROCESSOR = 4,
    TYPE_MEMORY_ARRAY = 16,
    TYPE_MEMORY_DEVICE = 17,
    TYPE_MEMORY_RANGE = 19,
    TYPE_BOOT = 32,
    TYPE_END = 127,
};
enum { UNKNOWN = 2, OTHER = 1, NO_HANDLE = 0xfffe /* "not provided" */ };
enum { MAX_STRINGS = 4, KIB = 1 << 10, MIB = 1 << 20 };

struct writer {
    struct blob *out;
    unsigned strings;
    const char *string[MAX_STRINGS];
};

static unsigned handle(unsigned type)
{
    return type << 8;
}

/* Header (6.1.2); length is that of the formatted area with the header. */
static void begin(struct writer *w, unsigned type, unsigned length)
{
    w->strings = 0;
    blob_le(w->out, 1, type);
    blob_le(w->out, 1, length);
    blob_le(w->out, 2, handle(type));
}

static void put(struct writer *w, unsigned size, uint64_t value)
{
    blob_le(w->out, size, value);
}

/* The number of a string that follows the formatted area (6.1.3). */
static void put_string(struct writer *w, const char *text)
{
    w->string[w->strings++] = text;
    put(w, 1, w->strings);
}

static void end(struct writer *w)
{
    for (unsigned i = 0; i < w->strings; i++)
        blob_put(w->out, w->string[i], strlen(w->string[i]) + 1);
    blob_put(w->out, NULL, w->strings ? 1 : 2);
}

static void write_system(struct writer *w, const struct smbios_facts *facts)
{
    enum { WAKE_POWER_SWITCH = 6 };
    begin(w, TYPE_SYSTEM, 0x1b);
    put_string(w, VENDOR);
    put_string(w, "Arm virtual machine");
    put_string(w, facts->board);
    put(w, 1, 0); /* serial number */
    put(w, 8, 0); /* UUID: none is set */
    put(w, 8, 0);
    put(w, 1, WAKE_POWER_SWITCH);
    put(w, 1, 0); /* SKU */
    put(w, 1, 0); /* family */
    end(w);
}

static void write_chassis(struct writer *w)
{
    enum { SAFE = 3, NO_SECURITY = 3 };
    begin(w, TYPE_CHASSIS, 0x16);
    put_string(w, VENDOR);
    put(w, 1, OTHER);
    put(w, 3, 0); /* version, serial number, asset tag */
    put(w, 3, SAFE << 16 | SAFE << 8 | SAFE);
    put(w, 1, NO_SECURITY);
    put(w, 4, 0); /* OEM */
    put(w, 1, 0); /* height */
    put(w, 1, 0); /* power cords */
    put(w, 2, 0); /* contained elements */
    put(w, 1, 0); /* SKU */
    end(w);
}

/* 7.5: one socket with all cores. */
static void write_processor(struct writer *w, const struct smbios_facts *facts)
{
    enum { CENTRAL = 3, FAMILY_IN_FAMILY_2 = 0xfe, FAMILY_ARMV8 = 0x101, ENABLED = 0x41 };
    enum { CHARACTERISTICS_64BIT = 1 << 2, CHARACTERISTICS_MULTI_CORE = 1 << 3 };
    unsigned count = facts->cpus > 0xff ? 0xff : facts->cpus;
    begin(w, TYPE_PROCESSOR, 0x30);
    put_string(w, "CPU 0");
    put(w, 1, CENTRAL);
    put(w, 1, FAMILY_IN_FAMILY_2);
    put_string(w, VENDOR);
    put(w, 8, facts->midr & 0xffffffff); /* 7.5.3.3: MIDR_EL1 */
    put_string(w, facts->cpu);
    put(w, 1, 0); /* voltage */
    put(w, 6, 0); /* clocks */
    put(w, 1, ENABLED);
    put(w, 1, OTHER);          /* upgrade */
    put(w, 6, 0xffffffffffff); /* caches: not said */
    put(w, 3, 0);              /* serial number, asset tag, part number */
    put(w, 3, count << 16 | count << 8 | count);
    put(w, 2, CHARACTERISTICS_64BIT | (facts->cpus > 1 ? CHARACTERISTICS_MULTI_CORE : 0));
    put(w, 2, FAMILY_ARMV8);
    for (unsigned i = 0; i < 3; i++)
        put(w, 2, facts->cpus);
    end(w);
}

/* 7.17 and 7.18: one array with one device that is as large as the machine's memory. */
static void write_memory(struct writer *w, const struct smbios_facts *facts)
{
    enum { SYSTEM_BOARD = 3, SYSTEM_MEMORY = 3, NO_ECC = 3, DIMM = 9, RAM = 7 };
    enum { USE_EXTENDED_KIB = 0x80000000u, USE_EXTENDED_MIB = 0x7fff };
    uint64_t kib = facts->ram_size / KIB, mib = facts->ram_size / MIB;
    begin(w, TYPE_MEMORY_ARRAY, 0x17);
    put(w, 1, OTHER);
    put(w, 1, SYSTEM_MEMORY);
    put(w, 1, NO_ECC);
    put(w, 4, kib < USE_EXTENDED_KIB ? kib : USE_EXTENDED_KIB);
    put(w, 2, NO_HANDLE);
    put(w, 2, 1); /* devices */
    put(w, 8, kib < USE_EXTENDED_KIB ? 0 : facts->ram_size);
    end(w);

    begin(w, TYPE_MEMORY_DEVICE, 0x28);
    put(w, 2, handle(TYPE_MEMORY_ARRAY));
    put(w, 2, NO_HANDLE);
    put(w, 4, 0xffffffff); /* widths: unknown */
    put(w, 2, mib < USE_EXTENDED_MIB ? mib : USE_EXTENDED_MIB);
    put(w, 1, DIMM);
    put(w, 1, 0); /* set */
    put_string(w, "DIMM 0");
    put(w, 1, 0); /* bank */
    put(w, 1, RAM);
    put(w, 2, 1 << OTHER);
    put(w, 2, 0); /* speed */
    put_string(w, VENDOR);
    put(w, 3, 0); /* serial number, asset tag, part number */
    put(w, 1, 0); /* rank */
    put(w, 4, mib < USE_EXTENDED_MIB ? 0 : mib);
    put(w, 2, 0); /* configured speed */
    put(w, 6, 0); /* voltages */
    end(w);
}

static void write_range(struct writer *w, const struct smbios_facts *facts)
{
    uint64_t last = facts->ram_base + facts->ram_size - 1;
    bool extended = last / KIB >= 0xffffffff;
    begin(w, TYPE_MEMORY_RANGE, 0x1f);
    put(w, 4, extended ? 0xffffffff : facts->ram_base / KIB);
    put(w, 4, extended ? 0xffffffff : last / KIB);
    put(w, 2, handle(TYPE_MEMORY_ARRAY));
    put(w, 1, 1); /* devices a row */
    put(w, 8, extended ? facts->ram_base : 0);
    put(w, 8, extended ? last : 0);
    end(w);
}

static void write_boot(struct writer *w)
{
    begin(w, TYPE_BOOT, 0x0b);
    put(w, 6, 0);
    put(w, 1, 0); /* no errors */
    end(w);
}

/* 5.2.2. Firmware fills in the address and with it the checksum. */
static void write_anchor(struct blob *anchor, size_t tables)
{
    enum { SIZE = 24, CHECKSUM = 5 };
    blob_put(anchor, "_SM3_", 5);
    blob_le(anchor, 1, 0);
    blob_le(anchor, 1, SIZE);
    blob_le(anchor, 3, 0x000003); /* version 3.0, document revision 0 */
    blob_le(anchor, 1, 1);        /* entry point revision */
    blob_le(anchor, 1, 0);
    blob_le(anchor, 4, tables);
    blob_le(anchor, 8, 0);
    uint8_t sum = 0;
    for (size_t i = 0; i < anchor->size; i++)
        sum += anchor->data[i];
    blob_patch(anchor, CHECKSUM, 1, (uint8_t)-sum);
}

int smbios_build(const struct smbios_facts *facts, struct blob *anchor, struct blob *tables)
{
    struct writer w = {.out = tables};
    *anchor = *tables = (struct blob){0};
    write_system(&w, facts);
    write_chassis(&w);
    write_processor(&w, facts);
    write_memory(&w, facts);
    write_range(&w, facts);
    write_boot(&w);
    begin(&w, TYPE_END, 4);
    end(&w);
    write_anchor(anchor, tables->size);
    int rc = anchor->error ? anchor->error : tables->error;
    if (rc) {
        blob_free(anchor);
        blob_free(tables);
    }
    return rc;
}
