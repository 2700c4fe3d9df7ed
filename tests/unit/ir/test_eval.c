/* SPDX-License-Identifier: Apache-2.0 */
/* What integer, flag and basic vector operations mean, by known values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/ir/ir.h"

enum { N = 8, Z = 4, C = 2, V = 1 };
static const enum ir_type W = IR_I32, X = IR_I64;

static const struct row {
    const char *what;
    enum ir_op op;
    enum ir_type type;
    unsigned aux;
    int64_t imm;
    uint64_t a, b, c, result;
} rows[] = {
    {"addition wraps", IR_ADD, X, 0, 0, ~0ull, 2, 0, 1},
    {"carry is added", IR_ADC, W, 0, 0, 1, 2, C, 4},
    {"subtraction borrows when C is clear", IR_SBC, X, 0, 0, 5, 3, 0, 1},
    {"subtraction does not borrow when C is set", IR_SBC, X, 0, 0, 5, 3, C, 2},
    {"umulh", IR_UMULH, X, 0, 0, ~0ull, ~0ull, 0, ~1ull},
    {"smulh", IR_SMULH, X, 0, 0, ~0ull, ~0ull, 0, 0},
    {"udiv by zero is zero", IR_UDIV, X, 0, 0, 7, 0, 0, 0},
    {"udiv looks at 32 bits", IR_UDIV, W, 0, 0, 0x500000006, 0x700000002, 0, 3},
    {"sdiv rounds to zero", IR_SDIV, X, 0, 0, (uint64_t)-7, 2, 0, (uint64_t)-3},
    {"sdiv by zero is zero", IR_SDIV, W, 0, 0, 7, 0xff00000000, 0, 0},
    {"sdiv MIN / -1 is MIN", IR_SDIV, X, 0, 0, 1ull << 63, ~0ull, 0, 1ull << 63},
    {"sdiv 32-bit MIN / -1 is MIN", IR_SDIV, W, 0, 0, 0x80000000, 0xffffffff, 0, 0x80000000},
    {"urem by zero leaves all", IR_UREM, X, 0, 0, 7, 0, 0, 7},
    {"urem looks at 32 bits", IR_UREM, W, 0, 0, 0x50000000b, 0x700000004, 0, 3},
    {"srem has the dividend's sign", IR_SREM, X, 0, 0, (uint64_t)-7, 2, 0, (uint64_t)-1},
    {"srem by zero leaves all", IR_SREM, W, 0, 0, (uint32_t)-7, 0xff00000000, 0, (uint32_t)-7},
    {"srem MIN by -1 is zero", IR_SREM, X, 0, 0, 1ull << 63, ~0ull, 0, 0},
    {"srem 32-bit MIN by -1 is zero", IR_SREM, W, 0, 0, 0x80000000, 0xffffffff, 0, 0},
    {"andn", IR_ANDN, X, 0, 0, 0xff, 0x0f, 0, 0xf0},
    {"orn", IR_ORN, W, 0, 0, 0, 0xffff0000, 0, 0xffff},
    {"xorn", IR_XORN, W, 0, 0, 0xff, 0xff, 0, 0xffffffff},
    {"shl takes the amount modulo 64", IR_SHL, X, 0, 0, 1, 65, 0, 2},
    {"shr takes the amount modulo 32", IR_SHR, W, 0, 0, 0xf80000000, 33, 0, 0x40000000},
    {"sar", IR_SAR, W, 0, 0, 0x80000000, 4, 0, 0xf8000000},
    {"ror", IR_ROR, W, 0, 0, 0x12345678, 8, 0, 0x78123456},
    {"ror by nothing", IR_ROR, X, 0, 0, 0x12345678, 64, 0, 0x12345678},
    {"rori", IR_RORI, X, 0, 4, 1, 0, 0, 1ull << 60},
    {"extr", IR_EXTR, W, 0, 8, 0x11223344, 0x55667788, 0, 0x44556677},
    {"extu", IR_EXTU, X, 8, 4, 0xabcd, 0, 0, 0xbc},
    {"exts", IR_EXTS, X, 8, 4, 0xabcd, 0, 0, 0xffffffffffffffbc},
    {"extu of everything", IR_EXTU, X, 64, 0, ~0ull, 0, 0, ~0ull},
    {"dep", IR_DEP, X, 8, 4, 0xffff, 0x12, 0, 0xf12f},
    {"sext", IR_SEXT, X, 0, 0, 0x80000000, 0, 0, 0xffffffff80000000},
    {"zext drops undefined bits", IR_ZEXT, X, 0, 0, 0xdead80000000, 0, 0, 0x80000000},
    {"clz of zero is the width", IR_CLZ, W, 0, 0, 0xff00000000, 0, 0, 32},
    {"clz", IR_CLZ, X, 0, 0, 1, 0, 0, 63},
    {"cls of minus one", IR_CLS, W, 0, 0, 0xffffffff, 0, 0, 31},
    {"cls", IR_CLS, X, 0, 0, 0xf000000000000000, 0, 0, 3},
    {"ctz of zero", IR_CTZ, W, 0, 0, 1ull << 32, 0, 0, 32},
    {"ctz", IR_CTZ, X, 0, 0, 0x5000, 0, 0, 12},
    {"cnt", IR_CNT, W, 0, 0, 0x100000007, 0, 0, 3},
    {"cnt 64", IR_CNT, X, 0, 0, ~1ull, 0, 0, 63},
    {"rbit", IR_RBIT, W, 0, 0, 0x80000001, 0, 0, 0x80000001},
    {"rbit 64", IR_RBIT, X, 0, 0, 3, 0, 0, 0xc000000000000000},
    {"rev", IR_REV, W, 0, 0, 0x11223344, 0, 0, 0x44332211},
    {"rev16", IR_REV16, W, 0, 0, 0x11223344, 0, 0, 0x22114433},
    {"rev32", IR_REV32, X, 0, 0, 0x1122334455667788, 0, 0, 0x4433221188776655},
    {"signed less", IR_ICMP, W, IR_ICC_LTS, 0, 0xffffffff, 1, 0, 1},
    {"unsigned less", IR_ICMP, W, IR_ICC_LTU, 0, 0xffffffff, 1, 0, 0},
    {"equal in 32 bits", IR_ICMP, W, IR_ICC_EQ, 0, 0x100000005, 5, 0, 1},
    {"sel of zero in 32 bits", IR_SEL, X, 0, 0, 0x100000000, 1, 2, 2},
    /* The check value of both CRCs is over "123456789". */
    {"crc32", IR_CRC32, W, 3, 0, 0xffffffff, 0x3837363534333231, 0, 0x651f2550},
    {"crc32 ends in the check value", IR_CRC32, W, 0, 0, 0x651f2550, 0x39, 0, ~0xcbf43926u},
    {"crc32c of bytes", IR_CRC32C, W, 0, 0, 0, 0, 0, 0},

    {"equal numbers", IR_FLSUB, X, 0, 0, 5, 5, 0, Z | C},
    {"less", IR_FLSUB, X, 0, 0, 4, 5, 0, N},
    {"signed overflow of a subtraction", IR_FLSUB, W, 0, 0, 0x80000000, 1, 0, C | V},
    {"subtracting zero carries", IR_FLSUB, W, 0, 0, 0, 0, 0, Z | C},
    {"unsigned overflow", IR_FLADD, X, 0, 0, ~0ull, 1, 0, Z | C},
    {"32-bit unsigned overflow", IR_FLADD, W, 0, 0, 0xffffffff, 1, 0, Z | C},
    {"signed overflow", IR_FLADD, W, 0, 0, 0x7fffffff, 1, 0, N | V},
    {"carry in overflows", IR_FLADC, X, 0, 0, ~0ull, ~0ull, C, N | C},
    {"carry in makes the carry", IR_FLADC, W, 0, 0, 0xffffffff, 0, C, Z | C},
    {"borrow", IR_FLSBC, X, 0, 0, 0, 0, 0, N},
    {"logic", IR_FLLOG, W, 0, 0, 0x80000000, 0, 0, N},
    {"logic of zero", IR_FLLOG, W, 0, 0, 0x100000000, 0, 0, Z},
    {"pack", IR_FLPACK, X, 0, 0, 0xffff9fffffff, 0, 0, N | V},
    {"unpack", IR_FLUNPACK, X, 0, 0, N | C, 0, 0, 0xa0000000},
    {"flsel takes flags when the condition holds", IR_FLSEL, IR_FLAGS, 0, C, Z, N, 0, N},
    {"flsel takes its immediate else", IR_FLSEL, IR_FLAGS, 1, C, Z, N, 0, C},
    {"cond", IR_COND, X, 12, 0, N | V, 0, 0, 1},
    {"csel", IR_CSEL, X, 8, 0, Z | C, 1, 2, 2},
};

