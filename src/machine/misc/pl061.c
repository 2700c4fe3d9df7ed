/* SPDX-License-Identifier: Apache-2.0 */
/* PL061 GPIO (DDI 0190): one window of 4 KiB, one interrupt line (GPIOINTR). Eight lines, of which
 * line 3 is the power key, active high; nothing is connected to the others. */
#include "machine/misc/pl061.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bits.h"
#include "host/clock.h"
#include "host/loop.h"
#include "machine/dev/device.h"
#include "machine/dev/primecell.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/mem/mem.h"

/* GPIODATA takes 0x000 to 0x3fc: address bits 9:2 are the mask of the lines accessed. */
enum {
    GPIODATA_END = 0x400,
    GPIODIR = 0x400,
    GPIOIS = 0x404,
    GPIOIBE = 0x408,
    GPIOIEV = 0x40c,
    GPIOIE = 0x410,
    GPIORIS = 0x414,
    GPIOMIS = 0x418,
    GPIOIC = 0x41c,
    GPIOAFSEL = 0x420
};

enum { PART = 0x061, KEY_POWER = 116 /* Linux input event code */ };

/* Longer than any debouncing. */
#define PRESS_NS 100000000ull

struct pl061 {
    struct device dev;
    struct loop_timer *release;
    pthread_mutex_t lock; /* all below */
    uint8_t in;           /* levels at the inputs */
    uint8_t out, dir, is, ibe, iev, ie, afsel;
    uint8_t edges; /* detected and not cleared */
};

static uint8_t data(const struct pl061 *gpio)
{
    return (gpio->in & (uint8_t)~gpio->dir) | (gpio->out & gpio->dir);
}

/* 3.3.8: latched edges, and lines that are at their sensitive level. */
static uint8_t raw(const struct pl061 *gpio)
{
    uint8_t at_level = (uint8_t) ~(data(gpio) ^ gpio->iev);
    return (gpio->is & at_level) | (uint8_t)(~gpio->is & gpio->edges);
}

static void update(struct pl061 *gpio, uint8_t before)
{
    uint8_t now = data(gpio), changed = before ^ now;
    uint8_t wanted = gpio->ibe | (uint8_t) ~(now ^ gpio->iev);
    gpio->edges |= changed & wanted & (uint8_t)~gpio->is;
    irq_set(&gpio->dev.irq[0], (raw(gpio) & gpio->ie) != 0);
}

static void set_power(struct pl061 *gpio, bool pressed)
{
    uint8_t before = data(gpio), mask = 1u << PL061_POWER_LINE;
    gpio->in = pressed ? gpio->in | mask : gpio->in & (uint8_t)~mask;
    update(gpio, before);
}

static void let_go(void *ctx)
{
    struct pl061 *gpio = ctx;
    pthread_mutex_lock(&gpio->lock);
    set_power(gpio, false);
    pthread_mutex_unlock(&gpio->lock);
}

bool pl061_press_power(struct device *dev)
{
    struct pl061 *gpio = (struct pl061 *)dev;
    pthread_mutex_lock(&gpio->lock);
    bool heard = gpio->ie >> PL061_POWER_LINE & 1;
    if (heard)
        set_power(gpio, true);
    pthread_mutex_unlock(&gpio->lock);
    if (heard && gpio->release)
        loop_timer_set(gpio->release, host_now_ns() + PRESS_NS);
    else if (heard)
        let_go(gpio);
    return heard;
}

static uint64_t read_locked(const struct pl061 *gpio, uint64_t offset)
{
    if (offset < GPIODATA_END)
        return data(gpio) & (offset >> 2);
    switch (offset) {
    case GPIODIR:
        return gpio->dir;
    case GPIOIS:
        return gpio->is;
    case GPIOIBE:
        return gpio->ibe;
    case GPIOIEV:
        return gpio->iev;
    case GPIOIE:
        return gpio->ie;
    case GPIORIS:
        return raw(gpio);
    case GPIOMIS:
        return raw(gpio) & gpio->ie;
    case GPIOAFSEL:
        return gpio->afsel;
    default:
        return offset >= PRIMECELL_ID_REGISTERS ? primecell_id(offset, PART, 0) : 0;
    }
}

static int pl061_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct pl061 *gpio = dev;
    pthread_mutex_lock(&gpio->lock);
    *value = size == 8 || offset & 3 ? 0 : read_locked(gpio, offset);
    pthread_mutex_unlock(&gpio->lock);
    return 0;
}

static void write_locked(struct pl061 *gpio, uint64_t offset, uint8_t value)
{
    uint8_t before = data(gpio), mask;
    switch (offset) {
    case GPIODIR:
        gpio->dir = value;
        break;
    case GPIOIS:
        gpio->is = value;
        break;
    case GPIOIBE:
        gpio->ibe = value;
        break;
    case GPIOIEV:
        gpio->iev = value;
        break;
    case GPIOIE:
        gpio->ie = value;
        break;
    case GPIOIC:
        gpio->edges &= (uint8_t)~value;
        break;
    case GPIOAFSEL:
        gpio->afsel = value;
        break;
    default:
        if (offset >= GPIODATA_END)
            return;
        mask = (uint8_t)(offset >> 2) & gpio->dir;
        gpio->out = (gpio->out & (uint8_t)~mask) | (value & mask);
        break;
    }
    update(gpio, before);
}

static int pl061_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl061 *gpio = dev;
    if (size == 8 || offset & 3)
        return 0;
    pthread_mutex_lock(&gpio->lock);
    write_locked(gpio, offset, (uint8_t)value);
    pthread_mutex_unlock(&gpio->lock);
    return 0;
}

