/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of floating-point and vector instructions share. */
#ifndef ARMVM_ENGINE_FRONT_A64_SIMD_H
#define ARMVM_ENGINE_FRONT_A64_SIMD_H

#include "engine/front/a64.h"

/* Vector operations as the IR's builders make them: aux is esz, or a vform. */
typedef ir_ref a64_build1(struct ir *ir, ir_ref a, unsigned aux);
typedef ir_ref a64_build2(struct ir *ir, ir_ref a, ir_ref b, unsigned aux);

/* Element sizes that an encoding allows. */
enum {
    SIZE_B = 1,
    SIZE_H = 2,
    SIZE_S = 4,
    SIZE_D = 8,
    SIZE_HS = SIZE_H | SIZE_S,
    SIZE_BHS = SIZE_B | SIZE_H | SIZE_S,
    SIZE_ALL = 15,
};

/*
 * The end of decoding: UNDEFINED unless the encoding is valid (which the manual decides first),
 * then the trap of FP and SIMD. False if either was emitted.
 */
static inline bool a64_simd_ok(struct a64 *c, bool valid)
{
    if (!valid) {
        a64_undefined(c);
        return false;
    }
    return a64_fp_check(c);
}

/* The lanes that Q selects, for a vform. */
static inline unsigned a64_lanes(unsigned Q)
{
    return Q ? IR_LANES_128 : IR_LANES_64;
}

/* The vform of an FP operation on lanes of esz. */
static inline unsigned a64_fp_form(const struct a64 *c, unsigned esz, unsigned lanes)
{
    return esz | lanes | (c->mode & FRONT_FPCR ? IR_FP_SLOW : 0);
}

/* Writes Vd; when Q = 0 the upper half is cleared. */
static inline void a64_set_vq(struct a64 *c, unsigned Rd, unsigned Q, ir_ref value)
{
    a64_set_v(c, Rd, Q ? value : ir_vzero64(c->ir, value));
}

/* Lane 0 of esz (1, 2 or 3), the rest cleared. */
static inline ir_ref a64_scalar(struct a64 *c, unsigned esz, ir_ref value)
{
    if (esz == 1)
        return ir_vfromx(c->ir, ir_vlaneu(c->ir, value, 1, 0), a64_k(c, 0));
    return esz == 3 ? ir_vzero64(c->ir, value) : ir_vzero32(c->ir, value);
}

static inline void a64_set_scalar(struct a64 *c, unsigned Rd, unsigned esz, ir_ref value)
{
    a64_set_v(c, Rd, a64_scalar(c, esz, value));
}

/* Writes a narrowed result, whose upper half is zero: to the low half, or (the "2" forms) to the
 * upper half of Vd, which keeps its lower one. */
static inline void a64_set_narrow(struct a64 *c, unsigned Rd, unsigned Q, ir_ref value)
{
    a64_set_v(c, Rd, Q ? ir_vzip1(c->ir, a64_v(c, Rd), value, 3) : value);
}

/* The sign bit of a lane. */
static inline uint64_t a64_sign(unsigned esz)
{
    return 1ull << ((8u << esz) - 1);
}

/* x in every lane of esz. */
static inline ir_ref a64_vsplat(struct a64 *c, unsigned esz, uint64_t x)
{
    x &= ones(8u << esz);
    for (unsigned n = 8u << esz; n < 64; n *= 2)
        x |= x << n;
    return ir_vconst(c->ir, (int64_t)x);
}

/* fn on the pairs of adjacent lanes of b:a, as the pairwise instructions do. */
ir_ref a64_pairwise(struct a64 *c, a64_build2 *fn, ir_ref a, ir_ref b, unsigned esz, unsigned Q,
                    unsigned aux);

/* VFPExpandImm() for half (esz 1), single (2) and double precision. */
uint64_t a64_expand_fp(unsigned esz, unsigned imm8);

#endif
