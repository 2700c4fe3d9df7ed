/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_report.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/json_out.h"
#include "image/inspect.h"
#include "image/text.h"

/* --- text ------------------------------------------------------------------------------------- */

/* "256 MiB", "3.7 GiB" */
static const char *human(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    uint64_t whole = bytes;

    while (whole >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
        whole >>= 10;
        unit++;
    }
    if (unit && bytes & ((1ull << 10 * unit) - 1) && whole < 100)
        snprintf(text, size, "%.1f %s", (double)bytes / (double)(1ull << 10 * unit), units[unit]);
    else
        snprintf(text, size, "%" PRIu64 " %s", whole, units[unit]);
    return text;
}

/* What the user named is printed as it is; names from the image are safe already. */
static void text_findings(const struct findings *findings, const char *indent, FILE *out)
{
    for (unsigned i = 0; i < findings->count; i++)
        fprintf(out, "%s%s: %s\n", indent,
                findings->item[i].level == FINDING_ERROR ? "problem" : "note",
                findings->item[i].text);
    if (findings->left_out)
        fprintf(out, "%sand %u more\n", indent, findings->left_out);
}

static void text_fs(const struct fs *fs, FILE *out)
{
    if (!fs->kind)
        return;
    fprintf(out, ", %s", fs->kind);
    if (fs->label[0])
        fprintf(out, " \"%s\"", fs->label);
    if (fs->uuid[0])
        fprintf(out, " %s", fs->uuid);
}

static void text_loader(const struct inspect_loader *loader, FILE *out)
{
    char size[32];

    fprintf(out, "      %s: ", loader->path);
    if (!loader->is_pe) {
        fprintf(out, "no boot loader: %s\n", loader->reason);
        return;
    }
    fprintf(out, "%s%s%s", pe_kind_name(loader->pe.kind), loader->pe.version[0] ? " " : "",
            loader->pe.version);
    if (pe_machine_name(loader->pe.machine))
        fprintf(out, ", %s", pe_machine_name(loader->pe.machine));
    else
        fprintf(out, ", machine %04X", loader->pe.machine);
    fprintf(out, ", %s%s\n", human(loader->size, size, sizeof(size)),
            loader->pe.certificates ? ", signed" : "");
    text_findings(&loader->pe.findings, "        ", out);
}

static void text_type(const struct inspect_partition *part, FILE *out)
{
    char guid[GUID_TEXT];

    if (part->type_name) {
        fputs(part->type_name, out);
    } else if (part->mbr_type) {
        fprintf(out, "type %02X", part->mbr_type);
    } else {
        guid_format(&part->type, guid);
        fprintf(out, "type %s", guid);
    }
}

static void text_partition(const struct inspect *in, unsigned index, FILE *out)
{
    const struct inspect_partition *part = &in->partition[index];
    char size[32], start[32];

    fprintf(out, "  %2" PRIu32 ": ", part->number);
    text_type(part, out);
    fprintf(out, ", %s at %s", human(part->size, size, sizeof(size)),
            human(part->start, start, sizeof(start)));
    text_fs(&part->fs, out);
    if (part->name && part->name[0])
        fprintf(out, ", named \"%s\"", part->name);
    fputc('\n', out);
    text_findings(&part->findings, "      ", out);
    for (unsigned i = 0; i < in->loaders; i++)
        if (in->loader[i].partition == index)
            text_loader(&in->loader[i], out);
}

static void text_file(const struct report_file *file, FILE *out)
{
    char a[32], b[32], backing[256];

    fprintf(out, "%s: %s, %s (%" PRIu64 " bytes), file %s\n", file->path, file->format,
            human(file->size, a, sizeof(a)), file->size, human(file->disk_usage, b, sizeof(b)));
    if (file->cluster_size)
        fprintf(out, "version %u, clusters of %s, %s%s%u snapshot(s)\n", file->version,
                human(file->cluster_size, a, sizeof(a)), file->compression ? file->compression : "",
                file->compression ? " compression, " : "", file->snapshots);
    if (file->backing) {
        text_utf8((const uint8_t *)file->backing, strlen(file->backing), backing, sizeof(backing));
        fprintf(out, "backing file: %s\n", backing);
    }
    if (file->dirty)
        fputs("note: the image was not closed; its bookkeeping is repaired when it is opened\n",
              out);
    if (file->corrupt)
        fputs("problem: the image is marked as corrupt\n", out);
}

