/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's thread. It is in one of two places: "in guest", where it may run translated code, use
 * its TLBs and translate; or outside, parked or asleep, where others may flush the code cache and
 * where its state is complete in struct arm_cpu. begin_guest() and end_guest() are the border.
 */
#include <sched.h>

#include "arm/current.h"
#include "arm/debug.h"
#include "arm/exception.h"
#include "arm/hooks.h"
#include "base/bits.h"
#include "engine/jit/tier2.h"
#include "host/clock.h"
#include "host/futex.h"
#include "machine/mem/mem.h"

/* --- the border -------------------------------------------------------------------------------*/

void jit_kick(struct arm_cpu *cpu)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);

    atomic_fetch_add(&vcpu->wake, 1);
    if (atomic_load(&vcpu->asleep))
        host_futex_wake(&vcpu->wake);
}

static bool must_wait(const struct jit_vcpu *vcpu)
{
    const struct engine *engine = vcpu->engine;

    return engine->pauses || engine->exclusive || vcpu->debug_stop ||
           (engine->stepping && engine->stepping != vcpu);
}

/* Whether nobody asks what is hot; who has been busy for a while changes that. */
static bool tier2_sleeps(const struct jit_vcpu *vcpu)
{
    const struct jit_tier2 *tier2 = vcpu->engine->tier2;

    return tier2 && atomic_load_explicit(&tier2->asleep, memory_order_relaxed);
}

/* How busy it has been before its last rest. */
static uint64_t busy_before(const struct jit_vcpu *vcpu)
{
    const struct jit_idle *idle = &vcpu->idle;

    return atomic_load_explicit(&idle->quiet_since, memory_order_relaxed) == idle->slept
               ? UINT64_MAX
               : idle->busy_ns;
}

/* False when the engine is being taken down. */
static bool begin_guest(struct jit_vcpu *vcpu)
{
    struct engine *engine = vcpu->engine;
    bool go;

    pthread_mutex_lock(&engine->lock);
    while (must_wait(vcpu) && !engine->quit)
        pthread_cond_wait(&engine->changed, &engine->lock);
    go = !engine->quit;
    if (go) {
        vcpu->in_guest = true;
        engine->guests++;
    }
    pthread_mutex_unlock(&engine->lock);
    if (go) {
        atomic_store(&vcpu->running, 1);
        jit_mail_drain(vcpu);
        if (tier2_sleeps(vcpu))
            jit_hot_wake(vcpu, busy_before(vcpu));
    }
    return go;
}

static void end_guest(struct jit_vcpu *vcpu)
{
    struct engine *engine = vcpu->engine;

    atomic_store(&vcpu->running, 0);
    host_futex_wake(&vcpu->mail.done); /* who waits for our answer need not any more */
    pthread_mutex_lock(&engine->lock);
    vcpu->in_guest = false;
    if (!--engine->guests)
        pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
}

/* Asks every vCPU that is in guest to come out. Under engine.lock. */
static void call_out_locked(struct engine *engine)
{
    for (unsigned i = 0; i < engine->cpus; i++)
        atomic_fetch_or(&engine->vcpu[i]->cpu.attention, ARM_ATTENTION_STOP);
}

