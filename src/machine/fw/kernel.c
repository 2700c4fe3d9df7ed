/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/fw/kernel.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "machine/fw/unpack.h"

enum {
    KERNEL_MAX = 1 << 30,   /* bytes, also unpacked */
    KERNEL_ALIGN = 2 << 20, /* of an Image's base and of the device tree */
    IMAGE_HEADER = 64,
    HEADERS = 4096,  /* what of a file is looked at first: has the PE headers of an Image */
    ZBOOT_TYPE = 24, /* offset of the compression's name, up to the PE pointer */
    ZBOOT_TYPE_LEN = 32,
    OLD_TEXT_OFFSET = 0x80000, /* for an image_size of 0 (before Linux 3.17) */
    OLD_BSS_ROOM = 16 << 20,
};

#define EXPECTED "expected an AArch64 kernel (Image, Image.gz, vmlinuz or ELF)"

static bool is_image(const uint8_t *data, size_t size)
{
    return size >= IMAGE_HEADER && memcmp(data + 56, "ARM\x64", 4) == 0;
}

static bool is_zboot(const uint8_t *data, size_t size)
{
    return size >= IMAGE_HEADER && memcmp(data, "MZ", 2) == 0 && memcmp(data + 4, "zimg", 4) == 0;
}

static bool is_elf(const uint8_t *data, size_t size)
{
    return size >= sizeof(Elf64_Ehdr) && memcmp(data, ELFMAG, SELFMAG) == 0 &&
           data[EI_CLASS] == ELFCLASS64 && data[EI_DATA] == ELFDATA2LSB &&
           ld_le(data + offsetof(Elf64_Ehdr, e_machine), 2) == EM_AARCH64;
}

/* An Image that is an EFI program too says in its PE section table how long the file must be: the
 * end of the last section, or 0. There is nothing else to tell a truncated Image by. */
static uint64_t pe_file_size(const uint8_t *data, size_t size)
{
    uint64_t pe = ld_le(data + 0x3c, 4), end = 0;
    if (memcmp(data, "MZ", 2) != 0 || pe > size - 24 || memcmp(data + pe, "PE\0\0", 4) != 0)
        return 0;
    uint64_t sections = ld_le(data + pe + 6, 2);
    uint64_t at = pe + 24 + ld_le(data + pe + 20, 2);
    for (; sections && at + 40 <= size; sections--, at += 40) {
        uint64_t raw_end = ld_le(data + at + 16, 4) + ld_le(data + at + 20, 4);
        if (raw_end > end)
            end = raw_end;
    }
    return end;
}

/* booting.rst, "Call the kernel image": text_offset at 8, image_size at 16, flags at 24. */
static int parse_image(const char *name, const uint8_t *header, size_t header_size,
                       struct kernel *kernel, struct error *err)
{
    uint64_t file_size = pe_file_size(header, header_size);
    if (file_size > kernel->size)
        return error_set(err, -ENODATA, "kernel %s is truncated: %zu bytes of at least %" PRIu64,
                         name, kernel->size, file_size);
    uint64_t text_offset = ld_le(header + 8, 8);
    uint64_t image_size = ld_le(header + 16, 8);
    if (image_size == 0) {
        text_offset = OLD_TEXT_OFFSET;
        image_size = kernel->size + OLD_BSS_ROOM;
    }
    if (text_offset >= 1ull << 32 || text_offset & 7 || image_size >= 1ull << 40)
        return error_set(err, -EINVAL,
                         "kernel %s: damaged arm64 Image header (text_offset 0x%" PRIx64
                         ", image_size 0x%" PRIx64 ")",
                         name, text_offset, image_size);
    /* image_size covers BSS; some images carry a signature behind it. */
    if (image_size < kernel->size)
        image_size = kernel->size;
    kernel->format = "arm64 Image";
    kernel->entry = text_offset;
    kernel->segments = 1;
    kernel->segment[0] = (struct kernel_segment){
        .addr = text_offset, .file_size = kernel->size, .mem_size = image_size};
    return 0;
}

