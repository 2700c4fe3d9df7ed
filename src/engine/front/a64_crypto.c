/* SPDX-License-Identifier: Apache-2.0 */
/* AES, SHA-1, SHA-2, SHA-3, SM3 and SM4 instructions (manual C4.1.68, the classes whose names begin
 * with "Cryptographic"). */
#include "engine/front/a64_simd.h"

void a64_aes_round(struct a64 *c, const struct a64_aes_round *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref state = a64_v(c, f->Rd), key = a64_v(c, f->Rn);
    a64_set_v(c, f->Rd,
              f->op == A64_AESE ? ir_aese(c->ir, state, key) : ir_aesd(c->ir, state, key));
}

void a64_aes_mix(struct a64 *c, const struct a64_aes_mix *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn);
    a64_set_v(c, f->Rd, f->op == A64_AESMC ? ir_aesmc(c->ir, n) : ir_aesimc(c->ir, n));
}

void a64_sha_3reg(struct a64 *c, const struct a64_sha_3reg *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref d = a64_v(c, f->Rd), n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r;
    switch (f->op) {
    case A64_SHA1C:
        r = ir_sha1c(ir, d, n, m);
        break;
    case A64_SHA1P:
        r = ir_sha1p(ir, d, n, m);
        break;
    case A64_SHA1M:
        r = ir_sha1m(ir, d, n, m);
        break;
    case A64_SHA1SU0:
        r = ir_sha1su0(ir, d, n, m);
        break;
    case A64_SHA256H:
        r = ir_sha256h(ir, d, n, m);
        break;
    case A64_SHA256H2:
        r = ir_sha256h2(ir, d, n, m);
        break;
    default: /* SHA256SU1 */
        r = ir_sha256su1(ir, d, n, m);
    }
    a64_set_v(c, f->Rd, r);
}

void a64_sha_2reg(struct a64 *c, const struct a64_sha_2reg *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn), r;
    if (f->op == A64_SHA1H)
        r = ir_sha1h(ir, n);
    else if (f->op == A64_SHA1SU1)
        r = ir_sha1su1(ir, a64_v(c, f->Rd), n);
    else
        r = ir_sha256su0(ir, a64_v(c, f->Rd), n);
    a64_set_v(c, f->Rd, r);
}

void a64_sha512_3reg(struct a64 *c, const struct a64_sha512_3reg *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref d = a64_v(c, f->Rd), n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r;
    if (f->op == A64_SHA512H)
        r = ir_sha512h(ir, d, n, m);
    else if (f->op == A64_SHA512H2)
        r = ir_sha512h2(ir, d, n, m);
    else
        r = ir_sha512su1(ir, d, n, m);
    a64_set_v(c, f->Rd, r);
}

void a64_sha512su0(struct a64 *c, const struct a64_sha512su0 *f)
{
    if (a64_simd_ok(c, true))
        a64_set_v(c, f->Rd, ir_sha512su0(c->ir, a64_v(c, f->Rd), a64_v(c, f->Rn)));
}

void a64_sha3(struct a64 *c, const struct a64_sha3 *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r;
    switch (f->op) {
    case A64_EOR3:
        r = ir_vxor3(ir, n, m, a64_v(c, f->Ra));
        break;
    case A64_BCAX:
        r = ir_vbcax(ir, n, m, a64_v(c, f->Ra));
        break;
    case A64_RAX1: /* rotates left by one */
        r = ir_vxor(ir, n, ir_vrori(ir, m, 3, 63));
        break;
    default: /* XAR */
        r = ir_vrori(ir, ir_vxor(ir, n, m), 3, f->imm6);
    }
    a64_set_v(c, f->Rd, r);
}

void a64_sm3_3reg(struct a64 *c, const struct a64_sm3_3reg *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref d = a64_v(c, f->Rd), n = a64_v(c, f->Rn), m = a64_v(c, f->Rm);
    a64_set_v(c, f->Rd,
              f->op == A64_SM3PARTW1 ? ir_sm3partw1(c->ir, d, n, m) : ir_sm3partw2(c->ir, d, n, m));
}

void a64_sm3ss1(struct a64 *c, const struct a64_sm3ss1 *f)
{
    if (a64_simd_ok(c, true))
        a64_set_v(c, f->Rd, ir_sm3ss1(c->ir, a64_v(c, f->Rn), a64_v(c, f->Rm), a64_v(c, f->Ra)));
}

void a64_sm3tt(struct a64 *c, const struct a64_sm3tt *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref d = a64_v(c, f->Rd), n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r;
    switch (f->op) {
    case A64_SM3TT1A:
        r = ir_sm3tt1a(ir, d, n, m, f->imm2);
        break;
    case A64_SM3TT1B:
        r = ir_sm3tt1b(ir, d, n, m, f->imm2);
        break;
    case A64_SM3TT2A:
        r = ir_sm3tt2a(ir, d, n, m, f->imm2);
        break;
    default: /* SM3TT2B */
        r = ir_sm3tt2b(ir, d, n, m, f->imm2);
    }
    a64_set_v(c, f->Rd, r);
}

void a64_sm4(struct a64 *c, const struct a64_sm4 *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn);
    a64_set_v(c, f->Rd,
              f->op == A64_SM4E ? ir_sm4e(c->ir, a64_v(c, f->Rd), n)
                                : ir_sm4ekey(c->ir, n, a64_v(c, f->Rm)));
}
