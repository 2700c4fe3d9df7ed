/* SPDX-License-Identifier: Apache-2.0 */
/* FAT volumes are not trusted: whatever is in them, reading ends, and stays inside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/fat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
    struct fat *fat;
    unsigned depth, seen;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static int visit(void *ctx, const struct fat_entry *entry)
{
    struct walk *walk = ctx;
    struct fat_entry kept = *entry;
    uint8_t piece[700];

    require(kept.name[0] && strlen(kept.name) <= FAT_NAME_MAX && strlen(kept.short_name) <= 12);
    if (++walk->seen > 2000)
        return 1;
    if (!kept.directory) {
        size_t n = kept.size < sizeof(piece) ? kept.size : sizeof(piece);
        fat_read(walk->fat, &kept, kept.size - n, piece, n);
        require(fat_read(walk->fat, &kept, kept.size, piece, 1) == -34 /* ERANGE */);
        return 0;
    }
    if (walk->depth == 3)
        return 0;
    walk->depth++;
    fat_list(walk->fat, &kept, visit, walk);
    walk->depth--;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_source source = source_memory(data, size);
    struct error err = {0};
    struct fat fat;
    struct fat_entry entry;
    struct walk walk = {.fat = &fat};
    int rc = fat_open(&source, &fat, &err);

    if (rc) {
        require(err.text[0]);
        return 0;
    }
    require(fat.bits == 12 || fat.bits == 16 || fat.bits == 32);
    require(!fat_check(&fat));
    fat_list(&fat, NULL, visit, &walk);
    if (!fat_lookup(&fat, "\\EFI\\BOOT/bootaa64.efi", &entry))
        require(entry.name[0]);
    return 0;
}
