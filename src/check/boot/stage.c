/* SPDX-License-Identifier: Apache-2.0 */
#include "check/boot/stage.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"

/* Of a line that is too long: a sign may go across the cut. */
enum { KEPT = STAGE_LINE / 2 };

struct sign {
    const char *text;
    enum boot_stage stage;
    bool trouble;
};

/* Behind these nothing comes without somebody at the keyboard, or a boot server on the network,
 * which armvm's has not. Behind a prompt a script may type: it is the end of its line. */
enum end_kind { ANYWHERE, AT_END, ALONE };
static const struct {
    const char *text;
    enum end_kind kind;
} ends[] = {
    {"Shell>", AT_END},
    {">>Start PXE over IP", ANYWHERE},
    {">>Start HTTP Boot over IP", ANYWHERE},
    {"Press any key to enter the Boot Manager Menu", ANYWHERE},
    {"=Move Highlight", ANYWHERE}, /* a menu of EDK2 */
    {"BOOTP broadcast", ANYWHERE},
    {"=>", ALONE}, /* U-Boot */
    {"grub>", AT_END},
    {"grub rescue>", AT_END},
    {"---[ end Kernel panic", ANYWHERE},
    {"reboot: System halted", ANYWHERE},
    {"(initramfs)", AT_END},
    {"dracut:/#", AT_END},
    {"Give root password for maintenance", ANYWHERE},
    {"Press Enter for maintenance", ANYWHERE},
    {"Control-D to continue):", AT_END},
    {"Press Enter to continue", ANYWHERE},
};

/* The first that a line contains counts. Trouble stands before what is only a sign of life. */
static const struct sign signs[] = {
    {"BdsDxe: failed to", STAGE_FIRMWARE, true},
    {"BdsDxe: No bootable option", STAGE_FIRMWARE, true},
    {"UEFI Interactive Shell", STAGE_FIRMWARE, true},
    {">>Start PXE over IP", STAGE_FIRMWARE, true},
    {">>Start HTTP Boot over IP", STAGE_FIRMWARE, true},
    {"BOOTP broadcast", STAGE_FIRMWARE, true},
    {"Synchronous Exception at", STAGE_FIRMWARE, true},
    {"No UEFI binary found", STAGE_FIRMWARE, true},
    {"grub rescue>", STAGE_LOADER, true},
    {"grub>", STAGE_LOADER, true},
    {"error: no such device", STAGE_LOADER, true},
    {"error: unknown filesystem", STAGE_LOADER, true},
    {"error: you need to load the kernel first", STAGE_LOADER, true},
    {"Failed to execute", STAGE_LOADER, true},
    {"EFI stub: ERROR", STAGE_KERNEL, true},
    {"Unable to mount root fs", STAGE_ROOT, true},
    {"ALERT!", STAGE_ROOT, true},
    {"(initramfs)", STAGE_ROOT, true},
    {"Gave up waiting for root", STAGE_ROOT, true},
    {"dracut-initqueue timeout", STAGE_ROOT, true},
    {"Entering emergency mode", STAGE_ROOT, true},
    {"No working init found", STAGE_ROOT, true},
    {"Attempted to kill init!", STAGE_USER, true},
    {"Kernel panic - not syncing", STAGE_KERNEL, true},
    {"You are in emergency mode", STAGE_USER, true},
    {"Give root password for", STAGE_USER, true},
    {"Press Enter for maintenance", STAGE_USER, true},

    {"UEFI firmware", STAGE_FIRMWARE, false},
    {"EDK II", STAGE_FIRMWARE, false},
    {"TianoCore", STAGE_FIRMWARE, false},
    {"BdsDxe:", STAGE_FIRMWARE, false},
    {"U-Boot 20", STAGE_FIRMWARE, false},
    {"Welcome to GRUB", STAGE_LOADER, false},
    {"GNU GRUB", STAGE_LOADER, false},
    {"systemd-boot", STAGE_LOADER, false},
    {"Loading Linux", STAGE_LOADER, false},
    {"Loading initial ramdisk", STAGE_LOADER, false},
    {"EFI stub:", STAGE_KERNEL, false},
    {"Booting Linux on physical CPU", STAGE_KERNEL, false},
    {"Linux version ", STAGE_KERNEL, false},
    {"Run /init as init process", STAGE_ROOT, false},
    {"Loading, please wait", STAGE_ROOT, false},
    {"Begin: ", STAGE_ROOT, false},
    {"dracut", STAGE_ROOT, false},
    {"running in system mode", STAGE_USER, false},
    {"Queued start job for default target", STAGE_USER, false},
    {"Welcome to ", STAGE_USER, false},
    {"INIT: version", STAGE_USER, false},
    {"OpenRC ", STAGE_USER, false},
    {"systemd[1]:", STAGE_USER, false},
    {"] init: ", STAGE_USER, false},
    {"login:", STAGE_USER, false},
};

