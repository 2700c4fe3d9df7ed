/* SPDX-License-Identifier: Apache-2.0 */
/* The engine as the machine and the architecture see it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <unistd.h>

#include "arm/current.h"
#include "arm/exception.h"
#include "arm/sysreg.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/trace.h"
#include "engine/jit/tier2.h"
#include "host/clock.h"
#include "host/store.h"
#include "machine/mem/mem.h"

enum { MIN_CODE_CACHE = 1 << 20 };

const char *const engine_part_names[] = {
    [ENGINE_FORWARD] = "forward", [ENGINE_SIMPLIFY] = "simplify", [ENGINE_DEAD] = "dead",
    [ENGINE_FUSE] = "fuse",       [ENGINE_LAZY] = "lazy",         [ENGINE_SHARE] = "share",
    [ENGINE_HINT] = "hint",       [ENGINE_SLOTS] = "slots",       [ENGINE_RETURNS] = "returns",
    [ENGINE_LINKS] = "links",     [ENGINE_REGIONS] = "regions",   [ENGINE_TIER2] = "tier2",
    [ENGINE_PARTS] = NULL,
};

/* --- what the architecture asks for -----------------------------------------------------------*/

static void op_context_changed(struct arm_cpu *cpu)
{
    jit_vcpu(cpu)->context_dirty = true;
}

static void op_tlbi(struct arm_cpu *cpu, const struct arm_tlbi *op, bool broadcast)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);

    if (trace_on(cpu->trace, TRACE_MMU))
        trace_print(cpu->trace, TRACE_MMU, "cpu%u TLBI kind %d asid %u va 0x%llx pages %llu%s",
                    cpu->index, op->kind, op->asid, (unsigned long long)op->va,
                    (unsigned long long)op->pages, broadcast ? " IS" : "");
    jit_tlbi_local(vcpu, op);
    if (broadcast && vcpu->engine->cpus > 1)
        jit_post_tlbi(vcpu, op);
}

static void op_dsb(struct arm_cpu *cpu)
{
    jit_wait_mail(jit_vcpu(cpu));
}

static void op_isb(struct arm_cpu *cpu)
{
    (void)cpu; /* regions end at an ISB: what follows is looked up anew */
}

static void op_icache_invalidate(struct arm_cpu *cpu, uint64_t pa, uint64_t len)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);
    struct engine *engine = vcpu->engine;
    bool any = true;

    if (len)
        any = jit_cache_invalidate(engine, pa, len);
    else
        jit_cache_invalidate_all(engine);
    /* Everything is dead: a flush gives its memory back, as soon as all have left guest code. */
    if (!len)
        atomic_store(&engine->cache.full, true);
    if (any)
        jit_post_code(engine, vcpu);
}

static void op_wfi(struct arm_cpu *cpu, uint64_t timeout_ns)
{
    uint64_t now;

    if (atomic_load(&cpu->lines))
        return;
    now = timeout_ns == UINT64_MAX ? 0 : host_now_ns();
    jit_vcpu(cpu)->wake_deadline = timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
    jit_vcpu(cpu)->sleep = JIT_WFI;
    atomic_fetch_or(&cpu->attention, ARM_ATTENTION_WORK);
}

static void op_yield(struct arm_cpu *cpu)
{
    (void)cpu;
    sched_yield();
}

static void op_debug_changed(struct arm_cpu *cpu)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);

    jit_tlb_flush_all(vcpu);
    vcpu->context_dirty = true;
}

static void op_sev(struct arm_cpu *cpu)
{
    struct engine *engine = jit_vcpu(cpu)->engine;

    for (unsigned i = 0; i < engine->cpus; i++) {
        atomic_store(&engine->vcpu[i]->cpu.event, 1);
        jit_kick(&engine->vcpu[i]->cpu);
    }
}

static bool op_breakpoint(struct arm_cpu *cpu)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);

    for (unsigned i = 0; i < vcpu->engine->breakpoints; i++)
        if (vcpu->engine->breakpoint[i] == cpu->pc && !vcpu->step)
            return jit_debug_hit(vcpu, ENGINE_BREAKPOINT, cpu->pc);
    return false;
}

