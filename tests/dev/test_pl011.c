/* SPDX-License-Identifier: Apache-2.0 */
/* PL011 with a back end that is the test. */
#include "devtest.h"

#include <string.h>

#include "backend/chr/chr.h"
#include "machine/char/pl011.h"

enum {
    BASE = 0x9000000,
    DR = BASE,
    RSR = BASE + 4,
    FR = BASE + 0x18,
    IBRD = BASE + 0x24,
    FBRD = BASE + 0x28,
    LCR_H = BASE + 0x2c,
    CR = BASE + 0x30,
    IFLS = BASE + 0x34,
    IMSC = BASE + 0x38,
    RIS = BASE + 0x3c,
    MIS = BASE + 0x40,
    ICR = BASE + 0x44,
    DMACR = BASE + 0x48
};

enum {
    FEN = 0x10,
    UARTEN = 1,
    LBE = 0x80,
    TXE = 0x100,
    RXE = 0x200,
    RXFE = 0x10,
    RXFF = 0x40,
    INT_RX = 0x10,
    INT_TX = 0x20,
    INT_RT = 0x40,
    INT_OE = 0x400
};

struct chr {
    char out[64];
    size_t len;
    unsigned ready;
    chr_receive_fn *receive;
    void *ctx;
};

void chr_write(struct chr *chr, const void *buf, size_t len)
{
    memcpy(chr->out + chr->len, buf, len);
    chr->len += len;
}

void chr_set_receiver(struct chr *chr, chr_receive_fn *receive, void *ctx)
{
    chr->receive = receive;
    chr->ctx = ctx;
}

void chr_ready(struct chr *chr)
{
    chr->ready++;
}

struct bench {
    struct mem *mem;
    struct device *uart;
    struct line line;
    struct chr chr;
};

static int setup(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    b->mem = new_mem();
    b->uart = pl011_create(&b->chr);
    map_one(b->uart, b->mem, BASE, 0x1000, &b->line);
    wr32(b->mem, CR, UARTEN | TXE | RXE);
    wr32(b->mem, LCR_H, FEN | 0x60);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    b->uart->ops->destroy(b->uart);
    assert_null(b->chr.receive);
    mem_destroy(b->mem);
    test_free(b);
    return 0;
}

static size_t type(struct bench *b, const char *text)
{
    return b->chr.receive(b->chr.ctx, (const uint8_t *)text, strlen(text));
}

static void characters_go_out_at_once(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, DR, 'h');
    wr(b->mem, DR, 1, 'i');
    wr(b->mem, DR, 2, '!');
    assert_memory_equal(b->chr.out, "hi!", 3);
    assert_int_equal(rd32(b->mem, FR) & 0xf8, 0x80 | RXFE);
}

static void it_sends_before_it_is_enabled(void **state)
{
    struct bench *b = *state;
    b->uart->ops->reset(b->uart);
    wr32(b->mem, DR, 'e');
    assert_int_equal(b->chr.len, 1);
}

static void sending_raises_the_transmit_interrupt(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, IMSC, INT_TX);
    assert_false(b->line.level);
    wr32(b->mem, DR, 'x');
    assert_true(b->line.level);
    assert_int_equal(rd32(b->mem, MIS), INT_TX);
    wr32(b->mem, ICR, INT_TX);
    assert_false(b->line.level);
}

static void input_is_read_in_order(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, IMSC, INT_RX | INT_RT);
    assert_int_equal(type(b, "abc"), 3);
    assert_true(b->line.level);
    assert_int_equal(rd32(b->mem, MIS), INT_RT); /* below the trigger level of 8 */
    assert_int_equal(rd32(b->mem, DR), 'a');
    assert_int_equal(rd(b->mem, DR, 1), 'b');
    assert_true(b->line.level);
    assert_int_equal(rd32(b->mem, DR), 'c');
    assert_false(b->line.level);
    assert_int_equal(rd32(b->mem, FR) & RXFE, RXFE);
    assert_int_equal(rd32(b->mem, DR), 0);
}

static void the_receive_interrupt_follows_the_level(void **state)
{
    static const uint8_t level[] = {2, 4, 8, 12, 14};
    struct bench *b = *state;
    for (unsigned i = 0; i < sizeof(level); i++) {
        wr32(b->mem, IFLS, i << 3);
        for (unsigned n = 1; n <= level[i]; n++) {
            assert_int_equal(rd32(b->mem, RIS) & INT_RX, 0);
            assert_int_equal(type(b, "x"), 1);
        }
        assert_int_equal(rd32(b->mem, RIS) & INT_RX, INT_RX);
        rd32(b->mem, DR);
        assert_int_equal(rd32(b->mem, RIS) & INT_RX, 0);
        while (!(rd32(b->mem, FR) & RXFE))
            rd32(b->mem, DR);
    }
}

