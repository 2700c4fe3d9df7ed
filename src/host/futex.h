/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_HOST_FUTEX_H
#define ARMVM_HOST_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word == value, until woken or deadline_ns (host_now_ns()'s clock; UINT64_MAX: no
 * limit). May return early for no reason. */
void host_futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t deadline_ns);
void host_futex_wake(_Atomic uint32_t *word);

#endif
