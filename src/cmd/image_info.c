/* SPDX-License-Identifier: Apache-2.0 */
/* armvm image info: what image/inspect.h finds, for people and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/blk/blk.h"
#include "base/bits.h"
#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/image_report.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "image/inspect.h"
#include "vm/vm.h"

struct info_config {
    const char *path;
    unsigned format; /* of the output */
};

enum { OUT_TEXT, OUT_JSON };

static int set_format(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"text", "json", NULL};

    return value_choice(value, names, &((struct info_config *)ctx)->format, err);
}

static int set_path(void *ctx, const char *value, struct error *err)
{
    struct info_config *config = ctx;

    if (config->path)
        return error_set(err, -EINVAL, "one image at a time: %s, or %s", config->path, value);
    config->path = value;
    return 0;
}

static const struct option table[] = {
    {.group = "Output",
     .name = "format",
     .arg = "text|json",
     .set = set_format,
     .words = "text json",
     .help = "for people or for programs (default: text)"},
    {.name = NULL},
};

const struct option_set image_info_options = {
    .command = "image info",
    .usage = "[options] IMAGE",
    .intro =
        "Says what a disk image is: its format and sizes, its partitions, what they hold, and "
        "the boot loaders on its EFI system partition. Damage is shown, too. The image is only "
        "read.",
    .table = table,
    .operand = set_path,
    .epilog = "Exit status: 0 the image could be read, whatever it contains; 2 wrong usage, 3 a "
              "host or file error.",
};

/* info keeps what the report points to. */
static int describe(const char *path, struct blk_info *info, struct report_file *file,
                    struct error *err)
{
    struct stat st;
    int rc = blk_describe(path, info, err);

    if (rc)
        return rc;
    if (stat(path, &st) < 0)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    *file = (struct report_file){
        .path = path,
        .format = info->format,
        .size = info->size,
        .file_size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : info->size,
        .disk_usage = info->file_size,
        .version = info->version,
        .snapshots = info->snapshots,
        .cluster_size = info->cluster_size,
        .compression = info->compression,
        .backing = *info->backing ? info->backing : NULL,
        .dirty = info->dirty,
        .corrupt = info->corrupt,
    };
    return 0;
}

static int fail(const struct error *err, int status)
{
    fprintf(stderr, "armvm image info: %s\n", err->text);
    return status;
}

static int report(const struct info_config *config, struct error *err)
{
    struct blk_config blk_config = {.path = config->path, .readonly = true};
    struct report_file file;
    struct blk_info info;
    struct image_source source;
    struct inspect inspect;
    struct blk *blk;
    int rc = describe(config->path, &info, &file, err);

    if (!rc)
        rc = blk_open(&blk_config, &blk, err);
    if (rc)
        return rc;
    source = source_blk(blk);
    rc = inspect_disk(&source, &inspect, err);
    if (rc)
        error_prefix(err, "%s", config->path);
    else if (config->format == OUT_JSON)
        report_json(&file, &inspect, stdout);
    else
        report_text(&file, &inspect, stdout);
    if (!rc)
        inspect_free(&inspect);
    blk_close(blk);
    return rc;
}

int command_image_info(int argc, char **argv)
{
    struct info_config config = {0};
    struct error err = {0};
    int rc = options_parse(&image_info_options, argc, argv, &config, &err);

    if (rc == OPTIONS_HELP) {
        options_print_help(&image_info_options, stdout);
        return 0;
    }
    if (!rc && !config.path)
        rc = error_set(&err, -EINVAL, "which image? armvm image info IMAGE");
    if (rc)
        return fail(&err, VM_EXIT_USAGE);
    return report(&config, &err) ? fail(&err, VM_EXIT_HOST) : 0;
}
