/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating-point operations while nearly all host registers hold something that is wanted later:
 * what is put aside to make room must be so on the way out of line as well, where NaNs, ties and
 * tiny results go. Every engine must leave what the interpreter does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "insn.h"

enum { KEPT = 14, SETS = 40 };

enum {
    FADD_8H = 0x4e401400, /* and its like: Vd, Vn, Vm */
    FADD_4S = 0x4e20d400,
};

/* Vd is V16, Vn V17, Vm V18, Va V19. */
#define WITH_M  (18u << 16 | 17u << 5 | 16u)
#define WITH_A  (19u << 10 | WITH_M)
#define WITHOUT (17u << 5 | 16u)

static const struct {
    const char *name;
    uint32_t word;
} operations[] = {
    {"FADD.8H", 0x4e401400 | WITH_M},    {"FMUL.8H", 0x6e401c00 | WITH_M},
    {"FDIV.4H", 0x2e403c00 | WITH_M},    {"FMAX.8H", 0x4e403400 | WITH_M},
    {"FMINNM.4H", 0x0ec00400 | WITH_M},  {"FMAXNM H", 0x1ee06800 | WITH_M},
    {"FMLA.8H", 0x4e400c00 | WITH_M},    {"FMLS.4H", 0x0ec00c00 | WITH_M},
    {"FMADD H", 0x1fc00000 | WITH_A},    {"FNMSUB H", 0x1fe08000 | WITH_A},
    {"FSQRT.8H", 0x6ef9f800 | WITHOUT},  {"FRINTA.8H", 0x2e798800 | WITHOUT},
    {"FRINTX H", 0x1ee74000 | WITHOUT},  {"FCVTN.4H", 0x0e216800 | WITHOUT},
    {"FCVTL.4S", 0x0e217800 | WITHOUT},  {"FCVT D, H", 0x1ee2c000 | WITHOUT},
    {"FCVT H, S", 0x1e23c000 | WITHOUT}, {"FMLAL.4S", 0x4e20ec00 | WITH_M},
    {"FCMGT.8H", 0x6ec02400 | WITH_M},   {"FMUL.4S", 0x6e20dc00 | WITH_M},
    {"FMAX.2D", 0x4e60f400 | WITH_M},    {"FMLA.4S", 0x4e20cc00 | WITH_M},
    {"FMADD D", 0x1f400000 | WITH_A},    {"FDIV D", 0x1e601800 | WITH_M},
    {"FSQRT S", 0x1e21c000 | WITHOUT},   {"FRINTI.4S", 0x6ea19800 | WITHOUT},
    {"FCVTN.4S", 0x0e616800 | WITHOUT},  {"BFCVTN.4H", 0x0ea16800 | WITHOUT},
};

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 0x9e3779b97f4a7c15u;
}

/* A half: many are NaNs, infinities, zeros, denormal or near to each other. */
static uint16_t half(uint64_t random)
{
    uint16_t h = (uint16_t)random;

    switch (random >> 20 & 7) {
    case 0:
        return h & 0x83ff;
    case 1:
        return h | 0x7c00;
    case 2:
        return h & 0x8000;
    case 3:
        return h & 0x83ff & 0x3c00;
    default:
        return h;
    }
}

/* V0 to V13 become sums that wait in registers; then the operation; then they are used. */
static void write_block(struct insn_test *test, uint32_t word)
{
    unsigned n = 0;

    for (unsigned i = 0; i < KEPT; i++)
        test->code[n++] = (i & 1 ? FADD_8H : FADD_4S) | (20 + i % 8) << 16 | i << 5 | i;
    test->code[n++] = word;
    for (unsigned i = 0; i < KEPT; i++)
        test->code[n++] = FADD_4S | (16 + i % 3) << 16 | i << 5 | i;
    test->length = n;
}

static void run(struct insn_machine *machine, const char *name, uint32_t word, uint64_t seed)
{
    struct insn_test test = {.name = name};
    struct insn_result want, got;

    write_block(&test, word);
    for (unsigned i = 0; i < 32; i++)
        for (unsigned k = 0; k < 8; k++)
            test.before.v[i].h[k] = half(next(&seed));
    insn_run(machine, INSN_INTERPRET, &test, 0, &want);
    for (enum insn_how how = 0; how < INSN_HOWS; how++) {
        if (!insn_can(machine, how))
            continue;
        insn_run(machine, how, &test, 0, &got);
        if (want.fault != got.fault || memcmp(&want.state, &got.state, sizeof(want.state)))
            fail_msg("%s, %s: not what the interpreter leaves", name, insn_how_name(how));
    }
}

static void what_is_put_aside_is_so_on_both_ways(void **state)
{
    struct insn_machine *machine = insn_machine_create(false);

    for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        for (uint64_t set = 1; set <= SETS; set++)
            run(machine, operations[i].name, operations[i].word, set * 0x2545f4914f6cdd1d);
    insn_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_aside_is_so_on_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
