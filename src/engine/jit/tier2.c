/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tier-2 thread: asks vCPUs where they are, and makes superblocks of what they find hot. While
 * it translates, vCPUs run on, and the code cache may be emptied; so what it makes is detached
 * code, of a copy of the page. All that is ready goes into code memory at once, while no vCPU is in
 * guest code.
 *
 * The thread sleeps while no vCPU has much to do: an idle guest costs nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/trace.h"
#include "engine/jit/disasm.h"
#include "engine/jit/tier2.h"
#include "host/clock.h"
#include "host/futex.h"

enum {
    MAX_INSNS = 256, /* the longest superblock; one that does not fit is cut in half, */
    MIN_INSNS = 8,   /* down to this */
    LOOKS = 20,      /* at vCPUs that all rest, before the thread rests, too; */
    FEW = 2,         /* so many when it has just been woken */
    WORTH = 2,       /* branches and steady accesses, for being made */
    SLOTS = 13       /* page slots from one superblock's first to the next one's */
};

/* --- jobs -------------------------------------------------------------------------------------*/

static void job_free(struct jit_job *job)
{
    free(job->made);
    free(job);
}

bool jit_tier2_post(struct jit_tier2 *tier2, struct jit_job *job)
{
    bool room;

    pthread_mutex_lock(&tier2->lock);
    room = tier2->queued < JIT_JOBS;
    if (room)
        tier2->queue[tier2->queued++] = job;
    else
        tier2->stat_dropped++;
    pthread_mutex_unlock(&tier2->lock);
    if (!room)
        job_free(job);
    return room;
}

static void count(struct jit_tier2 *tier2, uint64_t *what)
{
    pthread_mutex_lock(&tier2->lock);
    ++*what;
    pthread_mutex_unlock(&tier2->lock);
}

static void take_queue(struct jit_tier2 *tier2)
{
    pthread_mutex_lock(&tier2->lock);
    memcpy(tier2->job, tier2->queue, tier2->queued * sizeof(tier2->job[0]));
    tier2->jobs = tier2->queued;
    tier2->queued = 0;
    pthread_mutex_unlock(&tier2->lock);
}

/* --- making -----------------------------------------------------------------------------------*/

static void trace_superblock(const struct jit_tier2 *tier2, const struct jit_job *job,
                             const struct front_region *region)
{
    const struct trace *trace = tier2->engine->config.trace;

    if (!trace_on(trace, TRACE_CODE))
        return;
    trace_print(trace, TRACE_CODE,
                "superblock va 0x%llx pa 0x%llx mode 0x%x: %u instructions, %u branches%s",
                (unsigned long long)job->va, (unsigned long long)job->pa + job->pgoff, job->mode,
                region->insns, region->branches, region->closed ? ", closed" : "");
    disasm_guest(trace->out, job->bytes + region->first, region->last - region->first,
                 align_down(job->va, IR_PAGE_SIZE) + region->first);
    ir_print(tier2->ir, a64_helpers, trace->out);
}

/* Host code of what is in tier2->ir, at an address that is as good as any in code memory. False: it
 * does not fit. */
static bool emit(struct jit_tier2 *tier2, uint8_t **rx)
{
    const struct jit_cache *cache = &tier2->engine->cache;
    struct jit_maker *maker = &tier2->maker;

    *rx = cache->code.rx + cache->base;
    return !x64_compile(maker->x64, tier2->ir, tier2->room, *rx, JIT_ARENA, 0, maker->code);
}

/* Whether it is more than what tier 1 makes: a loop, a path through branches, or accesses whose
 * pages are known to be steady. */
static bool is_worthwhile(const struct ir *ir, const struct front_region *region)
{
    unsigned good = region->branches + region->closed;

    for (unsigned i = 0; i < ir->count; i++)
        good += ir_op_info[ir->insn[i].op].klass == IR_MEM && ir->insn[i].aux & IR_MEM_STEADY;
    return good >= WORTH;
}

/* There is time for that here; what is not would be a bug of the front end's. */
static bool is_sound(struct jit_tier2 *tier2)
{
    char why[200];
    bool sound = !ir_verify(tier2->ir, a64_helpers, a64_nhelpers, why, sizeof(why));

    if (!sound)
        count(tier2, &tier2->stat_unsound);
    return sound;
}

