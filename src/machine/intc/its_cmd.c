/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ITS's command queue (IHI 0069 5.3). A command that is wrong (5.3.1: a number out of range,
 * something that is not mapped, an unknown opcode) is ignored, and so GITS_TYPER.SEIS is 0. Where
 * the queue or a table is not memory the ITS stalls on the command, until GITS_CWRITER.Retry.
 */
#include "machine/intc/its.h"

#include <errno.h>

#include "base/bits.h"
#include "base/trace.h"

/* Commands until others get at the locks and the CPUs learn what is pending. */
enum { SLICE = 512 };

/* --- fields ----------------------------------------------------------------------------------*/

static uint32_t device_id(const uint64_t *cmd)
{
    return (uint32_t)bits(cmd[0], 63, 32);
}

static uint32_t event_id(const uint64_t *cmd)
{
    return (uint32_t)bits(cmd[1], 31, 0);
}

static uint32_t icid(const uint64_t *cmd)
{
    return (uint32_t)bits(cmd[2], 15, 0);
}

static bool valid(const uint64_t *cmd)
{
    return bit(cmd[2], 63);
}

/* RDbase 50:16 is a processor number: GITS_TYPER.PTA is 0. -ENOENT if there is no such one. */
static int target(const struct its *its, uint64_t word, unsigned *cpu)
{
    uint64_t number = bits(word, 50, 16);
    *cpu = (unsigned)number;
    return number < its->gic->cpus ? 0 : -ENOENT;
}

/* --- one event -------------------------------------------------------------------------------*/

/* The event that a command names, which has to be mapped, also its collection. */
static int find(struct its *its, const uint64_t *cmd, uint32_t *lpi, unsigned *cpu)
{
    return its_translate(its, device_id(cmd), event_id(cmd), lpi, cpu);
}

static int run_int(struct its *its, const uint64_t *cmd)
{
    uint32_t lpi;
    unsigned cpu;
    int rc = find(its, cmd, &lpi, &cpu);
    if (rc)
        return rc;
    pthread_mutex_lock(&its->gic->lock);
    gicv3_lpi_set(its->gic, cpu, lpi);
    pthread_mutex_unlock(&its->gic->lock);
    return 0;
}

static int run_clear(struct its *its, const uint64_t *cmd)
{
    uint32_t lpi;
    unsigned cpu;
    int rc = find(its, cmd, &lpi, &cpu);
    if (rc)
        return rc;
    pthread_mutex_lock(&its->gic->lock);
    gicv3_lpi_clear(its->gic, cpu, lpi);
    pthread_mutex_unlock(&its->gic->lock);
    return 0;
}

static int run_inv(struct its *its, const uint64_t *cmd)
{
    uint32_t lpi;
    unsigned cpu;
    int rc = find(its, cmd, &lpi, &cpu);
    if (rc)
        return rc;
    pthread_mutex_lock(&its->gic->lock);
    gicv3_lpi_invalidate(its->gic, cpu, lpi);
    pthread_mutex_unlock(&its->gic->lock);
    return 0;
}

static int run_discard(struct its *its, const uint64_t *cmd)
{
    struct its_event event;
    unsigned cpu;
    int rc = its_find_event(its, device_id(cmd), event_id(cmd), &event);
    if (rc)
        return rc;
    if (!its_find_collection(its, event.collection, &cpu)) {
        pthread_mutex_lock(&its->gic->lock);
        gicv3_lpi_clear(its->gic, cpu, event.lpi);
        pthread_mutex_unlock(&its->gic->lock);
    }
    return its_unmap_event(its, device_id(cmd), event_id(cmd), &event);
}

static int map_event(struct its *its, const uint64_t *cmd, uint32_t lpi)
{
    unsigned cpu;
    if (lpi < GIC_LPI0 || lpi >= GIC_LPI_END)
        return -ENOENT;
    int rc = its_check_collection(its, icid(cmd));
    if (!rc)
        rc = its_map_event(its, device_id(cmd), event_id(cmd), lpi, icid(cmd));
    /* Lines of configurations are cached as a whole: what was not used before is as good as not
     * cached. */
    if (!rc && !its_find_collection(its, icid(cmd), &cpu)) {
        pthread_mutex_lock(&its->gic->lock);
        gicv3_lpi_invalidate(its->gic, cpu, lpi);
        pthread_mutex_unlock(&its->gic->lock);
    }
    return rc;
}

static int run_mapti(struct its *its, const uint64_t *cmd)
{
    return map_event(its, cmd, (uint32_t)bits(cmd[1], 63, 32));
}

static int run_mapi(struct its *its, const uint64_t *cmd)
{
    return map_event(its, cmd, event_id(cmd));
}

static int run_movi(struct its *its, const uint64_t *cmd)
{
    struct its_event event;
    unsigned from, to;
    int rc = its_find_event(its, device_id(cmd), event_id(cmd), &event);
    if (!rc)
        rc = its_find_collection(its, event.collection, &from);
    if (!rc)
        rc = its_find_collection(its, icid(cmd), &to);
    if (!rc)
        rc = its_map_event(its, device_id(cmd), event_id(cmd), event.lpi, icid(cmd));
    if (rc)
        return rc;
    pthread_mutex_lock(&its->gic->lock);
    gicv3_lpi_move(its->gic, from, to, event.lpi);
    pthread_mutex_unlock(&its->gic->lock);
    return 0;
}

