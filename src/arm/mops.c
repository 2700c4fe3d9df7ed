/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory copies and sets: option A of the manual's two algorithms (C6.1.1.1; J1.1 MemCpy..,
 * MemSet..). Between the three instructions of a copy the registers hold
 *   forwards   Xd and Xs the ends of both areas, Xn minus the bytes that are left
 *   backwards  Xd and Xs their beginnings, Xn the bytes that are left
 * and NZCV is zero. The prologue works up to the nearest end of a page, the main part leaves less
 * than a page to the epilogue. Wherever an access faults, the registers say what is left.
 */
#include "arm/mops.h"

#include "arm/cpu.h"
#include "arm/exception.h"
#include "base/bits.h"

enum { PAGE = 4096, AT_ONCE = 256 << 10 /* before a look at what else there is to do */ };
enum stage { PROLOGUE, MAIN, EPILOGUE };

struct op {
    struct arm_cpu *cpu;
    bool set, forward_only;
    enum stage stage;
    unsigned options, d, s, n;
};

static struct op decode(struct arm_cpu *cpu, uint32_t insn)
{
    unsigned op1 = (unsigned)bits(insn, 23, 22);
    bool set = op1 == 3;

    return (struct op){
        .cpu = cpu,
        .set = set,
        .forward_only = !bit(insn, 26),
        .stage = (enum stage)(set ? bits(insn, 15, 14) : op1),
        .options = (unsigned)(set ? bits(insn, 13, 12) : bits(insn, 15, 12)),
        .d = (unsigned)bits(insn, 4, 0),
        .s = (unsigned)bits(insn, 20, 16),
        .n = (unsigned)bits(insn, 9, 5),
    };
}

/* ISS of a memory copy or set exception (manual D19.2.37). */
static bool mismatch(const struct op *op, bool wrong_option)
{
    uint32_t iss = (uint32_t)op->set << 24 | op->options << 19 |
                   (uint32_t)(op->stage == EPILOGUE) << 18 | (uint32_t)wrong_option << 17 |
                   1u << 16 | op->d << 10 | op->s << 5 | op->n;

    arm_take_sync(op->cpu, ARM_EC_MOPS, iss, false, 0);
    return true;
}

/* Does len bytes: upwards from the addresses, or down to them. How many were done; fewer: fault. */
static uint64_t work(const struct op *op, uint64_t to, uint64_t from, uint64_t len, bool backward)
{
    struct arm_cpu *cpu = op->cpu;
    const struct arm_engine_ops *engine = cpu->engine_ops;

    if (!len)
        return 0;
    if (op->set)
        return engine->mem_set(cpu, to, op->s == 31 ? 0 : (uint8_t)cpu->x[op->s], len,
                               op->options & 1);
    return engine->mem_copy(cpu, to, from, len, backward, op->options & 3);
}

/* Bytes up to the next page, or down to the last. */
static uint64_t in_page(uint64_t va, bool backward)
{
    return backward ? ((va - 1) & (PAGE - 1)) + 1 : PAGE - (va & (PAGE - 1));
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* CPYP decides by whether the areas overlap, tags aside; if they do not, either way will do. */
static bool goes_backward(const struct op *op, uint64_t to, uint64_t from, uint64_t size)
{
    uint64_t t = to & ones(56), f = from & ones(56);

    return !op->set && !op->forward_only && f < t && f + size > t;
}

static uint64_t largest(const struct op *op)
{
    return op->set || op->forward_only ? (uint64_t)INT64_MAX : ones(55);
}

static bool prologue(const struct op *op)
{
    uint64_t *x = op->cpu->x, to = x[op->d], from = op->set ? 0 : x[op->s];
    uint64_t size = least(x[op->n], largest(op)), first, done;
    bool backward = goes_backward(op, to, from, size);

    first = least(size, in_page(backward ? to + size : to, backward));
    if (!op->set)
        first = least(first, in_page(backward ? from + size : from, backward));
    done = backward ? work(op, to + size - first, from + size - first, first, true)
                    : work(op, to, from, first, false);
    size -= done;
    if (!backward) {
        to += done;
        from += done;
    }
    if (done == first && !backward) { /* else it may be executed once more, from the beginning */
        to += size;
        from += size;
        size = 0 - size;
    }
    x[op->d] = to;
    if (!op->set)
        x[op->s] = from;
    x[op->n] = size;
    if (done == first)
        arm_set_nzcv(op->cpu, 0);
    return true;
}

/* The main part down to less than a page, the epilogue all. */
static bool proceed(const struct op *op)
{
    struct arm_cpu *cpu = op->cpu;
    uint64_t *x = cpu->x, to = x[op->d], from = op->set ? 0 : x[op->s];
    bool backward = !op->set && !op->forward_only && (int64_t)x[op->n] > 0;
    uint64_t left = backward ? x[op->n] : 0 - x[op->n], part, done;

    if (!left)
        return true;
    if (arm_nzcv(cpu) & 2)
        return mismatch(op, true);
    /* Not what a prologue leaves: another implementation's, perhaps. */
    if ((int64_t)left < 0 || (op->stage == EPILOGUE && left >= PAGE))
        return mismatch(op, false);
    while (left >= PAGE || (op->stage == EPILOGUE && left)) {
        part = op->stage == EPILOGUE ? left : least(left - left % PAGE, AT_ONCE);
        done = backward ? work(op, to + left - part, from + left - part, part, true)
                        : work(op, to - left, from - left, part, false);
        left -= done;
        x[op->n] = backward ? left : 0 - left;
        if (done < part)
            return true;
        if (left >= PAGE && atomic_load_explicit(&cpu->attention, memory_order_relaxed))
            return false;
    }
    return true;
}

bool arm_mops(struct arm_cpu *cpu, uint32_t insn)
{
    const struct op op = decode(cpu, insn);

    return op.stage == PROLOGUE ? prologue(&op) : proceed(&op);
}
