/* SPDX-License-Identifier: Apache-2.0 */
/* Meaning of the basic vector operations: moves, bit-wise and lane-wise integer arithmetic,
 * comparisons, shifts by constants, permutations. All lanes are computed. */
#include "eval.h"

static inline unsigned lanes(unsigned esz)
{
    return 16u >> esz;
}

static inline unsigned esz_of(uint32_t attr)
{
    return eval_aux(attr) & 3;
}

/* --- moves -------------------------------------------------------------------------------------*/

EVAL(vconst)
{
    v[0].v.d[0] = v[0].v.d[1] = (uint64_t)imm;
}

EVAL(vzero64)
{
    v[0].v = (union v128){.d = {v[1].v.d[0], 0}};
}

EVAL(vzero32)
{
    v[0].v = (union v128){.d = {v[1].v.s[0], 0}};
}

EVAL(vdup)
{
    for (unsigned i = 0; i < lanes(esz_of(attr)); i++)
        eval_set_lane(&v[0].v, esz_of(attr), i, v[1].x);
}

EVAL(vduplane)
{
    uint64_t x = eval_lane(&v[1].v, esz_of(attr), (unsigned)imm);
    for (unsigned i = 0; i < lanes(esz_of(attr)); i++)
        eval_set_lane(&v[0].v, esz_of(attr), i, x);
}

EVAL(vfromx)
{
    v[0].v = (union v128){.d = {v[1].x, v[2].x}};
}

EVAL(vlaneu)
{
    v[0].x = eval_lane(&v[1].v, esz_of(attr), (unsigned)imm);
}

EVAL(vlanes)
{
    v[0].x = (uint64_t)eval_lane_s(&v[1].v, esz_of(attr), (unsigned)imm);
}

EVAL(vsetlane)
{
    v[0].v = v[1].v;
    eval_set_lane(&v[0].v, esz_of(attr), (unsigned)imm, v[2].x);
}

EVAL(vcopylane)
{
    uint64_t x = eval_lane(&v[2].v, esz_of(attr), (unsigned)imm >> 8 & 15);
    v[0].v = v[1].v;
    eval_set_lane(&v[0].v, esz_of(attr), (unsigned)imm & 15, x);
}

/* --- bit-wise ----------------------------------------------------------------------------------*/

EVAL(vand)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = v[1].v.d[i] & v[2].v.d[i];
}

EVAL(vor)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = v[1].v.d[i] | v[2].v.d[i];
}

EVAL(vxor)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = v[1].v.d[i] ^ v[2].v.d[i];
}

EVAL(vxor3)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = v[1].v.d[i] ^ v[2].v.d[i] ^ v[3].v.d[i];
}

EVAL(vbcax)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = v[1].v.d[i] ^ (v[2].v.d[i] & ~v[3].v.d[i]);
}

EVAL(vandn)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = v[1].v.d[i] & ~v[2].v.d[i];
}

EVAL(vorn)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = v[1].v.d[i] | ~v[2].v.d[i];
}

EVAL(vnot)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = ~v[1].v.d[i];
}

EVAL(vbsl)
{
    for (unsigned i = 0; i < 2; i++)
        v[0].v.d[i] = (v[2].v.d[i] & v[1].v.d[i]) | (v[3].v.d[i] & ~v[1].v.d[i]);
}

/* --- lane by lane ------------------------------------------------------------------------------*/

typedef uint64_t lane_fn(uint64_t a, uint64_t b);

static inline __attribute__((always_inline)) void each_u(union ir_value v[4], uint32_t attr,
                                                         lane_fn *fn)
{
    unsigned esz = esz_of(attr);
    for (unsigned i = 0; i < lanes(esz); i++)
        eval_set_lane(&v[0].v, esz, i, fn(eval_lane(&v[1].v, esz, i), eval_lane(&v[2].v, esz, i)));
}

/* The same with sign-extended lanes. */
static inline __attribute__((always_inline)) void each_s(union ir_value v[4], uint32_t attr,
                                                         lane_fn *fn)
{
    unsigned esz = esz_of(attr);
    for (unsigned i = 0; i < lanes(esz); i++)
        eval_set_lane(
            &v[0].v, esz, i,
            fn((uint64_t)eval_lane_s(&v[1].v, esz, i), (uint64_t)eval_lane_s(&v[2].v, esz, i)));
}

