/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/expect.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/escape.h"

/* Of a longer line only the last part is looked at: a guest may print without ever ending a line.
 */
enum { LINE_MAX_BYTES = 4096, SHOWN = 160 };

struct expect {
    regex_t regex;
    enum escape escape;
    char line[LINE_MAX_BYTES + 1];
    size_t len;
    bool cut;     /* the beginning of the line is gone: '^' must not match */
    bool changed; /* since the last try */
    bool matched;
    char last[SHOWN + 1];
};

int expect_create(struct expect **out, const char *regex, struct error *err)
{
    struct expect *expect = calloc(1, sizeof(*expect));
    char reason[120];
    int rc;

    if (!expect)
        return error_set(err, -ENOMEM, "out of memory");
    rc = *regex ? regcomp(&expect->regex, regex, REG_EXTENDED | REG_NOSUB) : REG_BADPAT;
    if (rc) {
        if (*regex)
            regerror(rc, &expect->regex, reason, sizeof(reason));
        else
            strcpy(reason, "it is empty");
        free(expect);
        return error_set(err, -EINVAL, "--expect: '%s' is no extended regular expression: %s",
                         regex, reason);
    }
    *out = expect;
    return 0;
}

void expect_destroy(struct expect *expect)
{
    if (!expect)
        return;
    regfree(&expect->regex);
    free(expect);
}

const char *expect_line(const struct expect *expect)
{
    return expect->last;
}

/* Keeps the line for messages, if there is anything to see in it. */
static void remember(struct expect *expect)
{
    size_t n = 0;

    if (strspn(expect->line, " \t") == expect->len)
        return;
    for (size_t i = 0; i < expect->len && n < SHOWN; i++)
        expect->last[n++] = (unsigned char)expect->line[i] < ' ' ? ' ' : expect->line[i];
    expect->last[n] = 0;
}

static bool try(struct expect *expect, bool whole)
{
    int flags = (expect->cut ? REG_NOTBOL : 0) | (whole ? 0 : REG_NOTEOL);

    if (expect->matched || (!expect->changed && !whole))
        return expect->matched;
    expect->line[expect->len] = 0;
    expect->changed = false;
    remember(expect);
    expect->matched = !regexec(&expect->regex, expect->line, 0, NULL, flags);
    return expect->matched;
}

static void end_line(struct expect *expect)
{
    expect->len = 0;
    expect->cut = expect->changed = false;
}

static void append(struct expect *expect, char c)
{
    if (expect->len == LINE_MAX_BYTES) {
        /* Look before anything is forgotten, keep the second half: a match may go across. */
        try(expect, false);
        expect->len = LINE_MAX_BYTES / 2;
        memmove(expect->line, expect->line + LINE_MAX_BYTES / 2, expect->len);
        expect->cut = true;
    }
    expect->line[expect->len++] = c;
    expect->changed = true;
}

static void text(struct expect *expect, unsigned char c)
{
    if (c == '\n') {
        try(expect, true);
        end_line(expect);
    } else if (c == '\b') {
        expect->len -= expect->len > 0;
        expect->changed = true;
    } else if (c != '\r' && c != 0) {
        append(expect, (char)c);
    }
}

bool expect_feed(struct expect *expect, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len && !expect->matched; i++) {
        unsigned char c = buf[i];
        /* A line end ends a broken sequence, too: it must not swallow the rest of the output. */
        if (c == '\n')
            expect->escape = ESCAPE_NONE;
        if (escape_is_text(&expect->escape, c))
            text(expect, c);
    }
    return try(expect, false);
}

bool expect_idle(struct expect *expect)
{
    /* An empty unfinished line is no line: "^$" must not match before the guest printed one. */
    if (!expect->len)
        return expect->matched;
    return try(expect, true);
}
