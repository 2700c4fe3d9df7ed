/* SPDX-License-Identifier: Apache-2.0 */
/* softfp against the host's floating point: default mode and the four rounding modes, results and
 * the exceptions the host also has. NaN results are only required to be NaNs here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <fenv.h>
#include <math.h>
#include <cmocka.h>

#include "engine/calc/softfp.h"

enum op { ADD, SUB, MUL, DIV, SQRT, FMA, NARROW, ROUND, OPS };

static uint64_t next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Bits of a number near the interesting places of its format. */
static uint64_t any_number(uint64_t *random, unsigned width, unsigned frac_bits)
{
    uint64_t r = next(random), frac = next(random) & ((1ull << frac_bits) - 1);
    uint64_t max = (1ull << (width - 1 - frac_bits)) - 1, exp = r >> 8 & max;
    switch (r & 7) {
    case 0:
        exp = 0;
        break;
    case 1:
        exp = max - 1 - (exp & 1);
        break;
    case 2:
        exp = max / 2 + exp % 64 - 32;
        break;
    case 3:
        exp = 1 + exp % 60;
        break;
    case 4:
        exp = r >> 32 & 7 ? exp : max;
        frac = exp == max ? 0 : frac;
        break;
    }
    if (exp == max)
        frac = 0;
    if (r >> 40 & 1)
        frac &= ~0ull << (frac_bits / 2);
    return r >> 63 << (width - 1) | exp << frac_bits | frac;
}

static double as_double(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static uint64_t double_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static float as_single(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float x;
    memcpy(&x, &low, sizeof(x));
    return x;
}

static uint64_t single_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* volatile keeps the compiler from folding or moving across the mode change. */
static uint64_t host_double(enum op op, const uint64_t v[3])
{
    volatile double a = as_double(v[0]), b = as_double(v[1]), c = as_double(v[2]), r = 0;
    volatile float narrow;
    switch (op) {
    case ADD:
        r = a + b;
        break;
    case SUB:
        r = a - b;
        break;
    case MUL:
        r = a * b;
        break;
    case DIV:
        r = a / b;
        break;
    case SQRT:
        r = sqrt(a);
        break;
    case FMA:
        r = fma(a, b, c);
        break;
    case NARROW:
        narrow = (float)a;
        return single_bits(narrow);
    default:
        r = rint(a);
        break;
    }
    return double_bits(r);
}

static uint64_t host_single(enum op op, const uint64_t v[3])
{
    volatile float a = as_single(v[0]), b = as_single(v[1]), c = as_single(v[2]), r = 0;
    volatile double wide;
    switch (op) {
    case ADD:
        r = a + b;
        break;
    case SUB:
        r = a - b;
        break;
    case MUL:
        r = a * b;
        break;
    case DIV:
        r = a / b;
        break;
    case SQRT:
        r = sqrtf(a);
        break;
    case FMA:
        r = fmaf(a, b, c);
        break;
    case NARROW: /* the other way for this format */
        wide = a;
        return double_bits(wide);
    default:
        r = rintf(a);
        break;
    }
    return single_bits(r);
}

static uint64_t soft(struct softfp *c, enum softfp_format f, enum op op, const uint64_t v[3])
{
    switch (op) {
    case ADD:
        return softfp_add(c, f, v[0], v[1]);
    case SUB:
        return softfp_sub(c, f, v[0], v[1]);
    case MUL:
        return softfp_mul(c, f, v[0], v[1]);
    case DIV:
        return softfp_div(c, f, v[0], v[1]);
    case SQRT:
        return softfp_sqrt(c, f, v[0]);
    case FMA:
        return softfp_fma(c, f, v[0], v[1], v[2]);
    case NARROW:
        return softfp_convert(c, f, f == SOFTFP_DOUBLE ? SOFTFP_SINGLE : SOFTFP_DOUBLE, v[0],
                              SOFTFP_FROM_FPCR);
    default:
        return softfp_round_int(c, f, v[0], SOFTFP_FROM_FPCR, true);
    }
}

static unsigned host_flags(void)
{
    unsigned raised = (unsigned)fetestexcept(FE_ALL_EXCEPT);
    return (raised & FE_INVALID ? SOFTFP_IOC : 0u) | (raised & FE_DIVBYZERO ? SOFTFP_DZC : 0u) |
           (raised & FE_OVERFLOW ? SOFTFP_OFC : 0u) | (raised & FE_INEXACT ? SOFTFP_IXC : 0u);
}

static void check(enum softfp_format f, uint64_t (*host)(enum op, const uint64_t[3]))
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    unsigned width = f == SOFTFP_DOUBLE ? 64 : 32, frac = f == SOFTFP_DOUBLE ? 52 : 23;
    uint64_t random = 0x2545f4914f6cdd1d;
    for (unsigned i = 0; i < 400000; i++) {
        enum op op = (enum op)(i % OPS);
        unsigned mode = i / OPS % 4;
        uint64_t v[3];
        for (unsigned k = 0; k < 3; k++)
            v[k] = any_number(&random, width, frac);
        if (op == FMA && i & 64) /* cancellation */
            v[2] = soft(&(struct softfp){0}, f, MUL, v) ^ 1ull << (width - 1);
        struct softfp c = {.round = (enum softfp_round)mode};
        fesetround(modes[mode]);
        feclearexcept(FE_ALL_EXCEPT);
        uint64_t want = host(op, v);
        unsigned flags = host_flags();
        fesetround(FE_TONEAREST);
        uint64_t got = soft(&c, f, op, v);
        bool nan =
            op == NARROW || f == SOFTFP_DOUBLE ? isnan(as_double(want)) : isnan(as_single(want));
        bool nan_too = flags & SOFTFP_IOC; /* no NaN goes in */
        if (nan && nan_too ? !(c.flags & SOFTFP_IOC)
                           : got != want || (c.flags & ~(unsigned)SOFTFP_UFC) != flags)
            fail_msg("format %d op %d mode %u of %#llx %#llx %#llx: %#llx/%#x, not %#llx/%#x", f,
                     op, mode, (unsigned long long)v[0], (unsigned long long)v[1],
                     (unsigned long long)v[2], (unsigned long long)got, c.flags,
                     (unsigned long long)want, flags);
    }
}

