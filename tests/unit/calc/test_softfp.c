/* SPDX-License-Identifier: Apache-2.0 */
/* Where Arm's floating point differs from other machines' or has cases of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/calc/softfp.h"

typedef uint64_t binary_fn(struct softfp *, enum softfp_format, uint64_t, uint64_t);
typedef uint64_t unary_fn(struct softfp *, enum softfp_format, uint64_t);

enum { H = SOFTFP_HALF, S = SOFTFP_SINGLE, D = SOFTFP_DOUBLE, B = SOFTFP_BFLOAT };
enum {
    IOC = SOFTFP_IOC,
    DZC = SOFTFP_DZC,
    OFC = SOFTFP_OFC,
    UFC = SOFTFP_UFC,
    IXC = SOFTFP_IXC,
    IDC = SOFTFP_IDC
};
enum {
    AHP = 1 << 26,
    DN = 1 << 25,
    FZ = 1 << 24,
    RM = 2 << 22,
    RP = 1 << 22,
    RZ = 3 << 22,
    FZ16 = 1 << 19
};

#define INF  0x7f800000
#define NINF 0xff800000
#define DNAN 0x7fc00000
#define QNAN 0x7fc00001
#define SNAN 0x7f800002
#define ONE  0x3f800000
#define MINN 0x00800000 /* smallest normal */

static const struct {
    const char *what;
    binary_fn *fn;
    int format;
    uint32_t fpcr;
    uint64_t a, b, result;
    unsigned flags;
} binary[] = {
    {"inf - inf is the positive default NaN", softfp_sub, S, 0, INF, INF, DNAN, IOC},
    {"0 * inf", softfp_mul, S, 0, 0, NINF, DNAN, IOC},
    {"FMULX of 0 and -inf is -2", softfp_mulx, S, 0, 0, NINF, 0xc0000000, 0},
    {"0 / 0", softfp_div, S, 0, 0, 0, DNAN, IOC},
    {"1 / -0", softfp_div, S, 0, ONE, 0x80000000, NINF, DZC},
    {"the signalling NaN goes before the quiet one", softfp_add, S, 0, QNAN, SNAN, 0x7fc00002, IOC},
    {"the first quiet NaN", softfp_add, S, 0, QNAN, 0xffc00005, QNAN, 0},
    {"a subtrahend NaN keeps its sign", softfp_sub, S, 0, ONE, QNAN, QNAN, 0},
    {"DN replaces NaNs", softfp_add, S, DN, 0xffc00005, ONE, DNAN, 0},
    {"DN still signals", softfp_add, S, DN, SNAN, ONE, DNAN, IOC},
    {"x - x is +0", softfp_sub, S, 0, ONE, ONE, 0, 0},
    {"x - x is -0 rounding down", softfp_sub, S, RM, ONE, ONE, 0x80000000, 0},
    {"-0 + -0 is -0", softfp_add, S, 0, 0x80000000, 0x80000000, 0x80000000, 0},
    {"FZ flushes a denormal input", softfp_add, S, FZ, 1, ONE, ONE, IDC},
    {"FZ flushes a tiny result", softfp_mul, S, FZ, MINN, 0x3f000000, 0, UFC},
    {"FZ decides before rounding", softfp_mul, S, FZ, 0x00ffffff, 0x3f000000, 0, UFC},
    {"tininess is detected before rounding", softfp_mul, S, 0, 0x00ffffff, 0x3f000000, MINN,
     UFC | IXC},
    {"an exact denormal is no underflow", softfp_mul, S, 0, MINN, 0x3f000000, 0x00400000, 0},
    {"FZ leaves half precision alone", softfp_add, H, FZ, 1, 0, 1, 0},
    {"FZ16 flushes without IDC", softfp_add, H, FZ16, 1, 0x3c00, 0x3c00, 0},
    {"FZ16 leaves single precision alone", softfp_add, S, FZ16, 1, 0, 1, 0},
    {"overflow to infinity", softfp_add, S, 0, 0x7f7fffff, 0x7f7fffff, INF, OFC | IXC},
    {"overflow to the largest number", softfp_add, S, RZ, 0x7f7fffff, 0x7f7fffff, 0x7f7fffff,
     OFC | IXC},
    {"half precision overflows at 65520", softfp_add, H, 0, 0x7bff, 0x4c00, 0x7c00, OFC | IXC},
    {"FMAX(-0, +0) is +0", softfp_max, S, 0, 0x80000000, 0, 0, 0},
    {"FMIN(+0, -0) is -0", softfp_min, S, 0, 0, 0x80000000, 0x80000000, 0},
    {"FMAX of a quiet NaN is the NaN", softfp_max, S, 0, ONE, QNAN, QNAN, 0},
    {"FMAXNM prefers the number", softfp_maxnm, S, 0, ONE, QNAN, ONE, 0},
    {"FMINNM prefers the number", softfp_minnm, S, 0, QNAN, NINF, NINF, 0},
    {"FMAXNM of two NaNs is the first", softfp_maxnm, S, 0, QNAN, 0x7fc00009, QNAN, 0},
    {"FMAXNM of a signalling NaN signals", softfp_maxnm, S, 0, SNAN, ONE, 0x7fc00002, IOC},
    {"FRECPS(0, inf) is 2", softfp_recip_step, S, 0, 0, INF, 0x40000000, 0},
    {"FRSQRTS(inf, 0) is 1.5", softfp_rsqrt_step, S, 0, INF, 0, 0x3fc00000, 0},
    {"FRECPS(1, 1) is 1", softfp_recip_step, S, 0, ONE, ONE, ONE, 0},
    {"FRSQRTS(1, 1) is 1", softfp_rsqrt_step, S, 0, ONE, ONE, ONE, 0},
    {"FRECPS flips the first NaN's sign", softfp_recip_step, S, 0, QNAN, ONE, 0xffc00001, 0},
};

