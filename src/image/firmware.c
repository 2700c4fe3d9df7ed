/* SPDX-License-Identifier: Apache-2.0 */
#include "image/firmware.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "image/guid.h"

enum {
    PIECE = 1 << 20,
    OVERLAP = 4096, /* what a match may need behind its beginning */
    FV_SIGNATURE = 40,
    FV_HEADER = 56,
    WINDOW = 65536,
};

const char *firmware_kind_name(enum firmware_kind kind)
{
    static const char *const names[] = {
        [FIRMWARE_VARIABLES] = "a UEFI variable store",
        [FIRMWARE_VOLUME] = "a UEFI firmware volume",
        [FIRMWARE_UBOOT] = "U-Boot",
        [FIRMWARE_FIP] = "a Trusted Firmware package",
    };

    return names[kind];
}

/* The header's 16-bit words add up to zero. */
static bool checksum_good(const uint8_t *p, size_t len)
{
    unsigned sum = 0;

    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (unsigned)ld_le(p + i, 2);
    return !(sum & 0xffff);
}

bool firmware_volume_at(const uint8_t *p, size_t size, enum firmware_kind *kind)
{
    static const char variables[] = "FFF12B8D-7696-4C8B-A985-2747075B4F50";
    static const char *const file_systems[] = {
        "8C8CE578-8A3D-4F1C-9935-896185C32DD3",
        "5473C07A-3DCB-4DCA-BD6F-1E9689E7349A",
    };
    struct guid guid;
    size_t len;

    if (size < FV_HEADER || memcmp(p + FV_SIGNATURE, "_FVH", 4))
        return false;
    memcpy(guid.byte, p + 16, 16);
    *kind = guid_is(&guid, variables) ? FIRMWARE_VARIABLES : FIRMWARE_VOLUME;
    if (*kind == FIRMWARE_VARIABLES)
        return true;
    for (unsigned i = 0; i < ARRAY_SIZE(file_systems); i++)
        if (guid_is(&guid, file_systems[i]))
            return true;
    len = (size_t)ld_le(p + 48, 2);
    return len >= FV_HEADER && len <= size && ld_le(p + 32, 8) >= len && checksum_good(p, len);
}

/* "U-Boot 2023.01", as every build says it at the console; also "U-Boot SPL 2023.01". */
static bool uboot_at(const uint8_t *p, size_t size)
{
    size_t at = 7;

    if (size < 18 || memcmp(p, "U-Boot ", 7))
        return false;
    if (!memcmp(p + at, "SPL ", 4))
        at += 4;
    return !memcmp(p + at, "20", 2) && isdigit(p[at + 2]) && isdigit(p[at + 3]) &&
           p[at + 4] == '.' && isdigit(p[at + 5]) && isdigit(p[at + 6]);
}

/* The table of contents of a FIP: its name, then a serial number that fiptool gives all. */
static bool fip_at(const uint8_t *p, size_t size)
{
    return size >= 16 && ld_le(p, 4) == 0xaa640001 && ld_le(p + 4, 4) == 0x12345678;
}

static bool match(const uint8_t *p, size_t before, size_t size, enum firmware_kind *kind)
{
    switch (*p) {
    case '_':
        return before >= FV_SIGNATURE &&
               firmware_volume_at(p - FV_SIGNATURE, size + FV_SIGNATURE, kind);
    case 'U':
        *kind = FIRMWARE_UBOOT;
        return uboot_at(p, size);
    default:
        *kind = FIRMWARE_FIP;
        return fip_at(p, size);
    }
}

struct scan {
    int (*each)(void *ctx, enum firmware_kind kind, uint64_t offset);
    void *ctx;
    uint64_t seen[FIRMWARE_FIP + 1]; /* where one of the kind was last, plus 1 */
};

/* Matches that begin within the first `own` bytes of a piece that was read with more behind it;
 * `before` bytes in front of it may be looked at, too. */
static int scan_for(struct scan *scan, const char *first, size_t first_len, const uint8_t *data,
                    size_t before, size_t own, size_t size, uint64_t offset)
{
    const uint8_t *p = data;

    while ((p = memmem(p, size - (size_t)(p - data), first, first_len))) {
        size_t at = (size_t)(p - data);
        enum firmware_kind kind;
        if (at >= own)
            return 0;
        if (match(p, before + at, size - at, &kind) &&
            (!scan->seen[kind] || offset + at - (scan->seen[kind] - 1) >= WINDOW)) {
            int rc = scan->each(scan->ctx, kind, offset + at - (*p == '_' ? FV_SIGNATURE : 0));
            if (rc)
                return rc;
            scan->seen[kind] = offset + at + 1;
        }
        p++;
    }
    return 0;
}

/* Looks at one piece and what may belong to it in its neighbours. */
static int scan_piece(struct scan *scan, const struct image_source *source, uint64_t at,
                      uint8_t *data)
{
    static const struct {
        const char *bytes;
        size_t len;
    } firsts[] = {{"_FVH", 4}, {"U-Boot ", 7}, {"\x01\x00\x64\xaa", 4}};
    uint64_t left = source->size - at;
    size_t own = left < PIECE ? (size_t)left : PIECE, before = at ? OVERLAP : 0;
    size_t size = left < PIECE + OVERLAP ? (size_t)left : PIECE + OVERLAP;
    int rc = source_read(source, at - before, data, before + size);

    for (unsigned i = 0; !rc && i < ARRAY_SIZE(firsts); i++)
        rc = scan_for(scan, firsts[i].bytes, firsts[i].len, data + before, before, own, size, at);
    return rc;
}

int firmware_scan(const struct image_source *source, uint64_t *budget,
                  int (*each)(void *ctx, enum firmware_kind kind, uint64_t offset), void *ctx)
{
    struct scan scan = {.each = each, .ctx = ctx};
    uint8_t *data = malloc(OVERLAP + PIECE + OVERLAP);
    int rc = data ? 0 : -ENOMEM;
    uint64_t n;

    for (uint64_t at = 0; !rc && at < source->size; at += PIECE) {
        at = align_down(source_next_data(source, at), PIECE);
        if (at >= source->size)
            break;
        n = source->size - at < PIECE ? source->size - at : PIECE;
        rc = *budget < n ? -EFBIG : scan_piece(&scan, source, at, data);
        *budget -= rc ? 0 : n;
    }
    free(data);
    return rc;
}
