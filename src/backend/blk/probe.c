/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats by their first bytes. A guest can write any of these into its raw disk; so what opens a
 * file by this alone must also see to it that they cannot get there (guard.c).
 */
#include <string.h>

#include "backend/blk/image.h"
#include "base/bits.h"

static const struct {
    enum image_format format;
    const char *name;
    unsigned offset, len;
    uint8_t magic[16];
} formats[] = {
    {IMAGE_QCOW2, "qcow2", 0, 4, {'Q', 'F', 'I', 0xfb}},
    {IMAGE_FOREIGN, "QED", 0, 4, {'Q', 'E', 'D', 0}},
    {IMAGE_FOREIGN, "VMDK", 0, 4, {'K', 'D', 'M', 'V'}},
    {IMAGE_FOREIGN, "VMDK", 0, 4, {'C', 'O', 'W', 'D'}},
    {IMAGE_FOREIGN, "VMDK", 0, 16, "# Disk Descripto"},
    {IMAGE_FOREIGN, "VHDX", 0, 8, "vhdxfile"},
    {IMAGE_FOREIGN, "VHD", 0, 8, "conectix"},
    {IMAGE_FOREIGN, "VDI", 64, 4, {0x7f, 0x10, 0xda, 0xbe}},
    {IMAGE_FOREIGN, "Parallels", 0, 16, "WithoutFreeSpace"},
    {IMAGE_FOREIGN, "Parallels", 0, 16, "WithouFreSpacExt"},
};

enum image_format image_probe(const uint8_t bytes[IMAGE_PROBE_BYTES], const char **name)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (!memcmp(bytes + formats[i].offset, formats[i].magic, formats[i].len)) {
            *name = formats[i].name;
            return formats[i].format;
        }
    *name = "raw";
    return IMAGE_RAW;
}
