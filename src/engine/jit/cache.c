/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code cache: translations by guest physical page and mode.
 *
 * A page has a table of entry points, one for each instruction; running code jumps through it
 * after its instruction TLB has said which page an address is in. Invalidation (IC IVAU, DMA,
 * loaders) unhooks the page: new look-ups make a new page with a new id, so no guard of an old
 * link matches it. The old code stays until the next flush, because other vCPUs may still be in
 * it; the architecture gives them until their next context synchronization (manual B2.4.4).
 *
 * Code memory is handed out in arenas, so vCPUs translate without a lock; when it is used up, all
 * vCPUs leave guest code and everything starts anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm/exception.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/trace.h"
#include "engine/jit/disasm.h"
#include "engine/jit/jit.h"
#include "engine/jit/tier2.h"
#include "machine/mem/mem.h"

/* A page with translations has some 12 KiB of code on average; one in so many bytes of code memory
 * there may be, so that code is what fills up. */
enum { BYTES_A_PAGE = 8 << 10, MIN_PAGES = 2560 };

/* The longest region. Few come near it; those that do are unrolled ciphers, whose every value would
 * be stored at each region's end. */
enum { MAX_INSNS = 256 };

/* --- which pages of RAM have translations ------------------------------------------------------*/

static int code_bits_init(struct engine *engine)
{
    struct jit_cache *cache = &engine->cache;
    const struct mem_slot *slot;

    while (mem_at(engine->config.mem, cache->slots))
        cache->slots++;
    cache->code_bits = calloc(cache->slots ? cache->slots : 1, sizeof(*cache->code_bits));
    if (!cache->code_bits)
        return -ENOMEM;
    for (unsigned i = 0; (slot = mem_at(engine->config.mem, i)); i++) {
        if (!slot->host)
            continue;
        cache->code_bits[i] = calloc((slot->size >> IR_PAGE_BITS) / 64 + 1, sizeof(uint64_t));
        if (!cache->code_bits[i])
            return -ENOMEM;
    }
    return 0;
}

/* The word and bit of a page, or NULL if it is not RAM. */
static _Atomic uint64_t *code_bit(struct engine *engine, uint64_t pa, uint64_t *mask)
{
    const struct mem_slot *slot = mem_find(engine->config.mem, pa);
    uint64_t page;

    if (!slot || !slot->host)
        return NULL;
    page = (pa - slot->base) >> IR_PAGE_BITS;
    *mask = 1ull << (page & 63);
    return &engine->cache.code_bits[slot - mem_at(engine->config.mem, 0)][page / 64];
}

/* --- pages ------------------------------------------------------------------------------------*/

static struct jit_page *page_create(struct jit_cache *cache, uint64_t pa, uint32_t mode)
{
    struct jit_page *page = malloc(sizeof(*page));

    if (!page)
        return NULL;
    for (unsigned i = 0; i < JIT_PAGE_SLOTS; i++)
        page->table[i] = cache->empty;
    memset(page->pads, 0, sizeof(page->pads));
    page->pa = pa;
    page->mode = mode;
    page->id = ++cache->next_id;
    page->dead = false;
    memset(page->done, 0, sizeof(page->done));
    page->next = map_get(&cache->pages, pa);
    if (map_put(&cache->pages, pa, page)) {
        free(page);
        return NULL;
    }
    cache->page_count++;
    return page;
}

static struct jit_page *page_there_locked(const struct jit_cache *cache, uint64_t pa, uint32_t mode)
{
    struct jit_page *page = map_get(&cache->pages, pa);

    while (page && page->mode != mode)
        page = page->next;
    return page;
}

struct jit_page *jit_page_there(struct engine *engine, uint64_t pa, uint32_t mode)
{
    struct jit_page *page;

    pthread_mutex_lock(&engine->cache.lock);
    page = page_there_locked(&engine->cache, pa, mode);
    pthread_mutex_unlock(&engine->cache.lock);
    return page;
}

