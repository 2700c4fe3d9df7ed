/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I4: the removable media path (UEFI 2.10, 3.5.1.1). I5: what lies there is an EFI application of
 * that machine. I6: it needs no prepared environment; image_chain.c follows what it starts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "check/image_impl.h"

static const struct state {
    const char *path, *shown;
    uint16_t machine;
    const char *name;
} states[] = {
    {"/EFI/BOOT/BOOTAA64.EFI", "\\EFI\\BOOT\\BOOTAA64.EFI", PE_MACHINE_ARM64, "AArch64"},
    {"/EFI/BOOT/BOOTARM.EFI", "\\EFI\\BOOT\\BOOTARM.EFI", PE_MACHINE_ARM_THUMB, "AArch32"},
};

/* --- I5 --------------------------------------------------------------------------------------- */

static int read_whole(const struct image_source *source)
{
    enum { PIECE = 1 << 20, LIMIT = 256 << 20 };
    uint8_t *piece = malloc(PIECE);
    int rc = piece ? 0 : -ENOMEM;

    for (uint64_t at = 0; !rc && at < source->size && at < LIMIT; at += PIECE) {
        uint64_t left = source->size - at;
        rc = source_read(source, at, piece, left < PIECE ? (size_t)left : PIECE);
    }
    free(piece);
    return rc;
}

int load_pe(struct esp *esp, const struct fat_entry *entry, struct pe *pe, struct error *err)
{
    struct fat_file file = {.fat = &esp->fat, .entry = *entry};
    struct image_source source = fat_source(&file);
    int rc;

    if (!entry->size)
        return error_set(err, -EINVAL, "the file is empty");
    rc = read_whole(&source);
    return rc ? rc : pe_read(&source, pe, err);
}

static void judge_machine(struct image_check *c, const struct state *state, const struct pe *pe)
{
    const char *name = pe_machine_name(pe->machine);

    if (pe->machine != state->machine)
        result_fail(c->report, c->i[5], "pe-machine", NULL,
                    "%s is a program for %s (machine %04X), not for %s (%04X)", state->shown,
                    name ? name : "an unknown machine", pe->machine, state->name, state->machine);
}

static int check_program(struct image_check *c, struct esp *esp, const struct state *state,
                         const struct fat_entry *entry)
{
    struct pe *pe = malloc(sizeof(*pe));
    struct error err = {0};
    int rc = pe ? load_pe(esp, entry, pe, &err) : -ENOMEM;

    if (rc == -EIO) {
        result_fail(c->report, c->i[3], "fat-chain", FAT_REPAIR,
                    "%s: the chain of clusters of %s is damaged", esp->name, state->shown);
        result_skip(c->report, c->i[5], "%s cannot be read (I3)", state->shown);
        result_skip(c->report, c->i[6], "%s cannot be read (I3)", state->shown);
        rc = 0;
    } else if (rc == -EINVAL) {
        result_fail(c->report, c->i[5], "pe-format", NULL, "%s: %s", state->shown, err.text);
        result_skip(c->report, c->i[6], "%s is no program (I5)", state->shown);
        rc = 0;
    } else if (!rc) {
        judge_machine(c, state, pe);
        for (unsigned i = 0; i < pe->findings.count; i++) {
            const struct finding *finding = &pe->findings.item[i];
            if (finding->level == FINDING_ERROR)
                result_fail(c->report, c->i[5], finding->id, NULL, "%s: %s", state->shown,
                            finding->text);
            else
                result_note(c->report, c->i[5], finding->id, "%s: %s", state->shown, finding->text);
        }
        if (result_good(c->i[5]))
            result_found(c->report, c->i[5], "%s: %s%s%s for %s", state->shown,
                         pe_kind_name(pe->kind), pe->version[0] ? " " : "", pe->version,
                         state->name);
        rc = check_chain(c, esp, state->path, pe);
    }
    free(pe);
    return rc;
}

/* --- I4 --------------------------------------------------------------------------------------- */

