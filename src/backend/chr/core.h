/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of character back ends share. Internal to backend/chr. */
#ifndef ARMVM_BACKEND_CHR_CORE_H
#define ARMVM_BACKEND_CHR_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/chr/chr.h"

struct loop_fd;
struct thread;

/* Of a person, and of a program or a disk, which go on in the end. */
enum { CHR_PATIENCE_MS = 1000, CHR_LONG_PATIENCE_MS = 30000 };
enum { CHR_OUT_BYTES = 256 << 10, CHR_IN_BYTES = 1 << 20 };

struct chr {
    struct loop *loop;
    char *name;

    /* Output: the guest puts bytes into a ring, the writer thread takes them out. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything below */
    uint8_t *ring;          /* NULL: there is no output */
    size_t head, used;      /* first byte, number of bytes */
    int out_fd;             /* -1: nobody listens */
    unsigned patience_ms;   /* a listener that takes nothing for so long is stuck */
    bool keep_latest;       /* without a (live) listener the oldest bytes make room */
    bool writing;           /* the writer uses out_fd outside the lock */
    size_t unsent;          /* bytes that the writer took out and has not written yet */
    bool stuck;             /* the listener takes nothing: do not wait for it */
    bool dead;              /* out_fd gave an error: output has no place to go */
    bool quit;
    uint64_t lost; /* bytes dropped while stuck */
    struct thread *writer;

    /* Input. Loop thread only, but for `injected`. */
    int in_fd; /* -1: none */
    struct loop_fd *in_watch;
    uint8_t *in; /* read and not taken by the guest yet: [in_at, in_end) */
    size_t in_at, in_end, in_room;
    uint8_t *injected; /* under lock */
    size_t injected_len;
    int kick; /* eventfd: look at the input again */
    struct loop_fd *kick_watch;
    void (*hangup)(struct chr *chr); /* end of input; NULL: stop reading */

    /* pty, socket */
    int listen_fd; /* the listening socket, or the pty's own slave */
    struct loop_fd *listen_watch;
    bool unlink_name;

    unsigned columns, rows; /* under lock */

    chr_receive_fn *receive;
    void *receive_ctx;
    chr_filter_fn *filter;
    void *filter_ctx;
    void (*tap)(void *ctx, const uint8_t *buf, size_t len);
    void *tap_ctx;
    void (*resized)(void *ctx, unsigned columns, unsigned rows);
    void *resized_ctx;
};

/* For open.c. Starts output to fd (-1: later); fd should not block. */
int chr_start_output(struct chr *chr, int fd, struct error *err);
/* Changes where output goes; returns when the old descriptor is no longer in use. */
void chr_set_output(struct chr *chr, int fd);
/* Reads from fd; -1 ends it. Negative errno. */
int chr_set_input(struct chr *chr, int fd);
/* Fills in a chr by its spec. */
int chr_open_spec(struct chr *chr, const char *spec, struct error *err);

#endif
