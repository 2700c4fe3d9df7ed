/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_VM_NOTIFY_H
#define ARMVM_VM_NOTIFY_H

/* Tells the service manager that started us (sd_notify(3)'s protocol: one datagram to the socket
 * that $NOTIFY_SOCKET names). Does nothing without one. */
void vm_notify(const char *state);

#endif