static void a_full_fifo_holds_input_back(void **state)
{
    struct bench *b = *state;
    assert_int_equal(type(b, "0123456789abcdefGHI"), 16);
    assert_int_equal(rd32(b->mem, FR) & (RXFF | RXFE), RXFF);
    assert_int_equal(type(b, "GHI"), 0);
    assert_int_equal(b->chr.ready, 0);
    assert_int_equal(rd32(b->mem, DR), '0');
    assert_int_equal(b->chr.ready, 1);
    assert_int_equal(type(b, "GHI"), 1);
    assert_int_equal(rd32(b->mem, RIS) & INT_OE, 0);
}

static void without_the_fifo_one_character_fits(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, LCR_H, 0x60);
    assert_int_equal(type(b, "ab"), 1);
    assert_int_equal(rd32(b->mem, RIS), INT_RX);
    assert_int_equal(rd32(b->mem, DR), 'a');
    assert_int_equal(rd32(b->mem, RIS), 0);
    assert_int_equal(b->chr.ready, 1);
}

static void a_disabled_receiver_takes_nothing_until_enabled(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, CR, UARTEN | TXE);
    assert_int_equal(type(b, "a"), 0);
    wr32(b->mem, CR, UARTEN | TXE | RXE);
    assert_int_equal(b->chr.ready, 1);
    assert_int_equal(type(b, "a"), 1);
}

static void the_timeout_returns_while_characters_wait(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, IMSC, INT_RT);
    type(b, "a");
    wr32(b->mem, ICR, 0x7ff);
    assert_true(b->line.level);
    rd32(b->mem, DR);
    assert_false(b->line.level);
}

static void loopback_returns_what_is_sent(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, CR, UARTEN | TXE | RXE | LBE);
    for (unsigned i = 0; i < 17; i++)
        wr32(b->mem, DR, 'A' + i);
    assert_int_equal(b->chr.len, 0);
    assert_int_equal(type(b, "x"), 0);
    assert_int_equal(rd32(b->mem, RIS) & INT_OE, INT_OE);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(rd32(b->mem, DR), 'A' + i);
    wr32(b->mem, DR, 'Z');
    assert_int_equal(rd32(b->mem, DR), 0x800 | 'Z'); /* OE */
    assert_int_equal(rd32(b->mem, RSR), 8);
    wr32(b->mem, RSR, 0);
    assert_int_equal(rd32(b->mem, RSR), 0);
}

static void loopback_ties_the_modem_lines(void **state)
{
    struct bench *b = *state;
    assert_int_equal(rd32(b->mem, FR) & 0x107, 7);
    wr32(b->mem, CR, LBE | 1 << 11 | 1 << 13);
    assert_int_equal(rd32(b->mem, FR) & 0x107, 0x101); /* RTS to CTS, Out2 to RI */
    assert_int_equal(rd32(b->mem, RIS) & 0xf, 1 | 4 | 8);
}

static void registers_keep_what_they_have_bits_for(void **state)
{
    static const struct {
        uint64_t reg;
        uint32_t mask;
    } regs[] = {
        {IBRD, 0xffff}, {FBRD, 0x3f},  {LCR_H, 0xff}, {CR, 0xff87},
        {IFLS, 0x3f},   {IMSC, 0x7ff}, {DMACR, 7},    {BASE + 0x20, 0xff},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
        wr32(b->mem, regs[i].reg, ~0u);
        assert_int_equal(rd32(b->mem, regs[i].reg), regs[i].mask);
    }
}

static void reset_values_and_identification(void **state)
{
    static const uint8_t id[8] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    struct bench *b = *state;
    type(b, "abc");
    b->uart->ops->reset(b->uart);
    assert_int_equal(rd32(b->mem, CR), 0x300);
    assert_int_equal(rd32(b->mem, IFLS), 0x12);
    assert_int_equal(rd32(b->mem, FR) & 0xf8, 0x90);
    assert_int_equal(rd32(b->mem, RIS), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rd32(b->mem, BASE + 0xfe0 + 4 * i), id[i]);
}

static void every_offset_and_size_is_survived(void **state)
{
    struct bench *b = *state;
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint64_t at = 0; at < 0x1000; at += size) {
            rd(b->mem, BASE + at, size);
            if (at >= 4) /* the back end's buffer is small */
                wr(b->mem, BASE + at, size, ~0ull);
        }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(characters_go_out_at_once),
        T(it_sends_before_it_is_enabled),
        T(sending_raises_the_transmit_interrupt),
        T(input_is_read_in_order),
        T(the_receive_interrupt_follows_the_level),
        T(a_full_fifo_holds_input_back),
        T(without_the_fifo_one_character_fits),
        T(a_disabled_receiver_takes_nothing_until_enabled),
        T(the_timeout_returns_while_characters_wait),
        T(loopback_returns_what_is_sent),
        T(loopback_ties_the_modem_lines),
        T(registers_keep_what_they_have_bits_for),
        T(reset_values_and_identification),
        T(every_offset_and_size_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