static void binary_operations_in_special_cases(void **state)
{
    for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
        struct softfp c = softfp_from_fpcr(binary[i].fpcr);
        uint64_t got =
            binary[i].fn(&c, (enum softfp_format)binary[i].format, binary[i].a, binary[i].b);
        if (got != binary[i].result || c.flags != binary[i].flags)
            fail_msg("%s: got %#llx, flags %#x", binary[i].what, (unsigned long long)got, c.flags);
    }
}

static const struct {
    const char *what;
    unary_fn *fn;
    int format;
    uint32_t fpcr;
    uint64_t a, result;
    unsigned flags;
} unary[] = {
    {"sqrt(-0) is -0", softfp_sqrt, S, 0, 0x80000000, 0x80000000, 0},
    {"sqrt(-1)", softfp_sqrt, S, 0, 0xbf800000, DNAN, IOC},
    {"sqrt(2)", softfp_sqrt, D, 0, 0x4000000000000000, 0x3ff6a09e667f3bcd, IXC},
    {"sqrt of the smallest denormal", softfp_sqrt, D, 0, 1, 0x1e60000000000000, 0},
    {"FRECPE(1)", softfp_recip_estimate, S, 0, ONE, 0x3f7f8000, 0},
    {"FRECPE(2) double", softfp_recip_estimate, D, 0, 0x4000000000000000, 0x3fdff00000000000, 0},
    {"FRECPE(0)", softfp_recip_estimate, S, 0, 0x80000000, NINF, DZC},
    {"FRECPE(inf)", softfp_recip_estimate, S, 0, NINF, 0x80000000, 0},
    {"FRECPE of a tiny number overflows", softfp_recip_estimate, S, 0, 1, INF, OFC | IXC},
    {"FRECPE of a tiny number to zero", softfp_recip_estimate, S, RZ, 1, 0x7f7fffff, OFC | IXC},
    {"FRECPE of the largest number is denormal", softfp_recip_estimate, S, 0, 0x7f7fffff,
     0x00200000, 0},
    {"FRECPE flushes that", softfp_recip_estimate, S, FZ, 0x7f7fffff, 0, UFC},
    {"FRSQRTE(1)", softfp_rsqrt_estimate, S, 0, ONE, 0x3f7f8000, 0},
    {"FRSQRTE(4)", softfp_rsqrt_estimate, H, 0, 0x4400, 0x37fc, 0},
    {"FRSQRTE(-0)", softfp_rsqrt_estimate, S, 0, 0x80000000, NINF, DZC},
    {"FRSQRTE(-1)", softfp_rsqrt_estimate, S, 0, 0xbf800000, DNAN, IOC},
    {"FRECPX inverts the exponent", softfp_recpx, S, 0, 0x3fc00000, 0x40000000, 0},
    {"FRECPX(0)", softfp_recpx, S, 0, 0, 0x7f000000, 0},
};

