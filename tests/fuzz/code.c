/* SPDX-License-Identifier: Apache-2.0 */
#include "code.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arm/cpu.h"
#include "arm/hooks.h"
#include "arm/pstate.h"
#include "base/bits.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/front/a64.h"
#include "engine/jit/jit.h"
#include "machine/mem/mem.h"

/* Guest memory: the handler, what it notes, the tables, code, data. Mapped where it lies. */
enum {
    RAM = 0x40000000,
    RAM_SIZE = 2 << 20,
    PAGE = 4096,
    HANDLER = 0x800, /* behind the vectors */
    NOTES = 0x1000,
    LEVEL1 = 0x2000,
    LEVEL2 = 0x3000,
    LEVEL3 = 0x4000,
    CODE = 0x10000,
    CODE_PAGES = 2,
    DATA = 0x20000,
    DATA_PAGES = 16,
    END = DATA + DATA_PAGES * PAGE,
    EXCEPTIONS = 48,
    MAX_WORDS = CODE_PAGES * PAGE / 4,
    CPU_PATIENCE_MS = 150,
    PATIENCE_MS = 1000,
    NOP = 0xd503201f,
};

enum { ENGINES = 3 };
static const struct {
    const char *name;
    enum engine_kind kind;
    enum engine_host_cpu host;
} kinds[ENGINES] = {
    {"interpreter", ENGINE_INTERPRET, ENGINE_HOST_NATIVE},
    {"translator", ENGINE_TRANSLATE, ENGINE_HOST_NATIVE},
    {"translator for v2", ENGINE_TRANSLATE, ENGINE_HOST_V2},
};

struct side {
    struct mem *mem;
    struct engine *engine;
    uint8_t *ram;
    bool stopped; /* where it should */
};

struct code_rig {
    pthread_t watcher;
    atomic_bool leave;
    pthread_mutex_t lock; /* of what follows */
    struct side *running;
    uint64_t cpu_end, end; /* ms: when it must have stopped */

    struct arm_features features;
    struct arm_hooks hooks;
    struct side side[ENGINES];
};

/* ---- input ------------------------------------------------------------------------------------*/

struct input {
    const uint8_t *at, *end;
};

static uint32_t take(struct input *in, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes && in->at < in->end; i++)
        value |= (uint32_t)*in->at++ << 8 * i;
    return value;
}

struct setup {
    uint32_t flags, sctlr;
    uint64_t seed;
    uint32_t code[MAX_WORDS];
    unsigned words;
};

enum {
    AT_EL1 = 1 << 0,
    MMU_ON = 1 << 1,
    RAW_WORDS = 1 << 2,
    FP_TRAPS = 1 << 3,
    SP_EL0 = 1 << 4, /* PSTATE.SP = 0 at EL1 */
    MODES = 1 << 5,  /* FPCR */
    PAN_ON = 1 << 6,
    UAO_ON = 1 << 7,
};

/* What loops says nothing: direct branches go a little forward, but for some conditional ones; most
 * ERETs and WFIs become NOPs. */
static uint32_t tame(uint32_t word, uint32_t bits)
{
    uint32_t distance = bits % 13 == 0 ? ~(bits % 5) : 1 + bits % 11;
    if ((word == 0xd69f03e0u || word == 0xd503207fu) && bits % 16)
        return NOP;
    if ((word & 0x7c000000u) == 0x14000000u)
        return (word & 0xfc000000u) | (1 + bits % 11);
    if ((word & 0xff000000u) == 0x54000000u || (word & 0x7e000000u) == 0x34000000u)
        return (word & ~(0x7ffffu << 5)) | (distance & 0x7ffff) << 5;
    if ((word & 0x7e000000u) == 0x36000000u)
        return (word & ~(0x3fffu << 5)) | (distance & 0x3fff) << 5;
    return word;
}

/* Loads and stores go by one of four registers, half of them: accesses that follow each other share
 * a base. Offsets of twelve bits become small. */
