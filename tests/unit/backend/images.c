/* SPDX-License-Identifier: Apache-2.0 */
#include "images.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

static int run(const char *fmt, va_list ap)
{
    char command[1024];
    size_t n = 2;
    int status;

    strcpy(command, "{ ");
    n += (size_t)vsnprintf(command + n, sizeof(command) - 64, fmt, ap);
    strcpy(command + n, "\n} >log 2>&1 </dev/null");
    status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int shell(const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = run(fmt, ap);
    va_end(ap);
    return r;
}

void must(const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = run(fmt, ap);
    va_end(ap);
    if (r) {
        (void)!system("tail -n 20 log >&2");
        fail_msg("exit status %d: %s", r, fmt);
    }
}

void images_begin(void)
{
    char dir[] = "/tmp/armvm-images-XXXXXX";

    if (!mkdtemp(dir) || chdir(dir))
        abort();
}

void images_end(void)
{
    char dir[256];

    if (getcwd(dir, sizeof(dir)) && strstr(dir, "/armvm-images-") && !chdir("/"))
        shell("rm -rf %s; cd /tmp; true", dir);
    unlink("/log");
}

bool have_qemu_img(void)
{
    return shell("qemu-img --version") == 0;
}

void write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

void make_random(const char *path, size_t size, unsigned seed, uint8_t **copy)
{
    uint8_t *bytes = malloc(size);
    bool zero = false;

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        if (i % 16384 == 0)
            zero = rand_r(&seed) % 3 == 0;
        bytes[i] = zero ? 0 : i % 7 ? (uint8_t)(i / 512) : (uint8_t)rand_r(&seed);
    }
    if (path)
        write_file(path, bytes, size);
    if (copy)
        *copy = bytes;
    else
        free(bytes);
}

struct blk *open_blk(const char *path, bool readonly, bool ephemeral)
{
    struct blk_config config = {path, readonly, ephemeral, NULL};
    struct error err = {0};
    struct blk *blk = NULL;

    if (blk_open(&config, &blk, &err))
        fail_msg("%s", err.text);
    return blk;
}

void refuses(const struct blk_config *config, int code, const char *words)
{
    struct error err = {0};
    struct blk *blk;
    int r = blk_open(config, &blk, &err);

    if (!r)
        fail_msg("%s was opened, without '%s'", config->path, words);
    if (r != code || !strstr(err.text, words) || strchr(err.text, '\n'))
        fail_msg("%d '%s' lacks '%s' or is not %d", r, err.text, words, code);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int result;
};

static void done(struct blk_request *request, int result)
{
    struct waiter *w = request->ctx;

    pthread_mutex_lock(&w->lock);
    w->result = result;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

int perform(struct blk *blk, enum blk_op op, uint64_t offset, void *buf, uint64_t len, bool unmap)
{
    struct waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 1};
    struct iovec iov[3] = {{buf, len / 3}, {NULL, 0}, {(uint8_t *)buf + len / 3, len - len / 3}};
    struct blk_request request = {.op = op,
                                  .offset = offset,
                                  .len = len,
                                  .iov = iov,
                                  .iovcnt = 3,
                                  .unmap = unmap,
                                  .background = offset / 512 % 2,
                                  .done = done,
                                  .ctx = &w};

    blk_submit(blk, &request);
    pthread_mutex_lock(&w.lock);
    while (w.result == 1)
        pthread_cond_wait(&w.done, &w.lock);
    pthread_mutex_unlock(&w.lock);
    return w.result;
}
