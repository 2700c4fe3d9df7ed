/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "image/fat.h"
#include "image/text.h"

enum { SUPER = 1024 };

static void uuid_text(const uint8_t *b, char text[37])
{
    char *out = text;
    uint8_t any = 0;

    for (unsigned i = 0; i < 16; i++)
        any |= b[i];
    for (unsigned i = 0; any && i < 16; i++)
        out += snprintf(out, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    *out = 0;
}

static void found(struct fs *fs, const char *kind, const uint8_t *uuid, const uint8_t *label,
                  size_t label_len)
{
    fs->kind = kind;
    if (uuid)
        uuid_text(uuid, fs->uuid);
    if (label)
        text_utf8(label, label_len, fs->label, sizeof(fs->label));
}

/* Superblock fields of the kernel's Documentation/filesystems/ext4. */
static bool probe_ext(const uint8_t *s, struct fs *fs)
{
    enum { COMPAT_JOURNAL = 4, INCOMPAT_JOURNAL_DEV = 8, INCOMPAT_EXT3 = 0x16, RO_EXT3 = 7 };
    uint32_t compat = (uint32_t)ld_le(s + 92, 4), incompat = (uint32_t)ld_le(s + 96, 4),
             ro = (uint32_t)ld_le(s + 100, 4);
    const char *kind = "ext4";

    if (ld_le(s + 56, 2) != 0xef53)
        return false;
    if (incompat & INCOMPAT_JOURNAL_DEV)
        kind = "ext journal";
    else if (!(incompat & ~(uint32_t)INCOMPAT_EXT3) && !(ro & ~(uint32_t)RO_EXT3))
        kind = compat & COMPAT_JOURNAL ? "ext3" : "ext2";
    found(fs, kind, s + 104, s + 120, 16);
    return true;
}

static bool probe_fat(const struct image_source *source, const uint8_t *s, struct fs *fs)
{
    static const char *const kinds[] = {"FAT12", "FAT16", "FAT32"};
    struct fat fat;

    if (!memcmp(s + 3, "NTFS    ", 8)) {
        found(fs, "NTFS", NULL, NULL, 0);
        return true;
    }
    if (!memcmp(s + 3, "EXFAT   ", 8)) {
        found(fs, "exFAT", NULL, NULL, 0);
        return true;
    }
    if ((s[0] != 0xeb && s[0] != 0xe9) || fat_open(source, &fat, NULL))
        return false;
    fs->kind = kinds[fat.bits == 12 ? 0 : fat.bits == 16 ? 1 : 2];
    snprintf(fs->label, sizeof(fs->label), "%s", fat.label);
    snprintf(fs->uuid, sizeof(fs->uuid), "%04" PRIX32 "-%04" PRIX32, fat.volume_id >> 16,
             fat.volume_id & 0xffff);
    return true;
}

/* The label is one of the first four sectors (LVM2's label.h: "LABELONE", then the type). */
static bool probe_lvm(const uint8_t *s, struct fs *fs)
{
    for (unsigned i = 0; i < 4; i++)
        if (!memcmp(s + 512 * i, "LABELONE", 8) && !memcmp(s + 512 * i + 24, "LVM2 001", 8)) {
            found(fs, "LVM", NULL, NULL, 0);
            return true;
        }
    return false;
}

/* Everything whose magic number is within the first 4 KiB. */
static bool probe_start(const struct image_source *source, const uint8_t *s, struct fs *fs)
{
    if (!memcmp(s, "XFSB", 4))
        found(fs, "xfs", s + 32, s + 108, 12);
    else if (!memcmp(s, "LUKS\xba\xbe", 6))
        found(fs, "LUKS", NULL, ld_be(s + 6, 2) == 2 ? s + 24 : NULL, 48);
    else if (!memcmp(s, "hsqs", 4))
        found(fs, "squashfs", NULL, NULL, 0);
    else if (ld_le(s + SUPER, 4) == 0xe0f5e1e2)
        found(fs, "erofs", s + SUPER + 48, s + SUPER + 64, 16);
    else if (ld_le(s + SUPER, 4) == 0xf2f52010)
        found(fs, "f2fs", s + SUPER + 108, NULL, 0);
    else
        return probe_ext(s + SUPER, fs) || probe_lvm(s, fs) || probe_fat(source, s, fs);
    return true;
}

/* Swap's magic is the last thing in the first page, whose size is the writer's. */
static int probe_swap(const struct image_source *source, struct fs *fs)
{
    static const uint32_t pages[] = {4096, 16384, 65536};
    uint8_t magic[10], head[64];

    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        int rc = source_read(source, pages[i] - sizeof(magic), magic, sizeof(magic));
        if (rc)
            return rc;
        if (memcmp(magic, "SWAPSPACE2", 10) && memcmp(magic, "SWAP-SPACE", 10))
            continue;
        rc = source_read(source, 1024, head, sizeof(head));
        if (!rc)
            found(fs, "swap", head + 12, head + 28, 16);
        return rc;
    }
    return 0;
}

int fs_probe(const struct image_source *source, struct fs *fs)
{
    uint8_t s[4096] = {0};
    size_t n = source->size < sizeof(s) ? (size_t)source->size : sizeof(s);
    int rc;

    memset(fs, 0, sizeof(*fs));
    rc = source_read(source, 0, s, n);
    if (rc || probe_start(source, s, fs))
        return rc;
    rc = source_read(source, 0x10000, s, 1024);
    if (!rc && !memcmp(s + 0x40, "_BHRfS_M", 8)) {
        found(fs, "btrfs", s + 32, s + 0x12b, 256);
        return 0;
    }
    if (!rc)
        rc = source_read(source, 0x8000, s, 2048);
    if (!rc && !memcmp(s + 1, "CD001", 5)) {
        fs->kind = "ISO 9660";
        text_padded(s + 40, 32, fs->label, sizeof(fs->label));
        return 0;
    }
    if (!rc || rc == -ERANGE)
        rc = probe_swap(source, fs);
    return rc == -ERANGE ? 0 : rc;
}