static uint32_t tame_memory(uint32_t word, uint32_t bits, const struct a64_row *r)
{
    bool memory = (word & 1u << 27) && !(word & 1u << 25);
    if (!memory || r->mask & 31u << 5 || bits & 1u << 29)
        return word;
    word = (word & ~(31u << 5)) | (1 + (bits >> 27 & 3)) << 5;
    if ((word & 0x3b000000u) == 0x39000000u) /* unsigned offset */
        word &= ~(0xfe0u << 10) | r->mask;
    return word;
}

/* Six bytes name a row of the decoder and fill in its free bits. */
static uint32_t row_word(struct input *in)
{
    uint32_t row = take(in, 2), bits = take(in, 4);
    if (row % (A64_ROWS + 8) >= A64_ROWS)
        return bits;
    const struct a64_row *r = &a64_rows[row % (A64_ROWS + 8)];
    return tame(tame_memory((bits & ~r->mask) | r->value, bits, r), bits >> 5 ^ bits);
}

static void parse(struct setup *s, const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    memset(s, 0, sizeof(*s));
    s->flags = take(&in, 1);
    s->sctlr = take(&in, 2);
    s->seed = take(&in, 4) * 0x9e3779b97f4a7c15ull + 1;
    while (in.at < in.end && s->words < MAX_WORDS)
        s->code[s->words++] = s->flags & RAW_WORDS ? take(&in, 4) : row_word(&in);
}

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545f4914f6cdd1dull;
}

/* ---- memory -----------------------------------------------------------------------------------*/

/* EL1's data, translation tables among it, are big-endian with SCTLR_EL1.EE, bit 9 of the input's.
 */
static void put64(uint8_t *ram, const struct setup *s, uint64_t at, uint64_t value)
{
    st_le(ram + at, 8, s->sctlr & 1 << 9 ? __builtin_bswap64(value) : value);
}

/*
 * Vectors branch to the handler, which spares all registers:
 *     msr tpidr_el1, x0;  msr tpidrro_el0, x1;  adr x0, NOTES
 *     ldr x1, [x0];  sub x1, x1, 1;  str x1, [x0];  cbz x1, stop;  add x0, x0, x1, lsl 5
 *     mrs x1, esr_el1;  str x1, [x0];  the same for FAR, ELR and SPSR
 *     mrs x1, elr_el1;  add x1, x1, 4;  msr elr_el1, x1
 *     mrs x1, tpidrro_el0;  mrs x0, tpidr_el1;  eret;  stop: b .
 */
static uint64_t write_handler(uint8_t *ram)
{
    static const uint32_t code[] = {
        0xd518d080, 0xd51bd061, 0x10000000 | (NOTES - HANDLER - 8) / 4 << 5,
        0xf9400001, 0xd1000421, 0xf9000001,
        0xb40001e1, /* cbz x1, +60 */
        0x8b011400, 0xd5385201, 0xf9000001,
        0xd5386001, 0xf9000401, 0xd5384021,
        0xf9000801, 0xd5384001, 0xf9000c01,
        0xd5384021, 0x91001021, 0xd5184021,
        0xd53bd061, 0xd538d080, 0xd69f03e0,
        0x14000000,
    };
    for (unsigned v = 0; v < 16; v++)
        st_le(ram + 0x80 * v, 4, 0x14000000 | (HANDLER - 0x80 * v) / 4);
    for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
        uint32_t word = code[i];
        if (i == 6) /* to the last one */
            word = 0xb4000001 | (uint32_t)(ARRAY_SIZE(code) - 1 - 6) << 5;
        st_le(ram + HANDLER + 4 * i, 4, word);
    }
    return RAM + HANDLER + 4 * (ARRAY_SIZE(code) - 1);
}

#define PAGE_DESCRIPTOR (3ull | 1 << 10 | 3 << 8) /* valid, accessed, inner shareable */
#define AP(n)           ((uint64_t)(n) << 6)
#define ATTRIBUTES(n)   ((uint64_t)(n) << 2)

