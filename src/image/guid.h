/* SPDX-License-Identifier: Apache-2.0 */
/* GUIDs as UEFI stores them: the first three fields little-endian (UEFI 2.10, appendix A). */
#ifndef ARMVM_IMAGE_GUID_H
#define ARMVM_IMAGE_GUID_H

#include <stdbool.h>
#include <stdint.h>

enum { GUID_TEXT = 37 };

struct guid {
    uint8_t byte[16]; /* as on the disk */
};

/* "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" */
void guid_format(const struct guid *guid, char text[GUID_TEXT]);
/* -EINVAL if text is not a GUID and nothing else; either case. */
int guid_parse(const char *text, struct guid *guid);
bool guid_is(const struct guid *guid, const char *text);
bool guid_is_zero(const struct guid *guid);

#endif
