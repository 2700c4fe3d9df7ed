/* SPDX-License-Identifier: Apache-2.0 */
/* ACPI 6.3, 20.2: names, data, packages, operators. */
#include "machine/fw/acpi/aml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"

enum {
    ZERO_OP = 0x00,
    ONE_OP = 0x01,
    NAME_OP = 0x08,
    BYTE_PREFIX = 0x0a,
    WORD_PREFIX = 0x0b,
    DWORD_PREFIX = 0x0c,
    STRING_PREFIX = 0x0d,
    QWORD_PREFIX = 0x0e,
    SCOPE_OP = 0x10,
    BUFFER_OP = 0x11,
    PACKAGE_OP = 0x12,
    METHOD_OP = 0x14,
    DUAL_NAME_PREFIX = 0x2e,
    MULTI_NAME_PREFIX = 0x2f,
    EXT_PREFIX = 0x5b,
    EXT_REGION_OP = 0x80,
    EXT_FIELD_OP = 0x81,
    EXT_DEVICE_OP = 0x82,
    IF_OP = 0xa0,
    ELSE_OP = 0xa1,
    SYSTEM_MEMORY = 0,
    FIELD_DWORD_ACCESS = 3,
    METHOD_SERIALISED = 8,
    NAME_SEGMENT = 4,
};

static void put_byte(struct aml *aml, uint8_t byte)
{
    blob_put(&aml->code, &byte, 1);
}

void aml_discard(struct aml *aml)
{
    blob_free(&aml->code);
    blob_free(&aml->resources);
    *aml = (struct aml){0};
}

int aml_check(struct aml *aml)
{
    if (aml->depth || aml->in_resources)
        blob_fail(&aml->code, -EINVAL);
    return aml->code.error;
}

/* --- PkgLength -------------------------------------------------------------------------------*/

/* 20.2.4: up to 63 in one byte; else four bits in the first byte and one to three more bytes. */
static unsigned encode_length(uint8_t raw[4], size_t value)
{
    if (value < 0x40) {
        raw[0] = (uint8_t)value;
        return 1;
    }
    unsigned bytes = value < 1u << 12 ? 2 : value < 1u << 20 ? 3 : 4;
    raw[0] = (uint8_t)((bytes - 1) << 6 | (value & 0xf));
    for (unsigned i = 1; i < bytes; i++)
        raw[i] = (uint8_t)(value >> (8 * i - 4));
    return bytes;
}

/* A package's length counts its own encoding: the shortest that can say it. */
static unsigned encode_package_length(uint8_t raw[4], size_t contents)
{
    unsigned bytes = 1;
    if (contents + 1 >= 0x40)
        for (bytes = 2; bytes < 4 && contents + bytes >= (size_t)1 << (8 * bytes - 4);)
            bytes++;
    return encode_length(raw, contents + bytes);
}

static void open_package(struct aml *aml)
{
    if (aml->depth == AML_MAX_DEPTH) {
        blob_fail(&aml->code, -E2BIG);
        return;
    }
    aml->open[aml->depth++] = aml->code.size;
}

void aml_end(struct aml *aml)
{
    uint8_t raw[4];
    if (aml->code.error)
        return;
    if (aml->depth == 0) {
        aml->code.error = -EINVAL;
        return;
    }
    size_t at = aml->open[--aml->depth];
    unsigned bytes = encode_package_length(raw, aml->code.size - at);
    blob_insert(&aml->code, at, raw, bytes);
}

/* --- names -----------------------------------------------------------------------------------*/

static bool is_lead(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '_';
}

/* A NameSeg: one to four characters, filled up with '_'. */
static void put_segment(struct aml *aml, const char *name, size_t len)
{
    char segment[NAME_SEGMENT] = {'_', '_', '_', '_'};
    if (len == 0 || len > NAME_SEGMENT || !is_lead(name[0])) {
        blob_fail(&aml->code, -EINVAL);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_lead(name[i]) && (name[i] < '0' || name[i] > '9'))
            blob_fail(&aml->code, -EINVAL);
        segment[i] = name[i];
    }
    blob_put(&aml->code, segment, sizeof(segment));
}

/* A NameString (20.2.2). */
void aml_path(struct aml *aml, const char *path)
{
    size_t segments = 1;
    if (*path == '\\')
        put_byte(aml, (uint8_t)*path++);
    else
        while (*path == '^')
            put_byte(aml, (uint8_t)*path++);
    if (!*path) {
        put_byte(aml, 0); /* NullName */
        return;
    }
    for (const char *c = path; *c; c++)
        segments += *c == '.';
    if (segments > UINT8_MAX) {
        blob_fail(&aml->code, -ENAMETOOLONG);
        return;
    }
    if (segments == 2) {
        put_byte(aml, DUAL_NAME_PREFIX);
    } else if (segments > 2) {
        put_byte(aml, MULTI_NAME_PREFIX);
        put_byte(aml, (uint8_t)segments);
    }
    for (;; path++) {
        size_t len = strcspn(path, ".");
        put_segment(aml, path, len);
        path += len;
        if (!*path)
            break;
    }
}

/* --- data ------------------------------------------------------------------------------------*/

void aml_int(struct aml *aml, uint64_t value)
{
    if (value <= 1) {
        put_byte(aml, value ? ONE_OP : ZERO_OP);
        return;
    }
    unsigned size = value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
    put_byte(aml, size == 1   ? BYTE_PREFIX
                  : size == 2 ? WORD_PREFIX
                  : size == 4 ? DWORD_PREFIX
                              : QWORD_PREFIX);
    blob_le(&aml->code, size, value);
}

