/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/text.h"

/* Offsets in the headers, by the tables of the PE Format. */
enum {
    DOS_PE_OFFSET = 0x3c,
    COFF_SIZE = 24, /* with the signature */
    OPTIONAL_MAX = 1024,
    OPTIONAL_MIN_PE32 = 96,
    OPTIONAL_MIN_PLUS = 112,
    DIRECTORY_CERTIFICATES = 4,
    SECTION_SIZE = 40,
    MAGIC_PE32 = 0x10b,
    MAGIC_PLUS = 0x20b,
};

/* --- headers ---------------------------------------------------------------------------------- */

static int read_coff(const struct image_source *file, struct pe *pe, uint64_t *at,
                     uint32_t *optional_size, struct error *err)
{
    uint8_t dos[64], coff[COFF_SIZE];
    int rc = source_read(file, 0, dos, sizeof(dos));

    if (rc == -ERANGE || (!rc && memcmp(dos, "MZ", 2)))
        return error_set(err, -EINVAL, "not a PE image: it does not begin with MZ");
    if (rc)
        return error_set(err, rc, "cannot be read: %s", strerror(-rc));
    *at = ld_le(dos + DOS_PE_OFFSET, 4);
    rc = source_read(file, *at, coff, sizeof(coff));
    if (rc && rc != -ERANGE)
        return error_set(err, rc, "cannot be read: %s", strerror(-rc));
    if (rc || memcmp(coff, "PE\0", 4))
        return error_set(err, -EINVAL, "not a PE image: no PE header where the MZ header says");
    pe->machine = (uint16_t)ld_le(coff + 4, 2);
    pe->sections = (unsigned)ld_le(coff + 6, 2);
    *optional_size = (uint32_t)ld_le(coff + 20, 2);
    if (pe->sections > PE_SECTIONS_MAX) {
        findings_add(&pe->findings, FINDING_ERROR, "pe-sections", "%u sections, at most %d",
                     pe->sections, PE_SECTIONS_MAX);
        pe->sections = PE_SECTIONS_MAX;
    }
    return 0;
}

static void parse_directories(const uint8_t *o, uint32_t size, uint64_t file_size, struct pe *pe)
{
    uint32_t base = pe->plus ? OPTIONAL_MIN_PLUS : OPTIONAL_MIN_PE32;
    uint32_t count = (uint32_t)ld_le(o + base - 4, 4), at = base + 8 * DIRECTORY_CERTIFICATES;

    if (count > (size - base) / 8) {
        findings_add(&pe->findings, FINDING_ERROR, "pe-directories",
                     "%" PRIu32 " data directories do not fit into the optional header", count);
        count = (size - base) / 8;
    }
    if (count > DIRECTORY_CERTIFICATES) { /* the only one with an offset in the file */
        uint64_t offset = ld_le(o + at, 4), len = ld_le(o + at + 4, 4);
        if (len && (offset > file_size || len > file_size - offset))
            findings_add(&pe->findings, FINDING_ERROR, "pe-certificates",
                         "the certificate table lies outside the file");
        else
            pe->certificates = (uint32_t)len;
    }
}

static int read_optional(const struct image_source *file, struct pe *pe, uint64_t at, uint32_t size,
                         struct error *err)
{
    uint8_t o[OPTIONAL_MAX] = {0};
    uint32_t kept = size < sizeof(o) ? size : (uint32_t)sizeof(o);
    int rc = source_read(file, at, o, kept);

    if (rc && rc != -ERANGE)
        return error_set(err, rc, "cannot be read: %s", strerror(-rc));
    pe->plus = ld_le(o, 2) == MAGIC_PLUS;
    if (rc || (!pe->plus && ld_le(o, 2) != MAGIC_PE32) ||
        size < (pe->plus ? OPTIONAL_MIN_PLUS : OPTIONAL_MIN_PE32))
        return error_set(err, -EINVAL, "not a PE image that can run: no optional header");
    pe->entry = (uint32_t)ld_le(o + 16, 4);
    pe->section_alignment = (uint32_t)ld_le(o + 32, 4);
    pe->file_alignment = (uint32_t)ld_le(o + 36, 4);
    pe->image_size = (uint32_t)ld_le(o + 56, 4);
    pe->subsystem = (uint16_t)ld_le(o + 68, 2);
    parse_directories(o, kept, file->size, pe);
    return 0;
}

