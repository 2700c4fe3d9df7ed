/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random regions mean the same before and after the optimiser: same way of leaving, same state,
 * same memory, and the same state shown to every access and helper on the way, with faults taken at
 * random accesses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fake_cpu.h"

struct maker {
    struct ir *ir;
    uint64_t random;
    unsigned first; /* of the block being made */
};

static unsigned pick(struct maker *m, unsigned below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (unsigned)(m->random >> 20) % below;
}

/* --- helpers of every kind ---------------------------------------------------------------------*/

static uint64_t pure(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return a * 3 + b * 5 + c * 7;
}

static uint64_t reads(void *state, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_cpu *cpu = state;
    fake_observe(cpu);
    return cpu->seen;
}

static uint64_t writes(void *state, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_cpu *cpu = state;
    cpu->x[a & 3] = b;
    cpu->v[b & 3].d[c & 1] = a;
    cpu->nzcv = ir_nzcv_store(c & 15);
    return 0;
}

static uint64_t raises(void *state, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_cpu *cpu = state;
    fake_observe(cpu);
    if (++cpu->accesses == cpu->fault_at)
        cpu->raised = 1;
    return a;
}

static uint64_t other(void *state, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_cpu *cpu = state;
    fake_mix(cpu, cpu->other, sizeof(cpu->other));
    cpu->other[a & 3] = b;
    return cpu->other[b & 3];
}

static void vector(void *cpu, union v128 v[4], uint32_t aux)
{
    v[0] = (union v128){.d = {v[1].d[0] + v[2].d[1], v[3].d[0] ^ v[1].d[1]}};
}

static const struct ir_helper helpers[] = {
    {"pure", pure, NULL, IR_HELPER_PURE},
    {"reads", reads, NULL, IR_HELPER_READS_R},
    {"writes", writes, NULL, IR_HELPER_WRITES_R | IR_HELPER_READS_R},
    {"writes blindly", writes, NULL, IR_HELPER_WRITES_R},
    {"raises", raises, NULL, IR_HELPER_RAISES},
    {"other", other, NULL, 0},
    {"vector", NULL, vector, IR_HELPER_PURE},
};
enum { HELPERS = 7, VECTOR_HELPER = 6 };

/* --- making regions ----------------------------------------------------------------------------*/

static int64_t interesting(struct maker *m)
{
    static const int64_t values[] = {
        0,  1,          -1,         2,          31,        32,        63,
        64, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MIN, INT64_MAX, 0x123456789abcdef0};
    return values[pick(m, sizeof(values) / sizeof(values[0]))];
}

/* A value of the block of that type, made if there is none. */
static ir_ref value(struct maker *m, enum ir_type type)
{
    unsigned count = m->ir->count - m->first;
    for (unsigned tries = 0; count && tries < 12; tries++) {
        unsigned ref = m->first + pick(m, count);
        if (ir_result_type(&m->ir->insn[ref]) == type)
            return (ir_ref)ref;
    }
    switch (type) {
    case IR_V128:
        return ir_getv(m->ir, fake_layout.v0 + 16 * pick(m, 2));
    case IR_FLAGS:
        return ir_getf(m->ir);
    default:
        if (pick(m, 2))
            return ir_const(m->ir, type, interesting(m));
        return ir_get(m->ir, type, 8 * pick(m, 3));
    }
}

static enum ir_type letter_type(char letter, enum ir_type type)
{
    return letter == 'w'   ? IR_I32
           : letter == 'x' ? IR_I64
           : letter == 'v' ? IR_V128
           : letter == 'f' ? IR_FLAGS
                           : type;
}

/* aux and imm that the row allows; false if it takes more knowledge than that. */
static bool random_fields(struct maker *m, const struct ir_op_info *info, enum ir_type type,
                          unsigned *aux, int64_t *imm)
{
    unsigned width = type == IR_I64 ? 64 : 32;
    *aux = 0;
    *imm = 0;
    switch (info->aux) {
    case IR_FIELD_NONE:
        break;
    case IR_FIELD_ESZ:
        *aux = pick(m, 3);
        break;
    case IR_FIELD_COND:
        *aux = pick(m, 16);
        break;
    case IR_FIELD_ICC:
        *aux = pick(m, 6);
        break;
    case IR_FIELD_WIDTH:
        *aux = 1 + pick(m, width);
        break;
    default:
        return false;
    }
    unsigned lane = info->result == 'v' && info->aux == IR_FIELD_ESZ ? 8u << *aux : width;
    switch (info->imm) {
    case IR_FIELD_NONE:
        return true;
    case IR_FIELD_NZCV:
    case IR_FIELD_0_15:
        *imm = pick(m, 16);
        return true;
    case IR_FIELD_LANE:
        *imm = pick(m, 16u >> *aux);
        return true;
    case IR_FIELD_LANES:
        *imm = pick(m, 16u >> *aux) << 8 | pick(m, 16u >> *aux);
        return true;
    case IR_FIELD_LSB:
        *imm = pick(m, width - *aux + 1);
        return true;
    case IR_FIELD_SHIFT:
        *imm = pick(m, lane);
        return true;
    case IR_FIELD_SHIFT1:
        *imm = 1 + pick(m, lane - 1);
        return true;
    case IR_FIELD_BOOL:
        *imm = pick(m, 2);
        return true;
    default:
        return false;
    }
}

