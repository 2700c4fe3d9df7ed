/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout is fixed: 34 sectors of protective MBR and GPT, the partition from 1 MiB on, the
 * backup GPT at the end. FAT32 is told by its number of clusters alone, at least 65525; with
 * clusters of one sector that is 33 MiB, of which the file has only what is written.
 */
#include "image/esp_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/error.h"
#include "image/gpt.h"
#include "image/guid.h"

enum {
    SECTOR = 512,
    SECTORS = 35 * 2048,
    ENTRIES = 128,
    ENTRY = 128,
    ARRAY_SECTORS = ENTRIES * ENTRY / SECTOR,
    PART_FIRST = 2048,
    PART_LAST = SECTORS - 2048 - 1,
    PART_SECTORS = PART_LAST - PART_FIRST + 1,
    RESERVED = 32,
    FATS = 2,
    FAT_SECTORS = 520,
    DATA = RESERVED + FATS * FAT_SECTORS, /* sector of cluster 2 */
    CLUSTERS = PART_SECTORS - DATA,
    INFO_SECTOR = 1,
    BACKUP_SECTOR = 6,
    DIRECTORY_ENTRY = 32,
    ATTR_DIRECTORY = 0x10,
    ATTR_ARCHIVE = 0x20,
    ATTR_VOLUME = 0x08,
    DATE = (2024 - 1980) << 9 | 1 << 5 | 1,
    MEDIA = 0xf8,
    VOLUME_ID = 0x41524d56,
};
_Static_assert(CLUSTERS >= 65525, "FAT32 by the number of clusters");
_Static_assert((CLUSTERS + 2) * 4 <= FAT_SECTORS * SECTOR, "every cluster has an entry");

#define END_OF_CHAIN 0x0fffffffu
#define DISK_GUID    "7D0E3A4B-5C62-4F1D-9E83-0B1A2C3D4E5F"
#define PART_GUID    "7D0E3A4B-5C62-4F1D-9E83-0B1A2C3D4E60"

struct out {
    int fd;
    uint32_t *fat; /* CLUSTERS + 2 entries */
    uint32_t next; /* the first free cluster */
};