static inline uint64_t lane_add(uint64_t a, uint64_t b)
{
    return a + b;
}

static inline uint64_t lane_sub(uint64_t a, uint64_t b)
{
    return a - b;
}

static inline uint64_t lane_mul(uint64_t a, uint64_t b)
{
    return a * b;
}

static inline uint64_t lane_eq(uint64_t a, uint64_t b)
{
    return a == b ? ~0ull : 0;
}

static inline uint64_t lane_gt(uint64_t a, uint64_t b)
{
    return (int64_t)a > (int64_t)b ? ~0ull : 0;
}

static inline uint64_t lane_ge(uint64_t a, uint64_t b)
{
    return (int64_t)a >= (int64_t)b ? ~0ull : 0;
}

static inline uint64_t lane_hi(uint64_t a, uint64_t b)
{
    return a > b ? ~0ull : 0;
}

static inline uint64_t lane_hs(uint64_t a, uint64_t b)
{
    return a >= b ? ~0ull : 0;
}

static inline uint64_t lane_tst(uint64_t a, uint64_t b)
{
    return a & b ? ~0ull : 0;
}

static inline uint64_t lane_smax(uint64_t a, uint64_t b)
{
    return (int64_t)a > (int64_t)b ? a : b;
}

static inline uint64_t lane_smin(uint64_t a, uint64_t b)
{
    return (int64_t)a < (int64_t)b ? a : b;
}

static inline uint64_t lane_umax(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t lane_umin(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t lane_neg(uint64_t a, uint64_t b)
{
    (void)b;
    return 0 - a;
}

static inline uint64_t lane_abs(uint64_t a, uint64_t b)
{
    (void)b;
    return (int64_t)a < 0 ? 0 - a : a;
}

EVAL(vadd)
{
    each_u(v, attr, lane_add);
}

EVAL(vsub)
{
    each_u(v, attr, lane_sub);
}

EVAL(vmul)
{
    each_u(v, attr, lane_mul);
}

EVAL(vneg)
{
    each_u(v, attr, lane_neg);
}

EVAL(vabs)
{
    each_s(v, attr, lane_abs);
}

EVAL(vceq)
{
    each_u(v, attr, lane_eq);
}

EVAL(vcgt)
{
    each_s(v, attr, lane_gt);
}

EVAL(vcge)
{
    each_s(v, attr, lane_ge);
}

EVAL(vchi)
{
    each_u(v, attr, lane_hi);
}

EVAL(vchs)
{
    each_u(v, attr, lane_hs);
}

EVAL(vctst)
{
    each_u(v, attr, lane_tst);
}

EVAL(vsmax)
{
    each_s(v, attr, lane_smax);
}

EVAL(vsmin)
{
    each_s(v, attr, lane_smin);
}

EVAL(vumax)
{
    each_u(v, attr, lane_umax);
}

EVAL(vumin)
{
    each_u(v, attr, lane_umin);
}

EVAL(vshli)
{
    unsigned esz = esz_of(attr);
    for (unsigned i = 0; i < lanes(esz); i++)
        eval_set_lane(&v[0].v, esz, i, eval_lane(&v[1].v, esz, i) << (imm & 63));
}

EVAL(vshri)
{
    unsigned esz = esz_of(attr);
    for (unsigned i = 0; i < lanes(esz); i++)
        eval_set_lane(&v[0].v, esz, i, eval_lane(&v[1].v, esz, i) >> (imm & 63));
}

EVAL(vrori)
{
    unsigned esz = esz_of(attr), n = (unsigned)imm & ((8u << esz) - 1);
    for (unsigned i = 0; i < lanes(esz); i++) {
        uint64_t x = eval_lane(&v[1].v, esz, i);
        eval_set_lane(&v[0].v, esz, i, n ? x >> n | x << ((8u << esz) - n) : x);
    }
}

EVAL(vsari)
{
    unsigned esz = esz_of(attr);
    for (unsigned i = 0; i < lanes(esz); i++)
        eval_set_lane(&v[0].v, esz, i, (uint64_t)(eval_lane_s(&v[1].v, esz, i) >> (imm & 63)));
}

/* --- permutations and widths -------------------------------------------------------------------*/

/* Interleaves a's and b's lanes from lane `from` on. */
static void zip(union ir_value v[4], unsigned esz, unsigned from)
{
    for (unsigned i = 0; i < lanes(esz) / 2; i++) {
        eval_set_lane(&v[0].v, esz, 2 * i, eval_lane(&v[1].v, esz, from + i));
        eval_set_lane(&v[0].v, esz, 2 * i + 1, eval_lane(&v[2].v, esz, from + i));
    }
}

static void unzip(union ir_value v[4], unsigned esz, unsigned odd)
{
    unsigned half = lanes(esz) / 2;
    for (unsigned i = 0; i < half; i++) {
        eval_set_lane(&v[0].v, esz, i, eval_lane(&v[1].v, esz, 2 * i + odd));
        eval_set_lane(&v[0].v, esz, half + i, eval_lane(&v[2].v, esz, 2 * i + odd));
    }
}

static void transpose(union ir_value v[4], unsigned esz, unsigned odd)
{
    for (unsigned i = 0; i < lanes(esz); i += 2) {
        eval_set_lane(&v[0].v, esz, i, eval_lane(&v[1].v, esz, i + odd));
        eval_set_lane(&v[0].v, esz, i + 1, eval_lane(&v[2].v, esz, i + odd));
    }
}

EVAL(vzip1)
{
    zip(v, esz_of(attr), 0);
}

EVAL(vzip2)
{
    zip(v, esz_of(attr), lanes(esz_of(attr)) / 2);
}

EVAL(vuzp1)
{
    unzip(v, esz_of(attr), 0);
}

EVAL(vuzp2)
{
    unzip(v, esz_of(attr), 1);
}

EVAL(vtrn1)
{
    transpose(v, esz_of(attr), 0);
}

EVAL(vtrn2)
{
    transpose(v, esz_of(attr), 1);
}

EVAL(vext)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned from = i + ((unsigned)imm & 15);
        v[0].v.b[i] = from < 16 ? v[1].v.b[from] : v[2].v.b[from - 16];
    }
}

