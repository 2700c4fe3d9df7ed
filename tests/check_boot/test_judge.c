/* SPDX-License-Identifier: Apache-2.0 */
/* The table of variations, and what boots mean for the requirements. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "check/boot/boot.h"
#include "check/report.h"

static struct boot_variant variant[VM_CHECK_VARIANTS];
static struct boot_result result[VM_CHECK_VARIANTS];
static unsigned count;

static void test_table(void **state)
{
    struct vm_check check = {.tables = VM_TABLES_BOTH};
    unsigned seen[BOOT_ROWS][BOOT_COLUMNS] = {0};
    char name[64];

    count = boot_variants(&check, variant);
    assert_int_equal(count, 16);
    for (unsigned i = 0; i < count; i++) {
        seen[variant[i].row][variant[i].column]++;
        snprintf(name, sizeof(name), "GICv%u, virtio-%s, %s", variant[i].vm.gic,
                 variant[i].vm.pci ? "pci" : "mmio", variant[i].vm.acpi ? "ACPI" : "device tree");
        assert_string_equal(boot_rows[variant[i].row], name);
        assert_int_equal(variant[i].vm.virtio_console, variant[i].column == COLUMN_VIRTIO);
    }
    /* Each is tried or not offered, and none is both. */
    for (unsigned row = 0; row < BOOT_ROWS; row++)
        for (unsigned column = 0; column < BOOT_COLUMNS; column++)
            assert_int_equal(seen[row][column] + boot_not_offered(row, column), 1);
}

