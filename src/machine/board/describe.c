/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree: what belongs to the machine as a whole is written here (Devicetree
 * Specification, Linux' bindings), the rest by the devices. */
#include "machine/board/board_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arm/cpu.h"
#include "base/error.h"
#include "host/clock.h"

enum { APB_HZ = 24000000 };

/* MPIDR_EL1's affinity fields, as cpus/cpu@N/reg wants them; Aff3 is never used. */
static uint32_t affinity(struct board *board, unsigned cpu)
{
    return (uint32_t)engine_cpu(board->engine, cpu)->mpidr & 0xffffff;
}

static void describe_cpus(struct board *board, struct fdt_builder *fdt)
{
    char compatible[64];
    bool named = strncmp(board->features.model, "cortex-", 7) == 0 ||
                 strncmp(board->features.model, "neoverse-", 9) == 0;
    snprintf(compatible, sizeof(compatible), "arm,%s", named ? board->features.model : "armv8");
    dt_node(fdt, "cpus");
    dt_u32(fdt, "#address-cells", 1);
    dt_u32(fdt, "#size-cells", 0);
    for (unsigned i = 0; i < board->config.cpus; i++) {
        dt_node(fdt, "cpu@%" PRIx32, affinity(board, i));
        dt_string(fdt, "device_type", "cpu");
        dt_string(fdt, "compatible", compatible);
        dt_u32(fdt, "reg", affinity(board, i));
        dt_string(fdt, "enable-method", "psci");
        dt_phandle(fdt, DT_PHANDLE_CPU0 + i);
        dt_end(fdt);
    }
    dt_node(fdt, "cpu-map");
    dt_node(fdt, "cluster0");
    for (unsigned i = 0; i < board->config.cpus; i++) {
        dt_node(fdt, "core%u", i);
        dt_u32(fdt, "cpu", DT_PHANDLE_CPU0 + i);
        dt_end(fdt);
    }
    dt_end(fdt);
    dt_end(fdt);
    dt_end(fdt);
}

/* DEN 0022: function identifiers as version 0.1 drivers need them too. */
static void describe_psci(struct fdt_builder *fdt)
{
    dt_node(fdt, "psci");
    dt_strings(fdt, "compatible", "arm,psci-1.0\narm,psci-0.2\narm,psci");
    dt_string(fdt, "method", "hvc");
    dt_u32(fdt, "cpu_suspend", 0xc4000001);
    dt_u32(fdt, "cpu_off", 0x84000002);
    dt_u32(fdt, "cpu_on", 0xc4000003);
    dt_end(fdt);
}

static void describe_clock(struct fdt_builder *fdt)
{
    dt_node(fdt, "apb-pclk");
    dt_string(fdt, "compatible", "fixed-clock");
    dt_u32(fdt, "#clock-cells", 0);
    dt_u32(fdt, "clock-frequency", APB_HZ);
    dt_string(fdt, "clock-output-names", "clk24mhz");
    dt_phandle(fdt, DT_PHANDLE_CLOCK);
    dt_end(fdt);
}

static void describe_chosen(struct board *board, struct fdt_builder *fdt)
{
    char uart[64];
    uint8_t seed[32];
    uint64_t kaslr;
    snprintf(uart, sizeof(uart), "/pl011@%" PRIx64, board->map->uart);
    if (board->uart) {
        dt_node(fdt, "aliases");
        dt_string(fdt, "serial0", uart);
        dt_end(fdt);
    }
    dt_node(fdt, "chosen");
    if (board->uart)
        dt_string(fdt, "stdout-path", uart);
    if (board->config.append && !board->config.flash_code)
        dt_string(fdt, "bootargs", board->config.append);
    if (board->initrd_size) {
        dt_u64(fdt, "linux,initrd-start", board->layout.initrd);
        dt_u64(fdt, "linux,initrd-end", board->layout.initrd + board->initrd_size);
    }
    host_random(seed, sizeof(seed));
    host_random(&kaslr, sizeof(kaslr));
    dt_bytes(fdt, "rng-seed", seed, sizeof(seed));
    dt_u64(fdt, "kaslr-seed", kaslr);
    dt_end(fdt);
}

static void describe_memory(struct board *board, struct fdt_builder *fdt)
{
    struct dt_range ram = {board->map->ram_base, board->config.memory};
    dt_node(fdt, "memory@%" PRIx64, ram.base);
    dt_string(fdt, "device_type", "memory");
    dt_reg(fdt, &ram, 1);
    dt_end(fdt);
}

int board_describe(struct board *board, void **blob, size_t *size, struct error *err)
{
    struct fdt_builder fdt;
    dt_init(&fdt);
    dt_string(&fdt, "compatible", board->map->compatible);
    dt_string(&fdt, "model", board->map->name);
    dt_u32(&fdt, "#address-cells", 2);
    dt_u32(&fdt, "#size-cells", 2);
    dt_u32(&fdt, "interrupt-parent", DT_PHANDLE_INTC);
    describe_chosen(board, &fdt);
    describe_memory(board, &fdt);
    describe_cpus(board, &fdt);
    describe_psci(&fdt);
    describe_clock(&fdt);
    int rc = 0;
    for (struct device *dev = board->devices; dev && !rc; dev = dev->next)
        if (dev->ops->describe && !dev->hidden)
            rc = dev->ops->describe(dev, &fdt);
    if (rc)
        dt_discard(&fdt);
    else
        rc = dt_finish(&fdt, blob, size);
    return rc ? error_set(err, rc, "the device tree cannot be built: %s", strerror(-rc)) : 0;
}
