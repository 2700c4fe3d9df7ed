/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/gdb_hex.h"

#include <string.h>

char *gdb_to_hex(char *out, const uint8_t *in, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[in[i] >> 4];
        *out++ = digits[in[i] & 15];
    }
    return out;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t gdb_from_hex(uint8_t *out, const char *in, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        int high = nibble(in[2 * i]), low = high < 0 ? -1 : nibble(in[2 * i + 1]);
        if (low < 0)
            break;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return i;
}

bool gdb_number(const char **in, const char *separators, uint64_t *value)
{
    const char *p = *in;

    *value = 0;
    while (nibble(*p) >= 0)
        *value = *value << 4 | (uint64_t)nibble(*p++);
    if (p == *in || (*p && !strchr(separators, *p)))
        return false;
    *in = *p ? p + 1 : p;
    return true;
}
