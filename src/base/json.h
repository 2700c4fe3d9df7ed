/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON (RFC 8259), strictly: UTF-8, no comments, no trailing commas, no repeated keys. */
#ifndef ARMVM_BASE_JSON_H
#define ARMVM_BASE_JSON_H

#include <stddef.h>

struct json;

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* NULL: out of memory, or it is not JSON; *where (may be NULL) is then the offset at which it stops
 * being that. Nesting is limited to 64, size to 1 MiB. */
struct json *json_parse(const char *text, size_t size, size_t *where);
void json_free(struct json *root);

/* All of these take NULL, and values of another type, and answer NULL then. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_first(const struct json *container); /* array or object */
const struct json *json_next(const struct json *value);      /* in the same container */
const char *json_string(const struct json *string);          /* UTF-8 without NUL inside */

enum json_type json_type(const struct json *value);

#endif
