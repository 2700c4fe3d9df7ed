/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 UART (DDI 0183): one window of 4 KiB, one interrupt line (UARTINTR, the combined one).
 *
 * Characters leave at once, so that the transmit FIFO is always empty; a character sent raises the
 * transmit interrupt as its FIFO drains through the trigger level. It transmits although CR.UARTEN
 * may be 0: early consoles rely on a firmware that has enabled it. The receive time-out (32 bit
 * periods without a character) is raised as soon as no more input is waiting.
 */
#include "machine/char/pl011.h"

#include <pthread.h>
#include <stdlib.h>

#include "backend/chr/chr.h"
#include "machine/dev/device.h"
#include "machine/dev/primecell.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/mem/mem.h"

enum {
    UARTDR = 0x00,
    UARTRSR = 0x04,
    UARTFR = 0x18,
    UARTILPR = 0x20,
    UARTIBRD = 0x24,
    UARTFBRD = 0x28,
    UARTLCR_H = 0x2c,
    UARTCR = 0x30,
    UARTIFLS = 0x34,
    UARTIMSC = 0x38,
    UARTRIS = 0x3c,
    UARTMIS = 0x40,
    UARTICR = 0x44,
    UARTDMACR = 0x48,
};

enum { DR_BE = 1 << 10, DR_OE = 1 << 11, DR_ERRORS = 0xf00 };

enum {
    FR_CTS = 1,
    FR_DSR = 2,
    FR_DCD = 4,
    FR_RXFE = 0x10,
    FR_RXFF = 0x40,
    FR_TXFE = 0x80,
    FR_RI = 0x100,
    FR_MODEM = FR_CTS | FR_DSR | FR_DCD | FR_RI
};

enum { LCR_BRK = 1, LCR_FEN = 0x10 };

enum {
    CR_UARTEN = 1,
    CR_LBE = 0x80,
    CR_TXE = 0x100,
    CR_RXE = 0x200,
    CR_DTR = 0x400,
    CR_RTS = 0x800,
    CR_OUT1 = 0x1000,
    CR_OUT2 = 0x2000,
    CR_MASK = 0xff87
};

/* Interrupts, as in IMSC, RIS, MIS and ICR (3.3.10). */
enum {
    INT_RI = 1,
    INT_CTS = 2,
    INT_DCD = 4,
    INT_DSR = 8,
    INT_RX = 0x10,
    INT_TX = 0x20,
    INT_RT = 0x40,
    INT_BE = 0x200,
    INT_OE = 0x400,
    INT_MASK = 0x7ff
};

enum { FIFO_DEPTH = 16, PART = 0x011, REVISION = 3 };

struct pl011 {
    struct device dev;
    struct chr *chr;
    pthread_mutex_t lock;      /* all below; not held while chr is called */
    uint16_t fifo[FIFO_DEPTH]; /* received: data 7:0, errors 11:8 */
    unsigned head, count;
    uint16_t rsr;
    uint16_t lcr, cr, ifls, imsc, ris, ibrd, fbrd, ilpr, dmacr;
    bool overrun; /* the next character received is marked OE */
    bool level;   /* of UARTINTR: polling consoles do not bother the interrupt controller */
    bool refused; /* chr has more, and waits for chr_ready */
};

static unsigned depth(const struct pl011 *uart)
{
    return uart->lcr & LCR_FEN ? FIFO_DEPTH : 1;
}

/* IFLS.RXIFLSEL: 1/8, 1/4, 1/2, 3/4, 7/8 full; a character without the FIFO. */
static unsigned rx_trigger(const struct pl011 *uart)
{
    static const uint8_t level[8] = {2, 4, 8, 12, 14, 14, 14, 14};
    return uart->lcr & LCR_FEN ? level[uart->ifls >> 3 & 7] : 1;
}

/* Modem inputs: a cable with everything asserted, or one's own outputs in loopback. */
static unsigned modem(const struct pl011 *uart)
{
    if (!(uart->cr & CR_LBE))
        return FR_CTS | FR_DSR | FR_DCD;
    return (uart->cr & CR_RTS ? FR_CTS : 0u) | (uart->cr & CR_DTR ? FR_DSR : 0u) |
           (uart->cr & CR_OUT1 ? FR_DCD : 0u) | (uart->cr & CR_OUT2 ? FR_RI : 0u);
}

static void update_irq(struct pl011 *uart)
{
    bool level = (uart->ris & uart->imsc) != 0;
    if (level != uart->level) {
        uart->level = level;
        irq_set(&uart->dev.irq[0], level);
    }
}

