/* SPDX-License-Identifier: Apache-2.0 */
/* A PCI Express host bridge: its device (PCI Firmware Specification 3.2, 4.5), MCFG (4.1), and
 * IORT (Arm DEN 0049), which says that the ITS takes its MSIs. */
#include <string.h>

#include "base/bits.h"
#include "machine/fw/acpi/tables.h"

enum { PINS = 4, SLOTS = 32, GSIV_SPI0 = 32 };

/* _OSC's first capabilities word, and what of the third the system may have: native hot plug,
 * PME, AER, the PCI Express capability. No SHPC: there is no such bridge. */
enum { OSC_FAILED_UUID = 4, OSC_FAILED_REVISION = 8, OSC_MASKED = 0x10, OSC_GRANTED = 0x1d };
#define OSC_PCI_UUID "33db4d5b-1ff7-401c-9657-7441c03dd766"

static void link_name(char name[5], unsigned pin)
{
    memcpy(name, "L000", 5);
    name[3] = (char)('0' + pin);
}

/* An interrupt link (PNP0C0F) that is wired to one GSIV and cannot be set. */
static void write_link(struct aml *aml, unsigned pin, uint32_t gsiv)
{
    static const char *const names[] = {"_PRS", "_CRS"};
    char name[5];
    link_name(name, pin);
    aml_device(aml, "%s", name);
    aml_name_eisa_id(aml, "_HID", "PNP0C0F");
    aml_name_int(aml, "_UID", pin);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        aml_resources(aml, names[i]);
        aml_interrupt(aml, gsiv, false);
        aml_resources_end(aml);
    }
    aml_method(aml, "_SRS", 1, false);
    aml_end(aml);
    aml_end(aml);
}

/* 6.2.13: each pin of each device, all functions. */
static void write_routing(struct aml *aml)
{
    char name[5];
    aml_name(aml, "_PRT");
    aml_package(aml, SLOTS * PINS);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (unsigned pin = 0; pin < PINS; pin++) {
            link_name(name, (slot + pin) % PINS);
            aml_package(aml, 4);
            aml_int(aml, slot << 16 | 0xffff);
            aml_int(aml, pin);
            aml_path(aml, name);
            aml_int(aml, 0); /* index in the link's resources */
            aml_end(aml);
        }
    aml_end(aml);
}

static void write_windows(struct aml *aml, const struct pci_windows *w)
{
    aml_resources(aml, "_CRS");
    aml_window_bus(aml, 0, w->buses);
    if (w->mmio32_size)
        aml_window_memory32(aml, w->mmio32, w->mmio32_size);
    if (w->pio_size)
        aml_window_io(aml, 0, w->pio_size, w->pio);
    if (w->mmio64_size)
        aml_window_memory64(aml, w->mmio64, w->mmio64_size);
    aml_resources_end(aml);
}

static void dword_field(struct aml *aml, unsigned at, const char *name)
{
    aml_op(aml, AML_DWORD_FIELD);
    aml_op(aml, AML_ARG0 + 3);
    aml_int(aml, at);
    aml_path(aml, name);
}

/* CDW1 |= bits */
static void report(struct aml *aml, unsigned bits)
{
    aml_op(aml, AML_OR);
    aml_path(aml, "CDW1");
    aml_int(aml, bits);
    aml_path(aml, "CDW1");
}

/* If the third word asks for more than there is: less, and say so. */
static void write_osc_grant(struct aml *aml)
{
    dword_field(aml, 8, "CDW3");
    aml_op(aml, AML_AND);
    aml_path(aml, "CDW3");
    aml_int(aml, OSC_GRANTED);
    aml_op(aml, AML_LOCAL0);
    aml_if(aml);
    aml_op(aml, AML_NOT);
    aml_op(aml, AML_EQUAL);
    aml_op(aml, AML_ARG0 + 1);
    aml_int(aml, 1);
    report(aml, OSC_FAILED_REVISION);
    aml_end(aml);
    aml_if(aml);
    aml_op(aml, AML_NOT);
    aml_op(aml, AML_EQUAL);
    aml_path(aml, "CDW3");
    aml_op(aml, AML_LOCAL0);
    report(aml, OSC_MASKED);
    aml_end(aml);
    aml_op(aml, AML_STORE);
    aml_op(aml, AML_LOCAL0);
    aml_path(aml, "CDW3");
}

