/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe: looks at a virtual machine from inside, first as an EFI application, then without
 * firmware, and prints what the ARM VM System Specification asks for as TAP. A run is four boots:
 * everything; after a reset by PSCI; after a reset by UEFI; after the power was off.
 */
#include "arch.h"
#include "bare/bare.h"
#include "base/tap.h"
#include "describe/fdt.h"
#include "uefi/uefi.h"

struct efi efi;
static struct fdt fdt;

efi_status efi_main(efi_handle image, struct efi_system *system);

/* What firmware's console gets: short lines, because some terminals break long ones. */
static void progress(const char *text)
{
    static efi_char line[80];
    u32 n = 0;

    for (; text[n] && n < 76; n++)
        line[n] = (u8)text[n];
    line[n++] = '\r';
    line[n++] = '\n';
    line[n] = 0;
    if (efi.system->out)
        efi.system->out->output(efi.system->out, line);
}

static void find_descriptions(bool tell)
{
    static const struct guid dtb = GUID_DTB_TABLE, rsdp = GUID_ACPI_TABLE;
    const void *blob = efi_find_table(&dtb);
    const char *wrong = blob ? fdt_open(&fdt, blob) : "there is none in the configuration table";

    machine.fdt = wrong ? NULL : &fdt;
    machine.rsdp = efi_find_table(&rsdp);
    if (tell) {
        test_begin("H2 a device tree is handed over and can be read");
        if (wrong)
            test_bad("%s", wrong);
        test_fix("the firmware must hand over the device tree (in place of, or beside, ACPI)");
        test_end("%u nodes, %u bytes", (u32)fdt.nodes, fdt.size);
    }
    if (machine.rsdp && !platform_from_acpi(&machine.from_acpi, machine.rsdp))
        machine.rsdp = NULL;
    if (machine.fdt)
        platform_from_fdt(&machine.platform, machine.fdt);
    else if (machine.rsdp)
        machine.platform = machine.from_acpi;
    else
        machine.platform.source = "firmware";
}

static void first_boot(void)
{
    skip("F2 UEFI is the first software that runs", "not to be seen from inside");
    test_tables();
    test_boot_services();
    test_memory_map();
    test_files();
    test_clock();
    variables_set();
    find_descriptions(true);
    test_tree_form();
    test_acpi_form();
}

/* What is known by being here again. False: there will be no further boot. */
static bool later_boot(const struct state *state, bool lost)
{
    if (state->boot == BOOT_AFTER_PSCI) {
        test("P7 SYSTEM_RESET resets", true, "the machine started anew");
        variables_after("a reset", lost);
    } else if (state->boot == BOOT_AFTER_RESET) {
        test("F1 ResetSystem resets", true, "the machine started anew");
    } else {
        test("F1 ResetSystem switches the power off", true, "the machine was started again");
        variables_after("a power cycle", lost);
    }
    find_descriptions(false);
    if (state->boot < BOOT_AFTER_POWER && !lost)
        return true;
    variables_remove();
    state_remove();
    return false;
}

static void start(struct state *state, bool *lost)
{
    memory_read();
    if (!state_load(state, lost)) {
        state->boot = BOOT_FIRST;
        state->number = 0;
    }
    tap_start(state->number);
    machine.boot = state->boot;
    log_progress(progress);
    note("armvm probe, boot %u of %u", state->boot, BOOT_AFTER_POWER);
}

efi_status efi_main(efi_handle image, struct efi_system *system)
{
    struct state state;
    efi_status status;
    bool lost = false, more = true;

    efi = (struct efi){image, system, system->boot, system->runtime};
    efi.boot->set_watchdog(0, 0, 0, NULL);
    start(&state, &lost);
    if (state.boot == BOOT_FIRST)
        first_boot();
    else
        more = later_boot(&state, lost);
    if (more) {
        state.boot = machine.boot + 1;
        state.number = tap_number();
        status = state_save(&state);
        if (status)
            note("the probe's state is not kept: %s", efi_name(status));
    } else {
        machine.boot = BOOT_AFTER_POWER;
    }
    note("leaving boot services");
    status = leave_boot_services();
    if (status) {
        test("F1 ExitBootServices ends boot services", false, "%s", efi_name(status));
        log_replay(progress);
        return status;
    }
    if (state.boot == BOOT_AFTER_PSCI)
        test("F1 ExitBootServices ends boot services", true, "the memory map's key was taken");
    bare_main();
}