void jit_exclusive(struct engine *engine, void (*fn)(struct engine *engine))
{
    pthread_mutex_lock(&engine->lock);
    /* Not during a pause either: who paused relies on nothing changing. */
    while ((engine->exclusive || engine->pauses) && !engine->quit)
        pthread_cond_wait(&engine->changed, &engine->lock);
    if (engine->quit) {
        pthread_mutex_unlock(&engine->lock);
        return;
    }
    engine->exclusive = true;
    call_out_locked(engine);
    while (engine->guests)
        pthread_cond_wait(&engine->changed, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
    fn(engine);
    pthread_mutex_lock(&engine->lock);
    engine->exclusive = false;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
}

/* While everybody stands still, so does the guest's time. */
static void stop_time(const struct engine *engine, bool stop)
{
    const struct arm_hooks *hooks = engine->config.hooks;

    if (hooks && hooks->timer_stop)
        hooks->timer_stop(hooks->timer, stop);
}

void engine_pause(struct engine *engine)
{
    bool outermost;

    pthread_mutex_lock(&engine->lock);
    outermost = !engine->pauses++;
    call_out_locked(engine);
    while (engine->guests || engine->exclusive)
        pthread_cond_wait(&engine->changed, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
    if (outermost)
        stop_time(engine, true);
}

void engine_resume(struct engine *engine)
{
    bool last;

    pthread_mutex_lock(&engine->lock);
    last = engine->pauses == 1;
    pthread_mutex_unlock(&engine->lock);
    if (last)
        stop_time(engine, false);
    pthread_mutex_lock(&engine->lock);
    if (!--engine->pauses) {
        engine->stepping = NULL;
        for (unsigned i = 0; i < engine->cpus; i++) {
            struct jit_vcpu *vcpu = engine->vcpu[i];
            vcpu->debug_stop = false;
            vcpu->context_dirty = true; /* registers or breakpoints may have been changed */
            if (vcpu->step)
                engine->stepping = vcpu;
        }
        pthread_cond_broadcast(&engine->changed);
    }
    pthread_mutex_unlock(&engine->lock);
    for (unsigned i = 0; i < engine->cpus; i++)
        jit_kick(&engine->vcpu[i]->cpu);
}

/* --- outside ----------------------------------------------------------------------------------*/

static void flush_if_full(struct engine *engine)
{
    if (atomic_load(&engine->cache.full))
        jit_cache_flush(engine);
}

static bool has_reason_to_run(const struct jit_vcpu *vcpu)
{
    const struct arm_cpu *cpu = &vcpu->cpu;

    /* quit by itself: the attention that came with it may have been answered already. */
    if (atomic_load(&cpu->attention) || atomic_load(&vcpu->engine->quit))
        return true;
    if (atomic_load(&cpu->power) != ARM_POWER_ON)
        return atomic_load(&cpu->power) == ARM_POWER_ON_PENDING;
    if (vcpu->sleep == JIT_WFE)
        return atomic_load(&cpu->event) || arm_interrupt_ready(cpu);
    return !vcpu->sleep || atomic_load(&cpu->lines);
}

/* Sleeps until woken; false if the wait has ended by itself. */
static bool sleep_on(struct jit_vcpu *vcpu, uint32_t wake, uint64_t *step)
{
    uint64_t deadline = UINT64_MAX, now = host_now_ns(), trim;

    if (vcpu->sleep && atomic_load(&vcpu->cpu.power) == ARM_POWER_ON) {
        if (vcpu->sleep == JIT_WFE)
            return jit_wfe_sleep(vcpu, wake, step);
        deadline = vcpu->wake_deadline;
    }
    if (now >= deadline)
        return false;
    if (!jit_trim(vcpu->engine, now, &trim))
        host_futex_wait(&vcpu->wake, wake, trim < deadline ? trim : deadline);
    return true;
}

/* Sleeps while powered off, or in WFI or WFE, until there is something to do. */
static void rest(struct jit_vcpu *vcpu)
{
    uint64_t step = 0;

    jit_idle_begin(vcpu, host_now_ns());
    atomic_store(&vcpu->asleep, 1);
    for (;;) {
        uint32_t wake = atomic_load(&vcpu->wake);
        if (has_reason_to_run(vcpu))
            break;
        if (!sleep_on(vcpu, wake, &step)) {
            vcpu->sleep = JIT_AWAKE;
            break;
        }
    }
    atomic_store(&vcpu->asleep, 0);
    jit_idle_end(vcpu, host_now_ns());
}

/* What is to be done before guest code can run; false: stay outside. */
static bool ready(struct jit_vcpu *vcpu)
{
    struct arm_cpu *cpu = &vcpu->cpu;

    if (atomic_load(&cpu->power) == ARM_POWER_ON_PENDING) {
        arm_cpu_reset(cpu, cpu->boot_pc, cpu->boot_x0);
        jit_tlb_flush_all(vcpu);
        vcpu->context_dirty = true;
        vcpu->sleep = JIT_AWAKE;
        atomic_store(&cpu->power, ARM_POWER_ON);
    }
    if (atomic_load(&cpu->power) != ARM_POWER_ON)
        return false;
    if (vcpu->sleep == JIT_WFE ? atomic_exchange(&cpu->event, 0) || arm_interrupt_ready(cpu)
                               : atomic_load(&cpu->lines))
        vcpu->sleep = JIT_AWAKE;
    return !vcpu->sleep;
}

/* --- in guest ---------------------------------------------------------------------------------*/

static void interpret(struct jit_vcpu *vcpu, const struct ir *ir)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    struct ir_leave leave = ir_interpret(ir, cpu, &a64_layout, &jit_runtime, a64_helpers);

    if (leave.how == IR_LEFT_DIRECT || leave.how == IR_LEFT_INDIRECT)
        cpu->pc = leave.target;
}

/* entry NULL: what lies in vcpu->ir. */
static void run_region(struct jit_vcpu *vcpu, void *entry)
{
    vcpu->stat_enters++;
    if (!entry)
        interpret(vcpu, vcpu->ir);
    else if (vcpu->engine->translate)
        jit_host_enter(vcpu, entry);
    else
        interpret(vcpu, entry);
}

/* Tells the debugger, and stands still from the next border on. */
static void stop_for_debugger(struct jit_vcpu *vcpu, int why, uint64_t va)
{
    struct engine *engine = vcpu->engine;
    struct engine_debug_event event = {.cpu = vcpu->cpu.index, .why = why, .va = va};

    pthread_mutex_lock(&engine->lock);
    vcpu->debug_stop = true;
    vcpu->step = false;
    pthread_mutex_unlock(&engine->lock);
    atomic_fetch_or(&vcpu->cpu.attention, ARM_ATTENTION_STOP);
    if (engine->debug_event)
        engine->debug_event(engine->debug_ctx, &event);
}

bool jit_debug_hit(struct jit_vcpu *vcpu, int why, uint64_t va)
{
    vcpu->cpu.raised = 1;
    stop_for_debugger(vcpu, why, va);
    return true;
}

/* Software step (manual D2.12): with the state machine active, one instruction runs with
 * PSTATE.SS set, and the exception is taken before the next. */
static bool step_pending(struct jit_vcpu *vcpu)
{
    if (!(vcpu->current->mode & FRONT_STEP) || !arm_step_pending(&vcpu->cpu))
        return false;
    arm_take_step(&vcpu->cpu);
    return true;
}

/* Whether the instruction at pc, which has just been looked up, is a Load-Exclusive: the step's
 * syndrome tells (ESR_EL1.EX). */
static bool at_load_exclusive(const struct jit_vcpu *vcpu)
{
    const struct arm_cpu *cpu = &vcpu->cpu;
    const struct jit_page *page = /* table is its first member */
        (const struct jit_page *)jit_itlb_slot(vcpu->current, cpu->pc)->table;
    const uint8_t *bytes =
        mem_ptr(vcpu->engine->config.mem, page->pa + cpu->pc % IR_PAGE_SIZE, 4, false);
    uint32_t insn = bytes ? (uint32_t)ld_le(bytes, 4) : 0;

    /* LDXR, LDAXR of all sizes, and LDXP, LDAXP, where bit 21 is set (else it is CASP). */
    return (insn & 0x3fe00000) == 0x08400000 || (insn & 0xbfe00000) == 0x88600000;
}

static void after_step(struct jit_vcpu *vcpu, uint32_t mode)
{
    if (!(mode & FRONT_STEP))
        return;
    if (!vcpu->cpu.raised && arm_step_active(&vcpu->cpu))
        arm_step_done(&vcpu->cpu, vcpu->cpu.step_ex);
    if (vcpu->step)
        stop_for_debugger(vcpu, ENGINE_STEPPED, vcpu->cpu.pc);
}

/* Deals with attention; false: leave guest. */
static bool attend(struct jit_vcpu *vcpu)
{
    uint32_t attention = 0, news;

    /* Once more after an alarm, which may have raised its interrupt; another alarm may come then.
     */
    do {
        news = atomic_exchange(&vcpu->cpu.attention, 0);
        attention |= news;
        if (news & ARM_ATTENTION_PMU)
            arm_pmu_alarmed(&vcpu->cpu);
    } while (news & ARM_ATTENTION_PMU);
    jit_mail_drain(vcpu);
    if (attention & (ARM_ATTENTION_STOP | ARM_ATTENTION_POWER))
        return false;
    if (attention & ARM_ATTENTION_SAMPLE)
        jit_hot_sample(vcpu);
    else if (tier2_sleeps(vcpu))
        jit_hot_wake(vcpu, host_now_ns() - vcpu->idle.woke);
    /* A debugger steps the code it shows, not the interrupts that are always due by then. */
    if (attention & ARM_ATTENTION_IRQ && !vcpu->step && arm_take_interrupt(&vcpu->cpu))
        vcpu->stat_interrupts++;
    return true;
}

/* Code is translated for an SP that is aligned, or for one that is not; regions are left when an
 * instruction may have changed that. */
static bool sp_alignment_changed(const struct jit_vcpu *vcpu)
{
    bool misaligned = vcpu->cpu.x[31] & 15;

    return __builtin_expect(misaligned || vcpu->current->mode & FRONT_SA, false);
}

static void run(struct jit_vcpu *vcpu)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    struct engine *engine = vcpu->engine;

    for (;;) {
        void *entry;
        uint32_t mode;
        if (atomic_load_explicit(&cpu->attention, memory_order_relaxed) && !attend(vcpu))
            return;
        if (vcpu->sleep || atomic_load_explicit(&engine->cache.full, memory_order_relaxed) ||
            atomic_load_explicit(&cpu->power, memory_order_relaxed) != ARM_POWER_ON)
            return;
        if (vcpu->context_dirty || sp_alignment_changed(vcpu))
            jit_context_sync(vcpu);
        cpu->raised = 0;
        if (step_pending(vcpu))
            continue;
        vcpu->interpret_ir = false;
        entry = jit_is_recording(vcpu) ? jit_hot_next(vcpu) : jit_lookup(cpu, cpu->pc);
        if (!entry && !vcpu->interpret_ir)
            continue;
        mode = vcpu->current->mode;
        if (mode & FRONT_STEP)
            cpu->step_ex = at_load_exclusive(vcpu);
        run_region(vcpu, entry);
        if (jit_is_recording(vcpu))
            jit_hot_note(vcpu);
        after_step(vcpu, mode);
    }
}

