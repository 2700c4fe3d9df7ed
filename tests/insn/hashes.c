/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known answers: hashes and a cipher computed by the instructions made for them, most of them one
 * instruction a run, on every engine there is (FIPS 180-4, FIPS 202, GB/T 32905, GB/T 32907).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "insn.h"

struct engine {
    struct insn_machine *machine;
    enum insn_how how;
};

/* Vd after an instruction whose operands are V0 (Vd), V1, V2 and V3. */
static union v128 run_word(const struct engine *e, uint32_t word, union v128 d, union v128 n,
                           union v128 m, union v128 a)
{
    struct insn_test test = {.length = 1, .name = "known answer"};
    struct insn_result result;
    test.code[0] = word | 1u << 5;
    test.before.v[0] = d;
    test.before.v[1] = n;
    test.before.v[2] = m;
    test.before.v[3] = a;
    insn_run(e->machine, e->how, &test, 0, &result);
    assert_false(result.fault);
    return result.state.v[0];
}

static union v128 run(const struct engine *e, uint32_t word, union v128 d, union v128 n,
                      union v128 m, union v128 a)
{
    return run_word(e, word | 2u << 16, d, n, m, a);
}

static const union v128 none;

static union v128 run_two(const struct engine *e, uint32_t word, union v128 d, union v128 n)
{
    return run_word(e, word, d, n, none, none);
}

enum {
    EXT_8 = 0x6e004000, /* EXT Vd.16B, Vn.16B, Vm.16B, #8 */
    ADD_D = 0x4ee08400,
    ADD_S = 0x4ea08400,
    EOR = 0x6e201c00,
    EOR3 = 0xce000c00, /* Va is V3 */
    BCAX = 0xce200c00,
    RAX1 = 0xce608c00,
    XAR = 0xce800000,
    MOV_16B = 0x4ea01c00, /* ORR Vd.16B, Vn.16B, Vm.16B; Vm = Vn */
    LDR_Q = 0x3dc00000,
    SHA256H = 0x5e004000,
    SHA256H2 = 0x5e005000,
    SHA256SU0 = 0x5e282800,
    SHA256SU1 = 0x5e006000,
    SHA512H = 0xce608000,
    SHA512H2 = 0xce608400,
    SHA512SU1 = 0xce608800,
    SHA512SU0 = 0xcec08000,
    SM3SS1 = 0xce400c00,
    SM3TT1A = 0xce408000,
    SM3TT1B = 0xce408400,
    SM3TT2A = 0xce408800,
    SM3TT2B = 0xce408c00,
    SM3PARTW1 = 0xce60c000,
    SM3PARTW2 = 0xce60c400,
    SM4EKEY = 0xce60c800,
    SM4E = 0xcec08400,
};

static union v128 three(const struct engine *e, uint32_t word, union v128 n, union v128 m)
{
    return run(e, word, none, n, m, none);
}

/* The last 8 bytes of n and the first of m. */
static union v128 join(const struct engine *e, union v128 n, union v128 m)
{
    return three(e, EXT_8, n, m);
}

/* ---- SHA-512 ----------------------------------------------------------------------------------*/

/* The first 64 bits of the fractional parts of the cube roots of the first eighty primes, and of
 * the square roots of the first eight: floor(sqrt[n](p << 64 n)), digit by digit. */