static void write_tables(uint8_t *ram, const struct setup *s, uint64_t *seed)
{
    /* Of data: for both, read-only, for EL1, not there, not accessed yet, Device, dirty state
     * managed, not executable, not cacheable. */
    static const uint64_t kinds_of_page[] = {
        PAGE_DESCRIPTOR | AP(1),
        PAGE_DESCRIPTOR | AP(1),
        PAGE_DESCRIPTOR | AP(3),
        PAGE_DESCRIPTOR | AP(0),
        0,
        (PAGE_DESCRIPTOR | AP(1)) & ~(1ull << 10),
        PAGE_DESCRIPTOR | AP(1) | ATTRIBUTES(1),
        PAGE_DESCRIPTOR | AP(3) | 1ull << 51,
        PAGE_DESCRIPTOR | AP(1) | 1ull << 54 | 1ull << 53,
        PAGE_DESCRIPTOR | AP(1) | ATTRIBUTES(2),
    };
    put64(ram, s, LEVEL1 + 8, (RAM + LEVEL2) | 3);
    put64(ram, s, LEVEL2, (RAM + LEVEL3) | 3);
    for (uint64_t page = 0; page < END / PAGE; page++) {
        uint64_t desc = PAGE_DESCRIPTOR | AP(0);
        if (page == 0)
            desc = PAGE_DESCRIPTOR | AP(2);
        else if (page >= CODE / PAGE && page < CODE / PAGE + CODE_PAGES)
            desc = PAGE_DESCRIPTOR | AP(3);
        else if (page >= DATA / PAGE)
            desc = kinds_of_page[next(seed) % ARRAY_SIZE(kinds_of_page)];
        else if (page > LEVEL3 / PAGE)
            continue;
        put64(ram, s, LEVEL3 + 8 * page, desc ? desc | (RAM + page * PAGE) : 0);
    }
}

static uint64_t write_memory(uint8_t *ram, const struct setup *s)
{
    uint64_t seed = s->seed, stop;
    memset(ram, 0, END);
    for (unsigned i = DATA; i < END; i += 8)
        put64(ram, s, i, next(&seed));
    stop = write_handler(ram);
    write_tables(ram, s, &seed);
    put64(ram, s, NOTES, EXCEPTIONS);
    for (unsigned i = 0; i < s->words; i++)
        st_le(ram + CODE + 4 * i, 4, s->code[i]);
    return stop;
}

/* ---- registers --------------------------------------------------------------------------------*/

static uint64_t any_register(uint64_t *seed)
{
    uint64_t r = next(seed), page = RAM + DATA + (r >> 8) % DATA_PAGES * PAGE;
    switch (r % 8) {
    case 0:
        return r >> (r >> 32) % 64;
    case 1:
        return (r >> 16) % 64;
    case 2:
        return RAM + CODE + (r >> 16) % 64 * 4;
    case 3:
        return r;
    case 4:
        return page - 8 + (r >> 16) % 16; /* about a boundary */
    default:
        return page + ((r >> 16) % PAGE & ~(r >> 40 & 15));
    }
}

/* SCTLR_EL1's bits that change how code runs, as the input has them: A, SA, SA0, nAA, UMA, EOS,
 * E0E and EE, DZE, UCT, nTWI, nTWE, WXN, UCI. */
static uint64_t sctlr_of(const struct setup *s)
{
    static const uint8_t bit_of[] = {1, 3, 4, 6, 9, 24, 14, 15, 16, 25, 18, 19, 26};
    uint64_t value = s->flags & MMU_ON ? 1 : 0;
    for (unsigned i = 0; i < ARRAY_SIZE(bit_of); i++)
        value |= (uint64_t)(s->sctlr >> i & 1) << bit_of[i];
    return value | 1 << 2 | 1 << 12;
}

