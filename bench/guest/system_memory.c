// SPDX-License-Identifier: Apache-2.0
// Pages: first touches, copies on write, mappings made and dropped; and many small files.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system.h"

enum { PAGE = 4096 };

static uint8_t *map(size_t size)
{
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED, "mmap");
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}

// In pieces of 8 MiB, each dropped before the next.
uint64_t system_fault(unsigned amount)
{
    enum { PIECE = 2048 };
    uint64_t count = 0;
    for (unsigned done = 0; done < amount; done += PIECE) {
        uint8_t *p = map((size_t)PIECE * PAGE);
        for (size_t i = 0; i < PIECE; i++) {
            p[i * PAGE]++;
            count += p[i * PAGE];
        }
        munmap(p, (size_t)PIECE * PAGE);
    }
    return count;
}

uint64_t system_fault_file(unsigned amount)
{
    enum { PIECE = 1024 };
    char name[] = "./bench-XXXXXX";
    int file = mkstemp(name);
    must(file >= 0, name);
    unlink(name);
    must(ftruncate(file, (off_t)PIECE * PAGE) == 0, "ftruncate");
    for (size_t i = 0; i < PIECE; i++)
        must(pwrite(file, "x", 1, (off_t)(i * PAGE)) == 1, "pwrite");
    uint64_t count = 0;
    for (unsigned done = 0; done < amount; done += PIECE) {
        uint8_t *p = mmap(NULL, (size_t)PIECE * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        must(p != MAP_FAILED, "mmap");
        for (size_t i = 0; i < PIECE; i++)
            count += p[i * PAGE]++ != 0;
        munmap(p, (size_t)PIECE * PAGE);
    }
    close(file);
    return count;
}

// A child writes to pages that it shares with its parent.
uint64_t system_cow(unsigned amount)
{
    enum { PIECE = 1024 };
    uint8_t *p = map((size_t)PIECE * PAGE);
    memset(p, 1, (size_t)PIECE * PAGE);
    uint64_t good = 0;
    for (unsigned done = 0; done < amount; done += PIECE) {
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            for (size_t i = 0; i < PIECE; i++)
                p[i * PAGE]++;
            _exit(p[(PIECE - 1) * PAGE] == 2 ? 0 : 1);
        }
        int status;
        waitpid(child, &status, 0);
        good += status == 0;
    }
    munmap(p, (size_t)PIECE * PAGE);
    return good;
}

uint64_t system_mmap(unsigned amount)
{
    uint64_t good = 0;
    while (amount--) {
        uint8_t *p =
            mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(p != MAP_FAILED, "mmap");
        p[PAGE] = 1;
        good += p[PAGE];
        munmap(p, 16 * PAGE);
    }
    return good;
}

uint64_t system_mprotect(unsigned amount)
{
    uint8_t *p = map(16 * PAGE);
    memset(p, 1, 16 * PAGE);
    uint64_t sum = 0;
    while (amount--) {
        must(mprotect(p, 16 * PAGE, PROT_READ) == 0, "mprotect");
        sum += p[3 * PAGE];
        must(mprotect(p, 16 * PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
        p[5 * PAGE]++;
    }
    munmap(p, 16 * PAGE);
    return sum;
}

static uint64_t check_file(const char *name, unsigned number)
{
    char text[64], expected[64];
    struct stat st;
    must(stat(name, &st) == 0, name);
    int file = open(name, O_RDONLY);
    must(file >= 0, name);
    ssize_t size = read(file, text, sizeof(text));
    close(file);
    int length = snprintf(expected, sizeof(expected), "this is number %u\n", number);
    return size == length && st.st_size == length && memcmp(text, expected, (size_t)size) == 0;
}

// Made, looked up, read, renamed and removed, a hundred to a directory.
uint64_t system_files(unsigned amount)
{
    char top[] = "./bench-XXXXXX", name[64], other[64], text[64];
    must(mkdtemp(top) != NULL, top);
    uint64_t good = 0;
    for (unsigned i = 0; i < amount; i++) {
        snprintf(name, sizeof(name), "%s/%u", top, i / 100);
        if (i % 100 == 0)
            must(mkdir(name, 0700) == 0, name);
        snprintf(name, sizeof(name), "%s/%u/%u", top, i / 100, i);
        int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        must(file >= 0, name);
        int size = snprintf(text, sizeof(text), "this is number %u\n", i);
        must(write(file, text, (size_t)size) == size, name);
        close(file);
    }
    for (unsigned i = 0; i < amount; i++) {
        snprintf(name, sizeof(name), "%s/%u/%u", top, i / 100, i);
        snprintf(other, sizeof(other), "%s/%u/renamed", top, i / 100);
        good += check_file(name, i);
        must(rename(name, other) == 0 && unlink(other) == 0, name);
    }
    for (unsigned i = 0; i < amount; i += 100) {
        snprintf(name, sizeof(name), "%s/%u", top, i / 100);
        must(rmdir(name) == 0, name);
    }
    must(rmdir(top) == 0, top);
    return good;
}