static int read_sections(const struct image_source *file, struct pe *pe, uint64_t at)
{
    for (unsigned i = 0; i < pe->sections; i++) {
        struct pe_section *s = &pe->section[i];
        uint8_t raw[SECTION_SIZE];
        int rc = source_read(file, at + (uint64_t)i * SECTION_SIZE, raw, sizeof(raw));
        if (rc == -ERANGE) {
            findings_add(&pe->findings, FINDING_ERROR, "pe-table",
                         "the file ends within its table of sections");
            pe->sections = i;
            return 0;
        }
        if (rc)
            return rc;
        text_utf8(raw, 8, s->name, sizeof(s->name));
        s->size = (uint32_t)ld_le(raw + 8, 4);
        s->address = (uint32_t)ld_le(raw + 12, 4);
        s->file_size = (uint32_t)ld_le(raw + 16, 4);
        s->offset = (uint32_t)ld_le(raw + 20, 4);
        s->flags = (uint32_t)ld_le(raw + 36, 4);
    }
    return 0;
}

/* --- judging ---------------------------------------------------------------------------------- */

static void judge_section(const struct pe_section *s, uint64_t file_size, struct pe *pe)
{
    uint32_t loaded = s->size > s->file_size ? s->size : s->file_size;

    if (s->file_size && (s->offset > file_size || s->file_size > file_size - s->offset))
        findings_add(&pe->findings, FINDING_ERROR, "pe-section-file",
                     "section %s lies outside the file", s->name);
    if (s->address > pe->image_size || s->size > pe->image_size - s->address ||
        (!s->size && loaded > pe->image_size - s->address))
        findings_add(&pe->findings, FINDING_ERROR, "pe-section-memory",
                     "section %s lies outside the image in memory", s->name);
}

static void judge(const struct image_source *file, struct pe *pe)
{
    bool in_code = false;

    if (pe->subsystem != PE_SUBSYSTEM_EFI_APPLICATION)
        findings_add(&pe->findings, FINDING_ERROR, "pe-subsystem",
                     "subsystem %u is not that of an EFI application, %d", pe->subsystem,
                     PE_SUBSYSTEM_EFI_APPLICATION);
    if (pe->plus != (pe->machine != PE_MACHINE_ARM_THUMB && pe->machine != PE_MACHINE_I386))
        findings_add(&pe->findings, FINDING_ERROR, "pe-width", "PE32%s does not fit machine %04X",
                     pe->plus ? "+" : "", pe->machine);
    if (!pe->sections)
        findings_add(&pe->findings, FINDING_ERROR, "pe-empty", "there are no sections");
    for (unsigned i = 0; i < pe->sections; i++) {
        const struct pe_section *s = &pe->section[i];
        judge_section(s, file->size, pe);
        in_code |= pe->entry >= s->address && pe->entry - s->address < s->size;
    }
    if (!pe->entry || pe->entry >= pe->image_size)
        findings_add(&pe->findings, FINDING_ERROR, "pe-entry",
                     "the entry point %" PRIX32 " lies outside the image", pe->entry);
    else if (pe->sections && !in_code)
        findings_add(&pe->findings, FINDING_NOTE, "pe-entry-section",
                     "the entry point %" PRIX32 " is in no section", pe->entry);
}

/* --- what it is ------------------------------------------------------------------------------- */

const struct pe_section *pe_find(const struct pe *pe, const char *name)
{
    for (unsigned i = 0; i < pe->sections; i++)
        if (!strcmp(pe->section[i].name, name))
            return &pe->section[i];
    return NULL;
}

/* The beginning of a section as text. */
static void section_text(const struct image_source *file, const struct pe *pe, const char *name,
                         char *text, size_t size)
{
    const struct pe_section *s = pe_find(pe, name);
    uint32_t len = s ? s->size && s->size < s->file_size ? s->size : s->file_size : 0;

    text[0] = 0;
    if (len > size - 1)
        len = (uint32_t)size - 1;
    if (len && !source_read(file, s->offset, text, len))
        text[len] = 0;
    else
        text[0] = 0;
}

/* .sbat has lines "component,generation,vendor,package,version,url" (shim's SBAT.md). */
static bool sbat_component(const char *sbat, const char *component, char *version, size_t size)
{
    size_t len = strlen(component);

    for (const char *line = sbat; *line;) {
        const char *end = line + strcspn(line, "\n");
        if (!strncmp(line, component, len) && line[len] == ',') {
            const char *field = line;
            for (unsigned i = 0; i < 4 && field; i++) {
                field = memchr(field, ',', (size_t)(end - field));
                field = field ? field + 1 : NULL;
            }
            if (field)
                text_utf8((const uint8_t *)field, strcspn(field, ",\n"), version, size);
            return true;
        }
        line = *end ? end + 1 : end;
    }
    return false;
}

/* systemd-boot says "#### LoaderInfo: systemd-boot 252 ####" in .sdmagic, where its build keeps
 * that section; on arm64 gnu-efi's makes it a part of .data. */
