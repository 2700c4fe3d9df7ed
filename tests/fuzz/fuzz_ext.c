/* SPDX-License-Identifier: Apache-2.0 */
/* ext file systems are not trusted: whatever is in them, reading ends, and stays inside. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
    struct ext *ext;
    unsigned depth, seen;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static int visit(void *ctx, const char *name, uint32_t number)
{
    struct walk *walk = ctx;
    struct ext_node node;
    uint8_t piece[700];

    require(*name && strlen(name) <= EXT_NAME_MAX && !strchr(name, '/'));
    if (++walk->seen > 500)
        return 1;
    if (ext_node(walk->ext, number, &node))
        return 0;
    if (ext_is_directory(&node) && walk->depth < 4) {
        walk->depth++;
        ext_list(walk->ext, &node, visit, walk);
        walk->depth--;
    } else {
        size_t n = node.size < sizeof(piece) ? (size_t)node.size : sizeof(piece);
        ext_read(walk->ext, &node, node.size - n, piece, n);
        ext_read(walk->ext, &node, 0, piece, n);
        require(ext_read(walk->ext, &node, node.size, piece, 1) == -ERANGE);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_source source = source_memory(data, size);
    struct error err = {0};
    struct walk walk = {0};
    struct ext_node node;

    if (ext_open(&source, &walk.ext, &err)) {
        require(err.text[0]);
        return 0;
    }
    if (!ext_node(walk.ext, EXT_ROOT, &node))
        ext_list(walk.ext, &node, visit, &walk);
    ext_lookup(walk.ext, "/lib/modules/../../boot//vmlinuz", &node);
    ext_lookup(walk.ext, "a/b/c", &node);
    ext_close(walk.ext);
    return 0;
}
