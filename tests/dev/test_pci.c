/* SPDX-License-Identifier: Apache-2.0 */
/* The host bridge with functions that only note what they are asked. */
#include "devtest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bits.h"
#include "machine/pci/host.h"
#include "machine/pci/pci.h"

#define ECAM   0x4010000000ull
#define PIO    0x3eff0000ull
#define MMIO32 0x10000000ull
#define MMIO64 0x8000000000ull

enum { VECTORS = 3, MSIX_BAR = 3, BAR_BYTES = 0x1000, IO_BYTES = 0x20 };

struct toy {
    struct pci_function pci;
    uint64_t last_write, last_offset;
    unsigned writes;
    bool master;
};

struct message {
    uint32_t device;
    uint64_t address;
    uint32_t data;
};

struct rig {
    struct mem *mem;
    struct device *host;
    struct line line[4];
    struct toy *toy[32];
    struct message message[16];
    unsigned messages;
};

/* --- the toy: BAR 0 memory, BAR 1 64-bit memory, BAR 3 MSI-X, BAR 4 I/O ----------------------*/

static uint64_t toy_read(struct pci_function *f, uint64_t offset, unsigned size)
{
    return ((uint64_t)f->devfn << 16 | offset) & ones(8 * size);
}

static void toy_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value)
{
    struct toy *toy = (struct toy *)f;
    toy->last_offset = offset;
    toy->last_write = value;
    toy->writes++;
}

static void toy_mastering(struct pci_function *f, bool on)
{
    ((struct toy *)f)->master = on;
}

static void toy_destroy(struct pci_function *f)
{
    pci_fini(f);
    free(f);
}

static const struct pci_bar_ops toy_bar = {toy_read, toy_write};
static const struct pci_function_ops toy_ops = {
    .name = "toy", .destroy = toy_destroy, .mastering = toy_mastering};

static void add_toy(struct rig *rig, unsigned device)
{
    static const struct pci_ids ids = {.vendor = 0x1234, .device = 0x5678, .class_code = 0xff0000};
    struct toy *toy = calloc(1, sizeof(*toy));
    struct error err = {0};
    assert_non_null(toy);
    pci_init(&toy->pci, &toy_ops, &ids);
    pci_add_intx(&toy->pci);
    pci_add_bar(&toy->pci, 0, 0, BAR_BYTES, &toy_bar);
    pci_add_bar(&toy->pci, 1, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, 1ull << 32, &toy_bar);
    pci_add_bar(&toy->pci, 4, PCI_BAR_IO, IO_BYTES, &toy_bar);
    pci_add_msix(&toy->pci, MSIX_BAR, VECTORS);
    pci_add_express(&toy->pci);
    rig->toy[device] = toy;
    assert_int_equal(pci_host_add(rig->host, device, &toy->pci, &err), 0);
}

static void send(void *ctx, uint32_t device_id, uint64_t address, uint32_t data)
{
    struct rig *rig = ctx;
    assert_true(rig->messages < ARRAY_SIZE(rig->message));
    rig->message[rig->messages++] = (struct message){device_id, address, data};
}

static void begin(struct rig *rig, bool messages)
{
    struct pci_host_config config = {
        .windows = {ECAM, 256 << 20, PIO, 0x10000, MMIO32, 0x2eff0000, MMIO64, 512ull << 30, 3,
                    256},
    };
    struct error err = {0};
    *rig = (struct rig){.mem = new_mem()};
    if (messages)
        config.msi = (struct msi_sink){send, rig};
    rig->host = pci_host_create(&config);
    assert_non_null(rig->host);
    for (unsigned i = 0; i < 4; i++)
        rig->host->irq[i] = line_to(&rig->line[i]);
    assert_int_equal(device_map(rig->host, rig->mem, &err), 0);
}

static void end(struct rig *rig)
{
    rig->host->ops->destroy(rig->host);
    mem_destroy(rig->mem);
}

static uint64_t config(unsigned device, unsigned offset)
{
    return ECAM + ((uint64_t)device << 15) + offset;
}

