/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of Arm's cryptographic, polynomial and CRC instructions, as pure functions with
 * the instructions' operand order (manual C6.2, C7.2). */
#ifndef ARMVM_ENGINE_CALC_CRYPTO_H
#define ARMVM_ENGINE_CALC_CRYPTO_H

#include <stdint.h>

#include "base/v128.h"

union v128 crypto_aese(union v128 state, union v128 key);
union v128 crypto_aesd(union v128 state, union v128 key);
union v128 crypto_aesmc(union v128 state);
union v128 crypto_aesimc(union v128 state);

/* The code of pointer authentication: with s = (modifier:pointer) xor key, the low half of
 * AESENC(AESENC(s, key), key). */
uint64_t crypto_pointer_hash(uint64_t pointer, uint64_t modifier, union v128 key);

/* Four rounds; d = Qd (a b c d of the hash), n = Sn (e), m = Vm (schedule + constants). */
union v128 crypto_sha1c(union v128 d, uint32_t n, union v128 m);
union v128 crypto_sha1p(union v128 d, uint32_t n, union v128 m);
union v128 crypto_sha1m(union v128 d, uint32_t n, union v128 m);
uint32_t crypto_sha1h(uint32_t n);
union v128 crypto_sha1su0(union v128 d, union v128 n, union v128 m);
union v128 crypto_sha1su1(union v128 d, union v128 n);

union v128 crypto_sha256h(union v128 d, union v128 n, union v128 m);
union v128 crypto_sha256h2(union v128 d, union v128 n, union v128 m);
union v128 crypto_sha256su0(union v128 d, union v128 n);
union v128 crypto_sha256su1(union v128 d, union v128 n, union v128 m);

union v128 crypto_sha512h(union v128 d, union v128 n, union v128 m);
union v128 crypto_sha512h2(union v128 d, union v128 n, union v128 m);
union v128 crypto_sha512su0(union v128 d, union v128 n);
union v128 crypto_sha512su1(union v128 d, union v128 n, union v128 m);

union v128 crypto_sm3partw1(union v128 d, union v128 n, union v128 m);
union v128 crypto_sm3partw2(union v128 d, union v128 n, union v128 m);
union v128 crypto_sm3ss1(union v128 n, union v128 m, union v128 a);
/* w: the element of Vm. */
union v128 crypto_sm3tt1a(union v128 d, union v128 n, uint32_t w);
union v128 crypto_sm3tt1b(union v128 d, union v128 n, uint32_t w);
union v128 crypto_sm3tt2a(union v128 d, union v128 n, uint32_t w);
union v128 crypto_sm3tt2b(union v128 d, union v128 n, uint32_t w);

union v128 crypto_sm4e(union v128 d, union v128 n);
union v128 crypto_sm4ekey(union v128 n, union v128 m);

/* Carry-less products. */
uint16_t crypto_pmul8(uint8_t a, uint8_t b);
union v128 crypto_pmul64(uint64_t a, uint64_t b);

/* CRC32{B,H,W,X} and CRC32C{B,H,W,X}: acc with the low `bytes` (1, 2, 4, 8) of value. */
uint32_t crypto_crc32(uint32_t acc, uint64_t value, unsigned bytes);
uint32_t crypto_crc32c(uint32_t acc, uint64_t value, unsigned bytes);

#endif
