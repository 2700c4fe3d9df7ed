/* SPDX-License-Identifier: Apache-2.0 */
#include "host/program.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"

enum { CHUNK = 64 << 10 };

struct search {
    uint64_t key[2], hash;
    int fd;
    uint8_t *buffer;
    bool failed;
};

static bool hash_piece(struct search *search, off_t at, uint64_t size)
{
    while (size) {
        const uint64_t key[2] = {search->key[0] ^ search->hash, search->key[1]};
        ssize_t n = pread(search->fd, search->buffer, size < CHUNK ? (size_t)size : CHUNK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        search->hash = hash_bytes(search->buffer, (size_t)n, key);
        at += n;
        size -= (uint64_t)n;
    }
    return true;
}

/* The program itself comes first (dl_iterate_phdr(3)). Read from its file, not from memory, where
 * relocation has left addresses; symbols and debugging information are in no segment. */
static int hash_program(struct dl_phdr_info *info, size_t size, void *ctx)
{
    struct search *search = ctx;

    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD &&
            !hash_piece(search, (off_t)segment->p_offset, segment->p_filesz))
            search->failed = true;
    }
    return 1;
}

int host_program_hash(const uint64_t key[2], uint64_t *hash)
{
    struct search search = {.key = {key[0], key[1]}};

    /* What runs, whatever stands under its name by now. */
    search.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (search.fd < 0)
        return -errno;
    search.buffer = malloc(CHUNK);
    search.failed = !search.buffer;
    if (!search.failed)
        dl_iterate_phdr(hash_program, &search);
    free(search.buffer);
    close(search.fd);
    *hash = search.hash;
    return search.failed ? -EIO : 0;
}
