/* SPDX-License-Identifier: Apache-2.0 */
#include "describe/fdt.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9 };
enum { HEADER = 40, MAGIC = 0xd00dfeed, DEPTH = 32, SIZE_MAX_FDT = 2 << 20, NAME_MAX = 256 };

/* --- the structure block ---------------------------------------------------------------------- */

static const char *check_header(struct fdt *fdt, const u8 *blob)
{
    u32 structure_size, version;

    if ((uptr)blob % 8)
        return "it is not aligned to 8 bytes";
    if (be32(blob) != MAGIC)
        return "its magic number is wrong";
    fdt->blob = blob;
    fdt->size = be32(blob + 4);
    fdt->structure = be32(blob + 8);
    fdt->strings = be32(blob + 12);
    version = be32(blob + 20);
    fdt->strings_size = be32(blob + 32);
    structure_size = be32(blob + 36);
    if (version < 17 || be32(blob + 24) > 17)
        return "its version is not 17";
    if (fdt->size < HEADER || fdt->size > SIZE_MAX_FDT)
        return "its size is below 40 bytes or above 2 MiB";
    if (fdt->structure % 4 || fdt->structure < HEADER || fdt->structure > fdt->size ||
        structure_size > fdt->size - fdt->structure)
        return "its structure block is not inside of it";
    if (fdt->strings < HEADER || fdt->strings > fdt->size ||
        fdt->strings_size > fdt->size - fdt->strings)
        return "its strings block is not inside of it";
    fdt->structure_end = fdt->structure + structure_size;
    return NULL;
}

static bool terminated(const u8 *text, u32 most)
{
    for (u32 i = 0; i < most; i++)
        if (!text[i])
            return true;
    return false;
}

struct walk {
    u32 at;
    int depth, stack[DEPTH];
    bool children; /* of the current node: properties must not follow */
};

static const char *begin_node(struct fdt *fdt, struct walk *walk)
{
    const char *name = (const char *)fdt->blob + walk->at;
    u32 most = fdt->structure_end - walk->at;

    if (!terminated((const u8 *)name, most < NAME_MAX ? most : NAME_MAX))
        return "a node's name does not end";
    if (!walk->depth && fdt->nodes)
        return "there are two root nodes";
    if (fdt->nodes == FDT_NODES || walk->depth == DEPTH)
        return "it has more than 1024 nodes or 32 levels";
    fdt->node[fdt->nodes] = (struct fdt_node){
        .name = name,
        .parent = walk->depth ? walk->stack[walk->depth - 1] : FDT_NONE,
    };
    walk->stack[walk->depth++] = fdt->nodes++;
    walk->at += (u32)align_up(text_length(name) + 1, 4);
    fdt->node[fdt->nodes - 1].properties = walk->at;
    walk->children = false;
    return NULL;
}

static const char *property(const struct fdt *fdt, struct walk *walk)
{
    u32 left = fdt->structure_end - walk->at, size, name;

    if (!walk->depth)
        return "a property is outside of the root node";
    if (walk->children)
        return "a property stands behind a child node";
    if (left < 8)
        return "a property is cut off";
    size = be32(fdt->blob + walk->at);
    name = be32(fdt->blob + walk->at + 4);
    if (size > left - 8)
        return "a property is longer than the tree";
    if (name >= fdt->strings_size ||
        !terminated(fdt->blob + fdt->strings + name, fdt->strings_size - name))
        return "a property's name is outside of the strings block";
    walk->at += 8 + (u32)align_up(size, 4);
    return NULL;
}

/* One token; *done at the end. */
static const char *token(struct fdt *fdt, struct walk *walk, bool *done)
{
    u32 kind;

    if (walk->at > fdt->structure_end || fdt->structure_end - walk->at < 4)
        return "the structure block has no end token";
    kind = be32(fdt->blob + walk->at);
    walk->at += 4;
    switch (kind) {
    case BEGIN_NODE:
        return begin_node(fdt, walk);
    case END_NODE:
        if (!walk->depth)
            return "more nodes end than begin";
        walk->depth--;
        walk->children = true;
        return NULL;
    case PROPERTY:
        return property(fdt, walk);
    case NOP:
        return NULL;
    case END:
        *done = true;
        return walk->depth || !fdt->nodes ? "the tree ends inside of a node" : NULL;
    default:
        return "the structure block has an unknown token";
    }
}

