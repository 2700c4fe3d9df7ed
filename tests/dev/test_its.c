/* SPDX-License-Identifier: Apache-2.0 */
/* The ITS: commands, tables in guest memory, messages. Device 1 has 64 events; collection n is at
 * CPU n; event 3 is LPI 8200 in collection 0. */
#include "its_rig.h"

enum { LPI = 8200 };

static int setup(void **state)
{
    make_bench(state);
    struct bench *b = *state;
    mapd(b, 1, ITT, 6);
    for (unsigned i = 0; i < CPUS; i++)
        mapc(b, i, i);
    mapti(b, 1, 3, LPI, 0);
    return 0;
}

static void assert_idle(struct bench *b)
{
    for (unsigned i = 0; i < CPUS; i++)
        assert_int_equal(take(b, i), 1023);
}

/* --- identification --------------------------------------------------------------------------*/

static void identification_is_what_drivers_expect(void **state)
{
    struct bench *b = *state;
    uint64_t typer = rd(b->mem, GITS_TYPER, 8);
    assert_int_equal(typer & 1, 1);            /* physical LPIs */
    assert_int_equal(bits(typer, 7, 4), 7);    /* bytes of an ITT entry, minus one */
    assert_int_equal(bits(typer, 12, 8), 15);  /* EventID */
    assert_int_equal(bits(typer, 17, 13), 15); /* DeviceID */
    assert_int_equal(bits(typer, 63, 18), 0);  /* no SEI, PTA, HCC, CIL */
    assert_int_equal(rd32(b->mem, GITS_TYPER + 4), 0);
    assert_int_equal(rd32(b->mem, ITS + 0xffe8) >> 4 & 15, 3);
    assert_int_equal(bits(rd(b->mem, GITS_BASER0, 8), 58, 56), 1);
    assert_int_equal(bits(rd(b->mem, GITS_BASER1, 8), 58, 56), 4);
    assert_int_equal(bits(rd(b->mem, GITS_BASER0, 8), 52, 48), 7);
    for (unsigned i = 2; i < 8; i++)
        assert_int_equal(rd(b->mem, GITS_BASER0 + 8 * i, 8), 0);
}

static void table_registers_keep_what_drivers_probe(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, GITS_CTLR, 0);
    assert_int_equal(rd32(b->mem, GITS_CTLR), 1u << 31); /* Quiescent */
    for (uint64_t page = 0; page < 3; page++) {
        wr(b->mem, GITS_BASER0, 8, VALID | INDIRECT | DEVICES | page << 8 | 1 << 10 | 7ull << 59);
        assert_int_equal(rd(b->mem, GITS_BASER0, 8), VALID | INDIRECT | 1ull << 56 | 7ull << 48 |
                                                         DEVICES | page << 8 | 1 << 10 |
                                                         7ull << 59);
    }
    wr(b->mem, GITS_BASER0, 8, 3 << 8);
    assert_int_equal(bits(rd(b->mem, GITS_BASER0, 8), 9, 8), 2);
    wr32(b->mem, GITS_CBASER + 4, 1u << 31);
    wr32(b->mem, GITS_CBASER, QUEUE | 1 << 10);
    assert_int_equal(rd(b->mem, GITS_CBASER, 8), VALID | QUEUE | 1 << 10);
}

static void tables_do_not_move_while_enabled(void **state)
{
    struct bench *b = *state;
    uint64_t devices = rd(b->mem, GITS_BASER0, 8), queue = rd(b->mem, GITS_CBASER, 8);
    wr(b->mem, GITS_BASER0, 8, 0);
    wr(b->mem, GITS_CBASER, 8, 0);
    assert_int_equal(rd(b->mem, GITS_BASER0, 8), devices);
    assert_int_equal(rd(b->mem, GITS_CBASER, 8), queue);
}

/* --- messages --------------------------------------------------------------------------------*/

static void a_message_becomes_an_lpi(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), LPI);
    msi(b, 1, 3); /* from the cache this time */
    assert_int_equal(take(b, 0), LPI);
    assert_idle(b);
}

