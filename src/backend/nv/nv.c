/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/nv/nv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/nv/journal.h"
#include "backend/nv/rewrite.h"
#include "base/bits.h"
#include "base/error.h"
#include "host/file.h"
#include "host/image_lock.h"
#include "host/ram.h"
#include "host/read.h"

enum {
    PAGE = 4096,
    JOURNAL_LIMIT = 4 << 20, /* then its records go into the file */
    JOURNAL_LAST = 16 << 20, /* then, even if a block is being rewritten */
    JOURNAL_READ_MAX = 128 << 20,
};

struct nv {
    char *path, *journal_path;
    uint64_t size;
    bool readonly, kept;
    uint8_t *bytes;
    int fd;
    uint64_t file_size;
    struct journal journal;
    bool journalling; /* the journal is open */
    struct rewrite rewrite;
    /* A bit for each page: may hold something but zeroes; differs from the file. */
    uint8_t *used, *changed;
};

static size_t map_bytes(const struct nv *nv)
{
    return nv->size / PAGE / 8 + 1;
}

static bool marked(const uint8_t *map, uint64_t page)
{
    return map[page / 8] >> (page % 8) & 1;
}

static void mark(uint8_t *map, uint64_t offset, uint64_t len)
{
    for (uint64_t page = offset / PAGE; len && page <= (offset + len - 1) / PAGE; page++)
        map[page / 8] |= (uint8_t)(1 << (page % 8));
}

/* Identifies contents: where the bytes that are not zero are, and what they are. */
static uint64_t sum_of(const struct nv *nv)
{
    static const uint8_t zeroes[PAGE];
    uint64_t sum = 0;

    for (uint64_t page = 0; page < nv->size / PAGE; page++) {
        const uint8_t *p = nv->bytes + page * PAGE;
        if (!marked(nv->used, page) || !memcmp(p, zeroes, PAGE))
            continue;
        sum = journal_sum(sum, &page, sizeof(page));
        sum = journal_sum(sum, p, PAGE);
    }
    return sum;
}

/* --- the array --------------------------------------------------------------------------------*/

/* Other threads may be reading: words are stored whole. */
static void put(struct nv *nv, uint64_t offset, const uint8_t *data, uint64_t len)
{
    mark(nv->used, offset, len);
    mark(nv->changed, offset, len);
    for (uint64_t i = 0; i < len; i += 4) {
        uint32_t word;
        memcpy(&word, data + i, 4);
        __atomic_store_n((uint32_t *)(void *)(nv->bytes + offset + i), word, __ATOMIC_RELAXED);
    }
}

static void put_ones(struct nv *nv, uint64_t offset, uint64_t len)
{
    uint8_t piece[PAGE];

    memset(piece, 0xff, sizeof(piece));
    for (uint64_t at = 0; at < len; at += PAGE)
        put(nv, offset + at, piece, len - at < PAGE ? len - at : PAGE);
}

static void apply(struct nv *nv, enum journal_kind kind, uint64_t offset, uint64_t len,
                  const uint8_t *data)
{
    if (kind == JOURNAL_WRITE) {
        rewrite_write(&nv->rewrite, offset, len);
        put(nv, offset, data, len);
    } else {
        rewrite_erase(&nv->rewrite, nv->bytes, offset, len);
        put_ones(nv, offset, len);
    }
}

/* --- reading files ----------------------------------------------------------------------------*/

/* What a file holds besides zeroes goes into the array; holes and zeroes cost no memory. */
static int load(struct nv *nv, int fd, uint64_t size)
{
    static const uint8_t zeroes[PAGE];
    uint8_t *piece = malloc(64 * PAGE);
    uint64_t at = 0;
    int rc = piece ? 0 : -ENOMEM;

    while (!rc && at < size) {
        off_t data = lseek(fd, (off_t)at, SEEK_DATA);
        uint64_t len;
        if (data < 0 && errno == ENXIO)
            break; /* nothing but a hole */
        if (data > (off_t)at)
            at = align_down((uint64_t)data, PAGE);
        if (at >= size)
            break;
        len = size - at < 64 * PAGE ? size - at : 64 * PAGE;
        rc = host_read_at(fd, at, piece, len);
        for (uint64_t i = 0; !rc && i < len; i += PAGE) {
            uint64_t part = len - i < PAGE ? len - i : PAGE;
            if (!memcmp(piece + i, zeroes, part))
                continue;
            memcpy(nv->bytes + at + i, piece + i, part);
            mark(nv->used, at + i, part);
        }
        at += len;
    }
    free(piece);
    return rc;
}

