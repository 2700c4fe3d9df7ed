/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes ACPI Machine Language (ACPI 6.3, chapter 20) in the order in which it is encoded:
 * operators come before their operands. Errors latch and the code grows, as in fdt.h: write
 * everything, then look at code.error once.
 *
 *     aml_device(aml, "COM0");
 *     aml_name_string(aml, "_HID", "ARMH0011");
 *     aml_resources(aml, "_CRS");
 *     aml_memory32(aml, 0x09000000, 0x1000);
 *     aml_resources_end(aml);
 *     aml_end(aml);
 */
#ifndef ARMVM_MACHINE_FW_ACPI_AML_H
#define ARMVM_MACHINE_FW_ACPI_AML_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/fw/blob.h"

enum { AML_MAX_DEPTH = 16 };

struct aml {
    struct blob code;
    struct blob resources; /* the template that is being written */
    bool in_resources;
    unsigned depth;             /* open packages */
    size_t open[AML_MAX_DEPTH]; /* where their contents begin */
};

/* All zero is an empty one. Frees what was written. */
void aml_discard(struct aml *aml);
/* Latches an error if a package or template is open; the result is code.error. */
int aml_check(struct aml *aml);

/* --- data ---*/

void aml_int(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text); /* ASCII */
void aml_eisa_id(struct aml *aml, const char *id);  /* "PNP0A08" */
void aml_buffer(struct aml *aml, const void *data, size_t size);
void aml_uuid(struct aml *aml, const char *uuid); /* as ToUUID: 36 characters */
/* A name as an operand or an element: "GPIE", "\\_SB.PWRB", "^L000". */
void aml_path(struct aml *aml, const char *path);

/* --- what has contents, up to its aml_end ---*/

void aml_scope(struct aml *aml, const char *path);
void aml_device(struct aml *aml, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Methods with several threads inside must create no names: those are serialised. */
void aml_method(struct aml *aml, const char *name, unsigned args, bool serialised);
void aml_package(struct aml *aml, unsigned elements);
void aml_if(struct aml *aml); /* the predicate is the first thing inside */
void aml_else(struct aml *aml);
/* Units of a region that are accessed in 32 bits; others are preserved. */
void aml_field(struct aml *aml, const char *region);
void aml_end(struct aml *aml);

void aml_field_unit(struct aml *aml, const char *name, unsigned bits);
void aml_field_skip(struct aml *aml, unsigned bits);

/* --- named objects ---*/

void aml_name(struct aml *aml, const char *name); /* the object follows */
void aml_name_int(struct aml *aml, const char *name, uint64_t value);
void aml_name_string(struct aml *aml, const char *name, const char *text);
void aml_name_eisa_id(struct aml *aml, const char *name, const char *id);
/* An operation region in system memory. */
void aml_region(struct aml *aml, const char *name, uint64_t base, uint64_t size);

/* --- operators; the operands follow in this order ---*/

enum aml_op {
    AML_LOCAL0 = 0x60,
    AML_ARG0 = 0x68,  /* to AML_ARG0 + 6 */
    AML_STORE = 0x70, /* source, target */
    AML_AND = 0x7b,   /* a, b, target */
    AML_OR = 0x7d,
    AML_NOTIFY = 0x86,      /* object, value */
    AML_DWORD_FIELD = 0x8a, /* buffer, byte index, new name */
    AML_NOT = 0x92,         /* logical, of one operand */
    AML_EQUAL = 0x93,
    AML_RETURN = 0xa4,
};
void aml_op(struct aml *aml, enum aml_op op);

/* --- resource templates (6.4): Name(name, ResourceTemplate() { descriptors }) ---*/

void aml_resources(struct aml *aml, const char *name);
void aml_resources_end(struct aml *aml);

/* A device's own registers: Memory32Fixed, read and write. */
void aml_memory32(struct aml *aml, uint32_t base, uint32_t size);
/* The same wherever they are: Memory32Fixed or, above 4 GiB, a QWordMemory that is consumed. */
void aml_memory(struct aml *aml, uint64_t base, uint64_t size);
/* Windows that a bridge hands on, [min, min + size) on the bus, at min + translation for the CPU.
 */
void aml_window_memory32(struct aml *aml, uint64_t min, uint64_t size);
void aml_window_memory64(struct aml *aml, uint64_t min, uint64_t size);
void aml_window_io(struct aml *aml, uint64_t min, uint64_t size, uint64_t translation);
void aml_window_bus(struct aml *aml, uint16_t first, unsigned buses);
/* A GSIV that the device raises; high or rising. */
void aml_interrupt(struct aml *aml, uint32_t gsiv, bool edge);

#endif