/* Gives BAR 0 an address and enables everything. */
static void enable(struct rig *rig, unsigned device, uint32_t bar0)
{
    wr32(rig->mem, config(device, 0x10), bar0);
    wr(rig->mem, config(device, 4), 2, 7);
}

static unsigned find_capability(struct rig *rig, unsigned device, uint8_t id)
{
    unsigned at = (unsigned)rd(rig->mem, config(device, 0x34), 1), steps = 0;
    while (at) {
        assert_true(at >= 0x40 && at % 4 == 0 && steps++ < 48);
        if (rd(rig->mem, config(device, at), 1) == id)
            return at;
        at = (unsigned)rd(rig->mem, config(device, at + 1), 1);
    }
    return 0;
}

/* --- configuration space ---------------------------------------------------------------------*/

static void an_absent_function_reads_all_ones(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    assert_int_equal(rd32(rig.mem, config(2, 0)), ~0u);
    assert_int_equal(rd(rig.mem, config(1, 0) + (1 << 12), 2), 0xffff);
    assert_int_equal(rd(rig.mem, config(0, 0) + (1 << 20), 4), ~0u);
    assert_int_equal(rd(rig.mem, config(0, 0) + (255 << 20), 1), 0xff);
    wr32(rig.mem, config(2, 4), ~0u);
    assert_int_equal(rd32(rig.mem, config(2, 4)), ~0u);
    end(&rig);
}

static void the_bridge_itself_is_device_0(void **state)
{
    struct rig rig;
    begin(&rig, false);
    assert_int_equal(rd32(rig.mem, config(0, 0)), 0x00081b36);
    assert_int_equal(rd32(rig.mem, config(0, 8)), 0x06000000);
    wr32(rig.mem, config(0, 0x10), ~0u);
    assert_int_equal(rd32(rig.mem, config(0, 0x10)), 0);
    end(&rig);
}

static void identity_cannot_be_written(void **state)
{
    static const unsigned fixed[] = {0, 8, 0xc, 0x28, 0x2c, 0x30, 0x34, 0x38};
    struct rig rig;
    begin(&rig, true);
    add_toy(&rig, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++) {
        uint32_t before = rd32(rig.mem, config(1, fixed[i]));
        wr32(rig.mem, config(1, fixed[i]), ~before);
        assert_int_equal(rd32(rig.mem, config(1, fixed[i])), before);
    }
    wr(rig.mem, config(1, 0x3c), 1, 0x2a);
    assert_int_equal(rd(rig.mem, config(1, 0x3c), 2), 0x012a);
    end(&rig);
}

static void accesses_are_1_to_4_bytes_wide(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    assert_int_equal(rd(rig.mem, config(1, 0), 8), ~0ull);
    wr(rig.mem, config(1, 0x10), 8, 0x1000000010000000);
    assert_int_equal(rd32(rig.mem, config(1, 0x10)), 0);
    assert_int_equal(rd(rig.mem, config(1, 1), 1), 0x12);
    assert_int_equal(rd(rig.mem, config(1, 2), 2), 0x5678);
    wr(rig.mem, config(1, 0x11), 1, 0xff);
    assert_int_equal(rd32(rig.mem, config(1, 0x10)), 0xf000);
    end(&rig);
}

static void the_extended_space_is_empty(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    wr32(rig.mem, config(1, 0x100), ~0u);
    assert_int_equal(rd32(rig.mem, config(1, 0x100)), 0);
    assert_int_equal(rd32(rig.mem, config(1, 0xffc)), 0);
    end(&rig);
}

static void capabilities_make_a_list(void **state)
{
    struct rig rig;
    unsigned express;
    begin(&rig, true);
    add_toy(&rig, 1);
    assert_true(rd(rig.mem, config(1, 6), 2) & 0x10);
    express = find_capability(&rig, 1, 0x10);
    assert_true(express);
    assert_int_equal(rd(rig.mem, config(1, express + 2), 2), 0x92); /* integrated endpoint */
    assert_true(find_capability(&rig, 1, 0x11));
    assert_false(find_capability(&rig, 1, 0x05));
    end(&rig);
}

