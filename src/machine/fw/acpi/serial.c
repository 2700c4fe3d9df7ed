/* SPDX-License-Identifier: Apache-2.0 */
/* Where the first console is: SPCR and DBG2 (Microsoft's specifications). */
#include <string.h>

#include "machine/fw/acpi/tables.h"

enum { SPCR_REVISION = 2, SPCR_PL011 = 3, SPCR_GIC = 8, SPCR_115200 = 7, SPCR_NO_PCI = 0xffff };
enum { DBG2_SERIAL = 0x8000, DBG2_PL011 = 3, DBG2_HEAD = 22, UART_SIZE = 0x1000 };

void acpi_write_spcr(struct acpi_writer *writer, const struct acpi *acpi)
{
    acpi_begin(writer, "SPCR", SPCR_REVISION);
    acpi_put(writer, 1, SPCR_PL011);
    acpi_put(writer, 3, 0);
    acpi_put_register(writer, acpi->uart.base);
    acpi_put(writer, 1, SPCR_GIC); /* interrupt type */
    acpi_put(writer, 1, 0);        /* a PC's IRQ */
    acpi_put(writer, 4, acpi->uart.gsiv);
    acpi_put(writer, 1, SPCR_115200);
    acpi_put(writer, 1, 0); /* parity */
    acpi_put(writer, 1, 1); /* stop bits */
    acpi_put(writer, 1, 0); /* flow control */
    acpi_put(writer, 1, 0); /* terminal: VT100 */
    acpi_put(writer, 1, 0);
    acpi_put(writer, 2, SPCR_NO_PCI);
    acpi_put(writer, 2, SPCR_NO_PCI);
    acpi_put_zeros(writer, 12); /* where on PCI, reserved */
    acpi_end_listed(writer);
}

void acpi_write_dbg2(struct acpi_writer *writer, const struct acpi *acpi)
{
    static const char name[] = "\\_SB.COM0";
    const unsigned size = 12 + 4; /* one register and its size */
    acpi_begin(writer, "DBG2", 0);
    acpi_put(writer, 4, acpi_offset(writer) + 8); /* of the one structure */
    acpi_put(writer, 4, 1);
    acpi_put(writer, 1, 0); /* its revision */
    acpi_put(writer, 2, DBG2_HEAD + size + sizeof(name));
    acpi_put(writer, 1, 1); /* registers */
    acpi_put(writer, 2, sizeof(name));
    acpi_put(writer, 2, DBG2_HEAD + size);
    acpi_put(writer, 2, 0); /* OEM data */
    acpi_put(writer, 2, 0);
    acpi_put(writer, 2, DBG2_SERIAL);
    acpi_put(writer, 2, DBG2_PL011);
    acpi_put(writer, 2, 0);
    acpi_put(writer, 2, DBG2_HEAD);
    acpi_put(writer, 2, DBG2_HEAD + 12);
    acpi_put_register(writer, acpi->uart.base);
    acpi_put(writer, 4, UART_SIZE);
    blob_put(&writer->files->tables, name, sizeof(name));
    acpi_end_listed(writer);
}
