/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARMVM_IMAGE_QCOW2_OUT_H
#define ARMVM_IMAGE_QCOW2_OUT_H

struct error;

/* Writes the raw image at path raw as a new qcow2 image (version 3, 64 KiB clusters, what is zero
 * left out) to path out, which must not exist and is removed again after an error. The same input
 * gives the same bytes. */
int qcow2_from_raw(const char *raw, const char *out, struct error *err);

#endif
