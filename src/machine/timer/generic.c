/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic timer (manual D11.2).
 *
 * Threads: a PE alone writes its own timers; the loop's thread only looks at them when one may have
 * fired. So a PE reads its registers without a lock, and each PE's lock is taken to write them and
 * to move the output lines. Lock order: generic_cpu.lock, then the interrupt controller's.
 *
 * The host timer behind a PE is lazy: it is only ever moved to an earlier time. When it goes off
 * early because the guest has postponed its deadline meanwhile, it is set again. Kernels move their
 * tick on at each interrupt, which then costs no system call.
 */
#include "machine/timer/generic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "arm/hooks.h"
#include "base/bits.h"
#include "host/clock.h"
#include "host/loop.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fdt.h"

#define CNT(crm, op2) ARM_SYSREG(3, 3, 14, crm, op2)
#define CNTPCT_EL0    CNT(0, 1)
#define CNTVCT_EL0    CNT(0, 2)
#define CNTPCTSS_EL0  CNT(0, 5)
#define CNTVCTSS_EL0  CNT(0, 6)
#define CNTP_TVAL_EL0 CNT(2, 0)
#define CNTP_CTL_EL0  CNT(2, 1)
#define CNTP_CVAL_EL0 CNT(2, 2)
#define CNTV_TVAL_EL0 CNT(3, 0)
#define CNTV_CTL_EL0  CNT(3, 1)
#define CNTV_CVAL_EL0 CNT(3, 2)

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

enum { NS_PER_S = 1000000000 };

struct generic_one {
    uint64_t cval;
    uint8_t ctl; /* ENABLE, IMASK */
    bool up;     /* the output line */
    struct irq_line line;
};

struct generic_cpu {
    pthread_mutex_t lock;
    struct generic_one one[GENERIC_TIMERS];
    struct loop_timer *timer;
    uint64_t armed; /* when the loop's timer goes off, UINT64_MAX: never */
    struct generic_timer *owner;
};

struct generic_timer {
    struct device dev;
    unsigned cpus;
    uint64_t frequency;
    int shift; /* ns >> shift = ticks, or -1 */
    uint64_t (*now)(void *ctx);
    void *now_ctx;
    _Atomic uint64_t start;      /* ns at which the counter was 0 */
    _Atomic uint64_t stopped_at; /* ns at which it stopped, UINT64_MAX: it runs */
    struct generic_cpu *cpu;
};

static uint64_t host_now(void *ctx)
{
    return host_now_ns();
}

static uint64_t to_ticks(const struct generic_timer *timer, uint64_t ns)
{
    if (timer->shift >= 0)
        return ns >> timer->shift;
    return (uint64_t)((unsigned __int128)ns * timer->frequency / NS_PER_S);
}

/* Rounded up: after that many nanoseconds the counter is there. */
static uint64_t to_ns(const struct generic_timer *timer, uint64_t ticks)
{
    unsigned __int128 ns = (unsigned __int128)ticks * NS_PER_S;
    ns = (ns + timer->frequency - 1) / timer->frequency;
    return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

static uint64_t elapsed_ns(const struct generic_timer *timer)
{
    uint64_t now = timer->now(timer->now_ctx);
    uint64_t start = atomic_load_explicit(&timer->start, memory_order_relaxed);
    uint64_t stopped_at = atomic_load_explicit(&timer->stopped_at, memory_order_relaxed);
    now = now < stopped_at ? now : stopped_at;
    /* The host's clock is read by several threads; one that is just behind reset must not see a
     * huge number. */
    return now > start ? now - start : 0;
}

uint64_t generic_timer_ns(void *timer)
{
    return elapsed_ns(timer);
}

static uint64_t counter(const struct generic_timer *timer)
{
    return to_ticks(timer, elapsed_ns(timer));
}

/* D11.2.4: the condition CVAL <= counter, unsigned; ISTATUS while enabled. */
static bool fired(const struct generic_one *one, uint64_t count)
{
    return one->ctl & CTL_ENABLE && count >= one->cval;
}

/* Puts both lines right for `count`; returns the next CVAL that would change one, or UINT64_MAX. */
static uint64_t drive(struct generic_cpu *cpu, uint64_t count)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < GENERIC_TIMERS; i++) {
        struct generic_one *one = &cpu->one[i];
        bool up = fired(one, count) && !(one->ctl & CTL_IMASK);
        if (up != one->up) {
            one->up = up;
            irq_set(&one->line, up);
        }
        if ((one->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE && !up && one->cval < next)
            next = one->cval;
    }
    return next;
}

