/* SPDX-License-Identifier: Apache-2.0 */
/* H4: ACPI tables are whole, and say the same as the device tree does. */
#include "bare/bare.h"
#include "base/tap.h"
#include "describe/acpi.h"

static struct acpi acpi;

static void bad(const char *text)
{
    test_bad("%s", text);
}

/* What a guest of this architecture cannot do without. */
static void check_needed(void)
{
    static const struct {
        const char *name;
        u32 least;
    } needed[] = {{"FACP", 268}, {"APIC", 44}, {"GTDT", 96}, {"DSDT", 36}};
    const u8 *fadt = acpi_find(&acpi, "FACP", 268);

    for (u32 i = 0; i < COUNT(needed); i++)
        if (!acpi_find(&acpi, needed[i].name, needed[i].least))
            test_bad("there is no %s of at least %u bytes", needed[i].name, needed[i].least);
    if (fadt && fadt[8] * 256 + fadt[131] < 0x501)
        test_bad("FADT is of revision %u.%u, 5.1 is the first for Arm", fadt[8], fadt[131] & 15);
    if (fadt && !(le32(fadt + 112) & 1 << 20))
        test_bad("FADT does not say HW_REDUCED_ACPI");
    if (fadt && !(le16(fadt + 129) & 1))
        test_bad("FADT does not say PSCI_COMPLIANT");
}

void test_acpi_form(void)
{
    test_begin("H4 ACPI tables are there and whole");
    if (!machine.rsdp)
        test_bad("there is no ACPI in the configuration table");
    else if (acpi_open(&acpi, machine.rsdp, bad))
        check_needed();
    test_fix("the firmware must show both descriptions");
    test_end("%u tables", acpi.tables);
    test("H4 ACPI and a device tree are there together", machine.rsdp && machine.fdt, "%s",
         machine.rsdp && machine.fdt ? "both"
         : machine.rsdp              ? "only ACPI"
         : machine.fdt               ? "only a device tree"
                                     : "neither");
}

static void same(const char *what, u64 in_acpi, u64 in_tree)
{
    if (in_acpi != in_tree)
        test_bad("%s: ACPI says 0x%llx, the device tree 0x%llx", what, in_acpi, in_tree);
}

static void compare(const struct platform *a, const struct platform *t)
{
    same("GIC version", a->gic.version, t->gic.version);
    same("GIC distributor", a->gic.d.base, t->gic.d.base);
    same("virtual timer", a->timer.virtual, t->timer.virtual);
    same("physical timer", a->timer.physical, t->timer.physical);
    same("CPUs", a->cpus, t->cpus);
    for (u32 i = 0; i < a->cpus && i < t->cpus; i++)
        same("a CPU's MPIDR", a->cpu[i], t->cpu[i]);
    same("PSCI by HVC", a->psci.hvc, t->psci.hvc);
    if (a->uarts && t->uarts) {
        same("console", a->uart[0].regs.base, t->uart[0].regs.base);
        same("console's interrupt", a->uart[0].intid, t->uart[0].intid);
    }
    same("PCI ECAM", a->pci.ecam.base, t->pci.ecam.base);
    same("PCI ECAM's size", a->pci.ecam.size, t->pci.ecam.size);
    same("ITS", a->gic.its.base, t->gic.its.base);
}

/* What the static tables name must answer; the tests of P4, P5, P7 go by it when there is no tree.
 */
void test_acpi_devices(void)
{
    const struct platform *a = &machine.from_acpi;
    u32 value = 0, cpus = a->gic.version == 2 ? 8 : CPUS_MAX;

    if (!machine.rsdp)
        return;
    test_begin("H4 what ACPI names is there");
    if (!a->gic.version)
        test_bad("MADT: no distributor with its version");
    else if (!mmu_device(a->gic.d.base, a->gic.d.size) ||
             !arch_try_read32(a->gic.d.base + 4, &value))
        test_bad("MADT: the distributor at 0x%llx does not answer", a->gic.d.base);
    if (!a->cpus || a->cpus > cpus)
        test_bad("MADT: %u CPUs", a->cpus);
    if (a->gic.version >= 3 && !a->gic.redistributors)
        test_bad("MADT: no redistributors");
    if (a->timer.virtual < 16 || a->timer.virtual > 31)
        test_bad("GTDT: the virtual timer is INTID %u", a->timer.virtual);
    if (!a->psci.described)
        test_bad("FADT: no PSCI");
    if (a->uarts && (!mmu_device(a->uart[0].regs.base, a->uart[0].regs.size) ||
                     !arch_try_read32(a->uart[0].regs.base + 0x18, &value)))
        test_bad("SPCR: the UART at 0x%llx does not answer", a->uart[0].regs.base);
    if (a->pci.ecam.size && (!mmu_device(a->pci.ecam.base, a->pci.ecam.size) ||
                             !arch_try_read32(a->pci.ecam.base, &value)))
        test_bad("MCFG: the ECAM at 0x%llx does not answer", a->pci.ecam.base);
    if (machine.fdt)
        compare(a, &machine.platform);
    test_end("%u CPUs, GICv%u, %u UART%s", a->cpus, a->gic.version, a->uarts,
             machine.fdt ? ", the same as in the device tree" : "");
}
