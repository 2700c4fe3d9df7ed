/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "check/vm/vm.h"

/* Numbers of CPUs, by turns: each GIC, bus and console meets several. */
static const unsigned cpus[] = {2, 1, 4, 8, 3};

static void name(struct vm_variant *v)
{
    snprintf(v->name, sizeof(v->name), "GICv%u, virtio-%s, %s, %s, %u CPU%s", v->gic,
             v->pci ? "pci" : "mmio", v->acpi ? "ACPI" : "device tree",
             v->virtio_console ? "virtio console" : "PL011", v->cpus, v->cpus == 1 ? "" : "s");
}

static bool wanted(const struct vm_check *check, const struct vm_variant *v)
{
    return (!check->gic || check->gic == v->gic) &&
           (!check->bus || !strcmp(check->bus, v->pci ? "pci" : "mmio")) &&
           (!check->console || !strcmp(check->console, v->virtio_console ? "virtio" : "pl011")) &&
           (check->tables == VM_TABLES_BOTH || (check->tables == VM_TABLES_ACPI) == v->acpi);
}

/* Two that between them have both GICs, buses and consoles. */
static bool in_quick(const struct vm_variant *v)
{
    return (v->gic == 3) == v->pci && v->pci != v->virtio_console;
}

const char *vm_console_fact(const struct vm_check *check)
{
    return check->uart_kept
               ? "beside a PL011 that nobody hears (the firmware needs one, or --serial)"
               : "the machine's only one";
}

unsigned vm_variants(const struct vm_check *check, struct vm_variant *variant)
{
    unsigned count = 0;

    for (unsigned i = 0; i < 16; i++) {
        struct vm_variant v = {
            .gic = i & 1 ? 2 : 3, .pci = !(i & 2), .virtio_console = i & 4, .acpi = i & 8};
        if (!wanted(check, &v) || (check->quick && !in_quick(&v)))
            continue;
        v.cpus = check->cpus ? check->cpus : cpus[count % ARRAY_SIZE(cpus)];
        name(&v);
        variant[count++] = v;
    }
    return count;
}
