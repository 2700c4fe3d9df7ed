/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armvm image fix: plans on a view of the image, judges the plan by the same checks, and applies it
 * to a copy that takes the image's place as the last step.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/blk/blk.h"
#include "base/error.h"
#include "check/fix.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "host/replace.h"
#include "image/patch.h"
#include "image/source.h"
#include "vm/vm.h"

struct fix_config {
    const char *path;
    bool dry_run;
};

static int set_dry_run(void *ctx, const char *value, struct error *err)
{
    ((struct fix_config *)ctx)->dry_run = true;
    return 0;
}

static int set_path(void *ctx, const char *value, struct error *err)
{
    struct fix_config *config = ctx;

    if (config->path)
        return error_set(err, -EINVAL, "one image at a time: %s, or %s", config->path, value);
    config->path = value;
    return 0;
}

static const struct option table[] = {
    {.group = "What is done",
     .name = "dry-run",
     .set = set_dry_run,
     .help = "says what would be mended and changes nothing"},
    {.name = NULL},
};

const struct option_set image_fix_options = {
    .command = "image fix",
    .usage = "[options] IMAGE",
    .intro =
        "Mends what 'armvm check' finds and what can be mended without touching the guest's "
        "system: "
        "a damaged copy of the partition table is restored from the other one, the protective MBR "
        "written anew, the EFI system partition given its type, and the boot program that is on it "
        "copied to the removable media path. The image is changed wholly or not at all, whenever "
        "armvm ends: a copy beside it, which takes as much room as the image has data, is changed "
        "and then takes its name.",
    .table = table,
    .operand = set_path,
    .epilog = "Exit status: 0 mended, or nothing to mend; 1 something is left that could not be; 2 "
              "wrong usage, 3 a host or file error: nothing was changed.",
};

static int fail(const struct error *err, int status)
{
    fprintf(stderr, "armvm image fix: %s\n", err->text);
    return status;
}

static int write_block(void *ctx, uint64_t offset, const void *data, size_t len)
{
    return blk_write_now(ctx, offset, data, len);
}

static int apply(const char *path, const char *format, struct patch *patch, struct error *err)
{
    struct blk_config config = {.path = path, .format = format};
    struct blk *blk;
    int rc = blk_open(&config, &blk, err);

    if (rc)
        return rc;
    rc = patch_apply(patch, write_block, blk);
    if (!rc)
        rc = blk_flush_now(blk);
    if (rc)
        error_set(err, rc, "%s: cannot be written: %s", path, strerror(-rc));
    blk_close(blk);
    return rc;
}

/* Of new files: reproducible where that is asked for. */
static int64_t now(void)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");

    return epoch && *epoch ? strtoll(epoch, NULL, 10) : (int64_t)time(NULL);
}

static void print(const struct fix_config *config, const struct fix_list *list)
{
    for (unsigned i = 0; i < list->done; i++)
        printf("%s: %s%s\n", config->path,
               config->dry_run ? "would be mended: " : "mended: ", list->did[i]);
    for (unsigned i = 0; i < list->left; i++)
        printf("%s: left: %s\n", config->path, list->cannot[i]);
    if (!list->done && !list->left)
        printf("%s: nothing to mend\n", config->path);
}

/* Plans on path, which may be the copy, and writes the plan there if asked to. */
static int plan(const char *path, const char *format, bool write, struct fix_list *list,
                struct error *err)
{
    struct blk_config config = {.path = path, .format = format, .readonly = true};
    struct image_source source;
    struct patch patch;
    struct blk *blk;
    int rc = blk_open(&config, &blk, err);

    if (rc)
        return rc;
    source = source_blk(blk);
    patch_init(&patch, &source);
    rc = fix_image(&patch, now(), list, err);
    blk_close(blk);
    if (rc)
        error_prefix(err, "%s", path);
    else if (write && list->done)
        rc = apply(path, format, &patch, err);
    patch_free(&patch);
    return rc;
}

static int fix(const struct fix_config *config, struct fix_list *list, struct error *err)
{
    struct replacement *replacement;
    struct blk_info info;
    int rc = blk_describe(config->path, &info, err);

    if (!rc)
        rc = plan(config->path, info.format, false, list, err);
    if (rc || config->dry_run || !list->done)
        return rc;
    /* Again on the copy: what was seen before the lock may have changed. */
    fix_free(list);
    rc = replace_begin(config->path, &replacement, err);
    if (rc)
        return rc;
    rc = plan(replace_copy(replacement), info.format, true, list, err);
    if (!rc)
        return replace_commit(replacement, err);
    replace_abort(replacement);
    return rc;
}

int command_image_fix(int argc, char **argv)
{
    struct fix_config config = {0};
    struct fix_list list = {0};
    struct error err = {0};
    int rc = options_parse(&image_fix_options, argc, argv, &config, &err), status;

    if (rc == OPTIONS_HELP) {
        options_print_help(&image_fix_options, stdout);
        return 0;
    }
    if (!rc && !config.path)
        rc = error_set(&err, -EINVAL, "which image? armvm image fix IMAGE");
    if (rc)
        return fail(&err, VM_EXIT_USAGE);
    rc = fix(&config, &list, &err);
    if (rc)
        status = fail(&err, VM_EXIT_HOST);
    else
        status = list.left ? VM_EXIT_FAILED : 0;
    if (!rc)
        print(&config, &list);
    fix_free(&list);
    return status;
}
