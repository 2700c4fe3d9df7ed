/* SPDX-License-Identifier: Apache-2.0 */
/*
 * P3: the consoles that are described, PL011 (DDI 0183) or SBSA UARTs and virtio consoles. All
 * print the same; input is taken from whichever has some.
 */
#include "bare/bare.h"
#include "base/tap.h"
#include "device/virtio.h"

enum {
    DR = 0x00,
    FR = 0x18,
    LCR_H = 0x2c,
    CR = 0x30,
    IMSC = 0x38,
    ICR = 0x44,
    FR_RXFE = 1 << 4,
    FR_TXFF = 1 << 5,
    LCR_FIFO_8BIT = 0x70,
    CR_ON = 0x301,
    INT_RX = 1 << 4,
    INT_RX_TIMEOUT = 1 << 6,
};
enum { TYPED_MAX = 64, INPUT_MS = 15000, QUIET_MS = 300, RX_BYTES = 64, TX_BYTES = 512 };
enum { RX = 0, TX = 1 };

static struct {
    u32 uarts;
    u64 uart[UARTS_MAX];
    u32 uart_intid[UARTS_MAX];
    struct virtio *virtio;
    u8 rx[RX_BYTES], tx[TX_BYTES];
    volatile u32 interrupts;
    volatile u32 last;
} console;

static void uart_put(u64 at, char c)
{
    /* One that never drains must not stop us. */
    for (u32 i = 0; i < 1000000 && io_read32(at + FR) & FR_TXFF; i++)
        ;
    io_write32(at + DR, (u8)c);
}

static void uart_write(const char *text)
{
    for (u32 i = 0; i < console.uarts; i++) {
        for (const char *c = text; *c; c++)
            uart_put(console.uart[i], *c);
        uart_put(console.uart[i], '\r');
        uart_put(console.uart[i], '\n');
    }
}

static void virtio_write(const char *text)
{
    uptr size = text_length(text);
    struct virtio_part part = {console.tx, 0, false};
    u64 start = arch_counter();
    u32 written;

    if (!console.virtio)
        return;
    if (size > TX_BYTES - 2)
        size = TX_BYTES - 2;
    memcpy(console.tx, text, size);
    console.tx[size++] = '\r';
    console.tx[size++] = '\n';
    part.size = (u32)size;
    virtio_post(console.virtio, TX, &part, 1);
    while (!virtio_done(console.virtio, TX, &written))
        if (arch_counter() - start > ms_to_ticks(2000)) {
            console.virtio = NULL; /* nobody reads */
            return;
        }
}

void console_write(const char *text)
{
    uart_write(text);
    virtio_write(text);
}

bool console_there(void)
{
    return console.uarts || console.virtio;
}

void console_open(void)
{
    const struct platform *p = &machine.platform;

    for (u32 i = 0; i < p->uarts; i++) {
        u64 at = p->uart[i].regs.base;
        u32 flags;
        if (!mmu_device(at, p->uart[i].regs.size) || !arch_try_read32(at + FR, &flags))
            continue;
        if (p->uart[i].full) { /* an SBSA UART is ready as it is */
            io_write32(at + CR, 0);
            io_write32(at + LCR_H, LCR_FIFO_8BIT);
            io_write32(at + CR, CR_ON);
        }
        io_write32(at + IMSC, 0);
        console.uart_intid[console.uarts] = p->uart[i].intid;
        console.uart[console.uarts++] = at;
    }
    log_open(console_write);
}

static void post_receive(void)
{
    struct virtio_part part = {console.rx, RX_BYTES, true};

    virtio_post(console.virtio, RX, &part, 1);
}

/* Queues 0 and 1 are port 0's. Others wait for a driver that knows several ports. */
void console_find_virtio(void)
{
    for (u32 i = 0; i < virtio_devices.count && !console.virtio; i++) {
        struct virtio *dev = &virtio_devices.dev[i];
        if (dev->kind == VIRTIO_CONSOLE && !dev->failed && !virtio_start(dev, 0, 2)) {
            console.virtio = dev;
            log_replay(virtio_write);
        }
    }
    if (console.virtio)
        post_receive();
}

/* --- input ------------------------------------------------------------------------------------ */

static void on_interrupt(u32 intid)
{
    gic_enable(intid, false);
    console.last = intid;
    console.interrupts++;
}

static void listen_uarts(bool on)
{
    for (u32 i = 0; i < console.uarts; i++) {
        io_write32(console.uart[i] + IMSC, on ? INT_RX | INT_RX_TIMEOUT : 0);
        if (console.uart_intid[i])
            gic_enable(console.uart_intid[i], on);
    }
}

