/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from anywhere: it is refused, or every string in it can be reached and is UTF-8 that ends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t visit(const struct json *value)
{
    size_t sum = 1 + (json_string(value) ? strlen(json_string(value)) : 0);

    for (const struct json *v = json_first(value); v; v = json_next(v))
        sum += visit(v);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size); /* its own, so that a byte behind it is noticed */
    size_t where;
    struct json *root;

    if (!text && size)
        return 0;
    if (size)
        memcpy(text, data, size);
    root = json_parse(text, size, &where);
    if (where > size || (root && !visit(root)))
        abort();
    json_get(root, "mapping");
    json_free(root);
    free(text);
    return 0;
}