static int add_segment(const char *name, struct kernel *kernel, const uint8_t *ph,
                       struct error *err)
{
    uint64_t offset = ld_le(ph + offsetof(Elf64_Phdr, p_offset), 8);
    uint64_t paddr = ld_le(ph + offsetof(Elf64_Phdr, p_paddr), 8);
    uint64_t file_size = ld_le(ph + offsetof(Elf64_Phdr, p_filesz), 8);
    uint64_t mem_size = ld_le(ph + offsetof(Elf64_Phdr, p_memsz), 8);
    if (mem_size == 0)
        return 0;
    if (file_size > mem_size || offset > kernel->size || file_size > kernel->size - offset ||
        mem_size > UINT64_MAX - paddr)
        return error_set(err, -EINVAL,
                         "kernel %s: truncated or damaged ELF file (a segment of %" PRIu64
                         " bytes at offset %" PRIu64 " of %zu)",
                         name, file_size, offset, kernel->size);
    if (kernel->segments == KERNEL_MAX_SEGMENTS)
        return error_set(err, -EINVAL, "kernel %s: ELF file with more than %d segments", name,
                         KERNEL_MAX_SEGMENTS);
    kernel->segment[kernel->segments++] =
        (struct kernel_segment){paddr, (size_t)offset, file_size, mem_size};
    return 0;
}

static int parse_elf(const char *name, struct kernel *kernel, struct error *err)
{
    const uint8_t *data = kernel->data;
    uint64_t phoff = ld_le(data + offsetof(Elf64_Ehdr, e_phoff), 8);
    uint64_t phentsize = ld_le(data + offsetof(Elf64_Ehdr, e_phentsize), 2);
    uint64_t phnum = ld_le(data + offsetof(Elf64_Ehdr, e_phnum), 2);
    uint64_t entry = ld_le(data + offsetof(Elf64_Ehdr, e_entry), 8);
    if (phentsize < sizeof(Elf64_Phdr) || phoff > kernel->size ||
        phnum * phentsize > kernel->size - phoff)
        return error_set(err, -EINVAL, "kernel %s: truncated or damaged ELF file", name);
    kernel->format = "AArch64 ELF";
    kernel->fixed = true;
    kernel->entry = entry;
    for (uint64_t i = 0; i < phnum; i++) {
        const uint8_t *ph = data + phoff + i * phentsize;
        if (ld_le(ph + offsetof(Elf64_Phdr, p_type), 4) != PT_LOAD)
            continue;
        uint64_t vaddr = ld_le(ph + offsetof(Elf64_Phdr, p_vaddr), 8);
        uint64_t mem_size = ld_le(ph + offsetof(Elf64_Phdr, p_memsz), 8);
        /* The entry point is a virtual address; it runs with the MMU off. */
        if (entry - vaddr < mem_size)
            kernel->entry = entry - vaddr + ld_le(ph + offsetof(Elf64_Phdr, p_paddr), 8);
        int rc = add_segment(name, kernel, ph, err);
        if (rc)
            return rc;
    }
    if (!kernel->segments)
        return error_set(err, -EINVAL, "kernel %s: ELF file without a segment to load", name);
    return 0;
}

static int unpack_error(const char *name, const char *how, int rc, struct error *err)
{
    const char *why = rc == -ENODATA  ? "is truncated"
                      : rc == -EFBIG  ? "is too large when unpacked"
                      : rc == -ENOMEM ? "does not fit into the host's memory"
                                      : "is damaged";
    return error_set(err, rc, "kernel %s: its %s data %s", name, how, why);
}

/* Header of an EFI zboot file: "MZ", "zimg" at 4, payload's offset and size at 8 and 12, the
 * compression's name at 24. */
