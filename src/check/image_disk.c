/* SPDX-License-Identifier: Apache-2.0 */
/* I1: the partition table. I2: the EFI system partition's type. I3: its file system. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "check/image_impl.h"

/* --- I1 --------------------------------------------------------------------------------------- */

/* What else than a damaged copy or MBR there may be. */
static const char *table_fix(const char *id)
{
    static const char *const partitions[] = {"gpt-range", "gpt-overlap", "gpt-same-guid",
                                             "gpt-array-room"};

    for (unsigned i = 0; i < ARRAY_SIZE(partitions); i++)
        if (!strcmp(partitions[i], id))
            return "correct the partitions (sgdisk --verify IMAGE, then sgdisk or fdisk)";
    return "armvm image fix IMAGE";
}

int check_table(struct image_check *c)
{
    const struct gpt *gpt = &c->in.gpt;
    struct check_result *result = c->i[1];

    switch (c->in.table) {
    case TABLE_NONE:
        result_fail(c->report, result, "gpt-missing", NULL, "there is no partition table%s%s",
                    c->in.whole.kind ? "; the whole disk holds " : "",
                    c->in.whole.kind ? c->in.whole.kind : "");
        return 0;
    case TABLE_MBR:
        result_fail(c->report, result, "gpt-missing", NULL, "the partition table is an MBR");
        return 0;
    case TABLE_GPT:
        break;
    }
    for (unsigned i = 0; i < gpt->findings.count; i++) {
        const struct finding *finding = &gpt->findings.item[i];
        if (finding->level == FINDING_ERROR)
            result_fail(c->report, result, finding->id, table_fix(finding->id), "%s",
                        finding->text);
        else
            result_note(c->report, result, finding->id, "%s", finding->text);
    }
    if (!gpt->primary.valid && !gpt->backup.valid)
        result_fail(c->report, result, "gpt-no-copy",
                    "neither copy is good: the partitions must be written anew (sgdisk, testdisk)",
                    "neither copy of the table can be used");
    else if (result_good(result))
        result_found(c->report, result,
                     "protective MBR, both copies good, sectors of %" PRIu32 ", %u partition%s",
                     gpt->sector_size, gpt->partitions, gpt->partitions == 1 ? "" : "s");
    return 0;
}

/* --- I2 --------------------------------------------------------------------------------------- */

/* A partition that ends behind the disk's end reads short: that is said once, in I1. */
static bool is_cut(const struct image_check *c, int partition)
{
    const struct inspect_partition *part;

    if (partition < 0)
        return false;
    part = &c->in.partition[partition];
    return !part->size || part->start >= c->disk->size || part->size > c->disk->size - part->start;
}

static void add_esp(struct image_check *c, int partition)
{
    struct esp *esp;

    if (c->esps == ESPS_MAX)
        return;
    esp = &c->esp[c->esps++];
    esp->partition = partition;
    partition_name(c, partition, esp->name, sizeof(esp->name));
    esp->source = partition_source(c, partition);
    esp->cut = is_cut(c, partition);
}

/* Whether it has a directory \EFI. */
static bool looks_like_esp(const struct image_check *c, int partition)
{
    struct image_source source = partition_source(c, partition);
    struct fat_entry entry;
    struct fat fat;

    return !fat_open(&source, &fat, NULL) && !fat_lookup(&fat, "/EFI", &entry) && entry.directory;
}

