/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's CPU offers: CPUID and the state that the kernel enables (XCR0). */
#include "engine/x64/x64.h"

#include <cpuid.h>

struct leaf {
    unsigned a, b, c, d;
};

static struct leaf cpuid(unsigned leaf, unsigned sub)
{
    struct leaf r = {0, 0, 0, 0};
    if (!__get_cpuid_count(leaf, sub, &r.a, &r.b, &r.c, &r.d))
        r = (struct leaf){0, 0, 0, 0};
    return r;
}

static uint64_t xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool has(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

void x64_probe(enum x64_level limit, struct x64_host *host)
{
    struct leaf one = cpuid(1, 0), seven = cpuid(7, 0), ext = cpuid(0x80000001, 0);
    uint64_t state = one.c & bit_OSXSAVE ? xcr0() : 0;
    bool ymm = has((unsigned)state, 6), zmm = has((unsigned)state, 0xe6);
    bool v3 = ymm && has(one.c, bit_AVX | bit_FMA | bit_F16C | bit_MOVBE) &&
              has(seven.b, bit_AVX2 | bit_BMI | bit_BMI2) && has(ext.c, bit_LZCNT);
    bool v4 = v3 && zmm &&
              has(seven.b, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL);
    *host = (struct x64_host){.level = v4 ? X64_V4 : v3 ? X64_V3 : X64_V2};
    if (host->level > limit)
        host->level = limit;
    v3 = host->level >= X64_V3;
    host->aes = one.c & bit_AES;
    host->pclmul = one.c & bit_PCLMUL;
    host->sha = seven.b & bit_SHA;
    host->fma = host->f16c = v3;
    host->vaes = v3 && seven.c & bit_VAES;
    host->gfni = v3 && seven.c & bit_GFNI;
    host->vnni = host->level >= X64_V4 && seven.c & bit_AVX512VNNI;
    host->adx = seven.b & bit_ADX;
    host->fsrm = seven.d & 1u << 4;
}
