/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default board. Its map is the de-facto standard of Arm virtual machines, which firmware and
 * RTOS builds have compiled in:
 *
 *   0x08000000  GIC distributor          0x09000000  PL011   SPI 1
 *   0x08010000  GICv2 CPU interface      0x09010000  PL031   SPI 2
 *   0x08080000  GICv3 ITS                0x09030000  PL061   SPI 7 (power key: line 3)
 *   0x080a0000  GICv3 redistributors
 *   0x0a000000  virtio-mmio, 32 slots of 0x200, SPI 16 to 47
 *   0x40000000  RAM
 *
 * Devices take virtio slots in the order disks, networks, console, entropy: Linux probes them in
 * the tree's order, which is that of the addresses, so the first disk becomes vda.
 */
#include "machine/board/board_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/cpu.h"
#include "arm/current.h"
#include "base/bits.h"
#include "base/error.h"
#include "host/clock.h"
#include "machine/char/pl011.h"
#include "machine/intc/gic.h"
#include "machine/mem/mem.h"
#include "machine/misc/pl061.h"
#include "machine/rtc/pl031.h"
#include "machine/timer/generic.h"
#include "machine/virtio/virtio_mmio.h"

enum {
    GICD_BASE = 0x08000000,
    GICD_SIZE = 0x10000,
    GICC_BASE = 0x08010000,
    GICC_SIZE = 0x10000,
    ITS_BASE = 0x08080000,
    ITS_SIZE = 0x20000,
    GICR_BASE = 0x080a0000,
    GICR_CPU = 0x20000,
    GICR_ROOM = 0xf60000,
    UART_BASE = 0x09000000,
    VIRTIO_BASE = 0x0a000000,
    VIRTIO_SIZE = 0x200,
    VIRTIO_SLOTS = 32,
    VIRTIO_SPI = 16,
    MIN_MEMORY = 8 << 20,
};

static const struct board_map virt_map = {
    .name = "linux,dummy-virt",
    .compatible = "linux,dummy-virt",
    .ram_base = 0x40000000,
    .ram_max = 0x4000000000 - 0x40000000, /* PCI's high windows begin there */
    .uart = UART_BASE,
};

/* --- fixed devices ---------------------------------------------------------------------------*/

static struct device *create_uart(const struct board_config *config)
{
    return pl011_create(config->serial);
}

static struct device *create_rtc(const struct board_config *config)
{
    return pl031_create(config->loop, NULL, NULL);
}

static struct device *create_gpio(const struct board_config *config)
{
    return pl061_create(config->loop);
}

static const struct {
    struct device *(*create)(const struct board_config *config);
    uint32_t base, size, spi;
} fixed[] = {
    {create_uart, UART_BASE, 0x1000, 1},
    {create_rtc, 0x09010000, 0x1000, 2},
    {create_gpio, 0x09030000, 0x1000, 7},
};

static int add_fixed(struct board *board, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        struct device *dev = fixed[i].create(&board->config);
        if (dev)
            dev->resources = (struct device_resources){
                .mmio = {{fixed[i].base, fixed[i].size}},
                .mmios = 1,
                .irq = {{.number = fixed[i].spi}},
                .irqs = 1,
            };
        int rc = board_add(board, dev, err);
        if (rc)
            return rc;
        board_connect(board, dev);
        if (fixed[i].create == create_gpio)
            board->gpio = dev;
    }
    return 0;
}

/* --- virtio ----------------------------------------------------------------------------------*/

static int add_virtio(struct board *board, unsigned slot, struct device *dev, struct error *err)
{
    if (dev)
        dev->resources = (struct device_resources){
            .mmio = {{VIRTIO_BASE + slot * VIRTIO_SIZE, VIRTIO_SIZE}},
            .mmios = 1,
            .irq = {{.number = VIRTIO_SPI + slot}},
            .irqs = 1,
        };
    int rc = board_add(board, dev, err);
    if (!rc)
        board_connect(board, dev);
    return rc;
}

/* What is in a slot. Devices that there are none of leave no gap. */
static struct device *create_virtio(const struct board_config *config, unsigned slot, bool *empty)
{
    *empty = false;
    if (slot < config->disks) {
        char serial[20];
        snprintf(serial, sizeof(serial), "disk%u", slot);
        return virtio_mmio_blk_create(config->disk[slot].blk, serial, config->disk[slot].legacy);
    }
    slot -= config->disks;
    if (slot < config->nets)
        return virtio_mmio_net_create(config->net[slot].net, config->net[slot].mac,
                                      config->net[slot].legacy);
    slot -= config->nets;
    if (config->virtio_console && slot-- == 0)
        return virtio_mmio_console_create(config->virtio_console, false);
    if (config->rng && slot-- == 0)
        return virtio_mmio_rng_create(false);
    *empty = true;
    return virtio_mmio_empty_create(false);
}

