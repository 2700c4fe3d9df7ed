/* SPDX-License-Identifier: Apache-2.0 */
#include "check/fix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "base/error.h"
#include "check/image.h"
#include "check/image_impl.h"
#include "image/fat_write.h"
#include "image/gpt_write.h"

enum { PROGRAM_MAX = 192 << 20, PATH_MAX_CHARS = 512 };

struct fixer {
    struct patch *patch;
    struct fix_list *list;
    int64_t time;
    struct error *err;
};

/* --- saying what was done --------------------------------------------------------------------- */

static int say(char *lines[FIX_LINES], unsigned *count, const char *fmt, va_list ap)
{
    if (*count == FIX_LINES)
        return 0;
    if (vasprintf(&lines[*count], fmt, ap) < 0) {
        lines[*count] = NULL;
        return -ENOMEM;
    }
    ++*count;
    return 0;
}

static int __attribute__((format(printf, 2, 3))) did(struct fixer *f, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = say(f->list->did, &f->list->done, fmt, ap);
    va_end(ap);
    return rc;
}

static int __attribute__((format(printf, 2, 3))) cannot(struct fixer *f, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = say(f->list->cannot, &f->list->left, fmt, ap);
    va_end(ap);
    return rc;
}

/* What an attempt answered: a refusal is said, an error ends everything. */
static int attempt(struct fixer *f, int rc, const struct error *why, const char *what)
{
    if (!rc)
        return did(f, "%s", what);
    if (rc == -EINVAL || rc == -ENOSPC || rc == -EEXIST)
        return cannot(f, "%s", why->text);
    return error_set(f->err, rc, "%s", why->text);
}

void fix_free(struct fix_list *list)
{
    for (unsigned i = 0; i < list->done; i++)
        free(list->did[i]);
    for (unsigned i = 0; i < list->left; i++)
        free(list->cannot[i]);
    memset(list, 0, sizeof(*list));
}

/* --- the partition table ---------------------------------------------------------------------- */

/* An MBR with partitions of its own may be newer than a GPT that is left at the disk's end. */
static bool mbr_disagrees(const struct gpt *gpt)
{
    for (unsigned i = 0; i < 4; i++)
        if (gpt->mbr.signature && gpt->mbr.entry[i].type && gpt->mbr.entry[i].type != 0xee)
            return !gpt->mbr.protective;
    return false;
}

static int fix_copies(struct fixer *f, const struct gpt *gpt)
{
    bool differ = findings_find(&gpt->findings, "gpt-copies-differ");
    struct error why = {0};
    const char *what;

    if (gpt->primary.valid && gpt->backup.valid && !differ)
        return 0;
    if (!gpt->primary.valid && !gpt->backup.valid)
        return cannot(f, "the partition table: neither copy is good%s%s",
                      gpt->findings.count ? ": " : "",
                      gpt->findings.count ? gpt->findings.item[0].text : "");
    if (!gpt->primary.valid && mbr_disagrees(gpt))
        return cannot(f, "the partition table: the MBR has other partitions than the GPT at the "
                         "disk's end, and which is right is not to be seen");
    what = !gpt->primary.valid  ? "the first copy of the GPT is restored from the backup"
           : !gpt->backup.valid ? "the backup copy of the GPT is written anew"
                                : "the backup copy of the GPT is made like the first one";
    return attempt(f, gpt_restore(f->patch, gpt, &why), &why, what);
}

static int fix_mbr(struct fixer *f, const struct gpt *gpt)
{
    const struct finding *size = findings_find(&gpt->findings, "mbr-size");
    struct error why = {0};

    if (!gpt->primary.valid)
        return 0;
    if (!findings_find(&gpt->findings, "mbr-not-protective") &&
        !findings_find(&gpt->findings, "mbr-start") && (!size || size->level != FINDING_ERROR))
        return 0;
    return attempt(f, gpt_protect(f->patch, gpt, &why), &why, "the protective MBR is written anew");
}

static int fix_table(struct fixer *f)
{
    struct image_source disk = patch_source(f->patch);
    struct gpt gpt;
    int rc = gpt_read(&disk, &gpt, f->err);

    if (rc)
        return rc;
    if (!gpt_present(&gpt)) {
        rc = cannot(f, "the partition table: there is no GPT");
    } else {
        rc = fix_copies(f, &gpt);
        gpt_free(&gpt);
        if (!rc)
            rc = gpt_read(&disk, &gpt, f->err);
        if (rc)
            return rc;
        rc = fix_mbr(f, &gpt);
    }
    gpt_free(&gpt);
    return rc;
}

/* --- the type --------------------------------------------------------------------------------- */

