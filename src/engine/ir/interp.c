/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference interpreter of a region. Pure and floating-point operations are their evaluators;
 * memory goes through the runtime's services only, so that this is also the definition of what the
 * fast paths of an emitter must come to.
 */
#include <stdatomic.h>
#include <string.h>

#include "ir.h"

struct interp {
    const struct ir *ir;
    uint8_t *cpu;
    const struct ir_layout *layout;
    const struct ir_runtime *runtime;
    const struct ir_helper *helpers;
    union ir_value *value; /* by instruction */
    union ir_value second; /* for `hi` and `hiv` */
    int32_t pgoff;         /* of the guest instruction being run */
};

static uint64_t state64(const struct interp *in, int64_t offset)
{
    uint64_t x;
    memcpy(&x, in->cpu + offset, sizeof(x));
    return x;
}

/* Other threads set attention and interrupt lines. */
static uint32_t state32(const struct interp *in, int64_t offset)
{
    const void *p = in->cpu + offset;
    return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
}

static uint64_t address(const struct interp *in, int64_t pgoff)
{
    return state64(in, in->layout->pc_page) + (uint64_t)pgoff;
}

static void set_pc(struct interp *in, uint64_t pc)
{
    memcpy(in->cpu + in->layout->pc, &pc, sizeof(pc));
}

static bool raised(const struct interp *in)
{
    return state32(in, in->layout->raised) != 0;
}

static uint64_t arg_x(const struct interp *in, const struct ir_insn *insn, unsigned n)
{
    return insn->arg[n] == IR_NONE ? 0 : in->value[insn->arg[n]].x;
}

/* An integer of the instruction's type: services see i32 zero-extended. */
static uint64_t arg_i(const struct interp *in, const struct ir_insn *insn, unsigned n)
{
    uint64_t x = arg_x(in, insn, n);
    return insn->type == IR_I64 ? x : (uint32_t)x;
}

static struct ir_leave leave(struct interp *in, enum ir_left how, uint64_t target)
{
    set_pc(in, target);
    return (struct ir_leave){how, target};
}

/* Of a missing argument: some value or other, that nobody looks at. */
static const union ir_value *argument(const struct interp *in, ir_ref ref)
{
    return &in->value[ref % IR_MAX_INSNS];
}

/* Integers and flags are copied as such: a 16-byte load right after an 8-byte store of its half
 * would wait for the store to drain. */
static void evaluate(struct interp *in, const struct ir_insn *insn, unsigned index)
{
    ir_eval_fn *eval = ir_eval_table[insn->op];
    uint32_t attr = insn->type | (uint32_t)insn->aux << 8;
    union ir_value v[4];
    if (ir_op_info[insn->op].vectors) {
        struct ir_fpenv *env = (struct ir_fpenv *)(in->cpu + in->layout->fpenv);
        v[1] = *argument(in, insn->arg[0]);
        v[2] = *argument(in, insn->arg[1]);
        v[3] = *argument(in, insn->arg[2]);
        eval(v, insn->imm, attr, env);
        in->value[index] = v[0];
    } else {
        v[1].x = argument(in, insn->arg[0])->x;
        v[2].x = argument(in, insn->arg[1])->x;
        v[3].x = argument(in, insn->arg[2])->x;
        eval(v, insn->imm, attr, NULL);
        in->value[index].x = v[0].x;
    }
}

/* --- CPU state and markers ---------------------------------------------------------------------*/

static void run_state(struct interp *in, const struct ir_insn *insn, unsigned index)
{
    union ir_value *result = &in->value[index];
    /* For some rows imm is not an offset at all: no pointer arithmetic before that is known. */
    uint8_t *field = (uint8_t *)((uintptr_t)in->cpu + (uintptr_t)insn->imm);
    switch (insn->op) {
    case IR_GET8:
        result->x = *field;
        break;
    case IR_PUT8:
        *field = (uint8_t)in->value[insn->arg[0]].x;
        break;
    case IR_GETV:
        memcpy(result, field, 16);
        break;
    case IR_PUTV:
        memcpy(field, &in->value[insn->arg[0]], 16);
        break;
    case IR_GETF: {
        uint16_t rest;
        memcpy(&rest, in->cpu + in->layout->nzcv, sizeof(rest));
        result->x = ir_nzcv_load(rest);
        break;
    }
    case IR_PUTF: {
        uint16_t rest = ir_nzcv_store((unsigned)in->value[insn->arg[0]].x);
        memcpy(in->cpu + in->layout->nzcv, &rest, sizeof(rest));
        break;
    }
    case IR_PCREL:
        result->x = address(in, insn->imm);
        break;
    }
}

/* --- guest memory ------------------------------------------------------------------------------*/

static void load_second(struct interp *in)
{
    memcpy(&in->second, in->cpu + in->layout->second, sizeof(in->second));
}