/* A file that is only read: firmware code, or what variables start with. */
static int load_path(struct nv *nv, const char *what, const char *path, struct error *err)
{
    uint64_t size;
    int fd, rc = file_check(what, path, nv->size, &size, err);

    if (rc)
        return rc;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    rc = fd < 0 ? -errno : load(nv, fd, size);
    if (fd >= 0)
        close(fd);
    return rc ? error_set(err, rc, "%s: %s: cannot be read: %s", what, path, strerror(-rc)) : 0;
}

/* --- the journal ------------------------------------------------------------------------------*/

static void redo(struct nv *nv, const struct journal_record *record)
{
    if (record->offset % 4 || record->len % 4)
        return; /* none of ours */
    apply(nv, record->kind, record->offset, record->len, record->payload);
}

/* How far a journal that was found goes. */
struct past {
    uint64_t end, chain;
    bool sealed;
    uint64_t promised; /* by the seal: the sum of what the records lead to */
};

static void replay(struct nv *nv, const uint8_t *data, size_t size, struct past *past)
{
    struct journal_record record;
    size_t at = (size_t)past->end;

    while (!past->sealed && journal_next(data, size, nv->size, &at, &past->chain, &record)) {
        past->end = at;
        if (record.kind == JOURNAL_SEALED) {
            past->sealed = true;
            past->promised = ld_le(record.payload, 8);
        } else {
            redo(nv, &record);
        }
    }
}

/* Whether a journal belongs to the file as it was read: it starts from that, or was being put into
 * it and leads to what it promised. Somebody may have replaced the file since. */
static bool recover(struct nv *nv, const uint8_t *data, size_t size, struct past *past)
{
    uint64_t base;
    size_t at;
    bool fits;

    if (!journal_begin(data, size, &base, &at, &past->chain))
        return false;
    past->end = at;
    fits = sum_of(nv) == base;
    replay(nv, data, size, past);
    return fits || (past->sealed && sum_of(nv) == past->promised);
}

static int read_journal(const struct nv *nv, uint8_t **data, size_t *size, struct error *err)
{
    struct error own = {0};
    int rc = file_read("the journal", nv->journal_path, JOURNAL_READ_MAX, data, size, &own);

    if (!rc || rc == -ENOENT || rc == -ENODATA)
        return rc == 0 ? 0 : -ENOENT;
    return error_set(err, rc,
                     "%s: changes that an earlier run left in %s cannot be read (%s); remove that "
                     "file to go without them",
                     nv->path, nv->journal_path, own.text);
}

static void forget(struct nv *nv)
{
    for (uint64_t page = 0; page < nv->size / PAGE; page++)
        if (marked(nv->used, page))
            memset(nv->bytes + page * PAGE, 0, PAGE);
    memset(nv->used, 0, map_bytes(nv));
    memset(nv->changed, 0, map_bytes(nv));
    rewrite_free(&nv->rewrite);
}

/* --- the file ---------------------------------------------------------------------------------*/

static int write_all(int fd, uint64_t offset, const uint8_t *data, uint64_t len)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        data += n;
        offset += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

static int write_changed_pages(struct nv *nv)
{
    for (uint64_t page = 0; page < nv->size / PAGE; page++) {
        uint64_t end = (page + 1) * PAGE;
        int rc;
        if (!marked(nv->changed, page))
            continue;
        rc = write_all(nv->fd, page * PAGE, nv->bytes + page * PAGE, PAGE);
        if (rc)
            return rc;
        nv->file_size = nv->file_size < end ? end : nv->file_size;
    }
    return 0;
}

/* Puts what the journal says into the file. Each step is on stable storage before the next: at no
 * moment do both of them lack something. */
static int checkpoint(struct nv *nv, bool sealed)
{
    uint8_t sum[8];
    int rc = 0;

    st_le(sum, 8, sum_of(nv));
    if (!sealed)
        rc = journal_append(&nv->journal, JOURNAL_SEALED, 0, 0, sum);
    if (!rc)
        rc = journal_sync(&nv->journal);
    if (!rc)
        rc = write_changed_pages(nv);
    if (!rc)
        rc = fdatasync(nv->fd) ? -errno : 0;
    if (rc) {
        nv->journal.broken = true; /* sealed, perhaps: nothing may follow */
        return rc;
    }
    memset(nv->changed, 0, map_bytes(nv));
    journal_close(&nv->journal);
    nv->journalling = false;
    return unlink(nv->journal_path) ? -errno : 0;
}

static int begin_journal(struct nv *nv)
{
    int rc = nv->journalling ? 0 : journal_create(&nv->journal, nv->journal_path, sum_of(nv));

    nv->journalling |= !rc;
    return rc;
}