static int fix_type(struct fixer *f, struct image_check *c)
{
    struct error why = {0};
    struct guid type;
    char text[96];
    uint32_t number;

    if (c->i[2]->outcome != CHECK_FAIL)
        return 0;
    if (!c->esps)
        return cannot(f, "the EFI system partition: no partition looks like one");
    if (c->esps > 1)
        return cannot(f,
                      "the EFI system partition: %u partitions look like one; set the right "
                      "one's type (sgdisk --typecode=N:EF00)",
                      c->esps);
    number = c->in.partition[c->esp[0].partition].number;
    guid_parse(GPT_TYPE_ESP, &type);
    snprintf(text, sizeof(text), "partition %" PRIu32 " gets the type of an EFI system partition",
             number);
    return attempt(f, gpt_set_type(f->patch, &c->in.gpt, number, &type, &why), &why, text);
}

/* --- the removable path ----------------------------------------------------------------------- */

/* A boot program and what must be beside it. */
struct program {
    const struct inspect_loader *loader;
    bool arm64;
};

static const char *arch(bool arm64)
{
    return arm64 ? "aa64" : "arm";
}

static bool has_word(const char *path, const char *word)
{
    const char *slash = strrchr(path, '/');

    return slash && !strncasecmp(slash + 1, word, strlen(word));
}

/* How good a program is at the removable path; 0: not. Helpers of shim's are none. */
static unsigned rank(const struct inspect_loader *loader)
{
    if (!loader->is_pe || findings_bad(&loader->pe.findings) || has_word(loader->path, "fb") ||
        has_word(loader->path, "mm") ||
        (loader->pe.machine != PE_MACHINE_ARM64 && loader->pe.machine != PE_MACHINE_ARM_THUMB))
        return 0;
    switch (loader->pe.kind) {
    case PE_SHIM:
        return 4;
    case PE_SYSTEMD_BOOT:
        return 3;
    case PE_GRUB:
        return 2;
    case PE_SYSTEMD_STUB:
        return 1;
    default:
        return 0;
    }
}

/* The best one; *rivals: how many there are as good as it. */
static const struct inspect_loader *choose(const struct image_check *c, unsigned partition,
                                           unsigned *rivals)
{
    const struct inspect_loader *best = NULL;

    *rivals = 0;
    for (unsigned i = 0; i < c->in.loaders; i++) {
        const struct inspect_loader *loader = &c->in.loader[i];
        if (loader->partition != partition || !rank(loader))
            continue;
        if (!best || rank(loader) > rank(best)) {
            best = loader;
            *rivals = 1;
        } else if (rank(loader) == rank(best)) {
            ++*rivals;
        }
    }
    return best;
}

/* FAT's time: two-second steps since 1980 (FAT spec, "Date and Time Formats"). */
static uint32_t dos_time(int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&t, &tm) || tm.tm_year < 80 || tm.tm_year > 207)
        return 0x0021u << 16;
    return (uint32_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday) << 16 |
           (uint32_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
}

static int copy_file(struct fixer *f, struct esp *esp, const char *from, const char *to)
{
    struct fat_entry entry;
    struct error why = {0};
    char text[2 * PATH_MAX_CHARS];
    uint8_t *data;
    int rc = fat_lookup(&esp->fat, from, &entry);

    if (rc)
        return error_set(f->err, rc, "%s: %s", from, strerror(-rc));
    if (entry.size > PROGRAM_MAX)
        return cannot(f, "%s is too large to be copied", from);
    data = malloc(entry.size + 1u);
    rc = data ? fat_read(&esp->fat, &entry, 0, data, entry.size) : -ENOMEM;
    if (rc) {
        free(data);
        return error_set(f->err, rc, "%s: %s", from, strerror(-rc));
    }
    rc = fat_add(&esp->fat, f->patch, esp->source.base, to, data, entry.size, dos_time(f->time),
                 &why);
    free(data);
    snprintf(text, sizeof(text), "%.400s is copied to %.400s", from, to);
    return attempt(f, rc, &why, text);
}

/* The file beside a program, if it is there. */
static bool beside(struct esp *esp, const char *path, const char *name, char *out, size_t size)
{
    struct fat_entry entry;
    const char *slash = strrchr(path, '/');

    snprintf(out, size, "%.*s/%s", (int)(slash - path), path, name);
    return !fat_lookup(&esp->fat, out, &entry) && !entry.directory;
}

