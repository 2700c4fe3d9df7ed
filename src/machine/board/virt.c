/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default board. Its map is the de-facto standard of Arm virtual machines, which firmware and
 * RTOS builds have compiled in:
 *
 *   0x00000000  flash: code, variables   0x09000000  PL011   SPI 1
 *   0x08000000  GIC distributor          0x09010000  PL031   SPI 2
 *   0x08010000  GICv2 CPU interface      0x09020000  fw_cfg
 *   0x08020000  GICv2m, SPI 48 to 111    0x09030000  PL061   SPI 7 (power key: line 3)
 *   0x08080000  GICv3 ITS
 *   0x080a0000  GICv3 redistributors
 *   0x0a000000  virtio-mmio, 32 slots of 0x200, SPI 16 to 47
 *   0x10000000  PCI memory, 32-bit; I/O at 0x3eff0000; INTx SPI 3 to 6
 *   0x40000000  RAM
 *   0x4010000000  PCI configuration space (ECAM); 64-bit PCI memory at 0x8000000000
 *
 * Devices take virtio-mmio slots and PCI device numbers in the order disks, networks, console,
 * entropy: Linux probes them in the order of the addresses, so the first disk becomes vda.
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
#include "machine/pci/host.h"
#include "machine/rtc/pl031.h"
#include "machine/timer/generic.h"
#include "machine/timer/pmu.h"
#include "machine/virtio/virtio.h"
#include "machine/virtio/virtio_mmio.h"
#include "machine/virtio/virtio_pci.h"

enum {
    GICD_BASE = 0x08000000,
    GICD_SIZE = 0x10000,
    GICC_BASE = 0x08010000,
    GICC_SIZE = 0x10000,
    ITS_BASE = 0x08080000,
    ITS_SIZE = 0x20000,
    V2M_BASE = 0x08020000,
    V2M_SIZE = 0x1000,
    V2M_SPI = 48,
    V2M_SPIS = 64,
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
    .title = "virt",
    .name = "linux,dummy-virt",
    .compatible = "linux,dummy-virt",
    .ram_base = 0x40000000,
    .ram_max = 0x4000000000 - 0x40000000, /* PCI's high windows begin there */
    .uart = UART_BASE,
    .pci =
        {
            .ecam = 0x4010000000,
            .ecam_size = 256 << 20,
            .pio = 0x3eff0000,
            .pio_size = 64 << 10,
            .mmio32 = 0x10000000,
            .mmio32_size = 0x2eff0000,
            .mmio64 = 0x8000000000,
            .mmio64_size = 512ull << 30,
            .intx_spi = 3,
            .buses = 256,
        },
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

/* A machine whose console is virtio has no other, unless somebody listens there. */
static bool has_uart(const struct board_config *config)
{
    return config->serial || !config->virtio_console;
}

static int add_fixed(struct board *board, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (fixed[i].create == create_uart && !has_uart(&board->config))
            continue;
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
        if (fixed[i].create == create_uart)
            board->uart = dev;
    }
    return 0;
}

static int add_firmware(struct board *board, struct error *err)
{
    static const struct board_firmware_map map = {.flash = 0, .fw_cfg = 0x09020000};

    /* ACPI tables without firmware are only looked at. */
    bool any = board->config.flash_code || board->config.acpi;
    return any ? board_add_firmware(board, &map, err) : 0;
}

/* --- virtio ----------------------------------------------------------------------------------*/

static int add_mmio(struct board *board, unsigned slot, struct device *dev, struct error *err)
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

static unsigned count_virtio(const struct board_config *config)
{
    return config->disks + config->nets + (config->virtio_console ? 1 : 0) + config->rng;
}

/* The n-th device, on its bus; legacy: also, or on virtio-mmio only, for drivers of 0.9.5. */
static struct virtio *create_virtio(const struct board_config *config, unsigned n,
                                    enum board_bus *bus, bool *legacy)
{
    if (n < config->disks) {
        char serial[20];
        *bus = config->disk[n].bus;
        *legacy = config->disk[n].legacy;
        snprintf(serial, sizeof(serial), "disk%u", n);
        return virtio_blk_create(config->disk[n].blk, serial, *legacy && *bus == BOARD_BUS_MMIO);
    }
    n -= config->disks;
    if (n < config->nets) {
        *bus = config->net[n].bus;
        *legacy = config->net[n].legacy;
        return virtio_net_create(config->net[n].net, config->net[n].mac,
                                 *legacy && *bus == BOARD_BUS_MMIO);
    }
    *bus = config->virtio_bus;
    *legacy = false;
    if (config->virtio_console && n == config->nets)
        return virtio_console_create(config->virtio_console, false);
    return virtio_rng_create(false);
}