static void random_pure(struct maker *m)
{
    /* Mostly what there are rules for: integers and flags come first in the table. */
    enum ir_op op = (enum ir_op)pick(m, pick(m, 4) ? IR_CSELV : IR_OP_COUNT);
    const struct ir_op_info *info = &ir_op_info[op];
    enum ir_type type = pick(m, 2) ? IR_I64 : IR_I32;
    ir_ref arg[3] = {IR_NONE, IR_NONE, IR_NONE};
    unsigned aux;
    int64_t imm;
    if (info->klass != IR_PURE || !random_fields(m, info, type, &aux, &imm))
        return;
    bool generic = info->result == 'i';
    for (unsigned k = 0; k < info->nargs; k++) {
        arg[k] = value(m, letter_type(info->args[k], type));
        generic |= info->args[k] == 'i';
    }
    ir_emit(m->ir, op, generic ? type : letter_type(info->result, type), arg[0], arg[1], arg[2],
            aux, imm);
}

static void random_state(struct maker *m)
{
    struct ir *ir = m->ir;
    int64_t x = 8 * pick(m, 3), v = fake_layout.v0 + 16 * pick(m, 2);
    int64_t any = pick(m, 2)   ? x
                  : pick(m, 2) ? v + 8 * pick(m, 2)
                               : (int64_t)offsetof(struct fake_cpu, other) + 8 * pick(m, 2);
    enum ir_type type = pick(m, 3) ? IR_I64 : IR_I32;
    int64_t half = type == IR_I32 ? 4 * pick(m, 2) : 0;
    switch (pick(m, 10)) {
    case 0:
    case 1:
        ir_get(ir, type, any + half);
        break;
    case 2:
    case 3:
    case 4:
        ir_put(ir, type, value(m, type), any + half);
        break;
    case 5:
        if (pick(m, 2))
            ir_put8(ir, value(m, IR_I32), any + pick(m, 8));
        else
            ir_get8(ir, any + pick(m, 8));
        break;
    case 6:
        ir_getv(ir, v);
        break;
    case 7:
        ir_putv(ir, value(m, IR_V128), v);
        break;
    case 8:
        ir_getf(ir);
        break;
    case 9:
        ir_putf(ir, value(m, IR_FLAGS));
        break;
    }
}

static void random_effect(struct maker *m)
{
    struct ir *ir = m->ir;
    enum ir_type type = pick(m, 2) ? IR_I64 : IR_I32;
    ir_ref va;
    switch (pick(m, 12)) {
    case 0:
        ir_ld(ir, type, value(m, IR_I64), pick(m, 3) | (pick(m, 2) ? IR_MEM_SIGNED : 0));
        break;
    case 1:
        va = value(m, IR_I64);
        ir_st(ir, type, va, value(m, type), type == IR_I64 ? 3 : 2);
        break;
    case 2:
        ir_ld2(ir, type, value(m, IR_I64), 2);
        ir_hi(ir, type);
        break;
    case 3:
        ir_ldv2(ir, value(m, IR_I64), 4);
        ir_hiv(ir);
        break;
    case 4:
        va = value(m, IR_I64);
        ir_stv(ir, va, value(m, IR_V128), 4);
        break;
    case 5:
        va = value(m, IR_I64);
        ir_atom(ir, type, va, value(m, type), 2, IR_ATOM_ADD);
        break;
    case 6:
        ir_poll(ir, 4 * pick(m, 100));
        break;
    case 7:
        va = value(m, IR_I64);
        ir_callv(ir, value(m, IR_V128), value(m, IR_V128), IR_NONE, pick(m, 4), VECTOR_HELPER);
        break;
    case 8: /* an fp operation: adds to FPSR */
        ir_fdiv(ir, value(m, IR_V128), value(m, IR_V128), 3);
        break;
    default:
        va = value(m, IR_I64);
        ir_call(ir, va, value(m, IR_I64), pick(m, 2) ? va : IR_NONE, pick(m, VECTOR_HELPER));
        break;
    }
}