/* --- more than one ---------------------------------------------------------------------------*/

static int run_mapd(struct its *its, const uint64_t *cmd)
{
    if (!valid(cmd))
        return its_unmap_device(its, device_id(cmd));
    return its_map_device(its, device_id(cmd), cmd[2], (unsigned)bits(cmd[1], 4, 0) + 1);
}

static int run_mapc(struct its *its, const uint64_t *cmd)
{
    unsigned cpu;
    if (!valid(cmd))
        return its_unmap_collection(its, icid(cmd));
    int rc = target(its, cmd[2], &cpu);
    return rc ? rc : its_map_collection(its, icid(cmd), cpu);
}

static int run_invall(struct its *its, const uint64_t *cmd)
{
    unsigned cpu;
    int rc = its_find_collection(its, icid(cmd), &cpu);
    if (rc)
        return rc;
    pthread_mutex_lock(&its->gic->lock);
    gicv3_lpi_invalidate_all(its->gic);
    pthread_mutex_unlock(&its->gic->lock);
    return 0;
}

static int run_movall(struct its *its, const uint64_t *cmd)
{
    unsigned from, to;
    int rc = target(its, cmd[2], &from);
    if (!rc)
        rc = target(its, cmd[3], &to);
    if (rc)
        return rc;
    pthread_mutex_lock(&its->gic->lock);
    gicv3_lpi_move_all(its->gic, from, to);
    pthread_mutex_unlock(&its->gic->lock);
    return 0;
}

/* Nothing is outstanding once a command was executed. */
static int run_sync(struct its *its, const uint64_t *cmd)
{
    unsigned cpu;
    return target(its, cmd[2], &cpu);
}

/* --- the queue -------------------------------------------------------------------------------*/

static const struct {
    const char *name;
    int (*run)(struct its *its, const uint64_t *cmd);
} commands[] = {
    [0x01] = {"MOVI", run_movi},     [0x03] = {"INT", run_int},
    [0x04] = {"CLEAR", run_clear},   [0x05] = {"SYNC", run_sync},
    [0x08] = {"MAPD", run_mapd},     [0x09] = {"MAPC", run_mapc},
    [0x0a] = {"MAPTI", run_mapti},   [0x0b] = {"MAPI", run_mapi},
    [0x0c] = {"INV", run_inv},       [0x0d] = {"INVALL", run_invall},
    [0x0e] = {"MOVALL", run_movall}, [0x0f] = {"DISCARD", run_discard},
};

static int run_command(struct its *its, const uint64_t *cmd)
{
    unsigned opcode = (unsigned)bits(cmd[0], 7, 0);
    bool known = opcode < ARRAY_SIZE(commands) && commands[opcode].run;
    int rc = known ? commands[opcode].run(its, cmd) : -ENOENT;
    if (trace_on(its->dev.trace, TRACE_IRQ))
        trace_print(its->dev.trace, TRACE_IRQ, "ITS %s 0x%llx 0x%llx 0x%llx 0x%llx%s",
                    known ? commands[opcode].name : "unknown command", (unsigned long long)cmd[0],
                    (unsigned long long)cmd[1], (unsigned long long)cmd[2],
                    (unsigned long long)cmd[3],
                    !rc             ? ""
                    : rc == -EFAULT ? ": stalled, there is no memory"
                                    : ": ignored");
    return rc;
}

uint32_t its_queue_size(const struct its *its)
{
    return ((uint32_t)bits(its->cbaser, 7, 0) + 1) * 4096;
}

static bool has_command(const struct its *its)
{
    return its->enabled && !its->stalled && its->cbaser & GITS_CBASER_VALID &&
           its->cwriter < its_queue_size(its) && its->creadr != its->cwriter;
}

/* Executes the command at CREADR, or stalls on it. */
static void step(struct its *its)
{
    uint64_t base = its->cbaser & 0xffffffffff000ull, cmd[4];
    uint8_t raw[ITS_COMMAND];
    int rc = mem_read(its->dev.mem, base + its->creadr, raw, sizeof(raw));
    if (!rc) {
        for (unsigned i = 0; i < 4; i++)
            cmd[i] = ld_le(raw + 8 * i, 8);
        rc = run_command(its, cmd);
    }
    if (rc == -EFAULT)
        its->stalled = true;
    else
        its->creadr = (its->creadr + ITS_COMMAND) % its_queue_size(its);
}

/* Who wrote GITS_CWRITER last has a queue full of commands ahead at most, so that all are executed
 * although everybody stops after that many. */
void its_run_commands(struct its *its)
{
    for (uint32_t left = its_queue_size(its) / ITS_COMMAND; left && has_command(its);) {
        for (unsigned i = 0; i < SLICE && left && has_command(its); i++, left--)
            step(its);
        pthread_mutex_lock(&its->gic->lock);
        gicv3_lpi_settle(its->gic);
        pthread_mutex_unlock(&its->gic->lock);
        if (has_command(its)) {
            pthread_mutex_unlock(&its->lock);
            pthread_mutex_lock(&its->lock);
        }
    }
}
