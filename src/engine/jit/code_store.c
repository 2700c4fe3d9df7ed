/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translations that outlive the process. A record is a region's detached code (x64.h) with the
 * guest instructions that it was made from; it is used where exactly these stand in the page, at
 * the same offset and in the same mode. Hashes only find candidates and find damage: whether a
 * record fits is decided by comparing the instructions themselves.
 *
 * What else code depends on - the program, the host's CPU, the guest CPU's features - is in the key
 * of the file. Regions made for a debugger (single steps, breakpoints) are not kept.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "arm/features.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/trace.h"
#include "engine/jit/jit.h"
#include "host/program.h"
#include "host/store.h"

enum {
    CANDIDATES = 8, /* records of one key that are looked at */
    KEY_INSNS = 8,  /* instructions that make the key */
    FILE_LIMIT = 192 << 20,
    TOTAL_LIMIT = 512 << 20,
};

/* Then, all without gaps: ranges, starts, links, far fields, instructions, code. */
struct record {
    uint32_t mode;
    uint32_t code; /* bytes */
    uint16_t pgoff, insns;
    uint16_t ranges, words; /* runs of instructions it was made from; how many in all */
    uint16_t starts, links, fars, reserved;
};

struct record_range {
    uint16_t pgoff, words;
};

struct record_start {
    uint16_t pgoff, offset;
};

struct record_link {
    int32_t pgoff;
    uint16_t jump, guard, number, careful;
};

/* Where the parts of a record lie. */
struct parts {
    struct record *head;
    struct record_range *range;
    struct record_start *start;
    struct record_link *link;
    uint16_t *far;
    uint32_t *insn;
    uint8_t *code;
    size_t size;
};

/* Parts that need more alignment come first: links, instructions, then the rest. */
static struct parts parts_of(uint8_t *base, const struct record *head)
{
    struct parts p = {.head = (struct record *)base};

    p.link = (struct record_link *)(base + sizeof(*head));
    p.insn = (uint32_t *)(p.link + head->links);
    p.range = (struct record_range *)(p.insn + head->words);
    p.start = (struct record_start *)(p.range + head->ranges);
    p.far = (uint16_t *)(p.start + head->starts);
    p.code = (uint8_t *)(p.far + head->fars);
    p.size = (size_t)(p.code - base) + head->code;
    return p;
}

static bool keepable(uint32_t mode)
{
    return !(mode & (FRONT_STEP | FRONT_BREAK));
}

/* Whole, though another PE may be writing it. */
static uint32_t insn_at(const uint8_t *bytes, uint32_t pgoff)
{
    return le32toh(
        __atomic_load_n((const uint32_t *)(const void *)(bytes + pgoff), __ATOMIC_RELAXED));
}

static uint64_t region_key(uint32_t mode, const uint8_t *bytes, uint32_t pgoff)
{
    const uint64_t key[2] = {pgoff, mode};
    uint32_t insn[KEY_INSNS] = {0};

    for (unsigned i = 0; i < KEY_INSNS && pgoff + 4 * i < IR_PAGE_SIZE; i++)
        insn[i] = insn_at(bytes, pgoff + 4 * i);
    return hash_bytes(insn, sizeof(insn), key);
}

/* --- finding ----------------------------------------------------------------------------------*/

/* Whether the record's lengths and offsets make sense, whatever they hold. */
static bool sound(const struct parts *p, size_t size)
{
    const struct record *head = p->head;
    size_t words = 0;
    uint32_t end = 0;

    if (p->size != size || !head->code || head->code > JIT_ARENA || !head->words ||
        head->links > X64_MAX_LINKS || head->fars > X64_MAX_FARS || head->starts > 64)
        return false;
    for (unsigned i = 0; i < head->ranges; i++) {
        const struct record_range *r = &p->range[i];
        if (r->pgoff & 3 || r->pgoff < end || !r->words || r->pgoff + 4u * r->words > IR_PAGE_SIZE)
            return false;
        end = r->pgoff + 4u * r->words;
        words += r->words;
    }
    for (unsigned i = 0; i < head->starts; i++)
        if (p->start[i].pgoff & 3 || p->start[i].pgoff >= IR_PAGE_SIZE ||
            p->start[i].offset >= head->code)
            return false;
    return words == head->words;
}