static int keep(struct nv *nv, enum journal_kind kind, uint64_t offset, uint64_t len,
                const void *data)
{
    int rc = nv->kept ? begin_journal(nv) : 0;

    return rc || !nv->kept ? rc : journal_append(&nv->journal, kind, offset, len, data);
}

static int change(struct nv *nv, enum journal_kind kind, uint64_t offset, uint64_t len,
                  const void *data)
{
    int rc = keep(nv, kind, offset, len, data);

    if (!rc)
        apply(nv, kind, offset, len, data);
    return rc;
}

/* Nothing more comes of a rewrite: what is lacking of the block is brought back. */
static int settle(struct nv *nv)
{
    const struct rewrite *rewrite = &nv->rewrite;

    if (!rewrite_is_under_way(rewrite, nv->bytes))
        return 0;
    return change(nv, JOURNAL_WRITE, rewrite->offset, rewrite->len, rewrite->old);
}

/* --- opening ----------------------------------------------------------------------------------*/

/* Puts what an earlier run left into the file at once: a second interruption changes nothing. */
static int carry_out(struct nv *nv, const struct past *past)
{
    int rc = journal_reopen(&nv->journal, nv->journal_path, past->end, past->chain);

    if (rc)
        return rc;
    nv->journalling = true;
    rc = past->sealed ? 0 : settle(nv);
    return rc ? rc : checkpoint(nv, past->sealed);
}

