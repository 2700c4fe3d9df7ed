/* SPDX-License-Identifier: Apache-2.0 */
/* PL031 real-time clock (DDI 0224): one window of 4 KiB, one interrupt line. The counter is the
 * wall clock plus what the guest has loaded, so that it stays right while the machine is paused. */
#include "machine/rtc/pl031.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "host/clock.h"
#include "host/loop.h"
#include "machine/dev/device.h"
#include "machine/dev/primecell.h"
#include "machine/mem/mem.h"

enum {
    RTCDR = 0x00,
    RTCMR = 0x04,
    RTCLR = 0x08,
    RTCCR = 0x0c,
    RTCIMSC = 0x10,
    RTCRIS = 0x14,
    RTCMIS = 0x18,
    RTCICR = 0x1c
};

enum { PART = 0x031 };

/* Wall-clock seconds turn over anywhere within a monotonic second: look this often at the end. */
#define POLL_NS   50000000ull
#define SECOND_NS 1000000000ull

struct pl031 {
    struct device dev;
    int64_t (*wall)(void *ctx);
    void *wall_ctx;
    struct loop_timer *timer;
    pthread_mutex_t lock; /* all below */
    uint32_t offset, match, load;
    bool waiting; /* for the counter to reach match */
    bool imsc, ris;
};

static int64_t host_wall(void *ctx)
{
    return host_wall_seconds();
}

static uint32_t counter(const struct pl031 *rtc)
{
    return (uint32_t)rtc->wall(rtc->wall_ctx) + rtc->offset;
}

/* Raises the interrupt when the counter has reached the match value, or waits on. */
static void update(struct pl031 *rtc)
{
    if (rtc->waiting) {
        int32_t left = (int32_t)(rtc->match - counter(rtc));
        if (left <= 0) {
            rtc->ris = true;
            rtc->waiting = false;
        } else if (rtc->timer) {
            uint64_t ns = left > 1 ? (uint64_t)(left - 1) * SECOND_NS : POLL_NS;
            loop_timer_set(rtc->timer, host_now_ns() + ns);
        }
    }
    irq_set(&rtc->dev.irq[0], rtc->ris && rtc->imsc);
}

static void went_off(void *ctx)
{
    struct pl031 *rtc = ctx;
    pthread_mutex_lock(&rtc->lock);
    update(rtc);
    pthread_mutex_unlock(&rtc->lock);
}

static uint64_t read_locked(struct pl031 *rtc, uint64_t offset)
{
    update(rtc);
    switch (offset) {
    case RTCDR:
        return counter(rtc);
    case RTCMR:
        return rtc->match;
    case RTCLR:
        return rtc->load;
    case RTCCR: /* enabled, for good */
        return 1;
    case RTCIMSC:
        return rtc->imsc;
    case RTCRIS:
        return rtc->ris;
    case RTCMIS:
        return rtc->ris && rtc->imsc;
    default:
        return offset >= PRIMECELL_ID_REGISTERS ? primecell_id(offset, PART, 0) : 0;
    }
}

static int pl031_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct pl031 *rtc = dev;
    pthread_mutex_lock(&rtc->lock);
    *value = size == 8 ? 0 : read_locked(rtc, offset & ~3ull) >> (8 * (offset & 3));
    pthread_mutex_unlock(&rtc->lock);
    return 0;
}

static void set_match(struct pl031 *rtc)
{
    /* A match value behind the counter would be reached after it has wrapped: never, in practice.
     */
    rtc->waiting = (int32_t)(rtc->match - counter(rtc)) >= 0;
}

static int pl031_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl031 *rtc = dev;
    if (size != 4)
        return 0;
    pthread_mutex_lock(&rtc->lock);
    switch (offset) {
    case RTCMR:
        rtc->match = (uint32_t)value;
        set_match(rtc);
        break;
    case RTCLR:
        rtc->load = (uint32_t)value;
        rtc->offset += (uint32_t)value - counter(rtc);
        set_match(rtc);
        break;
    case RTCIMSC:
        rtc->imsc = value & 1;
        break;
    case RTCICR:
        if (value & 1)
            rtc->ris = false;
        break;
    default:
        break;
    }
    update(rtc);
    pthread_mutex_unlock(&rtc->lock);
    return 0;
}

static void pl031_reset(struct device *dev)
{
    struct pl031 *rtc = (struct pl031 *)dev;
    pthread_mutex_lock(&rtc->lock);
    /* The clock itself is battery-backed: the time that the guest has set stays. */
    rtc->match = rtc->load = 0;
    rtc->waiting = rtc->imsc = rtc->ris = false;
    update(rtc);
    pthread_mutex_unlock(&rtc->lock);
}

static void pl031_destroy(struct device *dev)
{
    struct pl031 *rtc = (struct pl031 *)dev;
    if (rtc->timer)
        loop_timer_destroy(rtc->timer);
    pthread_mutex_destroy(&rtc->lock);
    free(rtc);
}

static int pl031_describe(struct device *dev, struct fdt_builder *fdt)
{
    device_dt_begin(dev, fdt, "pl031", "arm,pl031\narm,primecell");
    primecell_dt_clocks(fdt, 1, "apb_pclk");
    dt_end(fdt);
    return 0;
}

static const struct mem_io_ops pl031_io = {pl031_read, pl031_write};

/* Not in ACPI: guests that use it ask the firmware for the time. */
static const struct device_ops pl031_ops = {
    .name = "pl031",
    .reset = pl031_reset,
    .destroy = pl031_destroy,
    .describe = pl031_describe,
    .io = {&pl031_io},
};

struct device *pl031_create(struct loop *loop, int64_t (*wall)(void *ctx), void *wall_ctx)
{
    struct pl031 *rtc = calloc(1, sizeof(*rtc));
    if (!rtc)
        return NULL;
    rtc->dev.ops = &pl031_ops;
    rtc->wall = wall ? wall : host_wall;
    rtc->wall_ctx = wall_ctx;
    pthread_mutex_init(&rtc->lock, NULL);
    if (loop && loop_timer_create(loop, went_off, rtc, &rtc->timer) != 0) {
        pl031_destroy(&rtc->dev);
        return NULL;
    }
    return &rtc->dev;
}