/* Whether the page holds now what the record was made from. */
static bool fits(const struct parts *p, uint32_t mode, const uint8_t *bytes, uint32_t pgoff)
{
    const uint32_t *insn = p->insn;

    if (p->head->mode != mode || p->head->pgoff != pgoff)
        return false;
    for (unsigned i = 0; i < p->head->ranges; i++) {
        const struct record_range *r = &p->range[i];
        for (unsigned k = 0; k < r->words; k++)
            if (insn_at(bytes, r->pgoff + 4 * k) != *insn++)
                return false;
    }
    return true;
}

/* Unpacks into vcpu->maker.code and *found. */
static void unpack(const struct parts *p, struct x64_code *code, struct jit_recalled *found)
{
    const struct record *head = p->head;
    const struct record_range *last = &p->range[head->ranges - 1];

    code->size = head->code;
    code->links = head->links;
    code->fars = head->fars;
    for (unsigned i = 0; i < head->links; i++) {
        const struct record_link *l = &p->link[i];
        code->link[i] = (struct x64_link){
            .pgoff = l->pgoff, .jump = l->jump, .guard = l->guard, .careful = l->careful};
        code->number[i] = l->number;
    }
    for (unsigned i = 0; i < head->fars; i++)
        code->far[i] = p->far[i];
    for (unsigned i = 0; i < head->starts; i++)
        found->start[i] = (struct jit_start){p->start[i].pgoff, p->start[i].offset};
    found->starts = head->starts;
    found->insns = head->insns;
    found->code = p->code;
    found->first = p->range[0].pgoff;
    found->last = last->pgoff + 4u * last->words;
}

bool jit_store_find(struct jit_vcpu *vcpu, uint32_t mode, const uint8_t *bytes, uint32_t pgoff,
                    struct jit_recalled *found)
{
    struct store *store = vcpu->engine->store;
    bool more = true;

    if (!keepable(mode))
        return false;
    vcpu->record_key = region_key(mode, bytes, pgoff);
    for (unsigned n = 0; n < CANDIDATES && more; n++) {
        size_t size = store_find(store, vcpu->record_key, n, vcpu->record, JIT_RECORD, &more);
        if (size < sizeof(struct record))
            continue;
        struct parts p = parts_of(vcpu->record, (const struct record *)vcpu->record);
        if (sound(&p, size) && fits(&p, mode, bytes, pgoff)) {
            unpack(&p, vcpu->maker.code, found);
            return true;
        }
    }
    return false;
}

/* --- keeping ----------------------------------------------------------------------------------*/

/* The instructions that a region was made from, in order. */
struct made_from {
    uint64_t at[JIT_PAGE_SLOTS / 64]; /* bit by pgoff / 4 */
    uint32_t insn[JIT_PAGE_SLOTS];    /* where the bit is set */
    unsigned words, ranges;
};

/* False: it saw an instruction change, or too many of them. */
static bool gather(const struct front_region *region, struct made_from *made)
{
    uint64_t before = 0;

    memset(made->at, 0, sizeof(made->at));
    made->words = made->ranges = 0;
    if (region->seen > FRONT_MAX_SEEN)
        return false;
    for (unsigned i = 0; i < region->seen; i++) {
        unsigned slot = region->see[i].pgoff / 4;
        uint64_t bit = 1ull << slot % 64;
        if (made->at[slot / 64] & bit && made->insn[slot] != region->see[i].insn)
            return false;
        made->at[slot / 64] |= bit;
        made->insn[slot] = region->see[i].insn;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(made->at); i++) {
        made->words += (unsigned)__builtin_popcountll(made->at[i]);
        made->ranges += (unsigned)__builtin_popcountll(made->at[i] & ~(made->at[i] << 1 | before));
        before = made->at[i] >> 63;
    }
    return true;
}

static void put_made_from(const struct made_from *made, struct parts *p)
{
    unsigned range = 0, words = 0;

    for (unsigned slot = 0; words < made->words; slot++) {
        if (!(made->at[slot / 64] >> slot % 64 & 1))
            continue;
        if (!slot || !(made->at[(slot - 1) / 64] >> (slot - 1) % 64 & 1))
            p->range[range++] = (struct record_range){.pgoff = (uint16_t)(4 * slot)};
        p->range[range - 1].words++;
        p->insn[words++] = made->insn[slot];
    }
}