static void listen(bool on)
{
    listen_uarts(on);
    if (console.virtio && console.virtio->intid)
        gic_enable(console.virtio->intid, on);
}

/* Before anybody is asked to type: an interrupt that is cleared while characters wait need not come
 * back (the PL011's receive interrupt is for the one that reaches the FIFO's mark). A virtio
 * console's is not enabled yet, because output uses it, too. */
static void begin_input(void)
{
    arch_cpu()->irq = on_interrupt;
    for (u32 i = 0; i < console.uarts; i++)
        io_write32(console.uart[i] + ICR, 0x7ff);
    listen_uarts(true);
}

struct input {
    char typed[TYPED_MAX];
    u32 count, intid;
    const char *from;
    bool interrupted;
};

static void add(struct input *input, u8 c)
{
    if (input->count + 1 < TYPED_MAX && c != '\r' && c != '\n')
        input->typed[input->count++] = (char)c;
    input->typed[input->count] = 0;
}

static bool waiting(void)
{
    bool some = console.virtio && virtio_waiting(console.virtio, RX);

    for (u32 i = 0; i < console.uarts; i++)
        some |= !(io_read32(console.uart[i] + FR) & FR_RXFE);
    return some;
}

/* Takes what has come; the interrupt must have been there by then. */
static bool take(struct input *input)
{
    u32 before = input->count, written = 0;

    for (u32 i = 0; i < console.uarts; i++)
        while (!(io_read32(console.uart[i] + FR) & FR_RXFE)) {
            add(input, (u8)io_read32(console.uart[i] + DR));
            input->from = "the UART";
            input->intid = console.uart_intid[i];
        }
    if (console.virtio && virtio_done(console.virtio, RX, &written)) {
        for (u32 i = 0; i < written && i < RX_BYTES; i++)
            add(input, console.rx[i]);
        input->from = "the virtio console";
        if (!console.virtio->intid)
            console.virtio->intid = gic_next_pending(0);
        input->intid = console.virtio->intid;
        if (gic_pending(input->intid))
            input->interrupted = true;
        console.virtio->transport->acknowledge(console.virtio);
        post_receive();
    }
    return input->count != before;
}

static void receive(struct input *input, const char *wanted)
{
    u64 start = arch_counter(), last = start;

    listen(true);
    while (arch_counter() - start < ms_to_ticks(INPUT_MS)) {
        gic_wait(20);
        /* The interrupt may be a little behind the data, and reading them takes it back. */
        if (waiting() && !input->interrupted && !console.interrupts)
            gic_wait(5000);
        if (take(input)) {
            input->interrupted |= console.interrupts && console.last == input->intid;
            last = arch_counter();
            listen(true); /* the next one interrupts anew */
        }
        if (text_equal(input->typed, wanted) ||
            (input->count && arch_counter() - last > ms_to_ticks(QUIET_MS) * 10))
            break;
    }
    listen(false);
}

void test_console_input(void)
{
    struct input input = {.from = "nowhere"};
    char wanted[32];

    if (!console_there())
        return;
    format(wanted, sizeof(wanted), "armvm%u", (u32)(arch_counter() % 9000 + 1000));
    begin_input();
    note("please type: %s", wanted);
    receive(&input, wanted);
    test_begin("P3 the console takes input");
    if (!input.count)
        test_bad("nothing came within %u s of the request to type", INPUT_MS / 1000);
    else if (!text_equal(input.typed, wanted))
        test_bad("'%s' came, '%s' was to be typed", input.typed, wanted);
    test_fix("somebody must type what the line '# please type:' says");
    test_end("from %s", input.from);
    if (!input.count) {
        skip("P3 the console's receive interrupt arrives", "nothing was received");
        return;
    }
    test_begin("P3 the console's receive interrupt arrives");
    if (!input.intid)
        test_bad("%s has no interrupt that is known", input.from);
    else if (!input.interrupted)
        test_bad("%s has input, and its INTID %u does not arrive", input.from, input.intid);
    test_fix("describe the console's interrupt as it is connected");
    test_end("INTID %u of %s", input.intid, input.from);
}

void test_consoles(void)
{
    test_begin("P3 a console is described, and prints");
    if (!console_there())
        test_bad("no PL011, SBSA UART or virtio console that answers");
    test_fix("describe an arm,pl011 or offer a virtio console");
    test_end("%u UARTs, %s", console.uarts,
             console.virtio ? console.virtio->name : "no virtio console");
}