static int put(const struct out *out, uint64_t sector, const void *data, size_t size)
{
    const uint8_t *at = data;
    off_t offset = (off_t)(sector * SECTOR);

    while (size) {
        ssize_t n = pwrite(out->fd, at, size, offset);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            at += n;
            offset += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* --- partition table -------------------------------------------------------------------------- */

static void guid(uint8_t *to, const char *text)
{
    struct guid value;

    guid_parse(text, &value);
    memcpy(to, value.byte, sizeof(value.byte));
}

/* UEFI 2.10, table 5.5. */
static void gpt_header(uint8_t *h, uint64_t own, uint64_t other, uint64_t array, uint32_t array_crc)
{
    memset(h, 0, SECTOR);
    memcpy(h, "EFI PART", 8);
    st_le(h + 8, 4, 0x00010000);
    st_le(h + 12, 4, 92);
    st_le(h + 24, 8, own);
    st_le(h + 32, 8, other);
    st_le(h + 40, 8, 2 + ARRAY_SECTORS);
    st_le(h + 48, 8, SECTORS - 2 - ARRAY_SECTORS);
    guid(h + 56, DISK_GUID);
    st_le(h + 72, 8, array);
    st_le(h + 80, 4, ENTRIES);
    st_le(h + 84, 4, ENTRY);
    st_le(h + 88, 4, array_crc);
    st_le(h + 16, 4, crc32(0, h, 92));
}

static int write_gpt(const struct out *out)
{
    static const char name[] = "EFI system partition";
    uint8_t sector[SECTOR] = {0}, array[ENTRIES * ENTRY] = {0};
    uint32_t crc;
    int rc;

    sector[446 + 2] = 2; /* CHS of sector 1; the end is beyond CHS */
    sector[446 + 4] = 0xee;
    memset(sector + 446 + 5, 0xff, 3);
    st_le(sector + 446 + 8, 4, 1);
    st_le(sector + 446 + 12, 4, SECTORS - 1);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    rc = put(out, 0, sector, SECTOR);

    guid(array, GPT_TYPE_ESP);
    guid(array + 16, PART_GUID);
    st_le(array + 32, 8, PART_FIRST);
    st_le(array + 40, 8, PART_LAST);
    for (size_t i = 0; i < sizeof(name) - 1; i++)
        array[56 + 2 * i] = (uint8_t)name[i];
    crc = (uint32_t)crc32(0, array, sizeof(array));
    gpt_header(sector, 1, SECTORS - 1, 2, crc);
    if (!rc)
        rc = put(out, 1, sector, SECTOR);
    if (!rc)
        rc = put(out, 2, array, sizeof(array));
    gpt_header(sector, SECTORS - 1, 1, SECTORS - 1 - ARRAY_SECTORS, crc);
    if (!rc)
        rc = put(out, SECTORS - 1 - ARRAY_SECTORS, array, sizeof(array));
    return rc ? rc : put(out, SECTORS - 1, sector, SECTOR);
}

/* --- file system ------------------------------------------------------------------------------ */

static int write_boot_sectors(const struct out *out)
{
    static const uint8_t begin[] = {0xeb, 0x58, 0x90, 'A', 'R', 'M', 'V', 'M', ' ', ' ', ' '};
    uint8_t b[SECTOR] = {0}, info[SECTOR] = {0};
    int rc = 0;

    memcpy(b, begin, sizeof(begin));
    st_le(b + 11, 2, SECTOR);
    b[13] = 1; /* sectors a cluster */
    st_le(b + 14, 2, RESERVED);
    b[16] = FATS;
    b[21] = MEDIA;
    st_le(b + 24, 2, 63); /* geometry, which nobody uses */
    st_le(b + 26, 2, 255);
    st_le(b + 28, 4, PART_FIRST);
    st_le(b + 32, 4, PART_SECTORS);
    st_le(b + 36, 4, FAT_SECTORS);
    st_le(b + 44, 4, 2); /* the root directory's cluster */
    st_le(b + 48, 2, INFO_SECTOR);
    st_le(b + 50, 2, BACKUP_SECTOR);
    b[64] = 0x80;
    b[66] = 0x29;
    st_le(b + 67, 4, VOLUME_ID);
    memcpy(b + 71, "ARMVM PROBEFAT32   ", 19);
    st_le(b + 510, 2, 0xaa55);
    st_le(info, 4, 0x41615252);
    st_le(info + 484, 4, 0x61417272);
    st_le(info + 488, 4, CLUSTERS + 2 - out->next);
    st_le(info + 492, 4, out->next);
    st_le(info + 508, 4, 0xaa550000);
    for (unsigned copy = 0; !rc && copy <= BACKUP_SECTOR; copy += BACKUP_SECTOR) {
        rc = put(out, PART_FIRST + copy, b, SECTOR);
        if (!rc)
            rc = put(out, PART_FIRST + copy + INFO_SECTOR, info, SECTOR);
    }
    return rc;
}

static int write_fats(const struct out *out)
{
    size_t bytes = align_up((uint64_t)out->next * 4, SECTOR); /* the rest is zero: a hole */
    uint8_t *fat = calloc(1, bytes);
    int rc = fat ? 0 : -ENOMEM;

    for (uint32_t i = 0; fat && i < out->next; i++)
        st_le(fat + 4 * (size_t)i, 4, out->fat[i]);
    for (unsigned copy = 0; !rc && copy < FATS; copy++)
        rc = put(out, PART_FIRST + RESERVED + copy * FAT_SECTORS, fat, bytes);
    free(fat);
    return rc;
}

/* A chain with these bytes; returns its first cluster, 0 without any bytes. */
static int write_chain(struct out *out, const void *data, size_t size, uint32_t *first)
{
    uint32_t clusters = (uint32_t)((size + SECTOR - 1) / SECTOR);

    *first = clusters ? out->next : 0;
    if (size > (size_t)(CLUSTERS + 2 - out->next) * SECTOR)
        return -ENOSPC;
    for (uint32_t i = 0; i < clusters; i++)
        out->fat[out->next + i] = i + 1 < clusters ? out->next + i + 1 : END_OF_CHAIN;
    out->next += clusters;
    return clusters ? put(out, PART_FIRST + DATA + *first - 2, data, size) : 0;
}

static void entry(uint8_t *e, const char *name, uint8_t attributes, uint32_t cluster, size_t size)
{
    memcpy(e, name, 11);
    e[11] = attributes;
    st_le(e + 16, 2, DATE);
    st_le(e + 18, 2, DATE);
    st_le(e + 20, 2, cluster >> 16);
    st_le(e + 24, 2, DATE);
    st_le(e + 26, 2, cluster & 0xffff);
    st_le(e + 28, 4, size);
}

/* "BOOTAA64.EFI" becomes "BOOTAA64EFI", blanks between; false: it is no such name. */
static bool short_name(const char *name, size_t len, char out[11])
{
    const char *dot = memchr(name, '.', len);
    size_t base = dot ? (size_t)(dot - name) : len, extension = dot ? len - base - 1 : 0;

    memset(out, ' ', 11);
    if (!base || base > 8 || extension > 3 || (dot && memchr(dot + 1, '.', extension)))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~", name[i]) || !name[i])
            return false;
    memcpy(out, name, base);
    memcpy(out + 8, name + base + 1, extension);
    return true;
}

/* A directory with what the files have below prefix, depth first. parent 0: it is the root. */
static int write_directory(struct out *out, const struct esp_file *files, unsigned count,
                           const char *prefix, uint32_t own, uint32_t parent)
{
    uint8_t dir[SECTOR] = {0}, *e = dir;
    size_t skip = strlen(prefix);
    int rc = 0;

    if (own == 2)
        entry(e, "ARMVM PROBE", ATTR_VOLUME, 0, 0);
    else {
        entry(e, ".          ", ATTR_DIRECTORY, own, 0);
        e += DIRECTORY_ENTRY;
        entry(e, "..         ", ATTR_DIRECTORY, parent == 2 ? 0 : parent, 0);
    }
    e += DIRECTORY_ENTRY;
    for (unsigned i = 0; !rc && i < count; i++) {
        const char *name;
        size_t len;
        char text[11], below[64];
        bool seen = false;
        uint32_t first = 0;
        if (strncmp(files[i].path, prefix, skip))
            continue;
        name = files[i].path + skip;
        len = strcspn(name, "/");
        for (unsigned before = 0; before < i; before++)
            seen |= !strncmp(files[before].path, files[i].path, skip + len + 1);
        if (seen)
            continue;
        if (!short_name(name, len, text) || skip + len + 2 > sizeof(below) || e >= dir + SECTOR)
            return -EINVAL;
        if (name[len]) {
            if (out->next >= CLUSTERS + 2)
                return -ENOSPC;
            first = out->next++;
            out->fat[first] = END_OF_CHAIN;
            memcpy(below, files[i].path, skip + len + 1);
            below[skip + len + 1] = 0;
            rc = write_directory(out, files, count, below, first, own);
        } else {
            rc = write_chain(out, files[i].data, files[i].size, &first);
        }
        entry(e, text, name[len] ? ATTR_DIRECTORY : ATTR_ARCHIVE, first,
              name[len] ? 0 : files[i].size);
        e += DIRECTORY_ENTRY;
    }
    return rc ? rc : put(out, PART_FIRST + DATA + own - 2, dir, SECTOR);
}

static int write_disk(struct out *out, const struct esp_file *files, unsigned count)
{
    int rc;

    if (ftruncate(out->fd, (off_t)SECTORS * SECTOR) < 0)
        return -errno;
    out->fat[0] = 0x0fffff00 | MEDIA;
    out->fat[1] = END_OF_CHAIN;
    out->fat[2] = END_OF_CHAIN; /* the root directory, one sector */
    out->next = 3;
    rc = write_directory(out, files, count, "/", 2, 0);
    if (!rc)
        rc = write_boot_sectors(out);
    if (!rc)
        rc = write_fats(out);
    return rc ? rc : write_gpt(out);
}

int esp_write(const char *path, const struct esp_file *files, unsigned count, struct error *err)
{
    struct out out = {.fat = calloc(CLUSTERS + 2, sizeof(*out.fat))};
    int rc;

    if (!out.fat)
        return error_set(err, -ENOMEM, "out of memory");
    out.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (out.fd < 0) {
        rc = error_set(err, -errno, "%s: %s", path, strerror(errno));
        free(out.fat);
        return rc;
    }
    rc = write_disk(&out, files, count);
    if (close(out.fd) < 0 && !rc)
        rc = -errno;
    free(out.fat);
    if (!rc)
        return 0;
    unlink(path);
    return error_set(err, rc, "%s: %s", path,
                     rc == -EINVAL ? "a file's name is not of 8.3 characters in upper case"
                                   : strerror(-rc));
}
