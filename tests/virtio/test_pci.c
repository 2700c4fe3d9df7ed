/* SPDX-License-Identifier: Apache-2.0 */
/* The PCI transport, modern and legacy, behind a host bridge. The entropy device is the guinea pig
 * where no configuration is needed. */
#include "rig.h"

#include <string.h>

#include "backend/chr/chr.h"
#include "base/bits.h"
#include "base/error.h"
#include "host/loop.h"
#include "machine/dev/device.h"
#include "machine/mem/mem.h"
#include "machine/pci/host.h"
#include "machine/pci/pci.h"
#include "machine/virtio/virtio.h"
#include "machine/virtio/virtio_pci.h"

#define ECAM   0x4010000000ull
#define PIO    0x3eff0000ull
#define MSIX   0x10000000ull
#define MODERN 0x8000000000ull
#define FN     (ECAM + (1 << 15))

enum { ISR = 0x1000, DEVICE = 0x2000, NOTIFY = 0x3000, PORT = 0x1000 };
enum { FEATURE_SELECT = 0, FEATURE = 4, ACCEPT_SELECT = 8, ACCEPT = 12, CONFIG_VECTOR = 16 };
enum { STATUS = 20, SELECT = 22, SIZE = 24, VECTOR = 26, ENABLE = 28, NOTIFY_OFF = 30 };
enum { DESC = 32, AVAIL = 40, USED = 48 };

struct fixture {
    struct rig rig;
    struct device *host;
    struct pci_function *pci;
    bool level;
    unsigned messages;
    uint32_t data; /* of the last message */
};

static void set_line(void *ctx, unsigned input, bool level)
{
    ((struct fixture *)ctx)->level = level;
}

static void send(void *ctx, uint32_t device_id, uint64_t address, uint32_t data)
{
    struct fixture *f = ctx;
    f->messages++;
    f->data = data;
}

static uint64_t get(struct fixture *f, uint64_t pa, unsigned size)
{
    uint64_t value = 0;
    assert_int_equal(mem_io_read(f->rig.mem, pa, size, &value), 0);
    return value;
}

static void put(struct fixture *f, uint64_t pa, unsigned size, uint64_t value)
{
    assert_int_equal(mem_io_write(f->rig.mem, pa, size, value), 0);
}

/* A function with its BARs in place and everything enabled. */
static void begin(struct fixture *f, struct virtio *v, bool transitional)
{
    const struct pci_host_config config = {
        .windows = {ECAM, 256 << 20, PIO, 0x10000, MSIX, 0x2eff0000, MODERN, 512ull << 30, 3, 256},
        .msi = {send, f},
    };
    struct error err = {0};
    memset(f, 0, sizeof(*f));
    rig_create(&f->rig);
    f->host = pci_host_create(&config);
    assert_non_null(f->host);
    f->host->irq[1] = (struct irq_line){set_line, f, 0};
    assert_int_equal(device_map(f->host, f->rig.mem, &err), 0);
    f->pci = virtio_pci_create(v, transitional);
    assert_int_equal(pci_host_add(f->host, 1, f->pci, &err), 0);
    put(f, FN + 0x10, 4, PORT);
    put(f, FN + 0x14, 4, MSIX);
    put(f, FN + 0x20, 4, (uint32_t)MODERN);
    put(f, FN + 0x24, 4, MODERN >> 32);
    put(f, FN + 4, 2, 7);
}

static void end(struct fixture *f)
{
    f->host->ops->destroy(f->host);
    f->rig.dev = NULL;
    rig_destroy(&f->rig);
}

static unsigned find_structure(struct fixture *f, unsigned type)
{
    for (unsigned at = (unsigned)get(f, FN + 0x34, 1); at; at = (unsigned)get(f, FN + at + 1, 1))
        if (get(f, FN + at, 1) == 9 && get(f, FN + at + 3, 1) == type)
            return at;
    return 0;
}

static void enable_msix(struct fixture *f)
{
    unsigned at = (unsigned)get(f, FN + 0x34, 1);
    while (at && get(f, FN + at, 1) != 0x11)
        at = (unsigned)get(f, FN + at + 1, 1);
    assert_true(at);
    for (unsigned i = 0; i < 2; i++) {
        put(f, MSIX + 16 * i, 8, 0x08020040);
        put(f, MSIX + 16 * i + 8, 8, 80 + i);
    }
    put(f, FN + at + 2, 2, 0x8000);
}

