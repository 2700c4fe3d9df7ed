/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check/boot/boot.h"

/* The first eight in the order of row_of(). The others are the specification's, too (its sections
 * on Xen's bus and consoles, and the two memory maps), and no machine of armvm has them so far. */
const char *const boot_rows[BOOT_ROWS] = {
    "GICv3, virtio-pci, device tree",
    "GICv3, virtio-pci, ACPI",
    "GICv3, virtio-mmio, device tree",
    "GICv3, virtio-mmio, ACPI",
    "GICv2, virtio-pci, device tree",
    "GICv2, virtio-pci, ACPI",
    "GICv2, virtio-mmio, device tree",
    "GICv2, virtio-mmio, ACPI",
    "GICv3, Xen bus",
    "GICv2, Xen bus",
    "board kvmtool",
    "board xen",
};
const char *const boot_columns[BOOT_COLUMNS] = {"PL011", "virtio console", "Xen console"};

enum { OFFERED_ROWS = 8 };

static unsigned row_of(const struct vm_variant *v)
{
    return (v->gic == 2) * 4u + !v->pci * 2u + v->acpi;
}

bool boot_not_offered(unsigned row, enum boot_column column)
{
    return row >= OFFERED_ROWS || column == COLUMN_XEN;
}

/* Two that between them have each value of each axis. */
static bool in_quick(const struct vm_variant *v)
{
    return (v->gic == 3) == v->pci && v->pci != v->virtio_console && v->pci != v->acpi;
}

unsigned boot_variants(const struct vm_check *check, struct boot_variant *variant)
{
    struct vm_variant all[VM_CHECK_VARIANTS];
    struct vm_check whole = *check;
    unsigned count, kept = 0;

    whole.quick = false;
    count = vm_variants(&whole, all);
    for (unsigned i = 0; i < count; i++) {
        if (check->quick && !in_quick(&all[i]))
            continue;
        variant[kept++] = (struct boot_variant){
            .vm = all[i],
            .row = row_of(&all[i]),
            .column = all[i].virtio_console ? COLUMN_VIRTIO : COLUMN_PL011,
        };
    }
    return kept;
}
