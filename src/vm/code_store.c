/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/code_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *code_store_directory(const char *asked, char *room, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len;

    if (asked)
        return strcmp(asked, "off") ? asked : NULL;
    if (cache && *cache == '/') /* relative ones are to be ignored */
        len = snprintf(room, size, "%s/armvm/code", cache);
    else if (home && *home == '/' && !access(home, W_OK)) /* not to be made */
        len = snprintf(room, size, "%s/.cache/armvm/code", home);
    else
        return NULL;
    return len > 0 && (size_t)len < size ? room : NULL;
}