/* Makes the job's superblock. False: it is not worth it, or impossible. */
static bool make(struct jit_tier2 *tier2, struct jit_job *job)
{
    struct jit_maker *maker = &tier2->maker;
    struct front_region region = {
        .code = job->bytes,
        .pgoff = job->pgoff,
        .mode = job->mode,
        .max_insns = MAX_INSNS,
        .features = tier2->engine->config.features,
        .way = job->way,
    };
    uint8_t *rx;

    for (;;) {
        jit_to_ir(tier2->engine, &region, tier2->ir);
        if (!is_sound(tier2) || !is_worthwhile(tier2->ir, &region))
            return false;
        tier2->ir->first_slot = tier2->next_slot;
        if (emit(tier2, &rx))
            break;
        region.max_insns /= 2;
        if (region.max_insns < MIN_INSNS)
            return false;
    }
    tier2->next_slot += SLOTS;
    trace_superblock(tier2, job, &region);
    job->made = malloc(sizeof(*job->made) + maker->code->size);
    if (!job->made || !x64_detach(maker->x64, maker->code, tier2->room, rx, job->made->bytes))
        return false;
    job->made->insns = region.insns;
    job->made->code = *maker->code;
    return true;
}

/* --- installing: no vCPU is in guest code ------------------------------------------------------*/

/* Whether the first bytes of the head's code are its alone. An empty block begins where the next
 * one does. */
static bool alone(const struct jit_page *page, uint32_t slot)
{
    uintptr_t old = (uintptr_t)page->table[slot];

    for (unsigned i = 0; i < JIT_PAGE_SLOTS; i++)
        if (i != slot && (uintptr_t)page->table[i] - old < X64_JUMP)
            return false;
    return true;
}

/* Links and return stacks know the old code's beginning: from there it goes to the new. */
static void redirect(struct engine *engine, uint8_t *old, const uint8_t *new)
{
    const struct codemem *code = &engine->cache.code;
    uint8_t jump[X64_JUMP] = {0xe9};

    st_le(jump + 1, 4, (uint32_t)(new - (old + X64_JUMP)));
    memcpy(code->rw + (old - code->rx), jump, X64_JUMP);
}

static bool install_one(struct jit_tier2 *tier2, const struct jit_job *job)
{
    struct engine *engine = tier2->engine;
    struct jit_page *page = jit_page_there(engine, job->pa, job->mode);
    uint32_t slot = job->pgoff / 4;
    uint8_t *old, *new;

    if (!page || page->id != job->page_id || engine->cache.flushes != job->flushes)
        return false;
    new = jit_host_place(&tier2->maker, page, &job->made->code, job->made->bytes);
    if (!new)
        return false;
    old = page->table[slot];
    if (old != engine->cache.empty && alone(page, slot))
        redirect(engine, old, new);
    jit_set_entry(page, job->pgoff, new);
    return true;
}

static void install(struct engine *engine)
{
    struct jit_tier2 *tier2 = engine->tier2;

    for (unsigned i = 0; i < tier2->jobs; i++) {
        const struct jit_job *job = tier2->job[i];
        bool done = install_one(tier2, job);
        pthread_mutex_lock(&tier2->lock);
        tier2->stat_made += done;
        tier2->stat_dropped += !done;
        tier2->stat_insns += done ? job->made->insns : 0;
        tier2->stat_bytes = tier2->maker.stat_bytes;
        pthread_mutex_unlock(&tier2->lock);
    }
}

void jit_tier2_work(struct jit_tier2 *tier2)
{
    unsigned made = 0;

    take_queue(tier2);
    for (unsigned i = 0; i < tier2->jobs; i++) {
        struct jit_job *job = tier2->job[i];
        if (make(tier2, job)) {
            tier2->job[made++] = job;
        } else {
            count(tier2, &tier2->stat_refused);
            job_free(job);
        }
    }
    tier2->jobs = made;
    if (made)
        jit_exclusive(tier2->engine, install);
    while (tier2->jobs)
        job_free(tier2->job[--tier2->jobs]);
}

/* --- the thread -------------------------------------------------------------------------------*/

/* Asks who runs where it is. True if anybody does. */
static bool ask(struct engine *engine)
{
    bool any = false;

    for (unsigned i = 0; i < engine->cpus; i++) {
        struct jit_vcpu *vcpu = engine->vcpu[i];
        if (!atomic_load(&vcpu->running))
            continue;
        atomic_fetch_or(&vcpu->cpu.attention, ARM_ATTENTION_SAMPLE);
        any = true;
    }
    return any;
}

