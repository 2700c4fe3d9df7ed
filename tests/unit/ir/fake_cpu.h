/* SPDX-License-Identifier: Apache-2.0 */
/* A small CPU state with guest memory of one page, to run regions on without an architecture. */
#ifndef TESTS_UNIT_IR_FAKE_CPU_H
#define TESTS_UNIT_IR_FAKE_CPU_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/ir/ir.h"

struct fake_cpu {
    uint64_t x[32];
    uint64_t pc_page, pc;
    uint16_t nzcv;
    uint16_t pad;
    uint32_t raised, attention, rstack_top;
    struct ir_fpenv fpenv;
    uint64_t other[6]; /* state outside the registers */
    union ir_value scratch[4];
    union ir_value second;
    union v128 v[32];
    struct ir_monitor monitor;
    /* from here on not CPU state */
    uint8_t memory[4096];
    uint64_t seen;     /* running hash of what memory operations and helpers could see */
    unsigned accesses; /* so far */
    unsigned fault_at; /* the access that faults, 0: none */
};

static const struct ir_layout fake_layout = {
    .pc_page = offsetof(struct fake_cpu, pc_page),
    .pc = offsetof(struct fake_cpu, pc),
    .nzcv = offsetof(struct fake_cpu, nzcv),
    .raised = offsetof(struct fake_cpu, raised),
    .attention = offsetof(struct fake_cpu, attention),
    .fpenv = offsetof(struct fake_cpu, fpenv),
    .scratch = offsetof(struct fake_cpu, scratch),
    .second = offsetof(struct fake_cpu, second),
    .rstack_top = offsetof(struct fake_cpu, rstack_top),
    .monitor = offsetof(struct fake_cpu, monitor),
    .x0 = offsetof(struct fake_cpu, x),
    .v0 = offsetof(struct fake_cpu, v),
};

static inline void fake_mix(struct fake_cpu *cpu, const void *bytes, size_t size)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < size; i++)
        cpu->seen = (cpu->seen ^ b[i]) * 0x100000001b3ull;
}

/* Everything that must be exact where state can be seen. */
static inline void fake_observe(struct fake_cpu *cpu)
{
    unsigned nzcv = ir_nzcv_load(cpu->nzcv);
    fake_mix(cpu, cpu->x, sizeof(cpu->x));
    fake_mix(cpu, cpu->v, sizeof(cpu->v));
    fake_mix(cpu, cpu->other, sizeof(cpu->other));
    fake_mix(cpu, &cpu->fpenv, sizeof(cpu->fpenv));
    fake_mix(cpu, &cpu->pc, sizeof(cpu->pc));
    fake_mix(cpu, &nzcv, sizeof(nzcv));
}

/* Starts an access; NULL if it faults. */
static inline uint8_t *fake_access(struct fake_cpu *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    fake_observe(cpu);
    fake_mix(cpu, &va, sizeof(va));
    fake_mix(cpu, &memop, sizeof(memop));
    fake_mix(cpu, &pgoff, sizeof(pgoff));
    if (++cpu->accesses == cpu->fault_at) {
        cpu->raised = 1;
        return NULL;
    }
    return &cpu->memory[va % (sizeof(cpu->memory) - 64)];
}

static inline uint64_t fake_ld(void *state, uint64_t va, uint32_t memop, int32_t pgoff)
{
    const uint8_t *p = fake_access(state, va, memop, pgoff);
    uint64_t x = 0;
    unsigned bytes = IR_MEM_BYTES(memop);
    if (p)
        memcpy(&x, p, bytes);
    if (memop & IR_MEM_SIGNED && bytes < 8)
        x = (uint64_t)((int64_t)(x << (64 - 8 * bytes)) >> (64 - 8 * bytes));
    return x;
}

static inline void fake_st(void *state, uint64_t va, uint64_t value, uint32_t memop, int32_t pgoff)
{
    uint8_t *p = fake_access(state, va, memop, pgoff);
    if (p)
        memcpy(p, &value, IR_MEM_BYTES(memop));
}