/* The live page for pa in a mode, made if absent. NULL: out of memory. */
static struct jit_page *page_get(struct engine *engine, uint64_t pa, uint32_t mode)
{
    struct jit_cache *cache = &engine->cache;
    struct jit_page *page;
    _Atomic uint64_t *word;
    uint64_t mask;

    pthread_mutex_lock(&cache->lock);
    page = page_there_locked(cache, pa, mode);
    if (!page)
        page = page_create(cache, pa, mode);
    pthread_mutex_unlock(&cache->lock);
    /* Before the page's bytes are read: who writes them afterwards sees the bit. */
    word = code_bit(engine, pa, &mask);
    if (word && !(atomic_load(word) & mask))
        atomic_fetch_or(word, mask);
    return page;
}

static void free_table(const struct engine *engine, struct jit_page *page)
{
    if (!engine->translate)
        for (unsigned i = 0; i < JIT_PAGE_SLOTS; i++)
            ir_destroy(page->table[i]);
    free(page);
}

/* Unhooks all modes of a page. Under the lock. */
static void kill_locked(struct jit_cache *cache, struct jit_page *page)
{
    while (page) {
        struct jit_page *next = page->next;
        atomic_store(&page->dead, true);
        page->next = cache->dead;
        cache->dead = page;
        cache->dead_count++;
        cache->page_count--;
        page = next;
    }
    if (cache->dead_count > cache->max_pages / 2)
        atomic_store(&cache->full, true);
}

bool jit_cache_invalidate(struct engine *engine, uint64_t pa, uint64_t len)
{
    struct jit_cache *cache = &engine->cache;
    bool any = false;

    for (uint64_t at = align_down(pa, IR_PAGE_SIZE); at < pa + len; at += IR_PAGE_SIZE) {
        uint64_t mask;
        _Atomic uint64_t *word = code_bit(engine, at, &mask);
        if (!word || !(atomic_load(word) & mask))
            continue;
        pthread_mutex_lock(&cache->lock);
        atomic_fetch_and(word, ~mask);
        kill_locked(cache, map_del(&cache->pages, at));
        cache->invalidations++;
        pthread_mutex_unlock(&cache->lock);
        any = true;
    }
    return any;
}

static void kill_entry(void *ctx, uint64_t pa, void *page)
{
    (void)pa;
    kill_locked(ctx, page);
}

void jit_cache_invalidate_all(struct engine *engine)
{
    struct jit_cache *cache = &engine->cache;

    pthread_mutex_lock(&cache->lock);
    map_each(&cache->pages, kill_entry, cache);
    map_clear(&cache->pages);
    cache->invalidations++;
    pthread_mutex_unlock(&cache->lock);
}

static void free_list(void *ctx, uint64_t pa, void *value)
{
    struct jit_page *page = value, *next;

    for (; page; page = next) {
        next = page->next;
        free_table(ctx, page);
    }
}

void jit_cache_flush(struct engine *engine)
{
    struct jit_cache *cache = &engine->cache;

    pthread_mutex_lock(&cache->lock); /* DMA may be invalidating */
    free_list(engine, 0, cache->dead);
    map_each(&cache->pages, free_list, engine);
    map_clear(&cache->pages);
    cache->dead = NULL;
    cache->dead_count = cache->page_count = 0;
    while (cache->link_chunks)
        free(cache->links[--cache->link_chunks]);
    cache->used = cache->base;
    for (unsigned i = 0; i < engine->cpus; i++) {
        struct jit_vcpu *vcpu = engine->vcpu[i];
        jit_maker_reset(&vcpu->maker);
        jit_itlb_flush_all(vcpu);
    }
    if (engine->tier2)
        jit_maker_reset(&engine->tier2->maker);
    cache->flushes++;
    atomic_store(&cache->full, false);
    pthread_mutex_unlock(&cache->lock);
}

/* --- translating ------------------------------------------------------------------------------*/