/* Nanoseconds on the loop's clock at which the counter reaches cval. */
static uint64_t deadline_of(const struct generic_timer *timer, uint64_t cval)
{
    if (cval == UINT64_MAX)
        return UINT64_MAX;
    uint64_t ns = to_ns(timer, cval), start = timer->start;
    return ns > UINT64_MAX - 1 - start ? UINT64_MAX : start + ns;
}

static void update_locked(struct generic_cpu *cpu)
{
    uint64_t deadline = deadline_of(cpu->owner, drive(cpu, counter(cpu->owner)));
    if (cpu->owner->stopped_at != UINT64_MAX)
        return; /* deadlines move while the counter stands still: set when it goes on */
    if (cpu->timer && deadline < cpu->armed) {
        cpu->armed = deadline;
        loop_timer_set(cpu->timer, deadline);
    }
}

static void went_off(void *ctx)
{
    struct generic_cpu *cpu = ctx;
    pthread_mutex_lock(&cpu->lock);
    cpu->armed = UINT64_MAX;
    update_locked(cpu);
    pthread_mutex_unlock(&cpu->lock);
}

uint64_t generic_timer_deadline(void *ctx, unsigned index)
{
    struct generic_timer *timer = ctx;
    struct generic_cpu *cpu = &timer->cpu[index];
    pthread_mutex_lock(&cpu->lock);
    uint64_t deadline = deadline_of(timer, drive(cpu, counter(timer)));
    bool up = cpu->one[GENERIC_TIMER_PHYS].up || cpu->one[GENERIC_TIMER_VIRT].up;
    pthread_mutex_unlock(&cpu->lock);
    if (deadline == UINT64_MAX)
        return up ? 0 : UINT64_MAX;
    uint64_t now = timer->now(timer->now_ctx);
    return deadline > now ? deadline - now : 0;
}

static uint64_t read_ctl(const struct generic_timer *timer, const struct generic_one *one)
{
    return one->ctl | (fired(one, counter(timer)) ? CTL_ISTATUS : 0);
}

/* TVAL is a signed 32-bit view of CVAL - counter; reads with the timer off are UNKNOWN. */
static uint64_t read_tval(const struct generic_timer *timer, const struct generic_one *one)
{
    return (uint32_t)(one->cval - counter(timer));
}

uint64_t generic_timer_read(void *ctx, unsigned index, uint32_t sysreg)
{
    struct generic_timer *timer = ctx;
    struct generic_one *one = timer->cpu[index].one;
    switch (sysreg) {
    case CNTVCT_EL0:
    case CNTPCT_EL0:
    case CNTVCTSS_EL0:
    case CNTPCTSS_EL0:
        return counter(timer);
    case CNTP_CTL_EL0:
        return read_ctl(timer, &one[GENERIC_TIMER_PHYS]);
    case CNTP_CVAL_EL0:
        return one[GENERIC_TIMER_PHYS].cval;
    case CNTP_TVAL_EL0:
        return read_tval(timer, &one[GENERIC_TIMER_PHYS]);
    case CNTV_CTL_EL0:
        return read_ctl(timer, &one[GENERIC_TIMER_VIRT]);
    case CNTV_CVAL_EL0:
        return one[GENERIC_TIMER_VIRT].cval;
    case CNTV_TVAL_EL0:
        return read_tval(timer, &one[GENERIC_TIMER_VIRT]);
    default:
        return 0;
    }
}

void generic_timer_write(void *ctx, unsigned index, uint32_t sysreg, uint64_t value)
{
    struct generic_timer *timer = ctx;
    struct generic_cpu *cpu = &timer->cpu[index];
    pthread_mutex_lock(&cpu->lock);
    switch (sysreg) {
    case CNTP_CTL_EL0:
        cpu->one[GENERIC_TIMER_PHYS].ctl = value & (CTL_ENABLE | CTL_IMASK);
        break;
    case CNTP_CVAL_EL0:
        cpu->one[GENERIC_TIMER_PHYS].cval = value;
        break;
    case CNTP_TVAL_EL0:
        cpu->one[GENERIC_TIMER_PHYS].cval = counter(timer) + (uint64_t)sext64(value, 32);
        break;
    case CNTV_CTL_EL0:
        cpu->one[GENERIC_TIMER_VIRT].ctl = value & (CTL_ENABLE | CTL_IMASK);
        break;
    case CNTV_CVAL_EL0:
        cpu->one[GENERIC_TIMER_VIRT].cval = value;
        break;
    case CNTV_TVAL_EL0:
        cpu->one[GENERIC_TIMER_VIRT].cval = counter(timer) + (uint64_t)sext64(value, 32);
        break;
    default:
        break;
    }
    update_locked(cpu);
    pthread_mutex_unlock(&cpu->lock);
}

