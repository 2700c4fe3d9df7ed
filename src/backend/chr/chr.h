/* SPDX-License-Identifier: Apache-2.0 */
/* Character back ends: the host's end of a console. */
#ifndef ARMVM_BACKEND_CHR_CHR_H
#define ARMVM_BACKEND_CHR_CHR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chr;
struct error;
struct loop;

/* "stdio", "file:F", "pty", "socket:F", "none" (see interface: --serial). */
int chr_create(struct loop *loop, const char *spec, struct chr **chr, struct error *err);
void chr_destroy(struct chr *chr);

/* Bytes from the guest; any thread. A listener that does not keep up slows the caller down to its
 * own pace; one that is stuck holds it up once (a terminal for a second, a pipe or file for 30),
 * and then what does not fit is lost, with a note of how much. */
void chr_write(struct chr *chr, const void *buf, size_t len);
/* Waits, no longer than told, until all of that has reached its listener; not at all for one that
 * is not there or is stuck. */
void chr_flush(struct chr *chr, unsigned milliseconds);

/* Input for the guest: receive takes up to len bytes and returns how many it took; when it takes
 * fewer, the rest waits until chr_ready. Called on the loop's thread. */
typedef size_t chr_receive_fn(void *ctx, const uint8_t *buf, size_t len);
void chr_set_receiver(struct chr *chr, chr_receive_fn *receive, void *ctx);
void chr_ready(struct chr *chr); /* any thread */

/* Sees every byte the guest writes, before the back end does (--expect); any thread. */
void chr_set_tap(struct chr *chr, void (*tap)(void *ctx, const uint8_t *buf, size_t len),
                 void *ctx);

/* Sees every byte that was typed (read from the host) before the guest does and may take some away:
 * compacts buf and returns how many are left for the guest. On the loop's thread. For the key that
 * opens the menu; injected bytes do not pass it. */
typedef size_t chr_filter_fn(void *ctx, uint8_t *buf, size_t len);
void chr_set_filter(struct chr *chr, chr_filter_fn *filter, void *ctx);

/* Feeds bytes as if they had been typed (the menu, tests); any thread. */
void chr_inject(struct chr *chr, const void *buf, size_t len);

/* Where it is ("/dev/pts/3" for a pty, else the file, or the spec's word). */
const char *chr_name(const struct chr *chr);

/* The terminal's size in characters; 0 and 0 when there is none. Who notices a change (SIGWINCH)
 * calls chr_set_size; the guest's end hears of it through resized, on that thread. */
void chr_get_size(struct chr *chr, unsigned *columns, unsigned *rows);
void chr_set_size(struct chr *chr, unsigned columns, unsigned rows);
void chr_set_resized(struct chr *chr, void (*resized)(void *ctx, unsigned columns, unsigned rows),
                     void *ctx);

#endif
