/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device framework. A device is a private struct with this one first; a board creates it,
 * gives it resources, and maps, describes and resets it through them. The mapping, the device tree
 * and the ACPI tables read the same resource records.
 */
#ifndef ARMVM_MACHINE_DEV_DEVICE_H
#define ARMVM_MACHINE_DEV_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct acpi; /* machine/fw/acpi/acpi.h: namespace and facts of the tables */
struct aml;
struct device;
struct error;
struct fdt_builder; /* machine/fw/fdt.h: device-tree writer */
struct mem;
struct mem_io_ops;
struct trace;

/* An interrupt line: an input of something (a GIC). Levels; set may be called from any thread. */
struct irq_line {
    void (*set)(void *ctx, unsigned input, bool level);
    void *ctx;
    unsigned input;
};

static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->set)
        line->set(line->ctx, line->input, level);
}

enum { DEVICE_MAX_MMIO = 4, DEVICE_MAX_IRQS = 4 };

/* Where a device is. Interrupts are numbered as the device tree does: SPI n is INTID n + 32. */
struct device_resources {
    struct { uint64_t base, size; } mmio[DEVICE_MAX_MMIO];
    unsigned mmios;
    struct {
        bool ppi;
        uint32_t number;
        bool edge; /* rising edge, else level high */
    } irq[DEVICE_MAX_IRQS];
    unsigned irqs;
};

struct device_ops {
    const char *name;
    /* To the state after power-on. PEs stand still. */
    void (*reset)(struct device *dev);
    /* Frees it; worker threads of its own are gone afterwards. */
    void (*destroy)(struct device *dev);
    /* Writes its device-tree node(s), from dev->resources. May be NULL. */
    int (*describe)(struct device *dev, struct fdt_builder *fdt);
    /* Writes its device(s) into the ACPI namespace, notes its facts for the static tables; errors
     * latch there. May be NULL: not told to guests that use ACPI. */
    void (*describe_acpi)(struct device *dev, struct acpi *acpi);
    /* Handlers of each MMIO window, by window number. */
    const struct mem_io_ops *io[DEVICE_MAX_MMIO];
};

struct device {
    const struct device_ops *ops;
    struct device_resources resources;
    struct irq_line irq[DEVICE_MAX_IRQS]; /* connected by the board, as resources.irq */
    uint8_t *rom[DEVICE_MAX_MMIO]; /* memory behind a window that is a ROM device, else NULL */
    struct mem *mem;                      /* for DMA */
    const struct trace *trace;
    struct device *next;                  /* the board's list */
    bool hidden;                          /* neither in the device tree nor in ACPI: an empty slot */
};

/* Maps all MMIO windows of a device whose resources are set (io handlers get dev as context). */
int device_map(struct device *dev, struct mem *mem, struct error *err);

/* Opens a node `name@base` and writes compatible (a list separated by '\n'), reg and interrupts
 * from the resources; the caller adds what else there is and closes it with dt_end (fw/fdt.h). */
void device_dt_begin(const struct device *dev, struct fdt_builder *fdt, const char *name,
                     const char *compatible);

/* The GSIV of an interrupt of its resources: the GIC's INTID. */
uint32_t device_gsiv(const struct device *dev, unsigned irq);
/* Opens a Device `name` (four characters) with _HID, _UID, and _CRS from the resources; the caller
 * adds what else there is and closes it with aml_end (fw/acpi/aml.h). */
void device_acpi_begin(const struct device *dev, struct aml *aml, const char *name, const char *hid,
                       unsigned uid);

#endif