static void negotiate(struct fixture *f)
{
    put(f, MODERN + STATUS, 1, 0);
    put(f, MODERN + STATUS, 1, 1);
    put(f, MODERN + STATUS, 1, 3);
    put(f, MODERN + ACCEPT_SELECT, 4, 1);
    put(f, MODERN + ACCEPT, 4, 1);
    put(f, MODERN + STATUS, 1, 11);
    assert_int_equal(get(f, MODERN + STATUS, 1), 11);
}

static void place_queue(struct fixture *f, struct ring *ring)
{
    uint64_t base = RAM_BASE + 0x10000;
    memset(guest(&f->rig, base, 0x10000), 0, 0x10000);
    *ring = (struct ring){.size = 8, .desc = base, .avail = base + 128, .used = base + 4096};
    put(f, MODERN + SELECT, 2, 0);
    put(f, MODERN + SIZE, 2, 8);
    put(f, MODERN + DESC, 4, (uint32_t)ring->desc);
    put(f, MODERN + DESC + 4, 4, ring->desc >> 32);
    put(f, MODERN + AVAIL, 8, ring->avail);
    put(f, MODERN + USED, 8, ring->used);
    put(f, MODERN + ENABLE, 2, 1);
    assert_int_equal(get(f, MODERN + ENABLE, 2), 1);
    set_desc(&f->rig, ring->desc, 0, BUFFERS, 64, D_WRITE, 0);
}

static void drive(struct fixture *f, struct ring *ring)
{
    negotiate(f);
    place_queue(f, ring);
    put(f, MODERN + STATUS, 1, 15);
}

static void request(struct fixture *f, struct ring *ring)
{
    make_available(&f->rig, ring, 0);
    put(f, MODERN + NOTIFY, 2, 0);
}

/* --- the modern interface --------------------------------------------------------------------*/

static void identity_of_modern_and_transitional_devices(void **state)
{
    struct fixture f;
    begin(&f, virtio_rng_create(false), false);
    assert_int_equal(get(&f, FN, 4), 0x10441af4);
    assert_int_equal(get(&f, FN + 8, 1), 1);
    assert_int_equal(get(&f, FN + 0x10, 4), 0);
    end(&f);
    begin(&f, virtio_rng_create(false), true);
    assert_int_equal(get(&f, FN, 4), 0x10051af4);
    assert_int_equal(get(&f, FN + 8, 1), 0);
    assert_int_equal(get(&f, FN + 0x2c, 4), 0x00041af4);
    assert_int_equal(get(&f, FN + 0x10, 4), PORT | 1);
    end(&f);
}

static void capabilities_tell_where_the_structures_are(void **state)
{
    static const uint32_t places[][3] = {{1, 0, 56}, {2, NOTIFY, 4}, {3, ISR, 1}};
    struct fixture f;
    begin(&f, virtio_rng_create(false), false);
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        unsigned at = find_structure(&f, places[i][0]);
        assert_true(at);
        assert_int_equal(get(&f, FN + at + 4, 1), 4);
        assert_int_equal(get(&f, FN + at + 8, 4), places[i][1]);
        assert_int_equal(get(&f, FN + at + 12, 4), places[i][2]);
    }
    assert_int_equal(get(&f, FN + find_structure(&f, 2) + 16, 4), 4); /* the multiplier */
    assert_int_equal(find_structure(&f, 4), 0);                       /* it has no configuration */
    assert_true(find_structure(&f, 5));
    end(&f);
}

static void a_queue_works_with_intx(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), false);
    drive(&f, &ring);
    request(&f, &ring);
    assert_int_equal(wait_used(&f.rig, &ring).len, 64);
    assert_true(f.level);
    assert_int_equal(get(&f, MODERN + ISR, 1), 1);
    assert_false(f.level);
    assert_int_equal(get(&f, MODERN + ISR, 1), 0);
    assert_int_equal(f.messages, 0);
    end(&f);
}

static void a_queue_works_with_msix(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), false);
    enable_msix(&f);
    negotiate(&f);
    put(&f, MODERN + VECTOR, 2, 1);
    assert_int_equal(get(&f, MODERN + VECTOR, 2), 1);
    place_queue(&f, &ring);
    put(&f, MODERN + STATUS, 1, 15);
    request(&f, &ring);
    assert_int_equal(f.messages, 1);
    assert_int_equal(f.data, 81);
    assert_false(f.level);
    put(&f, MODERN + VECTOR, 2, 0xffff);
    request(&f, &ring);
    assert_int_equal(f.messages, 1);
    end(&f);
}

