/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of the instruction tests: a PE with a flat memory of one test's data area and code, no
 * MMU and no engine. Regions are translated from the test's code page as an engine would, one
 * after the other, until the block's end.
 */
#include "insn.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "arm/cpu.h"
#include "arm/exception.h"
#include "base/bits.h"
#include "engine/front/front.h"
#include "engine/ir/ir.h"
#include "insn_x64.h"

const char *const insn_how_name[INSN_HOWS] = {"interpreter", "optimised", "x64 v2", "x64 v3",
                                              "x64 v4"};

/* As Linux sets up EL0. */
enum { MODE = FRONT_DZE | FRONT_UCT | FRONT_UCI | FRONT_NTWI | FRONT_NTWE };

struct insn_machine {
    struct arm_cpu cpu; /* first: services get its address */
    struct arm_features features;
    struct ir *ir;
    uint64_t data_va;
    uint64_t code_va, code_end; /* the block */
    uint32_t mode;              /* FRONT_*, but for FRONT_FPCR */
    uint64_t missed;            /* first access outside */
    bool failed;                /* IR that does not verify, and the like */
    uint8_t page[IR_PAGE_SIZE];
    uint8_t data[IR_PAGE_SIZE] __attribute__((aligned(4096)));
    struct insn_x64 *x64[3];
};

/* ---- memory services --------------------------------------------------------------------------*/

static struct insn_machine *machine_of(void *cpu)
{
    return cpu;
}

/* The bytes of an access, or NULL after noting the fault. */
static uint8_t *reach(struct insn_machine *m, uint64_t va, unsigned bytes, uint32_t memop)
{
    bool aligned = !(memop & IR_MEM_ALIGN) || va % bytes == 0;
    if (bytes <= INSN_DATA && va - m->data_va <= INSN_DATA - bytes && aligned)
        return m->data + m->data_va % IR_PAGE_SIZE + (va - m->data_va);
    if (!m->cpu.raised)
        m->missed = va;
    m->cpu.raised = 1;
    return NULL;
}

static uint64_t load(const uint8_t *p, uint32_t memop)
{
    unsigned size = IR_MEM_BYTES(memop);
    uint64_t v = memop & IR_MEM_BE ? ld_be(p, size) : ld_le(p, size);
    return memop & IR_MEM_SIGNED ? (uint64_t)sext64(v, 8 * size) : v;
}

static void store(uint8_t *p, uint64_t v, uint32_t memop)
{
    if (memop & IR_MEM_BE)
        st_be(p, IR_MEM_BYTES(memop), v);
    else
        st_le(p, IR_MEM_BYTES(memop), v);
}

/* Literals lie in the block itself. */
static const uint8_t *literal(const struct insn_machine *m, uint64_t va, unsigned bytes)
{
    uint64_t at = va - m->cpu.pc_page;
    bool inside = va >= m->code_va && va + bytes <= m->code_end && at <= IR_PAGE_SIZE - bytes;
    return inside ? m->page + at : NULL;
}

static uint64_t flat_ld(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    const uint8_t *code = literal(machine_of(cpu), va, IR_MEM_BYTES(memop));
    if (code)
        return load(code, memop);
    const uint8_t *p = reach(machine_of(cpu), va, IR_MEM_BYTES(memop), memop);
    return p ? load(p, memop) : 0;
}

static void flat_st(void *cpu, uint64_t va, uint64_t value, uint32_t memop, int32_t pgoff)
{
    uint8_t *p = reach(machine_of(cpu), va, IR_MEM_BYTES(memop), memop);
    if (p)
        store(p, value, memop);
}

static uint64_t flat_ld2(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    struct insn_machine *m = machine_of(cpu);
    unsigned size = IR_MEM_BYTES(memop);
    const uint8_t *p = reach(m, va, 2 * size, memop);
    if (!p)
        return 0;
    m->cpu.second.d[0] = load(p + size, memop);
    return load(p, memop);
}

static void flat_st2(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop, int32_t pgoff)
{
    unsigned size = IR_MEM_BYTES(memop);
    uint8_t *p = reach(machine_of(cpu), va, 2 * size, memop);
    if (p) {
        store(p, a, memop);
        store(p + size, b, memop);
    }
}

static void copy_element(uint8_t *to, const uint8_t *from, unsigned size, uint32_t memop)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = from[memop & IR_MEM_BE ? size - 1 - i : i];
}

static void flat_ldv(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    struct insn_machine *m = machine_of(cpu);
    unsigned size = IR_MEM_BYTES(memop);
    const uint8_t *p = reach(m, va, count * size, memop);
    for (unsigned i = 0; p && i < count; i++) {
        m->cpu.scratch[i] = (union v128){.d = {0, 0}};
        copy_element(m->cpu.scratch[i].b, p + i * size, size, memop);
    }
}