static uint64_t root_fraction(unsigned prime, unsigned power)
{
    /* compares (whole.fraction)^power with prime in 256 bits, as limbs of 32 */
    uint64_t fraction = 0, whole = 1;
    while (power == 2 ? (whole + 1) * (whole + 1) <= prime
                      : (whole + 1) * (whole + 1) * (whole + 1) <= prime)
        whole++;
    for (int place = 63; place >= 0; place--) {
        const uint64_t try = fraction | 1ull << place;
        const uint32_t x[3] = {(uint32_t)try, (uint32_t)(try >> 32), (uint32_t)whole};
        uint32_t product[10] = {1};
        for (unsigned k = 0; k < power; k++) {
            uint32_t next[10] = {0};
            for (unsigned i = 0; i < 7; i++) {
                uint64_t carry = 0;
                for (unsigned j = 0; j < 3; j++) {
                    carry += (uint64_t)product[i] * x[j] + next[i + j];
                    next[i + j] = (uint32_t)carry;
                    carry >>= 32;
                }
                next[i + 3] = (uint32_t)carry;
            }
            memcpy(product, next, sizeof(product));
        }
        const unsigned point = 2 * power; /* limbs of fraction */
        const uint64_t integral = (uint64_t)product[point + 1] << 32 | product[point];
        if (integral < prime)
            fraction = try;
    }
    return fraction;
}

static unsigned next_prime(unsigned p)
{
    for (bool prime = false; !prime;) {
        p++;
        prime = true;
        for (unsigned d = 2; d * d <= p; d++)
            prime = prime && p % d != 0;
    }
    return p;
}

/* Two rounds; state is ab, cd, ef, gh. */
static void sha512_rounds(const struct engine *e, union v128 state[4], union v128 kw)
{
    const union v128 fg = join(e, state[2], state[3]), de = join(e, state[1], state[2]);
    const union v128 sums = three(e, ADD_D, state[3], join(e, kw, kw));
    const union v128 t = run(e, SHA512H, sums, fg, de, none);
    const union v128 ab = run(e, SHA512H2, t, state[1], state[0], none);
    const union v128 ef = three(e, ADD_D, state[1], t);
    memcpy(state, (const union v128[4]){ab, state[0], ef, state[2]}, 4 * sizeof(*state));
}

static void sha512_of_abc(const struct engine *e)
{
    static const uint64_t want[8] = {
        0xddaf35a193617aba, 0xcc417349ae204131, 0x12e6fa4e89a97ea2, 0x0a9eeee64b55d39a,
        0x2192992a274fc1a8, 0x36ba3c23a3feebbd, 0x454d4423643ce80e, 0x2a9ac94fa54ca49f,
    };
    union v128 w[8] = {{.d = {0x6162638000000000}}}, state[4], before[4];
    unsigned prime = 1;
    w[7].d[1] = 24;
    for (unsigned i = 0; i < 8; i++)
        state[i / 2].d[i % 2] = root_fraction(prime = next_prime(prime), 2);
    memcpy(before, state, sizeof(state));
    prime = 1;
    for (unsigned i = 0; i < 40; i++) {
        union v128 k;
        for (unsigned j = 0; j < 2; j++)
            k.d[j] = root_fraction(prime = next_prime(prime), 3);
        sha512_rounds(e, state, three(e, ADD_D, w[0], k));
        const union v128 partial = run_two(e, SHA512SU0, w[0], w[1]);
        const union v128 next = run(e, SHA512SU1, partial, w[7], join(e, w[4], w[5]), none);
        memmove(w, w + 1, 7 * sizeof(*w));
        w[7] = next;
    }
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(state[i / 2].d[i % 2] + before[i / 2].d[i % 2], want[i]);
}