/* Boot programs for the machine that are elsewhere: they say what to copy. */
static const struct inspect_loader *elsewhere(const struct image_check *c)
{
    for (unsigned i = 0; i < c->in.loaders; i++) {
        const struct inspect_loader *loader = &c->in.loader[i];
        if (loader->is_pe &&
            (loader->pe.machine == PE_MACHINE_ARM64 || loader->pe.machine == PE_MACHINE_ARM_THUMB))
            return loader;
    }
    return NULL;
}

static void not_there(struct image_check *c, struct esp *esp)
{
    const struct inspect_loader *other = elsewhere(c);
    struct fat_entry entry;
    char fix[FIX_TEXT];

    if (other) {
        snprintf(fix, sizeof(fix), "armvm image fix IMAGE, which copies %.200s there", other->path);
        result_fail(c->report, c->i[4], "boot-path", fix,
                    "%s has neither %s nor BOOTARM.EFI; there is %s", esp->name, states[0].shown,
                    other->path);
    } else if (!fat_lookup(&esp->fat, "/EFI/BOOT/BOOTX64.EFI", &entry)) {
        result_fail(c->report, c->i[4], "boot-path", NULL,
                    "%s has \\EFI\\BOOT\\BOOTX64.EFI only: an image for x86-64", esp->name);
    } else {
        result_fail(c->report, c->i[4], "boot-path", NULL, "%s has neither %s nor BOOTARM.EFI",
                    esp->name, states[0].shown);
    }
    result_skip(c->report, c->i[5], "there is no program at the removable path (I4)");
    result_skip(c->report, c->i[6], "there is no program at the removable path (I4)");
}

/* Of one partition; *found: which programs it has, as a list for people. */
static int check_partition(struct image_check *c, struct esp *esp, unsigned *programs)
{
    for (unsigned i = 0; i < ARRAY_SIZE(states); i++) {
        struct fat_entry entry;
        int rc = fat_lookup(&esp->fat, states[i].path, &entry);
        if (rc == -ENOENT || rc == -ENOTDIR || rc == -EIO || rc == -EFBIG)
            continue; /* damage of directories is among the findings of I3 */
        if (rc)
            return rc;
        if (entry.directory) {
            result_fail(c->report, c->i[4], "boot-path-directory", NULL, "%s is a directory",
                        states[i].shown);
            continue;
        }
        ++*programs;
        if (result_good(c->i[4]))
            result_found(c->report, c->i[4], "%s, %" PRIu32 " bytes", states[i].shown, entry.size);
        rc = check_program(c, esp, &states[i], &entry);
        if (rc)
            return rc;
    }
    return 0;
}

static bool damaged_directories(const struct esp *esp)
{
    return findings_find(&esp->fat.findings, "fat-directory") ||
           findings_find(&esp->fat.findings, "fat32-root");
}

static void skip_all(struct image_check *c, const char *why)
{
    for (unsigned i = 4; i <= 6; i++)
        result_skip(c->report, c->i[i], "%s", why);
}

int check_boot(struct image_check *c)
{
    unsigned programs = 0;
    struct esp *first = NULL;
    int rc = 0;

    for (unsigned i = 0; !rc && i < c->esps; i++) {
        struct esp *esp = &c->esp[i];
        if (!esp->readable)
            continue;
        first = first ? first : esp;
        rc = check_partition(c, esp, &programs);
    }
    if (rc || programs)
        return rc;
    if (!c->esps)
        skip_all(c, "there is no EFI system partition to look at");
    else if (!first)
        skip_all(c, c->esp[0].cut ? "the EFI system partition is not wholly on the disk (I1)"
                                  : "the EFI system partition cannot be read (I3)");
    else if (damaged_directories(first))
        skip_all(c, "directories of the EFI system partition are damaged (I3)");
    else if (result_good(c->i[4]))
        not_there(c, first);
    else
        skip_all(c, "there is no program at the removable path (I4)");
    return 0;
}