static void flat_stv(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    struct insn_machine *m = machine_of(cpu);
    unsigned size = IR_MEM_BYTES(memop);
    uint8_t *p = reach(m, va, count * size, memop);
    for (unsigned i = 0; p && i < count; i++)
        copy_element(p + i * size, m->cpu.scratch[1 + i].b, size, memop);
}

static void flat_probe(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t len)
{
    reach(machine_of(cpu), va, len, 0);
}

static uint64_t flat_atom(void *cpu, uint64_t va, uint64_t b, uint32_t memop, int32_t pgoff,
                          uint32_t kind)
{
    uint8_t *p = reach(machine_of(cpu), va, IR_MEM_BYTES(memop), memop);
    if (!p)
        return 0;
    uint64_t old = load(p, memop);
    store(p, ir_atom_result(kind, old, b, 8 * IR_MEM_BYTES(memop)), memop);
    return old;
}

static uint64_t flat_cas(void *cpu, uint64_t va, uint64_t b, uint64_t c, uint32_t memop,
                         int32_t pgoff)
{
    uint8_t *p = reach(machine_of(cpu), va, IR_MEM_BYTES(memop), memop);
    if (!p)
        return 0;
    uint64_t old = load(p, memop);
    if (old == (b & ones(8 * IR_MEM_BYTES(memop))))
        store(p, c, memop);
    return old;
}

static uint64_t flat_ldx(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t pair)
{
    struct insn_machine *m = machine_of(cpu);
    unsigned size = IR_MEM_BYTES(memop);
    const uint8_t *p = reach(m, va, size << (pair ? 1 : 0), memop);
    if (!p)
        return 0;
    m->cpu.monitor[0] = va;
    m->cpu.monitor[1] = size << (pair ? 1 : 0);
    if (pair)
        m->cpu.second.d[0] = load(p + size, memop);
    return load(p, memop);
}

static uint64_t flat_stx(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop,
                         int32_t pgoff, uint32_t pair)
{
    struct insn_machine *m = machine_of(cpu);
    unsigned size = IR_MEM_BYTES(memop), bytes = size << (pair ? 1 : 0);
    uint8_t *p = reach(m, va, bytes, memop);
    bool held = m->cpu.monitor[0] == va && m->cpu.monitor[1] == bytes;
    if (!p)
        return 1;
    m->cpu.monitor[0] = ~0ull;
    if (!held)
        return 1;
    store(p, a, memop);
    if (pair)
        store(p + size, b, memop);
    return 0;
}

static const struct ir_runtime runtime = {
    flat_ld,    flat_st,   flat_ld2, flat_st2, flat_ldv, flat_stv,
    flat_probe, flat_atom, flat_cas, flat_ldx, flat_stx,
};

/* ---- an engine that offers nothing ------------------------------------------------------------*/

static void nothing(struct arm_cpu *cpu)
{
}

static void no_wait(struct arm_cpu *cpu, uint64_t timeout_ns)
{
}

static const struct arm_engine_ops engine_ops = {
    .context_changed = nothing,
    .dsb = nothing,
    .isb = nothing,
    .wfi = nothing,
    .wfe = no_wait,
    .debug_changed = nothing,
    .kick = nothing,
    .sev = nothing,
};

struct insn_machine *insn_machine_create(bool big_endian)
{
    struct insn_machine *m = aligned_alloc(4096, align_up(sizeof(*m), 4096));
    if (!m)
        return NULL;
    memset(m, 0, sizeof(*m));
    m->features = (struct arm_features){.model = "max", .have = ~0ull, .gic = 3};
    m->cpu.features = &m->features;
    m->cpu.engine_ops = &engine_ops;
    m->mode = MODE | (big_endian ? FRONT_BE : 0);
    m->ir = ir_create();
    for (unsigned level = 0; level < 3; level++)
        m->x64[level] = insn_x64_create(level, &runtime);
    return m;
}

void insn_machine_offer(struct insn_machine *m, uint64_t have)
{
    m->features.have = have;
}

void insn_machine_destroy(struct insn_machine *m)
{
    for (unsigned level = 0; level < 3; level++)
        insn_x64_destroy(m->x64[level]);
    ir_destroy(m->ir);
    free(m);
}

bool insn_can(const struct insn_machine *m, enum insn_how how)
{
    return how < INSN_X64_V2 || m->x64[how - INSN_X64_V2];
}

/* ---- running ----------------------------------------------------------------------------------*/

