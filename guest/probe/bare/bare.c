/* SPDX-License-Identifier: Apache-2.0 */
/* The bare part: what each boot does once there is no firmware any more. */
#include "bare/bare.h"

#include "base/tap.h"
#include "device/virtio.h"
#include "uefi/uefi.h"

struct machine machine;

void console_find_virtio(void);

void bail_out(const char *text, ...)
{
    char buffer[300];
    va_list list;

    va_start(list, text);
    format(buffer, sizeof(buffer), "Bail out! ");
    format_list(buffer + 10, sizeof(buffer) - 10, text, list);
    va_end(list);
    console_write(buffer);
    psci_power_off();
    for (;;)
        arch_wait();
}

static void first_boot(u32 level)
{
    if (!gic_open()) {
        skip("P4 a GICv2 or newer is described, and it is one", "see below");
        test("P4 the interrupt controller can be used", false, "the %s has no GIC that answers",
             machine.platform.source);
        bail_out("without an interrupt controller nothing more can be looked at");
    }
    test_consoles();
    test_tree_devices();
    test_acpi_devices();
    test_interrupts();
    test_timers();
    test_psci();
    test_cpus();
    test_console_input();
    test_devices();
    /* Runtime services belong to the exception level that the firmware had. */
    if (level == 1)
        test_runtime();
    else
        skip("F5 variables are read at run time", "the firmware is at EL%u", level);
}

static void end_of_run(void) __attribute__((noreturn));

static void end_of_run(void)
{
    tap_plan();
    note("the probe has come to its end; it switches the power off");
    psci_power_off();
    efi.runtime->reset_system(RESET_SHUTDOWN, 0, 0, NULL);
    bail_out("neither PSCI nor UEFI switches the power off");
}

static void leave(u32 boot, u32 level)
{
    if (boot == BOOT_FIRST)
        state_number(tap_number(), level == 1);
    switch (boot) {
    case BOOT_FIRST:
        note("probe: reset by PSCI");
        psci_reset();
        test("P7 SYSTEM_RESET resets", false, "it returned");
        efi.runtime->reset_system(RESET_COLD, 0, 0, NULL);
        break;
    case BOOT_AFTER_PSCI:
        note("probe: reset by ResetSystem");
        efi.runtime->reset_system(RESET_COLD, 0, 0, NULL);
        test("F1 ResetSystem resets", false, "it returned");
        psci_reset();
        break;
    case BOOT_AFTER_RESET:
        note("probe: power off; please start the machine again");
        efi.runtime->reset_system(RESET_SHUTDOWN, 0, 0, NULL);
        test("F1 ResetSystem switches the power off", false, "it returned");
        psci_power_off();
        break;
    }
    bail_out("there is no way out of boot %u", boot);
}

void bare_main(void)
{
    u32 level = arch_level();

    mmu_prepare();
    arch_cpu_init(0, arch_affinity());
    arch_own();
    console_open();
    virtio_mmio_find();
    pci_find(machine.boot == BOOT_FIRST);
    console_find_virtio();
    if (machine.boot == BOOT_FIRST)
        first_boot(level);
    if (machine.boot == BOOT_AFTER_POWER)
        end_of_run();
    leave(machine.boot, level);
    for (;;)
        ;
}
