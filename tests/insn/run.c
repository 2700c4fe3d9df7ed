/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of the instruction tests: a PE with a flat memory of one test's data area and code, no
 * MMU and no engine. Regions are translated from the test's code page as an engine would, one
 * after the other, until the block's end.
 */
#include "insn.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arm/cpu.h"
#include "arm/exception.h"
#include "arm/pauth.h"
#include "arm/pstate.h"
#include "base/bits.h"
#include "engine/front/front.h"
#include "engine/ir/ir.h"
#include "insn_x64.h"

/* Ways to run a test. Those with something left out use the best level that the host has. */
enum { BEST = 2, INTERPRETER = 3 };
static const struct how {
    const char *name;
    unsigned level;   /* enum x64_level */
    unsigned without; /* X64_NO_* */
    struct ir_opt_config passes;
    bool superblocks; /* branches have a way that they go as a rule */
} hows[INSN_HOWS] = {
    [INSN_INTERPRET] = {"interpreter", INTERPRETER, 0, {false, false, false}},
    [INSN_OPTIMISE] = {"interpreter after the passes", INTERPRETER, 0, {true, true, false}},
    [INSN_X64_V2] = {"x64 v2", 0, 0, {true, true, false}},
    [INSN_X64_V3] = {"x64 v3", 1, 0, {true, true, false}},
    [INSN_X64_V4] = {"x64 v4", 2, 0, {true, true, false}},
    [INSN_NO_PASSES] = {"x64 without passes", BEST, 0, {false, false, false}},
    [INSN_NO_FORWARD] = {"x64 without forwarding", BEST, 0, {false, true, false}},
    [INSN_NO_DEAD] = {"x64 without dead code removal", BEST, 0, {true, false, false}},
    [INSN_NO_SIMPLIFY] = {"x64 without simplifying", BEST, 0, {true, true, true}},
    [INSN_NO_FUSE] = {"x64 without fusing", BEST, X64_NO_FUSE, {true, true, false}},
    [INSN_NO_LAZY] = {"x64 without lazy values", BEST, X64_NO_LAZY, {true, true, false}},
    [INSN_NO_SHARE] = {"x64 without shared checks", BEST, X64_NO_SHARE, {true, true, false}},
    [INSN_NO_HINT] = {"x64 without hints", BEST, X64_NO_HINT, {true, true, false}},
    [INSN_SUPERBLOCKS] = {"x64 in superblocks", BEST, 0, {true, true, false}, true},
};

const char *insn_how_name(enum insn_how how)
{
    return hows[how].name;
}

/* As Linux sets up EL0. */
enum { MODE = FRONT_DZE | FRONT_UCT | FRONT_UCI | FRONT_NTWI | FRONT_NTWE | FRONT_MSC };

/* The region that a way of running translated last. */
struct translated {
    bool valid;
    uint64_t code_va, pc;
    uint32_t mode;
    unsigned length;
    uint32_t code[INSN_MAX_BLOCK];
    struct ir *ir;
};

struct insn_machine {
    struct arm_cpu cpu; /* first: services get its address */
    struct arm_features features;
    enum insn_area area;
    uint64_t window;            /* of INSN_DATA bytes */
    uint64_t code_va, code_end; /* the block */
    uint32_t mode;              /* FRONT_*, but for FRONT_FPCR */
    enum insn_fault fault;
    uint64_t fault_pc, fault_va;
    uint8_t page[IR_PAGE_SIZE];
    /* The tests' two pages, and once more with something else behind each: an access that runs over
     * the end of a page finds that. */
    uint8_t *data, *apart;
    struct insn_x64 *x64[INSN_HOWS];
    struct translated last[INSN_HOWS];
};

/* ---- memory services --------------------------------------------------------------------------*/

static struct insn_machine *machine_of(void *cpu)
{
    return cpu;
}

static void *stop(struct insn_machine *m, enum insn_fault fault, uint64_t va, int32_t pgoff)
{
    if (!m->cpu.raised) {
        m->fault = fault;
        m->fault_va = va;
        m->fault_pc = m->cpu.pc_page + (uint64_t)pgoff;
    }
    m->cpu.raised = 1;
    return NULL;
}

