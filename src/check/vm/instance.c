/* SPDX-License-Identifier: Apache-2.0 */
#include "check/vm/instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "base/bits.h"
#include "base/error.h"
#include "check/image.h"
#include "check/report.h"
#include "check/vm/probe.h"
#include "image/source.h"

enum { CHUNK = 1 << 16 };
#define PRISTINE "pristine.img"
static const off_t VARS_BYTES = 64 << 20; /* a flash bank */

static int failed(const char *path, struct error *err)
{
    int rc = errno ? -errno : -EIO;

    return error_set(err, rc, "%s: %s", path, strerror(-rc));
}

/* A path without anything that a shell, or an option's list of values, would take apart. */
static bool plain(const char *path)
{
    for (; *path; path++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+", *path))
            return false;
    return true;
}

int instance_directory(char *path, size_t size, struct error *err)
{
    const char *tmp = getenv("TMPDIR");

    if (!tmp || *tmp != '/' || strlen(tmp) > 100 || !plain(tmp))
        tmp = "/tmp";
    snprintf(path, size, "%s/armvm-check-XXXXXX", tmp);
    return mkdtemp(path) ? 0 : failed(path, err);
}

int instance_open(struct instance *instance, struct error *err)
{
    static const char *const names[] = {"pristine", "image",  "vars", "scratch",
                                        "extra",    "image2", "vars2"};
    char *paths[] = {instance->pristine, instance->image,  instance->vars, instance->scratch,
                     instance->extra,    instance->image2, instance->vars2};
    int rc = instance_directory(instance->directory, sizeof(instance->directory), err);

    if (rc)
        return rc;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        snprintf(paths[i], INSTANCE_PATH, "%s/%s.img", instance->directory, names[i]);
    return probe_write_image(instance->pristine, err);
}

/* All that is in the directory but the pristine image: a machine may have put files beside its own.
 */
static void remove_files(const struct instance *instance)
{
    DIR *directory = opendir(instance->directory);
    const struct dirent *entry;

    if (!directory)
        return;
    while ((entry = readdir(directory)))
        if (strcmp(entry->d_name, PRISTINE))
            unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
}

void instance_close(struct instance *instance)
{
    remove_files(instance);
    unlink(instance->pristine);
    rmdir(instance->directory);
}

/* Holes stay holes. */
static int copy(const char *from, const char *to, struct error *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, rc = 0;
    static const char zero[CHUNK];
    char *buf = malloc(CHUNK);
    struct stat st;
    off_t at = 0;

    if (!buf)
        rc = error_set(err, -ENOMEM, "out of memory");
    else if (in < 0 || fstat(in, &st) < 0)
        rc = failed(from, err);
    else if ((out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0 ||
             ftruncate(out, st.st_size) < 0)
        rc = failed(to, err);
    while (!rc) {
        ssize_t n = pread(in, buf, CHUNK, at);
        if (n < 0)
            rc = failed(from, err);
        if (n <= 0)
            break;
        if (memcmp(buf, zero, (size_t)n) && pwrite(out, buf, (size_t)n, at) != n)
            rc = failed(to, err);
        at += n;
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    free(buf);
    return rc;
}

static int make_vars(const char *path, const char *from, struct error *err)
{
    if (!from)
        return 0;
    if (*from)
        return copy(from, path, err);
    if (close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666)) < 0 ||
        truncate(path, VARS_BYTES) < 0)
        return failed(path, err);
    return 0;
}

int instance_reset(struct instance *instance, const char *vars, struct error *err)
{
    int rc;

    remove_files(instance);
    rc = copy(instance->pristine, instance->image, err);
    if (!rc)
        rc = make_vars(instance->vars, vars, err);
    if (!rc)
        rc = probe_write_scratch(instance->scratch, err);
    return rc ? rc : probe_write_scratch(instance->extra, err);
}

int instance_copy(struct instance *instance, const char *vars, struct error *err)
{
    int rc = copy(instance->image, instance->image2, err);

    return rc ? rc : make_vars(instance->vars2, vars, err);
}

static int same_bytes(const char *a, const char *b, bool *same, struct error *err)
{
    FILE *x = fopen(a, "re"), *y = fopen(b, "re");
    char p[4096], q[4096];
    size_t n, m;
    int rc = x && y ? 0 : failed(x ? b : a, err);

    *same = true;
    while (!rc && *same) {
        n = fread(p, 1, sizeof(p), x);
        m = fread(q, 1, sizeof(q), y);
        *same = n == m && !memcmp(p, q, n);
        if (!n)
            break;
    }
    if (x)
        fclose(x);
    if (y)
        fclose(y);
    return rc;
}

int instance_look(const struct instance *instance, struct report *report, struct error *err)
{
    struct blk_config config = {.path = instance->image, .readonly = true, .format = "raw"};
    struct report *image = report_new("image", instance->image, report_profile(report));
    const struct check_result *found;
    struct check_result *result;
    struct image_source source;
    struct blk *blk;
    int rc = image ? blk_open(&config, &blk, err) : error_set(err, -ENOMEM, "out of memory");

    if (!rc) {
        source = source_blk(blk);
        rc = check_image(&source, image, err);
        blk_close(blk);
    }
    found = rc ? NULL : report_result(image, "I7");
    if (found) {
        result = report_add(report, "I7", found->outcome, "the variables are not in the image");
        for (unsigned i = 0; i < found->findings; i++)
            result_fail(report, result, found->finding[i].id, found->finding[i].fix, "%s",
                        found->finding[i].text);
    }
    report_free(image);
    return rc;
}

int instance_changed(const struct instance *instance, bool *changed, struct error *err)
{
    bool same = true;
    int rc = same_bytes(instance->pristine, instance->image, &same, err);

    *changed = !same;
    return rc;
}