static void trace_region(struct jit_vcpu *vcpu, const struct front_region *region, uint64_t va,
                         uint64_t pa)
{
    const struct trace *trace = vcpu->cpu.trace;

    trace_print(trace, TRACE_CODE, "cpu%u region va 0x%llx pa 0x%llx mode 0x%x: %u instructions",
                vcpu->cpu.index, (unsigned long long)va, (unsigned long long)pa, region->mode,
                region->insns);
    disasm_guest(trace->out, region->code + region->first, region->last - region->first,
                 align_down(va, IR_PAGE_SIZE) + region->first);
    ir_print(vcpu->ir, a64_helpers, trace->out);
}

void jit_to_ir(const struct engine *engine, struct front_region *region, struct ir *ir)
{
    uint32_t without = engine->config.without;
    const struct ir_opt_config config = {.forward = !(without >> ENGINE_FORWARD & 1),
                                         .dead = !(without >> ENGINE_DEAD & 1),
                                         .as_written = without >> ENGINE_SIMPLIFY & 1};

    a64_translate(region, ir);
    ir_optimise(ir, &a64_layout, a64_helpers, &config);
    ir_count_uses(ir);
}

static void front_to_ir(struct jit_vcpu *vcpu, struct front_region *region, uint64_t va,
                        uint64_t pa)
{
    jit_to_ir(vcpu->engine, region, vcpu->ir);
    vcpu->stat_regions++;
    vcpu->stat_insns += region->insns;
    if (trace_on(vcpu->cpu.trace, TRACE_CODE))
        trace_region(vcpu, region, va, pa);
}

/* A copy of vcpu->ir for the interpreter, counted against the same bound as host code. Another
 * vCPU may have been faster: its copy is what the table owns then. */
