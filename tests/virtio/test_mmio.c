/* SPDX-License-Identifier: Apache-2.0 */
/* The MMIO transport's registers, both versions. The entropy device is the guinea pig. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "machine/dev/device.h"
#include "machine/fw/fdt.h"
#include "machine/mem/mem.h"
#include "machine/virtio/virtio_mmio.h"

static void begin(struct rig *rig, bool legacy)
{
    rig_create(rig);
    rig_attach(rig, virtio_mmio_rng_create(legacy), legacy);
}

static void identification_registers(void **state)
{
    for (int legacy = 0; legacy < 2; legacy++) {
        struct rig rig;
        begin(&rig, legacy);
        assert_int_equal(reg_read(&rig, 0x00), 0x74726976);
        assert_int_equal(reg_read(&rig, 0x04), legacy ? 1 : 2);
        assert_int_equal(reg_read(&rig, 0x08), 4);
        assert_int_equal(reg_read(&rig, 0x34), 64);
        assert_int_equal(reg_read(&rig, 0x70), 0);
        rig_destroy(&rig);
    }
}

static void an_empty_slot_has_device_id_0(void **state)
{
    struct rig rig;

    rig_create(&rig);
    rig_attach(&rig, virtio_mmio_empty_create(false), false);
    assert_int_equal(reg_read(&rig, 0x00), 0x74726976);
    assert_int_equal(reg_read(&rig, 0x08), 0);
    reg_write(&rig, 0x70, 1);
    assert_int_equal(reg_read(&rig, 0x70), 0);
    assert_int_equal(config_read(&rig, 0, 4), 0);
    rig_destroy(&rig);
}

static void features_come_in_two_words(void **state)
{
    struct rig rig;

    begin(&rig, false);
    reg_write(&rig, 0x14, 0);
    assert_int_equal(reg_read(&rig, 0x10), (F_INDIRECT | F_EVENT_IDX));
    reg_write(&rig, 0x14, 1);
    assert_int_equal(reg_read(&rig, 0x10), 1);
    reg_write(&rig, 0x14, 2);
    assert_int_equal(reg_read(&rig, 0x10), 0);
    rig_destroy(&rig);

    begin(&rig, true);
    reg_write(&rig, 0x14, 1);
    assert_int_equal(reg_read(&rig, 0x10), 0);
    rig_destroy(&rig);
}

static void features_ok_needs_version_1_and_offered_features(void **state)
{
    static const uint32_t word[][3] = {{0, 0, 3}, {0, 1, 11}, {1, 1, 3}, {0, 3, 3}};

    for (unsigned i = 0; i < 4; i++) {
        struct rig rig;
        begin(&rig, false);
        reg_write(&rig, 0x70, 3);
        for (unsigned w = 0; w < 2; w++) {
            reg_write(&rig, 0x24, w);
            reg_write(&rig, 0x20, word[i][w]);
        }
        reg_write(&rig, 0x70, 11);
        assert_int_equal(reg_read(&rig, 0x70), word[i][2]);
        rig_destroy(&rig);
    }
}

static void a_queue_works_and_interrupts(void **state)
{
    for (int legacy = 0; legacy < 2; legacy++) {
        struct rig rig;
        struct ring ring;
        struct used used;

        begin(&rig, legacy);
        driver_begin(&rig, F_VERSION_1);
        driver_queue(&rig, &ring, 0, 8);
        driver_ok(&rig);
        set_desc(&rig, ring.desc, 0, BUFFERS, 64, D_WRITE, 0);
        make_available(&rig, &ring, 0);
        notify(&rig, &ring);
        used = wait_used(&rig, &ring);
        assert_int_equal(used.id, 0);
        assert_int_equal(used.len, 64);
        assert_true(rig.level);
        assert_int_equal(reg_read(&rig, 0x60), 1);
        reg_write(&rig, 0x64, 1);
        assert_int_equal(reg_read(&rig, 0x60), 0);
        assert_false(rig.level);
        rig_destroy(&rig);
    }
}

static void nothing_happens_before_driver_ok(void **state)
{
    struct rig rig;
    struct ring ring;

    begin(&rig, false);
    driver_begin(&rig, F_VERSION_1);
    driver_queue(&rig, &ring, 0, 8);
    set_desc(&rig, ring.desc, 0, BUFFERS, 64, D_WRITE, 0);
    make_available(&rig, &ring, 0);
    notify(&rig, &ring);
    assert_false(has_used(&rig, &ring));
    driver_ok(&rig);
    notify(&rig, &ring);
    assert_true(has_used(&rig, &ring));
    rig_destroy(&rig);
}

static void an_active_queue_cannot_be_moved_or_resized(void **state)
{
    static const unsigned offset[] = {0x38, 0x80, 0x84, 0x90, 0x94, 0xa0, 0xa4};
    struct rig rig;
    struct ring ring;

    begin(&rig, false);
    driver_begin(&rig, F_VERSION_1);
    driver_queue(&rig, &ring, 0, 8);
    driver_ok(&rig);
    for (unsigned i = 0; i < 7; i++)
        reg_write(&rig, offset[i], 0x40);
    set_desc(&rig, ring.desc, 0, BUFFERS, 64, D_WRITE, 0);
    for (unsigned i = 0; i < 20; i++) {
        make_available(&rig, &ring, 0);
        notify(&rig, &ring);
        wait_used(&rig, &ring);
    }
    assert_false(needs_reset(&rig));
    rig_destroy(&rig);
}

static void a_queue_in_no_ram_needs_reset_and_interrupts(void **state)
{
    struct rig rig;

    begin(&rig, false);
    driver_begin(&rig, F_VERSION_1);
    reg_write(&rig, 0x30, 0);
    reg_write(&rig, 0x80, 0x1000);
    reg_write(&rig, 0x44, 1);
    assert_int_equal(reg_read(&rig, 0x44), 0);
    assert_true(needs_reset(&rig));
    driver_ok(&rig);
    assert_int_equal(reg_read(&rig, 0x60), 2);
    assert_true(rig.level);
    reg_write(&rig, 0x70, 0);
    assert_int_equal(reg_read(&rig, 0x70), 0);
    assert_int_equal(reg_read(&rig, 0x60), 0);
    assert_false(rig.level);
    rig_destroy(&rig);
}

static void a_malformed_ring_needs_reset_and_works_after_it(void **state)
{
    struct rig rig;
    struct ring ring;

    begin(&rig, false);
    for (unsigned round = 0; round < 2; round++) {
        driver_begin(&rig, F_VERSION_1);
        driver_queue(&rig, &ring, 0, 8);
        driver_ok(&rig);
        set_desc(&rig, ring.desc, 0, BUFFERS, 64, D_WRITE, 0);
        make_available(&rig, &ring, 0);
        notify(&rig, &ring);
        wait_used(&rig, &ring);
        set_desc(&rig, ring.desc, 0, 0, 64, D_WRITE, 0);
        make_available(&rig, &ring, 0);
        notify(&rig, &ring);
        assert_true(needs_reset(&rig));
        assert_int_equal(reg_read(&rig, 0x60) & 2, 2);
        assert_false(has_used(&rig, &ring));
    }
    rig_destroy(&rig);
}

static void the_driver_cannot_set_or_clear_the_devices_status_bits(void **state)
{
    struct rig rig;

    begin(&rig, false);
    reg_write(&rig, 0x70, 0x41);
    assert_int_equal(reg_read(&rig, 0x70), 1);
    reg_write(&rig, 0x70, 2);
    assert_int_equal(reg_read(&rig, 0x70), 3);
    rig_destroy(&rig);
}

static void registers_want_whole_words(void **state)
{
    struct rig rig;
    uint64_t value;

    begin(&rig, false);
    rig.dev->ops->io[0]->read(rig.dev, 0, 1, &value);
    assert_int_equal(value, 0);
    rig.dev->ops->io[0]->write(rig.dev, 0x70, 1, 1);
    assert_int_equal(reg_read(&rig, 0x70), 0);
    rig_destroy(&rig);
}

static void queues_that_do_not_exist_are_quiet(void **state)
{
    struct rig rig;

    begin(&rig, false);
    driver_begin(&rig, F_VERSION_1);
    reg_write(&rig, 0x30, 5);
    assert_int_equal(reg_read(&rig, 0x34), 0);
    reg_write(&rig, 0x38, 8);
    reg_write(&rig, 0x44, 1);
    assert_int_equal(reg_read(&rig, 0x44), 0);
    driver_ok(&rig);
    reg_write(&rig, 0x50, 5);
    reg_write(&rig, 0x50, 0xffffffff);
    assert_int_equal(reg_read(&rig, 0xb0), 0xffffffff);
    assert_false(needs_reset(&rig));
    rig_destroy(&rig);
}

static void the_legacy_page_frame_number_reads_back_and_0_stops(void **state)
{
    struct rig rig;
    struct ring ring;

    begin(&rig, true);
    driver_begin(&rig, 0);
    assert_int_equal(reg_read(&rig, 0x40), 0);
    driver_queue(&rig, &ring, 0, 8);
    assert_int_equal(reg_read(&rig, 0x40), ring.desc / 4096);
    reg_write(&rig, 0x40, 0);
    assert_int_equal(reg_read(&rig, 0x40), 0);
    rig_destroy(&rig);
}

static void an_edge_input_gets_an_edge_for_what_acknowledgement_leaves(void **state)
{
    struct rig rig;
    struct ring ring;
    unsigned edges;

    begin(&rig, false);
    rig.dev->resources.irq[0].edge = true;
    driver_begin(&rig, F_VERSION_1);
    driver_queue(&rig, &ring, 0, 8);
    driver_ok(&rig);
    set_desc(&rig, ring.desc, 0, BUFFERS, 64, D_WRITE, 0);
    make_available(&rig, &ring, 0);
    notify(&rig, &ring);
    make_available(&rig, &ring, 99); /* breaks it: a configuration interrupt too */
    notify(&rig, &ring);
    assert_int_equal(reg_read(&rig, 0x60), 3);
    edges = rig.edges;
    reg_write(&rig, 0x64, 1);
    assert_true(rig.level);
    assert_int_equal(rig.edges, edges + 1);
    reg_write(&rig, 0x64, 2);
    assert_false(rig.level);
    rig_destroy(&rig);
}

