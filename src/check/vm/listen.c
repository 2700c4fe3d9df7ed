/* SPDX-License-Identifier: Apache-2.0 */
#include "check/vm/listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "check/report.h"

void listen_init(struct listen *listen, struct report *report)
{
    *listen = (struct listen){.report = report};
}

/* Behind prefix, or NULL. */
static const char *after(const char *line, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(line, prefix, n) ? NULL : line + n;
}

static enum listen_event boot(struct listen *listen, const char *rest)
{
    unsigned number = (unsigned)strtoul(rest, NULL, 10);
    bool again = number == listen->boot && !listen->reset;

    if (!number || number > LISTEN_BOOTS || again)
        return LISTEN_NOTHING;
    /* The trace in memory tells the probe that variables are lost: then it goes on by itself. */
    if (number == 1 && listen->boot)
        return LISTEN_LOST;
    listen->boot = number;
    listen->number = 0;
    listen->reset = listen->typed = listen->follows = false;
    return LISTEN_BOOT;
}

/* A result counts once; what comes from a second console has a number that was there. */
static void result(struct listen *listen, const char *number)
{
    unsigned n = (unsigned)strtoul(number, NULL, 10);

    listen->follows = listen->boot && n > listen->number;
    if (!listen->follows)
        return;
    listen->number = n;
    report_tap_line(listen->report, listen->line);
}

static enum listen_event line(struct listen *listen)
{
    static const struct {
        const char *prefix;
        enum listen_event event;
    } events[] = {
        {"# please type: ", LISTEN_TYPE},
        {"# probe: power off", LISTEN_POWER_OFF},
        {"# the probe has come to its end", LISTEN_END},
        {"Bail out! ", LISTEN_BAIL},
    };
    const char *text = listen->line, *rest;

    if ((rest = after(text, "# armvm probe, boot ")))
        return boot(listen, rest);
    if (((rest = after(text, "ok ")) || (rest = after(text, "not ok "))) && *rest >= '1' &&
        *rest <= '9') {
        result(listen, rest);
        return LISTEN_NOTHING;
    }
    if (after(text, "# found: ") || after(text, "# fix: ")) {
        if (listen->follows)
            report_tap_line(listen->report, text);
        return LISTEN_NOTHING;
    }
    if (after(text, "# probe: reset"))
        listen->reset = true;
    for (size_t i = 0; listen->boot && i < ARRAY_SIZE(events); i++) {
        rest = after(text, events[i].prefix);
        if (!rest || (events[i].event == LISTEN_TYPE && listen->typed))
            continue;
        listen->typed |= events[i].event == LISTEN_TYPE;
        listen->reset |= events[i].event == LISTEN_POWER_OFF;
        snprintf(listen->text, sizeof(listen->text), "%s", rest);
        return events[i].event;
    }
    return LISTEN_NOTHING;
}

/* True for a character that is shown. */
static bool is_text(struct listen *listen, unsigned char c)
{
    return escape_is_text(&listen->escape, c) && c >= ' ' && c != 0x7f;
}

enum listen_event listen_feed(struct listen *listen, unsigned char c)
{
    enum listen_event event = LISTEN_NOTHING;

    if (c == '\n' || c == '\r') {
        listen->line[listen->len] = 0;
        listen->escape = ESCAPE_NONE;
        if (listen->len) {
            snprintf(listen->last, sizeof(listen->last), "%.159s", listen->line);
            event = line(listen);
        }
        listen->len = 0;
        return event;
    }
    if (is_text(listen, c) && listen->len + 1 < sizeof(listen->line))
        listen->line[listen->len++] = (char)c;
    return LISTEN_NOTHING;
}