static int add_all_virtio(struct board *board, struct error *err)
{
    for (unsigned slot = 0; slot < VIRTIO_SLOTS; slot++) {
        bool empty;
        struct device *dev = create_virtio(&board->config, slot, &empty);
        int rc = add_virtio(board, slot, dev, err);
        if (rc)
            return rc;
        dev->hidden = empty;
    }
    return 0;
}

/* --- interrupts and timers -------------------------------------------------------------------*/

static unsigned current_cpu(void *ctx)
{
    const struct arm_cpu *cpu = arm_current();
    return cpu ? cpu->index : 0;
}

static int add_gic(struct board *board, struct error *err)
{
    bool v2 = board->config.gic == 2;
    struct device *gic =
        v2 ? gicv2_create(board->config.cpus, current_cpu, NULL) : gicv3_create(board->config.cpus);
    if (gic) {
        gic->resources.mmios = 2;
        gic->resources.mmio[0].base = GICD_BASE;
        gic->resources.mmio[0].size = GICD_SIZE;
        gic->resources.mmio[1].base = v2 ? GICC_BASE : GICR_BASE;
        gic->resources.mmio[1].size = v2 ? GICC_SIZE : GICR_CPU * (uint64_t)board->config.cpus;
    }
    board->gic = gic;
    board->gic_line = v2 ? gicv2_line : gicv3_line;
    if (!v2) {
        board->hooks.gic = gic;
        board->hooks.icc_read = gicv3_icc_read;
        board->hooks.icc_write = gicv3_icc_write;
    }
    return board_add(board, gic, err);
}

static int add_its(struct board *board, struct error *err)
{
    if (board->config.gic == 2)
        return 0;
    struct device *its = gicv3_its_create(board->gic);
    if (its)
        its->resources = (struct device_resources){.mmio = {{ITS_BASE, ITS_SIZE}}, .mmios = 1};
    board->its = its;
    return board_add(board, its, err);
}

/* PPIs in the binding's order: secure physical, physical, virtual, hypervisor's. */
static int add_timer(struct board *board, struct error *err)
{
    static const uint8_t ppi[] = {13, 14, 11, 10};
    struct generic_timer_config config = {
        .cpus = board->config.cpus,
        .frequency = board->features.cntfrq,
        .loop = board->config.loop,
    };
    struct device *timer = generic_timer_create(&config);
    board->timer = timer;
    int rc = board_add(board, timer, err);
    if (rc)
        return rc;
    for (unsigned i = 0; i < ARRAY_SIZE(ppi); i++) {
        timer->resources.irq[i].ppi = true;
        timer->resources.irq[i].number = ppi[i];
    }
    timer->resources.irqs = ARRAY_SIZE(ppi);
    for (unsigned i = 0; i < board->config.cpus; i++) {
        generic_timer_connect(timer, i, GENERIC_TIMER_PHYS,
                              board->gic_line(board->gic, i, GIC_PPI0 + ppi[1]));
        generic_timer_connect(timer, i, GENERIC_TIMER_VIRT,
                              board->gic_line(board->gic, i, GIC_PPI0 + ppi[2]));
    }
    board->hooks.timer = timer;
    board->hooks.timer_read = generic_timer_read;
    board->hooks.timer_write = generic_timer_write;
    board->hooks.timer_deadline = generic_timer_deadline;
    board->hooks.timer_stop = generic_timer_stop;
    return 0;
}

/* --- PEs -------------------------------------------------------------------------------------*/

static void on_power(void *machine, enum arm_power_event event)
{
    struct board *board = machine;
    if (board->config.power)
        board->config.power(board->config.power_ctx, event == ARM_EVENT_SYSTEM_RESET);
}

static struct arm_cpu *cpu_by_mpidr(void *machine, uint64_t mpidr)
{
    struct board *board = machine;
    const uint64_t affinity = 0xff00ffffffull;
    for (unsigned i = 0; i < board->config.cpus; i++) {
        struct arm_cpu *cpu = engine_cpu(board->engine, i);
        if ((cpu->mpidr & affinity) == mpidr)
            return cpu;
    }
    return NULL;
}

