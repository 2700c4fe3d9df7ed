/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a flattened device tree (Devicetree Specification v0.4), over libfdt's sequential
 * writer. Errors latch: describe everything, then ask dt_finish once. The buffer grows.
 */
#ifndef ARMVM_MACHINE_FW_FDT_H
#define ARMVM_MACHINE_FW_FDT_H

#include <stddef.h>
#include <stdint.h>

/* Phandles are few and known beforehand, so that nodes can refer to each other in any order. */
enum dt_phandle {
    DT_PHANDLE_INTC = 1, /* the interrupt controller, the root's interrupt-parent */
    DT_PHANDLE_CLOCK,    /* apb-pclk, of the PrimeCell devices */
    DT_PHANDLE_GPIO,     /* the PL061 with the power key */
    DT_PHANDLE_MSI,      /* what PCI's messages go to */
    DT_PHANDLE_CPU0,     /* CPU n is this + n: the last one */
};

struct fdt_builder {
    void *blob;
    size_t capacity;
    unsigned depth; /* open nodes */
    int error;      /* 0 or negative errno: the first one */
};

struct dt_range {
    uint64_t base, size;
};

/* Starts a tree and opens its root node. */
void dt_init(struct fdt_builder *fdt);
/* Closes the root node. The blob is the caller's, to free(). 0 or negative errno. */
int dt_finish(struct fdt_builder *fdt, void **blob, size_t *size);
/* Gives up (also after an error). */
void dt_discard(struct fdt_builder *fdt);

/* Opens a node (printf-style name, "pl011@9000000"), closes the innermost one. */
void dt_node(struct fdt_builder *fdt, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void dt_end(struct fdt_builder *fdt);

void dt_empty(struct fdt_builder *fdt, const char *name);
void dt_u32(struct fdt_builder *fdt, const char *name, uint32_t value);
void dt_u64(struct fdt_builder *fdt, const char *name, uint64_t value);
void dt_cells(struct fdt_builder *fdt, const char *name, const uint32_t *cells, unsigned count);
void dt_bytes(struct fdt_builder *fdt, const char *name, const void *data, size_t len);
void dt_string(struct fdt_builder *fdt, const char *name, const char *value);
/* A list of strings, separated by '\n' in `values`. */
void dt_strings(struct fdt_builder *fdt, const char *name, const char *values);
/* "reg" with two address and two size cells each. */
void dt_reg(struct fdt_builder *fdt, const struct dt_range *ranges, unsigned count);
void dt_phandle(struct fdt_builder *fdt, enum dt_phandle phandle);

/* An "interrupts" property of GIC specifiers (three cells). */
enum { DT_IRQ_EDGE_RISING = 1, DT_IRQ_LEVEL_HIGH = 4 };
struct dt_irq {
    uint32_t ppi; /* 0: SPI, 1: PPI */
    uint32_t number;
    uint32_t flags;
};
void dt_interrupts(struct fdt_builder *fdt, const struct dt_irq *irqs, unsigned count);

#endif
