/* SPDX-License-Identifier: Apache-2.0 */
#include "host/read.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "host/thread.h"

/*
 * Reading a kernel that the host's page cache has is mostly the first touch of guest memory: the
 * host finds and clears a huge page for every two MiB. Two threads do that in half the time.
 */
enum { PIECE = 2 << 20, LARGE = 4 * PIECE };

struct reading {
    int fd;
    uint64_t offset;
    uint8_t *to;
    size_t len;
    _Atomic size_t next; /* what nobody has begun to read */
    _Atomic int rc;
};

static int read_piece(int fd, uint64_t offset, uint8_t *to, size_t len)
{
    while (len) {
        ssize_t n = pread(fd, to, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -ENODATA;
        to += n;
        offset += (size_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static void read_pieces(void *ctx)
{
    struct reading *r = ctx;
    size_t at;

    while (!atomic_load(&r->rc) && (at = atomic_fetch_add(&r->next, PIECE)) < r->len) {
        size_t len = r->len - at < PIECE ? r->len - at : PIECE;
        int rc = read_piece(r->fd, r->offset + at, r->to + at, len);
        if (rc)
            atomic_store(&r->rc, rc);
    }
}

int host_read_at(int fd, uint64_t offset, void *to, size_t len)
{
    struct reading reading = {.fd = fd, .offset = offset, .to = to, .len = len};
    struct thread *helper = NULL;

    /* Without it, it takes longer. */
    if (len >= LARGE)
        (void)thread_create(&helper, "read", read_pieces, &reading, NULL);
    read_pieces(&reading);
    thread_join(helper);
    return atomic_load(&reading.rc);
}