static void a_store_of_a_pe_is_device_0(void **state)
{
    struct bench *b = *state;
    mapd(b, 0, ITT + 0x1000, 2);
    mapti(b, 0, 2, 9000, 1);
    wr32(b->mem, GITS_TRANSLATER, 2);
    assert_int_equal(take(b, 1), 9000);
    wr(b->mem, GITS_TRANSLATER, 2, 2);
    assert_int_equal(take(b, 1), 9000);
    assert_int_equal(rd32(b->mem, GITS_TRANSLATER), 0);
}

static void other_addresses_are_not_messages(void **state)
{
    struct bench *b = *state;
    b->sink.send(b->sink.ctx, 1, GITS_TRANSLATER + 4, 3);
    b->sink.send(b->sink.ctx, 1, GITS_TRANSLATER | 1ull << 32, 3);
    b->sink.send(b->sink.ctx, 1, GITS_CTLR, 3);
    assert_idle(b);
}

static void unmapped_events_are_ignored(void **state)
{
    struct bench *b = *state;
    msi(b, 2, 3);
    msi(b, 1, 4);
    msi(b, 1, 64);
    msi(b, 1, 0x10003);
    msi(b, 0x10001, 3);
    msi(b, ~0u, ~0u);
    assert_idle(b);
    wr32(b->mem, GITS_CTLR, 0);
    msi(b, 1, 3);
    assert_idle(b);
}

static void events_of_different_devices_do_not_meet(void **state)
{
    struct bench *b = *state;
    /* More of them than the translation cache holds. */
    for (unsigned device = 2; device < 66; device++) {
        mapd(b, device, ITT + 0x1000 + device * 512, 6);
        for (unsigned event = 0; event < 64; event++)
            mapti(b, device, event, LPI0 + 64 * device + event, event % CPUS);
    }
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned device = 2; device < 66; device++) {
            for (unsigned event = 0; event < 64; event++) {
                msi(b, device, event);
                assert_int_equal(take(b, event % CPUS), LPI0 + 64 * device + event);
            }
        }
    }
    assert_idle(b);
}

/* --- commands --------------------------------------------------------------------------------*/

static void int_and_clear_set_and_take_away_the_pending_state(void **state)
{
    struct bench *b = *state;
    on_event(b, INT, 1, 3);
    assert_true(b->irq[0].level);
    on_event(b, CLEAR, 1, 3);
    assert_false(b->irq[0].level);
    assert_idle(b);
    on_event(b, INT, 1, 3);
    assert_int_equal(take(b, 0), LPI);
}

static void mapi_uses_the_event_as_the_lpi(void **state)
{
    struct bench *b = *state;
    mapd(b, 5, ITT + 0x1000, 14);
    command(b, MAPI | 5ull << 32, 9001, 2, 0);
    on_event(b, INT, 5, 9001);
    assert_int_equal(take(b, 2), 9001);
}

static void inv_reads_the_configuration_anew(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    configure(b, LPI, 0xa0, false);
    assert_true(b->irq[0].level);
    on_event(b, INV, 1, 3);
    assert_idle(b);
    configure(b, LPI, 0xa0, true);
    assert_idle(b);
    on_event(b, INV, 1, 3);
    assert_int_equal(take(b, 0), LPI);
}

static void invall_reads_all_configurations_anew(void **state)
{
    struct bench *b = *state;
    configure(b, LPI, 0xa0, false);
    command(b, INVALL, 0, 0, 0);
    msi(b, 1, 3);
    assert_idle(b);
    configure(b, LPI, 0xa0, true);
    command(b, INVALL, 0, 0, 0);
    assert_int_equal(take(b, 0), LPI);
}

static void a_configuration_written_before_mapping_needs_no_inv(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3); /* caches the line */
    assert_int_equal(take(b, 0), LPI);
    configure(b, LPI + 1, 0x60, true);
    mapti(b, 1, 4, LPI + 1, 0);
    msi(b, 1, 4);
    assert_int_equal(icc(b, 0, IAR1), LPI + 1);
    assert_int_equal(icc(b, 0, RPR), 0x60);
}

static void discard_unmaps_and_forgets(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    on_event(b, DISCARD, 1, 3);
    assert_idle(b);
    msi(b, 1, 3);
    on_event(b, INT, 1, 3);
    assert_idle(b);
    mapti(b, 1, 3, LPI, 1);
    msi(b, 1, 3);
    assert_int_equal(take(b, 1), LPI);
}

