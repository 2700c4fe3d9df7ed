/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of AES, SHA-1 and SHA-256 put together give the standards' example results; CRCs give
 * their catalogued check values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engine/calc/crypto.h"

/* --- AES-128, FIPS 197 appendix C.1 ------------------------------------------------------------*/

static union v128 bytes(const char *hex)
{
    union v128 v;
    for (unsigned i = 0; i < 16; i++) {
        unsigned value = 0;
        for (unsigned k = 0; k < 2; k++) {
            char digit = hex[2 * i + k];
            value = value << 4 | (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
        }
        v.b[i] = (uint8_t)value;
    }
    return v;
}

/* The round keys, appendix C.1's k_sch lines. */
static const char *const schedule[11] = {
    "000102030405060708090a0b0c0d0e0f", "d6aa74fdd2af72fadaa678f1d6ab76fe",
    "b692cf0b643dbdf1be9bc5006830b3fe", "b6ff744ed2c2c9bf6c590cbf0469bf41",
    "47f7f7bc95353e03f96c32bcfd058dfd", "3caaa3e8a99f9deb50f3af57adf622aa",
    "5e390f7df7a69296a7553dc10aa31f6b", "14f9701ae35fe28c440adf4d4ea9c026",
    "47438735a41c65b9e016baf4aebf7ad2", "549932d1f08557681093ed9cbe2c974e",
    "13111d7fe3944a17f307a78b4d2b30c5",
};
static const char plain[] = "00112233445566778899aabbccddeeff";
static const char cipher[] = "69c4e0d86a7b0430d8cdb78070b4c55a";

static union v128 xor
    (union v128 a, union v128 b) {
        return (union v128){.d = {a.d[0] ^ b.d[0], a.d[1] ^ b.d[1]}};
    }

    static void aes_encrypts_as_the_standard_shows(void **state)
{
    union v128 s = bytes(plain), want = bytes(cipher);
    for (unsigned round = 0; round < 10; round++) {
        s = crypto_aese(s, bytes(schedule[round]));
        if (round < 9)
            s = crypto_aesmc(s);
    }
    s = xor(s, bytes(schedule[10]));
    assert_memory_equal(&s, &want, 16);
}

static void aes_decrypts_as_the_standard_shows(void **state)
{
    union v128 s = bytes(cipher), want = bytes(plain);
    for (unsigned round = 10; round > 0; round--) {
        union v128 key = bytes(schedule[round]);
        s = crypto_aesd(s, round < 10 ? crypto_aesimc(key) : key);
        if (round > 1)
            s = crypto_aesimc(s);
    }
    s = xor(s, bytes(schedule[0]));
    assert_memory_equal(&s, &want, 16);
}

/* --- hashes of "abc" ---------------------------------------------------------------------------*/

static const union v128 abc_block[4] = {
    {.s = {0x61626380}}, {.s = {0}}, {.s = {0}}, {.s = {0, 0, 0, 24}}};

static void sha1_of_abc(void **state)
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    static const uint32_t want[5] = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d};
    const union v128 start = {.s = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
    union v128 w[4], hash = start;
    uint32_t e = 0xc3d2e1f0;
    memcpy(w, abc_block, sizeof(w));
    for (unsigned group = 0; group < 20; group++) {
        union v128 added = w[group & 3];
        for (unsigned i = 0; i < 4; i++)
            added.s[i] += constants[group / 5];
        uint32_t next = crypto_sha1h(hash.s[0]);
        hash = group < 5        ? crypto_sha1c(hash, e, added)
               : group / 5 == 2 ? crypto_sha1m(hash, e, added)
                                : crypto_sha1p(hash, e, added);
        e = next;
        w[group & 3] =
            crypto_sha1su1(crypto_sha1su0(w[group & 3], w[(group + 1) & 3], w[(group + 2) & 3]),
                           w[(group + 3) & 3]);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(hash.s[i] + start.s[i], want[i]);
    assert_int_equal(e + 0xc3d2e1f0, want[4]);
}

static void sha256_of_abc(void **state)
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    static const uint32_t want[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                     0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    const union v128 start[2] = {{.s = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a}},
                                 {.s = {0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}}};
    union v128 w[4], x = start[0], y = start[1];
    memcpy(w, abc_block, sizeof(w));
    for (unsigned group = 0; group < 16; group++) {
        union v128 added = w[group & 3], old = x;
        for (unsigned i = 0; i < 4; i++)
            added.s[i] += k[4 * group + i];
        x = crypto_sha256h(x, y, added);
        y = crypto_sha256h2(y, old, added);
        w[group & 3] = crypto_sha256su1(crypto_sha256su0(w[group & 3], w[(group + 1) & 3]),
                                        w[(group + 2) & 3], w[(group + 3) & 3]);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(x.s[i] + start[0].s[i], want[i]);
        assert_int_equal(y.s[i] + start[1].s[i], want[4 + i]);
    }
}

/* --- polynomials -------------------------------------------------------------------------------*/

static void polynomial_products_do_not_carry(void **state)
{
    assert_int_equal(crypto_pmul8(0xff, 0xff), 0x5555);
    assert_int_equal(crypto_pmul8(0x80, 0x80), 0x4000);
    union v128 square = crypto_pmul64(~0ull, ~0ull);
    assert_true(square.d[0] == 0x5555555555555555 && square.d[1] == 0x5555555555555555);
    union v128 top = crypto_pmul64(1ull << 63, 6);
    assert_true(top.d[0] == 0 && top.d[1] == 3);
}

static void crcs_give_their_check_values(void **state)
{
    static const char digits[] = "123456789";
    uint32_t crc = ~0u, crcc = ~0u;
    for (unsigned i = 0; i < 9; i++) {
        crc = crypto_crc32(crc, (uint8_t)digits[i], 1);
        crcc = crypto_crc32c(crcc, (uint8_t)digits[i], 1);
    }
    assert_int_equal(~crc, 0xcbf43926);
    assert_int_equal(~crcc, 0xe3069283);
}

static void crcs_of_words_are_those_of_their_bytes(void **state)
{
    uint64_t value = 0x8877665544332211;
    uint32_t crc = 7;
    for (unsigned i = 0; i < 8; i++)
        crc = crypto_crc32c(crc, value >> (8 * i), 1);
    assert_int_equal(crypto_crc32c(7, value, 8), crc);
    assert_int_equal(crypto_crc32(7, value, 2), crypto_crc32(crypto_crc32(7, 0x11, 1), 0x22, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_encrypts_as_the_standard_shows),
        cmocka_unit_test(aes_decrypts_as_the_standard_shows),
        cmocka_unit_test(sha1_of_abc),
        cmocka_unit_test(sha256_of_abc),
        cmocka_unit_test(polynomial_products_do_not_carry),
        cmocka_unit_test(crcs_give_their_check_values),
        cmocka_unit_test(crcs_of_words_are_those_of_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