void *jit_thread(void *arg)
{
    struct jit_vcpu *vcpu = arg;

    arm_set_current(&vcpu->cpu);
    for (;;) {
        arm_pmu_sleep(&vcpu->cpu);
        rest(vcpu);
        if (!begin_guest(vcpu))
            break;
        arm_pmu_wake(&vcpu->cpu);
        if (ready(vcpu)) {
            /* An interrupt may have become deliverable while nobody looked. */
            atomic_fetch_or(&vcpu->cpu.attention, ARM_ATTENTION_IRQ);
            run(vcpu);
            jit_hot_stop(vcpu); /* what it has seen may go now */
        } else {
            atomic_fetch_and(&vcpu->cpu.attention,
                             ~(uint32_t)(ARM_ATTENTION_STOP | ARM_ATTENTION_POWER |
                                         ARM_ATTENTION_IRQ | ARM_ATTENTION_WORK |
                                         ARM_ATTENTION_PMU | ARM_ATTENTION_SAMPLE));
            vcpu->cpu.pmu.alarm_ns = UINT64_MAX; /* set again when it is awake */
        }
        end_guest(vcpu);
        if (atomic_load(&vcpu->engine->cache.full))
            jit_exclusive(vcpu->engine, flush_if_full);
    }
    return NULL;
}
