/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for hot code, on the vCPU's thread: samples are counted by place; at a place that is hot
 * a recording begins. That is single instructions, interpreted, for long enough to see loops go
 * round: which way do branches go, where is code entered? Everything else, interrupts and requests
 * of others, goes on between them as between translations. Interpreting is a hundred times slower
 * than what it looks at, so recordings are short, and rare.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "engine/jit/tier2.h"
#include "host/clock.h"
#include "host/futex.h"
#include "machine/mem/mem.h"

enum {
    HOT = 4,           /* samples at a place before a recording, */
    HOTTER = 4,        /* so many times more before each further one, */
    HOTTEST = 128,     /* up to this */
    FORGET = 256,      /* samples after which half of each count is forgotten */
    LENGTH = 1000,     /* instructions of a recording */
    TOO_SHORT = 200,   /* for anything to be told from it */
    SPACE = 50,        /* a recording takes 1 in so many of the time at most */
    LEAST_ENTRIES = 8, /* of a head in a recording */
    TELLING = 4,       /* accesses of an instruction that tell where it goes */
    RARE = 5           /* a way that a branch goes at least once in so many times is one */
};

/* A vCPU that has been busy for less does not wake the thread: idle guests wake up briefly, but
 * often. */
#define WORTH_WAKING_NS 4000000ull

int jit_hot_create(struct jit_vcpu *vcpu, struct error *err)
{
    vcpu->hot = calloc(1, sizeof(*vcpu->hot));
    return vcpu->hot ? 0 : error_set(err, -ENOMEM, "out of memory for CPU %u", vcpu->cpu.index);
}

void jit_hot_destroy(struct jit_vcpu *vcpu)
{
    if (vcpu->hot)
        free(vcpu->hot->recording);
    free(vcpu->hot);
}

void jit_hot_wake(struct jit_vcpu *vcpu, uint64_t busy_ns)
{
    struct jit_tier2 *tier2 = vcpu->engine->tier2;

    if (busy_ns < WORTH_WAKING_NS)
        return;
    atomic_fetch_add(&tier2->wake, 1);
    host_futex_wake(&tier2->wake);
}

/* --- samples ----------------------------------------------------------------------------------*/

static bool is_done(const struct jit_page *page, uint32_t slot)
{
    return atomic_load_explicit(&page->done[slot / 64], memory_order_relaxed) >> slot % 64 & 1;
}

static bool eager(const struct jit_vcpu *vcpu)
{
    return vcpu->engine->tier2->eager;
}

/* The count of a place. NULL: another place, which is seen more often, has its room. */
static struct jit_place *place_of(struct jit_hot *hot, const struct jit_page *page, uint32_t slot,
                                  uint8_t need)
{
    struct jit_place *place =
        &hot->place[(page->id * 0x9e3779b1u ^ slot * 0x85ebca6bu) >> 24 & (JIT_PLACES - 1)];

    if (place->page_id == page->id && place->slot == slot)
        return place;
    if (place->count) {
        place->count--;
        return NULL;
    }
    *place =
        (struct jit_place){.page_id = page->id, .slot = (uint16_t)slot, .count = 0, .need = need};
    return place;
}

static void forget(struct jit_hot *hot)
{
    if (++hot->samples < FORGET)
        return;
    hot->samples = 0;
    for (unsigned i = 0; i < JIT_PLACES; i++)
        hot->place[i].count /= 2;
}

static void begin(struct jit_vcpu *vcpu)
{
    struct jit_hot *hot = vcpu->hot;
    struct jit_recording *recording = calloc(1, sizeof(*recording));

    if (!recording)
        return;
    recording->left = LENGTH;
    recording->began = host_thread_ns();
    recording->next = vcpu->cpu.pc;
    hot->recording = recording;
    hot->stat_recordings++;
}

void jit_hot_sample(struct jit_vcpu *vcpu)
{
    const struct ir_itlb_entry *entry;
    const struct jit_page *page;
    struct jit_hot *hot = vcpu->hot;
    struct jit_place *place;
    uint64_t va = vcpu->cpu.pc;
    uint32_t slot = va % IR_PAGE_SIZE / 4;

    if (!hot || vcpu->context_dirty || vcpu->sleep || va & 3)
        return;
    entry = jit_itlb_slot(vcpu->current, va);
    if (entry->tag != align_down(va, IR_PAGE_SIZE))
        return;
    hot->stat_samples++;
    forget(hot);
    page = (const struct jit_page *)entry->table; /* its first member */
    if (hot->recording || is_done(page, slot))
        return;
    place = place_of(hot, page, slot, eager(vcpu) ? 1 : HOT);
    if (!place)
        return;
    place->count += place->count < UINT8_MAX;
    if (place->count < place->need)
        return;
    if (host_now_ns() < hot->not_before)
        return;
    place->count = 0;
    place->need = place->need * HOTTER < HOTTEST ? (uint8_t)(place->need * HOTTER) : HOTTEST;
    begin(vcpu);
}