static void set_registers(struct arm_cpu *cpu, const struct setup *s)
{
    uint64_t seed = s->seed ^ 0x5851f42d4c957f2d;
    arm_cpu_reset(cpu, RAM + CODE, 0);
    for (unsigned i = 0; i < 31; i++)
        cpu->x[i] = any_register(&seed);
    for (unsigned i = 1; i < 5; i++) /* see tame_memory() */
        cpu->x[i] = RAM + DATA + next(&seed) % DATA_PAGES * PAGE - 48 + next(&seed) % 64;
    for (unsigned i = 0; i < 32; i++)
        cpu->v[i] = (union v128){.d = {next(&seed), next(&seed)}};
    cpu->vbar_el1 = RAM;
    cpu->mair_el1 = 0x4400ff; /* write-back, Device-nGnRnE, not cacheable */
    cpu->ttbr0_el1 = RAM + LEVEL1;
    cpu->tcr_el1 = 25 | 1 << 23 | 25 << 16 | 2ull << 30 | 5ull << 32;  /* 39 bits, no TTBR1 */
    cpu->tcr_el1 |= (next(&seed) & 1) << 39 | (next(&seed) & 1) << 40; /* HA, HD */
    cpu->sctlr_el1 = sctlr_of(s);
    cpu->cpacr_el1 = s->flags & FP_TRAPS ? 1u << 20 : 3u << 20;
    cpu->fpcr = s->flags & MODES ? (uint32_t)next(&seed) & arm_fpcr_bits(cpu->features) : 0;
    cpu->fpsr = 0;
    uint64_t pstate = next(&seed) & 0xf0000000u;
    if (s->flags & AT_EL1)
        pstate |= 0x3c0u | (s->flags & SP_EL0 ? 4 : 5) | (s->flags & PAN_ON ? 1u << 22 : 0) |
                  (s->flags & UAO_ON ? 1u << 23 : 0);
    arm_set_pstate(cpu, pstate);
    cpu->pc = RAM + CODE;
    cpu->x[31] = RAM + DATA + 4 * PAGE + (next(&seed) % 4 ? 0 : next(&seed) % 32);
    cpu->sp_el[cpu->el == 1 && cpu->spsel ? 0 : 1] = RAM + DATA + 6 * PAGE;
}

/* ---- running ----------------------------------------------------------------------------------*/

static uint64_t now_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Makes jit_thread() return. */
static void quit(struct engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    engine->quit = true;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    atomic_fetch_or(&engine->vcpu[0]->cpu.attention, ARM_ATTENTION_STOP);
    jit_kick(&engine->vcpu[0]->cpu);
}

/* The PE has come to the breakpoint. */
static void stopped(void *ctx, const struct engine_debug_event *event)
{
    struct side *side = ctx;
    side->stopped = true;
    quit(side->engine);
}

/* A thread of its own: ends runs that loop (by CPU time) or sleep (by the clock). */
static void *watch(void *arg)
{
    struct code_rig *rig = arg;
    while (!atomic_load(&rig->leave)) {
        const struct timespec nap = {.tv_nsec = 20000000};
        nanosleep(&nap, NULL);
        pthread_mutex_lock(&rig->lock);
        if (rig->running && (now_ms(CLOCK_PROCESS_CPUTIME_ID) > rig->cpu_end ||
                             now_ms(CLOCK_MONOTONIC) > rig->end)) {
            quit(rig->running->engine);
            rig->running = NULL;
        }
        pthread_mutex_unlock(&rig->lock);
    }
    return NULL;
}

static void set_running(struct code_rig *rig, struct side *side)
{
    pthread_mutex_lock(&rig->lock);
    rig->running = side;
    rig->cpu_end = now_ms(CLOCK_PROCESS_CPUTIME_ID) + CPU_PATIENCE_MS;
    rig->end = now_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
    pthread_mutex_unlock(&rig->lock);
}

