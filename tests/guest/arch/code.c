/* SPDX-License-Identifier: Apache-2.0 */
/* Code that changes: the contract is DC CVAU, DSB, IC IVAU, DSB, ISB (manual B2.4.4). */
#define _GNU_SOURCE
#include "arch.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* MOV W0, #number; RET */
static void write_function(uint32_t *code, unsigned number)
{
    code[0] = 0x52800000 | (number & 0xffff) << 5;
    code[1] = 0xd65f03c0;
    __builtin___clear_cache((char *)code, (char *)(code + 2));
}

static bool yields(const uint32_t *code, unsigned number)
{
    return ((unsigned (*)(void))(uintptr_t)code)() == number;
}

static bool rewritten_in_place(void)
{
    uint32_t *code = (uint32_t *)pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);

    for (unsigned i = 0; i < 3000; i++) {
        write_function(code, i);
        if (!yields(code, i))
            return false;
    }
    return true;
}

static bool fresh_mappings(void)
{
    for (unsigned i = 0; i < 300; i++) {
        uint32_t *code = (uint32_t *)pages(1, PROT_READ | PROT_WRITE);
        write_function(code, i);
        mprotect(code, PAGE, PROT_READ | PROT_EXEC);
        if (!yields(code, i))
            return false;
        munmap(code, PAGE);
    }
    return true;
}

static bool two_views(void)
{
    int fd = memfd_create("code", 0);
    uint32_t *writable, *executable;

    if (fd < 0 || ftruncate(fd, PAGE))
        return false;
    writable = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    executable = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    close(fd);
    for (unsigned i = 0; i < 1000; i++) {
        write_function(writable, i);
        __builtin___clear_cache((char *)executable, (char *)(executable + 2));
        if (!yields(executable, i))
            return false;
    }
    return true;
}

/* A function that rewrites the next instruction but one of itself each time. */
static bool other_half_of_the_page(void)
{
    uint32_t *code = (uint32_t *)pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);

    for (unsigned i = 0; i < 500; i++) {
        uint32_t *place = code + i % 2 * 512;
        write_function(place, i);
        if (!yields(place, i) || (i && !yields(code + (i - 1) % 2 * 512, i - 1)))
            return false;
    }
    return true;
}

const struct test code_tests[] = {
    {"code rewritten in place runs as written", rewritten_in_place},
    {"code in fresh mappings is not mistaken for the old", fresh_mappings},
    {"code written through another mapping runs as written", two_views},
    {"neighbours of rewritten code stay as they are", other_half_of_the_page},
    {0},
};
