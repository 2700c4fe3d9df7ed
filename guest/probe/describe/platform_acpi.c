/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probe needs of the machine, out of ACPI's static tables. Devices on virtio-mmio stand in
 * AML only; their resources are constants there, which are found without interpreting anything.
 */
#include "describe/acpi.h"
#include "describe/platform.h"

enum { MADT_GICC = 11, MADT_GICD = 12, MADT_MSI = 13, MADT_GICR = 14, MADT_ITS = 15 };
enum { GICC_ENABLED = 1, GICC_ONLINE_CAPABLE = 8 };
enum { GICD_SIZE = 0x10000, GICC_SIZE = 0x2000, PL011_SIZE = 0x1000, NEAR = 64 };

static void nothing(const char *text)
{
    (void)text;
}

/* One structure of the MADT (ACPI 6.5, 5.2.12). */
static void madt_entry(struct platform *p, const u8 *at, u32 length)
{
    u32 n = p->gic.redistributors;

    if (at[0] == MADT_GICC && length >= 76) {
        /* flags at 12, CPU interface at 32, redistributor at 60, MPIDR at 68 */
        if (!(le32(at + 12) & (GICC_ENABLED | GICC_ONLINE_CAPABLE)))
            return;
        if (p->cpus < CPUS_MAX)
            p->cpu[p->cpus++] = le64(at + 68);
        if (le64(at + 32))
            p->gic.c = (struct region){le64(at + 32), GICC_SIZE};
        if (le64(at + 60) && n < GICRS_MAX)
            p->gic.r[p->gic.redistributors++] = (struct region){le64(at + 60), 0x20000};
    } else if (at[0] == MADT_GICD && length >= 24) {
        p->gic.d = (struct region){le64(at + 8), GICD_SIZE};
        p->gic.version = at[20];
    } else if (at[0] == MADT_GICR && length >= 16) {
        if (n < GICRS_MAX)
            p->gic.r[p->gic.redistributors++] = (struct region){le64(at + 4), le32(at + 12)};
    } else if (at[0] == MADT_MSI && length >= 24) {
        p->gic.v2m = (struct region){le64(at + 8), PAGE};
    } else if (at[0] == MADT_ITS && length >= 20) {
        p->gic.its = (struct region){le64(at + 8), 0x20000};
    }
}

static void madt(struct platform *p, const struct acpi *acpi)
{
    const u8 *table = acpi_find(acpi, "APIC", 44);
    u32 at = 44;

    while (table && at + 2 <= acpi_length(table)) {
        u32 length = table[at + 1];
        if (length < 2 || length > acpi_length(table) - at)
            return;
        madt_entry(p, table + at, length);
        at += length;
    }
}

static void fadt_and_gtdt(struct platform *p, const struct acpi *acpi)
{
    const u8 *fadt = acpi_find(acpi, "FACP", 131), *gtdt = acpi_find(acpi, "GTDT", 80);
    u32 flags = fadt ? le16(fadt + 129) : 0; /* ARM_BOOT_ARCH */

    p->psci.described = flags & 1;
    p->psci.hvc = (flags & 3) == 3;
    p->psci.smc = (flags & 3) == 1;
    if (gtdt) {
        p->timer.physical = le32(gtdt + 56);
        p->timer.virtual = le32(gtdt + 64);
    }
}

/* SPCR revision 2: kinds 3 (PL011), 13 and 14 (SBSA). */
static void spcr(struct platform *p, const struct acpi *acpi)
{
    const u8 *table = acpi_find(acpi, "SPCR", 58);
    u32 kind = table ? table[36] : 0;

    if ((kind != 3 && kind != 13 && kind != 14) || table[40] || !le64(table + 44))
        return;
    p->uart[0].regs = (struct region){le64(table + 44), PL011_SIZE};
    p->uart[0].intid = table[52] & 8 ? le32(table + 54) : 0;
    p->uart[0].full = kind == 3;
    p->uarts = 1;
}

static void mcfg(struct platform *p, const struct acpi *acpi)
{
    const u8 *table = acpi_find(acpi, "MCFG", 60);

    p->pci.node = -1;
    if (!table)
        return;
    p->pci.first_bus = table[54];
    p->pci.last_bus = table[55];
    p->pci.ecam.base = le64(table + 44);
    if (p->pci.last_bus >= p->pci.first_bus)
        p->pci.ecam.size = (u64)(p->pci.last_bus - p->pci.first_bus + 1) << 20;
}

/* The first descriptor of that kind (ACPI 6.5, 6.4.3) behind a device's name; NULL: none near. */
static const u8 *resource(const u8 *at, const u8 *end, u8 kind, u32 length)
{
    const u8 *last = end - at > NEAR ? at + NEAR : end;

    for (; at + length + 3 <= last; at++)
        if (at[0] == kind && le16(at + 1) == length)
            return at;
    return NULL;
}

static void virtio_in_aml(struct platform *p, const u8 *aml)
{
    const u8 *end = aml + acpi_length(aml), *at = aml;

    while (p->virtios < VIRTIO_MAX && (at = find_bytes(at, (uptr)(end - at), "LNRO0005"))) {
        const u8 *memory = resource(at, end, 0x86, 9); /* Memory32Fixed */
        const u8 *interrupt = memory ? resource(memory, end, 0x89, 6) : NULL;
        at += 8;
        if (!memory)
            continue;
        p->virtio[p->virtios].regs = (struct region){le32(memory + 4), le32(memory + 8)};
        p->virtio[p->virtios++].intid = interrupt ? le32(interrupt + 5) : 0;
    }
}

bool platform_from_acpi(struct platform *platform, const void *rsdp)
{
    static struct acpi acpi;

    memset(platform, 0, sizeof(*platform));
    platform->source = "ACPI";
    if (!acpi_open(&acpi, rsdp, nothing))
        return false;
    madt(platform, &acpi);
    fadt_and_gtdt(platform, &acpi);
    spcr(platform, &acpi);
    mcfg(platform, &acpi);
    for (u32 i = 0; i < acpi.tables; i++)
        if (!memcmp(acpi.table[i], "DSDT", 4) || !memcmp(acpi.table[i], "SSDT", 4))
            virtio_in_aml(platform, acpi.table[i]);
    return true;
}
