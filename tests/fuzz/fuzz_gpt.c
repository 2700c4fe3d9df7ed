/* SPDX-License-Identifier: Apache-2.0 */
/* Partition tables are not trusted. The input is the beginning of a small disk; where its last byte
 * is odd, checksums are put right first, so that what is behind them is reached, too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DISK = 256 << 10, SECTOR = 512 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void put_right(uint8_t *disk, uint64_t at)
{
    uint8_t *header = disk + at;
    uint32_t size = (uint32_t)ld_le(header + 12, 4);
    uint64_t array = ld_le(header + 72, 8) * SECTOR,
             len = ld_le(header + 80, 4) * ld_le(header + 84, 4);

    if (array < DISK && len <= DISK - array)
        st_le(header + 88, 4, crc32(0, disk + array, (uInt)len));
    if (size <= SECTOR) {
        st_le(header + 16, 4, 0);
        st_le(header + 16, 4, crc32(0, header, size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *disk = calloc(1, DISK);
    struct image_source source = source_memory(disk, DISK);
    struct inspect inspect;
    struct error err;

    memcpy(disk, data, size < DISK ? size : DISK);
    if (size && data[size - 1] & 1) {
        put_right(disk, SECTOR);
        put_right(disk, DISK - SECTOR);
    }
    require(!inspect_disk(&source, &inspect, &err));
    require(inspect.gpt.findings.count <= FINDINGS_MAX);
    for (unsigned i = 0; i < inspect.gpt.partitions; i++) {
        struct image_source part = gpt_source(&source, &inspect.gpt, &inspect.gpt.partition[i]);
        require(part.base <= DISK && part.size <= DISK - part.base);
    }
    inspect_free(&inspect);
    free(disk);
    return 0;
}