static void unary_operations_in_special_cases(void **state)
{
    for (size_t i = 0; i < sizeof(unary) / sizeof(unary[0]); i++) {
        struct softfp c = softfp_from_fpcr(unary[i].fpcr);
        uint64_t got = unary[i].fn(&c, (enum softfp_format)unary[i].format, unary[i].a);
        if (got != unary[i].result || c.flags != unary[i].flags)
            fail_msg("%s: got %#llx, flags %#x", unary[i].what, (unsigned long long)got, c.flags);
    }
}

static const struct {
    const char *what;
    uint64_t a, b, addend, result;
    unsigned flags;
} fused[] = {
    {"the addend's quiet NaN goes first", ONE, 0x7fc00009, QNAN, QNAN, 0},
    {"a factor's signalling NaN goes before it", ONE, SNAN, QNAN, 0x7fc00002, IOC},
    {"0 * inf with a quiet NaN is the default NaN", 0, INF, 0xffc00001, DNAN, IOC},
    {"0 * inf with a signalling NaN is that", 0, INF, 0xff800001, 0xffc00001, IOC},
    {"inf * 1 - inf", INF, ONE, NINF, DNAN, IOC},
    {"a product is not rounded", 0x3f800001, 0x3f800001, 0xbf800002, 0x28800000, 0},
    {"exact cancellation is +0", ONE, ONE, 0xbf800000, 0, 0},
    {"-0 + 0 * -1", 0, 0xbf800000, 0x80000000, 0x80000000, 0},
};

static void fused_operations_in_special_cases(void **state)
{
    for (size_t i = 0; i < sizeof(fused) / sizeof(fused[0]); i++) {
        struct softfp c = softfp_from_fpcr(0);
        uint64_t got = softfp_fma(&c, SOFTFP_SINGLE, fused[i].a, fused[i].b, fused[i].addend);
        if (got != fused[i].result || c.flags != fused[i].flags)
            fail_msg("%s: got %#llx, flags %#x", fused[i].what, (unsigned long long)got, c.flags);
    }
}

static const struct {
    const char *what;
    int from, to;
    uint32_t fpcr;
    enum softfp_round round;
    uint64_t a, result;
    unsigned flags;
} conversions[] = {
    {"single to half rounds", S, H, 0, SOFTFP_FROM_FPCR, 0x3f801000, 0x3c00, IXC},
    {"half denormal to single", H, S, 0, SOFTFP_FROM_FPCR, 1, 0x33800000, 0},
    {"conversions ignore FZ16", H, S, FZ16, SOFTFP_FROM_FPCR, 1, 0x33800000, 0},
    {"a NaN keeps its top bits and becomes quiet", S, D, 0, SOFTFP_FROM_FPCR, 0xff800001,
     0xfff8000020000000, IOC},
    {"infinity to the alternative format", S, H, AHP, SOFTFP_FROM_FPCR, NINF, 0xffff, IOC},
    {"a NaN to the alternative format", S, H, AHP, SOFTFP_FROM_FPCR, 0xffc00000, 0x8000, IOC},
    {"too large for the alternative format", S, H, AHP, SOFTFP_FROM_FPCR, 0x48000000, 0x7fff, IOC},
    {"65536 in the alternative format", S, H, AHP, SOFTFP_FROM_FPCR, 0x47800000, 0x7c00, 0},
    {"and back", H, S, AHP, SOFTFP_FROM_FPCR, 0x7c00, 0x47800000, 0},
    {"single to BFloat16 ties to even", S, B, 0, SOFTFP_FROM_FPCR, 0x3f808000, 0x3f80, IXC},
    {"BFloat16 up", S, B, 1u << 22, SOFTFP_FROM_FPCR, 0x3f800001, 0x3f81, IXC},
    {"the largest single overflows in BFloat16", S, B, 0, SOFTFP_FROM_FPCR, 0x7f7fffff, 0x7f80,
     OFC | IXC},
    {"a denormal BFloat16 underflows", S, B, 0, SOFTFP_FROM_FPCR, 0x00018000, 0x0002, UFC | IXC},
    {"FZ flushes what becomes BFloat16", S, B, FZ, SOFTFP_FROM_FPCR, 0x80018000, 0x8000, IDC},
    {"a NaN keeps its top bits in BFloat16", S, B, 0, SOFTFP_FROM_FPCR, 0xffaa0001, 0xffea, IOC},
    {"FCVTXN makes the last bit odd", D, S, 0, SOFTFP_ODD, 0x3ff0000000000001, 0x3f800001, IXC},
    {"FCVTXN overflows to the largest number", D, S, 0, SOFTFP_ODD, 0x7fefffffffffffff, 0x7f7fffff,
     OFC | IXC},
};