static void operations_give_their_known_values(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        union ir_value v[4] = {{0}, {.x = row->a}, {.x = row->b}, {.x = row->c}};
        ir_eval_table[row->op](v, row->imm, row->type | row->aux << 8, NULL);
        bool narrow = row->type == IR_I32 && ir_op_info[row->op].result != 'f';
        uint64_t got = narrow ? (uint32_t)v[0].x : v[0].x;
        if (got != (narrow ? (uint32_t)row->result : row->result))
            fail_msg("%s: got %#llx", row->what, (unsigned long long)got);
    }
}

static void conditions_hold_as_the_manual_says(void **state)
{
    for (unsigned nzcv = 0; nzcv < 16; nzcv++) {
        bool n = nzcv & N, z = nzcv & Z, c = nzcv & C, v = nzcv & V;
        const bool base[7] = {z, c, n, v, c && !z, n == v, n == v && !z};
        for (unsigned cond = 0; cond < 14; cond++)
            assert_int_equal(ir_cond_holds(cond, nzcv), base[cond / 2] != (cond & 1));
        assert_true(ir_cond_holds(14, nzcv));
        assert_true(ir_cond_holds(15, nzcv));
    }
}

static void nzcv_survives_its_resting_form(void **state)
{
    for (unsigned nzcv = 0; nzcv < 16; nzcv++)
        assert_int_equal(ir_nzcv_load(ir_nzcv_store(nzcv)), nzcv);
}