EVAL(vrev)
{
    unsigned esz = esz_of(attr), group = (unsigned)imm & 7;
    unsigned flip = group > esz ? (1u << (group - esz)) - 1 : 0;
    for (unsigned i = 0; i < lanes(esz); i++)
        eval_set_lane(&v[0].v, esz, i, eval_lane(&v[1].v, esz, i ^ flip));
}

EVAL(vpaddl)
{
    unsigned esz = esz_of(attr), half = lanes(esz) / 2;
    for (unsigned i = 0; i < half; i++) {
        uint64_t low = eval_lane(&v[1].v, esz, 2 * i) + eval_lane(&v[1].v, esz, 2 * i + 1);
        uint64_t high = eval_lane(&v[2].v, esz, 2 * i) + eval_lane(&v[2].v, esz, 2 * i + 1);
        eval_set_lane(&v[0].v, esz, i, low);
        eval_set_lane(&v[0].v, esz, half + i, high);
    }
}

EVAL(vwidenu)
{
    unsigned esz = esz_of(attr), half = lanes(esz) / 2;
    for (unsigned i = 0; i < half; i++)
        eval_set_lane(&v[0].v, esz + 1, i, eval_lane(&v[1].v, esz, i + (imm & 1 ? half : 0)));
}

EVAL(vwidens)
{
    unsigned esz = esz_of(attr), half = lanes(esz) / 2;
    for (unsigned i = 0; i < half; i++) {
        int64_t x = eval_lane_s(&v[1].v, esz, i + (imm & 1 ? half : 0));
        eval_set_lane(&v[0].v, esz + 1, i, (uint64_t)x);
    }
}

EVAL(vnarrow)
{
    unsigned esz = esz_of(attr), half = lanes(esz) / 2;
    v[0].v = (union v128){0};
    for (unsigned i = 0; i < half; i++)
        eval_set_lane(&v[0].v, esz, i, eval_lane(&v[1].v, esz + 1, i));
}
