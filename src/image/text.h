/* SPDX-License-Identifier: Apache-2.0 */
/* Text as disks have it, made safe to print: UTF-8 without control characters. */
#ifndef ARMVM_IMAGE_TEXT_H
#define ARMVM_IMAGE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Appends one character to the string of *len bytes in out, which stays terminated; control
 * characters and surrogates become '?'. -ENOSPC if it does not fit. */
int text_append(char *out, size_t size, size_t *len, uint32_t character);
/* UTF-16LE, count units or up to the first zero; unpaired surrogates become '?'. Cuts at size. */
void text_utf16(const uint8_t *units, size_t count, char *out, size_t size);
/* UTF-8 of count bytes or up to the first zero; what is not UTF-8 becomes '?'. Cuts at size. */
void text_utf8(const uint8_t *bytes, size_t count, char *out, size_t size);
/* ASCII padded with spaces, as FAT has it. */
void text_padded(const uint8_t *bytes, size_t count, char *out, size_t size);

#endif