/* --- recording --------------------------------------------------------------------------------*/

static struct jit_trail *trail_of(struct jit_recording *r, struct jit_page *page, uint64_t va)
{
    for (unsigned i = 0; i < r->trails; i++)
        if (r->trail[i].page == page)
            return &r->trail[i];
    if (r->trails == JIT_TRAILS)
        return NULL;
    r->trail[r->trails].page = page;
    r->trail[r->trails].va = align_down(va, IR_PAGE_SIZE);
    return &r->trail[r->trails++];
}

/* The instruction at va, to vcpu->ir; to optimise it would take longer than to run it as it is.
 * Returns its bits. */
static uint32_t translate_one(struct jit_vcpu *vcpu, struct front_region *region,
                              const struct jit_page *page, uint64_t va)
{
    region->code = mem_ptr(vcpu->engine->config.mem, page->pa, IR_PAGE_SIZE, false);
    region->pgoff = (uint32_t)(va % IR_PAGE_SIZE);
    region->mode = page->mode;
    region->max_insns = 1;
    region->features = vcpu->cpu.features;
    a64_translate(region, vcpu->ir);
    return region->see[0].insn;
}

void *jit_hot_next(struct jit_vcpu *vcpu)
{
    struct jit_recording *r = vcpu->hot->recording;
    struct jit_trail *from = r->at;
    uint64_t va = vcpu->cpu.pc;
    struct jit_page *page;

    if (vcpu->current->mode & (FRONT_STEP | FRONT_COUNT | FRONT_BREAK)) {
        jit_hot_stop(vcpu);
        return jit_lookup(&vcpu->cpu, va);
    }
    r->enters |= va != r->next; /* an exception, of the last instruction or for an interrupt */
    page = jit_land(vcpu, &va);
    if (!page)
        return NULL;
    r->at = trail_of(r, page, va);
    r->va = va;
    r->insn = translate_one(vcpu, &r->region, page, va);
    if (r->at) {
        uint32_t slot = va % IR_PAGE_SIZE / 4;
        r->at->count[slot]++;
        r->at->entered[slot] += r->enters || r->at != from;
    }
    vcpu->accessed = UINT64_MAX;
    vcpu->interpret_ir = true;
    return NULL;
}

static bool same_page(uint64_t a, uint64_t b)
{
    return !((a ^ b) & ~(uint64_t)(IR_PAGE_SIZE - 1));
}

/* BR, BLR, RET, ERET and their like, and BL: what these lead to may be reached from anywhere. */
static bool leads_anywhere(uint32_t insn)
{
    return (insn & 0xfe000000u) == 0xd6000000u || (insn & 0xfc000000u) == 0x94000000u;
}

static void note_access(struct jit_trail *trail, uint32_t slot, uint64_t page)
{
    trail->accesses[slot]++;
    trail->stayed[slot] += trail->accessed[slot] == page;
    trail->accessed[slot] = page;
}

void jit_hot_note(struct jit_vcpu *vcpu)
{
    struct jit_recording *r = vcpu->hot->recording;

    r->next = vcpu->cpu.pc;
    r->enters = vcpu->cpu.raised || r->next <= r->va || leads_anywhere(r->insn);
    if (r->at && !vcpu->cpu.raised && r->next != r->va + 4) {
        uint32_t slot = r->va % IR_PAGE_SIZE / 4;
        r->at->taken[slot]++;
        r->at->target[slot] = same_page(r->next, r->va) ? r->next % IR_PAGE_SIZE / 4 + 1 : 0;
    }
    if (r->at && vcpu->accessed != UINT64_MAX)
        note_access(r->at, r->va % IR_PAGE_SIZE / 4, vcpu->accessed >> IR_PAGE_BITS);
    vcpu->hot->stat_insns++;
    if (!--r->left)
        jit_hot_stop(vcpu);
}

/* --- what it tells ----------------------------------------------------------------------------*/

static unsigned times_entered(const struct jit_trail *trail, uint32_t slot)
{
    return trail->entered[slot] + trail->rare[slot];
}

