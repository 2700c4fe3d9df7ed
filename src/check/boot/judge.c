/* SPDX-License-Identifier: Apache-2.0 */
/* What the boots mean: where each stopped, and for which requirement that counts. */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "check/boot/boot.h"
#include "check/report.h"

/* A kernel that reads so much after its last word is alive: its own loading is over by then. */
static const uint64_t ALIVE_BYTES = 64 << 20;
enum { SIGNALLED = 128 };

const char *boot_where_name(enum boot_where where)
{
    static const char *const names[] = {
        [BOOT_DONE] = "booted",
        [BOOT_IN_FIRMWARE] = "firmware",
        [BOOT_IN_LOADER] = "boot loader",
        [BOOT_IN_KERNEL] = "kernel",
        [BOOT_IN_ROOT] = "root file system",
        [BOOT_IN_USER] = "user space",
        [BOOT_AT_CONSOLE] = "console",
        [BOOT_SILENT] = "silent",
        [BOOT_DIED] = "armvm",
    };

    return names[where];
}

enum boot_where boot_judge(const struct boot_result *result)
{
    static const enum boot_where where[] = {
        [STAGE_SILENT] = BOOT_SILENT,        [STAGE_UNKNOWN] = BOOT_IN_FIRMWARE,
        [STAGE_FIRMWARE] = BOOT_IN_FIRMWARE, [STAGE_LOADER] = BOOT_IN_LOADER,
        [STAGE_KERNEL] = BOOT_IN_KERNEL,     [STAGE_ROOT] = BOOT_IN_ROOT,
        [STAGE_USER] = BOOT_IN_USER,
    };

    if (!result->status)
        return BOOT_DONE;
    if (result->status >= SIGNALLED)
        return BOOT_DIED;
    if (!result->trouble && result->stage == STAGE_KERNEL && result->bytes_read >= ALIVE_BYTES)
        return BOOT_AT_CONSOLE;
    return where[result->stage];
}

/* Firmware and loaders that hang have not read much; a kernel may have little to read. */
static bool may_be_console(const struct boot_result *result)
{
    return !result->trouble && result->where != BOOT_DONE && result->where != BOOT_DIED &&
           result->stage < STAGE_USER &&
           (result->stage >= STAGE_KERNEL || result->bytes_read >= ALIVE_BYTES);
}

void boot_compare(const struct boot_variant *variant, struct boot_result *result, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bool other = false;
        for (unsigned j = 0; j < count; j++)
            other |= variant[j].row == variant[i].row && variant[j].column != variant[i].column &&
                     result[j].where == BOOT_DONE;
        if (other && may_be_console(&result[i]))
            result[i].where = BOOT_AT_CONSOLE;
    }
}

/* --- requirements ----------------------------------------------------------------------------- */

enum axis { AXIS_CONSOLE, AXIS_GIC, AXIS_BUS };

static const struct value {
    const char *id, *title, *absent; /* NULL: it is offered */
    enum axis axis;
    unsigned value;
} values[] = {
    {"G1", "the guest boots and shows itself on a PL011", NULL, AXIS_CONSOLE, COLUMN_PL011},
    {"G1", "the guest boots and shows itself on a virtio console", NULL, AXIS_CONSOLE,
     COLUMN_VIRTIO},
    {"G1", "the guest boots and shows itself on a Xen console", "Xen console", AXIS_CONSOLE,
     COLUMN_XEN},
    {"G2", "the guest boots with a GICv2", NULL, AXIS_GIC, 2},
    {"G2", "the guest boots with a GICv3", NULL, AXIS_GIC, 3},
    {"G3", "the guest boots from a disk on virtio-pci", NULL, AXIS_BUS, 1},
    {"G3", "the guest boots from a disk on virtio-mmio", NULL, AXIS_BUS, 0},
    {"G3", "the guest boots from a disk on the Xen bus", "Xen bus", AXIS_BUS, 2},
};

static bool has(const struct value *value, const struct boot_variant *v)
{
    switch (value->axis) {
    case AXIS_CONSOLE:
        return v->column == value->value;
    case AXIS_GIC:
        return v->vm.gic == value->value;
    default:
        return v->vm.pci == value->value;
    }
}

static const char *name(const struct boot_variant *v, char *text, size_t size)
{
    snprintf(text, size, "%s, %s", boot_rows[v->row], boot_columns[v->column]);
    return text;
}

