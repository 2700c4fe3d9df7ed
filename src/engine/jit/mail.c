/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests between vCPUs: TLB maintenance and dead code pages. A request is posted to every other
 * vCPU; a DSB waits until all that may be using their TLBs have done it (manual D8.17.2: a TLBI is
 * complete at the DSB of the PE that executed it).
 *
 * `running` and `posted` make a Dekker pair: a vCPU sets running before it looks at its mailbox,
 * the sender posts before it looks at running. So either the receiver sees the mail before it uses
 * a stale entry, or the sender sees that it has to wait.
 */
#include <sched.h>
#include <string.h>

#include "base/bits.h"
#include "engine/jit/jit.h"
#include "host/clock.h"
#include "host/futex.h"

void jit_mail_init(struct jit_vcpu *vcpu)
{
    pthread_mutex_init(&vcpu->mail.lock, NULL);
}

static void attend(struct jit_vcpu *vcpu)
{
    atomic_fetch_or(&vcpu->cpu.attention, ARM_ATTENTION_WORK);
    jit_kick(&vcpu->cpu);
}

void jit_post_tlbi(struct jit_vcpu *from, const struct arm_tlbi *op)
{
    struct engine *engine = from->engine;

    for (unsigned i = 0; i < engine->cpus; i++) {
        struct jit_vcpu *to = engine->vcpu[i];
        struct jit_mail *mail = &to->mail;
        if (to == from)
            continue;
        pthread_mutex_lock(&mail->lock);
        if (op->kind == ARM_TLBI_ALL || mail->count == JIT_MAIL)
            mail->flush_all = true;
        else if (!mail->flush_all)
            mail->tlbi[mail->count++] = *op;
        atomic_fetch_add(&mail->posted, 1);
        pthread_mutex_unlock(&mail->lock);
        /* Who is not running looks into its mailbox before it runs again: do not wake it. */
        if (atomic_load(&to->running))
            attend(to);
    }
    from->broadcast = true;
}

void jit_post_code(struct engine *engine, struct jit_vcpu *from)
{
    for (unsigned i = 0; i < engine->cpus; i++) {
        struct jit_vcpu *to = engine->vcpu[i];
        if (to == from)
            continue;
        pthread_mutex_lock(&to->mail.lock);
        to->mail.flush_code = true;
        atomic_fetch_add(&to->mail.posted, 1);
        pthread_mutex_unlock(&to->mail.lock);
        if (atomic_load(&to->running))
            attend(to);
    }
    if (from) {
        jit_itlb_flush_all(from);
        from->broadcast = true;
    }
}

void jit_post_switch(struct engine *engine, struct jit_vcpu *from)
{
    for (unsigned i = 0; i < engine->cpus; i++) {
        struct jit_vcpu *to = engine->vcpu[i];
        if (to == from)
            continue;
        pthread_mutex_lock(&to->mail.lock);
        to->mail.flush_all = true;
        atomic_fetch_add(&to->mail.posted, 1);
        pthread_mutex_unlock(&to->mail.lock);
        if (atomic_load(&to->running))
            attend(to);
    }
    if (from) {
        jit_tlb_flush_all(from);
        from->rom_switched = true;
    }
}

void jit_wait_switch(struct jit_vcpu *from)
{
    from->rom_switched = false;
    from->broadcast = true;
    jit_wait_mail(from);
}

void jit_mail_drain(struct jit_vcpu *vcpu)
{
    struct jit_mail *mail = &vcpu->mail;
    uint32_t posted;

    if (atomic_load(&mail->posted) == atomic_load(&mail->done))
        return;
    pthread_mutex_lock(&mail->lock);
    posted = atomic_load(&mail->posted);
    if (mail->flush_all)
        jit_tlb_flush_all(vcpu);
    else
        for (unsigned i = 0; i < mail->count; i++)
            jit_tlbi_local(vcpu, &mail->tlbi[i]);
    if (mail->flush_code)
        jit_itlb_flush_all(vcpu);
    mail->count = 0;
    mail->flush_all = mail->flush_code = false;
    atomic_store(&mail->done, posted);
    pthread_mutex_unlock(&mail->lock);
    host_futex_wake(&mail->done);
}

static void wait_for(struct jit_vcpu *to, uint32_t posted)
{
    for (unsigned spins = 0;; spins++) {
        uint32_t done = atomic_load(&to->mail.done);
        if ((int32_t)(done - posted) >= 0 || !atomic_load(&to->running))
            return;
        if (spins < 200)
            continue;
        if (spins < 220)
            sched_yield();
        else /* the limit covers the other one's going to sleep without any mail */
            host_futex_wait(&to->mail.done, done, host_now_ns() + 200000);
    }
}

void jit_wait_mail(struct jit_vcpu *from)
{
    struct engine *engine = from->engine;

    if (!from->broadcast)
        return;
    from->broadcast = false;
    /* While it waits, this vCPU uses no TLB: two that wait for each other both see !running. */
    atomic_store(&from->running, 0);
    for (unsigned i = 0; i < engine->cpus; i++)
        if (engine->vcpu[i] != from)
            wait_for(engine->vcpu[i], atomic_load(&engine->vcpu[i]->mail.posted));
    atomic_store(&from->running, 1);
    jit_mail_drain(from);
}
