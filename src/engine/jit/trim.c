/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory given back while the guest idles. What a guest's start leaves behind, translations and
 * TLBs of code that may never run again, is most of what a machine takes beyond the guest's RAM.
 * Once all vCPUs have been quiet for some seconds it is all dropped; what an idle guest still runs
 * is made again, and takes a twentieth.
 *
 * Whoever comes back to such a guest pays for that once. So that a guest which works and rests in
 * turns does not pay each time, it has to be quiet much longer before the next time: the first time
 * it is a start's remains that go, later on work that may go on.
 */
#include "engine/jit/jit.h"
#include "host/clock.h"
#include "host/ram.h"

#define SECOND           1000000000ull
#define FIRST_QUIET_NS   (4 * SECOND)
#define LONGEST_QUIET_NS (1024 * SECOND)
#define LONGER           16
#define AGAIN_NS         SECOND /* when somebody happened to be awake */

enum {
    WORTH = 2 << 20,    /* less code than this is not worth it, */
    WORTH_PART = 4,     /* and less than this part of the cache */
    QUIET_PART = 50,    /* quiet is who is awake for less than this part of the time, */
    BURST_NS = 40000000 /* give or take this much at once */
};

void jit_trim_init(struct engine *engine)
{
    engine->trim_after_ns = FIRST_QUIET_NS;
}

void jit_idle_begin(struct jit_vcpu *vcpu, uint64_t now)
{
    struct jit_idle *idle = &vcpu->idle;
    uint64_t allowed = (now - idle->slept) / QUIET_PART;

    idle->busy_ns += now - idle->woke;
    idle->busy_ns = idle->busy_ns > allowed ? idle->busy_ns - allowed : 0;
    idle->slept = now;
    if (idle->busy_ns > BURST_NS) {
        idle->busy_ns = 0;
        atomic_store_explicit(&idle->quiet_since, now, memory_order_relaxed);
    }
}

void jit_idle_end(struct jit_vcpu *vcpu, uint64_t now)
{
    vcpu->idle.woke = now;
}

static bool worthwhile(struct engine *engine)
{
    struct jit_cache *cache = &engine->cache;
    size_t part = engine->config.code_cache / WORTH_PART;
    bool is;

    pthread_mutex_lock(&cache->lock);
    is = cache->used - cache->base >= (part < WORTH ? part : WORTH);
    pthread_mutex_unlock(&cache->lock);
    return is;
}

/* No vCPU is in guest. */
static void give_back(struct engine *engine)
{
    struct jit_cache *cache = &engine->cache;
    uint64_t after = engine->trim_after_ns * LONGER;

    if (!worthwhile(engine)) /* two came at once */
        return;
    jit_cache_flush(engine);
    if (cache->code.rw)
        codemem_release(&cache->code, cache->base);
    for (unsigned i = 0; i < engine->cpus; i++)
        jit_contexts_trim(engine->vcpu[i]);
    host_heap_trim();
    engine->trim_after_ns = after < LONGEST_QUIET_NS ? after : LONGEST_QUIET_NS;
    engine->trims++;
}

bool jit_trim(struct engine *engine, uint64_t now, uint64_t *when)
{
    uint64_t since = 0;
    bool resting = true;

    *when = UINT64_MAX;
    if (!worthwhile(engine))
        return false;
    for (unsigned i = 0; i < engine->cpus; i++) {
        struct jit_vcpu *vcpu = engine->vcpu[i];
        uint64_t quiet = atomic_load_explicit(&vcpu->idle.quiet_since, memory_order_relaxed);
        since = quiet > since ? quiet : since;
        resting &= atomic_load(&vcpu->asleep);
    }
    *when = since + atomic_load(&engine->trim_after_ns);
    if (now < *when)
        return false;
    if (!resting) {
        *when = now + AGAIN_NS;
        return false;
    }
    jit_exclusive(engine, give_back);
    return true;
}