/* On this thread, which is the vCPU's meanwhile. */
static bool run(struct code_rig *rig, struct side *side, const struct setup *s)
{
    struct engine *engine = side->engine;
    struct arm_cpu *cpu = engine_cpu(engine, 0);
    engine_reset(engine, RAM + CODE, 0);
    uint64_t stop = write_memory(side->ram, s);
    set_registers(cpu, s);
    atomic_store(&cpu->power, ARM_POWER_ON);
    atomic_store(&cpu->attention, 0);
    engine_set_breakpoint(engine, stop, true);
    engine->vcpu[0]->debug_stop = false;
    engine->quit = false;
    side->stopped = false;
    set_running(rig, side);
    jit_thread(engine->vcpu[0]);
    set_running(rig, NULL);
    engine_set_breakpoint(engine, stop, false);
    return side->stopped && cpu->pc == stop;
}

/* ---- comparing --------------------------------------------------------------------------------*/

static const struct field {
    const char *name;
    size_t offset;
} fields[] = {
#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct arm_cpu, name)                                                      \
    }
    FIELD(pc),          FIELD(sp_el[0]),  FIELD(sp_el[1]),       FIELD(sctlr_el1),
    FIELD(cpacr_el1),   FIELD(ttbr0_el1), FIELD(ttbr1_el1),      FIELD(tcr_el1),
    FIELD(mair_el1),    FIELD(amair_el1), FIELD(afsr0_el1),      FIELD(afsr1_el1),
    FIELD(esr_el1),     FIELD(far_el1),   FIELD(par_el1),        FIELD(elr_el1),
    FIELD(spsr_el1),    FIELD(vbar_el1),  FIELD(contextidr_el1), FIELD(tpidr_el0),
    FIELD(tpidrro_el0), FIELD(tpidr_el1), FIELD(csselr_el1),     FIELD(cntkctl_el1),
    FIELD(mdscr_el1),
#undef FIELD
};

struct difference {
    const char *engine; /* to print; NULL: to count */
    unsigned count;
};

static void differ(struct difference *d, const char *what, unsigned n, uint64_t got, uint64_t want)
{
    if (got == want)
        return;
    if (d->engine && d->count < 20)
        printf("    %s: %s %u: %016llx, interpreter %016llx\n", d->engine, what, n,
               (unsigned long long)got, (unsigned long long)want);
    d->count++;
}

