/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trace.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/error.h"

static const char *const names[TRACE_CATEGORIES] = {
    [TRACE_EXC] = "exc",       [TRACE_MMU] = "mmu",   [TRACE_IRQ] = "irq",   [TRACE_DEV] = "dev",
    [TRACE_VIRTIO] = "virtio", [TRACE_PSCI] = "psci", [TRACE_CODE] = "code", [TRACE_UNIMP] = "unimp",
};

static int find(const char *name, size_t len)
{
    for (int i = 0; i < TRACE_CATEGORIES; i++)
        if (strlen(names[i]) == len && !memcmp(names[i], name, len))
            return i;
    return -1;
}

int trace_parse(struct trace *trace, const char *list, struct error *err)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        int category = find(list, len);
        if (len == 3 && !memcmp(list, "all", 3))
            trace->mask = (1u << TRACE_CATEGORIES) - 1;
        else if (category >= 0)
            trace->mask |= 1u << category;
        else
            return error_set(err, -EINVAL,
                             "--trace: no category '%.*s'; there are exc, mmu, irq, dev, virtio, "
                             "psci, code, unimp and all",
                             (int)len, list);
        list += len;
        list += *list == ',';
    }
    return 0;
}

void trace_print(const struct trace *trace, enum trace_category category, const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    fprintf(trace->out, "%s: %s\n", names[category], line);
}