static void capabilities_that_do_not_fit_are_refused(void **state)
{
    struct pci_function f = {0};
    static const struct pci_ids ids = {.vendor = 1};
    pci_init(&f, &toy_ops, &ids);
    assert_int_equal(pci_add_capability(&f, 9, 100), 0x40);
    assert_int_equal(pci_add_capability(&f, 9, 100), 0);
    assert_int_equal(pci_add_capability(&f, 9, 92), 0xa4);
    assert_int_equal(pci_add_capability(&f, 9, 4), 0);
    pci_fini(&f);
}

/* --- BARs ------------------------------------------------------------------------------------*/

static void a_bar_tells_its_size(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    for (unsigned at = 0x10; at < 0x28; at += 4)
        wr32(rig.mem, config(1, at), ~0u);
    assert_int_equal(rd32(rig.mem, config(1, 0x10)), ~(uint32_t)(BAR_BYTES - 1));
    assert_int_equal(rd32(rig.mem, config(1, 0x14)), 0xc);
    assert_int_equal(rd32(rig.mem, config(1, 0x18)), ~0u);
    assert_int_equal(rd32(rig.mem, config(1, 0x1c)), 0); /* MSI-X needs a sink */
    assert_int_equal(rd32(rig.mem, config(1, 0x20)), ~(uint32_t)(IO_BYTES - 1) | 1);
    assert_int_equal(rd32(rig.mem, config(1, 0x24)), 0);
    end(&rig);
}

static void a_bar_answers_while_its_space_is_enabled(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    wr32(rig.mem, config(1, 0x10), 0x10002000);
    wr32(rig.mem, config(1, 0x20), 0x1000);
    assert_int_equal(rd32(rig.mem, 0x10002010), ~0u);
    wr(rig.mem, config(1, 4), 2, PCI_COMMAND_MEMORY);
    assert_int_equal(rd32(rig.mem, 0x10002010), 0x080010);
    assert_int_equal(rd(rig.mem, 0x10002ff8, 8), 0x080ff8);
    assert_int_equal(rd32(rig.mem, 0x10001ffc), ~0u);
    assert_int_equal(rd32(rig.mem, 0x10003000), ~0u);
    assert_int_equal(rd32(rig.mem, PIO + 0x1004), ~0u);
    wr(rig.mem, config(1, 4), 2, PCI_COMMAND_IO);
    assert_int_equal(rd32(rig.mem, 0x10002010), ~0u);
    assert_int_equal(rd32(rig.mem, PIO + 0x1004), 0x080004);
    end(&rig);
}

static void a_moved_bar_is_found_at_its_new_place_only(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    enable(&rig, 1, 0x10000000);
    wr32(rig.mem, 0x10000004, 0x55);
    assert_int_equal(rig.toy[1]->writes, 1);
    assert_int_equal(rig.toy[1]->last_offset, 4);
    wr32(rig.mem, config(1, 0x10), 0x3efef000);
    wr32(rig.mem, 0x10000004, 0x66);
    assert_int_equal(rig.toy[1]->writes, 1);
    wr32(rig.mem, 0x3efefffc, 0x77);
    assert_int_equal(rig.toy[1]->last_offset, 0xffc);
    assert_int_equal(rig.toy[1]->last_write, 0x77);
    end(&rig);
}

static void a_64_bit_bar_reaches_the_high_window(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    wr32(rig.mem, config(1, 0x14), 0xdead0000);
    wr32(rig.mem, config(1, 0x18), 0x81);
    enable(&rig, 1, 0x10000000);
    assert_int_equal(rd(rig.mem, 0x81fffffff0, 8), 0x800000 | 0xfffffff0);
    assert_int_equal(rd(rig.mem, 0x80fffffff0, 8), ~0ull);
    assert_int_equal(rd(rig.mem, 0x8200000000, 8), ~0ull);
    end(&rig);
}

static void of_overlapping_bars_the_lower_function_wins(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 2);
    add_toy(&rig, 1);
    enable(&rig, 2, 0x10000000);
    assert_int_equal(rd32(rig.mem, 0x10000000), 2 << 19);
    enable(&rig, 1, 0x10000000);
    assert_int_equal(rd32(rig.mem, 0x10000000), 1 << 19);
    wr(rig.mem, config(1, 4), 2, 0);
    assert_int_equal(rd32(rig.mem, 0x10000000), 2 << 19);
    end(&rig);
}