static const union v128 A = {.d = {0x0706050403020100, 0x0f0e0d0c0b0a0908}};
static const union v128 B = {.d = {0x1716151413121110, 0x1f1e1d1c1b1a1918}};

static const struct vrow {
    const char *what;
    enum ir_op op;
    unsigned aux;
    int64_t imm;
    union v128 result;
} vrows[] = {
    {"vadd bytes", IR_VADD, 0, 0, {.d = {0x1e1c1a1816141210, 0x2e2c2a2826242220}}},
    {"vzip1 halfwords", IR_VZIP1, 1, 0, {.d = {0x1312030211100100, 0x1716070615140504}}},
    {"vzip2 words", IR_VZIP2, 2, 0, {.d = {0x1b1a19180b0a0908, 0x1f1e1d1c0f0e0d0c}}},
    {"vuzp1 bytes", IR_VUZP1, 0, 0, {.d = {0x0e0c0a0806040200, 0x1e1c1a1816141210}}},
    {"vuzp2 words", IR_VUZP2, 2, 0, {.d = {0x0f0e0d0c07060504, 0x1f1e1d1c17161514}}},
    {"vtrn1 bytes", IR_VTRN1, 0, 0, {.d = {0x1606140412021000, 0x1e0e1c0c1a0a1808}}},
    {"vtrn2 doublewords", IR_VTRN2, 3, 0, {.d = {0x0f0e0d0c0b0a0908, 0x1f1e1d1c1b1a1918}}},
    {"vext", IR_VEXT, 0, 3, {.d = {0x0a09080706050403, 0x1211100f0e0d0c0b}}},
    {"vrev bytes in words", IR_VREV, 0, 2, {.d = {0x0405060700010203, 0x0c0d0e0f08090a0b}}},
    {"vpaddl bytes", IR_VPADDL, 0, 0, {.d = {0x1d1915110d090501, 0x3d3935312d292521}}},
    {"vwidenu high bytes", IR_VWIDENU, 0, 1, {.d = {0x000b000a00090008, 0x000f000e000d000c}}},
    {"vnarrow to bytes", IR_VNARROW, 0, 0, {.d = {0x0e0c0a0806040200, 0}}},
    {"vsetlane keeps the others",
     IR_VCOPYLANE,
     0,
     0x0f00,
     {.d = {0x070605040302011f, 0x0f0e0d0c0b0a0908}}},
    {"vshli", IR_VSHLI, 0, 4, {.d = {0x7060504030201000, 0xf0e0d0c0b0a09080}}},
    {"vsari", IR_VSARI, 3, 60, {.d = {0, 0}}},
    {"vandn", IR_VANDN, 0, 0, {.d = {0, 0}}},
    {"vcgt", IR_VCGT, 1, 0, {.d = {0, 0}}},
    {"vceq with itself fails", IR_VCEQ, 0, 0, {.d = {0, 0}}},
    {"vumax", IR_VUMAX, 2, 0, {.d = {0x1716151413121110, 0x1f1e1d1c1b1a1918}}},
    {"vmul words", IR_VMUL, 2, 0, {.d = {0, 0}}}, /* result computed below */
};

static void vector_operations_give_their_known_values(void **state)
{
    for (size_t i = 0; i < sizeof(vrows) / sizeof(vrows[0]); i++) {
        const struct vrow *row = &vrows[i];
        union ir_value v[4] = {{0}, {.v = A}, {.v = B}, {0}};
        union v128 want = row->result;
        if (row->op == IR_VMUL) {
            for (unsigned k = 0; k < 4; k++)
                want.s[k] = A.s[k] * B.s[k];
        }
        ir_eval_table[row->op](v, row->imm, IR_V128 | row->aux << 8, NULL);
        if (v[0].v.d[0] != want.d[0] || v[0].v.d[1] != want.d[1])
            fail_msg("%s: got %#llx %#llx", row->what, (unsigned long long)v[0].v.d[1],
                     (unsigned long long)v[0].v.d[0]);
    }
}

static void every_pure_and_fp_operation_has_an_evaluator(void **state)
{
    for (unsigned op = 0; op < IR_OP_COUNT; op++) {
        bool evaluated = ir_op_info[op].klass == IR_PURE || ir_op_info[op].klass == IR_FP;
        assert_int_equal(ir_eval_table[op] != NULL, evaluated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_give_their_known_values),
        cmocka_unit_test(conditions_hold_as_the_manual_says),
        cmocka_unit_test(nzcv_survives_its_resting_form),
        cmocka_unit_test(vector_operations_give_their_known_values),
        cmocka_unit_test(every_pure_and_fp_operation_has_an_evaluator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
