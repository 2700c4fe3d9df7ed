/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions through the x86-64 back end, without an engine: every branch out of a region leaves, so
 * that the caller translates the next one. Half of the runs are of code that was moved: compiled by
 * a second instance elsewhere, detached, and attached where it runs.
 */
#include "insn_x64.h"

#include <stdlib.h>
#include <string.h>

#include "arm/cpu.h"
#include "engine/front/front.h"
#include "engine/x64/x64.h"
#include "host/codemem.h"

enum { CODE_SIZE = 4 << 20, TLB_ENTRIES = 64, MOVED_MAX = 256 << 10 };

struct insn_x64 {
    struct x64 *x64, *other;
    struct codemem memory;
    size_t used; /* by the thunks of both */
    uint8_t detached[2][MOVED_MAX];
    void **empty_table;
    struct ir_tlb_entry tlb[TLB_ENTRIES] __attribute__((aligned(64)));
    struct ir_itlb_entry itlb[1] __attribute__((aligned(64)));
    unsigned runs;        /* odd: the TLB knows the data */
    struct x64_code code; /* what was compiled last */
    unsigned compiled;    /* odd: the code runs where it was made, else it is moved */
};

static void *leave_at(void *cpu, uint64_t va)
{
    ((struct arm_cpu *)cpu)->pc = va;
    return NULL;
}

/* By which link is for insn_x64_run; nobody here looks at the CPU's number. */
static void *leave_link(void *cpu, uint64_t va, uint32_t link)
{
    ((struct arm_cpu *)cpu)->index = link + 1;
    return leave_at(cpu, va);
}

static bool host_has(enum x64_level level)
{
    struct x64_host host;
    x64_probe(X64_V4, &host);
    return host.level >= level;
}

struct insn_x64 *insn_x64_create(unsigned level, unsigned without, const struct ir_runtime *runtime)
{
    struct insn_x64 *t = aligned_alloc(64, (sizeof(*t) + 63) & ~63ul);
    if (!t || !host_has((enum x64_level)level)) {
        free(t);
        return NULL;
    }
    memset(t, 0, sizeof(*t));
    if (codemem_create(&t->memory, CODE_SIZE, NULL)) {
        free(t);
        return NULL;
    }
    struct x64_config config = {.layout = &a64_layout,
                                .runtime = runtime,
                                .helpers = a64_helpers,
                                .nhelpers = a64_nhelpers,
                                .callbacks = {.lookup = leave_at, .link = leave_link},
                                .whole_pairs = level != 1,
                                .rw = t->memory.rw,
                                .rx = t->memory.rx,
                                .without = without,
                                .room = CODE_SIZE};
    x64_probe((enum x64_level)level, &config.host);
    size_t first, second;
    if (x64_create(&config, &t->x64, &first, NULL))
        goto fail;
    config.rw += first;
    config.rx += first;
    if (x64_create(&config, &t->other, &second, NULL))
        goto fail;
    t->used = (first + second + 63) & ~(size_t)63;
    return t;

fail:
    insn_x64_destroy(t);
    return NULL;
}

void insn_x64_destroy(struct insn_x64 *t)
{
    if (!t)
        return;
    if (t->x64)
        x64_destroy(t->x64);
    if (t->other)
        x64_destroy(t->other);
    codemem_destroy(&t->memory);
    free(t);
}

static void map_data(struct insn_x64 *t, struct arm_cpu *cpu, uint64_t data_va, uint8_t *data,
                     enum insn_area area)
{
    for (unsigned i = 0; i < TLB_ENTRIES; i++)
        t->tlb[i] = (struct ir_tlb_entry){.rtag = 1, .wtag = 1};
    t->itlb[0] = (struct ir_itlb_entry){.tag = 1, .open = 1};
    t->runs++;
    for (unsigned page = 0; page < 2 && t->runs & 1; page++) {
        uint64_t va = data_va + page * IR_PAGE_SIZE;
        if (page && area == INSN_HOLE)
            continue;
        t->tlb[va >> IR_PAGE_BITS & (TLB_ENTRIES - 1)] =
            (struct ir_tlb_entry){.rtag = va,
                                  .wtag = page && area == INSN_READ_ONLY ? 1 : va,
                                  .addend = (uint64_t)data + 2 * page * IR_PAGE_SIZE - va};
    }
    cpu->tlb = t->tlb;
    cpu->tlb_mask = (TLB_ENTRIES - 1) * sizeof(struct ir_tlb_entry);
    cpu->itlb = t->itlb;
    cpu->itlb_mask = 0;
    for (unsigned i = 0; i < IR_RSTACK; i++)
        cpu->rstack[i].va = 1;
    cpu->rstack_top = 0;
}

static bool compile(struct x64 *x64, const struct ir *ir, uint8_t *rw, uint8_t *rx, size_t room,
                    struct x64_code *code, uint8_t *detached)
{
    return !x64_compile(x64, ir, rw, rx, room, 0, code) && code->size <= MOVED_MAX &&
           x64_detach(x64, code, rw, rx, detached);
}

/* Detached code must not tell who compiled it, where. */
static bool move(struct insn_x64 *t, const struct ir *ir, uint8_t *rw, uint8_t *rx)
{
    struct x64_code same, *code = &t->code;
    size_t half = (CODE_SIZE - t->used) / 2, at = 4096 + 16;
    if (!compile(t->x64, ir, rw, rx, half, &same, t->detached[0]) ||
        !compile(t->other, ir, rw + at, rx + at, half, code, t->detached[1]) ||
        code->size != same.size || memcmp(t->detached[0], t->detached[1], code->size) ||
        memcmp(code->far, same.far, code->fars * sizeof(code->far[0])))
        return false;
    memset(rw, 0xcc, code->size);
    memcpy(rw, t->detached[1], code->size);
    return x64_attach(t->x64, code, rw, rx, 0);
}

int insn_x64_compile(struct insn_x64 *t, struct ir *ir)
{
    ir_count_uses(ir);
    uint8_t *rw = t->memory.rw + t->used, *rx = t->memory.rx + t->used;
    if (++t->compiled & 1)
        return x64_compile(t->x64, ir, rw, rx, CODE_SIZE - t->used, 0, &t->code);
    return move(t, ir, rw, rx) ? 0 : -1;
}

bool insn_x64_run(struct insn_x64 *t, struct arm_cpu *cpu, uint64_t data_va, uint8_t *data,
                  enum insn_area area)
{
    map_data(t, cpu, data_va, data, area);
    cpu->index = 0;
    x64_thunks(t->x64)->enter(cpu, t->memory.rx + t->used);
    return cpu->index && t->code.link[cpu->index - 1].careful;
}