/* Receive interrupts follow the fill level; the time-out holds while anything is waiting. */
static void update_rx(struct pl011 *uart)
{
    if (uart->count >= rx_trigger(uart))
        uart->ris |= INT_RX;
    else
        uart->ris &= (uint16_t)~INT_RX;
    if (uart->count == 0)
        uart->ris &= (uint16_t)~INT_RT;
    else if (uart->lcr & LCR_FEN)
        uart->ris |= INT_RT;
}

static void push(struct pl011 *uart, unsigned value)
{
    if (uart->count >= depth(uart)) {
        uart->overrun = true;
        uart->ris |= INT_OE;
        return;
    }
    if (uart->overrun) {
        value |= DR_OE;
        uart->overrun = false;
    }
    uart->fifo[(uart->head + uart->count++) % FIFO_DEPTH] = (uint16_t)value;
    if (value & DR_BE)
        uart->ris |= INT_BE;
}

static uint16_t pop(struct pl011 *uart)
{
    if (!uart->count)
        return 0;
    uint16_t value = uart->fifo[uart->head];
    uart->head = (uart->head + 1) % FIFO_DEPTH;
    uart->count--;
    uart->rsr = (value & DR_ERRORS) >> 8;
    update_rx(uart);
    return value;
}

static bool receiving(const struct pl011 *uart)
{
    return (uart->cr & (CR_UARTEN | CR_RXE | CR_LBE)) == (CR_UARTEN | CR_RXE);
}

/* Takes what the FIFO has room for: nothing is ever lost to an overrun. */
static size_t receive(void *ctx, const uint8_t *buf, size_t len)
{
    struct pl011 *uart = ctx;
    size_t taken = 0;
    pthread_mutex_lock(&uart->lock);
    if (receiving(uart)) {
        while (taken < len && uart->count < depth(uart))
            push(uart, buf[taken++]);
        if (taken) {
            update_rx(uart);
            update_irq(uart);
        }
    }
    uart->refused = taken < len;
    pthread_mutex_unlock(&uart->lock);
    return taken;
}

/* True once for each time that input was refused, when there is room for it. */
static bool more_wanted(struct pl011 *uart)
{
    bool wanted = uart->refused && receiving(uart) && uart->count < depth(uart);
    if (wanted)
        uart->refused = false;
    return wanted;
}

static uint64_t read_locked(struct pl011 *uart, uint64_t offset)
{
    switch (offset) {
    case UARTDR: {
        uint16_t value = pop(uart);
        update_irq(uart);
        return value;
    }
    case UARTRSR:
        return uart->rsr;
    case UARTFR:
        return FR_TXFE | modem(uart) | (uart->count ? 0 : FR_RXFE) |
               (uart->count >= depth(uart) ? FR_RXFF : 0);
    case UARTILPR:
        return uart->ilpr;
    case UARTIBRD:
        return uart->ibrd;
    case UARTFBRD:
        return uart->fbrd;
    case UARTLCR_H:
        return uart->lcr;
    case UARTCR:
        return uart->cr;
    case UARTIFLS:
        return uart->ifls;
    case UARTIMSC:
        return uart->imsc;
    case UARTRIS:
        return uart->ris;
    case UARTMIS:
        return uart->ris & uart->imsc;
    case UARTDMACR:
        return uart->dmacr;
    default:
        return offset >= PRIMECELL_ID_REGISTERS ? primecell_id(offset, PART, REVISION) : 0;
    }
}

static int pl011_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct pl011 *uart = dev;
    pthread_mutex_lock(&uart->lock);
    *value = size == 8 ? 0 : read_locked(uart, offset & ~3ull) >> (8 * (offset & 3));
    bool ready = offset == UARTDR && more_wanted(uart);
    pthread_mutex_unlock(&uart->lock);
    if (ready)
        chr_ready(uart->chr);
    return 0;
}

/* The modem status interrupts are raised by changes. */
static void write_cr(struct pl011 *uart, uint16_t value)
{
    unsigned before = modem(uart);
    uart->cr = value & CR_MASK;
    unsigned changed = before ^ modem(uart);
    uart->ris |= (changed & FR_CTS ? INT_CTS : 0) | (changed & FR_DSR ? INT_DSR : 0) |
                 (changed & FR_DCD ? INT_DCD : 0) | (changed & FR_RI ? INT_RI : 0);
}

static void write_lcr(struct pl011 *uart, uint16_t value)
{
    /* Turning the FIFO on or off empties it (3.3.7). */
    if ((uart->lcr ^ value) & LCR_FEN) {
        uart->count = 0;
        uart->overrun = false;
    }
    if (uart->cr & CR_LBE && value & ~uart->lcr & LCR_BRK)
        push(uart, DR_BE);
    uart->lcr = value & 0xff;
    update_rx(uart);
}

