/* SPDX-License-Identifier: Apache-2.0 */
#include "check/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "check/image_impl.h"

void result_skip(struct report *report, struct check_result *result, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    if (!result_good(result))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    result->outcome = CHECK_SKIP;
    result_found(report, result, "%s", text);
}

struct image_source partition_source(const struct image_check *c, int partition)
{
    if (partition < 0)
        return *c->disk;
    return source_part(c->disk, c->in.partition[partition].start, c->in.partition[partition].size);
}

void partition_name(const struct image_check *c, int partition, char *name, size_t size)
{
    if (partition < 0)
        snprintf(name, size, "the disk");
    else
        snprintf(name, size, "partition %" PRIu32, c->in.partition[partition].number);
}

static void add_facts(struct image_check *c)
{
    static const char *const tables[] = {"none", "MBR", "GPT"};
    const struct inspect *in = &c->in;
    char what[64];

    report_fact(c->report, "disk", "%" PRIu64 " bytes, partition table: %s, sectors of %" PRIu32,
                c->disk->size, tables[in->table], in->gpt.sector_size);
    for (unsigned i = 0; i < in->partitions && i < 16; i++) {
        const struct inspect_partition *part = &in->partition[i];
        partition_name(c, (int)i, what, sizeof(what));
        report_fact(c->report, what, "%s, %" PRIu64 " MiB, %s%s%s%s",
                    part->type_name ? part->type_name : "unknown type", part->size >> 20,
                    part->fs.kind ? part->fs.kind : "unknown contents",
                    part->fs.label[0] ? " \"" : "", part->fs.label, part->fs.label[0] ? "\"" : "");
    }
    for (unsigned i = 0; i < in->loaders && i < 16; i++) {
        const struct inspect_loader *loader = &in->loader[i];
        if (loader->is_pe)
            report_fact(c->report, "boot program", "%s: %s%s%s, %s", loader->path,
                        pe_kind_name(loader->pe.kind), loader->pe.version[0] ? " " : "",
                        loader->pe.version,
                        pe_machine_name(loader->pe.machine) ? pe_machine_name(loader->pe.machine)
                                                            : "unknown machine");
    }
}

static int run(struct image_check *c)
{
    static int (*const steps[])(struct image_check * c) = {
        check_table, check_esp_type, check_esp_format, check_boot, check_store, check_guest,
    };
    int rc = 0;

    for (unsigned i = 0; !rc && i < ARRAY_SIZE(steps); i++)
        rc = steps[i](c);
    return rc;
}

int image_check_begin(struct image_check *c, const struct image_source *disk, struct report *report,
                      struct error *err)
{
    int rc;

    memset(c, 0, sizeof(*c));
    c->report = report;
    c->disk = disk;
    rc = inspect_disk(disk, &c->in, err);
    if (rc)
        return rc;
    c->esp = calloc(ESPS_MAX, sizeof(*c->esp));
    if (!c->esp) {
        inspect_free(&c->in);
        return error_set(err, -ENOMEM, "out of memory");
    }
    for (unsigned i = 1; i < ARRAY_SIZE(c->i); i++) {
        char id[4];
        snprintf(id, sizeof(id), "I%u", i);
        c->i[i] = report_add(report, id, CHECK_PASS, NULL);
    }
    return 0;
}

void image_check_end(struct image_check *c)
{
    free(c->esp);
    inspect_free(&c->in);
}

int check_image(const struct image_source *disk, struct report *report, struct error *err)
{
    struct image_check c;
    int rc = image_check_begin(&c, disk, report, err);

    if (rc)
        return rc;
    add_facts(&c);
    rc = run(&c);
    if (rc)
        error_set(err, rc, "cannot be read: %s", strerror(-rc));
    image_check_end(&c);
    return rc;
}