/* The bytes of an access, or NULL after noting the fault. */
static uint8_t *reach(void *cpu, uint64_t va, unsigned bytes, uint32_t memop, int32_t pgoff,
                      bool write)
{
    struct insn_machine *m = machine_of(cpu);
    uint64_t second = m->window + INSN_DATA / 2;
    if (bytes > INSN_DATA || va - m->window > INSN_DATA - bytes)
        return stop(m, INSN_OUTSIDE, va, pgoff);
    if ((memop & IR_MEM_ALIGN && va % bytes) ||
        (memop & IR_MEM_ALIGN_EL && va % IR_MEM_BYTES(memop)))
        return stop(m, INSN_UNALIGNED, va, pgoff);
    if (m->area != INSN_WHOLE && va + bytes > second && (m->area == INSN_HOLE || write))
        return stop(m, m->area == INSN_HOLE ? INSN_NO_PAGE : INSN_NO_WRITE,
                    va > second ? va : second, pgoff);
    return m->data + IR_PAGE_SIZE - INSN_DATA / 2 + (va - m->window);
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
    const uint8_t *p = literal(machine_of(cpu), va, IR_MEM_BYTES(memop));
    if (!p)
        p = reach(cpu, va, IR_MEM_BYTES(memop), memop, pgoff, false);
    return p ? load(p, memop) : 0;
}

static void flat_st(void *cpu, uint64_t va, uint64_t value, uint32_t memop, int32_t pgoff)
{
    uint8_t *p = reach(cpu, va, IR_MEM_BYTES(memop), memop, pgoff, true);
    if (p)
        store(p, value, memop);
}

static uint64_t flat_ld2(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    unsigned size = IR_MEM_BYTES(memop);
    const uint8_t *p = reach(cpu, va, 2 * size, memop, pgoff, false);
    if (!p)
        return 0;
    machine_of(cpu)->cpu.second.d[0] = load(p + size, memop);
    return load(p, memop);
}

static void flat_st2(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop, int32_t pgoff)
{
    unsigned size = IR_MEM_BYTES(memop);
    uint8_t *p = reach(cpu, va, 2 * size, memop, pgoff, true);
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
    const uint8_t *p = literal(m, va, count * size);
    if (!p)
        p = reach(cpu, va, count * size, memop, pgoff, false);
    for (unsigned i = 0; p && i < count; i++) {
        m->cpu.scratch[i] = (union v128){.d = {0, 0}};
        copy_element(m->cpu.scratch[i].b, p + i * size, size, memop);
    }
}

static void flat_stv(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    struct insn_machine *m = machine_of(cpu);
    unsigned size = IR_MEM_BYTES(memop);
    uint8_t *p = reach(cpu, va, count * size, memop, pgoff, true);
    for (unsigned i = 0; p && i < count; i++)
        copy_element(p + i * size, m->cpu.scratch[1 + i].b, size, memop);
}

static void flat_probe(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t len)
{
    reach(cpu, va, len, memop & ~IR_MEM_ALIGN, pgoff, memop & IR_MEM_WRITE);
}

static void flat_zero(void *cpu, uint64_t va, uint64_t named, int32_t pgoff)
{
    uint8_t *p = reach(cpu, va, IR_ZERO_BYTES, 0, pgoff, true);
    if (p)
        memset(p, 0, IR_ZERO_BYTES);
    else
        machine_of(cpu)->fault_va = named;
}

static uint64_t flat_atom(void *cpu, uint64_t va, uint64_t b, uint32_t memop, int32_t pgoff,
                          uint32_t kind)
{
    uint8_t *p = reach(cpu, va, IR_MEM_BYTES(memop), memop, pgoff, true);
    if (!p)
        return 0;
    uint64_t old = load(p, memop);
    store(p, ir_atom_result(kind, old, b, 8 * IR_MEM_BYTES(memop)), memop);
    return old;
}