static void write_locked(struct pl011 *uart, uint64_t offset, uint16_t value)
{
    switch (offset) {
    case UARTDR:
        if (uart->cr & CR_LBE) {
            push(uart, value & 0xff);
            update_rx(uart);
        }
        uart->ris |= INT_TX;
        break;
    case UARTRSR:
        uart->rsr = 0;
        break;
    case UARTILPR:
        uart->ilpr = value & 0xff;
        break;
    case UARTIBRD:
        uart->ibrd = value;
        break;
    case UARTFBRD:
        uart->fbrd = value & 0x3f;
        break;
    case UARTLCR_H:
        write_lcr(uart, value);
        break;
    case UARTCR:
        write_cr(uart, value);
        break;
    case UARTIFLS:
        uart->ifls = value & 0x3f;
        update_rx(uart);
        break;
    case UARTIMSC:
        uart->imsc = value & INT_MASK;
        break;
    case UARTICR:
        uart->ris &= (uint16_t)~value;
        /* The time-out comes back for characters that still wait. */
        if (value & INT_RT && uart->count && uart->lcr & LCR_FEN)
            uart->ris |= INT_RT;
        break;
    case UARTDMACR:
        uart->dmacr = value & 7;
        break;
    default:
        break;
    }
    update_irq(uart);
}

static int pl011_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl011 *uart = dev;
    if (offset & 3 || size == 8)
        return 0;
    pthread_mutex_lock(&uart->lock);
    write_locked(uart, offset, (uint16_t)value);
    bool send = offset == UARTDR && !(uart->cr & CR_LBE);
    bool ready = (offset == UARTCR || offset == UARTLCR_H) && more_wanted(uart);
    pthread_mutex_unlock(&uart->lock);
    if (send && uart->chr) {
        uint8_t c = (uint8_t)value;
        chr_write(uart->chr, &c, 1);
    }
    if (ready)
        chr_ready(uart->chr);
    return 0;
}

static void pl011_reset(struct device *dev)
{
    struct pl011 *uart = (struct pl011 *)dev;
    pthread_mutex_lock(&uart->lock);
    uart->head = uart->count = 0;
    uart->overrun = false; /* refused stays: chr still waits */
    uart->rsr = uart->lcr = uart->imsc = uart->ris = 0;
    uart->ibrd = uart->fbrd = uart->ilpr = uart->dmacr = 0;
    uart->cr = CR_TXE | CR_RXE;
    uart->ifls = 0x12; /* both FIFOs half full */
    update_irq(uart);
    pthread_mutex_unlock(&uart->lock);
}

static void pl011_destroy(struct device *dev)
{
    struct pl011 *uart = (struct pl011 *)dev;
    if (uart->chr)
        chr_set_receiver(uart->chr, NULL, NULL);
    pthread_mutex_destroy(&uart->lock);
    free(uart);
}

static int pl011_describe(struct device *dev, struct fdt_builder *fdt)
{
    device_dt_begin(dev, fdt, "pl011", "arm,pl011\narm,primecell");
    primecell_dt_clocks(fdt, 2, "uartclk\napb_pclk");
    dt_end(fdt);
    return 0;
}

/* It is the first console, too: SPCR and DBG2 name it. */
static void pl011_describe_acpi(struct device *dev, struct acpi *acpi)
{
    device_acpi_begin(dev, &acpi->dsdt, "COM0", "ARMH0011", 0);
    aml_end(&acpi->dsdt);
    acpi->uart.base = dev->resources.mmio[0].base;
    acpi->uart.gsiv = device_gsiv(dev, 0);
}

static const struct mem_io_ops pl011_io = {pl011_read, pl011_write};

static const struct device_ops pl011_ops = {
    .name = "pl011",
    .reset = pl011_reset,
    .destroy = pl011_destroy,
    .describe = pl011_describe,
    .describe_acpi = pl011_describe_acpi,
    .io = {&pl011_io},
};

struct device *pl011_create(struct chr *chr)
{
    struct pl011 *uart = calloc(1, sizeof(*uart));
    if (!uart)
        return NULL;
    uart->dev.ops = &pl011_ops;
    uart->chr = chr;
    pthread_mutex_init(&uart->lock, NULL);
    pl011_reset(&uart->dev);
    if (chr)
        chr_set_receiver(chr, receive, uart);
    return &uart->dev;
}