void report_text(const struct report_file *file, const struct inspect *in, FILE *out)
{
    char guid[GUID_TEXT];

    text_file(file, out);
    switch (in->table) {
    case TABLE_NONE:
        fprintf(out, "no partition table");
        text_fs(&in->whole, out);
        fputc('\n', out);
        break;
    case TABLE_MBR:
        fprintf(out, "MBR, %u partition(s)\n", in->partitions);
        break;
    case TABLE_GPT:
        guid_format(in->gpt.primary.valid ? &in->gpt.primary.disk : &in->gpt.backup.disk, guid);
        fprintf(out, "GPT %s, sectors of %" PRIu32 ", %s, %u partition(s)\n", guid,
                in->gpt.sector_size,
                in->gpt.primary.valid && in->gpt.backup.valid ? "both copies good"
                : in->gpt.primary.valid                       ? "only the primary copy good"
                : in->gpt.backup.valid                        ? "only the backup copy good"
                                                              : "no copy good",
                in->partitions);
        text_findings(&in->gpt.findings, "  ", out);
        break;
    }
    for (unsigned i = 0; i < in->partitions; i++)
        text_partition(in, i, out);
    if (in->more_loaders)
        fprintf(out, "  more boot loaders than %d are not shown\n", INSPECT_LOADERS_MAX);
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* Names of files may hold bytes that are no UTF-8; text_utf8() makes question marks of them. */
static void json_text(struct json_out *j, const char *key, const char *value)
{
    char safe[4096 + 1];

    if (value)
        text_utf8((const uint8_t *)value, strlen(value), safe, sizeof(safe));
    json_out_text(j, key, value ? safe : NULL);
}

static void json_findings(struct json_out *j, const struct findings *findings)
{
    json_out_open(j, "findings", '[');
    for (unsigned i = 0; i < findings->count; i++) {
        json_out_open(j, NULL, '{');
        json_text(j, "id", findings->item[i].id);
        json_text(j, "level", findings->item[i].level == FINDING_ERROR ? "error" : "note");
        json_text(j, "text", findings->item[i].text);
        json_out_close(j, '}');
    }
    json_out_close(j, ']');
}

static void json_fs(struct json_out *j, const struct fs *fs)
{
    if (!fs->kind) {
        json_text(j, "contents", NULL);
        return;
    }
    json_out_open(j, "contents", '{');
    json_text(j, "kind", fs->kind);
    json_text(j, "label", fs->label);
    json_text(j, "uuid", fs->uuid);
    json_out_close(j, '}');
}

static void json_header(struct json_out *j, const char *key, const struct gpt_header *header)
{
    json_out_open(j, key, '{');
    json_out_bool(j, "present", header->present);
    json_out_bool(j, "valid", header->valid);
    if (header->present) {
        json_out_bool(j, "header-crc-good", header->crc_good);
        json_out_bool(j, "array-crc-good", header->array_crc_good);
        json_out_number(j, "lba", header->at);
        json_out_number(j, "array-lba", header->array_lba);
        json_out_number(j, "entries", header->entries);
    }
    json_out_close(j, '}');
}

static void json_table(struct json_out *j, const struct inspect *in)
{
    char guid[GUID_TEXT];

    json_out_open(j, "table", '{');
    json_text(j, "kind", in->table == TABLE_GPT ? "gpt" : in->table == TABLE_MBR ? "mbr" : "none");
    json_out_bool(j, "mbr-signature", in->gpt.mbr.signature);
    if (in->table == TABLE_GPT) {
        guid_format(in->gpt.primary.valid ? &in->gpt.primary.disk : &in->gpt.backup.disk, guid);
        json_text(j, "disk-guid", guid);
        json_out_bool(j, "mbr-protective", in->gpt.mbr.protective);
        json_header(j, "primary", &in->gpt.primary);
        json_header(j, "backup", &in->gpt.backup);
        json_findings(j, &in->gpt.findings);
    }
    json_out_close(j, '}');
}

static void json_loader(struct json_out *j, const struct inspect_loader *loader)
{
    json_out_open(j, NULL, '{');
    json_text(j, "path", loader->path);
    json_out_number(j, "size", loader->size);
    json_out_bool(j, "pe", loader->is_pe);
    if (loader->is_pe) {
        json_text(j, "kind", pe_kind_name(loader->pe.kind));
        json_text(j, "version", loader->pe.version);
        json_out_number(j, "machine", loader->pe.machine);
        json_text(j, "machine-name", pe_machine_name(loader->pe.machine));
        json_out_number(j, "subsystem", loader->pe.subsystem);
        json_out_bool(j, "signed", loader->pe.certificates);
        json_findings(j, &loader->pe.findings);
    } else {
        json_text(j, "reason", loader->reason);
    }
    json_out_close(j, '}');
}

static void json_partition(struct json_out *j, const struct inspect *in, unsigned index)
{
    const struct inspect_partition *part = &in->partition[index];
    char guid[GUID_TEXT];

    json_out_open(j, NULL, '{');
    json_out_number(j, "number", part->number);
    json_out_number(j, "start", part->start);
    json_out_number(j, "size", part->size);
    if (in->table == TABLE_GPT) {
        guid_format(&part->type, guid);
        json_text(j, "type", guid);
        guid_format(&part->unique, guid);
        json_text(j, "guid", guid);
        json_text(j, "name", part->name);
    } else {
        json_out_number(j, "type", part->mbr_type);
    }
    json_text(j, "type-name", part->type_name);
    json_out_bool(j, "esp", part->esp);
    json_fs(j, &part->fs);
    json_findings(j, &part->findings);
    json_out_open(j, "loaders", '[');
    for (unsigned i = 0; i < in->loaders; i++)
        if (in->loader[i].partition == index)
            json_loader(j, &in->loader[i]);
    json_out_close(j, ']');
    json_out_close(j, '}');
}

void report_json(const struct report_file *file, const struct inspect *in, FILE *out)
{
    struct json_out j = {.out = out};

    json_out_open(&j, NULL, '{');
    json_text(&j, "path", file->path);
    json_text(&j, "format", file->format);
    json_out_number(&j, "size", file->size);
    json_out_number(&j, "file-size", file->file_size);
    json_out_number(&j, "disk-usage", file->disk_usage);
    json_text(&j, "backing", file->backing);
    json_out_number(&j, "cluster-size", file->cluster_size);
    json_out_number(&j, "version", file->version);
    json_out_number(&j, "snapshots", file->snapshots);
    json_text(&j, "compression", file->compression);
    json_out_bool(&j, "dirty", file->dirty);
    json_out_bool(&j, "corrupt", file->corrupt);
    json_out_number(&j, "sector-size", in->gpt.sector_size);
    json_table(&j, in);
    json_fs(&j, &in->whole);
    json_out_open(&j, "partitions", '[');
    for (unsigned i = 0; i < in->partitions; i++)
        json_partition(&j, in, i);
    json_out_close(&j, ']');
    json_out_close(&j, '}');
    fputc('\n', out);
}
