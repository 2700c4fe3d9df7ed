/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe's device tree reader, on the host: it refuses what is damaged and never reads outside
 * of the blob, which lies before a page that nobody may touch.  test_tree DTB ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
/* The probe has its own, and clang has them all by now. */
#undef NULL
#undef va_start
#undef va_arg
#undef va_end
#include "describe/fdt.h"
#include "describe/platform.h"

enum { ROOM = 1 << 20 };

static struct fdt fdt;
static struct platform platform;
static unsigned refused;

/* Goes through all that the reader offers. */
static void read_all(const u8 *blob)
{
    u64 address, size;
    u32 intid, length;
    struct fdt_interrupt interrupt;

    if (fdt_open(&fdt, blob)) {
        refused++;
        return;
    }
    for (int i = 0; i < fdt.nodes; i++) {
        fdt_enabled(&fdt, i);
        fdt_property(&fdt, i, "compatible", &length);
        fdt_is(&fdt, i, "arm,pl011");
        for (u32 n = 0; n < 4; n++) {
            fdt_reg(&fdt, i, n, &address, &size);
            if (fdt_interrupt(&fdt, i, n, &interrupt))
                fdt_gic_intid(&interrupt, &intid);
        }
    }
    fdt_by_path(&fdt, "/chosen");
    fdt_by_path(&fdt, "serial0:115200");
    platform_from_fdt(&platform, &fdt);
    for (u32 device = 0; device < 4; device++)
        platform_intx(&platform, &fdt, device, 1 + device % 4);
}

int main(int argc, char **argv)
{
    static u8 whole[ROOM];
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : (FILE *)0;
    uptr size = file ? fread(whole, 1, ROOM, file) : 0;
    uptr page = (uptr)sysconf(_SC_PAGESIZE), room = align_up(size, page) + page;
    u8 *memory = mmap(0, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    u32 seed = 1;
    u8 *blob;

    if (!size || be32(whole + 4) > size || memory == MAP_FAILED ||
        mprotect(memory + room, page, PROT_NONE)) {
        printf("usage: test_tree DTB ROUNDS\n");
        return 2;
    }
    size = align_up(be32(whole + 4), 8);
    blob = memory + room - size;
    memcpy(blob, whole, size);
    read_all(blob);
    if (refused || platform.gic.version < 2 || !platform.cpus || !platform.uarts ||
        !platform.timer.virtual || !platform.psci.described) {
        printf("the tree as it is was not understood\n");
        return 1;
    }
    for (long round = atol(argv[2]); round; round--) {
        memcpy(blob, whole, size);
        for (u32 i = 0; i < 1 + seed % 6; i++) {
            seed = seed * 1664525 + 1013904223;
            u32 at = (seed >> 8) % (u32)size;
            /* The size in the header is what memory there is. */
            if (at < 4 || at >= 8)
                blob[at] = (u8)(seed & 0x1000000 ? seed >> 3 : blob[at] ^ 1u << (seed >> 25 & 7));
        }
        read_all(blob);
    }
    printf("%u of the damaged trees refused\n", refused);
    return !refused;
}