const char *fdt_open(struct fdt *fdt, const void *blob)
{
    const char *wrong = check_header(fdt, blob);
    struct walk walk = {.at = fdt->structure};
    bool done = false;

    fdt->nodes = 0;
    while (!wrong && !done)
        wrong = token(fdt, &walk, &done);
    return wrong;
}

const u8 *fdt_property(const struct fdt *fdt, int node, const char *name, u32 *size)
{
    u32 at = fdt->node[node].properties;

    for (;;) {
        u32 kind = be32(fdt->blob + at);
        if (kind == NOP) {
            at += 4;
            continue;
        }
        if (kind != PROPERTY)
            return NULL;
        *size = be32(fdt->blob + at + 4);
        if (text_equal((const char *)fdt->blob + fdt->strings + be32(fdt->blob + at + 8), name))
            return fdt->blob + at + 12;
        at += 12 + (u32)align_up(*size, 4);
    }
}

/* --- properties ------------------------------------------------------------------------------- */

u32 fdt_cell(const struct fdt *fdt, int node, const char *name, u32 otherwise)
{
    u32 size;
    const u8 *value = node < 0 ? NULL : fdt_property(fdt, node, name, &size);

    return value && size == 4 ? be32(value) : otherwise;
}

const char *fdt_text(const struct fdt *fdt, int node, const char *name)
{
    u32 size;
    const u8 *value = node < 0 ? NULL : fdt_property(fdt, node, name, &size);

    return value && size && !value[size - 1] ? (const char *)value : NULL;
}

bool fdt_lists(const struct fdt *fdt, int node, const char *name, const char *text)
{
    u32 size;
    const u8 *value = node < 0 ? NULL : fdt_property(fdt, node, name, &size);
    u32 at = 0;

    if (!value || !size || value[size - 1])
        return false;
    for (; at < size; at += (u32)text_length((const char *)value + at) + 1)
        if (text_equal((const char *)value + at, text))
            return true;
    return false;
}

bool fdt_enabled(const struct fdt *fdt, int node)
{
    for (; node != FDT_NONE; node = fdt->node[node].parent) {
        const char *status = fdt_text(fdt, node, "status");
        if (status && !text_equal(status, "okay") && !text_equal(status, "ok"))
            return false;
    }
    return true;
}

int fdt_by_phandle(const struct fdt *fdt, u32 phandle)
{
    for (int i = 0; phandle && i < fdt->nodes; i++)
        if (fdt_cell(fdt, i, "phandle", 0) == phandle ||
            fdt_cell(fdt, i, "linux,phandle", 0) == phandle)
            return i;
    return FDT_NONE;
}

static int child(const struct fdt *fdt, int parent, const char *name, uptr length)
{
    for (int i = parent + 1; i < fdt->nodes; i++)
        if (fdt->node[i].parent == parent && text_length(fdt->node[i].name) == length &&
            !memcmp(fdt->node[i].name, name, length))
            return i;
    return FDT_NONE;
}

static uptr word(const char *path)
{
    uptr n = 0;

    while (path[n] && path[n] != '/' && path[n] != ':')
        n++;
    return n;
}

int fdt_by_path(const struct fdt *fdt, const char *path)
{
    int node = FDT_ROOT;

    if (*path != '/') { /* an alias */
        int aliases = child(fdt, FDT_ROOT, "aliases", 7);
        char name[32] = "";
        uptr n = word(path);
        const char *target;
        if (n >= sizeof(name))
            return FDT_NONE;
        memcpy(name, path, n);
        target = fdt_text(fdt, aliases, name);
        return target && *target == '/' ? fdt_by_path(fdt, target) : FDT_NONE;
    }
    while (*path == '/' && path[1] && path[1] != ':' && node != FDT_NONE) {
        uptr n = word(++path);
        node = child(fdt, node, path, n);
        path += n;
    }
    return node;
}

int fdt_next(const struct fdt *fdt, int after, const char *compatible)
{
    for (int i = after + 1; i < fdt->nodes; i++)
        if (fdt_is(fdt, i, compatible))
            return i;
    return FDT_NONE;
}

/* --- addresses -------------------------------------------------------------------------------- */

static u64 read_cells(const u8 *at, u32 cells)
{
    u64 value = 0;

    while (cells--) {
        value = value << 32 | be32(at);
        at += 4;
    }
    return value;
}

static u32 address_cells(const struct fdt *fdt, int node)
{
    return fdt_cell(fdt, node, "#address-cells", 2);
}

