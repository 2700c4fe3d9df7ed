/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical LPIs (IHI 0069 chapter 5). The pending state of a CPU is a bitmap that was read from its
 * pending table when LPIs were enabled and goes back there when they are disabled. Configurations
 * are read from guest memory a line at a time, as they are needed, and cached until they are
 * invalidated.
 */
#include "machine/intc/gicv3.h"

#include <string.h>

#include "base/bits.h"

/* LPI configuration table entries (5.1.1). */
enum { CONFIG_ENABLE = 1, CONFIG_CACHED = 2 /* RES1 in memory */, CONFIG_LINE = 64 };

enum {
    MIN_ID_BITS = 14,
    MAX_ID_BITS = 16,
    PENDING_BYTES = GIC_LPIS / 8,
    PENDING_SKIP = GIC_LPI0 / 8, /* of the pending table: INTIDs that are not LPIs */
};

/* --- the bitmap ------------------------------------------------------------------------------*/

static uint64_t *summary(struct gicv3_lpis *lpis)
{
    return lpis->pending + LPI_WORDS;
}

static bool is_pending(const struct gicv3_lpis *lpis, uint32_t lpi)
{
    uint32_t n = lpi - GIC_LPI0;
    return lpis->pending[n / 64] >> (n % 64) & 1;
}

static void set_word(struct gicv3_lpis *lpis, unsigned word, uint64_t value)
{
    uint64_t *sum = &summary(lpis)[word / 64], mask = 1ull << (word % 64);
    lpis->count -= (unsigned)__builtin_popcountll(lpis->pending[word]);
    lpis->count += (unsigned)__builtin_popcountll(value);
    lpis->pending[word] = value;
    *sum = value ? *sum | mask : *sum & ~mask;
}

static void set_bit(struct gicv3_lpis *lpis, uint32_t lpi, bool pending)
{
    uint32_t n = lpi - GIC_LPI0;
    uint64_t mask = 1ull << (n % 64), old = lpis->pending[n / 64];
    set_word(lpis, n / 64, pending ? old | mask : old & ~mask);
}

/* Nothing is pending: nothing to search for. */
static void note_empty(struct gicv3_lpis *lpis)
{
    lpis->best = gic_best_none();
    lpis->stale = lpis->unloaded = false;
}

static void clear_all(struct gicv3_lpis *lpis)
{
    if (lpis->count)
        memset(lpis->pending, 0, (LPI_WORDS + LPI_SUMMARY) * sizeof(*lpis->pending));
    lpis->count = 0;
    note_empty(lpis);
}

static void mark_stale(struct gicv3 *gic, struct gicv3_lpis *lpis)
{
    lpis->stale = true;
    gic->lpi_stale = true;
}

/* --- configurations --------------------------------------------------------------------------*/

/* Fills what is missing of the line that holds an LPI. Where there is no memory all are disabled.
 */
static void load_line(struct gicv3 *gic, uint32_t lpi)
{
    uint32_t first = (lpi - GIC_LPI0) & ~(CONFIG_LINE - 1u);
    uint8_t line[CONFIG_LINE], *to = gic->lpi_config + first;
    if (mem_read(gic->dev.mem, gic->lpi_table + first, line, sizeof(line)))
        memset(line, 0, sizeof(line));
    for (unsigned i = 0; i < CONFIG_LINE; i++) {
        if (to[i])
            continue;
        to[i] = line[i] | CONFIG_CACHED;
        if (line[i] & CONFIG_ENABLE && (line[i] & GIC_PRIORITY_MASK) < gic->lpi_top)
            gic->lpi_top = line[i] & GIC_PRIORITY_MASK;
    }
    gic->lpi_cached = true;
}

static uint8_t config_of(struct gicv3 *gic, uint32_t lpi)
{
    uint8_t *config = &gic->lpi_config[lpi - GIC_LPI0];
    if (!*config)
        load_line(gic, lpi);
    return *config;
}

/* --- the best one ----------------------------------------------------------------------------*/

static bool is_better(const struct gic_best *best, uint32_t lpi, uint8_t priority)
{
    return priority < best->priority || (priority == best->priority && lpi < best->intid);
}

static void consider(struct gicv3 *gic, struct gicv3_lpis *lpis, uint32_t lpi)
{
    uint8_t config = config_of(gic, lpi), priority = config & GIC_PRIORITY_MASK;
    if (config & CONFIG_ENABLE && is_better(&lpis->best, lpi, priority))
        lpis->best = (struct gic_best){(uint16_t)lpi, priority, 1};
}