static void movi_takes_the_pending_state_along(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    movi(b, 1, 3, 1);
    assert_false(b->irq[0].level);
    assert_int_equal(take(b, 0), 1023);
    assert_int_equal(take(b, 1), LPI);
    msi(b, 1, 3);
    assert_int_equal(take(b, 1), LPI);
    assert_idle(b);
    movi(b, 1, 3, 1); /* to where it is */
    assert_idle(b);
}

static void movi_to_a_cpu_without_lpis_loses_nothing(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, redist(1), 0);
    msi(b, 1, 3);
    movi(b, 1, 3, 1);
    assert_int_equal(take(b, 0), LPI);
    msi(b, 1, 3);
    assert_idle(b);
}

static void movall_takes_all_pending_states_along(void **state)
{
    struct bench *b = *state;
    for (unsigned event = 10; event < 20; event++) {
        mapti(b, 1, event, LPI0 + 700 * event, 0);
        msi(b, 1, event);
    }
    configure(b, LPI0 + 7000, 0xc0, true);
    on_event(b, INV, 1, 10);
    command(b, MOVALL, 0, 0ull << 16, 2ull << 16);
    assert_false(b->irq[0].level);
    assert_int_equal(take(b, 0), 1023);
    for (unsigned event = 11; event < 20; event++)
        assert_int_equal(take(b, 2), LPI0 + 700 * event);
    assert_int_equal(take(b, 2), LPI0 + 7000);
    assert_idle(b);
    msi(b, 1, 10); /* events remain where they are mapped to */
    assert_int_equal(take(b, 0), LPI0 + 7000);
}

static void remapping_a_collection_moves_its_events(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), LPI);
    mapc(b, 0, 2);
    msi(b, 1, 3);
    assert_int_equal(take(b, 2), LPI);
    command(b, 9, 0, 0, 0); /* unmapped */
    msi(b, 1, 3);
    assert_idle(b);
}

static void unmapping_a_device_silences_it(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), LPI);
    command(b, 8 | 1ull << 32, 0, 0, 0);
    msi(b, 1, 3);
    assert_idle(b);
    mapd(b, 1, ITT, 2); /* fewer events now */
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), LPI);
    mapd(b, 1, ITT, 1);
    msi(b, 1, 3);
    assert_idle(b);
}

/* --- wrong commands --------------------------------------------------------------------------*/

static void wrong_commands_are_ignored(void **state)
{
    struct bench *b = *state;
    uint64_t before = peek(b, ITT + 24, 8);
    const uint64_t bad[][4] = {
        {0, 0, 0, 0},                                  /* no such command */
        {0x2d, 0, 0, 0},                               /* VINVALL */
        {0xff, ~0ull, ~0ull, ~0ull},                   /* no such command */
        {8 | 2ull << 32, 16, VALID | ITT, 0},          /* MAPD with too many events */
        {8 | 0x10000ull << 32, 5, VALID | ITT, 0},     /* device out of range */
        {8 | 0x8000ull << 32, 5, VALID | ITT, 0},      /* beyond the table */
        {9, 0, VALID | 3 << 16, 0},                    /* MAPC to no CPU */
        {9, 0, VALID | 0x7ffffffffull << 16, 0},       /* no CPU at all */
        {9, 0, VALID | 512, 0},                        /* collection beyond the table */
        {10 | 1ull << 32, 3 | 8191ull << 32, 0, 0},    /* MAPTI: not an LPI */
        {10 | 1ull << 32, 3 | 0x10000ull << 32, 0, 0}, /* out of range */
        {10 | 1ull << 32, 64 | 8300ull << 32, 0, 0},   /* event out of range */
        {10 | 1ull << 32, 3 | 8300ull << 32, 512, 0},  /* collection out of range */
        {10 | 9ull << 32, 3 | 8300ull << 32, 0, 0},    /* device not mapped */
        {11 | 1ull << 32, 3, 0, 0},                    /* MAPI: not an LPI */
        {MOVI | 1ull << 32, 3, 5, 0},                  /* collection not mapped */
        {MOVI | 1ull << 32, 4, 1, 0},                  /* event not mapped */
        {INT | 1ull << 32, 4, 0, 0},
        {INT | 1ull << 32, 0xffffffff, 0, 0},
        {CLEAR | 7ull << 32, 3, 0, 0},
        {DISCARD | 1ull << 32, 4, 0, 0},
        {INV | 0xffffffffull << 32, 3, 0, 0},
        {INVALL, 0, 77, 0},
        {MOVALL, 0, 0, 3 << 16},
        {MOVALL, 0, 0x7ffffffffull << 16, 0},
        {5, 0, 9 << 16, 0}, /* SYNC with no CPU */
    };
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        command(b, bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
        assert_int_equal(rd(b->mem, GITS_CREADR, 8), rd(b->mem, GITS_CWRITER, 8));
        assert_idle(b);
    }
    assert_int_equal(peek(b, ITT + 24, 8), before);
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), LPI);
}

