/* SPDX-License-Identifier: Apache-2.0 */
/* EFI programs are not trusted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_source source = source_memory(data, size);
    struct error err = {0};
    struct pe pe;

    if (pe_read(&source, &pe, &err)) {
        if (!err.text[0])
            abort();
        return 0;
    }
    if (pe.sections > PE_SECTIONS_MAX || !pe_kind_name(pe.kind) ||
        strlen(pe.version) >= sizeof(pe.version))
        abort();
    return 0;
}