static void load_state(struct insn_machine *m, const struct insn_test *test, unsigned n)
{
    const struct insn_state *s = &test->before;
    memcpy(m->cpu.x, s->x, sizeof(s->x));
    memcpy(m->cpu.v, s->v, sizeof(s->v));
    m->cpu.x[31] = s->sp;
    m->cpu.nzcv = ir_nzcv_store((unsigned)(s->nzcv >> 28 & 15));
    m->cpu.fpcr = (uint32_t)s->fpcr;
    m->cpu.fpsr = (uint32_t)s->fpsr;
    m->cpu.raised = 0;
    m->cpu.el = 0;
    m->cpu.cpacr_el1 = 3u << 20; /* FPEN: nothing traps */
    m->cpu.monitor[0] = ~0ull;
    m->cpu.pc = insn_code_va(n);
    m->data_va = insn_data_va(n);
    m->code_va = insn_code_va(n);
    m->code_end = m->code_va + 4 * test->length;
    m->missed = 0;
    memcpy(m->data + m->data_va % IR_PAGE_SIZE, test->data, INSN_DATA);
}

static void save_state(const struct insn_machine *m, struct insn_result *r)
{
    struct insn_state *s = &r->state;
    memset(s, 0, sizeof(*s));
    memcpy(s->x, m->cpu.x, sizeof(s->x));
    memcpy(s->v, m->cpu.v, sizeof(s->v));
    s->sp = m->cpu.x[31];
    s->nzcv = (uint64_t)ir_nzcv_load(m->cpu.nzcv) << 28;
    s->fpcr = m->cpu.fpcr;
    s->fpsr = m->cpu.fpsr;
    memcpy(r->data, m->data + m->data_va % IR_PAGE_SIZE, INSN_DATA);
    r->fault = m->cpu.raised != 0;
}

/* The guest page at va as far as the block lies in it; behind the block a WFI ends regions. */
static void fill_page(struct insn_machine *m, const struct insn_test *test, unsigned n, uint64_t va)
{
    static const uint32_t wfi = 0xd503207f;
    for (unsigned i = 0; i <= test->length; i++) {
        uint64_t at = insn_code_va(n) + 4 * i - va;
        if (at < IR_PAGE_SIZE)
            memcpy(m->page + at, i < test->length ? &test->code[i] : &wfi, 4);
    }
}

static bool translate(struct insn_machine *m, bool optimise, unsigned max_insns)
{
    struct front_region region = {.code = m->page,
                                  .pgoff = (uint32_t)(m->cpu.pc & (IR_PAGE_SIZE - 1)),
                                  .mode = m->mode | (m->cpu.fpcr & 0x07c80000u ? FRONT_FPCR : 0),
                                  .max_insns = max_insns,
                                  .features = &m->features};
    const struct ir_opt_config config = {.forward = true, .dead = true};
    char text[200];
    const char *wrong;
    a64_translate(&region, m->ir);
    wrong = ir_verify(m->ir, a64_helpers, a64_nhelpers, text, sizeof(text));
    if (!wrong && optimise) {
        ir_optimise(m->ir, &a64_layout, a64_helpers, &config);
        wrong = ir_verify(m->ir, a64_helpers, a64_nhelpers, text, sizeof(text));
    }
    if (wrong) {
        fprintf(stderr, "unsound IR: %s\n", wrong);
        ir_print(m->ir, a64_helpers, stderr);
        m->failed = true;
    }
    return !wrong;
}

void insn_run(struct insn_machine *m, enum insn_how how, const struct insn_test *test, unsigned n,
              struct insn_result *result, uint64_t *first_va)
{
    uint64_t end = insn_code_va(n) + 4 * test->length;
    load_state(m, test, n);
    memset(result, 0, sizeof(*result));
    for (unsigned regions = 0; regions < 64 && !m->cpu.raised; regions++) {
        uint64_t pc = m->cpu.pc, page = align_down(pc, IR_PAGE_SIZE);
        if (pc == end || pc == end + 4)
            break;
        if (pc - insn_code_va(n) >= 4 * test->length) {
            m->cpu.raised = 1;
            break;
        }
        fill_page(m, test, n, page);
        m->cpu.pc_page = page;
        if (!translate(m, how != INSN_INTERPRET, 1 + test->length)) {
            m->cpu.raised = 1;
            break;
        }
        if (how < INSN_X64_V2)
            ir_interpret(m->ir, &m->cpu, &a64_layout, &runtime, a64_helpers);
        else
            insn_x64_run(m->x64[how - INSN_X64_V2], m->ir, &m->cpu,
                         m->data_va & ~(uint64_t)(IR_PAGE_SIZE - 1), m->data);
    }
    save_state(m, result);
    if (first_va)
        *first_va = m->missed;
}