static void *tier2_thread(void *arg)
{
    struct jit_tier2 *tier2 = arg;
    struct engine *engine = tier2->engine;
    uint64_t interval = engine->config.tier2_us * 1000ull;
    unsigned quiet = 0;

    for (;;) {
        uint32_t wake = atomic_load(&tier2->wake);
        if (atomic_load(&engine->quit))
            return NULL;
        if (quiet < LOOKS) {
            host_futex_wait(&tier2->wake, wake, host_now_ns() + interval);
            quiet = ask(engine) ? 0 : quiet + 1;
            jit_tier2_work(tier2);
            continue;
        }
        atomic_store(&tier2->asleep, 1);
        host_futex_wait(&tier2->wake, wake, UINT64_MAX);
        atomic_store(&tier2->asleep, 0);
        quiet = LOOKS - FEW; /* who has woken it often goes to sleep at once */
    }
}

/* --- life -------------------------------------------------------------------------------------*/

int jit_tier2_create(struct engine *engine, struct error *err)
{
    const uint32_t need = 1u << ENGINE_TIER2 | 1u << ENGINE_REGIONS;
    const struct engine_config *config = &engine->config;
    struct jit_tier2 *tier2;
    int rc = 0;

    if (!engine->translate || !config->tier2_us || config->without & need)
        return 0;
    tier2 = calloc(1, sizeof(*tier2));
    if (!tier2)
        return error_set(err, -ENOMEM, "out of memory for the translator");
    engine->tier2 = tier2;
    tier2->engine = engine;
    tier2->eager = config->tier2_us < JIT_EAGER_US;
    pthread_mutex_init(&tier2->lock, NULL);
    tier2->ir = ir_create();
    tier2->room = aligned_alloc(64, JIT_ARENA);
    if (!tier2->ir || !tier2->room)
        return error_set(err, -ENOMEM, "out of memory for the translator");
    rc = jit_maker_create(engine, &tier2->maker, err);
    for (unsigned i = 0; !rc && i < engine->cpus; i++)
        rc = jit_hot_create(engine->vcpu[i], err);
    return rc;
}

int jit_tier2_start(struct engine *engine, struct error *err)
{
    struct jit_tier2 *tier2 = engine->tier2;
    int rc = tier2 ? pthread_create(&tier2->thread, NULL, tier2_thread, tier2) : 0;

    if (rc)
        return error_set(err, -rc, "cannot start the translator's thread: %s", strerror(rc));
    if (tier2)
        tier2->started = true;
    return 0;
}

void jit_tier2_stop(struct engine *engine)
{
    struct jit_tier2 *tier2 = engine->tier2;

    if (!tier2 || !tier2->started)
        return;
    atomic_fetch_add(&tier2->wake, 1);
    host_futex_wake(&tier2->wake);
    pthread_join(tier2->thread, NULL);
}

void jit_tier2_destroy(struct engine *engine)
{
    struct jit_tier2 *tier2 = engine->tier2;

    if (!tier2)
        return;
    while (tier2->queued)
        job_free(tier2->queue[--tier2->queued]);
    jit_maker_destroy(&tier2->maker);
    ir_destroy(tier2->ir);
    free(tier2->room);
    pthread_mutex_destroy(&tier2->lock);
    free(tier2);
    engine->tier2 = NULL;
}

void jit_tier2_print(struct engine *engine, FILE *out)
{
    struct jit_tier2 *tier2 = engine->tier2;

    if (!tier2)
        return;
    for (unsigned i = 0; i < engine->cpus; i++) {
        const struct jit_hot *hot = engine->vcpu[i]->hot;
        fprintf(out, "cpu%u: samples %llu, recordings %llu of %llu instructions\n", i,
                (unsigned long long)hot->stat_samples, (unsigned long long)hot->stat_recordings,
                (unsigned long long)hot->stat_insns);
    }
    pthread_mutex_lock(&tier2->lock);
    fprintf(out,
            "superblocks: %llu made, %llu refused, %llu dropped; guest instructions %llu, host "
            "bytes %llu\n",
            (unsigned long long)tier2->stat_made, (unsigned long long)tier2->stat_refused,
            (unsigned long long)tier2->stat_dropped, (unsigned long long)tier2->stat_insns,
            (unsigned long long)tier2->stat_bytes);
    if (tier2->stat_unsound)
        fprintf(out, "unsound superblocks: %llu\n", (unsigned long long)tier2->stat_unsound);
    pthread_mutex_unlock(&tier2->lock);
}
