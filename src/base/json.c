/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_SIZE = 1 << 20 };

struct json {
    enum json_type type;
    char *key, *string; /* string: also a number's text */
    struct json *first, *next;
};

struct reader {
    const char *at, *end;
    unsigned depth;
};

/* --- letters ----------------------------------------------------------------------------------*/

static void skip_space(struct reader *r)
{
    while (r->at < r->end && memchr(" \t\r\n", *r->at, 4))
        r->at++;
}

static bool take(struct reader *r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len))
        return false;
    r->at += len;
    return true;
}

static bool is_digit(const struct reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

/* Four hexadecimal digits; -1: they are not. */
static int32_t hex4(struct reader *r)
{
    int32_t value = 0;

    if (r->end - r->at < 4)
        return -1;
    for (int i = 0; i < 4; i++, r->at++) {
        static const char digits[] = "0123456789abcdef";
        char c = *r->at >= 'A' && *r->at <= 'F' ? (char)(*r->at + 32) : *r->at;
        const char *digit = c ? strchr(digits, c) : NULL;
        if (!digit)
            return -1;
        value = value << 4 | (int32_t)(digit - digits);
    }
    return value;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

/* The bytes of the character at p, which must be well-formed UTF-8 (RFC 3629); 0: it is not. */
static size_t utf8_length(const uint8_t *p, size_t left)
{
    size_t len = p[0] < 0x80                   ? 1
                 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                               : 0;

    if (!len || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* --- strings ----------------------------------------------------------------------------------*/

static bool unicode_escape(struct reader *r, char **out)
{
    int32_t c = hex4(r), low;

    if (c >= 0xd800 && c < 0xdc00) {
        if (!take(r, "\\u"))
            return false;
        low = hex4(r);
        if (low < 0xdc00 || low > 0xdfff)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c <= 0 || (c >= 0xdc00 && c < 0xe000)) {
        return false; /* NUL would end the string early */
    }
    *out = put_utf8(*out, (uint32_t)c);
    return true;
}

static bool escape(struct reader *r, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    char c;

    if (r->at == r->end)
        return false;
    c = *r->at++;
    if (c == 'u')
        return unicode_escape(r, out);
    found = c ? strchr(from, c) : NULL;
    if (!found)
        return false;
    *(*out)++ = to[found - from];
    return true;
}

/* What follows the opening quote. NULL: malformed, or out of memory. */
static char *read_string(struct reader *r)
{
    /* No character gets longer by being decoded. */
    char *text = malloc((size_t)(r->end - r->at) + 1), *out = text, *fit;

    while (text && r->at < r->end) {
        size_t len = utf8_length((const uint8_t *)r->at, (size_t)(r->end - r->at));
        if (*r->at == '"') {
            r->at++;
            *out++ = 0;
            fit = realloc(text, (size_t)(out - text));
            return fit ? fit : text;
        }
        if (!len || (uint8_t)*r->at < 0x20)
            break;
        if (*r->at == '\\') {
            r->at++;
            if (!escape(r, &out))
                break;
            continue;
        }
        memcpy(out, r->at, len);
        out += len;
        r->at += len;
    }
    free(text);
    return NULL;
}

/* --- values -----------------------------------------------------------------------------------*/

static struct json *read_value(struct reader *r);

static bool digits(struct reader *r)
{
    bool any = is_digit(r);

    while (is_digit(r))
        r->at++;
    return any;
}

static bool read_number(struct reader *r, struct json *value)
{
    const char *start = r->at;

    take(r, "-");
    if (!take(r, "0") && !digits(r))
        return false;
    if (take(r, ".") && !digits(r))
        return false;
    if (take(r, "e") || take(r, "E")) {
        if (!take(r, "+"))
            take(r, "-");
        if (!digits(r))
            return false;
    }
    value->type = JSON_NUMBER;
    value->string = strndup(start, (size_t)(r->at - start));
    return value->string;
}

/* A member's key and colon. */
static char *read_key(struct reader *r, const struct json *object)
{
    char *key = NULL;

    skip_space(r);
    if (take(r, "\""))
        key = read_string(r);
    skip_space(r);
    if (key && (!take(r, ":") || json_get(object, key))) {
        free(key);
        key = NULL;
    }
    return key;
}

static bool read_members(struct reader *r, struct json *value, const char *close)
{
    struct json **end = &value->first;

    skip_space(r);
    if (take(r, close))
        return true;
    do {
        char *key = value->type == JSON_OBJECT ? read_key(r, value) : NULL;
        if (value->type == JSON_OBJECT && !key)
            return false;
        *end = read_value(r);
        if (!*end) {
            free(key);
            return false;
        }
        (*end)->key = key;
        end = &(*end)->next;
        skip_space(r);
    } while (take(r, ","));
    return take(r, close);
}

static bool read_into(struct reader *r, struct json *value)
{
    if (take(r, "null"))
        return true;
    if (take(r, "true") || take(r, "false")) {
        value->type = JSON_BOOL;
        return true;
    }
    if (take(r, "\"")) {
        value->type = JSON_STRING;
        value->string = read_string(r);
        return value->string;
    }
    if (take(r, "[")) {
        value->type = JSON_ARRAY;
        return read_members(r, value, "]");
    }
    if (take(r, "{")) {
        value->type = JSON_OBJECT;
        return read_members(r, value, "}");
    }
    return read_number(r, value);
}

static struct json *read_value(struct reader *r)
{
    struct json *value;
    bool ok;

    if (r->depth == MAX_DEPTH)
        return NULL;
    value = calloc(1, sizeof(*value));
    if (!value)
        return NULL;
    r->depth++;
    skip_space(r);
    ok = read_into(r, value);
    r->depth--;
    if (ok)
        return value;
    json_free(value);
    return NULL;
}

struct json *json_parse(const char *text, size_t size, size_t *where)
{
    struct reader r = {text, text + size, 0};
    struct json *root = size <= MAX_SIZE ? read_value(&r) : NULL;

    skip_space(&r);
    if (root && r.at != r.end) {
        json_free(root);
        root = NULL;
    }
    if (where)
        *where = (size_t)(r.at - text);
    return root;
}

void json_free(struct json *value)
{
    while (value) {
        struct json *next = value->next;
        json_free(value->first); /* as deep as the text was */
        free(value->key);
        free(value->string);
        free(value);
        value = next;
    }
}

/* --- asking -----------------------------------------------------------------------------------*/

const struct json *json_get(const struct json *object, const char *key)
{
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json *member = object->first; member; member = member->next)
        if (member->key && !strcmp(member->key, key))
            return member;
    return NULL;
}

const struct json *json_first(const struct json *container)
{
    return container ? container->first : NULL;
}

const struct json *json_next(const struct json *value)
{
    return value ? value->next : NULL;
}

const char *json_string(const struct json *string)
{
    return string && string->type == JSON_STRING ? string->string : NULL;
}

enum json_type json_type(const struct json *value)
{
    return value ? value->type : JSON_NULL;
}