static void blame(struct report *report, struct check_result *to, const struct boot_variant *v,
                  const struct boot_result *r)
{
    static const char *const texts[] = {
        [BOOT_IN_FIRMWARE] = "stopped in the firmware",
        [BOOT_IN_LOADER] = "stopped in the boot loader",
        [BOOT_IN_KERNEL] = "stopped in the kernel",
        [BOOT_IN_ROOT] = "stopped at the root file system",
        [BOOT_IN_USER] = "user space came up, but not what was expected",
        [BOOT_AT_CONSOLE] = "the guest runs, but is silent on its console",
        [BOOT_SILENT] = "nothing was printed",
        [BOOT_DIED] = "armvm itself ended",
    };
    static const char *const ids[] = {
        [BOOT_IN_FIRMWARE] = "boot-firmware", [BOOT_IN_LOADER] = "boot-loader",
        [BOOT_IN_KERNEL] = "boot-kernel",     [BOOT_IN_ROOT] = "boot-root",
        [BOOT_IN_USER] = "boot-user",         [BOOT_AT_CONSOLE] = "boot-console",
        [BOOT_SILENT] = "boot-silent",        [BOOT_DIED] = "boot-armvm",
    };
    static const char *const fixes[] = {
        [BOOT_IN_FIRMWARE] = "armvm check IMAGE says what keeps firmware from starting it",
        [BOOT_IN_LOADER] = "look at the boot loader's configuration (--log keeps what it printed)",
        [BOOT_IN_USER] = "--expect or a longer --timeout, if it did boot",
        [BOOT_AT_CONSOLE] =
            "give the kernel that console's driver, and name the console (console=, "
            "with console=tty0 before it if the driver is a module)",
        [BOOT_SILENT] =
            "see where the same machine with a PL011 stops; if it boots there, name the "
            "console (console=tty0 console=hvc0)",
        [BOOT_DIED] = "--log keeps what was printed before; this is a defect of armvm",
    };
    bool gave_up = r->where == BOOT_IN_USER && r->trouble;
    const char *fix = r->where < ARRAY_SIZE(fixes) && !gave_up ? fixes[r->where] : NULL;
    char text[120], end[40] = "";

    if (r->status != BOOT_TIMED_OUT)
        snprintf(end, sizeof(end), " (the machine ended, status %d)", r->status);
    result_fail(report, to, ids[r->where], fix, "%s: %s%s%s%s", name(v, text, sizeof(text)),
                texts[r->where], end, *r->line ? "; its last line: " : "", r->line);
}

/* A value of an axis is at fault when the guest boots with it nowhere; a console also when only
 * that is missing somewhere. What stops at the console has met the rest. */
static void judge_value(const struct boot_check *check, const struct value *value,
                        const struct boot_variant *variant, const struct boot_result *result,
                        unsigned count, struct report *report)
{
    unsigned tried = 0, good = 0;
    struct check_result *to;
    bool kept;

    if (value->absent) {
        to = report_add(report, value->id, CHECK_SKIP, value->title);
        result_found(report, to, "not offered: armvm has no %s", value->absent);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!has(value, &variant[i]))
            continue;
        tried++;
        good += result[i].where == BOOT_DONE ||
                (value->axis != AXIS_CONSOLE && result[i].where == BOOT_AT_CONSOLE);
    }
    if (!tried) {
        to = report_add(report, value->id, CHECK_SKIP, value->title);
        result_found(report, to, "not asked for");
        return;
    }
    to = report_add(report, value->id, CHECK_PASS, value->title);
    kept = value->axis == AXIS_CONSOLE && value->value == COLUMN_VIRTIO && check->machine.uart_kept;
    result_found(report, to, "%u of %u variations with it%s", good, tried,
                 kept ? "; a PL011 was there, too: that it boots without is not shown" : "");
    for (unsigned i = 0; i < count; i++)
        if (has(value, &variant[i]) && result[i].where != BOOT_DONE &&
            (!good || (value->axis == AXIS_CONSOLE && result[i].where == BOOT_AT_CONSOLE)))
            blame(report, to, &variant[i], &result[i]);
}

static void judge_all(const struct boot_variant *variant, const struct boot_result *result,
                      unsigned count, struct report *report)
{
    struct check_result *to =
        report_add(report, "G4", CHECK_PASS, "the guest boots in every variation that was tried");
    unsigned good = 0;

    for (unsigned i = 0; i < count; i++)
        good += result[i].where == BOOT_DONE;
    result_found(report, to, "%u of %u", good, count);
    for (unsigned i = 0; i < count; i++)
        if (result[i].where != BOOT_DONE)
            blame(report, to, &variant[i], &result[i]);
    to = report_add(report, "G4", CHECK_SKIP,
                    "the guest boots on the memory maps of other machines");
    result_found(report, to, "not offered: armvm has no boards kvmtool and xen");
}

static void fill(const struct boot_variant *variant, const struct boot_result *result,
                 unsigned count, struct report *report)
{
    struct check_matrix *matrix = report_matrix(report, "Where the guest boots", BOOT_ROWS,
                                                boot_rows, BOOT_COLUMNS, boot_columns);

    for (unsigned row = 0; row < BOOT_ROWS; row++)
        for (unsigned column = 0; column < BOOT_COLUMNS; column++)
            if (boot_not_offered(row, column))
                matrix_set(report, matrix, row, column, CHECK_SKIP, -1, "not offered");
    for (unsigned i = 0; i < count; i++)
        matrix_set(report, matrix, variant[i].row, variant[i].column,
                   result[i].where == BOOT_DONE ? CHECK_PASS : CHECK_FAIL, result[i].seconds,
                   result[i].where == BOOT_DONE ? NULL : boot_where_name(result[i].where));
}

void boot_report(const struct boot_check *check, const struct boot_variant *variant,
                 const struct boot_result *result, unsigned count, struct report *report)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        judge_value(check, &values[i], variant, result, count, report);
    judge_all(variant, result, count, report);
    fill(variant, result, count, report);
}