/* The two rounds in one run, whose operands come from EXT; what EXT joined is then changed. */
static void sha512_rounds_in_one_run(const struct engine *e)
{
    struct insn_test test = {.length = 9, .name = "two rounds of SHA-512"};
    struct insn_result result;
    uint64_t x = 1;
    for (unsigned i = 0; i < 10; i++) {
        x = x * 6364136223846793005 + 1442695040888963407;
        test.before.v[i / 2].d[i % 2] = x ^ x >> 29;
    }
    union v128 state[4];
    memcpy(state, test.before.v, sizeof(state));
    const uint32_t code[] = {
        EXT_8 | 4 << 16 | 4 << 5 | 5,    /* kw, halves swapped */
        EXT_8 | 3 << 16 | 2 << 5 | 6,    /* f g */
        EXT_8 | 2 << 16 | 1 << 5 | 7,    /* d e */
        ADD_D | 5 << 16 | 3 << 5 | 3,    /* sums */
        EOR | 7 << 16 | 6 << 5 | 2,      /* e f is no more */
        SHA512H | 7 << 16 | 6 << 5 | 3,  /* t */
        ADD_D | 3 << 16 | 1 << 5 | 8,    /* e f after the rounds */
        SHA512H2 | 0 << 16 | 1 << 5 | 3, /* a b after them */
        SHA512H | 6 << 16 | 7 << 5 | 6,  /* operands that are each other's */
    };
    memcpy(test.code, code, sizeof(code));
    insn_run(e->machine, e->how, &test, 0, &result);
    assert_false(result.fault);
    const union v128 fg = join(e, state[2], state[3]), de = join(e, state[1], state[2]);
    const union v128 twice = run(e, SHA512H, fg, de, fg, none);
    sha512_rounds(e, state, test.before.v[4]);
    assert_memory_equal(&result.state.v[3], &state[0], 16);
    assert_memory_equal(&result.state.v[8], &state[2], 16);
    assert_memory_equal(&result.state.v[6], &twice, 16);
}

/* ---- SHA-256 ----------------------------------------------------------------------------------*/

/* The message's sixteen vectors of words with constants for "abc". */
static void sha256_schedule(const struct engine *e, union v128 kw[16])
{
    union v128 w[4] = {{.s = {0x61626380}}, {{0}}, {{0}}, {.s = {0, 0, 0, 24}}};
    unsigned prime = 1;
    for (unsigned i = 0; i < 16; i++) {
        union v128 k;
        for (unsigned j = 0; j < 4; j++)
            k.s[j] = (uint32_t)(root_fraction(prime = next_prime(prime), 3) >> 32);
        kw[i] = three(e, ADD_S, w[0], k);
        const union v128 partial = run_two(e, SHA256SU0, w[0], w[1]);
        const union v128 next = run(e, SHA256SU1, partial, w[2], w[3], none);
        memmove(w, w + 1, 3 * sizeof(*w));
        w[3] = next;
    }
}

/* V0 and V1 through four rounds with words in V<w>, whose halves may be computed in either order.
 * Yields how many instructions that takes. */
static unsigned sha256_rounds(uint32_t *code, unsigned w, bool second_first)
{
    const unsigned first = second_first, other = !first;
    code[0] = MOV_16B | first << 16 | first << 5 | 2;
    code[1] = (first ? SHA256H2 : SHA256H) | w << 16 | other << 5 | first;
    code[2] = (first ? SHA256H : SHA256H2) | w << 16 | 2 << 5 | other;
    return 3;
}