/* shim brings its loader and, if there, the program that manages keys. */
static int copy_helpers(struct fixer *f, struct esp *esp, const char *path, bool arm64)
{
    static const char *const names[] = {"grub", "mm"};
    char name[16], from[PATH_MAX_CHARS], to[64];
    struct fat_entry entry;
    int rc = 0;

    for (unsigned i = 0; !rc && i < ARRAY_SIZE(names); i++) {
        snprintf(name, sizeof(name), "%s%s.efi", names[i], arch(arm64));
        snprintf(to, sizeof(to), "/EFI/BOOT/%s", name);
        if (beside(esp, path, name, from, sizeof(from)) && fat_lookup(&esp->fat, to, &entry))
            rc = copy_file(f, esp, from, to);
    }
    return rc;
}

static int fix_path(struct fixer *f, struct image_check *c)
{
    const struct inspect_loader *loader;
    struct esp *esp = NULL;
    char name[16], from[PATH_MAX_CHARS];
    unsigned rivals;
    bool arm64;
    int rc;

    for (unsigned i = 0; i < c->esps && !esp; i++)
        esp = c->esp[i].readable && c->esp[i].partition >= 0 ? &c->esp[i] : NULL;
    if (c->i[4]->outcome != CHECK_FAIL || !esp)
        return 0;
    if (c->i[3]->outcome == CHECK_FAIL)
        return cannot(f, "the removable media path: the EFI system partition is damaged (%s)",
                      c->i[3]->finding[0].text);
    loader = choose(c, (unsigned)esp->partition, &rivals);
    if (!loader)
        return cannot(f, "the removable media path: there is no boot program to copy there");
    if (rivals > 1)
        return cannot(f,
                      "the removable media path: there are %u boot programs of a kind (one is %s); "
                      "copy the right one (mcopy)",
                      rivals, loader->path);
    arm64 = loader->pe.machine == PE_MACHINE_ARM64;
    snprintf(name, sizeof(name), "grub%s.efi", arch(arm64));
    if (loader->pe.kind == PE_SHIM && !beside(esp, loader->path, name, from, sizeof(from)))
        return cannot(f, "the removable media path: %s lacks %s beside it", loader->path, name);
    /* What the program needs comes first. */
    rc = loader->pe.kind == PE_SHIM ? copy_helpers(f, esp, loader->path, arm64) : 0;
    return rc ? rc
              : copy_file(f, esp, loader->path,
                          arm64 ? "/EFI/BOOT/BOOTAA64.EFI" : "/EFI/BOOT/BOOTARM.EFI");
}

/* ---------------------------------------------------------------------------------------------- */

/* Checks the disk as it is now, far enough for one step. */
static int with_check(struct fixer *f, int (*step)(struct fixer *f, struct image_check *c))
{
    struct image_source disk = patch_source(f->patch);
    struct report *report = report_new("image", "", PROFILE_RFC_V2);
    struct image_check c;
    int rc = report ? image_check_begin(&c, &disk, report, f->err) : -ENOMEM;

    if (!rc) {
        rc = check_table(&c);
        if (!rc)
            rc = check_esp_type(&c);
        if (!rc)
            rc = check_esp_format(&c);
        if (!rc)
            rc = check_boot(&c);
        if (!rc)
            rc = step(f, &c);
        image_check_end(&c);
    }
    report_free(report);
    return rc;
}

/* What passed must pass still. */
static int compare(struct fixer *f, const struct image_source *before,
                   const struct image_source *after)
{
    struct report *was = report_new("image", "", PROFILE_RFC_V2);
    struct report *is = report_new("image", "", PROFILE_RFC_V2);
    const struct check_result *result;
    int rc = was && is ? check_image(before, was, f->err) : -ENOMEM;

    if (!rc)
        rc = check_image(after, is, f->err);
    for (size_t i = 0; !rc && (result = report_at(was, i)); i++) {
        const struct check_result *now = report_result(is, result->requirement->id);
        if (result->outcome == CHECK_PASS && now &&
            (now->outcome == CHECK_FAIL || now->outcome == CHECK_WARN))
            rc = error_set(f->err, -EUCLEAN, "nothing is changed, because %s would fail then: %s",
                           result->requirement->id,
                           now->findings ? now->finding[0].text : now->title);
    }
    report_free(was);
    report_free(is);
    return rc;
}

int fix_image(struct patch *patch, int64_t time, struct fix_list *list, struct error *err)
{
    struct fixer f = {patch, list, time, err};
    struct image_source after = patch_source(patch);
    int rc;

    memset(list, 0, sizeof(*list));
    err->code = 0;
    rc = fix_table(&f);
    if (!rc)
        rc = with_check(&f, fix_type);
    if (!rc)
        rc = with_check(&f, fix_path);
    if (!rc && list->done)
        rc = compare(&f, &patch->base, &after);
    if (rc && !err->code)
        error_set(err, rc, "%s", strerror(-rc));
    return rc;
}