static void *keep_ir(struct jit_vcpu *vcpu, struct jit_page *page, uint32_t pgoff)
{
    struct jit_cache *cache = &vcpu->engine->cache;
    size_t limit = vcpu->engine->config.code_cache;
    size_t size = vcpu->ir->count * sizeof(struct ir_insn);
    void *there = cache->empty, *copy;
    bool ok;

    pthread_mutex_lock(&cache->lock);
    ok = cache->used + size <= limit && cache->page_count <= cache->max_pages;
    cache->used += ok ? size : 0;
    pthread_mutex_unlock(&cache->lock);
    if (!ok)
        atomic_store(&cache->full, true);
    copy = ok ? ir_clone(vcpu->ir) : NULL;
    if (copy && !__atomic_compare_exchange_n(&page->table[pgoff / 4], &there, copy, false,
                                             __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        ir_destroy(copy);
        return there;
    }
    return copy;
}

/* What an earlier run has made of the code at va, or NULL. */
static void *recall(struct jit_vcpu *vcpu, struct jit_page *page, const uint8_t *bytes, uint64_t va,
                    uint32_t mode)
{
    const struct trace *trace = vcpu->cpu.trace;
    struct jit_recalled found;
    void *entry = jit_host_recall(vcpu, page, mode, bytes, (uint32_t)(va % IR_PAGE_SIZE), &found);

    if (entry && trace_on(trace, TRACE_CODE)) {
        trace_print(trace, TRACE_CODE,
                    "cpu%u region va 0x%llx: %u instructions from the code store", vcpu->cpu.index,
                    (unsigned long long)va, found.insns);
        disasm_guest(trace->out, bytes + found.first, found.last - found.first,
                     align_down(va, IR_PAGE_SIZE) + found.first);
    }
    return entry;
}

/*
 * Translates the region at va. A region that does not fit even an empty arena (vectors without
 * short host code, say) is cut in half until it does; one instruction always fits.
 */
static void *translate(struct jit_vcpu *vcpu, struct jit_page *page, const uint8_t *bytes,
                       uint64_t va, uint32_t mode)
{
    struct engine *engine = vcpu->engine;
    struct front_region region = {
        .code = bytes,
        .pgoff = (uint32_t)(va & (IR_PAGE_SIZE - 1)),
        .mode = mode,
        .max_insns = engine->config.without >> ENGINE_REGIONS & 1 ? 1 : MAX_INSNS,
        .features = vcpu->cpu.features,
        .entries = page->table,
        .empty = engine->cache.empty,
    };
    unsigned tried;
    void *entry;

    do {
        front_to_ir(vcpu, &region, va, page->pa + region.pgoff);
        entry = engine->translate ? jit_host_emit(vcpu, page, &region)
                                  : keep_ir(vcpu, page, region.pgoff);
        tried = region.max_insns;
        region.max_insns = tried / 2;
    } while (!entry && !atomic_load(&engine->cache.full) && tried > 1);
    /* One instruction, and the emitter lacks registers for it: the loop interprets it. */
    vcpu->interpret_ir = !entry && !atomic_load(&engine->cache.full);
    return entry;
}

/* careful: FRONT_CAREFUL for code that only its link knows, or 0. */
static void *make_entry(struct jit_vcpu *vcpu, struct jit_page *page, uint64_t va, uint32_t careful)
{
    struct engine *engine = vcpu->engine;
    const uint8_t *bytes = mem_ptr(engine->config.mem, page->pa, IR_PAGE_SIZE, false);
    uint32_t mode = page->mode | careful;
    void *entry = recall(vcpu, page, bytes, va, mode);

    if (!entry && !atomic_load(&engine->cache.full))
        entry = translate(vcpu, page, bytes, va, mode);
    if (entry && engine->translate && !careful)
        jit_set_entry(page, va % IR_PAGE_SIZE, entry);
    return entry;
}

/* --- look-up ----------------------------------------------------------------------------------*/

/* The mode that a page's code depends on. */
static uint32_t page_mode(const struct jit_vcpu *vcpu, const struct arm_translation *tr)
{
    uint32_t mode = vcpu->current->mode & ~(uint32_t)FRONT_PAN;

    return tr->guarded ? mode | FRONT_GUARDED : mode & ~(uint32_t)FRONT_BT;
}

/* The page that va is in, through the instruction TLB; NULL: an exception was taken. */
static struct jit_page *fetch_page(struct jit_vcpu *vcpu, uint64_t va)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    struct arm_translation tr;
    struct arm_fault fault;
    struct ir_itlb_entry *entry;
    struct jit_page *page;

    if (arm_translate(cpu, va, cpu->el, cpu->pan, ARM_FETCH, &tr, &fault)) {
        cpu->pc = va;
        arm_take_inst_abort(cpu, va, fault.fsc);
        return NULL;
    }
    tr.pa = align_down(tr.pa, IR_PAGE_SIZE);
    if (!mem_ptr(vcpu->engine->config.mem, tr.pa, IR_PAGE_SIZE, false)) {
        cpu->pc = va;
        arm_take_inst_abort(cpu, va, 0x10); /* synchronous External abort, not on a walk */
        return NULL;
    }
    page = page_get(vcpu->engine, tr.pa, page_mode(vcpu, &tr));
    if (!page) {
        atomic_store(&vcpu->engine->cache.full, true);
        cpu->pc = va;
        return NULL;
    }
    entry = jit_itlb_slot(vcpu->current, va);
    entry->tag = align_down(va, IR_PAGE_SIZE);
    entry->open = tr.guarded ? 1 : entry->tag;
    entry->table = page->table;
    entry->page_id = page->id;
    entry->attr = (uint32_t)__builtin_ctzll(tr.size);
    jit_context_note(vcpu->current, va, &tr);
    jit_context_note_code_fill(vcpu);
    vcpu->stat_itlb_fills++;
    return page;
}

struct jit_page *jit_find_page(struct jit_vcpu *vcpu, uint64_t va)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    const struct ir_itlb_entry *entry = jit_itlb_slot(vcpu->current, va);

    if (va & 3) { /* manual D1.3.8.2: PC alignment comes before the fetch */
        cpu->pc = va;
        arm_take_sync(cpu, ARM_EC_PC_ALIGN, 0, true, va);
        return NULL;
    }
    /* table is the first member of its page. */
    return entry->tag == align_down(va, IR_PAGE_SIZE) ? (struct jit_page *)entry->table
                                                      : fetch_page(vcpu, va);
}