static void loader_info(const struct image_source *file, const struct pe *pe, char *text,
                        size_t size)
{
    enum { SEARCHED = 512 << 10 };
    static const char mark[] = "#### LoaderInfo: ";
    size_t len = file->size < SEARCHED ? (size_t)file->size : SEARCHED;
    const uint8_t *at;
    uint8_t *data;

    section_text(file, pe, ".sdmagic", text, size);
    if (text[0])
        return;
    data = malloc(len);
    at =
        data && !source_read(file, 0, data, len) ? memmem(data, len, mark, sizeof(mark) - 1) : NULL;
    if (at) {
        size_t left = len - (size_t)(at - data), n = left < size - 1 ? left : size - 1;
        memcpy(text, at, n);
        text[n] = 0;
    }
    free(data);
}

static bool sdmagic(const char *text, const char *program, char *version, size_t size)
{
    const char *at = strstr(text, program);

    if (!at)
        return false;
    at += strlen(program);
    at += strspn(at, " ");
    text_utf8((const uint8_t *)at, strcspn(at, " #"), version, size);
    return true;
}

/* The Image header has "ARM\x64" at 56 (Linux' booting.rst), a compressed one "zimg" at 4, an arm
 * zImage 0x016f2818 at 36. */
static bool is_linux(const struct image_source *file)
{
    uint8_t head[64];

    if (source_read(file, 0, head, sizeof(head)))
        return false;
    return !memcmp(head + 56, "ARM\x64", 4) || !memcmp(head + 4, "zimg", 4) ||
           ld_le(head + 36, 4) == 0x016f2818;
}

static void classify(const struct image_source *file, struct pe *pe)
{
    char sbat[2048], info[128], *v = pe->version;
    size_t size = sizeof(pe->version);

    section_text(file, pe, ".sbat", sbat, sizeof(sbat));
    loader_info(file, pe, info, sizeof(info));
    if (pe_find(pe, ".linux") && (pe_find(pe, ".osrel") || pe_find(pe, ".cmdline")))
        pe->kind = PE_SYSTEMD_STUB;
    else if (sdmagic(info, "systemd-boot", v, size) ||
             sbat_component(sbat, "systemd-boot", v, size))
        pe->kind = PE_SYSTEMD_BOOT;
    else if (sdmagic(info, "systemd-stub", v, size))
        pe->kind = PE_SYSTEMD_STUB;
    else if (sbat_component(sbat, "grub", v, size) || pe_find(pe, "mods"))
        pe->kind = PE_GRUB;
    else if (sbat_component(sbat, "shim", v, size) || pe_find(pe, ".vendor_"))
        pe->kind = PE_SHIM;
    else if (is_linux(file))
        pe->kind = PE_LINUX;
    else if (sbat_component(sbat, "u-boot", v, size))
        pe->kind = PE_UBOOT;
}

/* ---------------------------------------------------------------------------------------------- */

int pe_read(const struct image_source *file, struct pe *pe, struct error *err)
{
    uint32_t optional_size = 0;
    uint64_t at = 0;
    int rc;

    memset(pe, 0, sizeof(*pe));
    rc = read_coff(file, pe, &at, &optional_size, err);
    if (!rc)
        rc = read_optional(file, pe, at + COFF_SIZE, optional_size, err);
    if (rc)
        return rc;
    rc = read_sections(file, pe, at + COFF_SIZE + optional_size);
    if (rc)
        return error_set(err, rc, "cannot be read: %s", strerror(-rc));
    judge(file, pe);
    classify(file, pe);
    return 0;
}

const char *pe_machine_name(uint16_t machine)
{
    switch (machine) {
    case PE_MACHINE_AMD64:
        return "x86-64";
    case PE_MACHINE_I386:
        return "x86";
    case PE_MACHINE_ARM64:
        return "AArch64";
    case PE_MACHINE_ARM_THUMB:
        return "Arm (32 bits)";
    case PE_MACHINE_RISCV64:
        return "RISC-V 64";
    case PE_MACHINE_LOONGARCH64:
        return "LoongArch 64";
    case PE_MACHINE_EBC:
        return "EFI byte code";
    default:
        return NULL;
    }
}

const char *pe_kind_name(enum pe_kind kind)
{
    static const char *const names[] = {
        [PE_UNKNOWN] = "EFI program",
        [PE_GRUB] = "GRUB",
        [PE_SYSTEMD_BOOT] = "systemd-boot",
        [PE_SYSTEMD_STUB] = "systemd-stub with a kernel",
        [PE_SHIM] = "shim",
        [PE_LINUX] = "Linux kernel with its EFI stub",
        [PE_UBOOT] = "U-Boot",
    };

    return names[kind];
}
