/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_out.h"

#include <inttypes.h>

static void string(struct json_out *json, const char *text)
{
    fputc('"', json->out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(json->out, "\\%c", c);
        else if (c < 0x20)
            fprintf(json->out, "\\u%04x", c);
        else
            fputc(c, json->out);
    }
    fputc('"', json->out);
}

/* What comes before a value: comma, line, indentation, and its name. */
static void begin(struct json_out *json, const char *key)
{
    if (json->depth)
        fprintf(json->out, "%s\n%*s", json->more ? "," : "", (int)json->depth * 2, "");
    json->more = true;
    if (key) {
        string(json, key);
        fputs(": ", json->out);
    }
}

void json_out_open(struct json_out *json, const char *key, char bracket)
{
    begin(json, key);
    fputc(bracket, json->out);
    json->depth++;
    json->more = false;
}

void json_out_close(struct json_out *json, char bracket)
{
    json->depth--;
    if (json->more)
        fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
    fputc(bracket, json->out);
    json->more = true;
}

void json_out_text(struct json_out *json, const char *key, const char *value)
{
    begin(json, key);
    if (value)
        string(json, value);
    else
        fputs("null", json->out);
}

void json_out_number(struct json_out *json, const char *key, uint64_t value)
{
    begin(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

void json_out_seconds(struct json_out *json, const char *key, double value)
{
    begin(json, key);
    if (value < 0)
        fputs("null", json->out);
    else
        fprintf(json->out, "%.3f", value);
}

void json_out_bool(struct json_out *json, const char *key, bool value)
{
    begin(json, key);
    fputs(value ? "true" : "false", json->out);
}