static void test_choices(void **state)
{
    static const struct {
        struct vm_check check;
        unsigned count;
    } choices[] = {
        {{.tables = VM_TABLES_TREE}, 8},
        {{.tables = VM_TABLES_BOTH, .gic = 2}, 8},
        {{.tables = VM_TABLES_BOTH, .bus = "mmio", .console = "virtio"}, 4},
        {{.tables = VM_TABLES_ACPI, .gic = 3, .bus = "pci", .console = "pl011"}, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
        assert_int_equal(boot_variants(&choices[i].check, variant), choices[i].count);
}

static void test_quick(void **state)
{
    struct vm_check check = {.tables = VM_TABLES_BOTH, .quick = true};
    unsigned gic = 0, bus = 0, console = 0, tables = 0;

    count = boot_variants(&check, variant);
    assert_int_equal(count, 2);
    for (unsigned i = 0; i < count; i++) {
        gic |= 1u << (variant[i].vm.gic - 2);
        bus |= 1u << variant[i].vm.pci;
        console |= 1u << variant[i].vm.virtio_console;
        tables |= 1u << variant[i].vm.acpi;
    }
    assert_true(gic == 3 && bus == 3 && console == 3 && tables == 3);
}

static void test_where(void **state)
{
    static const struct {
        struct boot_result result;
        enum boot_where where;
    } cases[] = {
        {{.status = 0, .stage = STAGE_USER}, BOOT_DONE},
        {{.status = 124, .stage = STAGE_SILENT}, BOOT_SILENT},
        {{.status = 124, .stage = STAGE_UNKNOWN}, BOOT_IN_FIRMWARE},
        {{.status = 124, .stage = STAGE_LOADER, .bytes_read = 1 << 30}, BOOT_IN_LOADER},
        {{.status = 124, .stage = STAGE_KERNEL, .bytes_read = 1 << 20}, BOOT_IN_KERNEL},
        {{.status = 124, .stage = STAGE_KERNEL, .bytes_read = 1 << 30}, BOOT_AT_CONSOLE},
        {{.status = 124, .stage = STAGE_KERNEL, .bytes_read = 1 << 30, .trouble = true},
         BOOT_IN_KERNEL},
        {{.status = 1, .stage = STAGE_ROOT}, BOOT_IN_ROOT},
        {{.status = 1, .stage = STAGE_USER}, BOOT_IN_USER},
        {{.status = 139, .stage = STAGE_USER}, BOOT_DIED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(boot_judge(&cases[i].result), cases[i].where);
}

/* All boot, but for those that `fails` picks. */
static struct report *judge(const struct vm_check *check,
                            bool (*fails)(const struct boot_variant *v), struct boot_result with)
{
    struct report *report = report_new("guest", "test", PROFILE_RFC_V2);
    const struct boot_check boots = {.machine = *check};

    count = boot_variants(check, variant);
    for (unsigned i = 0; i < count; i++) {
        result[i] = fails(&variant[i]) ? with : (struct boot_result){.stage = STAGE_USER};
        result[i].where = boot_judge(&result[i]);
    }
    boot_compare(variant, result, count);
    boot_report(&boots, variant, result, count, report);
    return report;
}

static bool none(const struct boot_variant *v)
{
    return false;
}

static bool pl011(const struct boot_variant *v)
{
    return v->column == COLUMN_PL011;
}

static bool gic2(const struct boot_variant *v)
{
    return v->vm.gic == 2;
}

static bool mmio(const struct boot_variant *v)
{
    return !v->vm.pci;
}

static bool one(const struct boot_variant *v)
{
    return v->vm.gic == 2 && !v->vm.pci && v->vm.acpi && v->column == COLUMN_VIRTIO;
}

/* The titles of what fails begin with "id: the guest ..."; here by how they end. */
static void assert_failing(const struct report *report, const char *expected)
{
    const struct check_result *r;
    char text[400] = "";

    for (size_t i = 0; (r = report_at(report, i)); i++)
        if (r->outcome == CHECK_FAIL || r->outcome == CHECK_WARN)
            sprintf(text + strlen(text), "%s %s;", r->requirement->id, strrchr(r->title, ' ') + 1);
    assert_string_equal(text, expected);
}

static void test_report(void **state)
{
    static const struct vm_check all = {.tables = VM_TABLES_BOTH},
                                 quick = {.tables = VM_TABLES_BOTH, .quick = true};
    static const struct boot_result stuck = {.status = 124, .stage = STAGE_FIRMWARE},
                                    silent = {.status = 124,
                                              .stage = STAGE_FIRMWARE,
                                              .bytes_read = 1 << 30},
                                    alive = {.status = 124,
                                             .stage = STAGE_KERNEL,
                                             .bytes_read = 1 << 30},
                                    root = {.status = 124, .stage = STAGE_ROOT, .trouble = true};
    static const struct {
        const struct vm_check *check;
        bool (*fails)(const struct boot_variant *v);
        const struct boot_result *with;
        const char *failing;
        int status;
    } cases[] = {
        {&all, none, &root, "", 0},
        {&all, pl011, &silent, "G1 PL011;G4 tried;", 1},
        {&quick, pl011, &alive, "G1 PL011;G4 tried;", 1},
        {&all, gic2, &root, "G2 GICv2;G4 tried;", 1},
        {&all, mmio, &root, "G3 virtio-mmio;G4 tried;", 1},
        {&all, one, &root, "G4 tried;", 1},
        {&all, one, &stuck, "G4 tried;", 1},
        {&all, one, &silent, "G1 console;G4 tried;", 1},
        {&all, pl011, &stuck, "G1 PL011;G4 tried;", 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct report *report = judge(cases[i].check, cases[i].fails, *cases[i].with);
        assert_failing(report, cases[i].failing);
        assert_int_equal(report_status(report), cases[i].status);
        report_free(report);
    }
}

/* Where firmware needs a PL011 beside the virtio console, the report does not claim more than that.
 */
static void test_uart_kept(void **state)
{
    for (int kept = 0; kept < 2; kept++) {
        const struct vm_check check = {.tables = VM_TABLES_BOTH, .uart_kept = kept};
        struct report *report = judge(&check, none, (struct boot_result){0});
        const struct check_result *r;
        unsigned said = 0;
        for (size_t i = 0; (r = report_at(report, i)); i++)
            said += r->found && strstr(r->found, "a PL011 was there, too");
        assert_int_equal(said, kept);
        assert_int_equal(report_status(report), 0);
        report_free(report);
    }
}

/* What is not offered is skipped and never passes. */
static void test_not_offered(void **state)
{
    static const struct vm_check all = {.tables = VM_TABLES_BOTH};
    struct report *report = judge(&all, none, (struct boot_result){0});
    const struct check_matrix *matrix = report_matrix_at(report, 0);
    unsigned skipped = 0;

    for (unsigned i = 0; i < matrix->rows * matrix->columns; i++)
        if (matrix->cell[i].outcome == CHECK_SKIP) {
            assert_string_equal(matrix->cell[i].note, "not offered");
            skipped++;
        }
    assert_int_equal(skipped, BOOT_ROWS * BOOT_COLUMNS - 16);
    assert_int_equal(report_counts(report).outcome[CHECK_SKIP], 3);
    report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_choices),
        cmocka_unit_test(test_quick),     cmocka_unit_test(test_where),
        cmocka_unit_test(test_report),    cmocka_unit_test(test_not_offered),
        cmocka_unit_test(test_uart_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