const struct arm_engine_ops jit_engine_ops = {
    .context_changed = op_context_changed,
    .tlbi = op_tlbi,
    .dsb = op_dsb,
    .isb = op_isb,
    .icache_invalidate = op_icache_invalidate,
    .wfi = op_wfi,
    .wfe = jit_wfe,
    .yield = op_yield,
    .debug_changed = op_debug_changed,
    .kick = jit_kick,
    .sev = op_sev,
    .mem_copy = jit_mem_copy,
    .mem_set = jit_mem_set,
    .breakpoint = op_breakpoint,
};

/* --- life -------------------------------------------------------------------------------------*/

static void vcpu_destroy(struct jit_vcpu *vcpu)
{
    if (!vcpu)
        return;
    jit_contexts_destroy(vcpu);
    jit_hot_destroy(vcpu);
    ir_destroy(vcpu->ir);
    jit_host_destroy(vcpu);
    free(vcpu);
}

static int vcpu_create(struct engine *engine, unsigned index, struct error *err)
{
    struct jit_vcpu *vcpu = aligned_alloc(64, align_up(sizeof(*vcpu), 64));
    struct arm_cpu *cpu;

    if (!vcpu)
        return error_set(err, -ENOMEM, "out of memory for CPU %u", index);
    memset(vcpu, 0, sizeof(*vcpu));
    engine->vcpu[index] = vcpu;
    vcpu->engine = engine;
    cpu = &vcpu->cpu;
    cpu->index = index;
    /* Clusters of 16: what one ICC_SGI1R write can address (GIC specification 12.2.20). */
    cpu->mpidr = 1ull << 31 | (index / 16) << 8 | index % 16;
    cpu->features = engine->config.features;
    cpu->mem = engine->config.mem;
    cpu->hooks = engine->config.hooks;
    cpu->engine_ops = &jit_engine_ops;
    cpu->trace = engine->config.trace;
    jit_mail_init(vcpu);
    vcpu->ir = ir_create();
    if (!vcpu->ir || jit_contexts_init(vcpu))
        return error_set(err, -ENOMEM, "out of memory for CPU %u", index);
    arm_cpu_reset(cpu, 0, 0);
    return engine->translate ? jit_host_create(vcpu, err) : 0;
}

/* An eighth of the guest's RAM within bounds. Compilers are what needs most: gcc runs 80 MiB of
 * translations over and over. */
static size_t default_code_cache(const struct engine_config *config)
{
    enum { SHARE = 8, LEAST = 32 << 20, MOST = 256 << 20 };
    const struct mem_slot *slot;
    uint64_t ram = 0;

    for (unsigned i = 0; (slot = mem_at(config->mem, i)); i++)
        ram += slot->host ? slot->size : 0;
    return ram / SHARE < LEAST ? LEAST : ram / SHARE > MOST ? MOST : (size_t)(ram / SHARE);
}

static int choose(struct engine *engine, struct error *err)
{
    struct engine_config *config = &engine->config;

    if (config->kind == ENGINE_KVM)
        return error_set(err, -ENOTSUP,
                         "--engine kvm: needs an arm64 Linux host with /dev/kvm, and "
                         "is not in this build; use auto, translate or interpret");
#if defined(__x86_64__)
    engine->translate = config->kind != ENGINE_INTERPRET;
#else
    if (config->kind == ENGINE_TRANSLATE)
        return error_set(err, -ENOTSUP,
                         "--engine translate: makes x86-64 code, and this host is "
                         "not x86-64; use auto or interpret");
#endif
    if (!config->code_cache)
        config->code_cache = default_code_cache(config);
    if (config->code_cache < MIN_CODE_CACHE || config->code_cache > 1u << 30)
        return error_set(err, -EINVAL, "--code-cache: must be from 1M to 1G");
    if (config->cpus < 1 || config->cpus > ARRAY_SIZE(engine->vcpu))
        return error_set(err, -EINVAL, "--cpus: must be from 1 to %zu", ARRAY_SIZE(engine->vcpu));
    return 0;
}

static void memory_written(void *ctx, uint64_t pa, uint64_t len)
{
    engine_memory_written(ctx, pa, len);
}

static void rom_switched(void *ctx, uint64_t pa, uint64_t len)
{
    struct engine *engine = ctx;
    struct jit_vcpu *vcpu = (struct jit_vcpu *)arm_current();

    jit_post_switch(engine, vcpu && vcpu->engine == engine ? vcpu : NULL);
}