static void random_end(struct maker *m, unsigned block, unsigned blocks)
{
    struct ir *ir = m->ir;
    if (block + 1 == blocks) {
        ir_exit(ir, 0x100);
        return;
    }
    int64_t one = block + 1 + pick(m, blocks - block - 1);
    int64_t two = block + 1 + pick(m, blocks - block - 1);
    switch (pick(m, 8)) {
    case 0:
        ir_br(ir, one);
        break;
    case 1:
        ir_exitr(ir, value(m, IR_I64), IR_JUMP_PLAIN);
        break;
    case 2:
        ir_exits(ir, 0x80);
        break;
    case 3:
        ir_brz(ir, IR_I64, value(m, IR_I64), two << 32 | one);
        break;
    case 4:
        ir_brbit(ir, IR_I32, value(m, IR_I32), pick(m, 32), two << 32 | one);
        break;
    default:
        ir_brf(ir, value(m, IR_FLAGS), pick(m, 16), two << 32 | one);
        break;
    }
}

static void random_region(struct maker *m)
{
    unsigned blocks = 1 + pick(m, 5), pgoff = 0, quiet = pick(m, 3);
    ir_clear(m->ir);
    for (unsigned b = 0; b < blocks; b++)
        ir_block_reserve(m->ir, 0);
    for (unsigned b = 0; b < blocks; b++) {
        ir_block_begin(m->ir, b);
        m->first = m->ir->count;
        for (unsigned n = pick(m, 40); n > 0; n--) {
            unsigned kind = pick(m, 20);
            if (kind == 0)
                ir_insn(m->ir, pgoff += 4);
            else if (kind == 1 && (quiet == 0 || (quiet == 1 && pick(m, 4) == 0)))
                random_effect(m);
            else if (kind < 10)
                random_state(m);
            else
                random_pure(m);
        }
        random_end(m, b, blocks);
    }
}

/* --- comparing ---------------------------------------------------------------------------------*/

static void random_cpu(struct maker *m, struct fake_cpu *cpu)
{
    memset(cpu, 0, sizeof(*cpu));
    for (unsigned i = 0; i < 8; i++) {
        cpu->x[i] = (uint64_t)interesting(m) + pick(m, 3);
        cpu->v[i].d[0] = m->random;
        cpu->v[i].d[1] = (uint64_t)interesting(m);
        cpu->other[i % 6] = pick(m, 100);
    }
    cpu->pc_page = 0x7000;
    cpu->nzcv = ir_nzcv_store(pick(m, 16));
    cpu->attention = pick(m, 8) == 0;
    cpu->fault_at = pick(m, 6);
}

static bool same_state(struct fake_cpu *a, struct fake_cpu *b)
{
    /* The rest state's undefined bits, and what is only scratch, may differ. */
    bool flags = ir_nzcv_load(a->nzcv) == ir_nzcv_load(b->nzcv);
    a->nzcv = b->nzcv = 0;
    memcpy(a->scratch, b->scratch, sizeof(a->scratch));
    a->second = b->second;
    return flags && memcmp(a, b, sizeof(*a)) == 0;
}

static void compare(struct maker *m, const struct ir *before, const struct ir *after, unsigned seed)
{
    static struct fake_cpu one, two;
    for (unsigned run = 0; run < 4; run++) {
        random_cpu(m, &one);
        two = one;
        struct ir_leave left = ir_interpret(before, &one, &fake_layout, &fake_runtime, helpers);
        struct ir_leave right = ir_interpret(after, &two, &fake_layout, &fake_runtime, helpers);
        if (left.how != right.how || left.target != right.target || !same_state(&one, &two)) {
            ir_print(before, helpers, stderr);
            fputs("--- optimised:\n", stderr);
            ir_print(after, helpers, stderr);
            fail_msg("seed %u: not the same", seed);
        }
    }
}

static void optimised_regions_mean_the_same(void **state)
{
    static const struct ir_opt_config configs[] = {{true, true}, {true, false}, {false, true}};
    struct ir *ir = ir_create();
    unsigned before = 0, after = 0;
    for (unsigned seed = 1; seed <= 30000; seed++) {
        struct maker m = {.ir = ir, .random = seed * 0x9e3779b97f4a7c15ull};
        char buf[200];
        random_region(&m);
        const char *wrong = ir_verify(ir, helpers, HELPERS, buf, sizeof(buf));
        if (wrong)
            fail_msg("seed %u: %s", seed, wrong);
        struct ir *copy = ir_clone(ir);
        ir_optimise(ir, &fake_layout, helpers, &configs[seed % 3]);
        wrong = ir_verify(ir, helpers, HELPERS, buf, sizeof(buf));
        if (wrong)
            fail_msg("seed %u, optimised: %s", seed, wrong);
        compare(&m, copy, ir, seed);
        before += copy->count;
        after += ir->count;
        ir_destroy(copy);
    }
    assert_true(after < before * 9 / 10);
    ir_destroy(ir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimised_regions_mean_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