static void bars_at_the_end_of_the_address_space_do_no_harm(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    for (unsigned at = 0x10; at < 0x28; at += 4)
        wr32(rig.mem, config(1, at), ~0u);
    wr(rig.mem, config(1, 4), 2, 7);
    assert_int_equal(rd32(rig.mem, MMIO32), ~0u);
    assert_int_equal(rd(rig.mem, PIO + 0xfff8, 8), ~0ull);
    assert_int_equal(rd(rig.mem, MMIO64 + (512ull << 30) - 8, 8), ~0ull);
    end(&rig);
}

/* --- INTx ------------------------------------------------------------------------------------*/

static void pins_are_spread_over_the_lines(void **state)
{
    struct rig rig;
    begin(&rig, false);
    for (unsigned device = 1; device <= 4; device++) {
        add_toy(&rig, device);
        pci_set_intx(&rig.toy[device]->pci, true);
        assert_true(rig.line[device % 4].level);
        pci_set_intx(&rig.toy[device]->pci, false);
        assert_false(rig.line[device % 4].level);
    }
    end(&rig);
}

static void a_shared_line_is_up_until_the_last_device_is_served(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    add_toy(&rig, 5);
    pci_set_intx(&rig.toy[1]->pci, true);
    pci_set_intx(&rig.toy[5]->pci, true);
    pci_set_intx(&rig.toy[5]->pci, true);
    pci_set_intx(&rig.toy[1]->pci, false);
    assert_true(rig.line[1].level);
    pci_set_intx(&rig.toy[5]->pci, false);
    assert_false(rig.line[1].level);
    assert_int_equal(rig.line[1].changes, 2);
    end(&rig);
}

static void intx_disable_holds_the_line_down_and_status_tells(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    pci_set_intx(&rig.toy[1]->pci, true);
    assert_true(rd(rig.mem, config(1, 6), 2) & 8);
    wr(rig.mem, config(1, 4), 2, PCI_COMMAND_INTX_DISABLE);
    assert_false(rig.line[1].level);
    assert_true(rd32(rig.mem, config(1, 4)) & 8 << 16);
    wr(rig.mem, config(1, 4), 2, 0);
    assert_true(rig.line[1].level);
    pci_set_intx(&rig.toy[1]->pci, false);
    assert_false(rd(rig.mem, config(1, 6), 1) & 8);
    end(&rig);
}

/* --- MSI-X -----------------------------------------------------------------------------------*/

enum { TABLE = 0x10010000, ENABLE = 0x8000, MASK = 0x4000 };

static unsigned set_up_msix(struct rig *rig)
{
    begin(rig, true);
    add_toy(rig, 1);
    wr32(rig->mem, config(1, 0x10 + 4 * MSIX_BAR), TABLE);
    enable(rig, 1, 0x10000000);
    unsigned cap = find_capability(rig, 1, 0x11);
    for (unsigned i = 0; i < VECTORS; i++) {
        assert_int_equal(rd32(rig->mem, TABLE + 16 * i + 12), 1); /* masked */
        wr(rig->mem, TABLE + 16 * i, 8, 0x500000040 + 0x100 * i);
        wr(rig->mem, TABLE + 16 * i + 8, 8, 80 + i);
    }
    wr(rig->mem, config(1, cap + 2), 2, ENABLE);
    return cap;
}

static void a_vector_sends_its_message(void **state)
{
    struct rig rig;
    unsigned cap = set_up_msix(&rig);
    assert_int_equal(rd(rig.mem, config(1, cap + 2), 2), ENABLE | (VECTORS - 1));
    assert_int_equal(rd32(rig.mem, config(1, cap + 4)), MSIX_BAR);
    assert_int_equal(rd32(rig.mem, config(1, cap + 8)), 0x800 | MSIX_BAR);
    pci_msix_notify(&rig.toy[1]->pci, 2);
    assert_int_equal(rig.messages, 1);
    assert_int_equal(rig.message[0].device, 1 << 3);
    assert_int_equal(rig.message[0].address, 0x500000240);
    assert_int_equal(rig.message[0].data, 82);
    pci_msix_notify(&rig.toy[1]->pci, VECTORS);
    pci_msix_notify(&rig.toy[1]->pci, 0xffff);
    assert_int_equal(rig.messages, 1);
    end(&rig);
}