static void conversions_in_special_cases(void **state)
{
    for (size_t i = 0; i < sizeof(conversions) / sizeof(conversions[0]); i++) {
        struct softfp c = softfp_from_fpcr(conversions[i].fpcr);
        uint64_t got = softfp_convert(&c, (enum softfp_format)conversions[i].from,
                                      (enum softfp_format)conversions[i].to, conversions[i].a,
                                      conversions[i].round);
        if (got != conversions[i].result || c.flags != conversions[i].flags)
            fail_msg("%s: got %#llx, flags %#x", conversions[i].what, (unsigned long long)got,
                     c.flags);
    }
}

static const struct {
    const char *what;
    uint64_t a; /* single */
    unsigned width, fbits;
    bool is_unsigned;
    enum softfp_round round;
    uint64_t result;
    unsigned flags;
} to_int[] = {
    {"a NaN is 0", QNAN, 32, 0, false, SOFTFP_ZERO, 0, IOC},
    {"infinity saturates", NINF, 32, 0, false, SOFTFP_ZERO, 0x80000000, IOC},
    {"-1 as unsigned is 0", 0xbf800000, 32, 0, true, SOFTFP_ZERO, 0, IOC},
    {"-0.5 as unsigned is inexactly 0", 0xbf000000, 32, 0, true, SOFTFP_ZERO, 0, IXC},
    {"-0.5 down as unsigned is invalid", 0xbf000000, 32, 0, true, SOFTFP_NEGINF, 0, IOC},
    {"2^31 saturates", 0x4f000000, 32, 0, false, SOFTFP_ZERO, 0x7fffffff, IOC},
    {"-2^31 fits", 0xcf000000, 32, 0, false, SOFTFP_ZERO, 0x80000000, 0},
    {"2^63 as unsigned", 0x5f000000, 64, 0, true, SOFTFP_ZERO, 1ull << 63, 0},
    {"2.5 to even", 0x40200000, 64, 0, false, SOFTFP_TIEEVEN, 2, IXC},
    {"2.5 away", 0x40200000, 64, 0, false, SOFTFP_TIEAWAY, 3, IXC},
    {"-2.5 away", 0xc0200000, 32, 0, false, SOFTFP_TIEAWAY, 0xfffffffd, IXC},
    {"2.5 up", 0x40200000, 64, 0, false, SOFTFP_POSINF, 3, IXC},
    {"1.25 with two fraction bits", 0x3fa00000, 32, 2, false, SOFTFP_ZERO, 5, 0},
};

static void integers_saturate_and_round(void **state)
{
    for (size_t i = 0; i < sizeof(to_int) / sizeof(to_int[0]); i++) {
        struct softfp c = softfp_from_fpcr(0);
        uint64_t got = softfp_to_int(&c, SOFTFP_SINGLE, to_int[i].a, to_int[i].width,
                                     to_int[i].fbits, to_int[i].is_unsigned, to_int[i].round);
        if (got != to_int[i].result || c.flags != to_int[i].flags)
            fail_msg("%s: got %#llx, flags %#x", to_int[i].what, (unsigned long long)got, c.flags);
    }
}

