/* SPDX-License-Identifier: Apache-2.0 */
/* Initial RAM disks: every packing, archives one after the other; entries stay inside their sizes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/cpio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    unsigned entries;
};

static int each(void *ctx, struct cpio *cpio, const struct cpio_entry *entry)
{
    struct seen *seen = ctx;
    uint8_t piece[64];
    size_t n = entry->size < sizeof(piece) ? (size_t)entry->size : sizeof(piece);

    if (strlen(entry->name) > CPIO_NAME_MAX)
        abort();
    if (cpio_read(cpio, piece, n))
        return 1;
    if (entry->size <= sizeof(piece) && cpio_read(cpio, piece, 1) != -ERANGE)
        abort();
    return ++seen->entries > 2000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_source source = source_memory(data, size);
    struct cpio_summary summary;
    struct error err = {0};
    struct seen seen = {0};
    int rc = cpio_walk(&source, each, &seen, &summary, &err);

    if (rc < 0 && !err.text[0])
        abort();
    if (memchr(summary.kinds, 0, sizeof(summary.kinds)) == NULL)
        abort();
    return 0;
}