/* All rounds in one run, with accesses between, by the slow path in every second run. */
static void sha256_of_abc(const struct engine *e)
{
    static const uint32_t want[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                     0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    struct insn_test test = {.name = "SHA-256"};
    struct insn_result result;
    unsigned prime = 1;
    for (unsigned i = 0; i < 8; i++)
        test.before.v[i / 4].s[i % 4] =
            (uint32_t)(root_fraction(prime = next_prime(prime), 2) >> 32);
    sha256_schedule(e, &test.before.v[4]);
    test.before.x[28] = insn_data_va(INSN_WHOLE) + INSN_DATA / 2;
    for (unsigned i = 0; i < 16; i++) {
        test.length += sha256_rounds(&test.code[test.length], 4 + i, i % 5 == 3);
        if (i % 8 == 6)
            test.code[test.length++] = LDR_Q | 28 << 5 | 21;
    }
    for (unsigned twice = 0; twice < 2; twice++) {
        insn_run(e->machine, e->how, &test, 0, &result);
        assert_false(result.fault);
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(result.state.v[i / 4].s[i % 4] + test.before.v[i / 4].s[i % 4],
                             want[i]);
    }
}

/* ---- SHA-3 ------------------------------------------------------------------------------------*/

/* Round constants come out of a shift register (FIPS 202, 3.2.5). */
static uint64_t keccak_constant(unsigned *lfsr)
{
    uint64_t c = 0;
    for (unsigned j = 0; j < 7; j++) {
        if (*lfsr & 1)
            c |= 1ull << ((1u << j) - 1);
        *lfsr = *lfsr << 1 ^ (*lfsr & 0x80 ? 0x171 : 0);
    }
    return c;
}

static void keccak_round(const struct engine *e, union v128 a[25], uint64_t constant)
{
    union v128 c[5], d, b[25];
    for (unsigned x = 0; x < 5; x++)
        c[x] =
            run(e, EOR3, none, run(e, EOR3, none, a[x], a[x + 5], a[x + 10]), a[x + 15], a[x + 20]);
    unsigned rotation[25] = {0};
    for (unsigned t = 0, x = 1, y = 0; t < 24; t++) {
        rotation[x + 5 * y] = (t + 1) * (t + 2) / 2 % 64;
        const unsigned next = (2 * x + 3 * y) % 5;
        x = y;
        y = next;
    }
    for (unsigned x = 0; x < 5; x++) {
        d = three(e, RAX1, c[(x + 4) % 5], c[(x + 1) % 5]);
        for (unsigned y = 0; y < 5; y++)
            b[y + 5 * ((2 * x + 3 * y) % 5)] =
                three(e, XAR | (64 - rotation[x + 5 * y]) % 64 << 10, a[x + 5 * y], d);
    }
    for (unsigned y = 0; y < 25; y += 5)
        for (unsigned x = 0; x < 5; x++)
            a[y + x] = run(e, BCAX, none, b[y + x], b[y + (x + 2) % 5], b[y + (x + 1) % 5]);
    a[0] = three(e, EOR, a[0], (union v128){.d = {constant, constant}});
}

/* Both lanes hash: the lower "abc", the upper nothing. */
static void sha3_of_abc_and_of_nothing(const struct engine *e)
{
    static const uint64_t want[4][2] = {
        {0x3a985da74fe225b2, 0xa7ffc6f8bf1ed766},
        {0x045c172d6bd390bd, 0x51c14756a061d662},
        {0x855f086e3e9d525b, 0xf580ff4de43b49fa},
        {0x46bfe24511431532, 0x82d80a4b80f8434a},
    };
    union v128 a[25] = {{.d = {0x06636261, 0x06}}};
    unsigned lfsr = 1;
    a[16].d[0] = a[16].d[1] = 1ull << 63; /* the rate is 136 bytes */
    for (unsigned i = 0; i < 24; i++)
        keccak_round(e, a, keccak_constant(&lfsr));
    for (unsigned i = 0; i < 4; i++)
        for (unsigned lane = 0; lane < 2; lane++)
            assert_int_equal(__builtin_bswap64(a[i].d[lane]), want[i][lane]);
}

/* ---- SM3 --------------------------------------------------------------------------------------*/

static uint32_t rotate(uint32_t x, unsigned n)
{
    return n % 32 ? x << n % 32 | x >> (32 - n % 32) : x;
}

/* One round; abcd and efgh have their first word in the top lane. Lane `word` of w and of
 * primes is W and W'. */
static void sm3_round(const struct engine *e, union v128 state[2], union v128 w, union v128 primes,
                      unsigned round)
{
    const uint32_t t = rotate(round < 16 ? 0x79cc4519 : 0x7a879d8a, round);
    const unsigned word = round % 4;
    const union v128 ss1 =
        run(e, SM3SS1, none, state[0], state[1], (union v128){.s = {0, 0, 0, t}});
    state[0] = run(e, (round < 16 ? SM3TT1A : SM3TT1B) | word << 12, state[0], ss1, primes, none);
    state[1] = run(e, (round < 16 ? SM3TT2A : SM3TT2B) | word << 12, state[1], ss1, w, none);
}

/* Words 1..4 of eight: what a message schedule in vectors of four takes from in between. */
static union v128 words_from(union v128 low, union v128 high, unsigned first)
{
    union v128 r;
    for (unsigned i = 0; i < 4; i++)
        r.s[i] = first + i < 4 ? low.s[first + i] : high.s[first + i - 4];
    return r;
}

static void sm3_of_abc(const struct engine *e)
{
    static const uint32_t initial[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                                        0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};
    static const uint32_t want[8] = {0x66c7f0f4, 0x62eeedd9, 0xd1f2d46b, 0xdc10e4e2,
                                     0x4167c487, 0x5cf2f7a2, 0x297da02b, 0x8f4ba8e0};
    union v128 w[5] = {{.s = {0x61626380}}}, state[2];
    w[3].s[3] = 24;
    for (unsigned i = 0; i < 8; i++)
        state[i / 4].s[3 - i % 4] = initial[i];
    for (unsigned i = 0; i < 16; i++) {
        const union v128 partial = run(e, SM3PARTW1, w[0], words_from(w[1], w[2], 3), w[3], none);
        w[4] =
            run(e, SM3PARTW2, partial, words_from(w[2], w[3], 2), words_from(w[0], w[1], 3), none);
        const union v128 primes = three(e, EOR, w[0], w[1]);
        for (unsigned k = 0; k < 4; k++)
            sm3_round(e, state, w[0], primes, 4 * i + k);
        memmove(w, w + 1, 4 * sizeof(*w));
    }
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(state[i / 4].s[3 - i % 4] ^ initial[i], want[i]);
}

/* ---- SM4 --------------------------------------------------------------------------------------*/

static void sm4_of_the_standards_example(const struct engine *e)
{
    const union v128 text = {.s = {0x01234567, 0x89abcdef, 0xfedcba98, 0x76543210}};
    const union v128 family = {.s = {0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc}};
    const union v128 want = {.s = {0x681edf34, 0xd206965e, 0x86b3e94f, 0x536e4246}};
    union v128 key = three(e, EOR, text, family), x = text;
    for (unsigned i = 0; i < 8; i++) {
        union v128 constant = none;
        for (unsigned k = 0; k < 16; k++)
            constant.s[k / 4] = constant.s[k / 4] << 8 | (7 * (16 * i + k) & 255);
        key = three(e, SM4EKEY, key, constant);
        x = run_two(e, SM4E, x, key);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(x.s[3 - i], want.s[i]);
}

/* -----------------------------------------------------------------------------------------------*/

static void on_every_engine(void (*check)(const struct engine *e))
{
    struct engine e = {.machine = insn_machine_create(false)};
    assert_non_null(e.machine);
    for (e.how = INSN_INTERPRET; e.how < INSN_HOWS; e.how++) {
        if (insn_can(e.machine, e.how))
            check(&e);
    }
    insn_machine_destroy(e.machine);
}

static void sha256_has_the_known_answer(void **state)
{
    on_every_engine(sha256_of_abc);
}

static void sha512_has_the_known_answer(void **state)
{
    on_every_engine(sha512_of_abc);
}

static void sha512_takes_operands_that_were_joined(void **state)
{
    on_every_engine(sha512_rounds_in_one_run);
}

static void sha3_has_the_known_answers(void **state)
{
    on_every_engine(sha3_of_abc_and_of_nothing);
}

static void sm3_has_the_known_answer(void **state)
{
    on_every_engine(sm3_of_abc);
}

static void sm4_has_the_known_answer(void **state)
{
    on_every_engine(sm4_of_the_standards_example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_has_the_known_answer),
        cmocka_unit_test(sha512_has_the_known_answer),
        cmocka_unit_test(sha512_takes_operands_that_were_joined),
        cmocka_unit_test(sha3_has_the_known_answers),
        cmocka_unit_test(sm3_has_the_known_answer),
        cmocka_unit_test(sm4_has_the_known_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
