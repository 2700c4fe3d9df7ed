/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

static enum escape begun(unsigned char c)
{
    if (c == '[')
        return ESCAPE_CSI;
    if (c == ']' || c == 'P' || c == '_' || c == '^')
        return ESCAPE_STRING;
    /* Intermediate bytes (ESC ( B) go on, a final byte ends it. */
    return c >= 0x20 && c < 0x30 ? ESCAPE_BEGUN : ESCAPE_NONE;
}

bool escape_is_text(enum escape *state, unsigned char c)
{
    switch (*state) {
    case ESCAPE_BEGUN:
        *state = begun(c);
        return false;
    case ESCAPE_CSI:
        if (c >= 0x40 && c <= 0x7e)
            *state = ESCAPE_NONE;
        return false;
    case ESCAPE_STRING:
        if (c == 7 || c == 0x1b)
            *state = c == 7 ? ESCAPE_NONE : ESCAPE_BEGUN;
        return false;
    default:
        if (c == 0x1b)
            *state = ESCAPE_BEGUN;
        return c != 0x1b;
    }
}