void stages_init(struct stages *stages)
{
    *stages = (struct stages){0};
}

static const struct sign *find(const char *line)
{
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
        if (strstr(line, signs[i].text))
            return &signs[i];
    return NULL;
}

static bool is_start(const char *line)
{
    return strstr(line, "UEFI firmware (version") || strstr(line, "U-Boot 20");
}

static bool blank(const char *line)
{
    return line[strspn(line, " \t")] == 0;
}

static bool is_end(const char *line)
{
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        const char *at = strstr(line, ends[i].text);
        if (at && (ends[i].kind != ALONE || at == line) &&
            (ends[i].kind == ANYWHERE || blank(at + strlen(ends[i].text))))
            return true;
    }
    return false;
}

/* A stage is never left backwards, but for a machine that begins anew; what one says of itself is
 * more than what a later one would say of it ("Kernel panic" for the lack of a root). */
static bool judge(struct stages *stages)
{
    const struct sign *sign;
    enum boot_stage before = stages->stage;

    stages->line[stages->len] = 0;
    if (blank(stages->line))
        return false;
    if (!strncmp(stages->line, "armvm", 5)) {
        snprintf(stages->said, sizeof(stages->said), "%.159s", stages->line);
        return false;
    }
    stages->lines++;
    stages->starts += is_start(stages->line);
    stages->ended = is_end(stages->line);
    snprintf(stages->last, sizeof(stages->last), "%.159s", stages->line);
    if (stages->stage == STAGE_SILENT)
        stages->stage = STAGE_UNKNOWN;
    sign = find(stages->line);
    if (sign && sign->trouble && (!stages->trouble || sign->stage > stages->stage)) {
        stages->trouble = true;
        stages->stage = sign->stage;
        snprintf(stages->cause, sizeof(stages->cause), "%.159s", stages->line);
        return true;
    }
    if (sign && !sign->trouble && sign->stage > stages->stage) {
        stages->stage = sign->stage;
        stages->trouble = false; /* it went on all the same */
    }
    return stages->stage != before;
}

/* True for a character that is shown. */
static bool is_text(struct stages *stages, unsigned char c)
{
    return escape_is_text(&stages->escape, c) && c >= ' ' && c != 0x7f;
}

bool stages_feed(struct stages *stages, const char *buf, size_t len)
{
    bool changed = false;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)buf[i];
        if (c == '\n' || c == '\r') {
            stages->escape = ESCAPE_NONE;
            changed |= judge(stages);
            stages->len = 0;
        } else if (is_text(stages, c)) {
            /* A screen that is drawn without line ends is looked at piece by piece. */
            if (stages->len + 1 == STAGE_LINE) {
                changed |= judge(stages);
                memmove(stages->line, stages->line + stages->len - KEPT, KEPT);
                stages->len = KEPT;
            }
            stages->line[stages->len++] = (char)c;
        }
    }
    return changed;
}

void stages_end(struct stages *stages)
{
    judge(stages);
    stages->len = 0;
}

bool stages_ended(const struct stages *stages)
{
    char line[STAGE_LINE];

    memcpy(line, stages->line, stages->len);
    line[stages->len] = 0;
    return blank(line) ? stages->ended : is_end(line);
}

const char *boot_stage_name(enum boot_stage stage)
{
    static const char *const names[] = {
        [STAGE_SILENT] = "silence",    [STAGE_UNKNOWN] = "unknown output",
        [STAGE_FIRMWARE] = "firmware", [STAGE_LOADER] = "boot loader",
        [STAGE_KERNEL] = "kernel",     [STAGE_ROOT] = "root file system",
        [STAGE_USER] = "user space",
    };

    return names[stage];
}