static void double_agrees_with_the_host(void **state)
{
    check(SOFTFP_DOUBLE, host_double);
}

static void single_agrees_with_the_host(void **state)
{
    check(SOFTFP_SINGLE, host_single);
}

static void integers_agree_with_the_host(void **state)
{
    uint64_t random = 0x123456789abcdef;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t x = next(&random) >> (i & 63);
        struct softfp c = {0};
        double s = (double)(int64_t)x, u = (double)x;
        float narrow = (float)(int64_t)x;
        assert_true(softfp_from_int(&c, SOFTFP_DOUBLE, x, 64, 0, false, 0) == double_bits(s));
        assert_true(softfp_from_int(&c, SOFTFP_DOUBLE, x, 64, 0, true, 0) == double_bits(u));
        assert_true(softfp_from_int(&c, SOFTFP_SINGLE, x, 64, 0, false, 0) == single_bits(narrow));
        if (fabs(s) < 0x1p62) {
            double part = s / 1024;
            assert_true(softfp_to_int(&c, SOFTFP_DOUBLE, double_bits(part), 64, 0, false,
                                      SOFTFP_ZERO) == (uint64_t)(int64_t)part);
            assert_true(softfp_to_int(&c, SOFTFP_DOUBLE, double_bits(part), 64, 10, false,
                                      SOFTFP_ZERO) == (uint64_t)(int64_t)s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(double_agrees_with_the_host),
        cmocka_unit_test(single_agrees_with_the_host),
        cmocka_unit_test(integers_agree_with_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
