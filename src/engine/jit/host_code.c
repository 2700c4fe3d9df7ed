/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host code: what the run-time system asks of the x86-64 emitter, in one place (no_host.c stands in
 * for it on other hosts). Each maker fills arenas of code memory of its own without a lock, and
 * numbers the links of what it emits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/trace.h"
#include "engine/jit/disasm.h"
#include "engine/jit/jit.h"

enum {
    ARENA_WORTH_TRYING = 4 << 10, /* less is not worth a compilation that may not fit */
};

/* Gives it a fresh arena. False: code memory is used up. */
static bool next_arena(struct jit_maker *maker)
{
    struct jit_cache *cache = &maker->engine->cache;
    bool ok;

    pthread_mutex_lock(&cache->lock);
    ok = cache->used + JIT_ARENA <= cache->code.size && cache->page_count <= cache->max_pages;
    if (ok) {
        maker->arena = cache->code.rw + cache->used;
        maker->arena_end = maker->arena + JIT_ARENA;
        cache->used += JIT_ARENA;
    }
    pthread_mutex_unlock(&cache->lock);
    if (!ok)
        atomic_store(&cache->full, true);
    return ok;
}

/* Gives it a chunk of link numbers. False: out of memory or of numbers. */
static bool next_links(struct jit_maker *maker)
{
    struct jit_cache *cache = &maker->engine->cache;
    struct jit_link *chunk = malloc(JIT_LINK_CHUNK * sizeof(*chunk));

    if (!chunk)
        return false;
    pthread_mutex_lock(&cache->lock);
    if (cache->link_chunks == JIT_LINK_CHUNKS) {
        free(chunk);
        chunk = NULL;
    } else {
        maker->link_next = cache->link_chunks * JIT_LINK_CHUNK;
        maker->link_end = maker->link_next + JIT_LINK_CHUNK;
        __atomic_store_n(&cache->links[cache->link_chunks++], chunk, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&cache->lock);
    return chunk;
}

static bool enough_links(struct jit_maker *maker)
{
    bool ok = maker->link_end - maker->link_next >= X64_MAX_LINKS || next_links(maker);

    if (!ok)
        atomic_store(&maker->engine->cache.full, true);
    return ok;
}

static void record_links(struct jit_maker *maker, const struct jit_page *page,
                         const struct x64_code *code)
{
    struct jit_cache *cache = &maker->engine->cache;

    for (unsigned i = 0; i < code->links; i++) {
        uint32_t number = maker->link_next++;
        struct jit_link *link = &cache->links[number / JIT_LINK_CHUNK][number % JIT_LINK_CHUNK];
        link->link = code->link[i];
        link->code = (uint32_t)(maker->arena - cache->code.rw);
        link->page_id = page->id;
        atomic_store_explicit(&link->set, 0, memory_order_release); /* see link_at */
    }
}

static uint8_t *arena_rx(const struct jit_maker *maker)
{
    const struct jit_cache *cache = &maker->engine->cache;

    return cache->code.rx + (maker->arena - cache->code.rw);
}

/* What lies at the arena's start is the page's now. */
static void take_code(struct jit_maker *maker, const struct jit_page *page,
                      const struct x64_code *code, const uint8_t *rx)
{
    struct engine *engine = maker->engine;

    record_links(maker, page, code);
    if (trace_on(engine->config.trace, TRACE_CODE))
        disasm_host(engine->config.trace->out, maker->arena, code->size, (uintptr_t)rx);
    maker->stat_bytes += code->size;
    maker->arena += align_up(code->size, 16);
    if (engine->perf_map)
        fprintf(engine->perf_map, "%llx %zx guest_%llx\n", (unsigned long long)(uintptr_t)rx,
                code->size, (unsigned long long)page->pa);
}

uint8_t *jit_host_place(struct jit_maker *maker, const struct jit_page *page,
                        const struct x64_code *code, const uint8_t *bytes)
{
    uint8_t *rx;

    if (!enough_links(maker))
        return NULL;
    if ((size_t)(maker->arena_end - maker->arena) < code->size && !next_arena(maker))
        return NULL;
    rx = arena_rx(maker);
    memcpy(maker->arena, bytes, code->size);
    if (!x64_attach(maker->x64, code, maker->arena, rx, maker->link_next))
        return NULL;
    take_code(maker, page, code, rx);
    return rx;
}

/* --- a vCPU's regions -------------------------------------------------------------------------*/

static int compile(struct jit_vcpu *vcpu, uint8_t **rx)
{
    struct jit_maker *maker = &vcpu->maker;

    *rx = arena_rx(maker);
    return x64_compile(maker->x64, vcpu->ir, maker->arena, *rx,
                       (size_t)(maker->arena_end - maker->arena), maker->link_next, maker->code);
}

/* Makes the region's blocks reachable: code that branches into its middle later on finds it there
 * instead of being translated once more. Careful code is its link's alone. */
static void publish_blocks(const struct jit_vcpu *vcpu, struct jit_page *page, uint32_t mode,
                           const struct jit_start *start, unsigned starts, uint8_t *rx)
{
    if (mode & FRONT_CAREFUL)
        return;
    for (unsigned i = 0; i < starts; i++)
        if (__atomic_load_n(&page->table[start[i].pgoff / 4], __ATOMIC_RELAXED) ==
            vcpu->engine->cache.empty)
            jit_set_entry(page, start[i].pgoff, rx + start[i].offset);
}

static unsigned find_starts(const struct jit_vcpu *vcpu, const struct front_region *region,
                            struct jit_start *start)
{
    unsigned n = 0;

    for (unsigned i = 0; i < region->starts; i++) {
        uint32_t offset = vcpu->maker.code->block[region->start[i].block];
        if (offset != UINT32_MAX)
            start[n++] = (struct jit_start){region->start[i].pgoff, offset};
    }
    return n;
}

/* Host code for what is in vcpu->ir. NULL: no room, or a flush has been asked for. */
void *jit_host_emit(struct jit_vcpu *vcpu, struct jit_page *page, const struct front_region *region)
{
    struct jit_maker *maker = &vcpu->maker;
    struct jit_start start[ARRAY_SIZE(region->start)];
    uint8_t *rx = NULL;
    unsigned starts;
    int rc = -ENOSPC;

    if (!enough_links(maker))
        return NULL;
    if (maker->arena_end - maker->arena > ARENA_WORTH_TRYING)
        rc = compile(vcpu, &rx);
    if (rc == -ENOSPC)
        rc = next_arena(maker) ? compile(vcpu, &rx) : rc;
    if (rc)
        return NULL;
    starts = find_starts(vcpu, region, start);
    if (vcpu->engine->store)
        jit_store_keep(vcpu, region, start, starts, maker->arena, rx);
    take_code(maker, page, maker->code, rx);
    publish_blocks(vcpu, page, region->mode, start, starts, rx);
    return rx;
}

void *jit_host_recall(struct jit_vcpu *vcpu, struct jit_page *page, uint32_t mode,
                      const uint8_t *bytes, uint32_t pgoff, struct jit_recalled *found)
{
    uint8_t *rx;

    if (!vcpu->engine->store || !jit_store_find(vcpu, mode, bytes, pgoff, found))
        return NULL;
    rx = jit_host_place(&vcpu->maker, page, vcpu->maker.code, found->code);
    if (!rx)
        return NULL;
    vcpu->stat_recalled++;
    vcpu->stat_recalled_insns += found->insns;
    publish_blocks(vcpu, page, mode, found->start, found->starts, rx);
    return rx;
}

/* --- links ------------------------------------------------------------------------------------*/

/* The link of that number, as the thread that made it left it: running code, which is what hands
 * the number over, orders loads by x86's rules alone. */
static struct jit_link *link_at(struct jit_cache *cache, uint32_t number)
{
    struct jit_link *chunk =
        __atomic_load_n(&cache->links[number / JIT_LINK_CHUNK], __ATOMIC_ACQUIRE);
    struct jit_link *link = &chunk[number % JIT_LINK_CHUNK];

    (void)atomic_load_explicit(&link->set, memory_order_acquire);
    return link;
}

static void *jit_link(void *cpu_ptr, uint64_t va, uint32_t number)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu_ptr);
    struct jit_cache *cache = &vcpu->engine->cache;
    struct jit_link *link = link_at(cache, number);
    void *entry = link->link.careful ? jit_lookup_careful(vcpu, va) : jit_lookup(cpu_ptr, va);
    struct jit_page *page;
    uint32_t unset = 0;

    if (!entry)
        return NULL;
    if (vcpu->engine->config.without >> ENGINE_LINKS & 1)
        return entry;
    page = jit_find_page(vcpu, va);
    if (!page || atomic_load(&page->dead) || (!link->link.guard && page->id != link->page_id))
        return entry;
    /* Once only: a second thread that sees another translation leaves it alone. */
    if (atomic_compare_exchange_strong(&link->set, &unset, 1))
        x64_link_set(&link->link, cache->code.rw + link->code, cache->code.rx + link->code, entry,
                     page->id);
    return entry;
}