static int find_payload(const char *name, const uint8_t **data, size_t *size, struct error *err)
{
    char type[ZBOOT_TYPE_LEN + 1] = {0};
    uint64_t offset = ld_le(*data + 8, 4), len = ld_le(*data + 12, 4);
    memcpy(type, *data + ZBOOT_TYPE, ZBOOT_TYPE_LEN);
    for (char *c = type; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    if (offset > *size || len > *size - offset)
        return error_set(err, -ENODATA,
                         "kernel %s: truncated EFI zboot image (%" PRIu64
                         " bytes of payload at %" PRIu64 ", the file has %zu)",
                         name, len, offset, *size);
    const uint8_t *payload = *data + offset;
    if (!(strcmp(type, "gzip") == 0 && unpack_is_gzip(payload, len)) &&
        !(strncmp(type, "zstd", 4) == 0 && unpack_is_zstd(payload, len)))
        return error_set(
            err, -ENOTSUP,
            "kernel %s: EFI zboot image with %s payload; gzip and zstd can be unpacked", name,
            type[0] ? type : "an unnamed");
    *data = payload;
    *size = len;
    return 0;
}

static int parse_plain(const char *name, const char *packing, struct kernel *kernel,
                       struct error *err)
{
    if (is_image(kernel->data, kernel->size) && !is_zboot(kernel->data, kernel->size))
        return parse_image(name, kernel->data, kernel->size, kernel, err);
    if (is_elf(kernel->data, kernel->size))
        return parse_elf(name, kernel, err);
    return error_set(err, -EINVAL, "kernel %s is %s%s; " EXPECTED, name, packing,
                     kernel_what(kernel->data, kernel->size));
}

/* Unpacks data into kernel->data, or takes data itself (malloc'ed) when it is not packed. */
static int unpack(const char *name, uint8_t **owned, const uint8_t *data, size_t size,
                  struct kernel *kernel, const char **packing, struct error *err)
{
    int rc = 0;
    if (unpack_is_gzip(data, size)) {
        *packing = "gzip-compressed: ";
        rc = unpack_gzip(data, size, KERNEL_MAX, &kernel->data, &kernel->size);
        return rc ? unpack_error(name, "gzip", rc, err) : 0;
    }
    if (unpack_is_zstd(data, size)) {
        *packing = "zstd-compressed: ";
        rc = unpack_zstd(data, size, KERNEL_MAX, &kernel->data, &kernel->size);
        return rc ? unpack_error(name, "zstd", rc, err) : 0;
    }
    kernel->data = *owned;
    kernel->size = size;
    *owned = NULL;
    return 0;
}

/* Parses a whole file in malloc'ed memory, which it takes. */
static int parse_owned(const char *name, uint8_t *owned, size_t size, struct kernel *kernel,
                       struct error *err)
{
    const char *packing = "";
    const uint8_t *data = owned;
    int rc = 0;
    *kernel = (struct kernel){.file.fd = -1};
    if (is_zboot(data, size))
        rc = find_payload(name, &data, &size, err);
    if (!rc)
        rc = unpack(name, &owned, data, size, kernel, &packing, err);
    if (!rc)
        rc = parse_plain(name, packing, kernel, err);
    free(owned);
    if (rc)
        kernel_close(kernel);
    return rc;
}

int kernel_parse(const char *name, const uint8_t *data, size_t size, struct kernel *kernel,
                 struct error *err)
{
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        return error_set(err, -ENOMEM, "kernel %s: out of memory", name);
    memcpy(copy, data, size);
    return parse_owned(name, copy, size, kernel, err);
}

int kernel_open(const char *path, struct kernel *kernel, struct error *err)
{
    uint8_t header[HEADERS] = {0}, *data = NULL;
    struct fw_file file;
    *kernel = (struct kernel){.file.fd = -1};
    int rc = fw_file_open(path, "kernel", &file, err);
    if (rc)
        return rc;
    size_t size = file.size;
    size_t header_size = size < sizeof(header) ? size : sizeof(header);
    rc = fw_file_read(&file, 0, header, header_size, err);
    if (rc)
        goto out;
    if (is_image(header, size) && !is_zboot(header, size)) {
        /* The common case is read once, by kernel_read_segment, to where it runs. */
        kernel->file = file;
        kernel->size = size;
        rc = parse_image(path, header, header_size, kernel, err);
        if (rc)
            kernel_close(kernel);
        return rc;
    }
    if (size > KERNEL_MAX) {
        rc = error_set(err, -EFBIG, "kernel %s is %s; " EXPECTED, path,
                       kernel_what(header, header_size));
        goto out;
    }
    data = malloc(size);
    if (!data)
        rc = error_set(err, -ENOMEM, "kernel %s: out of memory", path);
    else
        rc = fw_file_read(&file, 0, data, size, err);
    if (!rc) {
        rc = parse_owned(path, data, size, kernel, err);
        data = NULL;
    }
out:
    free(data);
    fw_file_close(&file);
    return rc;
}

int kernel_read_segment(const struct kernel *kernel, unsigned i, void *to, struct error *err)
{
    const struct kernel_segment *s = &kernel->segment[i];
    if (!kernel->data)
        return fw_file_read(&kernel->file, s->offset, to, (size_t)s->file_size, err);
    memcpy(to, kernel->data + s->offset, (size_t)s->file_size);
    return 0;
}

void kernel_close(struct kernel *kernel)
{
    free(kernel->data);
    fw_file_close(&kernel->file);
    *kernel = (struct kernel){.file.fd = -1};
}

/* First and last byte + 1 of what the kernel occupies, relative to its base. */
static void extent(const struct kernel *kernel, uint64_t *from, uint64_t *to)
{
    *from = UINT64_MAX;
    *to = 0;
    for (unsigned i = 0; i < kernel->segments; i++) {
        const struct kernel_segment *s = &kernel->segment[i];
        if (s->addr < *from)
            *from = s->addr;
        if (s->addr + s->mem_size > *to)
            *to = s->addr + s->mem_size;
    }
}

int kernel_place(const struct kernel *kernel, const char *name, uint64_t ram_base,
                 uint64_t ram_size, uint64_t initrd_size, uint64_t dtb_size,
                 struct kernel_layout *layout, struct error *err)
{
    uint64_t from, to, end = ram_base + ram_size;
    extent(kernel, &from, &to);
    layout->base = kernel->fixed ? 0 : align_up(ram_base, KERNEL_ALIGN);
    layout->entry = layout->base + kernel->entry;
    if (kernel->fixed && (from < ram_base || from >= end))
        return error_set(err, -EINVAL,
                         "kernel %s is linked for 0x%" PRIx64 " to 0x%" PRIx64
                         ", but memory is at 0x%" PRIx64 " to 0x%" PRIx64,
                         name, from, to - 1, ram_base, end - 1);
    /* Kernel, device tree, initrd upwards; older kernels want the tree within 512 MiB of them. */
    uint64_t need = to;
    if (need <= end - layout->base) {
        layout->dtb = align_up(layout->base + to, KERNEL_ALIGN);
        layout->initrd = initrd_size ? align_up(layout->dtb + dtb_size, KERNEL_ALIGN) : 0;
        uint64_t last = initrd_size ? layout->initrd + initrd_size : layout->dtb + dtb_size;
        if (last <= end)
            return 0;
        need = last - layout->base;
    }
    if (kernel->fixed && from >= ram_base)
        need -= ram_base;
    return error_set(err, -ENOMEM,
                     "kernel %s%s needs %" PRIu64 " MiB, the guest has only %" PRIu64
                     " MiB; give it more with --memory",
                     name, initrd_size ? " with its initrd" : "", (need >> 20) + 1, ram_size >> 20);
}
