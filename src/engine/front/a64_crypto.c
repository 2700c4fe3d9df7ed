/* SPDX-License-Identifier: Apache-2.0 */
/* AES, SHA-1 and SHA-256 instructions (manual C4.1.68 "Cryptographic AES", "Cryptographic
 * three-register SHA", "Cryptographic two-register SHA"). */
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