/* --- the queue -------------------------------------------------------------------------------*/

static void the_queue_wraps(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 3 * QUEUE_SIZE / 32; i++) {
        on_event(b, INT, 1, 3);
        assert_int_equal(take(b, 0), LPI);
    }
    /* Several at once, over the end. */
    uint64_t at = QUEUE_SIZE - 64;
    while (rd(b->mem, GITS_CWRITER, 8) != at)
        on_event(b, CLEAR, 1, 3);
    for (unsigned i = 0; i < 4; i++) {
        mapti(b, 1, 10 + i, 9000 + i, 1);
        uint64_t to = QUEUE + (at + 32 * i) % QUEUE_SIZE;
        poke(b, to, 8, INT | 1ull << 32);
        poke(b, to + 8, 8, 10 + i);
    }
    while (rd(b->mem, GITS_CWRITER, 8) != at)
        on_event(b, CLEAR, 1, 3);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t to = QUEUE + (at + 32 * i) % QUEUE_SIZE;
        poke(b, to, 8, INT | 1ull << 32);
        poke(b, to + 8, 8, 10 + i);
    }
    wr(b->mem, GITS_CWRITER, 8, 64);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), 64);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(take(b, 1), 9000 + i);
}

static void a_disabled_its_executes_nothing(void **state)
{
    struct bench *b = *state;
    uint64_t before = rd(b->mem, GITS_CREADR, 8);
    wr32(b->mem, GITS_CTLR, 0);
    on_event(b, INT, 1, 3);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), before);
    assert_idle(b);
    wr32(b->mem, GITS_CTLR, 1);
    assert_int_equal(take(b, 0), LPI);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), before + 32);
}

static void a_new_queue_starts_at_0(void **state)
{
    struct bench *b = *state;
    assert_int_not_equal(rd(b->mem, GITS_CREADR, 8), 0);
    wr32(b->mem, GITS_CTLR, 0);
    wr(b->mem, GITS_CBASER, 8, VALID | QUEUE | 1);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), 0);
}

static void a_queue_without_valid_or_with_a_wrong_offset_stands(void **state)
{
    struct bench *b = *state;
    uint64_t before = rd(b->mem, GITS_CREADR, 8);
    wr(b->mem, GITS_CWRITER, 8, QUEUE_SIZE);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), before);
    wr32(b->mem, GITS_CTLR, 0);
    wr(b->mem, GITS_CBASER, 8, QUEUE);
    wr32(b->mem, GITS_CTLR, 1);
    wr(b->mem, GITS_CWRITER, 8, 32);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), 0);
}

static void a_queue_outside_memory_stalls(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, GITS_CTLR, 0);
    wr(b->mem, GITS_CBASER, 8, VALID | NOWHERE);
    wr32(b->mem, GITS_CTLR, 1);
    wr(b->mem, GITS_CWRITER, 8, 32);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), 1); /* Stalled */
    wr(b->mem, GITS_CWRITER, 8, 64 | 1);             /* Retry */
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), 1);
    assert_int_equal(rd(b->mem, GITS_CWRITER, 8), 64);
}

static void a_full_queue_of_the_largest_size_is_executed(void **state)
{
    struct bench *b = *state;
    struct error err;
    const uint64_t big = 0x50000000, size = 256 * 4096;
    assert_int_equal(mem_add_ram(b->mem, big, size, "more", &err), 0);
    for (uint64_t at = 0; at < size; at += 32) {
        poke(b, big + at, 8, (at & 32 ? INVALL : INT) | 1ull << 32);
        poke(b, big + at + 8, 8, at & 32 ? 0 : 3);
    }
    wr32(b->mem, GITS_CTLR, 0);
    wr(b->mem, GITS_CBASER, 8, VALID | big | 255);
    wr32(b->mem, GITS_CTLR, 1);
    wr(b->mem, GITS_CWRITER, 8, size - 32);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), size - 32);
    assert_int_equal(take(b, 0), LPI);
}

