/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_HOST_IMAGE_LOCK_H
#define ARMVM_HOST_IMAGE_LOCK_H

#include <stdbool.h>

/*
 * Locks an open image for as long as it is open: one writer, or any number of readers, of all
 * processes, QEMU's among them, whose locks these are. 0 also where the file system has no locks;
 * -EBUSY: somebody writes, or wants to read and has asked that nobody write.
 */
int host_image_lock(int fd, bool writer);

#endif