static void compare_state(struct difference *d, const struct arm_cpu *a, const struct arm_cpu *b)
{
    for (unsigned i = 0; i < 32; i++)
        differ(d, "x", i, a->x[i], b->x[i]);
    for (unsigned i = 0; i < 32; i++) {
        differ(d, "v, low", i, a->v[i].d[0], b->v[i].d[0]);
        differ(d, "v, high", i, a->v[i].d[1], b->v[i].d[1]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
        differ(d, fields[i].name, 0, *(const uint64_t *)((const char *)a + fields[i].offset),
               *(const uint64_t *)((const char *)b + fields[i].offset));
    differ(d, "pstate", 0, arm_pstate(a), arm_pstate(b));
    differ(d, "fpcr", 0, a->fpcr, b->fpcr);
    differ(d, "fpsr", 0, a->fpsr, b->fpsr);
}

/* How much differs between an engine and the interpreter. */
static unsigned compare(const struct code_rig *rig, unsigned i, bool print)
{
    struct difference d = {.engine = print ? kinds[i].name : NULL};
    const struct side *a = &rig->side[i], *b = &rig->side[0];
    compare_state(&d, engine_cpu(a->engine, 0), engine_cpu(b->engine, 0));
    for (unsigned at = 0; at < END; at += 8)
        differ(&d, "memory", at, ld_le(a->ram + at, 8), ld_le(b->ram + at, 8));
    return d.count;
}

/* What it writes over its own code is seen when each engine likes (CTR_EL0.DIC = 0). */
static bool wrote_code(const struct side *side, const struct setup *s)
{
    for (unsigned i = 0; i < CODE_PAGES * PAGE / 4; i++)
        if (ld_le(side->ram + CODE + 4 * i, 4) != (i < s->words ? s->code[i] : 0))
            return true;
    uint8_t handler[PAGE] = {0};
    write_handler(handler);
    return memcmp(handler, side->ram, PAGE) != 0;
}

static enum code_outcome run_all(struct code_rig *rig, const struct setup *s)
{
    for (unsigned i = 0; i < ENGINES; i++)
        if (!run(rig, &rig->side[i], s) || wrote_code(&rig->side[i], s))
            return CODE_UNFINISHED;
    for (unsigned i = 1; i < ENGINES; i++)
        if (compare(rig, i, false))
            return CODE_DIFFERS;
    return CODE_AGREES;
}

/* Prints a program that differs, after taking out of it what does not matter. */
static void report(struct code_rig *rig, struct setup *s)
{
    for (unsigned w = 0; w < s->words; w++) {
        uint32_t word = s->code[w];
        s->code[w] = NOP;
        if (word != NOP && run_all(rig, s) != CODE_DIFFERS)
            s->code[w] = word;
    }
    while (s->words && s->code[s->words - 1] == NOP)
        s->words--;
    printf("flags %02x sctlr %04x seed %llx words", s->flags, s->sctlr,
           (unsigned long long)s->seed);
    for (unsigned w = 0; w < s->words; w++)
        printf(" %08x", s->code[w]);
    printf("\n");
    if (run_all(rig, s) == CODE_DIFFERS)
        for (unsigned i = 1; i < ENGINES; i++)
            compare(rig, i, true);
    else
        printf("    it does not differ each time\n");
}

enum code_outcome code_run(struct code_rig *rig, const uint8_t *data, size_t size)
{
    struct setup *s = malloc(sizeof(*s));
    if (!s)
        return CODE_UNFINISHED;
    parse(s, data, size);
    enum code_outcome outcome = run_all(rig, s);
    if (outcome == CODE_DIFFERS)
        report(rig, s);
    free(s);
    return outcome;
}

/* ---- life -------------------------------------------------------------------------------------*/

static bool make_side(struct code_rig *rig, unsigned i)
{
    struct side *side = &rig->side[i];
    struct engine_config config = {.kind = kinds[i].kind,
                                   .host_cpu = kinds[i].host,
                                   .cpus = 1,
                                   .code_cache = 1 << 20,
                                   .features = &rig->features,
                                   .hooks = &rig->hooks};
    struct error err;
    if (mem_create(&side->mem, &err) || mem_add_ram(side->mem, RAM, RAM_SIZE, "ram", &err))
        return false;
    config.mem = side->mem;
    side->ram = mem_ptr(side->mem, RAM, RAM_SIZE, true);
    if (!side->ram || engine_create(&config, &side->engine, &err))
        return false;
    atomic_store(&engine_cpu(side->engine, 0)->power, ARM_POWER_OFF);
    engine_set_debugger(side->engine, stopped, side);
    return true;
}

static void free_sides(struct code_rig *rig)
{
    for (unsigned i = 0; rig && i < ENGINES; i++) {
        engine_destroy(rig->side[i].engine);
        if (rig->side[i].mem)
            mem_destroy(rig->side[i].mem);
    }
    free(rig);
}

struct code_rig *code_rig_create(void)
{
    struct code_rig *rig = calloc(1, sizeof(*rig));
    struct error err;
    bool ok = rig && !arm_features_parse(&rig->features, NULL, &err);
    for (unsigned i = 0; i < ENGINES && ok; i++)
        ok = make_side(rig, i);
    if (ok) {
        pthread_mutex_init(&rig->lock, NULL);
        ok = !pthread_create(&rig->watcher, NULL, watch, rig);
    }
    if (!ok) {
        free_sides(rig);
        rig = NULL;
    }
    return rig;
}

void code_rig_destroy(struct code_rig *rig)
{
    if (!rig)
        return;
    atomic_store(&rig->leave, true);
    pthread_join(rig->watcher, NULL);
    pthread_mutex_destroy(&rig->lock);
    free_sides(rig);
}