static void a_masked_vector_waits_in_the_pending_bits(void **state)
{
    struct rig rig;
    set_up_msix(&rig);
    wr32(rig.mem, TABLE + 16 + 12, 1);
    pci_msix_notify(&rig.toy[1]->pci, 1);
    pci_msix_notify(&rig.toy[1]->pci, 1);
    assert_int_equal(rig.messages, 0);
    assert_int_equal(rd(rig.mem, TABLE + 0x800, 8), 2);
    assert_int_equal(rd32(rig.mem, TABLE + 0x804), 0);
    wr(rig.mem, TABLE + 0x800, 8, 0);
    wr32(rig.mem, TABLE + 16 + 12, 0);
    assert_int_equal(rig.messages, 1);
    assert_int_equal(rd(rig.mem, TABLE + 0x800, 8), 0);
    end(&rig);
}

static void the_function_mask_holds_all_vectors(void **state)
{
    struct rig rig;
    unsigned cap = set_up_msix(&rig);
    wr(rig.mem, config(1, cap + 2), 2, ENABLE | MASK);
    pci_msix_notify(&rig.toy[1]->pci, 0);
    pci_msix_notify(&rig.toy[1]->pci, 2);
    assert_int_equal(rig.messages, 0);
    wr(rig.mem, config(1, cap + 2), 2, ENABLE);
    assert_int_equal(rig.messages, 2);
    end(&rig);
}