static void load_vectors(struct interp *in, uint64_t va, const struct ir_insn *insn,
                         union ir_value *result, unsigned count)
{
    const union ir_value *scratch = (union ir_value *)(in->cpu + in->layout->scratch);
    in->runtime->ldv(in->cpu, va, insn->aux & ~IR_MEM_HINTS, in->pgoff, count);
    *result = scratch[0];
    if (count == 2)
        in->second = scratch[1];
}

static void store_vectors(struct interp *in, uint64_t va, const struct ir_insn *insn,
                          unsigned count)
{
    union ir_value *scratch = (union ir_value *)(in->cpu + in->layout->scratch);
    for (unsigned k = 1; k <= count; k++)
        scratch[k] = in->value[insn->arg[k]];
    in->runtime->stv(in->cpu, va, insn->aux & ~IR_MEM_HINTS, in->pgoff, count);
}

/* False when the access took an exception. */
static bool run_mem(struct interp *in, const struct ir_insn *insn, unsigned index)
{
    const struct ir_runtime *rt = in->runtime;
    uint64_t va = in->value[insn->arg[0]].x, b = arg_i(in, insn, 1), c = arg_i(in, insn, 2);
    union ir_value *result = &in->value[index];
    uint32_t memop = insn->aux & ~IR_MEM_HINTS;

    set_pc(in, address(in, in->pgoff));
    switch (insn->op) {
    case IR_LD:
        result->x = rt->ld(in->cpu, va, memop, in->pgoff);
        break;
    case IR_ST:
        rt->st(in->cpu, va, b, memop, in->pgoff);
        break;
    case IR_LD2:
        result->x = rt->ld2(in->cpu, va, memop, in->pgoff);
        load_second(in);
        break;
    case IR_ST2:
        rt->st2(in->cpu, va, b, c, memop, in->pgoff);
        break;
    case IR_LDV:
    case IR_LDV2:
        load_vectors(in, va, insn, result, insn->op == IR_LDV2 ? 2 : 1);
        break;
    case IR_STV:
    case IR_STV2:
        store_vectors(in, va, insn, insn->op == IR_STV2 ? 2 : 1);
        break;
    case IR_PROBE:
        rt->probe(in->cpu, va, memop, in->pgoff, (uint32_t)insn->imm);
        break;
    case IR_ZERO:
        rt->zero(in->cpu, va, b, in->pgoff);
        break;
    case IR_ATOM:
        result->x = rt->atom(in->cpu, va, b, memop, in->pgoff, (uint32_t)insn->imm);
        break;
    case IR_CAS:
        result->x = rt->cas(in->cpu, va, b, c, memop, in->pgoff);
        break;
    case IR_LDX:
    case IR_LDX2:
        result->x = rt->ldx(in->cpu, va, memop, in->pgoff, insn->op == IR_LDX2);
        load_second(in);
        break;
    case IR_STX:
    case IR_STX2:
        result->x = rt->stx(in->cpu, va, b, c, memop, in->pgoff, insn->op == IR_STX2);
        break;
    }
    return !raised(in);
}

/* --- helpers and the rest ----------------------------------------------------------------------*/

/* False when the helper took an exception. */
static bool run_call(struct interp *in, const struct ir_insn *insn, unsigned index)
{
    const struct ir_helper *helper = &in->helpers[insn->imm];
    if (helper->flags & IR_HELPER_RAISES)
        set_pc(in, address(in, in->pgoff));
    if (insn->op == IR_CALL) {
        in->value[index].x =
            helper->fn(in->cpu, arg_x(in, insn, 0), arg_x(in, insn, 1), arg_x(in, insn, 2));
    } else {
        union v128 v[4] = {{{0}}};
        for (unsigned k = 0; k < 3; k++) {
            if (insn->arg[k] != IR_NONE)
                v[k + 1] = in->value[insn->arg[k]].v;
        }
        helper->fnv(in->cpu, v, insn->aux);
        in->value[index].v = v[0];
    }
    return !(helper->flags & IR_HELPER_RAISES) || !raised(in);
}

static void fence(unsigned kind)
{
    switch (kind) {
    case IR_FENCE_LOAD:
        atomic_thread_fence(memory_order_acquire);
        break;
    case IR_FENCE_STORE:
        atomic_thread_fence(memory_order_release);
        break;
    default:
        atomic_thread_fence(memory_order_seq_cst);
        break;
    }
}

static bool has_attention(const struct interp *in)
{
    _Atomic uint32_t *attention = (_Atomic uint32_t *)(in->cpu + in->layout->attention);
    return atomic_load_explicit(attention, memory_order_relaxed) != 0;
}

/* False when the region is to be left for `poll`. */
static bool run_misc(struct interp *in, const struct ir_insn *insn, unsigned index)
{
    switch (insn->op) {
    case IR_HI:
    case IR_HIV:
        in->value[index] = in->second;
        break;
    case IR_FENCE:
        fence(insn->aux);
        break;
    case IR_POLL:
        return !has_attention(in);
    default: /* pushret: the return stack is an emitter's affair */
        break;
    }
    return true;
}

