/* SPDX-License-Identifier: Apache-2.0 */
/* Where a guest is, from what it prints. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bits.h"
#include "check/boot/stage.h"

static struct stages stages;

static void feed(const char *text)
{
    stages_feed(&stages, text, strlen(text));
}

static const struct {
    const char *text;
    enum boot_stage stage;
    bool trouble;
} outputs[] = {
    {"", STAGE_SILENT, false},
    {"\r\n \r\n", STAGE_SILENT, false},
    {"hello\r\n", STAGE_UNKNOWN, false},
    {"UEFI firmware (version 2022.11)\r\n\x1b[2J\x1b[01;01H", STAGE_FIRMWARE, false},
    {"U-Boot 2023.01 (Jan 01 2023)\r\n", STAGE_FIRMWARE, false},
    {"BdsDxe: failed to load Boot0001 \"x\"\r\nBdsDxe: No bootable option\r\n", STAGE_FIRMWARE,
     true},
    {"BdsDxe: failed to load Boot0001 \"x\"\r\n\x1b[37mWelcome to GRUB!\r\n", STAGE_LOADER, false},
    {"Welcome to GRUB!\r\nerror: no such device: 1234.\r\ngrub rescue> ", STAGE_LOADER, true},
    {"Loading Linux 6.1.0 ...\r\nLoading initial ramdisk ...", STAGE_LOADER, false},
    {"EFI stub: Booting Linux Kernel...\r\n", STAGE_KERNEL, false},
    {"[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x000f0a10]\r\n", STAGE_KERNEL,
     false},
    {"[    0.0] Linux version 6.1.0\r\n[    1.2] Kernel panic - not syncing: Asynchronous "
     "SError\r\n",
     STAGE_KERNEL, true},
    {"[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
     STAGE_ROOT, true},
    {"Begin: Loading essential drivers ... done.\r\n", STAGE_ROOT, false},
    {"Gave up waiting for root file system device.\r\nALERT!  /dev/sda1 does not exist.\r\n\r\n"
     "(initramfs) ",
     STAGE_ROOT, true},
    {"[    3.1] systemd[1]: Detected virtualization qemu.\r\n", STAGE_USER, false},
    {"INIT: version 3.06 booting\r\n", STAGE_USER, false},
    {"[    0.7] virtio_init: found\r\n", STAGE_UNKNOWN, false},
    {"Debian GNU/Linux 12 debian ttyAMA0\r\n\r\ndebian login: ", STAGE_USER, false},
    {"[    9.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0b\r\n", STAGE_USER,
     true},
};

static void test_outputs(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
        stages_init(&stages);
        feed(outputs[i].text);
        stages_end(&stages);
        print_message("%s\n", outputs[i].text);
        assert_int_equal(stages.stage, outputs[i].stage);
        assert_int_equal(stages.trouble, outputs[i].trouble);
    }
}

/* The same, whatever the pieces in which it comes. */
static void test_pieces(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
        stages_init(&stages);
        for (const char *c = outputs[i].text; *c; c++)
            stages_feed(&stages, c, 1);
        stages_end(&stages);
        assert_int_equal(stages.stage, outputs[i].stage);
    }
}

static void test_lines(void **state)
{
    stages_init(&stages);
    feed("armvm: warning\r\nALERT! first\r\nALERT! second\r\nlast \x1b[1mline\r\n\r\n");
    assert_string_equal(stages.said, "armvm: warning");
    assert_string_equal(stages.cause, "ALERT! first");
    assert_string_equal(stages.last, "last line");
    assert_int_equal(stages.lines, 3);
}

/* A screen without line ends: what is in it is found, across any cut. */
static void test_screen(void **state)
{
    for (unsigned before = 0; before < 2 * STAGE_LINE; before++) {
        stages_init(&stages);
        for (unsigned i = 0; i < before; i++)
            feed(".");
        feed("GNU GRUB  version 2.06");
        for (unsigned i = 0; i < STAGE_LINE; i++)
            feed("-");
        assert_int_equal(stages.stage, STAGE_LOADER);
    }
}

/* What a guest stops with, and what looks like it but goes on. */
static void test_ends(void **state)
{
    static const struct {
        const char *text;
        bool ended;
    } cases[] = {
        {"", false},
        {"UEFI firmware\r\n", false},
        {"\x1b[08;01H\x1b[33mShell> \x1b[0m\x1b[37m\x1b[40m", true},
        {"Shell> bootaa64.efi", false},
        {"Shell> \r\n", true},
        {"Shell> \r\nstarting\r\n", false},
        {"BdsDxe: failed to load Boot0001\r\n\r\n>>Start PXE over IPv4.", true},
        {">>Start PXE over IPv4.\r\n  PXE-E18: Server response timeout.\r\n", false},
        {"error: no such partition.\r\nEntering rescue mode...\r\ngrub rescue> ", true},
        {"grub> linux /vmlinuz", false},
        {"=> ", true},
        {"a => ", false},
        {"=> boot", false},
        {"[ 1.2] Kernel panic - not syncing: VFS\r\n[ 1.3] CPU: 0\r\n", false},
        {"[ 1.2] Kernel panic - not syncing: VFS\r\n[ 2.1] Rebooting in 10 seconds..", false},
        {"[ 1.2] ---[ end Kernel panic - not syncing: VFS ]---\r\n", true},
        {"[ 1.2] ---[ end Kernel panic - not syncing: VFS ]---\r\n  \r\n", true},
        {"BusyBox v1.35.0 built-in shell (ash)\r\n\r\n(initramfs) ", true},
        {"(initramfs) exit\r\n[ 9.0] EXT4-fs (vda1): mounted\r\n", false},
        {"Give root password for maintenance\r\n(or press Control-D to continue): ", true},
        {"Press Enter for maintenance\r\n(or press Control-D to continue): ", true},
        {"[ 3.0] reboot: System halted\r\n", true},
        {"Debian GNU/Linux 12 debian ttyAMA0\r\n\r\ndebian login: ", false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        stages_init(&stages);
        print_message("%s\n", cases[i].text);
        for (const char *c = cases[i].text; *c; c++)
            stages_feed(&stages, c, 1);
        assert_int_equal(stages_ended(&stages), cases[i].ended);
    }
}

static void test_starts(void **state)
{
    stages_init(&stages);
    for (unsigned i = 1; i < 4; i++) {
        feed("UEFI firmware (version 2022.11 built at 13:10:49)\r\nBdsDxe: loading Boot0001\r\n");
        feed("[ 1.2] Kernel panic - not syncing: VFS\r\n[ 1.3] Rebooting in 1 seconds..");
        assert_int_equal(stages.starts, i);
    }
}

static void test_changes(void **state)
{
    stages_init(&stages);
    assert_true(stages_feed(&stages, "UEFI firmware\n", 14));
    assert_false(stages_feed(&stages, "UEFI firmware\n", 14));
    assert_true(stages_feed(&stages, "Welcome to GRUB!\n", 17));
    assert_false(stages_feed(&stages, "UEFI firmware\n", 14));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_screen),
        cmocka_unit_test(test_ends),    cmocka_unit_test(test_starts),
        cmocka_unit_test(test_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
