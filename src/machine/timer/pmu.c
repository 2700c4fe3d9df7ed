/* SPDX-License-Identifier: Apache-2.0 */
/* The performance monitors' clock, alarms and interrupts: see pmu.h. A PE alone asks for its
 * alarms; the loop's thread passes them on. */
#include "machine/timer/pmu.h"

#include <stdlib.h>

#include "host/clock.h"
#include "host/loop.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fdt.h"

struct pmu_cpu {
    struct loop_timer *timer;
    struct irq_line line, alarm;
};

struct pmu {
    struct device dev;
    struct pmu_config config;
    unsigned cpus;
    struct pmu_cpu *cpu;
};

uint64_t pmu_now(void *ctx)
{
    struct pmu *pmu = ctx;
    return pmu->config.now(pmu->config.now_ctx);
}

void pmu_alarm(void *ctx, unsigned cpu, uint64_t ns)
{
    struct pmu *pmu = ctx;
    uint64_t now = host_now_ns();
    if (pmu->cpu[cpu].timer)
        loop_timer_set(pmu->cpu[cpu].timer, ns > UINT64_MAX - 1 - now ? UINT64_MAX : now + ns);
}

void pmu_line(void *ctx, unsigned cpu, bool level)
{
    struct pmu *pmu = ctx;
    irq_set(&pmu->cpu[cpu].line, level);
}

void pmu_connect(struct device *dev, unsigned cpu, struct irq_line line, struct irq_line alarm)
{
    struct pmu *pmu = (struct pmu *)dev;
    pmu->cpu[cpu].line = line;
    pmu->cpu[cpu].alarm = alarm;
}

static void went_off(void *ctx)
{
    struct pmu_cpu *cpu = ctx;
    irq_set(&cpu->alarm, true);
}

static void pmu_destroy(struct device *dev)
{
    struct pmu *pmu = (struct pmu *)dev;
    for (unsigned i = 0; i < pmu->cpus; i++)
        if (pmu->cpu[i].timer)
            loop_timer_destroy(pmu->cpu[i].timer);
    free(pmu->cpu);
    free(pmu);
}

/* Linux Documentation/devicetree/bindings/arm/pmu.yaml. */
static int pmu_describe(struct device *dev, struct fdt_builder *fdt)
{
    device_dt_begin(dev, fdt, "pmu", "arm,armv8-pmuv3");
    dt_end(fdt);
    return 0;
}

/* The MADT has it, with each CPU's interface. */
static void pmu_describe_acpi(struct device *dev, struct acpi *acpi)
{
    acpi->pmu.gsiv = device_gsiv(dev, 0);
}

static const struct device_ops pmu_ops = {
    .name = "performance monitors",
    .destroy = pmu_destroy,
    .describe = pmu_describe,
    .describe_acpi = pmu_describe_acpi,
};

struct device *pmu_create(const struct pmu_config *config)
{
    struct pmu *pmu = calloc(1, sizeof(*pmu));
    if (!pmu)
        return NULL;
    pmu->dev.ops = &pmu_ops;
    pmu->config = *config;
    pmu->cpu = calloc(config->cpus, sizeof(*pmu->cpu));
    if (!pmu->cpu) {
        free(pmu);
        return NULL;
    }
    for (; pmu->cpus < config->cpus; pmu->cpus++) {
        struct pmu_cpu *cpu = &pmu->cpu[pmu->cpus];
        if (config->loop && loop_timer_create(config->loop, went_off, cpu, &cpu->timer) != 0) {
            pmu_destroy(&pmu->dev);
            return NULL;
        }
    }
    return &pmu->dev;
}
