/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware packages describe what they install in JSON files, for any virtual machine monitor to
 * find (the format is QEMU's, docs/interop/firmware.json). Of those for an AArch64 machine of the
 * virt kind that come as a flash image, the plainest one is taken: with Secure Boot, most images
 * do not start.
 */
#include "vm/firmware.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "host/file.h"

enum { DESCRIPTION_MAX = 1 << 20 };

static const char *const folders[] = {"/etc/qemu/firmware", "/usr/share/qemu/firmware", NULL};

static const char *const files[][2] = {
    {"/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
    {"/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", NULL},
    {"/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw",
     "/usr/share/edk2/aarch64/vars-template-pflash.raw"},
    {"/usr/share/edk2/aarch64/QEMU_EFI.fd", NULL},
    {NULL, NULL},
};

const struct firmware_places firmware_host = {folders, files};

/* --- descriptions -----------------------------------------------------------------------------*/

static bool has(const struct json *array, const char *string)
{
    for (const struct json *v = json_first(array); v; v = json_next(v))
        if (json_string(v) && !strcmp(json_string(v), string))
            return true;
    return false;
}

static bool for_this_machine(const struct json *root)
{
    const struct json *target = json_first(json_get(root, "targets"));

    for (; target; target = json_next(target)) {
        const char *architecture = json_string(json_get(target, "architecture"));
        const struct json *machine = json_first(json_get(target, "machines"));
        if (!architecture || strcmp(architecture, "aarch64"))
            continue;
        for (; machine; machine = json_next(machine))
            if (json_string(machine) && !strncmp(json_string(machine), "virt", 4))
                return true;
    }
    return false;
}

/* The file that a part of the mapping names, if it can be read as it is. */
static const char *raw_file(const struct json *part)
{
    const char *name = json_string(json_get(part, "filename"));
    const char *format = json_string(json_get(part, "format"));

    return name && format && !strcmp(format, "raw") && !access(name, R_OK) ? name : NULL;
}

/* How much there is about it that may stand in an image's way; -1: not for us at all. */
static int objections(const struct json *root)
{
    const struct json *mapping = json_get(root, "mapping"), *features = json_get(root, "features");
    const char *device = json_string(json_get(mapping, "device"));

    if (!device || strcmp(device, "flash") || !has(json_get(root, "interface-types"), "uefi") ||
        !for_this_machine(root) || !raw_file(json_get(mapping, "executable")))
        return -1;
    return 2 * has(features, "secure-boot") + has(features, "enrolled-keys");
}

static int copy(const char *code, const char *variables, struct firmware *firmware)
{
    struct firmware new = {strdup(code), variables ? strdup(variables) : NULL};

    if (!new.code || (variables && !new.variables)) {
        firmware_free(&new);
        return -ENOMEM;
    }
    firmware_free(firmware);
    *firmware = new;
    return 0;
}

static bool same_file(const char *a, const char *b)
{
    char *ra = realpath(a, NULL), *rb = realpath(b, NULL);
    bool same = ra && rb && !strcmp(ra, rb);

    free(ra);
    free(rb);
    return same;
}

struct search {
    const char *code; /* that one only; NULL: the best */
    int best;
    struct firmware *firmware;
};

/* A file that is no description, or describes something else, is none of our business. */
static int consider(struct search *search, const char *path)
{
    struct json *root = NULL;
    const struct json *mapping;
    const char *code;
    uint8_t *text;
    size_t size;
    int found, rc = 0;

    if (file_read("", path, DESCRIPTION_MAX, &text, &size, NULL))
        return 0;
    root = json_parse((const char *)text, size, NULL);
    free(text);
    mapping = json_get(root, "mapping");
    code = json_string(json_get(json_get(mapping, "executable"), "filename"));
    found = objections(root);
    if (found >= 0 && found < search->best && (!search->code || same_file(search->code, code))) {
        rc = copy(search->code ? search->code : code, raw_file(json_get(mapping, "nvram-template")),
                  search->firmware);
        search->best = found;
    }
    json_free(root);
    return rc;
}

static int search_folder(struct search *search, const char *folder)
{
    char pattern[PATH_MAX];
    glob_t found;
    int rc = 0;

    snprintf(pattern, sizeof(pattern), "%s/*.json", folder);
    if (glob(pattern, 0, NULL, &found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc && !rc; i++) /* sorted: by the number in front */
        rc = consider(search, found.gl_pathv[i]);
    globfree(&found);
    return rc;
}

/* --- both ways --------------------------------------------------------------------------------*/

static int search_all(struct search *search, const struct firmware_places *places)
{
    int rc = 0;

    for (unsigned i = 0; places->descriptors && places->descriptors[i] && !rc; i++)
        rc = search_folder(search, places->descriptors[i]);
    for (unsigned i = 0; places->files && places->files[i][0] && !rc && search->best == INT_MAX;
         i++) {
        const char *code = places->files[i][0], *variables = places->files[i][1];
        if (access(code, R_OK) || (search->code && !same_file(search->code, code)))
            continue;
        rc = copy(search->code ? search->code : code,
                  variables && !access(variables, R_OK) ? variables : NULL, search->firmware);
        search->best = 0;
    }
    return rc;
}

/* The likeliest mistakes, by the file's first bytes. */
static int check_kind(const char *path, struct error *err)
{
    uint8_t head[64] = {0};
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(head, 1, sizeof(head), file) : 0;

    if (file)
        fclose(file);
    if (n == sizeof(head) && !memcmp(head + 56, "ARM\x64", 4))
        return error_set(err, -EINVAL, "--firmware: %s is a kernel: --kernel %s", path, path);
    if (!memcmp(head,
                "\x7f"
                "ELF",
                4))
        return error_set(err, -EINVAL,
                         "--firmware: %s is an ELF file; the flash needs the plain binary (.bin, "
                         ".fd)",
                         path);
    if (!memcmp(head, "QFI\xfb", 4))
        return error_set(err, -EINVAL,
                         "--firmware: %s is a qcow2 image; convert it: qemu-img convert -O raw "
                         "IN OUT",
                         path);
    return 0;
}

int firmware_find(const char *said, const struct firmware_places *places, struct firmware *firmware,
                  struct error *err)
{
    struct search search = {
        .code = strcmp(said, "auto") ? said : NULL, .best = INT_MAX, .firmware = firmware};
    int rc = search.code ? file_check("--firmware", said, UINT64_MAX, NULL, err) : 0;

    if (!rc && search.code)
        rc = check_kind(said, err);
    if (rc)
        return rc;
    *firmware = (struct firmware){0};
    rc = search_all(&search, places);
    if (!rc && !firmware->code && search.code)
        rc = copy(said, NULL, firmware);
    if (rc)
        return error_set(err, rc, "out of memory");
    if (!firmware->code)
        return error_set(err, -ENOENT,
                         "no UEFI firmware for Arm is installed here: apt-get install "
                         "qemu-efi-aarch64, or name a file with --firmware FILE");
    return 0;
}

void firmware_free(struct firmware *firmware)
{
    free(firmware->code);
    free(firmware->variables);
    *firmware = (struct firmware){0};
}

/* EDK2 is a series of firmware volumes (PI specification, volume 3, 3.2.1: the signature stands
 * behind the zero vector, the type and the length), the first at the beginning or a page behind it;
 * it looks in the device tree for a PL011 and goes on if there is none. U-Boot wants a serial port
 * before it does anything, and others may. */
bool firmware_needs_uart(const char *code)
{
    enum { SIGNATURE = 40, LENGTH = 4, STEP = 4096, BASES = 16 };
    FILE *file = fopen(code, "re");
    bool found = false;

    for (unsigned i = 0; file && !found && i < BASES; i++) {
        char text[LENGTH];
        found = !fseek(file, i * STEP + SIGNATURE, SEEK_SET) && fread(text, LENGTH, 1, file) == 1 &&
                !memcmp(text, "_FVH", LENGTH);
    }
    if (file)
        fclose(file);
    return !found;
}