/* The array as the file and what is left of an earlier run make it. */
static int load_kept(struct nv *nv, struct error *err)
{
    struct past past = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    int rc = load(nv, nv->fd, nv->file_size);

    if (rc)
        return error_set(err, rc, "%s: cannot be read: %s", nv->path, strerror(-rc));
    rc = read_journal(nv, &data, &size, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    if (recover(nv, data, size, &past)) {
        rc = nv->kept ? carry_out(nv, &past) : past.sealed ? 0 : settle(nv);
        if (rc)
            error_set(err, rc, "%s: changes that an earlier run left in %s cannot be written: %s",
                      nv->path, nv->journal_path, strerror(-rc));
    } else {
        forget(nv);
        rc = load(nv, nv->fd, nv->file_size);
        if (nv->kept)
            unlink(nv->journal_path);
    }
    rewrite_free(&nv->rewrite);
    free(data);
    return rc;
}

/* A new file: it stays empty until its first contents are all in a sealed journal. */
static int start_anew(struct nv *nv, const struct nv_config *config, struct error *err)
{
    bool any = false;
    int rc = config->initial ? load_path(nv, config->option, config->initial, err) : 0;

    if (rc || !nv->kept)
        return rc;
    unlink(nv->journal_path);
    for (uint64_t page = 0; !rc && page < nv->size / PAGE; page++) {
        if (!marked(nv->used, page))
            continue;
        any = true;
        mark(nv->changed, page * PAGE, PAGE);
        rc = begin_journal(nv);
        if (!rc)
            rc = journal_append(&nv->journal, JOURNAL_WRITE, page * PAGE, PAGE,
                                nv->bytes + page * PAGE);
    }
    if (!rc && any)
        rc = checkpoint(nv, false);
    if (!rc && ftruncate(nv->fd, (off_t)nv->size))
        rc = -errno;
    if (rc)
        return error_set(err, rc, "%s: %s: cannot be created: %s", config->option, nv->path,
                         strerror(-rc));
    nv->file_size = nv->size;
    return 0;
}

static int open_error(const struct nv_config *config, int code, struct error *err)
{
    if (code == EACCES || code == EPERM || code == EROFS)
        return error_set(err, -code,
                         "%s: %s: no permission to write (%s); name another file with %s FILE, or "
                         "use --ephemeral",
                         config->option, config->path, strerror(code), config->option);
    return error_set(err, -code, "%s: %s: %s", config->option, config->path, strerror(code));
}

/* One writer, or any number of readers, of all processes. */
static int lock(struct nv *nv, const struct nv_config *config, struct error *err)
{
    if (!host_image_lock(nv->fd, nv->kept))
        return 0;
    return error_set(err, -EBUSY,
                     "%s: %s: is in use by another machine; stop that one, or give this one a file "
                     "of its own",
                     config->option, config->path);
}

static int check_size(const struct nv *nv, const struct nv_config *config, struct error *err)
{
    if (!nv->file_size || (nv->file_size >= config->least && nv->file_size <= config->size))
        return 0;
    return error_set(
        err, -EINVAL,
        "%s: %s: has %" PRIu64 " bytes; such a file has %" PRIu64 " KiB to %" PRIu64 " MiB",
        config->option, config->path, nv->file_size, config->least >> 10, config->size >> 20);
}

static int open_file(struct nv *nv, const struct nv_config *config, struct error *err)
{
    int flags = (nv->kept ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat st;
    int rc;

    nv->fd = config->path ? open(config->path, flags, 0666) : -1;
    if (!config->path || (nv->fd < 0 && errno == ENOENT && !nv->kept))
        return start_anew(nv, config, err);
    if (nv->fd < 0 || fstat(nv->fd, &st))
        return open_error(config, errno, err);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s: %s: is no regular file", config->option, config->path);
    rc = lock(nv, config, err);
    if (rc)
        return rc;
    /* Only now: whoever had it before may have been making it longer. */
    if (fstat(nv->fd, &st))
        return open_error(config, errno, err);
    nv->file_size = (uint64_t)st.st_size;
    rc = check_size(nv, config, err);
    if (rc)
        return rc;
    return nv->file_size ? load_kept(nv, err) : start_anew(nv, config, err);
}

static struct nv *create(const struct nv_config *config)
{
    struct nv *nv = calloc(1, sizeof(*nv));

    if (!nv)
        return NULL;
    nv->fd = -1;
    nv->size = config->size;
    nv->readonly = config->readonly;
    nv->kept = config->path && !config->readonly && !config->ephemeral;
    nv->bytes = host_ram_map_sparse(nv->size);
    nv->used = calloc(1, map_bytes(nv));
    nv->changed = calloc(1, map_bytes(nv));
    nv->path = strdup(config->path ? config->path : "");
    if (asprintf(&nv->journal_path, "%s.journal", nv->path ? nv->path : "") < 0)
        nv->journal_path = NULL;
    if (nv->bytes && nv->used && nv->changed && nv->path && nv->journal_path)
        return nv;
    nv_close(nv);
    return NULL;
}

int nv_open(const struct nv_config *config, struct nv **out, struct error *err)
{
    struct nv *nv = create(config);
    int rc;

    if (!nv)
        return error_set(err, -ENOMEM, "out of memory");
    rc = config->readonly ? load_path(nv, config->option, config->path, err)
                          : open_file(nv, config, err);
    if (rc) {
        /* What lies on the disk stays as it is. */
        nv->kept = false;
        nv_close(nv);
        return rc;
    }
    *out = nv;
    return 0;
}

void nv_close(struct nv *nv)
{
    if (!nv)
        return;
    /* Where this fails, the journal stays, and is carried out the next time. */
    if (nv->kept && nv->journalling && !nv->journal.broken && nv_settle(nv) >= 0)
        checkpoint(nv, false);
    if (nv->journalling)
        journal_close(&nv->journal);
    if (nv->fd >= 0)
        close(nv->fd);
    host_ram_unmap(nv->bytes, nv->size);
    rewrite_free(&nv->rewrite);
    free(nv->used);
    free(nv->changed);
    free(nv->path);
    free(nv->journal_path);
    free(nv);
}

/* --- changes ----------------------------------------------------------------------------------*/

static int check_range(const struct nv *nv, uint64_t offset, uint64_t len)
{
    if (nv->readonly)
        return -EROFS;
    return offset % 4 || len % 4 || offset > nv->size || len > nv->size - offset ? -EINVAL : 0;
}

/* A journal that has become long goes into the file. Should that fail, later changes do. A block
 * that is being rewritten is left in the journal, where it can be taken back. */
static void limit_journal(struct nv *nv)
{
    if (nv->journalling && nv->journal.end > JOURNAL_LIMIT &&
        (nv->journal.end > JOURNAL_LAST || !rewrite_is_under_way(&nv->rewrite, nv->bytes)))
        checkpoint(nv, false);
}

int nv_write(struct nv *nv, uint64_t offset, const void *data, uint64_t len)
{
    int rc = check_range(nv, offset, len);

    if (!rc)
        rc = change(nv, JOURNAL_WRITE, offset, len, data);
    if (!rc)
        limit_journal(nv);
    return rc;
}

int nv_fill_ones(struct nv *nv, uint64_t offset, uint64_t len)
{
    int rc = check_range(nv, offset, len);

    if (!rc)
        rc = change(nv, JOURNAL_FILL_ONES, offset, len, NULL);
    if (!rc)
        limit_journal(nv);
    return rc;
}

int nv_settle(struct nv *nv)
{
    bool any = nv->rewrite.begun && rewrite_is_under_way(&nv->rewrite, nv->bytes);
    int rc = any ? settle(nv) : 0;

    return rc ? rc : any;
}

uint8_t *nv_bytes(const struct nv *nv)
{
    return nv->bytes;
}

uint64_t nv_size(const struct nv *nv)
{
    return nv->size;
}

bool nv_readonly(const struct nv *nv)
{
    return nv->readonly;
}