/*
 * PSTATE.BTYPE is zero while translated code runs. A branch that sets it brings it along: to a page
 * that is not guarded it has no effect; in a guarded page running code itself looks at the target's
 * pads, and comes here with BTYPE in CPU state when it has not landed there yet. False: an
 * exception was taken.
 */
static bool may_land(struct jit_vcpu *vcpu, struct jit_page *page, uint64_t va)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    uint32_t pgoff = va % IR_PAGE_SIZE;
    const uint8_t *bytes;

    if (page->mode & FRONT_GUARDED) {
        bytes = mem_ptr(vcpu->engine->config.mem, page->pa + pgoff, 4, false);
        unsigned pads = a64_landing_pads((uint32_t)ld_le(bytes, 4), page->mode, cpu->features);
        if (!(pads >> cpu->btype & 1)) {
            cpu->pc = va;
            arm_take_bti(cpu);
            return false;
        }
        __atomic_fetch_or(&page->pads[pgoff / 4], (uint8_t)pads, __ATOMIC_RELAXED);
    }
    cpu->btype = 0;
    return true;
}

struct jit_page *jit_land(struct jit_vcpu *vcpu, uint64_t *va)
{
    struct jit_page *page;

    if (*va >> 55 && *va >> 55 != 0x1ff) /* the tag of a branch target goes */
        *va = arm_branch_addr(&vcpu->cpu, *va);
    page = jit_find_page(vcpu, *va);
    if (!page || (vcpu->cpu.btype && !may_land(vcpu, page, *va)))
        return NULL;
    vcpu->cpu.pc_page = align_down(*va, IR_PAGE_SIZE);
    return page;
}

void *jit_lookup(void *cpu_ptr, uint64_t va)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu_ptr);
    struct jit_page *page;
    void *entry;

    if (atomic_load_explicit(&vcpu->cpu.attention, memory_order_relaxed)) {
        vcpu->cpu.pc = va;
        return NULL;
    }
    page = jit_land(vcpu, &va);
    if (!page)
        return NULL;
    entry = __atomic_load_n(&page->table[va % IR_PAGE_SIZE / 4], __ATOMIC_ACQUIRE);
    if (entry == vcpu->engine->cache.empty)
        entry = make_entry(vcpu, page, va, 0);
    if (!entry)
        vcpu->cpu.pc = va; /* the loop makes room */
    return entry;
}

void *jit_lookup_careful(struct jit_vcpu *vcpu, uint64_t va)
{
    struct jit_page *page = NULL;
    void *entry = NULL;

    vcpu->cpu.pc = va;
    if (!atomic_load_explicit(&vcpu->cpu.attention, memory_order_relaxed))
        page = jit_find_page(vcpu, va);
    if (page)
        entry = make_entry(vcpu, page, va, FRONT_CAREFUL);
    return entry;
}

/* --- life -------------------------------------------------------------------------------------*/

int jit_cache_init(struct engine *engine, struct error *err)
{
    struct jit_cache *cache = &engine->cache;
    int rc;

    pthread_mutex_init(&cache->lock, NULL);
    cache->max_pages = (unsigned)(engine->config.code_cache / BYTES_A_PAGE);
    if (cache->max_pages < MIN_PAGES)
        cache->max_pages = MIN_PAGES;
    rc = code_bits_init(engine);
    if (rc)
        return error_set(err, rc, "out of memory for the code cache");
    if (!engine->translate)
        return 0;
    return codemem_create(&cache->code, engine->config.code_cache, err);
}

void jit_cache_destroy(struct engine *engine)
{
    struct jit_cache *cache = &engine->cache;

    jit_cache_flush(engine);
    if (cache->code_bits)
        for (unsigned i = 0; i < cache->slots; i++)
            free(cache->code_bits[i]);
    free(cache->code_bits);
    if (cache->code.rw)
        codemem_destroy(&cache->code);
    pthread_mutex_destroy(&cache->lock);
}