static void pl061_reset(struct device *dev)
{
    struct pl061 *gpio = (struct pl061 *)dev;
    pthread_mutex_lock(&gpio->lock);
    gpio->in = gpio->out = gpio->dir = gpio->is = gpio->ibe = gpio->iev = gpio->ie = 0;
    gpio->afsel = gpio->edges = 0;
    update(gpio, 0);
    pthread_mutex_unlock(&gpio->lock);
}

static void pl061_destroy(struct device *dev)
{
    struct pl061 *gpio = (struct pl061 *)dev;
    if (gpio->release)
        loop_timer_destroy(gpio->release);
    pthread_mutex_destroy(&gpio->lock);
    free(gpio);
}

/* The controller, and the key as Linux' gpio-keys binding has it. */
static int pl061_describe(struct device *dev, struct fdt_builder *fdt)
{
    uint32_t key[] = {DT_PHANDLE_GPIO, PL061_POWER_LINE, 0 /* active high */};
    device_dt_begin(dev, fdt, "pl061", "arm,pl061\narm,primecell");
    dt_empty(fdt, "gpio-controller");
    dt_u32(fdt, "#gpio-cells", 2);
    dt_empty(fdt, "interrupt-controller");
    dt_u32(fdt, "#interrupt-cells", 2);
    dt_u32(fdt, "#address-cells", 0);
    primecell_dt_clocks(fdt, 1, "apb_pclk");
    dt_phandle(fdt, DT_PHANDLE_GPIO);
    dt_end(fdt);
    dt_node(fdt, "gpio-keys");
    dt_string(fdt, "compatible", "gpio-keys");
    dt_node(fdt, "poweroff");
    dt_string(fdt, "label", "GPIO Key Poweroff");
    dt_u32(fdt, "linux,code", KEY_POWER);
    dt_cells(fdt, "gpios", key, 3);
    dt_end(fdt);
    dt_end(fdt);
    return 0;
}

/* GPIx = (GPIx | set) & ~clear for the power key's line. */
static void acpi_set_line(struct aml *aml, const char *reg, bool set)
{
    const unsigned line = 1u << PL061_POWER_LINE;
    aml_op(aml, set ? AML_OR : AML_AND);
    aml_path(aml, reg);
    aml_int(aml, set ? line : 0xff & ~line);
    aml_path(aml, reg);
}

static void acpi_clear_edge(struct aml *aml)
{
    aml_op(aml, AML_STORE);
    aml_int(aml, 1u << PL061_POWER_LINE);
    aml_path(aml, "GPIC");
}

static void acpi_registers(const struct device *dev, struct aml *aml)
{
    static const char *const names[] = {"GPIS", "GPIB", "GPIV", "GPIE", "GPRS", "GPMS", "GPIC"};
    aml_region(aml, "GPIO", dev->resources.mmio[0].base, dev->resources.mmio[0].size);
    aml_field(aml, "GPIO");
    aml_field_skip(aml, 8 * GPIOIS);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        aml_field_unit(aml, names[i], 32);
    aml_end(aml);
}

/*
 * The controller as a Generic Event Device (ACPI 6.3, 5.6.9) that serves its registers itself, and
 * the power button: no guest needs a driver of this GPIO controller to hear it. _INI makes line 3
 * edge-triggered, rising, and enables its interrupt; _EVT clears the edge and tells the button.
 */
static void pl061_describe_acpi(struct device *dev, struct acpi *acpi)
{
    struct aml *aml = &acpi->dsdt;
    aml_device(aml, "PWRB");
    aml_name_eisa_id(aml, "_HID", "PNP0C0C");
    aml_name_int(aml, "_UID", 0);
    aml_end(aml);

    aml_device(aml, "GED0");
    aml_name_string(aml, "_HID", "ACPI0013");
    aml_name_int(aml, "_UID", 0);
    aml_resources(aml, "_CRS");
    aml_interrupt(aml, device_gsiv(dev, 0), dev->resources.irq[0].edge);
    aml_resources_end(aml);
    acpi_registers(dev, aml);
    aml_method(aml, "_INI", 0, true);
    acpi_set_line(aml, "GPIS", false);
    acpi_set_line(aml, "GPIB", false);
    acpi_set_line(aml, "GPIV", true);
    acpi_clear_edge(aml);
    acpi_set_line(aml, "GPIE", true);
    aml_end(aml);
    aml_method(aml, "_EVT", 1, true);
    aml_if(aml);
    aml_op(aml, AML_AND);
    aml_path(aml, "GPMS");
    aml_int(aml, 1u << PL061_POWER_LINE);
    aml_int(aml, 0); /* no target */
    acpi_clear_edge(aml);
    aml_op(aml, AML_NOTIFY);
    aml_path(aml, "\\_SB.PWRB");
    aml_int(aml, 0x80); /* pressed */
    aml_end(aml);
    aml_end(aml);
    aml_end(aml);
}

static const struct mem_io_ops pl061_io = {pl061_read, pl061_write};

static const struct device_ops pl061_ops = {
    .name = "pl061",
    .reset = pl061_reset,
    .destroy = pl061_destroy,
    .describe = pl061_describe,
    .describe_acpi = pl061_describe_acpi,
    .io = {&pl061_io},
};

struct device *pl061_create(struct loop *loop)
{
    struct pl061 *gpio = calloc(1, sizeof(*gpio));
    if (!gpio)
        return NULL;
    gpio->dev.ops = &pl061_ops;
    pthread_mutex_init(&gpio->lock, NULL);
    if (loop && loop_timer_create(loop, let_go, gpio, &gpio->release) != 0) {
        pl061_destroy(&gpio->dev);
        return NULL;
    }
    return &gpio->dev;
}