/* The GUID as it would be if all of its fields were big-endian: a usual mistake of writers. */
static bool is_swapped(const struct guid *type)
{
    static const uint8_t swapped[16] = {0xc1, 0x2a, 0x73, 0x28, 0xf8, 0x1f, 0x11, 0xd2,
                                        0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

    return !memcmp(type->byte, swapped, sizeof(swapped));
}

enum { CANDIDATES_MAX = 128 };

static void without_type(struct image_check *c)
{
    struct check_result *result = c->i[2];
    char text[GUID_TEXT], fix[FIX_TEXT];

    for (unsigned i = 0; i < c->in.partitions && i < CANDIDATES_MAX; i++) {
        const struct inspect_partition *part = &c->in.partition[i];
        bool swapped = is_swapped(&part->type);
        if (!swapped && !looks_like_esp(c, (int)i))
            continue;
        guid_format(&part->type, text);
        snprintf(fix, sizeof(fix),
                 "armvm image fix IMAGE, or sgdisk --typecode=%" PRIu32 ":EF00 IMAGE",
                 part->number);
        if (swapped)
            result_fail(c->report, result, "esp-type-swapped", fix,
                        "the type of partition %" PRIu32
                        " has its bytes in the order of the text, not little-endian as on a disk",
                        part->number);
        else
            result_fail(c->report, result, "esp-type", fix,
                        "partition %" PRIu32 " has a directory \\EFI, but its type is %s (%s)",
                        part->number, text, part->type_name ? part->type_name : "unknown");
        add_esp(c, (int)i);
    }
    if (result_good(result))
        result_fail(c->report, result, "esp-missing", NULL,
                    "no partition has the type " GPT_TYPE_ESP);
}

int check_esp_type(struct image_check *c)
{
    struct check_result *result = c->i[2];
    bool table = c->in.gpt.primary.valid || c->in.gpt.backup.valid;

    for (unsigned i = 0; i < c->in.partitions; i++)
        if (c->in.partition[i].esp)
            add_esp(c, (int)i);
    if (c->in.table == TABLE_NONE && looks_like_esp(c, -1))
        add_esp(c, -1);
    if (c->in.table != TABLE_GPT) {
        result_skip(c->report, result, "there is no GPT (I1)");
    } else if (!table) {
        result_skip(c->report, result, "no copy of the partition table is good (I1)");
    } else if (!c->esps) {
        without_type(c);
    } else {
        result_found(c->report, result, "%s", c->esp[0].name);
        if (c->esps > 1)
            result_note(c->report, result, "esp-several",
                        "%u partitions have the type; firmware may boot from any of them", c->esps);
    }
    return 0;
}

/* --- I3 --------------------------------------------------------------------------------------- */

/* What a repair of the file system can do; the rest is a matter of formatting. */
static const char *fat_fix(const char *id)
{
    static const char *const repaired[] = {"fat-copies-differ", "fat-directory", "fat-media"};

    for (unsigned i = 0; i < ARRAY_SIZE(repaired); i++)
        if (!strcmp(repaired[i], id))
            return FAT_REPAIR;
    return NULL;
}

static void judge_findings(struct image_check *c, const struct esp *esp)
{
    const struct findings *findings = &esp->fat.findings;

    for (unsigned i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->item[i];
        if (finding->level == FINDING_ERROR)
            result_fail(c->report, c->i[3], finding->id, fat_fix(finding->id), "%s: %s", esp->name,
                        finding->text);
        else
            result_note(c->report, c->i[3], finding->id, "%s: %s", esp->name, finding->text);
    }
}

/* Directories may contain themselves: one count bounds all levels. */
struct walk {
    struct fat *fat;
    unsigned depth, directories;
};

enum { DEPTH_MAX = 8, DIRECTORIES_MAX = 512 };

static int walk_directory(struct walk *walk, const struct fat_entry *dir);

static int visit(void *ctx, const struct fat_entry *entry)
{
    struct walk *walk = ctx;
    struct fat_entry copy;
    int rc;

    if (!entry->directory || walk->depth == DEPTH_MAX)
        return 0;
    if (++walk->directories > DIRECTORIES_MAX)
        return 1;
    copy = *entry;
    walk->depth++;
    rc = walk_directory(walk, &copy);
    walk->depth--;
    if (rc == -ENOMEM)
        return rc;
    return walk->directories > DIRECTORIES_MAX;
}

/* Reads all directories, whose damage becomes findings. */
static int walk_directory(struct walk *walk, const struct fat_entry *dir)
{
    unsigned before = walk->fat->findings.count;
    int rc = fat_check_directory(walk->fat, dir);

    if (rc || walk->fat->findings.count > before)
        return rc; /* the list would say it again */
    return fat_list(walk->fat, dir, visit, walk);
}

static int check_directories(struct fat *fat)
{
    struct walk walk = {.fat = fat};

    return walk_directory(&walk, NULL) == -ENOMEM ? -ENOMEM : 0;
}

static int check_one(struct image_check *c, struct esp *esp)
{
    struct error err = {0};
    int rc;

    if (esp->cut) {
        result_skip(c->report, c->i[3], "%s is not wholly on the disk (I1)", esp->name);
        return 0;
    }
    rc = fat_open(&esp->source, &esp->fat, &err);
    if (rc == -EINVAL) {
        result_fail(c->report, c->i[3], "esp-not-fat", NULL, "%s holds %s", esp->name, err.text);
        return 0;
    }
    if (rc)
        return rc;
    esp->readable = true;
    /* The inspection has compared the tables of those that have the type. */
    if (esp->partition >= 0 && c->in.partition[esp->partition].esp)
        esp->fat.findings = c->in.partition[esp->partition].findings;
    else
        rc = fat_check(&esp->fat);
    if (!rc)
        rc = check_directories(&esp->fat);
    if (rc)
        return rc;
    judge_findings(c, esp);
    if (esp->fat.bits != 32)
        result_fail(c->report, c->i[3], "fat-not-32", NULL,
                    "%s is FAT%u (%" PRIu32 " clusters; FAT32 has 65525 or more)", esp->name,
                    esp->fat.bits, esp->fat.clusters);
    return 0;
}

int check_esp_format(struct image_check *c)
{
    int rc = 0;

    if (!c->esps)
        result_skip(c->report, c->i[3], "there is no EFI system partition to look at (%s)",
                    c->in.table == TABLE_GPT && c->in.gpt.partitions ? "I2" : "I1");
    for (unsigned i = 0; !rc && i < c->esps; i++)
        rc = check_one(c, &c->esp[i]);
    if (!rc && c->esps && result_good(c->i[3]))
        result_found(c->report, c->i[3], "%s: FAT32, %" PRIu32 " clusters of %" PRIu32 " bytes",
                     c->esp[0].name, c->esp[0].fat.clusters,
                     c->esp[0].fat.bytes_per_sector * c->esp[0].fat.sectors_per_cluster);
    return rc;
}
