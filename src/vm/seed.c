/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk is FAT12 as on a floppy of 1.44 MB without partitions (Microsoft's FAT specification
 * 1.03): boot sector, two FATs of 9 sectors, a root directory of 224 entries, clusters of one
 * sector. Both files' names are too long for 8.3, so each has long-name entries before its own.
 */
#include "vm/seed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"

enum {
    SECTOR = 512,
    SECTORS = 2880,
    FAT_SECTORS = 9,
    ROOT_ENTRIES = 224,
    ROOT = (1 + 2 * FAT_SECTORS) * SECTOR,
    DATA = ROOT + ROOT_ENTRIES * 32,
    CLUSTERS = SECTORS - DATA / SECTOR,
    ATTR_VOLUME_ID = 8,
    ATTR_ARCHIVE = 0x20,
    ATTR_LONG_NAME = 0x0f,
    LONG_CHARS = 13, /* of a long name, in one entry */
    LAST_LONG_ENTRY = 0x40,
    END_OF_CHAIN = 0xfff,
    DATE = (2024 - 1980) << 9 | 1 << 5 | 1, /* the same image for the same input */
};

struct disk {
    uint8_t *image;
    unsigned cluster; /* next free one */
    unsigned entry;   /* next free one of the root directory */
};

static void boot_sector(uint8_t *b)
{
    static const uint8_t begin[] = {0xeb, 0x3c, 0x90, 'A', 'R', 'M', 'V', 'M', ' ', ' ', ' '};
    memcpy(b, begin, sizeof(begin));
    st_le(b + 11, 2, SECTOR);
    b[13] = 1;           /* sectors a cluster */
    st_le(b + 14, 2, 1); /* reserved sectors */
    b[16] = 2;           /* FATs */
    st_le(b + 17, 2, ROOT_ENTRIES);
    st_le(b + 19, 2, SECTORS);
    b[21] = 0xf0; /* medium */
    st_le(b + 22, 2, FAT_SECTORS);
    st_le(b + 24, 2, 18); /* sectors a track */
    st_le(b + 26, 2, 2);  /* heads */
    b[38] = 0x29;         /* what follows is there: */
    st_le(b + 39, 4, 0x41524d56);
    memcpy(b + 43, "CIDATA     FAT12   ", 19);
    b[510] = 0x55;
    b[511] = 0xaa;
}

static void set_fat(struct disk *disk, unsigned cluster, unsigned next)
{
    for (unsigned copy = 0; copy < 2; copy++) {
        uint8_t *p = disk->image + SECTOR * (1 + copy * FAT_SECTORS) + cluster * 3 / 2;
        unsigned word = (unsigned)ld_le(p, 2);
        word = cluster & 1 ? (word & 0xf) | next << 4 : (word & 0xf000) | next;
        st_le(p, 2, word);
    }
}

static uint8_t *new_entry(struct disk *disk)
{
    return disk->image + ROOT + 32 * disk->entry++;
}

/* The sum over the short name that ties long entries to it. */
static uint8_t name_sum(const uint8_t *name)
{
    uint8_t sum = 0;
    for (unsigned i = 0; i < 11; i++)
        sum = (uint8_t)((sum << 7 | sum >> 1) + name[i]);
    return sum;
}

