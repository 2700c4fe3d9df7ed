/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I6: what the program at the removable path starts next, as far as files say it.
 *
 * shim, started from \EFI\BOOT, runs fb<arch>.efi if that is beside it, else grub<arch>.efi. The
 * former reads BOOT<ARCH>.CSV (or BOOT.CSV) in every directory below \EFI: lines
 * "file,label,options, description" in UTF-16, a file relative to that directory. systemd-boot
 * offers what \loader\entries\*.conf name (the Boot Loader Specification) and \EFI\Linux\*.efi.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "check/image_impl.h"
#include "image/text.h"

enum {
    CSV_MAX = 65536,
    CONF_MAX = 65536,
    ENTRIES_MAX = 256,
    LOOKED_MAX = 1000,
    PROGRAMS_MAX = 32,
    PATH_MAX_CHARS = 1024
};

struct chain {
    struct image_check *c;
    struct esp *esp;
    bool arm64;
    unsigned entries;  /* that can be started */
    unsigned seen;     /* of any kind, bounded */
    unsigned programs; /* of CSV files, bounded */
    unsigned looked;   /* files that were looked for or read, bounded */
    char dir[PATH_MAX_CHARS];
    int failed;
};

static const char *arch(const struct chain *chain)
{
    return chain->arm64 ? "aa64" : "arm";
}

/* Whether path is a file on the partition; damage counts as not there. */
static int is_file(struct chain *chain, const char *path, bool *there)
{
    struct fat_entry entry;
    int rc;

    *there = true;
    if (++chain->looked > LOOKED_MAX)
        return 0; /* nobody has so many, and looking for each takes its time */
    rc = fat_lookup(&chain->esp->fat, path, &entry);
    *there = !rc && !entry.directory;
    return rc == -ENOMEM || (rc && rc != -ENOENT && rc != -ENOTDIR && rc != -EIO && rc != -EISDIR &&
                             rc != -EFBIG)
               ? rc
               : 0;
}

/* "\EFI\debian\x.efi" of "/EFI/debian/x.efi" */
static const char *shown(const char *path, char *out, size_t size)
{
    size_t i = 0;

    for (; path[i] && i + 1 < size; i++)
        out[i] = path[i] == '/' ? '\\' : path[i];
    out[i] = 0;
    return out;
}

/* --- shim ------------------------------------------------------------------------------------- */

/* shim in this directory needs its loader beside it. */
static int check_second_stage(struct chain *chain, const char *dir)
{
    char path[PATH_MAX_CHARS + 32], text[PATH_MAX_CHARS];
    bool there;
    int rc;

    snprintf(path, sizeof(path), "%s/grub%s.efi", dir, arch(chain));
    rc = is_file(chain, path, &there);
    if (!rc && !there) { /* SUSE's name of it */
        snprintf(path, sizeof(path), "%s/grub.efi", dir);
        rc = is_file(chain, path, &there);
    }
    if (!rc && !there)
        result_fail(chain->c->report, chain->c->i[6], "shim-loader", NULL,
                    "shim in %s starts grub%s.efi beside it, which is missing",
                    shown(dir, text, sizeof(text)), arch(chain));
    chain->entries += !rc && there;
    return rc;
}

/* A program that a CSV file names. */
static int check_named(struct chain *chain, const char *csv, const char *file)
{
    char path[2 * PATH_MAX_CHARS], text[2 * PATH_MAX_CHARS], from[PATH_MAX_CHARS];
    struct fat_entry entry;
    struct error err = {0};
    struct pe *pe;
    int rc;

    if (++chain->programs > PROGRAMS_MAX)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", chain->dir, file);
    rc = fat_lookup(&chain->esp->fat, path, &entry);
    if (rc == -ENOENT || rc == -ENOTDIR || (!rc && entry.directory)) {
        result_fail(chain->c->report, chain->c->i[6], "csv-missing", NULL,
                    "%s names %s, which does not exist", shown(csv, from, sizeof(from)),
                    shown(path, text, sizeof(text)));
        return 0;
    }
    pe = malloc(sizeof(*pe));
    if (!rc)
        rc = pe ? load_pe(chain->esp, &entry, pe, &err) : -ENOMEM;
    if (rc == -EINVAL ||
        (!rc && pe->machine != (chain->arm64 ? PE_MACHINE_ARM64 : PE_MACHINE_ARM_THUMB)))
        result_fail(chain->c->report, chain->c->i[6], "csv-program", NULL,
                    "%s names %s, which is no program for this machine",
                    shown(csv, from, sizeof(from)), shown(path, text, sizeof(text)));
    else if (!rc && pe->kind == PE_SHIM)
        rc = check_second_stage(chain, chain->dir);
    else if (!rc)
        chain->entries++;
    free(pe);
    return rc == -EINVAL || rc == -EIO ? 0 : rc;
}

