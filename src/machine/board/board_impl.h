/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. A board's own file (virt.c) has its map and its wiring;
 * board.c has what all do: memory contents, start, reset, end; describe.c has the device tree,
 * acpi.c the ACPI and SMBIOS tables. */
#ifndef ARMVM_MACHINE_BOARD_BOARD_IMPL_H
#define ARMVM_MACHINE_BOARD_BOARD_IMPL_H

#include "arm/features.h"
#include "arm/hooks.h"
#include "machine/board/board.h"
#include "machine/dev/device.h"
#include "machine/dev/msi.h"
#include "machine/fw/fdt.h"
#include "machine/fw/kernel.h"
#include "machine/pci/windows.h"

struct board_map {
    const char *title; /* --board */
    const char *name, *compatible;
    uint64_t ram_base, ram_max;
    uint64_t uart; /* address, for /chosen/stdout-path */
    struct pci_windows pci;
};

struct board {
    struct board_config config; /* strings are copies of its own */
    const struct board_map *map;
    struct arm_features features;
    struct arm_hooks hooks;
    struct mem *mem;
    struct engine *engine;
    struct device *devices, **devices_end; /* in the device tree's order */
    struct device *gic, *timer, *pmu, *gpio, *pci, *fw_cfg;
    struct device *uart; /* or NULL: the virtio console is the only one */
    struct device *its;  /* or NULL: a GICv2 has none */
    struct msi_sink msi; /* of the interrupt controller; send is NULL: none */
    struct irq_line (*gic_line)(struct device *gic, unsigned cpu, unsigned intid);
    bool started;
    struct kernel_layout layout;
    uint64_t initrd_size;
    void *fdt;
    size_t fdt_size;
};

/* Takes the configuration over; on error nothing is left. */
int board_alloc(const struct board_config *config, const struct board_map *map, struct board **out,
                struct error *err);
/* Appends a device (NULL: out of memory) whose resources are set: maps it. The board owns it from
 * here on, also on error. */
int board_add(struct board *board, struct device *dev, struct error *err);
/* Connects the interrupts of a device that was added. SPIs only. */
void board_connect(struct board *board, struct device *dev);
/* Puts kernel, initrd and device tree into memory and brings the PEs to its entry; the engine
 * stands still. */
int board_load(struct board *board, struct error *err);

/* Flash and fw_cfg, and in it what firmware is to know (firmware.c). */
struct board_firmware_map {
    uint64_t flash, fw_cfg;
};
int board_add_firmware(struct board *board, const struct board_firmware_map *map,
                       struct error *err);

/* SMBIOS structures into fw_cfg, if there is one, and ACPI tables if they are asked for (acpi.c).
 * After everything else was added. */
int board_add_tables(struct board *board, struct error *err);

/* The tree, with addresses from board->layout. */
int board_describe(struct board *board, void **blob, size_t *size, struct error *err);

#endif