int engine_create(const struct engine_config *config, struct engine **out, struct error *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    int rc;

    if (!engine)
        return error_set(err, -ENOMEM, "out of memory");
    engine->config = *config;
    pthread_mutex_init(&engine->lock, NULL);
    pthread_cond_init(&engine->changed, NULL);
    jit_trim_init(engine);
    rc = choose(engine, err);
    if (!rc)
        rc = jit_cache_init(engine, err);
    for (unsigned i = 0; !rc && i < config->cpus; i++) {
        engine->cpus = i + 1;
        rc = vcpu_create(engine, i, err);
    }
    if (!rc)
        rc = jit_tier2_create(engine, err);
    if (!rc && config->perf_map) {
        char path[64];
        snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
        engine->perf_map = fopen(path, "we");
        if (!engine->perf_map)
            rc = error_set(err, -errno, "--perf-map: cannot write %s: %s", path, strerror(errno));
    }
    if (rc) {
        engine_destroy(engine);
        return rc;
    }
    mem_set_observer(config->mem, memory_written, engine);
    mem_set_switch_observer(config->mem, rom_switched, engine);
    *out = engine;
    return 0;
}

void engine_destroy(struct engine *engine)
{
    if (!engine)
        return;
    pthread_mutex_lock(&engine->lock);
    engine->quit = true;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    for (unsigned i = 0; i < engine->cpus && engine->vcpu[i]; i++) {
        if (!engine->vcpu[i]->started)
            continue;
        atomic_fetch_or(&engine->vcpu[i]->cpu.attention, ARM_ATTENTION_STOP);
        jit_kick(&engine->vcpu[i]->cpu);
        pthread_join(engine->vcpu[i]->thread, NULL);
    }
    jit_tier2_stop(engine);
    mem_set_observer(engine->config.mem, NULL, NULL);
    mem_set_switch_observer(engine->config.mem, NULL, NULL);
    jit_cache_destroy(engine);
    jit_tier2_destroy(engine);
    for (unsigned i = 0; i < engine->cpus; i++)
        vcpu_destroy(engine->vcpu[i]);
    store_close(engine->store);
    if (engine->perf_map)
        fclose(engine->perf_map);
    pthread_cond_destroy(&engine->changed);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

unsigned engine_cpus(const struct engine *engine)
{
    return engine->cpus;
}

struct arm_cpu *engine_cpu(struct engine *engine, unsigned index)
{
    return index < engine->cpus ? &engine->vcpu[index]->cpu : NULL;
}

int engine_start(struct engine *engine, struct error *err)
{
    for (unsigned i = 0; i < engine->cpus; i++) {
        struct jit_vcpu *vcpu = engine->vcpu[i];
        int rc = pthread_create(&vcpu->thread, NULL, jit_thread, vcpu);
        if (rc)
            return error_set(err, -rc, "cannot start the thread of CPU %u: %s", i, strerror(rc));
        vcpu->started = true;
    }
    return jit_tier2_start(engine, err);
}

void engine_reset(struct engine *engine, uint64_t pc, uint64_t x0)
{
    for (unsigned i = 0; i < engine->cpus; i++) {
        struct jit_vcpu *vcpu = engine->vcpu[i];
        struct arm_cpu *cpu = &vcpu->cpu;
        arm_cpu_reset(cpu, i ? 0 : pc, i ? 0 : x0);
        cpu->boot_pc = i ? 0 : pc;
        cpu->boot_x0 = i ? 0 : x0;
        atomic_store(&cpu->lines, 0);
        atomic_store(&cpu->event, 0);
        atomic_store(&cpu->power, i ? ARM_POWER_OFF : ARM_POWER_ON_PENDING);
        vcpu->sleep = JIT_AWAKE;
        jit_tlb_flush_all(vcpu);
        vcpu->context_dirty = true;
    }
    jit_cache_flush(engine);
    jit_trim_init(engine); /* another start leaves as much behind */
}

void engine_memory_written(struct engine *engine, uint64_t pa, uint64_t len)
{
    if (jit_cache_invalidate(engine, pa, len))
        jit_post_code(engine, NULL);
}

/* --- debugger ---------------------------------------------------------------------------------*/

int engine_set_breakpoint(struct engine *engine, uint64_t va, bool set)
{
    unsigned i = 0;

    while (i < engine->breakpoints && engine->breakpoint[i] != va)
        i++;
    if (set && i == ARRAY_SIZE(engine->breakpoint))
        return -ENOSPC;
    if (set) {
        engine->breakpoint[i] = va;
        engine->breakpoints += i == engine->breakpoints;
    } else {
        if (i == engine->breakpoints)
            return -ENOENT;
        engine->breakpoint[i] = engine->breakpoint[--engine->breakpoints];
    }
    return 0;
}

int engine_set_watchpoint(struct engine *engine, uint64_t va, uint64_t len, unsigned access,
                          bool set)
{
    unsigned i = 0;

    while (i < engine->watchpoints &&
           (engine->watchpoint[i].va != va || engine->watchpoint[i].len != len ||
            engine->watchpoint[i].access != access))
        i++;
    if (set && i == ARRAY_SIZE(engine->watchpoint))
        return -ENOSPC;
    if (!set && i == engine->watchpoints)
        return -ENOENT;
    if (set) {
        engine->watchpoint[i].va = va;
        engine->watchpoint[i].len = len;
        engine->watchpoint[i].access = access;
        engine->watchpoints += i == engine->watchpoints;
    } else {
        engine->watchpoint[i] = engine->watchpoint[--engine->watchpoints];
    }
    for (unsigned cpu = 0; cpu < engine->cpus; cpu++)
        jit_tlb_flush_all(engine->vcpu[cpu]);
    return 0;
}

void engine_step(struct engine *engine, unsigned cpu)
{
    if (cpu < engine->cpus)
        engine->vcpu[cpu]->step = true;
}

void engine_set_debugger(struct engine *engine,
                         void (*event)(void *ctx, const struct engine_debug_event *event),
                         void *ctx)
{
    engine->debug_event = event;
    engine->debug_ctx = ctx;
}

/* --- figures ----------------------------------------------------------------------------------*/

static void print_store(struct engine *engine, FILE *out)
{
    struct store_figures f;

    if (!engine->store)
        return;
    store_get_figures(engine->store, &f);
    for (unsigned i = 0; i < engine->cpus; i++)
        fprintf(out, "cpu%u: from the code store: regions %llu, guest instructions %llu\n", i,
                (unsigned long long)engine->vcpu[i]->stat_recalled,
                (unsigned long long)engine->vcpu[i]->stat_recalled_insns);
    fprintf(
        out,
        "code store: %llu regions, %llu bytes; added %llu, %llu bytes; written %llu times, %llu "
        "damaged\n",
        (unsigned long long)f.entries, (unsigned long long)f.bytes, (unsigned long long)f.added,
        (unsigned long long)f.added_bytes, (unsigned long long)f.saves,
        (unsigned long long)f.damaged);
}

void engine_print_stats(struct engine *engine, FILE *out)
{
    const struct jit_cache *cache = &engine->cache;

    for (unsigned i = 0; i < engine->cpus; i++) {
        const struct jit_vcpu *v = engine->vcpu[i];
        fprintf(out, "cpu%u: regions %llu, guest instructions translated %llu, host bytes %llu\n",
                i, (unsigned long long)v->stat_regions, (unsigned long long)v->stat_insns,
                (unsigned long long)v->maker.stat_bytes);
        fprintf(out,
                "cpu%u: entered %llu, slow accesses %llu, TLB fills %llu data %llu code, device "
                "accesses %llu, interrupts %llu, context switches %llu\n",
                i, (unsigned long long)v->stat_enters, (unsigned long long)v->stat_slow,
                (unsigned long long)v->stat_tlb_fills, (unsigned long long)v->stat_itlb_fills,
                (unsigned long long)v->stat_io, (unsigned long long)v->stat_interrupts,
                (unsigned long long)v->stat_switches);
    }
    print_store(engine, out);
    jit_tier2_print(engine, out);
    fprintf(out,
            "code cache: %zu of %zu bytes, %u pages, %u dead, %llu invalidations, %llu flushes\n",
            cache->used, engine->config.code_cache, cache->page_count, cache->dead_count,
            (unsigned long long)cache->invalidations, (unsigned long long)cache->flushes);
    fprintf(out, "memory given back while all idled: %llu times\n",
            (unsigned long long)engine->trims);
}