static void a_vector_that_does_not_exist_reads_back_as_none(void **state)
{
    struct fixture f;
    begin(&f, virtio_rng_create(false), false);
    assert_int_equal(get(&f, MODERN + CONFIG_VECTOR, 2), 0xffff);
    put(&f, MODERN + CONFIG_VECTOR, 2, 2);
    assert_int_equal(get(&f, MODERN + CONFIG_VECTOR, 2), 0xffff);
    put(&f, MODERN + CONFIG_VECTOR, 2, 1);
    assert_int_equal(get(&f, MODERN + CONFIG_VECTOR, 2), 1);
    put(&f, MODERN + STATUS, 1, 0);
    assert_int_equal(get(&f, MODERN + CONFIG_VECTOR, 2), 0xffff);
    end(&f);
}

static void a_broken_queue_raises_the_configuration_vector(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), false);
    enable_msix(&f);
    negotiate(&f);
    put(&f, MODERN + CONFIG_VECTOR, 2, 0);
    place_queue(&f, &ring);
    put(&f, MODERN + STATUS, 1, 15);
    make_available(&f.rig, &ring, 99);
    put(&f, MODERN + NOTIFY, 2, 0);
    assert_int_equal(f.messages, 1);
    assert_int_equal(f.data, 80);
    assert_true(get(&f, MODERN + STATUS, 1) & 64);
    end(&f);
}

static void without_bus_mastering_no_memory_is_touched(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), false);
    drive(&f, &ring);
    put(&f, FN + 4, 2, PCI_COMMAND_MEMORY);
    request(&f, &ring);
    assert_false(has_used(&f.rig, &ring));
    put(&f, FN + 4, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_true(has_used(&f.rig, &ring)); /* it goes on by itself */
    end(&f);
}

static void fields_are_accessed_as_they_are_wide(void **state)
{
    struct fixture f;
    begin(&f, virtio_rng_create(false), false);
    put(&f, MODERN + STATUS, 4, 1);
    assert_int_equal(get(&f, MODERN + STATUS, 1), 0);
    assert_int_equal(get(&f, MODERN + SIZE, 2), 64);
    assert_int_equal(get(&f, MODERN + SIZE, 4), 0);
    assert_int_equal(get(&f, MODERN + SIZE, 1), 0);
    put(&f, MODERN + DESC, 8, 0x1122334455667788);
    assert_int_equal(get(&f, MODERN + DESC + 4, 4), 0x11223344);
    put(&f, MODERN + DESC + 4, 4, 0);
    assert_int_equal(get(&f, MODERN + DESC, 8), 0x55667788);
    put(&f, MODERN + DESC, 2, 0);
    assert_int_equal(get(&f, MODERN + DESC, 8), 0x55667788);
    assert_int_equal(get(&f, MODERN + 56, 8), 0);
    end(&f);
}

static void an_enabled_queue_cannot_be_moved_or_resized(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), false);
    drive(&f, &ring);
    put(&f, MODERN + SIZE, 2, 4);
    put(&f, MODERN + DESC, 8, 0x40);
    put(&f, MODERN + ENABLE, 2, 0);
    assert_int_equal(get(&f, MODERN + SIZE, 2), 8);
    assert_int_equal(get(&f, MODERN + DESC, 8), ring.desc);
    assert_int_equal(get(&f, MODERN + ENABLE, 2), 1);
    end(&f);
}

static void queues_that_do_not_exist_are_quiet(void **state)
{
    struct fixture f;
    begin(&f, virtio_rng_create(false), false);
    put(&f, MODERN + SELECT, 2, 1);
    assert_int_equal(get(&f, MODERN + SIZE, 2), 0);
    assert_int_equal(get(&f, MODERN + VECTOR, 2), 0xffff);
    put(&f, MODERN + VECTOR, 2, 0);
    put(&f, MODERN + ENABLE, 2, 1);
    put(&f, MODERN + SELECT, 2, 0xffff);
    put(&f, MODERN + SIZE, 2, 8);
    for (unsigned at = NOTIFY; at < NOTIFY + 0x1000; at += 4)
        put(&f, MODERN + at, 4, at);
    assert_int_equal(get(&f, MODERN + STATUS, 1), 0);
    end(&f);
}