static inline uint64_t fake_ld2(void *state, uint64_t va, uint32_t memop, int32_t pgoff)
{
    struct fake_cpu *cpu = state;
    const uint8_t *p = fake_access(cpu, va, memop, pgoff);
    uint64_t x = 0;
    if (p) {
        cpu->second.x = 0;
        memcpy(&x, p, IR_MEM_BYTES(memop));
        memcpy(&cpu->second.x, p + IR_MEM_BYTES(memop), IR_MEM_BYTES(memop));
    }
    return x;
}

static inline void fake_st2(void *state, uint64_t va, uint64_t a, uint64_t b, uint32_t memop,
                            int32_t pgoff)
{
    uint8_t *p = fake_access(state, va, memop, pgoff);
    if (p) {
        memcpy(p, &a, IR_MEM_BYTES(memop));
        memcpy(p + IR_MEM_BYTES(memop), &b, IR_MEM_BYTES(memop));
    }
}

static inline void fake_ldv(void *state, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    struct fake_cpu *cpu = state;
    const uint8_t *p = fake_access(cpu, va, memop, pgoff);
    for (uint32_t i = 0; p && i < count; i++) {
        memset(&cpu->scratch[i], 0, sizeof(cpu->scratch[i]));
        memcpy(&cpu->scratch[i], p + i * IR_MEM_BYTES(memop), IR_MEM_BYTES(memop));
    }
}

static inline void fake_stv(void *state, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    struct fake_cpu *cpu = state;
    uint8_t *p = fake_access(cpu, va, memop, pgoff);
    for (uint32_t i = 0; p && i < count; i++)
        memcpy(p + i * IR_MEM_BYTES(memop), &cpu->scratch[i + 1], IR_MEM_BYTES(memop));
}

static inline void fake_probe(void *state, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t len)
{
    fake_access(state, va, memop, pgoff);
}

static inline void fake_zero(void *state, uint64_t va, uint64_t named, int32_t pgoff)
{
    uint8_t *p = fake_access(state, va, 0, pgoff);
    if (p)
        memset(p, 0, IR_ZERO_BYTES);
}

static inline uint64_t fake_atom(void *state, uint64_t va, uint64_t b, uint32_t memop,
                                 int32_t pgoff, uint32_t kind)
{
    uint8_t *p = fake_access(state, va, memop, pgoff);
    uint64_t old = 0;
    if (p) {
        memcpy(&old, p, IR_MEM_BYTES(memop));
        uint64_t sum = kind == IR_ATOM_SWP ? b : old + b;
        memcpy(p, &sum, IR_MEM_BYTES(memop));
    }
    return old;
}

static inline uint64_t fake_cas(void *state, uint64_t va, uint64_t b, uint64_t c, uint32_t memop,
                                int32_t pgoff)
{
    uint8_t *p = fake_access(state, va, memop, pgoff);
    uint64_t old = 0;
    if (p) {
        memcpy(&old, p, IR_MEM_BYTES(memop));
        if (old == b)
            memcpy(p, &c, IR_MEM_BYTES(memop));
    }
    return old;
}

static inline uint64_t fake_ldx(void *state, uint64_t va, uint32_t memop, int32_t pgoff,
                                uint32_t pair)
{
    struct fake_cpu *cpu = state;
    cpu->monitor.addr = va;
    return pair ? fake_ld2(state, va, memop, pgoff) : fake_ld(state, va, memop, pgoff);
}

static inline uint64_t fake_stx(void *state, uint64_t va, uint64_t a, uint64_t b, uint32_t memop,
                                int32_t pgoff, uint32_t pair)
{
    struct fake_cpu *cpu = state;
    bool mine = cpu->monitor.addr == va;
    cpu->monitor.addr = ~0ull;
    if (mine && pair)
        fake_st2(state, va, a, b, memop, pgoff);
    else if (mine)
        fake_st(state, va, a, memop, pgoff);
    return !mine;
}

static const struct ir_runtime fake_runtime = {
    .ld = fake_ld,
    .st = fake_st,
    .ld2 = fake_ld2,
    .st2 = fake_st2,
    .ldv = fake_ldv,
    .stv = fake_stv,
    .probe = fake_probe,
    .zero = fake_zero,
    .atom = fake_atom,
    .cas = fake_cas,
    .ldx = fake_ldx,
    .stx = fake_stx,
};

#endif