/* The first field of each line. */
static int parse_csv(struct chain *chain, const char *path, const uint8_t *data, size_t size)
{
    char file[256], text[PATH_MAX_CHARS];
    size_t units = size / 2, at = size >= 2 && ld_le(data, 2) == 0xfeff;
    unsigned lines = 0;
    int rc = 0;

    while (!rc && at < units && lines < ENTRIES_MAX) {
        size_t end = at, comma;
        while (end < units && ld_le(data + 2 * end, 2) != '\n' &&
               ld_le(data + 2 * end, 2) != '\r' && ld_le(data + 2 * end, 2))
            end++;
        for (comma = at; comma < end && ld_le(data + 2 * comma, 2) != ',';)
            comma++;
        text_utf16(data + 2 * at, comma - at, file, sizeof(file));
        if (comma < end && *file) {
            lines++;
            rc = check_named(chain, path, file);
        }
        at = end + 1;
    }
    if (!rc && !lines)
        result_fail(chain->c->report, chain->c->i[6], "csv-empty", NULL,
                    "%s names no program (it must be UTF-16: file,label,options,description)",
                    shown(path, text, sizeof(text)));
    return rc;
}

static int check_csv(struct chain *chain, const char *name, bool *any)
{
    char path[PATH_MAX_CHARS + 32], text[PATH_MAX_CHARS];
    struct fat_entry entry;
    uint8_t *data;
    int rc;

    snprintf(path, sizeof(path), "%s/%s", chain->dir, name);
    rc = fat_lookup(&chain->esp->fat, path, &entry);
    if (rc || entry.directory)
        return rc == -ENOMEM ? rc : 0;
    *any = true;
    if (entry.size > CSV_MAX) {
        result_fail(chain->c->report, chain->c->i[6], "csv-size", NULL, "%s has %" PRIu32 " bytes",
                    shown(path, text, sizeof(text)), entry.size);
        return 0;
    }
    data = malloc(entry.size + 1u);
    rc = data ? fat_read(&chain->esp->fat, &entry, 0, data, entry.size) : -ENOMEM;
    if (rc == -EIO) {
        result_fail(chain->c->report, chain->c->i[3], "fat-chain", FAT_REPAIR,
                    "%s: the chain of clusters of %s is damaged", chain->esp->name,
                    shown(path, text, sizeof(text)));
        rc = 0;
    } else if (!rc) {
        rc = parse_csv(chain, path, data, entry.size);
    }
    free(data);
    return rc;
}

/* A directory below \EFI; its CSV file by the machine's name goes before the general one. */
static int visit_vendor(void *ctx, const struct fat_entry *entry)
{
    struct chain *chain = ctx;
    bool any = false;
    char name[32];
    int rc;

    if (!entry->directory || ++chain->seen > ENTRIES_MAX)
        return 0;
    snprintf(chain->dir, sizeof(chain->dir), "/EFI/%s", entry->name);
    snprintf(name, sizeof(name), "BOOT%s.CSV", chain->arm64 ? "AA64" : "ARM");
    rc = check_csv(chain, name, &any);
    if (!rc && !any)
        rc = check_csv(chain, "BOOT.CSV", &any);
    chain->failed = rc;
    return rc;
}

static int check_csvs(struct chain *chain)
{
    struct fat_entry dir;
    int rc = fat_lookup(&chain->esp->fat, "/EFI", &dir);

    if (!rc && dir.directory)
        fat_list(&chain->esp->fat, &dir, visit_vendor, chain); /* damage is among I3's findings */
    return chain->failed;
}

static int check_shim(struct chain *chain)
{
    char path[64];
    bool fallback;
    int rc;

    snprintf(path, sizeof(path), "/EFI/BOOT/fb%s.efi", arch(chain));
    rc = is_file(chain, path, &fallback);
    if (rc)
        return rc;
    if (!fallback)
        return check_second_stage(chain, "/EFI/BOOT");
    if (!chain->entries && result_good(chain->c->i[6]))
        result_fail(chain->c->report, chain->c->i[6], "csv-none", NULL,
                    "shim's fb%s.efi finds no BOOT%s.CSV below \\EFI that names a program",
                    arch(chain), chain->arm64 ? "AA64" : "ARM");
    return 0;
}

/* --- systemd-boot ----------------------------------------------------------------------------- */