static void the_device_tree_node_follows_the_resources(void **state)
{
    struct rig rig;
    struct fdt_builder fdt;
    void *blob;
    size_t size;
    int node, len;
    const fdt32_t *irq;

    begin(&rig, false);
    rig.dev->resources.irq[0].edge = true;
    dt_init(&fdt);
    assert_int_equal(rig.dev->ops->describe(rig.dev, &fdt), 0);
    assert_int_equal(dt_finish(&fdt, &blob, &size), 0);
    node = fdt_path_offset(blob, "/virtio_mmio@a000000");
    assert_true(node > 0);
    assert_int_equal(fdt_node_check_compatible(blob, node, "virtio,mmio"), 0);
    assert_non_null(fdt_getprop(blob, node, "dma-coherent", NULL));
    irq = fdt_getprop(blob, node, "interrupts", &len);
    assert_int_equal(len, 12);
    assert_int_equal(fdt32_to_cpu(irq[0]), 0);
    assert_int_equal(fdt32_to_cpu(irq[1]), 16);
    assert_int_equal(fdt32_to_cpu(irq[2]), 1);
    free(blob);
    rig_destroy(&rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(identification_registers),
        cmocka_unit_test(an_empty_slot_has_device_id_0),
        cmocka_unit_test(features_come_in_two_words),
        cmocka_unit_test(features_ok_needs_version_1_and_offered_features),
        cmocka_unit_test(a_queue_works_and_interrupts),
        cmocka_unit_test(nothing_happens_before_driver_ok),
        cmocka_unit_test(an_active_queue_cannot_be_moved_or_resized),
        cmocka_unit_test(a_queue_in_no_ram_needs_reset_and_interrupts),
        cmocka_unit_test(a_malformed_ring_needs_reset_and_works_after_it),
        cmocka_unit_test(the_driver_cannot_set_or_clear_the_devices_status_bits),
        cmocka_unit_test(registers_want_whole_words),
        cmocka_unit_test(queues_that_do_not_exist_are_quiet),
        cmocka_unit_test(the_legacy_page_frame_number_reads_back_and_0_stops),
        cmocka_unit_test(an_edge_input_gets_an_edge_for_what_acknowledgement_leaves),
        cmocka_unit_test(the_device_tree_node_follows_the_resources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
