/* SPDX-License-Identifier: Apache-2.0 */
/* armvm check IMAGE: an image against the specification's requirements (check/image.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/blk.h"
#include "base/error.h"
#include "check/image.h"
#include "check/report.h"
#include "cmd/check_report.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "image/source.h"
#include "vm/vm.h"

struct check_config {
    struct check_output report; /* first */
    const char *path;
};

static int set_path(void *ctx, const char *value, struct error *err)
{
    struct check_config *config = ctx;

    if (config->path)
        return error_set(err, -EINVAL, "one image at a time: %s, or %s", config->path, value);
    config->path = value;
    return 0;
}

static const struct option table[] = {{.sub = check_report_options}, {.name = NULL}};

const struct option_set check_options = {
    .command = "check",
    .usage = "[options] IMAGE",
    .intro =
        "Checks a disk image against the ARM VM System Specification: partition table, EFI system "
        "partition, boot program, no variables and no firmware inside, and the kernel's drivers as "
        "far as files show them. Each requirement is a line; one that fails says what was found, "
        "where the specification demands it and how to mend it. The image is only read, needs no "
        "root and is not booted.",
    .table = table,
    .operand = set_path,
    .epilog =
        "Exit status: 0 no requirement (\"must\") fails, 1 one does; 2 wrong usage, 3 a host or "
        "file error: it could not be looked at. 'armvm image fix' mends some of what is found.",
};

static int fail(const struct error *err, int status)
{
    fprintf(stderr, "armvm check: %s\n", err->text);
    return status;
}

static void add_file(struct report *report, const struct blk_info *info)
{
    report_fact(report, "file", "%s%s%s", info->format, info->backing[0] ? ", based on " : "",
                info->backing);
    if (info->corrupt)
        report_fact(report, "damage", "the qcow2 image is marked as corrupt");
}

static int check_open(struct blk *blk, const struct blk_info *info,
                      const struct check_config *config, int *status, struct error *err)
{
    struct image_source source = source_blk(blk);
    struct report *report =
        report_new("image", config->path, (enum check_profile)config->report.profile);
    int rc;

    if (!report)
        return error_set(err, -ENOMEM, "out of memory");
    add_file(report, info);
    rc = check_image(&source, report, err);
    if (rc)
        error_prefix(err, "%s", config->path);
    else
        rc = report_save(report, (enum report_format)config->report.format, config->report.output,
                         err);
    *status = report_status(report);
    report_free(report);
    return rc;
}

static int check(const struct check_config *config, int *status, struct error *err)
{
    struct blk_config blk_config = {.path = config->path, .readonly = true};
    struct blk_info info;
    struct blk *blk;
    int rc = blk_describe(config->path, &info, err);

    if (!rc)
        rc = blk_open(&blk_config, &blk, err);
    if (rc)
        return rc;
    rc = check_open(blk, &info, config, status, err);
    blk_close(blk);
    return rc;
}

int command_check(int argc, char **argv)
{
    struct check_config config = {0};
    struct error err = {0};
    int rc = options_parse(&check_options, argc, argv, &config, &err), status = 0;

    if (rc == OPTIONS_HELP) {
        options_print_help(&check_options, stdout);
        return 0;
    }
    if (!rc && !config.path)
        rc = error_set(&err, -EINVAL, "which image? armvm check IMAGE");
    if (rc)
        return fail(&err, VM_EXIT_USAGE);
    rc = check(&config, &status, &err);
    return rc ? fail(&err, VM_EXIT_HOST) : status ? VM_EXIT_FAILED : 0;
}