static void the_device_configuration_is_in_the_bar(void **state)
{
    struct loop *loop;
    struct chr *chr;
    struct error err = {0};
    struct fixture f;
    assert_int_equal(loop_create(&loop, &err), 0);
    assert_int_equal(chr_create(loop, "none", &chr, &err), 0);
    begin(&f, virtio_console_create(chr, false), true);
    assert_int_equal(get(&f, FN + find_structure(&f, 4) + 8, 4), DEVICE);
    assert_int_equal(get(&f, FN + find_structure(&f, 4) + 12, 4), 12);
    assert_int_equal(get(&f, MODERN + DEVICE + 4, 4), 1); /* one port */
    assert_int_equal(get(&f, PIO + PORT + 24, 4), 1);
    enable_msix(&f);
    assert_int_equal(get(&f, PIO + PORT + 28, 4), 1);
    put(&f, MODERN + DEVICE + 4, 4, 2);
    put(&f, MODERN + DEVICE + 12, 4, 2);
    assert_int_equal(get(&f, MODERN + DEVICE + 4, 4), 1);
    assert_int_equal(get(&f, MODERN + DEVICE + 12, 4), 0);
    end(&f);
    chr_destroy(chr);
    loop_destroy(loop);
}

static void machine_reset_stops_everything(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), false);
    drive(&f, &ring);
    request(&f, &ring);
    f.host->ops->reset(f.host);
    assert_false(f.level);
    put(&f, FN + 0x20, 4, (uint32_t)MODERN);
    put(&f, FN + 0x24, 4, MODERN >> 32);
    put(&f, FN + 4, 2, 7);
    assert_int_equal(get(&f, MODERN + STATUS, 1), 0);
    assert_int_equal(get(&f, MODERN + ENABLE, 2), 0);
    drive(&f, &ring);
    request(&f, &ring);
    assert_int_equal(wait_used(&f.rig, &ring).len, 64);
    end(&f);
}

/* --- access through configuration space ------------------------------------------------------*/

static void point_window(struct fixture *f, unsigned bar, uint32_t offset, uint32_t length)
{
    unsigned at = find_structure(f, 5);
    put(f, FN + at + 4, 1, bar);
    put(f, FN + at + 8, 4, offset);
    put(f, FN + at + 12, 4, length);
}

static void the_window_in_configuration_space_reaches_registers(void **state)
{
    struct fixture f;
    begin(&f, virtio_rng_create(false), false);
    uint64_t data = FN + find_structure(&f, 5) + 16;
    point_window(&f, 4, STATUS, 1);
    put(&f, data, 1, 1);
    assert_int_equal(get(&f, data, 1), 1);
    assert_int_equal(get(&f, MODERN + STATUS, 1), 1);
    point_window(&f, 4, SIZE, 2);
    assert_int_equal(get(&f, data, 4), 64);
    put(&f, data, 2, 16);
    assert_int_equal(get(&f, MODERN + SIZE, 2), 16);
    end(&f);
}

static void a_window_that_points_nowhere_does_nothing(void **state)
{
    static const uint32_t bad[][3] = {{4, 0x4000, 4}, {4, ~3u, 4}, {4, 2, 4},  {4, 0, 3},
                                      {4, 0, 8},      {4, 0, 0},   {1, 0, 4},  {0, 0, 4},
                                      {255, 0, 4},    {6, 0, 4},   {4, 0, ~0u}};
    struct fixture f;
    begin(&f, virtio_rng_create(false), true);
    uint64_t data = FN + find_structure(&f, 5) + 16;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        point_window(&f, bad[i][0], bad[i][1], bad[i][2]);
        put(&f, data, 4, 0x12345678);
        assert_int_equal(get(&f, data, 4), 0x12345678);
    }
    assert_int_equal(get(&f, MODERN + FEATURE_SELECT, 4), 0);
    end(&f);
}

/* --- the legacy interface --------------------------------------------------------------------*/

enum { L_FEATURES = 0, L_ACCEPT = 4, L_PFN = 8, L_SIZE = 12, L_SELECT = 14, L_NOTIFY = 16 };
enum { L_STATUS = 18, L_ISR = 19, L_CONFIG_VECTOR = 20, L_QUEUE_VECTOR = 22 };

static void drive_legacy(struct fixture *f, struct ring *ring)
{
    uint64_t base = RAM_BASE + 0x10000, io = PIO + PORT;
    memset(guest(&f->rig, base, 0x10000), 0, 0x10000);
    *ring = (struct ring){.size = 64, .desc = base, .avail = base + 16 * 64, .used = base + 4096};
    put(f, io + L_STATUS, 1, 0);
    put(f, io + L_STATUS, 1, 1);
    put(f, io + L_STATUS, 1, 3);
    put(f, io + L_ACCEPT, 4, 0);
    put(f, io + L_SELECT, 2, 0);
    assert_int_equal(get(f, io + L_SIZE, 2), 64);
    assert_int_equal(get(f, io + L_PFN, 4), 0);
    put(f, io + L_PFN, 4, base / 4096);
    assert_int_equal(get(f, io + L_PFN, 4), base / 4096);
    put(f, io + L_STATUS, 1, 7);
    set_desc(&f->rig, ring->desc, 0, BUFFERS, 64, D_WRITE, 0);
}

