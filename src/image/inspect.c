/* SPDX-License-Identifier: Apache-2.0 */
#include "image/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Directories within directories that the search for boot loaders goes down. */
enum { DEPTH_MAX = 8, DIRECTORIES_MAX = 512 };
enum { ESPS_MAX = 8 }; /* that are looked into */

static const uint8_t MBR_TYPE_ESP = 0xef;

/* --- boot loaders ------------------------------------------------------------------------------
 */

struct walk {
    struct inspect *inspect;
    struct fat *fat;
    unsigned partition;
    char path[512];
    unsigned depth, directories;
    int failed; /* negative errno that must end everything */
};

static bool ends_in_efi(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && !strcasecmp(name + len - 4, ".efi");
}

static int add_loader(struct walk *walk, const struct fat_entry *entry)
{
    struct inspect *in = walk->inspect;
    struct fat_file file = {.fat = walk->fat, .entry = *entry};
    struct image_source source = fat_source(&file);
    struct inspect_loader *loader;
    struct error err = {0};
    int rc;

    if (in->loaders == INSPECT_LOADERS_MAX) {
        in->more_loaders = true;
        return 0;
    }
    if (!in->loader)
        in->loader = calloc(INSPECT_LOADERS_MAX, sizeof(*in->loader));
    if (!in->loader)
        return -ENOMEM;
    loader = &in->loader[in->loaders];
    if (asprintf(&loader->path, "%s/%s", walk->path, entry->name) < 0)
        return -ENOMEM;
    in->loaders++;
    loader->partition = walk->partition;
    loader->size = entry->size;
    rc = pe_read(&source, &loader->pe, &err);
    loader->is_pe = !rc;
    if (rc)
        snprintf(loader->reason, sizeof(loader->reason), "%.119s", err.text);
    return rc == -EINVAL || rc == -EIO ? 0 : rc;
}

static int visit(void *ctx, const struct fat_entry *entry)
{
    struct walk *walk = ctx;
    size_t len = strlen(walk->path);
    int rc = 0;

    if (!entry->directory)
        rc = ends_in_efi(entry->name) ? add_loader(walk, entry) : 0;
    else if (walk->depth < DEPTH_MAX && walk->directories < DIRECTORIES_MAX &&
             len + strlen(entry->name) + 2 <= sizeof(walk->path)) {
        struct fat_entry dir = *entry;
        walk->path[len] = '/';
        memcpy(walk->path + len + 1, dir.name, strlen(dir.name) + 1);
        walk->depth++;
        walk->directories++;
        fat_list(walk->fat, &dir, visit, walk); /* damage is in its findings */
        walk->depth--;
        walk->path[len] = 0;
    }
    if (rc && !walk->failed)
        walk->failed = rc;
    return walk->failed;
}

static int inspect_esp(struct inspect *in, const struct image_source *source, unsigned index)
{
    struct inspect_partition *part = &in->partition[index];
    struct walk walk = {.inspect = in, .partition = index};
    struct error err = {0};
    struct fat fat;
    int rc = fat_open(source, &fat, &err);

    if (rc == -EINVAL) {
        findings_add(&part->findings, FINDING_ERROR, "esp-not-fat",
                     "the EFI system partition holds %.120s", err.text);
        return 0;
    }
    if (rc)
        return rc;
    walk.fat = &fat;
    rc = fat_check(&fat);
    if (!rc) {
        fat_list(&fat, NULL, visit, &walk);
        rc = walk.failed;
    }
    part->findings = fat.findings;
    return rc;
}

/* --- partitions --------------------------------------------------------------------------------
 */

static int from_gpt(struct inspect *in)
{
    in->table = TABLE_GPT;
    in->partition = calloc(in->gpt.partitions + 1, sizeof(*in->partition));
    if (!in->partition)
        return -ENOMEM;
    for (unsigned i = 0; i < in->gpt.partitions; i++) {
        const struct gpt_partition *from = &in->gpt.partition[i];
        struct inspect_partition *to = &in->partition[in->partitions++];
        to->number = from->number;
        to->start = from->first < in->gpt.sectors ? from->first * in->gpt.sector_size : UINT64_MAX;
        to->size = from->first <= from->last && from->last < in->gpt.sectors
                       ? (from->last - from->first + 1) * in->gpt.sector_size
                       : 0;
        to->type = from->type;
        to->unique = from->unique;
        to->name = from->name;
        to->type_name = gpt_type_name(&from->type);
        to->esp = guid_is(&from->type, GPT_TYPE_ESP);
    }
    return 0;
}

static bool plausible_mbr(const struct inspect *in)
{
    bool any = false;

    if (!in->gpt.mbr.signature)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        const struct mbr_entry *entry = &in->gpt.mbr.entry[i];
        if (entry->status & 0x7f || (entry->type && (!entry->first || !entry->count)))
            return false;
        any |= entry->type && entry->first < in->gpt.sectors;
    }
    return any;
}

/* Primary partitions only: an image for UEFI has no others. */
static int from_mbr(struct inspect *in)
{
    in->table = TABLE_MBR;
    in->partition = calloc(4, sizeof(*in->partition));
    if (!in->partition)
        return -ENOMEM;
    for (unsigned i = 0; i < 4; i++) {
        const struct mbr_entry *from = &in->gpt.mbr.entry[i];
        struct inspect_partition *to = &in->partition[in->partitions];
        if (!from->type)
            continue;
        in->partitions++;
        to->number = i + 1;
        to->start = (uint64_t)from->first * in->gpt.sector_size;
        to->size = (uint64_t)from->count * in->gpt.sector_size;
        to->mbr_type = from->type;
        to->type_name = mbr_type_name(from->type);
        to->esp = from->type == MBR_TYPE_ESP;
    }
    return 0;
}

static int inspect_partitions(const struct image_source *disk, struct inspect *in)
{
    unsigned esps = 0;
    int rc = 0;

    for (unsigned i = 0; !rc && i < in->partitions; i++) {
        struct inspect_partition *part = &in->partition[i];
        struct image_source source = source_part(disk, part->start, part->size);
        rc = fs_probe(&source, &part->fs);
        if (!rc && part->esp && esps++ < ESPS_MAX)
            rc = inspect_esp(in, &source, i);
    }
    return rc;
}

/* ---------------------------------------------------------------------------------------------- */

int inspect_disk(const struct image_source *disk, struct inspect *in, struct error *err)
{
    int rc;

    memset(in, 0, sizeof(*in));
    rc = gpt_read(disk, &in->gpt, err);
    if (rc)
        return rc;
    rc = fs_probe(disk, &in->whole);
    if (!rc && gpt_present(&in->gpt))
        rc = from_gpt(in);
    else if (!rc && !in->whole.kind && plausible_mbr(in))
        rc = from_mbr(in);
    if (!rc)
        rc = inspect_partitions(disk, in);
    if (rc) {
        inspect_free(in);
        return error_set(err, rc, "cannot be read: %s", strerror(-rc));
    }
    return 0;
}

void inspect_free(struct inspect *in)
{
    for (unsigned i = 0; i < in->loaders; i++)
        free(in->loader[i].path);
    free(in->loader);
    free(in->partition);
    gpt_free(&in->gpt);
    memset(in, 0, sizeof(*in));
}

bool inspect_bad(const struct inspect *in)
{
    bool bad = findings_bad(&in->gpt.findings);

    for (unsigned i = 0; i < in->partitions; i++)
        bad |= findings_bad(&in->partition[i].findings);
    for (unsigned i = 0; i < in->loaders; i++)
        bad |= in->loader[i].is_pe ? findings_bad(&in->loader[i].pe.findings) : true;
    return bad;
}