/* --- tables ----------------------------------------------------------------------------------*/

static void use_tables(struct bench *b, uint64_t devices, uint64_t collections)
{
    wr32(b->mem, GITS_CTLR, 0);
    wr(b->mem, GITS_BASER0, 8, devices);
    wr(b->mem, GITS_BASER1, 8, collections);
    wr32(b->mem, GITS_CTLR, 1);
}

static void an_indirect_device_table_has_two_levels(void **state)
{
    struct bench *b = *state;
    use_tables(b, VALID | INDIRECT | (DEVICES + 0x8000), VALID | COLLECTIONS);
    poke(b, DEVICES + 0x8000 + 8 * 100, 8, VALID | LEVEL2); /* 512 devices a page */
    mapd(b, 100 * 512 + 7, ITT, 6);
    assert_true(peek(b, LEVEL2 + 7 * 8, 8) >> 63);
    mapti(b, 100 * 512 + 7, 1, 9000, 1);
    msi(b, 100 * 512 + 7, 1);
    assert_int_equal(take(b, 1), 9000);
    mapd(b, 99 * 512 + 7, ITT, 6); /* no second level */
    msi(b, 99 * 512 + 7, 1);
    assert_idle(b);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8) & 1, 0);
    poke(b, DEVICES + 0x8000 + 8 * 99, 8, VALID | NOWHERE);
    msi(b, 99 * 512 + 7, 1);
    assert_idle(b);
}

static void indirect_tables_have_large_pages_too(void **state)
{
    struct bench *b = *state;
    use_tables(b, VALID | INDIRECT | DEVICES | 2 << 8, VALID | COLLECTIONS | 1 << 8);
    poke(b, DEVICES + 8 * 7, 8, VALID | LEVEL2 | 0x3000); /* 8192 devices; the low bits are RES0 */
    mapd(b, 7 * 8192 + 8191, ITT, 6);
    assert_true(peek(b, LEVEL2 + 8191 * 8, 8) >> 63);
    mapti(b, 65535, 1, 9000, 1);
    msi(b, 65535, 1);
    assert_int_equal(take(b, 1), 9000);
}

static void an_indirect_collection_table_works(void **state)
{
    struct bench *b = *state;
    use_tables(b, VALID | DEVICES | 0xf, VALID | INDIRECT | (DEVICES + 0x8000));
    poke(b, DEVICES + 0x8000 + 8 * 2, 8, VALID | LEVEL2);
    mapc(b, 2 * 512 + 1, 2);
    mapti(b, 1, 1, 9000, 2 * 512 + 1);
    msi(b, 1, 1);
    assert_int_equal(take(b, 2), 9000);
}

static void tables_outside_memory_stall(void **state)
{
    struct bench *b = *state;
    use_tables(b, VALID | NOWHERE, VALID | COLLECTIONS);
    msi(b, 1, 3); /* a message is only ignored */
    assert_idle(b);
    mapd(b, 1, ITT, 6);
    uint64_t at = rd(b->mem, GITS_CREADR, 8);
    assert_int_equal(at & 1, 1);
    on_event(b, INT, 1, 3);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), at);
    use_tables(b, VALID | DEVICES | 0xf, VALID | COLLECTIONS);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), at); /* still */
    uint64_t writer = rd(b->mem, GITS_CWRITER, 8);
    wr(b->mem, GITS_CWRITER, 8, writer | 1);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), writer);
    assert_int_equal(take(b, 0), LPI);
}

static void an_itt_outside_memory_stalls(void **state)
{
    struct bench *b = *state;
    mapd(b, 2, RAM + RAM_SIZE - 256, 16); /* 32 events are inside */
    mapti(b, 2, 31, 9000, 0);
    on_event(b, INT, 2, 31);
    assert_int_equal(take(b, 0), 9000);
    msi(b, 2, 32);
    assert_idle(b);
    mapti(b, 2, 32, 9001, 0);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8) & 1, 1);
}

