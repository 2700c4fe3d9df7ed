/* SPDX-License-Identifier: Apache-2.0 */
/* A journal with any contents beside a small store: it is carried out or forgotten, the same way by
 * who only looks and by who keeps it, and afterwards it is gone. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/nv/nv.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 64 << 10 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void put_file(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t start[SIZE] = {1, 2, 3};
    char path[64], journal[80];
    struct nv_config config = {
        .path = path, .option = "--vars", .size = SIZE, .least = 1, .ephemeral = true};
    struct nv *looks = NULL, *keeps = NULL;
    struct error err;

    snprintf(path, sizeof(path), "/tmp/armvm-fuzz-nv-%d", (int)getpid());
    snprintf(journal, sizeof(journal), "%s.journal", path);
    put_file(path, start, SIZE);
    put_file(journal, data, size);
    require(!nv_open(&config, &looks, &err));
    config.ephemeral = false;
    /* Both locks are this process's, but of two open files: one at a time. */
    uint8_t *seen = malloc(SIZE);
    require(seen);
    memcpy(seen, nv_bytes(looks), SIZE);
    nv_close(looks);
    require(!nv_open(&config, &keeps, &err));
    require(!memcmp(seen, nv_bytes(keeps), SIZE));
    require(!size || access(journal, F_OK));
    nv_close(keeps);
    free(seen);
    unlink(path);
    unlink(journal);
    return 0;
}
