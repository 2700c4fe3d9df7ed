/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/nv/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"

enum { HEADER = 24, HEAD = 16, TAIL = 8 };

static const uint8_t magic[8] = "armvmnv1";

/* FNV-1a over words of 8 bytes, folded once more than the original: it has to tell torn data from
 * whole, not to withstand anybody. */
uint64_t journal_sum(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *p = data;

    sum ^= 0xcbf29ce484222325ull ^ len;
    for (; len >= 8; p += 8, len -= 8) {
        sum = (sum ^ ld_le(p, 8)) * 0x100000001b3ull;
        sum ^= sum >> 29;
    }
    for (; len; p++, len--)
        sum = (sum ^ *p) * 0x100000001b3ull;
    return sum ^ sum >> 32;
}

static size_t payload_size(enum journal_kind kind, uint64_t len)
{
    return kind == JOURNAL_WRITE ? (size_t)len : kind == JOURNAL_SEALED ? 8 : 0;
}

/* --- writing ----------------------------------------------------------------------------------*/

/* What a failed or short write leaves is cut off, so that the next record follows the last good
 * one. */
static int append(struct journal *journal, struct iovec *iov, int count)
{
    size_t want = 0;
    ssize_t n;
    int rc;

    for (int i = 0; i < count; i++)
        want += iov[i].iov_len;
    do
        n = pwritev(journal->fd, iov, count, (off_t)journal->end);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)want) {
        journal->end += want;
        return 0;
    }
    rc = n < 0 ? -errno : -ENOSPC;
    if (ftruncate(journal->fd, (off_t)journal->end))
        journal->broken = true;
    return rc;
}

int journal_create(struct journal *journal, const char *path, uint64_t base_sum)
{
    uint8_t header[HEADER];
    struct iovec iov = {header, HEADER};
    int rc;

    memcpy(header, magic, sizeof(magic));
    st_le(header + 8, 8, base_sum);
    *journal = (struct journal){.chain = journal_sum(0, header, 16)};
    st_le(header + 16, 8, journal->chain);
    journal->fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0666);
    if (journal->fd < 0)
        return -errno;
    rc = append(journal, &iov, 1);
    if (rc) {
        close(journal->fd);
        unlink(path);
        journal->fd = -1;
    }
    return rc;
}

int journal_reopen(struct journal *journal, const char *path, uint64_t end, uint64_t chain)
{
    *journal = (struct journal){.end = end, .chain = chain};
    journal->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (journal->fd < 0 || !ftruncate(journal->fd, (off_t)end))
        return journal->fd < 0 ? -errno : 0;
    close(journal->fd);
    return -EIO;
}

int journal_append(struct journal *journal, enum journal_kind kind, uint64_t offset, uint64_t len,
                   const void *payload)
{
    uint8_t head[HEAD] = {0}, tail[TAIL];
    struct iovec iov[3] = {{head, HEAD}, {(void *)payload, payload_size(kind, len)}, {tail, TAIL}};
    uint64_t chain;
    int rc;

    if (journal->broken)
        return -EIO;
    st_le(head, 4, kind);
    st_le(head + 4, 4, offset);
    st_le(head + 8, 4, len);
    chain = journal_sum(journal->chain, head, HEAD);
    chain = journal_sum(chain, payload, iov[1].iov_len);
    st_le(tail, 8, chain);
    rc = append(journal, iov, 3);
    if (!rc)
        journal->chain = chain;
    return rc;
}

int journal_sync(const struct journal *journal)
{
    return fdatasync(journal->fd) ? -errno : 0;
}

void journal_close(struct journal *journal)
{
    close(journal->fd);
    journal->fd = -1;
}

/* --- reading ----------------------------------------------------------------------------------*/

bool journal_begin(const uint8_t *data, size_t size, uint64_t *base_sum, size_t *at,
                   uint64_t *chain)
{
    if (size < HEADER || memcmp(data, magic, sizeof(magic)))
        return false;
    *chain = journal_sum(0, data, 16);
    *base_sum = ld_le(data + 8, 8);
    *at = HEADER;
    return ld_le(data + 16, 8) == *chain;
}

bool journal_next(const uint8_t *data, size_t size, uint64_t limit, size_t *at, uint64_t *chain,
                  struct journal_record *record)
{
    size_t left = size - *at, payload;
    const uint8_t *p = data + *at;
    uint64_t sum;

    if (left < HEAD + TAIL)
        return false;
    record->kind = (enum journal_kind)ld_le(p, 4);
    record->offset = ld_le(p + 4, 4);
    record->len = ld_le(p + 8, 4);
    record->payload = p + HEAD;
    if (record->kind < JOURNAL_WRITE || record->kind > JOURNAL_SEALED || record->offset > limit ||
        record->len > limit - record->offset)
        return false;
    payload = payload_size(record->kind, record->len);
    if (left - HEAD - TAIL < payload)
        return false;
    sum = journal_sum(*chain, p, HEAD);
    sum = journal_sum(sum, p + HEAD, payload);
    if (ld_le(p + HEAD + payload, 8) != sum)
        return false;
    *chain = sum;
    *at += HEAD + payload + TAIL;
    return true;
}
