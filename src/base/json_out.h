/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON (RFC 8259), indented. Text must be UTF-8; it is escaped as JSON wants it. */
#ifndef ARMVM_BASE_JSON_OUT_H
#define ARMVM_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_out {
    FILE *out;
    unsigned depth;
    bool more; /* something is there already, at this depth */
};

/* key is NULL within an array, and for the outermost value. bracket: '{' or '[', then '}' or ']'.
 */
void json_out_open(struct json_out *json, const char *key, char bracket);
void json_out_close(struct json_out *json, char bracket);
void json_out_text(struct json_out *json, const char *key, const char *value); /* NULL: null */
void json_out_number(struct json_out *json, const char *key, uint64_t value);
/* With three digits behind the point; below 0: null. */
void json_out_seconds(struct json_out *json, const char *key, double value);
void json_out_bool(struct json_out *json, const char *key, bool value);

#endif