static void update_all(struct generic_timer *timer)
{
    for (unsigned i = 0; i < timer->cpus; i++) {
        pthread_mutex_lock(&timer->cpu[i].lock);
        update_locked(&timer->cpu[i]);
        pthread_mutex_unlock(&timer->cpu[i].lock);
    }
}

void generic_timer_stop(void *ctx, bool stop)
{
    struct generic_timer *timer = ctx;
    uint64_t now = timer->now(timer->now_ctx);
    if (stop == (timer->stopped_at != UINT64_MAX))
        return;
    if (stop) {
        timer->stopped_at = now;
        return;
    }
    timer->start += now - timer->stopped_at;
    timer->stopped_at = UINT64_MAX;
    update_all(timer);
}

void generic_timer_connect(struct device *dev, unsigned cpu, unsigned which, struct irq_line line)
{
    struct generic_timer *timer = (struct generic_timer *)dev;
    timer->cpu[cpu].one[which].line = line;
}

static void generic_reset(struct device *dev)
{
    struct generic_timer *timer = (struct generic_timer *)dev;
    uint64_t now = timer->now(timer->now_ctx);
    timer->start = now < timer->stopped_at ? now : timer->stopped_at;
    for (unsigned i = 0; i < timer->cpus; i++) {
        pthread_mutex_lock(&timer->cpu[i].lock);
        for (unsigned j = 0; j < GENERIC_TIMERS; j++) {
            timer->cpu[i].one[j].ctl = 0;
            timer->cpu[i].one[j].cval = 0;
        }
        pthread_mutex_unlock(&timer->cpu[i].lock);
    }
    update_all(timer);
}

static void generic_destroy(struct device *dev)
{
    struct generic_timer *timer = (struct generic_timer *)dev;
    for (unsigned i = 0; i < timer->cpus; i++) {
        if (timer->cpu[i].timer)
            loop_timer_destroy(timer->cpu[i].timer);
        pthread_mutex_destroy(&timer->cpu[i].lock);
    }
    free(timer->cpu);
    free(timer);
}

/* Linux Documentation/devicetree/bindings/timer/arm,arch_timer.yaml. The counter never stops. */
static int generic_describe(struct device *dev, struct fdt_builder *fdt)
{
    device_dt_begin(dev, fdt, "timer", "arm,armv8-timer\narm,armv7-timer");
    dt_empty(fdt, "always-on");
    dt_end(fdt);
    return 0;
}

/* Its interrupts are in GTDT's order already, which is the binding's. */
static void generic_describe_acpi(struct device *dev, struct acpi *acpi)
{
    for (unsigned i = 0; i < dev->resources.irqs && i < ARRAY_SIZE(acpi->timer.gsiv); i++)
        acpi->timer.gsiv[i] = device_gsiv(dev, i);
}

static const struct device_ops generic_ops = {
    .name = "generic timer",
    .reset = generic_reset,
    .destroy = generic_destroy,
    .describe = generic_describe,
    .describe_acpi = generic_describe_acpi,
};

/* A whole power of two of nanoseconds a tick makes reading the counter a shift. */
static int shift_of(uint64_t frequency)
{
    for (int shift = 0; shift < 10; shift++)
        if (frequency << shift == NS_PER_S)
            return shift;
    return -1;
}

struct device *generic_timer_create(const struct generic_timer_config *config)
{
    struct generic_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return NULL;
    timer->cpu = calloc(config->cpus, sizeof(*timer->cpu));
    if (!timer->cpu) {
        free(timer);
        return NULL;
    }
    timer->dev.ops = &generic_ops;
    timer->frequency = config->frequency;
    timer->shift = shift_of(config->frequency);
    timer->now = config->now ? config->now : host_now;
    timer->now_ctx = config->now_ctx;
    timer->start = timer->now(timer->now_ctx);
    timer->stopped_at = UINT64_MAX;
    for (; timer->cpus < config->cpus; timer->cpus++) {
        struct generic_cpu *cpu = &timer->cpu[timer->cpus];
        pthread_mutex_init(&cpu->lock, NULL);
        cpu->owner = timer;
        cpu->armed = UINT64_MAX;
        if (config->loop && loop_timer_create(config->loop, went_off, cpu, &cpu->timer) != 0) {
            timer->cpus++;
            generic_destroy(&timer->dev);
            return NULL;
        }
    }
    return &timer->dev;
}
