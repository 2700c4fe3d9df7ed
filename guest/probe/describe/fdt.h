/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of flattened device trees (Devicetree Specification 0.4, chapter 5). fdt_open() walks
 * all of the tree once and refuses what is not well-formed; after that nothing can lead outside of
 * it.
 */
#ifndef PROBE_FDT_H
#define PROBE_FDT_H

#include "base/base.h"

enum { FDT_NODES = 1024, FDT_ROOT = 0, FDT_NONE = -1 };

struct fdt_node {
    const char *name;
    u32 properties; /* offset of the first token behind the name */
    int parent;
};

struct fdt {
    const u8 *blob;
    u32 size, structure, structure_end, strings, strings_size;
    int nodes;
    struct fdt_node node[FDT_NODES]; /* in the order of the tree */
};

/* NULL, or what is wrong. */
const char *fdt_open(struct fdt *fdt, const void *blob);

/* NULL: there is none. */
const u8 *fdt_property(const struct fdt *fdt, int node, const char *name, u32 *size);
/* A property that is one cell. */
u32 fdt_cell(const struct fdt *fdt, int node, const char *name, u32 otherwise);
/* The property as text, or NULL when it is not terminated. */
const char *fdt_text(const struct fdt *fdt, int node, const char *name);
/* Whether a list of texts has this one. */
bool fdt_lists(const struct fdt *fdt, int node, const char *name, const char *text);
static inline bool fdt_is(const struct fdt *fdt, int node, const char *compatible)
{
    return fdt_lists(fdt, node, "compatible", compatible);
}
/* "okay" or no status, and so for all parents. */
bool fdt_enabled(const struct fdt *fdt, int node);

int fdt_by_phandle(const struct fdt *fdt, u32 phandle);
/* "/soc/uart@1000", or an alias; ends at a colon. */
int fdt_by_path(const struct fdt *fdt, const char *path);
/* The next of that kind behind `after` (FDT_NONE: the first), enabled or not. */
int fdt_next(const struct fdt *fdt, int after, const char *compatible);

/* Entry `index` of reg as addresses of the CPU. False: there is none, or no translation. */
bool fdt_reg(const struct fdt *fdt, int node, u32 index, u64 *address, u64 *size);
/* How many entries; -1: the property does not divide into them. */
int fdt_regs(const struct fdt *fdt, int node);

enum { FDT_CELLS = 4 };
struct fdt_interrupt {
    int controller;
    u32 cells, cell[FDT_CELLS];
};
int fdt_interrupts(const struct fdt *fdt, int node); /* -1: malformed */
bool fdt_interrupt(const struct fdt *fdt, int node, u32 index, struct fdt_interrupt *interrupt);
/* The INTID that three cells of a GIC's binding mean; false: none. */
bool fdt_gic_intid(const struct fdt_interrupt *interrupt, u32 *intid);

#endif
