/* SPDX-License-Identifier: Apache-2.0 */
/* The GICv2m frame in front of a GICv2 with one CPU. */
#include "devtest.h"

#include <libfdt.h>
#include <stdlib.h>

#include "base/bits.h"
#include "machine/fw/fdt.h"
#include "machine/intc/gic.h"

enum { GICD = 0x08000000, GICC = 0x08010000, FRAME = 0x08020000, FIRST = 48, COUNT = 64 };
enum { INTID = 32 + FIRST };

struct rig {
    struct mem *mem;
    struct device *gic, *frame;
    struct line irq, fiq;
};

static unsigned cpu0(void *ctx)
{
    return 0;
}

/* Enables the first SPI of the frame, as an edge or not. */
static void begin(struct rig *rig, bool edge)
{
    struct error err = {0};
    *rig = (struct rig){.mem = new_mem()};
    rig->gic = gicv2_create(1, cpu0, NULL);
    assert_non_null(rig->gic);
    rig->gic->resources =
        (struct device_resources){.mmio = {{GICD, 0x10000}, {GICC, 0x10000}}, .mmios = 2};
    assert_int_equal(device_map(rig->gic, rig->mem, &err), 0);
    gicv2_connect(rig->gic, 0, line_to(&rig->irq), line_to(&rig->fiq));
    rig->frame = gicv2m_create(rig->gic, FIRST, COUNT);
    assert_non_null(rig->frame);
    rig->frame->resources = (struct device_resources){.mmio = {{FRAME, 0x1000}}, .mmios = 1};
    assert_int_equal(device_map(rig->frame, rig->mem, &err), 0);
    wr32(rig->mem, GICD, 3);
    wr32(rig->mem, GICC, 3);
    wr32(rig->mem, GICC + 4, 0xff);
    if (edge)
        wr32(rig->mem, GICD + 0xc00 + INTID / 16 * 4, 2 << 2 * (INTID % 16));
    wr32(rig->mem, GICD + 0x100 + INTID / 32 * 4, 1 << INTID % 32);
}

static void end(struct rig *rig)
{
    rig->frame->ops->destroy(rig->frame);
    rig->gic->ops->destroy(rig->gic);
    mem_destroy(rig->mem);
}

static void typer_tells_the_spis(void **state)
{
    struct rig rig;
    begin(&rig, true);
    assert_int_equal(rd32(rig.mem, FRAME + 8), INTID << 16 | COUNT);
    assert_int_equal(rd32(rig.mem, FRAME + 0xfcc) & 0xfff, 0x43b);
    assert_int_equal(rd32(rig.mem, FRAME + 0x40), 0);
    assert_int_equal(rd(rig.mem, FRAME + 8, 2), 0);
    end(&rig);
}

static void a_write_to_setspi_is_an_edge(void **state)
{
    struct rig rig;
    begin(&rig, true);
    for (unsigned i = 0; i < 3; i++) {
        wr(rig.mem, FRAME + 0x40, i == 2 ? 2 : 4, INTID);
        assert_true(rig.irq.level);
        assert_int_equal(rd32(rig.mem, GICC + 0xc), INTID);
        assert_false(rig.irq.level);
        wr32(rig.mem, GICC + 0x10, INTID);
        assert_false(rig.irq.level);
    }
    end(&rig);
}

static void a_message_while_the_last_one_is_served_comes_afterwards(void **state)
{
    struct rig rig;
    begin(&rig, true);
    wr32(rig.mem, FRAME + 0x40, INTID);
    assert_int_equal(rd32(rig.mem, GICC + 0xc), INTID);
    wr32(rig.mem, FRAME + 0x40, INTID);
    assert_false(rig.irq.level);
    wr32(rig.mem, GICC + 0x10, INTID);
    assert_true(rig.irq.level);
    end(&rig);
}

static void a_level_spi_does_not_notice(void **state)
{
    struct rig rig;
    begin(&rig, false);
    wr32(rig.mem, FRAME + 0x40, INTID);
    assert_false(rig.irq.level);
    end(&rig);
}

static void the_sink_takes_its_own_address_only(void **state)
{
    struct rig rig;
    begin(&rig, true);
    struct msi_sink sink = gicv2m_sink(rig.frame);
    sink.send(sink.ctx, 8, FRAME + 0x44, INTID);
    sink.send(sink.ctx, 8, 0, INTID);
    sink.send(sink.ctx, 8, 1ull << 40 | (FRAME + 0x40), INTID);
    assert_false(rig.irq.level);
    sink.send(sink.ctx, 8, FRAME + 0x40, INTID);
    assert_true(rig.irq.level);
    end(&rig);
}

static void other_interrupts_cannot_be_set(void **state)
{
    static const uint32_t other[] = {0, 16, 32, INTID - 1, INTID + COUNT, 0x3ff, ~0u};
    struct rig rig;
    begin(&rig, true);
    for (unsigned i = 0; i < 10; i++) {
        wr32(rig.mem, GICD + 0xc00 + 4 * i, 0xaaaaaaaa);
        wr32(rig.mem, GICD + 0x100 + 4 * i, ~0u);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(other); i++)
        wr32(rig.mem, FRAME + 0x40, other[i]);
    assert_false(rig.irq.level);
    end(&rig);
}

static void the_frame_is_a_child_of_the_gic(void **state)
{
    struct rig rig;
    struct fdt_builder fdt;
    void *blob;
    size_t size;
    begin(&rig, true);
    dt_init(&fdt);
    assert_int_equal(rig.gic->ops->describe(rig.gic, &fdt), 0);
    assert_int_equal(dt_finish(&fdt, &blob, &size), 0);
    int node = fdt_path_offset(blob, "/intc@8000000/v2m@8020000");
    assert_true(node > 0);
    assert_int_equal(fdt_node_check_compatible(blob, node, "arm,gic-v2m-frame"), 0);
    assert_int_equal(fdt_get_phandle(blob, node), DT_PHANDLE_MSI);
    assert_true(rig.frame->hidden);
    free(blob);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typer_tells_the_spis),
        cmocka_unit_test(a_write_to_setspi_is_an_edge),
        cmocka_unit_test(a_message_while_the_last_one_is_served_comes_afterwards),
        cmocka_unit_test(a_level_spi_does_not_notice),
        cmocka_unit_test(the_sink_takes_its_own_address_only),
        cmocka_unit_test(other_interrupts_cannot_be_set),
        cmocka_unit_test(the_frame_is_a_child_of_the_gic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