static void put_code(const struct x64_code *code, struct parts *p)
{
    for (unsigned i = 0; i < code->links; i++)
        p->link[i] = (struct record_link){.pgoff = code->link[i].pgoff,
                                          .jump = (uint16_t)code->link[i].jump,
                                          .guard = (uint16_t)code->link[i].guard,
                                          .careful = code->link[i].careful,
                                          .number = (uint16_t)code->number[i]};
    for (unsigned i = 0; i < code->fars; i++)
        p->far[i] = (uint16_t)code->far[i];
}

void jit_store_keep(struct jit_vcpu *vcpu, const struct front_region *region,
                    const struct jit_start *start, unsigned starts, const uint8_t *rw,
                    const uint8_t *rx)
{
    const struct x64_code *code = vcpu->maker.code;
    struct made_from made;
    struct record head;
    struct parts p;

    if (!keepable(region->mode) || code->size > UINT16_MAX || code->fars > X64_MAX_FARS ||
        !gather(region, &made))
        return;
    head = (struct record){.mode = region->mode,
                           .code = (uint32_t)code->size,
                           .pgoff = (uint16_t)region->pgoff,
                           .insns = (uint16_t)region->insns,
                           .ranges = (uint16_t)made.ranges,
                           .words = (uint16_t)made.words,
                           .starts = (uint16_t)starts,
                           .links = (uint16_t)code->links,
                           .fars = (uint16_t)code->fars};
    p = parts_of(vcpu->record, &head);
    if (p.size > JIT_RECORD || !x64_detach(vcpu->maker.x64, code, rw, rx, p.code))
        return;
    *p.head = head;
    put_made_from(&made, &p);
    put_code(code, &p);
    for (unsigned i = 0; i < starts; i++)
        p.start[i] = (struct record_start){(uint16_t)start[i].pgoff, (uint16_t)start[i].offset};
    store_add(vcpu->engine->store, vcpu->record_key, vcpu->record, p.size);
}

/* --- life -------------------------------------------------------------------------------------*/

/* All that generated code depends on, besides what is in a record. */
struct inputs {
    uint64_t program;
    uint64_t host[9];
    uint64_t have, midr, gic, cntfrq, many_cpus;
};

static int make_key(const struct engine *engine, const struct x64_host *h, uint64_t key[2])
{
    static const uint64_t seed[2][2] = {{0x636f6465, 1}, {0x73746f72, 2}};
    int rc;
    const struct arm_features *f = engine->config.features;
    struct inputs in = {
        .host = {h->level, h->aes, h->pclmul, h->sha, h->vaes, h->gfni, h->fma, h->f16c,
                 h->adx | h->fsrm << 1 | h->vnni << 2},
        .have = f->have,
        .midr = f->midr,
        .gic = f->gic,
        .cntfrq = f->cntfrq,
        .many_cpus = engine->config.cpus > 1, /* x64_config.whole_pairs */
    };

    rc = host_program_hash(seed[0], &in.program);
    for (unsigned i = 0; i < 2; i++)
        key[i] = hash_bytes(&in, sizeof(in), seed[i]);
    return rc;
}

static void complain(const struct engine *engine, const char *text)
{
    if (engine->config.code_store_asked)
        fprintf(stderr, "armvm: --code-store: %s; running without\n", text);
    else if (trace_on(engine->config.trace, TRACE_CODE))
        trace_print(engine->config.trace, TRACE_CODE, "code store: %s", text);
}

void jit_store_open(struct engine *engine, const struct x64_host *host)
{
    struct store_config config = {.directory = engine->config.code_store,
                                  .prefix = "code-",
                                  .limit = FILE_LIMIT,
                                  .total = TOTAL_LIMIT};
    struct error err = {0};
    const char *problem;

    if (!config.directory || make_key(engine, host, config.key))
        return;
    if (store_open(&config, &engine->store, &err)) {
        complain(engine, err.text);
        return;
    }
    problem = store_problem(engine->store);
    if (problem && trace_on(engine->config.trace, TRACE_CODE))
        trace_print(engine->config.trace, TRACE_CODE, "code store: %s: its file is replaced: %s",
                    config.directory, problem);
}