/* Whether a side exit is taken, with *left set. */
static bool run_side(struct interp *in, const struct ir_insn *insn, struct ir_leave *left)
{
    uint64_t a = arg_i(in, insn, 0);
    unsigned what = IR_SIDE_WHAT(insn->aux);
    bool taken;
    switch (insn->op) {
    case IR_SIDEF:
        taken = ir_cond_holds(what, (unsigned)a & 15);
        break;
    case IR_SIDEZ:
    case IR_SIDENZ:
        taken = (a == 0) == (insn->op == IR_SIDEZ);
        break;
    default:
        taken = (a >> what & 1) == (insn->op == IR_SIDESET);
        break;
    }
    if (taken)
        *left = leave(
            in, insn->aux & IR_SIDE_POLL && has_attention(in) ? IR_LEFT_ATTENTION : IR_LEFT_DIRECT,
            address(in, insn->imm));
    return taken;
}

/* Takes a branch to another block (returns its number) or leaves (returns -1 with *left set). */
static int run_control(struct interp *in, const struct ir_insn *insn, struct ir_leave *left)
{
    int taken = (int)(insn->imm & 0xffffffff), other = (int)(insn->imm >> 32);
    uint64_t a = arg_i(in, insn, 0);
    switch (insn->op) {
    case IR_BR:
        return taken;
    case IR_BRF:
        return ir_cond_holds(insn->aux, (unsigned)a & 15) ? taken : other;
    case IR_BRZ:
        return a == 0 ? taken : other;
    case IR_BRNZ:
        return a != 0 ? taken : other;
    case IR_BRBIT:
        return a >> insn->aux & 1 ? taken : other;
    case IR_EXIT:
        *left = leave(in, IR_LEFT_DIRECT, address(in, insn->imm));
        return -1;
    case IR_EXITR:
        if (IR_JUMP_LANDING(insn->aux))
            in->cpu[in->layout->landing] = (uint8_t)IR_JUMP_LANDING(insn->aux);
        *left = leave(in, IR_LEFT_INDIRECT, arg_x(in, insn, 0));
        return -1;
    case IR_EXITS:
        *left = leave(in, IR_LEFT_STATE, address(in, insn->imm));
        return -1;
    default: /* exitx */
        *left = (struct ir_leave){IR_LEFT_STATE, state64(in, in->layout->pc)};
        return -1;
    }
}

/* Anything but what ir_interpret() does itself. False to leave, with *left set. */
static bool run_other(struct interp *in, const struct ir_insn *insn, unsigned index,
                      struct ir_leave *left)
{
    bool raises = false;
    switch (ir_op_info[insn->op].klass) {
    case IR_STATE:
        run_state(in, insn, index);
        break;
    case IR_MEM:
        raises = !run_mem(in, insn, index);
        break;
    default:
        if (insn->op == IR_CALL || insn->op == IR_CALLV) {
            raises = !run_call(in, insn, index);
        } else if (ir_is_side(insn->op)) {
            return !run_side(in, insn, left);
        } else if (!run_misc(in, insn, index)) {
            *left = leave(in, IR_LEFT_ATTENTION, address(in, insn->imm));
            return false;
        }
        break;
    }
    if (raises)
        *left = (struct ir_leave){IR_LEFT_RAISED, state64(in, in->layout->pc)};
    return !raises;
}

struct ir_leave ir_interpret(const struct ir *ir, void *cpu, const struct ir_layout *layout,
                             const struct ir_runtime *runtime, const struct ir_helper *helpers)
{
    union ir_value value[IR_MAX_INSNS]; /* only what runs is touched */
    struct interp in = {.ir = ir,
                        .cpu = cpu,
                        .layout = layout,
                        .runtime = runtime,
                        .helpers = helpers,
                        .value = value,
                        .pgoff = ir->block[0].pgoff};
    struct ir_leave left;
    unsigned i = ir->block[0].first;
    for (;; i++) {
        const struct ir_insn *insn = &ir->insn[i];
        switch (insn->op) { /* what is most frequent needs one look-up only */
        case IR_CONST:
            value[i].x = (uint64_t)insn->imm;
            continue;
        case IR_INSN:
            in.pgoff = (int32_t)insn->imm;
            continue;
        case IR_GET:
            value[i].x = insn->type == IR_I64 ? state64(&in, insn->imm) : state32(&in, insn->imm);
            continue;
        case IR_PUT:
            memcpy(in.cpu + insn->imm, &value[insn->arg[0]], insn->type == IR_I64 ? 8 : 4);
            continue;
        default:
            break;
        }
        unsigned klass = ir_op_info[insn->op].klass;
        if (klass == IR_PURE || klass == IR_FP) {
            evaluate(&in, insn, i);
        } else if (klass == IR_CTL) {
            int block = run_control(&in, insn, &left);
            if (block < 0)
                return left;
            i = ir->block[block].first - 1u;
        } else if (!run_other(&in, insn, i, &left)) {
            return left;
        }
    }
}