static uint64_t flat_cas(void *cpu, uint64_t va, uint64_t b, uint64_t c, uint32_t memop,
                         int32_t pgoff)
{
    uint8_t *p = reach(cpu, va, IR_MEM_BYTES(memop), memop, pgoff, true);
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
    const uint8_t *p = reach(cpu, va, size << (pair ? 1 : 0), memop, pgoff, false);
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
    uint8_t *p = reach(cpu, va, bytes, memop, pgoff, true);
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

/* What the TLB does not have stays out of it. */
static uint64_t no_fill(void *cpu, uint64_t va, uint64_t bytes, uint32_t write, uint32_t first)
{
    return 0;
}

static const struct ir_runtime runtime = {
    flat_ld,   flat_st, flat_ld2,  flat_st2, flat_ldv, flat_stv, flat_probe,
    flat_zero, no_fill, flat_atom, flat_cas, flat_ldx, flat_stx,
};

/* ---- an engine that offers nothing ------------------------------------------------------------*/

static void nothing(struct arm_cpu *cpu)
{
}

static void no_wait(struct arm_cpu *cpu, uint64_t timeout_ns)
{
}

/* One byte of a copy or a fill, whose helper has stored the PC. */
static uint8_t *reach_byte(struct arm_cpu *cpu, uint64_t va, bool write)
{
    return reach(cpu, va, 1, 0, (int32_t)(cpu->pc - cpu->pc_page), write);
}

static uint64_t flat_copy(struct arm_cpu *cpu, uint64_t to, uint64_t from, uint64_t len,
                          bool backward, unsigned unprivileged)
{
    uint64_t done = 0;
    for (; done < len; done++) {
        uint64_t at = backward ? len - 1 - done : done;
        const uint8_t *src = reach_byte(cpu, from + at, false);
        uint8_t *dst = src ? reach_byte(cpu, to + at, true) : NULL;
        if (!dst)
            break;
        *dst = *src;
    }
    return done;
}

static uint64_t flat_set(struct arm_cpu *cpu, uint64_t to, uint8_t value, uint64_t len,
                         bool unprivileged)
{
    uint64_t done = 0;
    for (; done < len; done++) {
        uint8_t *dst = reach_byte(cpu, to + done, true);
        if (!dst)
            break;
        *dst = value;
    }
    return done;
}

static const struct arm_engine_ops engine_ops = {
    .context_changed = nothing,
    .dsb = nothing,
    .isb = nothing,
    .wfi = no_wait,
    .wfe = no_wait,
    .debug_changed = nothing,
    .kick = nothing,
    .sev = nothing,
    .mem_copy = flat_copy,
    .mem_set = flat_set,
};

enum { PAGES = 2, VIEW = PAGES * IR_PAGE_SIZE };

/* False without memory. */
static bool map_data(struct insn_machine *m)
{
    enum { PROT = PROT_READ | PROT_WRITE };
    int fd = memfd_create("insn", MFD_CLOEXEC);
    bool ok = fd >= 0 && !ftruncate(fd, VIEW);
    m->data = mmap(NULL, VIEW, PROT, MAP_SHARED, fd, 0);
    m->apart = mmap(NULL, 2 * VIEW, PROT, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok = ok && m->data != MAP_FAILED && m->apart != MAP_FAILED;
    for (unsigned page = 0; page < PAGES && ok; page++)
        ok = mmap(m->apart + 2 * page * IR_PAGE_SIZE, IR_PAGE_SIZE, PROT, MAP_SHARED | MAP_FIXED,
                  fd, page * IR_PAGE_SIZE) != MAP_FAILED;
    if (fd >= 0)
        close(fd);
    return ok;
}

struct insn_machine *insn_machine_create(bool big_endian)
{
    struct insn_machine *m = calloc(1, sizeof(*m));
    if (!m || !map_data(m)) {
        free(m);
        return NULL;
    }
    arm_features_parse(&m->features, NULL, NULL);
    m->cpu.features = &m->features;
    m->cpu.engine_ops = &engine_ops;
    m->cpu.sctlr_el1 = ARM_SCTLR_EnIA | ARM_SCTLR_EnIB | ARM_SCTLR_EnDA | ARM_SCTLR_EnDB;
    m->cpu.tcr_el1 = 16 | 16 << 16 | 1ull << ARM_TCR_TBI0;
    arm_pac_update(&m->cpu);
    for (unsigned i = 0; i < 4; i++)
        m->cpu.ap_key[i] = (union v128){.d = {0x123456789abcdef0 * (i + 1), ~0ull / (i + 3)}};
    m->mode = MODE | (big_endian ? FRONT_BE : 0);
    for (unsigned how = 0; how < INSN_HOWS; how++) {
        unsigned level = hows[how].level;
        m->last[how].ir = ir_create();
        if (level == INTERPRETER)
            continue;
        do
            m->x64[how] = insn_x64_create(level, hows[how].without, &runtime);
        while (!m->x64[how] && how > INSN_X64_V4 && level-- > 0);
    }
    return m;
}

void insn_machine_align(struct insn_machine *m)
{
    m->mode |= FRONT_ALIGN;
}

void insn_machine_offer(struct insn_machine *m, uint64_t have)
{
    m->features.have = have;
    for (unsigned how = 0; how < INSN_HOWS; how++)
        m->last[how].valid = false;
}

void insn_machine_destroy(struct insn_machine *m)
{
    for (unsigned how = 0; how < INSN_HOWS; how++) {
        insn_x64_destroy(m->x64[how]);
        ir_destroy(m->last[how].ir);
    }
    munmap(m->data, VIEW);
    munmap(m->apart, 2 * VIEW);
    free(m);
}

bool insn_can(const struct insn_machine *m, enum insn_how how)
{
    return hows[how].level == INTERPRETER || m->x64[how];
}

const struct arm_features *insn_features(const struct insn_machine *m)
{
    return &m->features;
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
    m->area = test->area;
    m->window = insn_data_va(test->area);
    m->code_va = m->cpu.pc = insn_code_va(n - test->shares);
    m->code_end = m->code_va + 4 * test->length;
    m->fault = INSN_RAN;
    m->fault_pc = m->fault_va = 0;
    memcpy(m->data + IR_PAGE_SIZE - INSN_DATA / 2, test->data, INSN_DATA);
}

/* What arm/ has taken an exception for. */
static void note_exception(struct insn_machine *m)
{
    m->fault = bits(m->cpu.esr_el1, 31, 26) == ARM_EC_UNKNOWN ? INSN_UNDEFINED : INSN_OTHER;
    m->fault_pc = m->cpu.elr_el1;
}

static void save_state(struct insn_machine *m, struct insn_result *r)
{
    struct insn_state *s = &r->state;
    if (m->cpu.raised && m->fault == INSN_RAN)
        note_exception(m);
    memset(s, 0, sizeof(*s));
    memcpy(s->x, m->cpu.x, sizeof(s->x));
    memcpy(s->v, m->cpu.v, sizeof(s->v));
    s->sp = m->cpu.x[31];
    s->nzcv = (uint64_t)ir_nzcv_load(m->cpu.nzcv) << 28;
    s->fpcr = m->cpu.fpcr;
    s->fpsr = m->cpu.fpsr;
    memcpy(r->data, m->data + IR_PAGE_SIZE - INSN_DATA / 2, INSN_DATA);
    r->fault = m->fault;
    r->fault_pc = m->fault_pc;
    r->fault_va = m->fault_va;
}

/* The guest page at va as far as the block lies in it; behind the block a WFI ends regions. */
static void fill_page(struct insn_machine *m, const struct insn_test *test, uint64_t va)
{
    static const uint32_t wfi = 0xd503207f;
    for (unsigned i = 0; i <= test->length; i++) {
        uint64_t at = m->code_va + 4 * i - va;
        if (at < IR_PAGE_SIZE)
            memcpy(m->page + at, i < test->length ? &test->code[i] : &wfi, 4);
    }
}

/* Some way for each instruction, which has nothing to do with what it does. */
static void choose_ways(const struct insn_machine *m, uint8_t *way)
{
    for (unsigned i = 0; i < IR_PAGE_SIZE / 4; i++) {
        uint32_t word = (uint32_t)ld_le(m->page + 4 * i, 4);
        uint32_t mixed = (word + i) * 0x9e3779b1u;
        way[i] = mixed >> 31 ? FRONT_WAY_TAKEN : FRONT_WAY_NEXT;
        if (mixed >> 30 & 1)
            way[i] |= FRONT_WAY_ROVING;
    }
}

static bool same_region(const struct translated *t, const struct insn_machine *m,
                        const struct insn_test *test, uint32_t mode)
{
    return t->valid && t->code_va == m->code_va && t->pc == m->cpu.pc && t->mode == mode &&
           t->length == test->length && !memcmp(t->code, test->code, 4 * test->length);
}

/* Translates the region at pc, unless that is what this way of running did last. */
static bool translate(struct insn_machine *m, enum insn_how how, const struct insn_test *test,
                      uint32_t careful)
{
    struct translated *t = &m->last[how];
    uint8_t way[IR_PAGE_SIZE / 4];
    struct front_region region = {.code = m->page,
                                  .pgoff = (uint32_t)(m->cpu.pc & (IR_PAGE_SIZE - 1)),
                                  .mode = m->mode | careful |
                                          (m->cpu.fpcr & 0x07c80000u ? FRONT_FPCR : 0),
                                  .max_insns = 1 + test->length,
                                  .features = &m->features};
    const struct ir_opt_config *passes = &hows[how].passes;
    char text[200];
    const char *wrong;
    if (same_region(t, m, test, region.mode))
        return true;
    fill_page(m, test, m->cpu.pc_page);
    if (hows[how].superblocks && !careful) {
        choose_ways(m, way);
        region.way = way;
    }
    a64_translate(&region, t->ir);
    wrong = ir_verify(t->ir, a64_helpers, a64_nhelpers, text, sizeof(text));
    if (!wrong && (passes->forward || passes->dead)) {
        ir_optimise(t->ir, &a64_layout, a64_helpers, passes);
        wrong = ir_verify(t->ir, a64_helpers, a64_nhelpers, text, sizeof(text));
    }
    if (!wrong && m->x64[how] && insn_x64_compile(m->x64[how], t->ir))
        wrong = "it does not compile";
    if (wrong) {
        fprintf(stderr, "unsound IR: %s\n", wrong);
        ir_print(t->ir, a64_helpers, stderr);
    }
    t->valid = !wrong;
    t->code_va = m->code_va;
    t->pc = m->cpu.pc;
    t->mode = region.mode;
    t->length = test->length;
    memcpy(t->code, test->code, 4 * test->length);
    return t->valid;
}

void insn_run(struct insn_machine *m, enum insn_how how, const struct insn_test *test, unsigned n,
              struct insn_result *result)
{
    uint32_t careful = 0;
    load_state(m, test, n);
    for (unsigned regions = 0; regions < 4096 && !m->cpu.raised; regions++) {
        uint64_t pc = m->cpu.pc;
        if (pc == m->code_end || pc == m->code_end + 4)
            break;
        m->cpu.pc_page = align_down(pc, IR_PAGE_SIZE);
        if (pc - m->code_va >= 4 * test->length || !translate(m, how, test, careful)) {
            stop(m, INSN_OTHER, pc, (int32_t)(pc - m->cpu.pc_page));
            break;
        }
        if (m->x64[how])
            careful = insn_x64_run(m->x64[how], &m->cpu, m->window & ~(uint64_t)(IR_PAGE_SIZE - 1),
                                   m->apart, m->area)
                          ? FRONT_CAREFUL
                          : 0;
        else
            ir_interpret(m->last[how].ir, &m->cpu, &a64_layout, &runtime, a64_helpers);
    }
    save_state(m, result);
}
