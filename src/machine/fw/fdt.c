/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/fw/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

enum { DT_FIRST_CAPACITY = 16 << 10, DT_MAX_CAPACITY = 2 << 20 /* what arm64 Linux maps */ };

/* libfdt's sequential writer says FDT_ERR_NOSPACE before it changes anything: grow, try again. */
static bool grow(struct fdt_builder *fdt)
{
    if (fdt->capacity >= DT_MAX_CAPACITY) {
        fdt->error = -ENOSPC;
        return false;
    }
    size_t capacity = fdt->capacity * 2;
    void *bigger = malloc(capacity);
    if (!bigger) {
        fdt->error = -ENOMEM;
        return false;
    }
    if (fdt_resize(fdt->blob, bigger, (int)capacity) != 0) {
        free(bigger);
        fdt->error = -EINVAL;
        return false;
    }
    free(fdt->blob);
    fdt->blob = bigger;
    fdt->capacity = capacity;
    return true;
}

/* True when the call that returned rc has to be made again. */
static bool again(struct fdt_builder *fdt, int rc)
{
    if (rc == 0)
        return false;
    if (rc == -FDT_ERR_NOSPACE)
        return grow(fdt);
    fdt->error = -EINVAL;
    return false;
}

void dt_init(struct fdt_builder *fdt)
{
    *fdt = (struct fdt_builder){.capacity = DT_FIRST_CAPACITY};
    fdt->blob = malloc(fdt->capacity);
    if (!fdt->blob) {
        fdt->error = -ENOMEM;
        return;
    }
    if (fdt_create(fdt->blob, (int)fdt->capacity) || fdt_finish_reservemap(fdt->blob))
        fdt->error = -EINVAL;
    dt_node(fdt, "%s", "");
}

int dt_finish(struct fdt_builder *fdt, void **blob, size_t *size)
{
    dt_end(fdt);
    if (!fdt->error && fdt->depth)
        fdt->error = -EINVAL;
    if (!fdt->error) {
        int rc;
        do {
            rc = fdt_finish(fdt->blob);
        } while (again(fdt, rc));
    }
    if (fdt->error) {
        int error = fdt->error;
        dt_discard(fdt);
        return error;
    }
    *blob = fdt->blob;
    *size = fdt_totalsize(fdt->blob);
    *fdt = (struct fdt_builder){0};
    return 0;
}

void dt_discard(struct fdt_builder *fdt)
{
    free(fdt->blob);
    *fdt = (struct fdt_builder){0};
}

void dt_node(struct fdt_builder *fdt, const char *fmt, ...)
{
    char name[64];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    if (fdt->error)
        return;
    if (len < 0 || (size_t)len >= sizeof(name)) {
        fdt->error = -ENAMETOOLONG;
        return;
    }
    int rc;
    do {
        rc = fdt_begin_node(fdt->blob, name);
    } while (again(fdt, rc));
    fdt->depth++;
}

void dt_end(struct fdt_builder *fdt)
{
    if (fdt->error)
        return;
    int rc;
    do {
        rc = fdt_end_node(fdt->blob);
    } while (again(fdt, rc));
    fdt->depth--;
}

void dt_bytes(struct fdt_builder *fdt, const char *name, const void *data, size_t len)
{
    if (fdt->error)
        return;
    if (len > DT_MAX_CAPACITY) {
        fdt->error = -ENOSPC;
        return;
    }
    int rc;
    do {
        rc = fdt_property(fdt->blob, name, data, (int)len);
    } while (again(fdt, rc));
}

void dt_empty(struct fdt_builder *fdt, const char *name)
{
    dt_bytes(fdt, name, "", 0);
}

void dt_u32(struct fdt_builder *fdt, const char *name, uint32_t value)
{
    dt_cells(fdt, name, &value, 1);
}

void dt_u64(struct fdt_builder *fdt, const char *name, uint64_t value)
{
    uint32_t cells[] = {(uint32_t)(value >> 32), (uint32_t)value};
    dt_cells(fdt, name, cells, 2);
}

void dt_cells(struct fdt_builder *fdt, const char *name, const uint32_t *cells, unsigned count)
{
    if (fdt->error)
        return;
    uint8_t *raw = malloc(4 * (size_t)count + 1);
    if (!raw) {
        fdt->error = -ENOMEM;
        return;
    }
    for (unsigned i = 0; i < count; i++)
        st_be(raw + 4 * i, 4, cells[i]);
    dt_bytes(fdt, name, raw, 4 * (size_t)count);
    free(raw);
}

void dt_string(struct fdt_builder *fdt, const char *name, const char *value)
{
    dt_bytes(fdt, name, value, strlen(value) + 1);
}

void dt_strings(struct fdt_builder *fdt, const char *name, const char *values)
{
    char list[256];
    size_t len = strlen(values) + 1;
    if (len > sizeof(list)) {
        fdt->error = fdt->error ? fdt->error : -ENAMETOOLONG;
        return;
    }
    for (size_t i = 0; i < len; i++)
        list[i] = values[i] == '\n' ? '\0' : values[i];
    dt_bytes(fdt, name, list, len);
}

void dt_reg(struct fdt_builder *fdt, const struct dt_range *ranges, unsigned count)
{
    uint32_t cells[4 * 8];
    if (count > 8) {
        fdt->error = fdt->error ? fdt->error : -E2BIG;
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        cells[4 * i] = (uint32_t)(ranges[i].base >> 32);
        cells[4 * i + 1] = (uint32_t)ranges[i].base;
        cells[4 * i + 2] = (uint32_t)(ranges[i].size >> 32);
        cells[4 * i + 3] = (uint32_t)ranges[i].size;
    }
    dt_cells(fdt, "reg", cells, 4 * count);
}

void dt_phandle(struct fdt_builder *fdt, enum dt_phandle phandle)
{
    dt_u32(fdt, "phandle", phandle);
}

void dt_interrupts(struct fdt_builder *fdt, const struct dt_irq *irqs, unsigned count)
{
    uint32_t cells[3 * 8];
    if (count > 8) {
        fdt->error = fdt->error ? fdt->error : -E2BIG;
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        cells[3 * i] = irqs[i].ppi;
        cells[3 * i + 1] = irqs[i].number;
        cells[3 * i + 2] = irqs[i].flags;
    }
    dt_cells(fdt, "interrupts", cells, 3 * count);
}
