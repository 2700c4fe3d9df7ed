/* SPDX-License-Identifier: Apache-2.0 */
#include "image/guid.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Where each byte of the text, from the left, lies on the disk. */
static const uint8_t place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static bool dash_before(unsigned i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void guid_format(const struct guid *guid, char text[GUID_TEXT])
{
    char *out = text;

    for (unsigned i = 0; i < 16; i++) {
        if (dash_before(i))
            *out++ = '-';
        out += snprintf(out, 3, "%02X", guid->byte[place[i]]);
    }
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) % 16 : -1;
}

int guid_parse(const char *text, struct guid *guid)
{
    for (unsigned i = 0; i < 16; i++) {
        int high, low;
        if (dash_before(i) && *text++ != '-')
            return -EINVAL;
        high = digit(text[0]);
        low = high < 0 ? -1 : digit(text[1]);
        if (low < 0)
            return -EINVAL;
        guid->byte[place[i]] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return *text ? -EINVAL : 0;
}

bool guid_is(const struct guid *guid, const char *text)
{
    struct guid other;

    return !guid_parse(text, &other) && !memcmp(guid, &other, sizeof(other));
}

bool guid_is_zero(const struct guid *guid)
{
    static const struct guid zero;

    return !memcmp(guid, &zero, sizeof(zero));
}
