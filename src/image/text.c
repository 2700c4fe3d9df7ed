/* SPDX-License-Identifier: Apache-2.0 */
#include "image/text.h"

#include <errno.h>

#include "base/bits.h"

int text_append(char *out, size_t size, size_t *len, uint32_t c)
{
    uint8_t bytes[4];
    unsigned n;

    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ||
        (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
        c = '?'; /* control characters, and those that turn a terminal's text around */
    if (c < 0x80) {
        bytes[0] = (uint8_t)c;
        n = 1;
    } else if (c < 0x800) {
        bytes[0] = (uint8_t)(0xc0 | c >> 6);
        n = 2;
    } else if (c < 0x10000) {
        bytes[0] = (uint8_t)(0xe0 | c >> 12);
        n = 3;
    } else {
        bytes[0] = (uint8_t)(0xf0 | c >> 18);
        n = 4;
    }
    if (*len + n >= size)
        return -ENOSPC;
    for (unsigned i = 1; i < n; i++)
        bytes[i] = (uint8_t)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
    memcpy(out + *len, bytes, n);
    *len += n;
    out[*len] = 0;
    return 0;
}

void text_utf16(const uint8_t *units, size_t count, char *out, size_t size)
{
    size_t len = 0;

    out[0] = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t c = (uint32_t)ld_le(units + 2 * i, 2);
        if (!c)
            return;
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < count) {
            uint32_t low = (uint32_t)ld_le(units + 2 * i + 2, 2);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i++;
            }
        }
        if (text_append(out, size, &len, c))
            return;
    }
}

void text_utf8(const uint8_t *bytes, size_t count, char *out, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = 0;

    out[0] = 0;
    for (size_t i = 0; i < count && bytes[i];) {
        uint32_t c = bytes[i];
        unsigned n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
        bool good = n && n <= count - i;
        if (n > 1)
            c &= 0x7fu >> n;
        for (unsigned k = 1; good && k < n; k++) {
            good = bytes[i + k] >> 6 == 2;
            c = c << 6 | (bytes[i + k] & 0x3f);
        }
        if (!good || c < least[n]) {
            c = '?';
            n = 1;
        }
        if (text_append(out, size, &len, c))
            return;
        i += n;
    }
}

void text_padded(const uint8_t *bytes, size_t count, char *out, size_t size)
{
    size_t len = 0;

    out[0] = 0;
    while (count && (bytes[count - 1] == ' ' || !bytes[count - 1]))
        count--;
    for (size_t i = 0; i < count; i++)
        if (text_append(out, size, &len, bytes[i] < 0x80 ? bytes[i] : '?'))
            return;
}