static bool random_number(void *machine, uint64_t *value)
{
    host_random(value, sizeof(*value));
    return true;
}

static void set_line(void *cpu, unsigned input, bool level)
{
    arm_set_line(cpu, input, level);
}

static int add_engine(struct board *board, struct error *err)
{
    const struct engine_config config = {
        .kind = board->config.engine,
        .host_cpu = board->config.host_cpu,
        .cpus = board->config.cpus,
        .code_cache = board->config.code_cache,
        .mem = board->mem,
        .features = &board->features,
        .hooks = &board->hooks,
        .trace = board->config.trace,
        .perf_map = board->config.perf_map,
    };
    board->hooks.machine = board;
    board->hooks.power = on_power;
    board->hooks.cpu_by_mpidr = cpu_by_mpidr;
    board->hooks.random = random_number;
    int rc = engine_create(&config, &board->engine, err);
    if (rc)
        return rc;
    for (unsigned i = 0; i < board->config.cpus; i++) {
        struct arm_cpu *cpu = engine_cpu(board->engine, i);
        struct irq_line irq = {set_line, cpu, ARM_LINE_IRQ}, fiq = {set_line, cpu, ARM_LINE_FIQ};
        if (board->config.gic == 2)
            gicv2_connect(board->gic, i, irq, fiq);
        else
            gicv3_connect(board->gic, i, cpu->mpidr, irq, fiq);
    }
    return 0;
}

/* --- all of it -------------------------------------------------------------------------------*/

static int check(const struct board_config *config, struct error *err)
{
    unsigned slots = config->disks + config->nets + (config->virtio_console ? 1 : 0) + config->rng;
    if (config->gic != 2 && config->gic != 3)
        return error_set(err, -EINVAL, "--gic %u: the board has GIC versions 2 and 3", config->gic);
    if (config->cpus == 0)
        return error_set(err, -EINVAL, "--cpus 0: a machine needs at least one CPU");
    if (config->gic == 2 && config->cpus > GICV2_MAX_CPUS)
        return error_set(err, -EINVAL,
                         "--cpus %u: a GICv2 has interfaces for no more than %d CPUs; use --gic 3",
                         config->cpus, GICV2_MAX_CPUS);
    if (config->cpus > GICR_ROOM / GICR_CPU)
        return error_set(err, -EINVAL, "--cpus %u: the board has room for no more than %d",
                         config->cpus, GICR_ROOM / GICR_CPU);
    if (config->memory < MIN_MEMORY)
        return error_set(err, -EINVAL, "--memory: %llu bytes are too little; give %d MiB or more",
                         (unsigned long long)config->memory, MIN_MEMORY >> 20);
    if (config->memory > virt_map.ram_max)
        return error_set(err, -EINVAL, "--memory: the board has room for no more than %llu GiB",
                         (unsigned long long)virt_map.ram_max >> 30);
    if (config->initrd && !config->kernel)
        return error_set(err, -EINVAL, "--initrd needs a --kernel to go with it");
    if (config->disks > BOARD_MAX_DISKS || config->nets > BOARD_MAX_NETS || slots > VIRTIO_SLOTS)
        return error_set(err, -EINVAL, "more devices than the board's %d virtio slots take",
                         VIRTIO_SLOTS);
    return 0;
}

int board_virt_create(const struct board_config *asked, struct board **out, struct error *err)
{
    struct board_config config = *asked;
    struct board *board;
    if (config.gic == 0)
        config.gic = 3;
    int rc = check(&config, err);
    if (rc)
        return rc;
    rc = board_alloc(&config, &virt_map, &board, err);
    if (rc)
        return rc;
    rc = arm_features_parse(&board->features, config.cpu, err);
    board->features.gic = config.gic;
    if (!rc)
        rc = mem_add_ram(board->mem, virt_map.ram_base, config.memory, "RAM", err);
    if (!rc)
        rc = add_gic(board, err);
    if (!rc)
        rc = add_its(board, err);
    if (!rc)
        rc = add_timer(board, err);
    if (!rc)
        rc = add_fixed(board, err);
    if (!rc)
        rc = add_all_virtio(board, err);
    if (!rc)
        rc = add_engine(board, err);
    if (!rc)
        rc = board_load(board, err);
    if (rc) {
        board_destroy(board);
        return rc;
    }
    *out = board;
    return 0;
}