/* Slots and device numbers without gaps; the virtio-mmio slots that are left over are empty. */
static int add_all_virtio(struct board *board, struct error *err)
{
    unsigned slot = 0, device = 1;
    int rc = 0;
    for (unsigned n = 0; n < count_virtio(&board->config) && !rc; n++) {
        enum board_bus bus;
        bool legacy;
        struct virtio *v = create_virtio(&board->config, n, &bus, &legacy);
        if (bus == BOARD_BUS_PCI)
            rc = pci_host_add(board->pci, device++, virtio_pci_create(v, legacy), err);
        else
            rc = add_mmio(board, slot++, virtio_mmio_create(v, legacy), err);
    }
    for (; slot < VIRTIO_SLOTS && !rc; slot++) {
        struct device *dev = virtio_mmio_empty_create(false);
        if (dev)
            dev->hidden = true;
        rc = add_mmio(board, slot, dev, err);
    }
    return rc;
}

static int add_pci(struct board *board, struct error *err)
{
    const struct pci_host_config config = {
        .windows = board->map->pci,
        .msi = board->msi,
        .msi_by_requester = board->config.gic == 3,
    };
    board->pci = pci_host_create(&config);
    int rc = board_add(board, board->pci, err);
    if (!rc)
        board_connect(board, board->pci);
    return rc;
}

/* --- interrupts and timers -------------------------------------------------------------------*/

static unsigned current_cpu(void *ctx)
{
    const struct arm_cpu *cpu = arm_current();
    return cpu ? cpu->index : 0;
}

static int add_v2m(struct board *board, struct error *err)
{
    struct device *frame = gicv2m_create(board->gic, V2M_SPI, V2M_SPIS);
    if (frame) {
        frame->resources.mmio[0].base = V2M_BASE;
        frame->resources.mmio[0].size = V2M_SIZE;
        frame->resources.mmios = 1;
        board->msi = gicv2m_sink(frame);
    }
    return board_add(board, frame, err);
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
    int rc = board_add(board, gic, err);
    return !rc && v2 ? add_v2m(board, err) : rc;
}

static int add_its(struct board *board, struct error *err)
{
    if (board->config.gic == 2)
        return 0;
    struct device *its = gicv3_its_create(board->gic);
    if (its)
        its->resources = (struct device_resources){.mmio = {{ITS_BASE, ITS_SIZE}}, .mmios = 1};
    board->its = its;
    int rc = board_add(board, its, err);
    if (!rc)
        board->msi = gicv3_its_sink(its);
    return rc;
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

/* Arm's base server profile has the overflow interrupt at INTID 23. */
static int add_pmu(struct board *board, struct error *err)
{
    enum { PPI = 7 };
    const struct pmu_config config = {
        .cpus = board->config.cpus,
        .loop = board->config.loop,
        .now = generic_timer_ns,
        .now_ctx = board->timer,
    };
    if (!arm_has(&board->features, ARM_FEAT_PMUV3))
        return 0;
    struct device *pmu = pmu_create(&config);
    if (pmu)
        pmu->resources =
            (struct device_resources){.irq = {{.ppi = true, .number = PPI}}, .irqs = 1};
    board->pmu = pmu;
    int rc = board_add(board, pmu, err);
    if (rc)
        return rc;
    board->hooks.pmu = pmu;
    board->hooks.pmu_now = pmu_now;
    board->hooks.pmu_alarm = pmu_alarm;
    board->hooks.pmu_line = pmu_line;
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

static void pmu_went_off(void *cpu, unsigned input, bool level)
{
    arm_pmu_alarm(cpu);
}

static int add_engine(struct board *board, struct error *err)
{
    const struct engine_config config = {
        .kind = board->config.engine,
        .host_cpu = board->config.host_cpu,
        .without = board->config.without,
        .cpus = board->config.cpus,
        .code_cache = board->config.code_cache,
        .code_store = board->config.code_store,
        .code_store_asked = board->config.code_store_asked,
        .tier2_us = board->config.tier2_us,
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
        if (board->pmu)
            pmu_connect(
                board->pmu, i,
                board->gic_line(board->gic, i, GIC_PPI0 + board->pmu->resources.irq[0].number),
                (struct irq_line){pmu_went_off, cpu, 0});
    }
    return 0;
}

/* --- all of it -------------------------------------------------------------------------------*/

static int check(const struct board_config *config, struct error *err)
{
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
    if (config->disks > BOARD_MAX_DISKS || config->nets > BOARD_MAX_NETS ||
        count_virtio(config) > PCI_HOST_SLOTS)
        return error_set(err, -EINVAL, "more devices than the board's %d PCI slots take",
                         PCI_HOST_SLOTS);
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
        rc = add_pmu(board, err);
    if (!rc)
        rc = add_fixed(board, err);
    if (!rc)
        rc = add_firmware(board, err);
    if (!rc)
        rc = add_pci(board, err);
    if (!rc)
        rc = add_all_virtio(board, err);
    if (!rc)
        rc = add_engine(board, err);
    if (!rc)
        rc = board_add_tables(board, err);
    if (!rc)
        rc = board_load(board, err);
    if (rc) {
        board_destroy(board);
        return rc;
    }
    *out = board;
    return 0;
}
