/* SPDX-License-Identifier: Apache-2.0 */
/* Whole images: checked, reported in every form, mended in memory. tests/check/mutate.c does the
 * same to an image that has everything. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "check/fix.h"
#include "check/image.h"
#include "check/report.h"
#include "image/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_source source = source_memory(data, size);
    struct report *report = report_new("image", "fuzz", PROFILE_V1_0);
    struct error err = {0};
    struct fix_list list;
    struct patch patch;
    int rc;

    require(report && !check_image(&source, report, &err));
    require(report_counts(report).results == 12);
    for (unsigned format = 0; report_format_names()[format]; format++) {
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        require(out && !report_write(report, (enum report_format)format, false, out, NULL));
        fclose(out);
        free(text);
    }
    report_free(report);
    patch_init(&patch, &source);
    rc = fix_image(&patch, 0, &list, &err);
    require(!rc || rc == -EUCLEAN || rc == -EIO);
    fix_free(&list);
    patch_free(&patch);
    return 0;
}
