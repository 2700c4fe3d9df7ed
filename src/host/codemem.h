/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for generated code: one piece of shared memory mapped twice, so that no page is ever
 * writable and executable through the same mapping (W^X). */
#ifndef ARMVM_HOST_CODEMEM_H
#define ARMVM_HOST_CODEMEM_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct codemem {
    uint8_t *rw; /* writable view */
    uint8_t *rx; /* executable view of the same bytes */
    size_t size;
};

/* size is rounded up to pages; memory is backed lazily. */
int codemem_create(struct codemem *code, size_t size, struct error *err);
void codemem_destroy(struct codemem *code);
/* Gives the host's memory behind [from, size) back (contents become zero). */
void codemem_release(struct codemem *code, size_t from);

#endif