static void nothing_is_valid_without_tables(void **state)
{
    struct bench *b = *state;
    use_tables(b, DEVICES, COLLECTIONS);
    msi(b, 1, 3);
    mapd(b, 1, ITT, 6);
    mapc(b, 0, 0);
    on_event(b, INT, 1, 3);
    assert_idle(b);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), rd(b->mem, GITS_CWRITER, 8));
}

static void scribbled_tables_are_survived(void **state)
{
    struct bench *b = *state;
    uint64_t seed = 1;
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned i = 0; i < 3; i++) {
            const uint64_t tables[] = {DEVICES, COLLECTIONS, ITT};
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            poke(b, tables[i] + 8 * (seed >> 61), 8, seed | (round & 1 ? VALID : 0));
        }
        use_tables(b, VALID | DEVICES | 0xf, VALID | COLLECTIONS); /* forgets translations */
        msi(b, seed >> 40 & 7, seed >> 50 & 7);
        on_event(b, seed >> 33 & 15, seed >> 40 & 7, seed >> 50 & 7);
        wr(b->mem, GITS_CWRITER, 8, rd(b->mem, GITS_CWRITER, 8) | 1);
    }
    for (unsigned i = 0; i < CPUS; i++)
        while (take(b, i) != 1023)
            ;
}

/* --- the rest --------------------------------------------------------------------------------*/

static void reset_forgets_everything(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    b->gic->ops->reset(b->gic);
    b->its->ops->reset(b->its);
    assert_int_equal(rd32(b->mem, GITS_CTLR), 1u << 31);
    assert_int_equal(rd(b->mem, GITS_CBASER, 8), 0);
    assert_int_equal(rd(b->mem, GITS_CWRITER, 8), 0);
    assert_int_equal(rd(b->mem, GITS_CREADR, 8), 0);
    assert_int_equal(rd(b->mem, GITS_BASER0, 8), 1ull << 56 | 7ull << 48);
    set_up_gic(b);
    set_up_its(b);
    poke(b, ITT + 24, 8, 0);
    msi(b, 1, 3);
    assert_idle(b);
    mapti(b, 1, 3, LPI, 1);
    msi(b, 1, 3);
    assert_int_equal(take(b, 1), LPI);
}

static void every_offset_and_size_is_survived(void **state)
{
    struct bench *b = *state;
    for (unsigned size = 1; size <= 8; size *= 2) {
        for (uint64_t at = 0; at < 0x20000; at += size)
            rd(b->mem, ITS + at, size);
        for (uint64_t at = 0; at < 0x1000; at += size) {
            wr(b->mem, ITS + at, size, ~0ull);
            wr(b->mem, ITS + at, size, 0);
        }
        wr(b->mem, GITS_TRANSLATER, size, ~0ull);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(identification_is_what_drivers_expect),
        T(table_registers_keep_what_drivers_probe),
        T(tables_do_not_move_while_enabled),
        T(a_message_becomes_an_lpi),
        T(a_store_of_a_pe_is_device_0),
        T(other_addresses_are_not_messages),
        T(unmapped_events_are_ignored),
        T(events_of_different_devices_do_not_meet),
        T(int_and_clear_set_and_take_away_the_pending_state),
        T(mapi_uses_the_event_as_the_lpi),
        T(inv_reads_the_configuration_anew),
        T(invall_reads_all_configurations_anew),
        T(a_configuration_written_before_mapping_needs_no_inv),
        T(discard_unmaps_and_forgets),
        T(movi_takes_the_pending_state_along),
        T(movi_to_a_cpu_without_lpis_loses_nothing),
        T(movall_takes_all_pending_states_along),
        T(remapping_a_collection_moves_its_events),
        T(unmapping_a_device_silences_it),
        T(wrong_commands_are_ignored),
        T(the_queue_wraps),
        T(a_disabled_its_executes_nothing),
        T(a_new_queue_starts_at_0),
        T(a_queue_without_valid_or_with_a_wrong_offset_stands),
        T(a_queue_outside_memory_stalls),
        T(a_full_queue_of_the_largest_size_is_executed),
        T(an_indirect_device_table_has_two_levels),
        T(indirect_tables_have_large_pages_too),
        T(an_indirect_collection_table_works),
        T(tables_outside_memory_stall),
        T(an_itt_outside_memory_stalls),
        T(nothing_is_valid_without_tables),
        T(scribbled_tables_are_survived),
        T(reset_forgets_everything),
        T(every_offset_and_size_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