static void messages_need_bus_mastering(void **state)
{
    struct rig rig;
    set_up_msix(&rig);
    assert_true(rig.toy[1]->master);
    wr(rig.mem, config(1, 4), 2, PCI_COMMAND_MEMORY);
    assert_false(rig.toy[1]->master);
    pci_msix_notify(&rig.toy[1]->pci, 0);
    assert_int_equal(rig.messages, 0);
    wr(rig.mem, config(1, 4), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_int_equal(rig.messages, 1);
    end(&rig);
}

static void intx_is_off_while_msix_is_enabled(void **state)
{
    struct rig rig;
    unsigned cap = set_up_msix(&rig);
    pci_set_intx(&rig.toy[1]->pci, true);
    assert_false(rig.line[1].level);
    wr(rig.mem, config(1, cap + 2), 2, 0);
    assert_true(rig.line[1].level);
    pci_msix_notify(&rig.toy[1]->pci, 0);
    assert_int_equal(rig.messages, 0);
    wr(rig.mem, config(1, cap + 2), 2, ENABLE);
    assert_false(rig.line[1].level);
    end(&rig);
}

static void the_table_takes_words_and_double_words_only(void **state)
{
    struct rig rig;
    set_up_msix(&rig);
    wr(rig.mem, TABLE, 1, 0xff);
    wr(rig.mem, TABLE + 8, 2, 0xffff);
    assert_int_equal(rd(rig.mem, TABLE, 8), 0x500000040);
    assert_int_equal(rd32(rig.mem, TABLE + 8), 80);
    wr32(rig.mem, TABLE, 0x43);
    assert_int_equal(rd32(rig.mem, TABLE), 0x40);
    wr32(rig.mem, TABLE + 16 * VECTORS, 0x43); /* no such entry */
    assert_int_equal(rd32(rig.mem, TABLE + 16 * VECTORS), 0);
    wr32(rig.mem, TABLE + 0xffc, 1);
    assert_int_equal(rd32(rig.mem, TABLE + 0xffc), 0);
    end(&rig);
}

static void without_a_sink_there_is_no_msix(void **state)
{
    struct rig rig;
    begin(&rig, false);
    add_toy(&rig, 1);
    assert_false(find_capability(&rig, 1, 0x11));
    assert_true(find_capability(&rig, 1, 0x10));
    end(&rig);
}

static void reset_brings_everything_back(void **state)
{
    struct rig rig;
    unsigned cap = set_up_msix(&rig);
    pci_set_intx(&rig.toy[1]->pci, true);
    rig.host->ops->reset(rig.host);
    assert_false(rig.toy[1]->master);
    assert_int_equal(rd(rig.mem, config(1, 4), 2), 0);
    assert_int_equal(rd32(rig.mem, config(1, 0x10)), 0);
    assert_int_equal(rd(rig.mem, config(1, cap + 2), 2), VECTORS - 1);
    assert_int_equal(rd32(rig.mem, 0x10000000), ~0u);
    assert_false(rig.line[1].level);
    enable(&rig, 1, 0x10000000);
    wr32(rig.mem, config(1, 0x10 + 4 * MSIX_BAR), TABLE);
    assert_int_equal(rd(rig.mem, TABLE, 8), 0);
    assert_int_equal(rd32(rig.mem, TABLE + 12), 1);
    end(&rig);
}

/* --- several vCPUs ---------------------------------------------------------------------------*/

struct race {
    struct rig rig;
    atomic_bool stop;
};

static void *move_bars(void *ctx)
{
    struct race *race = ctx;
    for (unsigned i = 0; !atomic_load(&race->stop); i++)
        wr32(race->rig.mem, config(1 + i % 3, 0x10), (uint32_t)MMIO32 + 0x1000 * (i * 7 % 5));
    return NULL;
}

static void accesses_while_bars_move_hit_one_function_or_none(void **state)
{
    struct race race = {0};
    pthread_t thread;
    begin(&race.rig, false);
    for (unsigned device = 1; device <= 3; device++) {
        add_toy(&race.rig, device);
        enable(&race.rig, device, (uint32_t)MMIO32 + 0x1000 * device);
    }
    assert_int_equal(pthread_create(&thread, NULL, move_bars, &race), 0);
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t at = i * 8 % 0x5000, value = rd32(race.rig.mem, MMIO32 + at);
        unsigned device = value >> 19;
        if (value != ~0u && (device < 1 || device > 3 || (value & 0xffff) != at % 0x1000))
            fail_msg("%#x at %#x", value, at);
    }
    atomic_store(&race.stop, true);
    pthread_join(thread, NULL);
    end(&race.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absent_function_reads_all_ones),
        cmocka_unit_test(the_bridge_itself_is_device_0),
        cmocka_unit_test(identity_cannot_be_written),
        cmocka_unit_test(accesses_are_1_to_4_bytes_wide),
        cmocka_unit_test(the_extended_space_is_empty),
        cmocka_unit_test(capabilities_make_a_list),
        cmocka_unit_test(capabilities_that_do_not_fit_are_refused),
        cmocka_unit_test(a_bar_tells_its_size),
        cmocka_unit_test(a_bar_answers_while_its_space_is_enabled),
        cmocka_unit_test(a_moved_bar_is_found_at_its_new_place_only),
        cmocka_unit_test(a_64_bit_bar_reaches_the_high_window),
        cmocka_unit_test(of_overlapping_bars_the_lower_function_wins),
        cmocka_unit_test(bars_at_the_end_of_the_address_space_do_no_harm),
        cmocka_unit_test(pins_are_spread_over_the_lines),
        cmocka_unit_test(a_shared_line_is_up_until_the_last_device_is_served),
        cmocka_unit_test(intx_disable_holds_the_line_down_and_status_tells),
        cmocka_unit_test(a_vector_sends_its_message),
        cmocka_unit_test(a_masked_vector_waits_in_the_pending_bits),
        cmocka_unit_test(the_function_mask_holds_all_vectors),
        cmocka_unit_test(messages_need_bus_mastering),
        cmocka_unit_test(intx_is_off_while_msix_is_enabled),
        cmocka_unit_test(the_table_takes_words_and_double_words_only),
        cmocka_unit_test(without_a_sink_there_is_no_msix),
        cmocka_unit_test(reset_brings_everything_back),
        cmocka_unit_test(accesses_while_bars_move_hit_one_function_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