void aml_string(struct aml *aml, const char *text)
{
    for (const char *c = text; *c; c++)
        if ((uint8_t)*c >= 0x80)
            blob_fail(&aml->code, -EINVAL);
    put_byte(aml, STRING_PREFIX);
    blob_put(&aml->code, text, strlen(text) + 1);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* 19.3.4, EISAID: three letters of five bits and four digits, in the byte order of the EISA bus. */
void aml_eisa_id(struct aml *aml, const char *id)
{
    uint8_t raw[4];
    uint32_t value = 0;
    bool good = strlen(id) == 7;
    for (unsigned i = 0; good && i < 7; i++) {
        int digit = i < 3 ? id[i] - '@' : hex(id[i]);
        good = i < 3 ? digit >= 1 && digit <= 26 : digit >= 0;
        value = value << (i < 3 ? 5 : 4) | (uint32_t)digit;
    }
    if (!good) {
        blob_fail(&aml->code, -EINVAL);
        return;
    }
    st_be(raw, sizeof(raw), value);
    put_byte(aml, DWORD_PREFIX);
    blob_put(&aml->code, raw, sizeof(raw));
}

void aml_buffer(struct aml *aml, const void *data, size_t size)
{
    put_byte(aml, BUFFER_OP);
    open_package(aml);
    aml_int(aml, size);
    blob_put(&aml->code, data, size);
    aml_end(aml);
}

/* 19.6.142: the first three groups are numbers, and so little-endian; the rest are bytes. */
void aml_uuid(struct aml *aml, const char *uuid)
{
    static const uint8_t place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t raw[16] = {0};
    bool good = strlen(uuid) == 36;
    for (unsigned i = 0; good && i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            good = *uuid++ == '-';
        int high = hex(uuid[0]), low = high < 0 ? -1 : hex(uuid[1]);
        good = good && low >= 0;
        raw[place[i]] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
        uuid += 2;
    }
    if (!good) {
        blob_fail(&aml->code, -EINVAL);
        return;
    }
    aml_buffer(aml, raw, sizeof(raw));
}

/* --- what has contents -----------------------------------------------------------------------*/

void aml_scope(struct aml *aml, const char *path)
{
    put_byte(aml, SCOPE_OP);
    open_package(aml);
    aml_path(aml, path);
}

void aml_device(struct aml *aml, const char *fmt, ...)
{
    char name[NAME_SEGMENT + 1];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    put_byte(aml, EXT_PREFIX);
    put_byte(aml, EXT_DEVICE_OP);
    open_package(aml);
    put_segment(aml, name, len < 0 ? 0 : (size_t)len);
}

void aml_method(struct aml *aml, const char *name, unsigned args, bool serialised)
{
    if (args > 7)
        blob_fail(&aml->code, -EINVAL);
    put_byte(aml, METHOD_OP);
    open_package(aml);
    aml_path(aml, name);
    put_byte(aml, (uint8_t)(args | (serialised ? METHOD_SERIALISED : 0)));
}

void aml_package(struct aml *aml, unsigned elements)
{
    if (elements > UINT8_MAX)
        blob_fail(&aml->code, -E2BIG);
    put_byte(aml, PACKAGE_OP);
    open_package(aml);
    put_byte(aml, (uint8_t)elements);
}

void aml_if(struct aml *aml)
{
    put_byte(aml, IF_OP);
    open_package(aml);
}

void aml_else(struct aml *aml)
{
    put_byte(aml, ELSE_OP);
    open_package(aml);
}

void aml_field(struct aml *aml, const char *region)
{
    put_byte(aml, EXT_PREFIX);
    put_byte(aml, EXT_FIELD_OP);
    open_package(aml);
    aml_path(aml, region);
    put_byte(aml, FIELD_DWORD_ACCESS);
}

static void put_field_length(struct aml *aml, unsigned bits)
{
    uint8_t raw[4];
    if (bits >= 1u << 28) {
        blob_fail(&aml->code, -EINVAL);
        return;
    }
    blob_put(&aml->code, raw, encode_length(raw, bits));
}

void aml_field_unit(struct aml *aml, const char *name, unsigned bits)
{
    put_segment(aml, name, strlen(name));
    put_field_length(aml, bits);
}

void aml_field_skip(struct aml *aml, unsigned bits)
{
    put_byte(aml, 0);
    put_field_length(aml, bits);
}

/* --- named objects ---------------------------------------------------------------------------*/

void aml_name(struct aml *aml, const char *name)
{
    put_byte(aml, NAME_OP);
    aml_path(aml, name);
}

void aml_name_int(struct aml *aml, const char *name, uint64_t value)
{
    aml_name(aml, name);
    aml_int(aml, value);
}

void aml_name_string(struct aml *aml, const char *name, const char *text)
{
    aml_name(aml, name);
    aml_string(aml, text);
}

void aml_name_eisa_id(struct aml *aml, const char *name, const char *id)
{
    aml_name(aml, name);
    aml_eisa_id(aml, id);
}

void aml_region(struct aml *aml, const char *name, uint64_t base, uint64_t size)
{
    put_byte(aml, EXT_PREFIX);
    put_byte(aml, EXT_REGION_OP);
    aml_path(aml, name);
    put_byte(aml, SYSTEM_MEMORY);
    aml_int(aml, base);
    aml_int(aml, size);
}

void aml_op(struct aml *aml, enum aml_op op)
{
    put_byte(aml, (uint8_t)op);
}
