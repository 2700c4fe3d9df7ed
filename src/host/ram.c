/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ram.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static uint8_t *map(uint64_t size, int advice)
{
    if (!size || size > SIZE_MAX)
        return NULL;
    void *ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ram == MAP_FAILED)
        return NULL;
    /* Neither request matters enough to fail for. */
    (void)madvise(ram, size, advice);
    (void)madvise(ram, size, MADV_DONTDUMP);
    return ram;
}

uint8_t *host_ram_map(uint64_t size)
{
    /* Huge pages make the host's own TLB misses rarer, which is what random access in the guest
     * spends its time on. */
    return map(size, MADV_HUGEPAGE);
}

uint8_t *host_ram_map_sparse(uint64_t size)
{
    return map(size, MADV_NOHUGEPAGE);
}

void host_ram_unmap(uint8_t *ram, uint64_t size)
{
    if (ram)
        munmap(ram, size);
}

void host_ram_clear(uint8_t *ram, uint64_t size)
{
    /* Private anonymous memory reads as zero after MADV_DONTNEED. */
    if (madvise(ram, size, MADV_DONTNEED) != 0)
        memset(ram, 0, size);
}

void host_heap_trim(void)
{
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

void host_ram_sizes(uint64_t *total, uint64_t *available)
{
    *total = *available = UINT64_MAX;
    FILE *f = fopen("/proc/meminfo", "re");
    if (!f)
        return;
    char line[128];
    uint64_t kib;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "MemTotal: %" SCNu64, &kib) == 1)
            *total = kib * 1024;
        else if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            *available = kib * 1024;
    }
    fclose(f);
}
