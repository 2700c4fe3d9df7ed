/* SPDX-License-Identifier: Apache-2.0 */
/* Meanings of cryptographic, polynomial and integer estimate operations: calc knows how. */
#include "engine/calc/crypto.h"
#include "engine/calc/softfp.h"
#include "eval_simd.h"

uint64_t ir_seal_hash(uint64_t a, uint64_t b, union v128 key)
{
    return crypto_pointer_hash(a, b, key);
}

EVAL(aese)
{
    v[0].v = crypto_aese(v[1].v, v[2].v);
}

EVAL(aesd)
{
    v[0].v = crypto_aesd(v[1].v, v[2].v);
}

EVAL(aesmc)
{
    v[0].v = crypto_aesmc(v[1].v);
}

EVAL(aesimc)
{
    v[0].v = crypto_aesimc(v[1].v);
}

EVAL(sha1c)
{
    v[0].v = crypto_sha1c(v[1].v, v[2].v.s[0], v[3].v);
}

EVAL(sha1p)
{
    v[0].v = crypto_sha1p(v[1].v, v[2].v.s[0], v[3].v);
}

EVAL(sha1m)
{
    v[0].v = crypto_sha1m(v[1].v, v[2].v.s[0], v[3].v);
}

EVAL(sha1h)
{
    v[0].v = (union v128){.s = {crypto_sha1h(v[1].v.s[0])}};
}

EVAL(sha1su0)
{
    v[0].v = crypto_sha1su0(v[1].v, v[2].v, v[3].v);
}

EVAL(sha1su1)
{
    v[0].v = crypto_sha1su1(v[1].v, v[2].v);
}

EVAL(sha256h)
{
    v[0].v = crypto_sha256h(v[1].v, v[2].v, v[3].v);
}

EVAL(sha256h2)
{
    v[0].v = crypto_sha256h2(v[1].v, v[2].v, v[3].v);
}

EVAL(sha256su0)
{
    v[0].v = crypto_sha256su0(v[1].v, v[2].v);
}

EVAL(sha256su1)
{
    v[0].v = crypto_sha256su1(v[1].v, v[2].v, v[3].v);
}

EVAL(sha512h)
{
    v[0].v = crypto_sha512h(v[1].v, v[2].v, v[3].v);
}

EVAL(sha512h2)
{
    v[0].v = crypto_sha512h2(v[1].v, v[2].v, v[3].v);
}

EVAL(sha512su0)
{
    v[0].v = crypto_sha512su0(v[1].v, v[2].v);
}

EVAL(sha512su1)
{
    v[0].v = crypto_sha512su1(v[1].v, v[2].v, v[3].v);
}

EVAL(sm3partw1)
{
    v[0].v = crypto_sm3partw1(v[1].v, v[2].v, v[3].v);
}

EVAL(sm3partw2)
{
    v[0].v = crypto_sm3partw2(v[1].v, v[2].v, v[3].v);
}

EVAL(sm3ss1)
{
    v[0].v = crypto_sm3ss1(v[1].v, v[2].v, v[3].v);
}

EVAL(sm3tt1a)
{
    v[0].v = crypto_sm3tt1a(v[1].v, v[2].v, v[3].v.s[imm & 3]);
}

EVAL(sm3tt1b)
{
    v[0].v = crypto_sm3tt1b(v[1].v, v[2].v, v[3].v.s[imm & 3]);
}

EVAL(sm3tt2a)
{
    v[0].v = crypto_sm3tt2a(v[1].v, v[2].v, v[3].v.s[imm & 3]);
}

EVAL(sm3tt2b)
{
    v[0].v = crypto_sm3tt2b(v[1].v, v[2].v, v[3].v.s[imm & 3]);
}

EVAL(sm4e)
{
    v[0].v = crypto_sm4e(v[1].v, v[2].v);
}

EVAL(sm4ekey)
{
    v[0].v = crypto_sm4ekey(v[1].v, v[2].v);
}

EVAL(vpmul)
{
    for (unsigned i = 0; i < 16; i++)
        v[0].v.b[i] = (uint8_t)crypto_pmul8(v[1].v.b[i], v[2].v.b[i]);
}

EVAL(vpmull)
{
    if (IR_VFORM_ESZ(attr >> 8) == 3) {
        v[0].v = crypto_pmul64(v[1].v.d[imm != 0], v[2].v.d[imm != 0]);
        return;
    }
    const unsigned from = imm ? 8 : 0;
    for (unsigned i = 0; i < 8; i++)
        v[0].v.h[i] = crypto_pmul8(v[1].v.b[from + i], v[2].v.b[from + i]);
}

EVAL(vurecpe)
{
    for (unsigned i = 0; i < 4; i++)
        v[0].v.s[i] = softfp_unsigned_recip_estimate(v[1].v.s[i]);
}

EVAL(vursqrte)
{
    for (unsigned i = 0; i < 4; i++)
        v[0].v.s[i] = softfp_unsigned_rsqrt_estimate(v[1].v.s[i]);
}
