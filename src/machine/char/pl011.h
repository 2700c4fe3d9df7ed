/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_MACHINE_CHAR_PL011_H
#define ARMVM_MACHINE_CHAR_PL011_H

struct chr;
struct device;

/* The PrimeCell UART. chr (may be NULL) belongs to the caller and outlives it; its receiver is set
 * here. NULL when out of memory. */
struct device *pl011_create(struct chr *chr);

#endif