/* The value of "key value" in a line; NULL: it is another line. */
static char *value_of(char *line, const char *key)
{
    size_t len = strlen(key);

    line += strspn(line, " \t");
    if (strncmp(line, key, len) || !strchr(" \t", line[len]) || !line[len])
        return NULL;
    line += len;
    return line + strspn(line, " \t");
}

/* One file of \loader\entries: what it names must be there. */
static int check_entry(struct chain *chain, const char *path, char *text)
{
    static const char *const keys[] = {"linux", "initrd", "efi", "uki", "devicetree"};
    char entry[PATH_MAX_CHARS], *save = NULL;
    bool starts = false, all = true;

    for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
        for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
            char *value = value_of(line, keys[i]);
            bool there;
            int rc;
            if (!value)
                continue;
            value[strcspn(value, " \t")] = 0;
            rc = is_file(chain, value, &there);
            if (rc)
                return rc;
            starts |= there && i != 1 && i != 4;
            all &= there;
            if (!there)
                result_fail(chain->c->report, chain->c->i[6], "entry-missing", NULL,
                            "%s names %s, which does not exist", shown(path, entry, sizeof(entry)),
                            value);
        }
    chain->entries += starts && all;
    return 0;
}

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), n = strlen(end);

    return len > n && !strcasecmp(name + len - n, end);
}

static int visit_entry(void *ctx, const struct fat_entry *entry)
{
    struct chain *chain = ctx;
    char path[PATH_MAX_CHARS];
    char *text;
    int rc;

    if (entry->directory || !ends_in(entry->name, ".conf") || ++chain->seen > ENTRIES_MAX ||
        entry->size > CONF_MAX)
        return 0;
    text = malloc(entry->size + 1u);
    rc = text ? fat_read(&chain->esp->fat, entry, 0, text, entry->size) : -ENOMEM;
    if (!rc) {
        text[entry->size] = 0;
        snprintf(path, sizeof(path), "/loader/entries/%s", entry->name);
        rc = check_entry(chain, path, text);
    }
    free(text);
    chain->failed = rc == -EIO ? 0 : rc;
    return chain->failed;
}

static int visit_unified(void *ctx, const struct fat_entry *entry)
{
    struct chain *chain = ctx;

    chain->entries += !entry->directory && ends_in(entry->name, ".efi");
    return 0;
}

static bool has_boot_partition(const struct image_check *c)
{
    for (unsigned i = 0; i < c->in.partitions; i++)
        if (guid_is(&c->in.partition[i].type, "BC13C2FF-59E6-4262-A352-B275FD6F7172"))
            return true;
    return false;
}

static int check_systemd_boot(struct chain *chain)
{
    struct fat_entry dir;

    if (!fat_lookup(&chain->esp->fat, "/loader/entries", &dir) && dir.directory)
        fat_list(&chain->esp->fat, &dir, visit_entry, chain);
    if (!chain->failed && !fat_lookup(&chain->esp->fat, "/EFI/Linux", &dir) && dir.directory)
        fat_list(&chain->esp->fat, &dir, visit_unified, chain);
    if (!chain->failed && !chain->entries && !has_boot_partition(chain->c) &&
        result_good(chain->c->i[6]))
        result_fail(chain->c->report, chain->c->i[6], "entry-none",
                    "install a kernel with its entry on the EFI system partition (kernel-install)",
                    "systemd-boot has nothing to start: no \\loader\\entries\\*.conf, no "
                    "\\EFI\\Linux\\*.efi");
    return chain->failed;
}

/* ---------------------------------------------------------------------------------------------- */

int check_chain(struct image_check *c, struct esp *esp, const char *path, const struct pe *pe)
{
    struct chain chain = {.c = c, .esp = esp, .arm64 = strstr(path, "AA64")};
    char text[PATH_MAX_CHARS];
    int rc = check_csvs(&chain);

    if (rc)
        return rc;
    switch (pe->kind) {
    case PE_SHIM:
        rc = check_shim(&chain);
        break;
    case PE_SYSTEMD_BOOT:
        rc = check_systemd_boot(&chain);
        break;
    case PE_LINUX:
        result_note(c->report, c->i[6], "bare-kernel",
                    "%s is a kernel: without a boot variable it gets no command line and no initrd "
                    "but what is built in",
                    shown(path, text, sizeof(text)));
        break;
    default:
        break;
    }
    if (!rc && result_good(c->i[6]))
        result_found(c->report, c->i[6], "%s at the removable path%s", pe_kind_name(pe->kind),
                     pe->kind == PE_SHIM ? " finds its loader" : "");
    return rc;
}