/* --- life -------------------------------------------------------------------------------------*/

/* The emitter's names of the parts that it is to leave out. */
static unsigned emitter_without(uint32_t without)
{
    static const struct {
        enum engine_part part;
        unsigned flag;
    } parts[] = {{ENGINE_FUSE, X64_NO_FUSE},   {ENGINE_LAZY, X64_NO_LAZY},
                 {ENGINE_SHARE, X64_NO_SHARE}, {ENGINE_HINT, X64_NO_HINT},
                 {ENGINE_SLOTS, X64_NO_SLOTS}, {ENGINE_RETURNS, X64_NO_RETURNS}};
    unsigned flags = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
        if (without >> parts[i].part & 1)
            flags |= parts[i].flag;
    return flags;
}

/* An emitter, with thunks of its own at the start of code memory. */
int jit_maker_create(struct engine *engine, struct jit_maker *maker, struct error *err)
{
    struct jit_cache *cache = &engine->cache;
    struct x64_config config = {
        .layout = &a64_layout,
        .runtime = &jit_runtime,
        .helpers = a64_helpers,
        .nhelpers = a64_nhelpers,
        .whole_pairs = engine->config.cpus > 1 && arm_has(engine->config.features, ARM_FEAT_LSE2),
        .without = emitter_without(engine->config.without),
        .callbacks = {.lookup = jit_lookup, .link = jit_link},
        .rw = cache->code.rw + cache->used,
        .rx = cache->code.rx + cache->used,
        .room = cache->code.size - cache->used,
    };
    static const enum x64_level limit[] = {
        [ENGINE_HOST_NATIVE] = X64_V4,
        [ENGINE_HOST_V2] = X64_V2,
        [ENGINE_HOST_V3] = X64_V3,
        [ENGINE_HOST_V4] = X64_V4,
    };
    size_t used;
    int rc;

    maker->engine = engine;
    maker->code = malloc(sizeof(*maker->code));
    if (!maker->code)
        return error_set(err, -ENOMEM, "out of memory for the translator");
    x64_probe(limit[engine->config.host_cpu], &config.host);
    rc = x64_create(&config, &maker->x64, &used, err);
    if (rc)
        return rc;
    cache->used += align_up(used, 64);
    cache->base = cache->used;
    if (!cache->empty) { /* the first */
        cache->empty = x64_thunks(maker->x64)->miss;
        if (!engine->config.without)
            jit_store_open(engine, &config.host);
    }
    return 0;
}

void jit_maker_destroy(struct jit_maker *maker)
{
    if (maker->x64)
        x64_destroy(maker->x64);
    free(maker->code);
}

void jit_maker_reset(struct jit_maker *maker)
{
    maker->arena = maker->arena_end = NULL;
    maker->link_next = maker->link_end = 0;
}

int jit_host_create(struct jit_vcpu *vcpu, struct error *err)
{
    vcpu->record = malloc(JIT_RECORD);
    if (!vcpu->record)
        return error_set(err, -ENOMEM, "out of memory for CPU %u", vcpu->cpu.index);
    return jit_maker_create(vcpu->engine, &vcpu->maker, err);
}

void jit_host_destroy(struct jit_vcpu *vcpu)
{
    jit_maker_destroy(&vcpu->maker);
    free(vcpu->record);
}

void jit_host_enter(struct jit_vcpu *vcpu, void *entry)
{
    x64_thunks(vcpu->maker.x64)->enter(&vcpu->cpu, entry);
}
