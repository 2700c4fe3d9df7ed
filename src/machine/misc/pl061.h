/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_MACHINE_MISC_PL061_H
#define ARMVM_MACHINE_MISC_PL061_H

#include <stdbool.h>

struct device;
struct loop;

enum { PL061_POWER_LINE = 3 };

/* The PrimeCell GPIO with the machine's power key on line 3. loop releases the key after a
 * moment; without one it is released at once. NULL when out of memory. */
struct device *pl061_create(struct loop *loop);

/* Presses the power key. False if no driver listens to it (its interrupt is masked). Loop thread.
 */
bool pl061_press_power(struct device *dev);

#endif