/* The 64 LPIs of a word, whose configurations are one line. */
static void consider_word(struct gicv3 *gic, struct gicv3_lpis *lpis, unsigned word)
{
    const uint8_t *config = gic->lpi_config + 64 * word;
    for (uint64_t left = lpis->pending[word]; left; left &= left - 1) {
        unsigned n = (unsigned)__builtin_ctzll(left);
        if (!config[n])
            load_line(gic, GIC_LPI0 + 64 * word + n);
        uint8_t priority = config[n] & GIC_PRIORITY_MASK;
        if (config[n] & CONFIG_ENABLE && priority < lpis->best.priority)
            lpis->best = (struct gic_best){(uint16_t)(GIC_LPI0 + 64 * word + n), priority, 1};
    }
}

/* Goes through all that are pending in ascending order, unless one has the highest priority that
 * there is. */
static void search(struct gicv3 *gic, struct gicv3_lpis *lpis)
{
    lpis->best = gic_best_none();
    for (unsigned group = 0; group < LPI_SUMMARY; group++) {
        for (uint64_t words = summary(lpis)[group]; words; words &= words - 1) {
            consider_word(gic, lpis, 64 * group + (unsigned)__builtin_ctzll(words));
            if (!lpis->unloaded && lpis->best.priority <= gic->lpi_top)
                goto found;
        }
    }
found:
    lpis->stale = lpis->unloaded = false;
}

void gicv3_lpi_pick(struct gicv3 *gic, struct gicv3_cpu *cpu, struct gic_best *best)
{
    struct gicv3_lpis *lpis = &cpu->lpis;
    if (lpis->stale)
        search(gic, lpis);
    /* Of equal priorities the lowest INTID wins, which is never an LPI. */
    if (lpis->best.priority < best->priority)
        *best = lpis->best;
}

void gicv3_lpi_settle(struct gicv3 *gic)
{
    if (!gic->lpi_stale)
        return;
    gic->lpi_stale = false;
    for (unsigned i = 0; i < gic->cpus; i++) {
        if (!gic->cpu[i].lpis.stale)
            continue;
        gicv3_update(gic, i);
        /* With all LPIs pending a search takes tenths of a millisecond. */
        pthread_mutex_unlock(&gic->lock);
        pthread_mutex_lock(&gic->lock);
    }
}

/* --- pending state ---------------------------------------------------------------------------*/

void gicv3_lpi_set(struct gicv3 *gic, unsigned index, uint32_t lpi)
{
    struct gicv3_cpu *cpu = &gic->cpu[index];
    struct gicv3_lpis *lpis = &cpu->lpis;
    if (!gicv3_lpi_exists(cpu, lpi) || is_pending(lpis, lpi))
        return;
    set_bit(lpis, lpi, true);
    if (lpis->stale) { /* the search will find it */
        lpis->unloaded = true;
        mark_stale(gic, lpis);
        return;
    }
    consider(gic, lpis, lpi);
    if (lpis->best.intid == lpi && is_better(&cpu->best, lpi, lpis->best.priority) &&
        !cpu->asleep && cpu->enable[1] && gic->ctlr & GICD_CTLR_ENABLE_GRP1) {
        cpu->best = lpis->best;
        gicv3_drive(cpu);
    }
}

/* If the CPU's view was that this is its best, it looks again before it acknowledges. */
bool gicv3_lpi_clear(struct gicv3 *gic, unsigned index, uint32_t lpi)
{
    struct gicv3_cpu *cpu = &gic->cpu[index];
    if (!gicv3_lpi_exists(cpu, lpi) || !is_pending(&cpu->lpis, lpi))
        return false;
    set_bit(&cpu->lpis, lpi, false);
    if (cpu->lpis.best.intid == lpi || cpu->best.intid == lpi)
        mark_stale(gic, &cpu->lpis);
    return true;
}

void gicv3_lpi_acknowledge(struct gicv3_cpu *cpu, uint32_t lpi)
{
    set_bit(&cpu->lpis, lpi, false);
    if (cpu->lpis.count)
        cpu->lpis.stale = true;
    else
        note_empty(&cpu->lpis);
}

void gicv3_lpi_move(struct gicv3 *gic, unsigned from, unsigned to, uint32_t lpi)
{
    if (from != to && gicv3_lpi_exists(&gic->cpu[to], lpi) && gicv3_lpi_clear(gic, from, lpi))
        gicv3_lpi_set(gic, to, lpi);
}

