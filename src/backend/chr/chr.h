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

/* Bytes from the guest. Never blocks the caller for long; any thread. */
void chr_write(struct chr *chr, const void *buf, size_t len);

/* Input for the guest: receive takes up to len bytes and returns how many it took; when it takes
 * fewer, the rest waits until chr_ready. Called on the loop's thread. */
typedef size_t chr_receive_fn(void *ctx, const uint8_t *buf, size_t len);
void chr_set_receiver(struct chr *chr, chr_receive_fn *receive, void *ctx);
void chr_ready(struct chr *chr); /* any thread */

/* Sees every byte the guest writes, before the back end does (--expect); any thread. */
void chr_set_tap(struct chr *chr, void (*tap)(void *ctx, const uint8_t *buf, size_t len), void *ctx);

/* Feeds bytes as if they had been typed (the menu, tests); any thread. */
void chr_inject(struct chr *chr, const void *buf, size_t len);

#endif