static u32 size_cells(const struct fdt *fdt, int node)
{
    return fdt_cell(fdt, node, "#size-cells", 1);
}

/* Through one bus's ranges; three address cells are PCI's, whose first is no part of the number. */
static bool translate(const struct fdt *fdt, int bus, u64 *address, u64 size)
{
    u32 own = address_cells(fdt, bus), sizes = size_cells(fdt, bus), length,
        above = address_cells(fdt, fdt->node[bus].parent), entry = (own + above + sizes) * 4;
    const u8 *ranges = fdt_property(fdt, bus, "ranges", &length);

    if (!ranges || own > 3 || above > 2 || sizes > 2)
        return false;
    if (!length)
        return true; /* the same addresses */
    for (; length >= entry; length -= entry, ranges += entry) {
        u64 from = read_cells(ranges + (own > 2 ? 4 : 0), own > 2 ? 2 : own);
        u64 to = read_cells(ranges + own * 4, above);
        u64 span = read_cells(ranges + (own + above) * 4, sizes);
        if (*address >= from && *address - from < span && size <= span - (*address - from)) {
            *address = *address - from + to;
            return true;
        }
    }
    return false;
}

int fdt_regs(const struct fdt *fdt, int node)
{
    u32 size, entry;
    int parent = fdt->node[node].parent;
    const u8 *reg = fdt_property(fdt, node, "reg", &size);

    if (!reg || parent == FDT_NONE)
        return 0;
    entry = (address_cells(fdt, parent) + size_cells(fdt, parent)) * 4;
    return entry && entry <= 64 && size && size % entry == 0 ? (int)(size / entry) : -1;
}

bool fdt_reg(const struct fdt *fdt, int node, u32 index, u64 *address, u64 *size)
{
    int parent = fdt->node[node].parent, count = fdt_regs(fdt, node);
    u32 own, sizes, length;
    const u8 *reg = fdt_property(fdt, node, "reg", &length);

    if (count <= (int)index)
        return false;
    own = address_cells(fdt, parent);
    sizes = size_cells(fdt, parent);
    if (!own || own > 2 || sizes > 2)
        return false;
    reg += index * (own + sizes) * 4;
    *address = read_cells(reg, own);
    *size = read_cells(reg + own * 4, sizes);
    for (; parent > FDT_ROOT; parent = fdt->node[parent].parent)
        if (!translate(fdt, parent, address, *size))
            return false;
    return true;
}

/* --- interrupts ------------------------------------------------------------------------------- */

static int interrupt_parent(const struct fdt *fdt, int node)
{
    for (; node != FDT_NONE; node = fdt->node[node].parent) {
        u32 phandle = fdt_cell(fdt, node, "interrupt-parent", 0);
        if (phandle)
            return fdt_by_phandle(fdt, phandle);
    }
    return FDT_NONE;
}

int fdt_interrupts(const struct fdt *fdt, int node)
{
    u32 size, cells;
    int controller;
    const u8 *value = fdt_property(fdt, node, "interrupts", &size);

    if (!value)
        return 0;
    controller = interrupt_parent(fdt, node);
    cells = controller == FDT_NONE ? 0 : fdt_cell(fdt, controller, "#interrupt-cells", 0);
    return cells && cells <= FDT_CELLS && size && size % (cells * 4) == 0
               ? (int)(size / (cells * 4))
               : -1;
}

bool fdt_interrupt(const struct fdt *fdt, int node, u32 index, struct fdt_interrupt *interrupt)
{
    u32 size;
    const u8 *value = fdt_property(fdt, node, "interrupts", &size);

    if (fdt_interrupts(fdt, node) <= (int)index)
        return false;
    interrupt->controller = interrupt_parent(fdt, node);
    interrupt->cells = fdt_cell(fdt, interrupt->controller, "#interrupt-cells", 0);
    for (u32 i = 0; i < interrupt->cells; i++)
        interrupt->cell[i] = be32(value + (index * interrupt->cells + i) * 4);
    return true;
}

bool fdt_gic_intid(const struct fdt_interrupt *interrupt, u32 *intid)
{
    if (interrupt->cells < 3 || interrupt->cell[0] > 1 ||
        interrupt->cell[1] > (interrupt->cell[0] ? 15 : 987))
        return false;
    *intid = interrupt->cell[1] + (interrupt->cell[0] ? 16 : 32);
    return true;
}