static void long_entry(struct disk *disk, const char *name, const char *short_name)
{
    static const uint8_t place[LONG_CHARS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    uint8_t *e = new_entry(disk);
    size_t len = strlen(name);
    e[0] = LAST_LONG_ENTRY | 1;
    e[11] = ATTR_LONG_NAME;
    e[13] = name_sum((const uint8_t *)short_name);
    for (unsigned i = 0; i < LONG_CHARS; i++)
        st_le(e + place[i], 2, i < len ? (uint8_t)name[i] : i == len ? 0 : 0xffff);
}

static void file_entry(struct disk *disk, const char *short_name, uint8_t attributes,
                       unsigned cluster, size_t size)
{
    uint8_t *e = new_entry(disk);
    memcpy(e, short_name, 11);
    e[11] = attributes;
    st_le(e + 16, 2, DATE);
    st_le(e + 18, 2, DATE);
    st_le(e + 24, 2, DATE);
    st_le(e + 26, 2, cluster);
    st_le(e + 28, 4, size);
}

/* name: at most 13 characters. */
static int add_file(struct disk *disk, const char *name, const char *short_name, const char *text,
                    size_t size)
{
    unsigned clusters = (unsigned)((size + SECTOR - 1) / SECTOR), first = disk->cluster;
    if (size > (size_t)(CLUSTERS + 2 - disk->cluster) * SECTOR)
        return -E2BIG;
    long_entry(disk, name, short_name);
    file_entry(disk, short_name, ATTR_ARCHIVE, clusters ? first : 0, size);
    memcpy(disk->image + DATA + (size_t)(first - 2) * SECTOR, text, size);
    for (unsigned i = 0; i < clusters; i++)
        set_fat(disk, first + i, i + 1 < clusters ? first + i + 1 : END_OF_CHAIN);
    disk->cluster += clusters;
    return 0;
}

/* --- the files ------------------------------------------------------------------------------ */

/* A string as JSON has it, which YAML takes: nothing in it can end it. */
static void quoted(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void user_data(FILE *out, const struct seed_config *config)
{
    fprintf(out, "#cloud-config\nusers:\n- name: ");
    quoted(out, config->user);
    fprintf(out, "\n  gecos: armvm\n  groups: [adm, sudo]\n"
                 "  sudo: \"ALL=(ALL) NOPASSWD:ALL\"\n  shell: /bin/bash\n");
    if (config->password) {
        fprintf(out, "  lock_passwd: false\n  plain_text_passwd: ");
        quoted(out, config->password);
        fputc('\n', out);
    }
    if (config->key_count)
        fprintf(out, "  ssh_authorized_keys:\n");
    for (unsigned i = 0; i < config->key_count; i++) {
        fprintf(out, "  - ");
        quoted(out, config->keys[i]);
        fputc('\n', out);
    }
    fprintf(out, "ssh_pwauth: %s\n", config->password ? "true" : "false");
}

/* The instance is known by what it was told: another user or key makes cloud-init run again. */
static void meta_data(FILE *out, const struct seed_config *config, const char *user_data)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (const char *p = user_data; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
    fprintf(out, "instance-id: armvm-%016llx\n", (unsigned long long)hash);
    if (config->hostname) {
        fprintf(out, "local-hostname: ");
        quoted(out, config->hostname);
        fputc('\n', out);
    }
}

static int write_files(struct disk *disk, const struct seed_config *config)
{
    char *user = NULL, *meta = NULL;
    size_t user_size = 0, meta_size = 0;
    FILE *out = open_memstream(&user, &user_size);
    int rc = -ENOMEM;
    if (!out)
        return rc;
    user_data(out, config);
    bool failed = fclose(out);
    out = failed ? NULL : open_memstream(&meta, &meta_size);
    if (out) {
        meta_data(out, config, user);
        if (!fclose(out)) {
            rc = add_file(disk, "user-data", "USER-D~1   ", user, user_size);
            if (!rc)
                rc = add_file(disk, "meta-data", "META-D~1   ", meta, meta_size);
        }
    }
    free(user);
    free(meta);
    return rc;
}

int seed_build(const struct seed_config *config, uint8_t **image, size_t *size, struct error *err)
{
    struct disk disk = {.image = calloc(SECTORS, SECTOR), .cluster = 2};
    int rc = -ENOMEM;
    if (disk.image) {
        boot_sector(disk.image);
        set_fat(&disk, 0, 0xff0);
        set_fat(&disk, 1, END_OF_CHAIN);
        file_entry(&disk, "CIDATA     ", ATTR_VOLUME_ID, 0, 0);
        rc = write_files(&disk, config);
    }
    if (rc) {
        free(disk.image);
        return error_set(err, rc,
                         rc == -E2BIG ? "the keys do not fit on cloud-init's seed disk"
                                      : "out of memory");
    }
    *image = disk.image;
    *size = (size_t)SECTORS * SECTOR;
    return 0;
}

int seed_check_user(const char *user, struct error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    size_t len = strlen(user);
    if (!len || len > 32 || !strchr(letters, user[0]) ||
        user[strspn(user, "abcdefghijklmnopqrstuvwxyz_0123456789-")])
        return error_set(err, -EINVAL,
                         "'%s' is no login name: lower-case letters, digits, '-' and '_', "
                         "beginning with a letter",
                         user);
    return 0;
}
