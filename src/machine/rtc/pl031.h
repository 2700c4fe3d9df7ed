/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_MACHINE_RTC_PL031_H
#define ARMVM_MACHINE_RTC_PL031_H

#include <stdint.h>

struct device;
struct loop;

/* The PrimeCell real-time clock, showing the host's wall clock. loop may be NULL (no alarms on
 * time); wall NULL: the host's seconds since 1970. NULL when out of memory. */
struct device *pl031_create(struct loop *loop, int64_t (*wall)(void *ctx), void *wall_ctx);

#endif
