/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels, and the compressed data in them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/kconfig.h"
#include "image/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_source source = source_memory(data, size);
    struct unpack *unpack;
    char *text;

    if (!unpack_open(&source, 0, &unpack)) {
        uint8_t *piece = malloc(100000);
        size_t got = 0;
        for (unsigned i = 0; i < 50 && piece; i++)
            if (unpack_read(unpack, piece, i % 2 ? 100000 : 7, &got) ||
                got < (i % 2 ? 100000u : 7u))
                break;
        if (unpack_end(unpack) > size)
            abort();
        unpack_close(unpack);
        free(piece);
    }
    if (!kconfig_extract(&source, &text)) {
        kconfig_get(text, "ARM64");
        free(text);
    }
    return 0;
}