static const struct {
    const char *what;
    uint64_t a; /* double */
    uint32_t fpcr, result;
    bool exact;
    unsigned flags;
} javascript[] = {
    {"-1 is -1", 0xbff0000000000000, 0, 0xffffffff, true, 0},
    {"+0 is 0", 0, 0, 0, true, 0},
    {"-0 is not 0", 1ull << 63, 0, 0, false, 0},
    {"a flushed denormal is not 0", 1, FZ, 0, false, IDC},
    {"a denormal is not 0", 1, 0, 0, false, IXC},
    {"1.5 is cut off", 0x3ff8000000000000, 0, 1, false, IXC},
    {"-2^31 fits", 0xc1e0000000000000, 0, 0x80000000, true, 0},
    {"-2^31 - 0.5 does so inexactly", 0xc1e0000000100000, 0, 0x80000000, false, IXC},
    {"2^31 does not", 0x41e0000000000000, 0, 0x80000000, false, IOC},
    {"2^32 + 5.5 is 5, modulo 2^32", 0x41f0000000580000, 0, 5, false, IOC},
    {"-(2^64 + 2^12) is modulo 2^32", 0xc3f0000000000001, 0, 0xfffff000, false, IOC},
    {"2^84 has no low bits", 0x4530000000000001, 0, 0, false, IOC},
    {"2^83 + 2^31 has one", 0x4520000000000001, 0, 0x80000000, false, IOC},
    {"infinity is 0", 0x7ff0000000000000, 0, 0, false, IOC},
    {"a NaN is 0", 0x7ff8000000000000, 0, 0, false, IOC},
};

static void javascript_integers_are_modulo_2_to_the_32(void **state)
{
    for (size_t i = 0; i < sizeof(javascript) / sizeof(javascript[0]); i++) {
        struct softfp c = softfp_from_fpcr(javascript[i].fpcr);
        bool exact;
        uint32_t got = softfp_to_int_js(&c, javascript[i].a, &exact);
        if (got != javascript[i].result || exact != javascript[i].exact ||
            c.flags != javascript[i].flags)
            fail_msg("%s: got %#x, exact %d, flags %#x", javascript[i].what, got, exact, c.flags);
    }
}

static const struct {
    const char *what;
    uint64_t a; /* single */
    unsigned width;
    uint64_t result;
    unsigned flags;
} bounded[] = {
    {"-0 stays", 0x80000000, 32, 0x80000000, 0},
    {"-0.5 is inexactly -0", 0xbf000000, 32, 0x80000000, IXC},
    {"2.5 to even", 0x40200000, 32, 0x40000000, IXC},
    {"-2^31 fits", 0xcf000000, 32, 0xcf000000, 0},
    {"2^31 does not", 0x4f000000, 32, 0xcf000000, IOC},
    {"2^31 fits 64 bits", 0x4f000000, 64, 0x4f000000, 0},
    {"2^63 does not", 0x5f000000, 64, 0xdf000000, IOC},
    {"nor does 2^100", 0x71800000, 64, 0xdf000000, IOC},
    {"nor infinity", INF, 64, 0xdf000000, IOC},
    {"nor a NaN", QNAN, 32, 0xcf000000, IOC},
};

static void integral_values_out_of_bounds_are_the_least(void **state)
{
    for (size_t i = 0; i < sizeof(bounded) / sizeof(bounded[0]); i++) {
        struct softfp c = softfp_from_fpcr(0);
        uint64_t got =
            softfp_round_int_n(&c, SOFTFP_SINGLE, bounded[i].a, SOFTFP_FROM_FPCR, bounded[i].width);
        if (got != bounded[i].result || c.flags != bounded[i].flags)
            fail_msg("%s: got %#llx, flags %#x", bounded[i].what, (unsigned long long)got, c.flags);
    }
}

static void a_long_fused_product_of_halves_is_rounded_once(void **state)
{
    struct softfp c = softfp_from_fpcr(0);
    /* (1 + 2^-10)^2 + 2^-24 is a tie of singles: 1 + 2^-9 + 2^-20 + 2^-24 */
    assert_int_equal(softfp_fma_long(&c, 0x3c01, 0x3c01, 0x33800000), 0x3f804008);
    assert_int_equal(c.flags, IXC);
    c = softfp_from_fpcr(FZ16); /* the denormal half counts as 0, without IDC */
    assert_int_equal(softfp_fma_long(&c, 1, 0x3c00, ONE), ONE);
    assert_int_equal(c.flags, 0);
    c = softfp_from_fpcr(0); /* a signalling NaN keeps its bits */
    assert_int_equal(softfp_fma_long(&c, 0xfc01, 0x3c00, ONE), 0xffc02000);
    assert_int_equal(c.flags, IOC);
}