/* 6.2.11: Arg0 the UUID, Arg1 the revision, Arg3 the capabilities, returned as they are granted. */
static void write_osc(struct aml *aml)
{
    aml_method(aml, "_OSC", 4, true);
    dword_field(aml, 0, "CDW1");
    aml_if(aml);
    aml_op(aml, AML_EQUAL);
    aml_op(aml, AML_ARG0);
    aml_uuid(aml, OSC_PCI_UUID);
    write_osc_grant(aml);
    aml_end(aml);
    aml_else(aml);
    report(aml, OSC_FAILED_UUID);
    aml_end(aml);
    aml_op(aml, AML_RETURN);
    aml_op(aml, AML_ARG0 + 3);
    aml_end(aml);
}

/* Configuration space must be somebody's memory, too (PCI Firmware Specification 4.1.2). */
static void write_reserved(struct aml *aml, const struct pci_windows *w)
{
    aml_device(aml, "RES0");
    aml_name_eisa_id(aml, "_HID", "PNP0C02");
    aml_resources(aml, "_CRS");
    aml_memory(aml, w->ecam, w->ecam_size);
    aml_resources_end(aml);
    aml_end(aml);
}

void acpi_pci_host(struct acpi *acpi, const struct pci_windows *windows)
{
    struct aml *aml = &acpi->dsdt;
    acpi->pci = *windows;
    for (unsigned pin = 0; pin < PINS; pin++)
        write_link(aml, pin, GSIV_SPI0 + windows->intx_spi + pin);
    aml_device(aml, "PCI0");
    aml_name_eisa_id(aml, "_HID", "PNP0A08");
    aml_name_eisa_id(aml, "_CID", "PNP0A03");
    aml_name_int(aml, "_SEG", 0);
    aml_name_int(aml, "_BBN", 0);
    aml_name_int(aml, "_UID", 0);
    aml_name_int(aml, "_CCA", 1);
    aml_name_int(aml, "_CBA", windows->ecam);
    write_windows(aml, windows);
    write_routing(aml);
    write_osc(aml);
    write_reserved(aml, windows);
    aml_end(aml);
}

void acpi_write_mcfg(struct acpi_writer *writer, const struct acpi *acpi)
{
    acpi_begin(writer, "MCFG", 1);
    acpi_put(writer, 8, 0);
    acpi_put(writer, 8, acpi->pci.ecam);
    acpi_put(writer, 2, 0); /* segment */
    acpi_put(writer, 1, 0); /* first and last bus */
    acpi_put(writer, 1, acpi->pci.buses - 1);
    acpi_put(writer, 4, 0);
    acpi_end_listed(writer);
}

/* --- IORT ------------------------------------------------------------------------------------*/

enum { IORT_REVISION = 0 /* issue D */, IORT_HEAD = 48, ITS_GROUP = 0, ROOT_COMPLEX = 2 };
enum { RC_SIZE = 36, RC_MAPPING_SIZE = 20, RC_COHERENT = 1, RC_MEMORY_FLAGS = 3 /* CPM, DACS */ };

static void begin_node(struct acpi_writer *writer, unsigned type, unsigned length,
                       unsigned revision)
{
    acpi_put(writer, 1, type);
    acpi_put(writer, 2, length);
    acpi_put(writer, 1, revision);
    acpi_put(writer, 4, 0);
}

void acpi_write_iort(struct acpi_writer *writer, const struct acpi *acpi)
{
    acpi_begin(writer, "IORT", IORT_REVISION);
    acpi_put(writer, 4, 2); /* nodes */
    acpi_put(writer, 4, IORT_HEAD);
    acpi_put(writer, 4, 0);

    size_t its_group = acpi_offset(writer);
    begin_node(writer, ITS_GROUP, 24, 0);
    acpi_put(writer, 4, 0); /* mappings */
    acpi_put(writer, 4, 0);
    acpi_put(writer, 4, 1); /* ITSs */
    acpi_put(writer, 4, 0); /* MADT's GIC ITS ID */

    begin_node(writer, ROOT_COMPLEX, RC_SIZE + RC_MAPPING_SIZE, 1);
    acpi_put(writer, 4, 1); /* mappings */
    acpi_put(writer, 4, RC_SIZE);
    acpi_put(writer, 4, RC_COHERENT);
    acpi_put(writer, 3, 0); /* allocation hints, reserved */
    acpi_put(writer, 1, RC_MEMORY_FLAGS);
    acpi_put(writer, 4, 0);  /* ATS */
    acpi_put(writer, 4, 0);  /* PCI segment */
    acpi_put(writer, 1, 64); /* address bits */
    acpi_put(writer, 3, 0);
    acpi_put(writer, 4, 0);                         /* requester IDs from */
    acpi_put(writer, 4, acpi->pci.buses * 256 - 1); /* how many, minus one */
    acpi_put(writer, 4, 0);                         /* are device IDs from */
    acpi_put(writer, 4, its_group);
    acpi_put(writer, 4, 0);
    acpi_end_listed(writer);
}