void gicv3_lpi_move_all(struct gicv3 *gic, unsigned from, unsigned to)
{
    struct gicv3_lpis *source = &gic->cpu[from].lpis, *target = &gic->cpu[to].lpis;
    if (from == to || !target->enabled || !source->count)
        return;
    for (unsigned i = 0; i < (target->end - GIC_LPI0) / 64; i++)
        if (source->pending[i])
            set_word(target, i, target->pending[i] | source->pending[i]);
    clear_all(source);
    mark_stale(gic, source);
    target->unloaded = true;
    mark_stale(gic, target);
}

void gicv3_lpi_invalidate(struct gicv3 *gic, unsigned index, uint32_t lpi)
{
    struct gicv3_cpu *cpu = &gic->cpu[index];
    if (!gicv3_lpi_exists(cpu, lpi))
        return;
    gic->lpi_config[lpi - GIC_LPI0] = 0;
    if (!is_pending(&cpu->lpis, lpi))
        return;
    if (cpu->lpis.stale || cpu->lpis.best.intid == lpi) {
        config_of(gic, lpi);
        mark_stale(gic, &cpu->lpis);
    } else {
        consider(gic, &cpu->lpis, lpi);
        if (cpu->lpis.best.intid == lpi)
            gicv3_update(gic, index);
    }
}

void gicv3_lpi_invalidate_all(struct gicv3 *gic)
{
    if (gic->lpi_cached)
        memset(gic->lpi_config, 0, sizeof(gic->lpi_config));
    gic->lpi_cached = false;
    gic->lpi_top = GIC_IDLE_PRIORITY;
    for (unsigned i = 0; i < gic->cpus; i++) {
        struct gicv3_lpis *lpis = &gic->cpu[i].lpis;
        if (!lpis->count)
            continue;
        lpis->unloaded = true;
        mark_stale(gic, lpis);
    }
}

/* --- tables ----------------------------------------------------------------------------------*/

/* GICR_PENDBASER: Physical_Address 51:16; of the table's start. */
static uint64_t pending_table(const struct gicv3_lpis *lpis)
{
    return (lpis->pendbaser & 0xfffffffff0000ull) + PENDING_SKIP;
}

static void read_pending(struct gicv3 *gic, struct gicv3_lpis *lpis)
{
    uint8_t table[PENDING_BYTES];
    uint64_t bytes = (lpis->end - GIC_LPI0) / 8;
    if (mem_read(gic->dev.mem, pending_table(lpis), table, bytes))
        return;
    for (unsigned i = 0; i < bytes / 8; i++)
        set_word(lpis, i, ld_le(table + 8 * i, 8));
}

static void write_pending(struct gicv3 *gic, struct gicv3_lpis *lpis)
{
    uint8_t table[PENDING_BYTES];
    uint64_t bytes = (lpis->end - GIC_LPI0) / 8;
    for (unsigned i = 0; i < bytes / 8; i++)
        st_le(table + 8 * i, 8, lpis->pending[i]);
    mem_write(gic->dev.mem, pending_table(lpis), table, bytes);
}

static uint32_t range_end(uint64_t propbaser)
{
    unsigned id_bits = (unsigned)bits(propbaser, 4, 0) + 1;
    if (id_bits < MIN_ID_BITS)
        return GIC_LPI0; /* too few for any LPI */
    return 1u << (id_bits > MAX_ID_BITS ? MAX_ID_BITS : id_bits);
}

void gicv3_lpi_enable(struct gicv3 *gic, unsigned index, bool on)
{
    struct gicv3_lpis *lpis = &gic->cpu[index].lpis;
    if (on == lpis->enabled)
        return;
    if (on) {
        lpis->end = range_end(lpis->propbaser);
        if (!(lpis->pendbaser & GICR_PENDBASER_PTZ))
            read_pending(gic, lpis);
        lpis->pendbaser &= ~GICR_PENDBASER_PTZ; /* it tells of this moment */
        gic->lpi_table = lpis->propbaser & 0xffffffffff000ull;
        gicv3_lpi_invalidate_all(gic);
    } else {
        write_pending(gic, lpis);
        clear_all(lpis);
    }
    lpis->enabled = on;
}

void gicv3_lpi_reset(struct gicv3 *gic)
{
    for (unsigned i = 0; i < gic->cpus; i++) {
        struct gicv3_lpis *lpis = &gic->cpu[i].lpis;
        clear_all(lpis);
        *lpis = (struct gicv3_lpis){.best = gic_best_none(), .pending = lpis->pending};
    }
    gicv3_lpi_invalidate_all(gic);
    gic->lpi_table = 0;
    gic->lpi_stale = false;
}