static void a_legacy_queue_works(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), true);
    drive_legacy(&f, &ring);
    make_available(&f.rig, &ring, 0);
    put(&f, PIO + PORT + L_NOTIFY, 2, 0);
    assert_int_equal(wait_used(&f.rig, &ring).len, 64);
    assert_true(f.level);
    assert_int_equal(get(&f, PIO + PORT + L_ISR, 1), 1);
    assert_false(f.level);
    put(&f, PIO + PORT + L_PFN, 4, 0);
    assert_int_equal(get(&f, PIO + PORT + L_PFN, 4), 0);
    end(&f);
}

static void legacy_vectors_exist_while_msix_is_enabled(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), true);
    put(&f, PIO + PORT + L_CONFIG_VECTOR, 2, 0);
    enable_msix(&f);
    drive_legacy(&f, &ring);
    assert_int_equal(get(&f, PIO + PORT + L_CONFIG_VECTOR, 2), 0xffff);
    put(&f, PIO + PORT + L_QUEUE_VECTOR, 2, 1);
    assert_int_equal(get(&f, PIO + PORT + L_QUEUE_VECTOR, 2), 1);
    make_available(&f.rig, &ring, 0);
    put(&f, PIO + PORT + L_NOTIFY, 2, 0);
    assert_int_equal(f.messages, 1);
    assert_int_equal(f.data, 81);
    end(&f);
}

static void each_interface_offers_its_own_features(void **state)
{
    struct fixture f;
    begin(&f, virtio_rng_create(false), true);
    assert_int_equal(get(&f, PIO + PORT + L_FEATURES, 4) & 1 << 27, 1 << 27);
    put(&f, MODERN + FEATURE_SELECT, 4, 1);
    assert_int_equal(get(&f, MODERN + FEATURE, 4), 1);
    put(&f, MODERN + FEATURE_SELECT, 4, 0);
    assert_int_equal(get(&f, MODERN + FEATURE, 4) & 1 << 27, 0);
    end(&f);
}

static void one_interface_is_closed_while_the_other_is_in_use(void **state)
{
    struct fixture f;
    struct ring ring;
    begin(&f, virtio_rng_create(false), true);
    drive_legacy(&f, &ring);
    put(&f, MODERN + SELECT, 2, 5);
    assert_int_equal(get(&f, MODERN + SELECT, 2), 0);
    put(&f, MODERN + STATUS, 1, 0);
    drive(&f, &ring);
    put(&f, PIO + PORT + L_PFN, 4, 0);
    assert_int_equal(get(&f, MODERN + ENABLE, 2), 1);
    request(&f, &ring);
    assert_int_equal(wait_used(&f.rig, &ring).len, 64);
    put(&f, PIO + PORT + L_STATUS, 1, 0);
    assert_int_equal(get(&f, MODERN + ENABLE, 2), 0);
    end(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_of_modern_and_transitional_devices),
        cmocka_unit_test(capabilities_tell_where_the_structures_are),
        cmocka_unit_test(a_queue_works_with_intx),
        cmocka_unit_test(a_queue_works_with_msix),
        cmocka_unit_test(a_vector_that_does_not_exist_reads_back_as_none),
        cmocka_unit_test(a_broken_queue_raises_the_configuration_vector),
        cmocka_unit_test(without_bus_mastering_no_memory_is_touched),
        cmocka_unit_test(fields_are_accessed_as_they_are_wide),
        cmocka_unit_test(an_enabled_queue_cannot_be_moved_or_resized),
        cmocka_unit_test(queues_that_do_not_exist_are_quiet),
        cmocka_unit_test(the_device_configuration_is_in_the_bar),
        cmocka_unit_test(machine_reset_stops_everything),
        cmocka_unit_test(the_window_in_configuration_space_reaches_registers),
        cmocka_unit_test(a_window_that_points_nowhere_does_nothing),
        cmocka_unit_test(a_legacy_queue_works),
        cmocka_unit_test(legacy_vectors_exist_while_msix_is_enabled),
        cmocka_unit_test(each_interface_offers_its_own_features),
        cmocka_unit_test(one_interface_is_closed_while_the_other_is_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
