/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel files are not trusted: whatever they contain, what comes out must lie inside the file and,
 * once placed, inside RAM without overlaps. The last bytes of the input choose the machine. */
#include <stdint.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/error.h"
#include "machine/fw/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM 0x40000000ull

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool inside(uint64_t start, uint64_t len, uint64_t ram_size)
{
    return start >= RAM && len <= ram_size && start - RAM <= ram_size - len;
}

static bool apart(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
    return a + a_len <= b || b + b_len <= a;
}

static void check_place(const struct kernel *k, uint64_t ram_size, uint64_t initrd, uint64_t dtb)
{
    struct kernel_layout layout;
    struct error err;

    if (kernel_place(k, "input", RAM, ram_size, initrd, dtb, &layout, &err))
        return;
    require(inside(layout.dtb, dtb, ram_size));
    if (initrd) {
        require(inside(layout.initrd, initrd, ram_size));
        require(apart(layout.initrd, initrd, layout.dtb, dtb));
    }
    for (unsigned i = 0; i < k->segments; i++) {
        uint64_t at = layout.base + k->segment[i].addr, len = k->segment[i].mem_size;
        require(inside(at, len, ram_size));
        require(apart(at, len, layout.dtb, dtb));
        require(!initrd || apart(at, len, layout.initrd, initrd));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kernel kernel = {0};
    struct error err = {0};
    uint8_t tail[4] = {0};

    for (size_t i = 0; i < sizeof(tail) && i < size; i++)
        tail[i] = data[size - 1 - i];
    require(kernel_what(data, size) != NULL);
    if (kernel_parse("input", data, size, &kernel, &err)) {
        require(err.text[0]);
        return 0;
    }
    require(kernel.segments >= 1 && kernel.segments <= KERNEL_MAX_SEGMENTS);
    for (unsigned i = 0; i < kernel.segments; i++) {
        const struct kernel_segment *s = &kernel.segment[i];
        require(s->offset <= kernel.size && s->file_size <= kernel.size - s->offset);
        require(s->mem_size >= s->file_size);
    }
    check_place(&kernel, (uint64_t)(tail[0] + 1) << 20, (uint64_t)tail[1] << 18,
                4096 + (uint64_t)tail[2] * 1024);
    kernel_close(&kernel);
    return 0;
}