void jit_find_rare(struct jit_trail *trail)
{
    for (unsigned slot = 0; slot < JIT_PAGE_SLOTS; slot++) {
        unsigned taken = trail->taken[slot], next = trail->count[slot] - taken;
        unsigned to = taken > next ? slot + 1 : trail->target[slot] - 1u;
        unsigned rare = taken > next ? next : taken;
        if (RARE * rare >= trail->count[slot] && to < JIT_PAGE_SLOTS)
            trail->rare[to] = (uint16_t)(trail->rare[to] + rare);
    }
}

unsigned jit_choose_heads(const struct jit_trail *trail, unsigned trails, unsigned least,
                          struct jit_head *head, unsigned max)
{
    unsigned heads = 0;

    for (unsigned i = 0; i < trails; i++)
        for (uint32_t slot = 0; slot < JIT_PAGE_SLOTS; slot++) {
            unsigned entered = times_entered(&trail[i], slot), at = heads;
            if (entered < least || is_done(trail[i].page, slot))
                continue;
            while (at && times_entered(head[at - 1].trail, head[at - 1].slot) < entered)
                at--;
            if (at == max)
                continue;
            heads += heads < max;
            memmove(&head[at + 1], &head[at], (heads - at - 1) * sizeof(*head));
            head[at] = (struct jit_head){&trail[i], slot};
        }
    return heads;
}

/* FRONT_WAY_* of an instruction's accesses. */
static unsigned pages_of(unsigned accesses, unsigned stayed)
{
    if (accesses < TELLING)
        return 0;
    if (accesses - stayed <= 1 + accesses / 16)
        return FRONT_WAY_STEADY;
    return 4 * stayed < 3 * accesses ? FRONT_WAY_ROVING : 0;
}

void jit_choose_ways(const struct jit_trail *trail, unsigned least, uint8_t way[JIT_PAGE_SLOTS])
{
    for (unsigned slot = 0; slot < JIT_PAGE_SLOTS; slot++) {
        unsigned count = trail->count[slot];
        way[slot] = !count                           ? FRONT_WAY_UNKNOWN
                    : 2 * trail->taken[slot] > count ? FRONT_WAY_TAKEN
                                                     : FRONT_WAY_NEXT;
        if (trail->entered[slot] >= least)
            way[slot] |= FRONT_WAY_HEAD;
        way[slot] |= (uint8_t)pages_of(trail->accesses[slot], trail->stayed[slot]);
    }
}

/* Other PEs may be writing it. */
static void copy_page(uint8_t *to, const uint8_t *from)
{
    for (unsigned at = 0; at < IR_PAGE_SIZE; at += 8) {
        uint64_t word =
            __atomic_load_n((const uint64_t *)(const void *)(from + at), __ATOMIC_RELAXED);
        memcpy(to + at, &word, 8);
    }
}

static unsigned least_entries(const struct jit_vcpu *vcpu)
{
    return eager(vcpu) ? 1 : LEAST_ENTRIES;
}

static void post(struct jit_vcpu *vcpu, const struct jit_head *head)
{
    struct engine *engine = vcpu->engine;
    struct jit_page *page = head->trail->page;
    uint64_t bit = 1ull << head->slot % 64;
    _Atomic uint64_t *done = &page->done[head->slot / 64];
    struct jit_job *job;

    if (atomic_load(&page->dead) || atomic_fetch_or(done, bit) & bit)
        return;
    job = malloc(sizeof(*job));
    if (!job)
        return;
    job->pa = page->pa;
    job->va = head->trail->va + 4 * head->slot;
    job->mode = page->mode;
    job->page_id = page->id;
    job->pgoff = 4 * head->slot;
    job->flushes = engine->cache.flushes;
    job->made = NULL;
    jit_choose_ways(head->trail, least_entries(vcpu), job->way);
    copy_page(job->bytes, mem_ptr(engine->config.mem, page->pa, IR_PAGE_SIZE, false));
    if (!jit_tier2_post(engine->tier2, job))
        atomic_fetch_and(done, ~bit);
}

void jit_hot_stop(struct jit_vcpu *vcpu)
{
    struct jit_hot *hot = vcpu->hot;
    struct jit_recording *r;
    struct jit_head head[JIT_HEADS];
    unsigned heads = 0;

    if (!hot || !hot->recording)
        return;
    r = hot->recording;
    hot->recording = NULL;
    for (unsigned i = 0; i < r->trails; i++)
        jit_find_rare(&r->trail[i]);
    if (LENGTH - r->left >= TOO_SHORT)
        heads = jit_choose_heads(r->trail, r->trails, least_entries(vcpu), head, ARRAY_SIZE(head));
    for (unsigned i = 0; i < heads; i++)
        post(vcpu, &head[i]);
    hot->not_before = host_now_ns() + (host_thread_ns() - r->began) * (eager(vcpu) ? 1 : SPACE);
    free(r);
}