static const struct {
    const char *what;
    uint32_t addend, a, b, result;
} bfdots[] = {
    {"1 * 2 + 3 * 4 + 5", 0x40a00000, 0x40403f80, 0x40804000, 0x41980000},
    {"denormal BFloat16 is 0", 0, 0x0000007f, 0x00007f00, 0},
    {"a denormal addend is 0", 0x007fffff, 0, 0, 0},
    {"a denormal result is 0", 0, 0x00001f80, 0x0000a000, 0},
    {"what is lost makes the last bit odd", 0x4b800000, 0x00003f80, 0x00003f80, 0x4b800000 | 1},
    {"infinity by 0 is the default NaN", 0, 0x00007f80, 0x00000000, 0x7fc00000},
    {"a NaN is the default NaN", 0xffc12345, 0, 0, 0x7fc00000},
    {"infinities of unlike sign", 0xff800000, 0x00007f80, 0x00003f80, 0x7fc00000},
    {"too large is infinity", 0, 0x00007f7f, 0x0000ff7f, 0xff800000},
    {"exact cancellation is +0", 0xbf800000, 0x00003f80, 0x00003f80, 0},
};

static void bfloat_dot_products_in_special_cases(void **state)
{
    for (size_t i = 0; i < sizeof(bfdots) / sizeof(bfdots[0]); i++) {
        uint32_t got = softfp_bfdot(bfdots[i].addend, bfdots[i].a, bfdots[i].b);
        if (got != bfdots[i].result)
            fail_msg("%s: got %#x", bfdots[i].what, got);
    }
}

static void comparisons_give_nzcv(void **state)
{
    struct softfp c = softfp_from_fpcr(0);
    assert_int_equal(softfp_compare(&c, SOFTFP_SINGLE, 0, 0x80000000, true), 6);
    assert_int_equal(softfp_compare(&c, SOFTFP_SINGLE, NINF, INF, true), 8);
    assert_int_equal(softfp_compare(&c, SOFTFP_SINGLE, 1, 0x80000001, true), 2);
    assert_int_equal(softfp_compare(&c, SOFTFP_SINGLE, QNAN, ONE, false), 3);
    assert_int_equal(c.flags, 0);
    assert_int_equal(softfp_compare(&c, SOFTFP_SINGLE, QNAN, ONE, true), 3);
    assert_int_equal(c.flags, IOC);
    c.flags = 0;
    assert_false(softfp_eq(&c, SOFTFP_SINGLE, QNAN, QNAN));
    assert_int_equal(c.flags, 0);
    assert_false(softfp_ge(&c, SOFTFP_SINGLE, QNAN, QNAN));
    assert_int_equal(c.flags, IOC);
}

static void rounding_to_integral_keeps_the_sign_of_zero(void **state)
{
    struct softfp c = softfp_from_fpcr(0);
    assert_int_equal(softfp_round_int(&c, SOFTFP_SINGLE, 0xbe800000, SOFTFP_TIEEVEN, false),
                     0x80000000);
    assert_int_equal(c.flags, 0);
    assert_int_equal(softfp_round_int(&c, SOFTFP_SINGLE, 0xbe800000, SOFTFP_NEGINF, true),
                     0xbf800000);
    assert_int_equal(c.flags, IXC);
}

static void unsigned_estimates_follow_the_tables(void **state)
{
    assert_int_equal(softfp_unsigned_recip_estimate(0x7fffffff), 0xffffffff);
    assert_int_equal(softfp_unsigned_recip_estimate(0x80000000), 0xff800000);
    assert_int_equal(softfp_unsigned_recip_estimate(0xffffffff), 0x80000000);
    assert_int_equal(softfp_unsigned_rsqrt_estimate(0x3fffffff), 0xffffffff);
    assert_int_equal(softfp_unsigned_rsqrt_estimate(0x40000000), 0xff800000);
    assert_int_equal(softfp_unsigned_rsqrt_estimate(0xffffffff), 0x80000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_operations_in_special_cases),
        cmocka_unit_test(unary_operations_in_special_cases),
        cmocka_unit_test(fused_operations_in_special_cases),
        cmocka_unit_test(conversions_in_special_cases),
        cmocka_unit_test(integers_saturate_and_round),
        cmocka_unit_test(javascript_integers_are_modulo_2_to_the_32),
        cmocka_unit_test(integral_values_out_of_bounds_are_the_least),
        cmocka_unit_test(a_long_fused_product_of_halves_is_rounded_once),
        cmocka_unit_test(bfloat_dot_products_in_special_cases),
        cmocka_unit_test(comparisons_give_nzcv),
        cmocka_unit_test(rounding_to_integral_keeps_the_sign_of_zero),
        cmocka_unit_test(unsigned_estimates_follow_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
