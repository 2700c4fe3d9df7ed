/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tap.h"

enum { LOG = 128 << 10, LINE = 400, BADS = 6 };

static struct {
    const char *name, *fix;
    u32 bads;
    bool skipped;
    char bad[BADS][LINE];
    char reason[LINE];
} current;

static struct {
    u32 number;
    uptr used;
    void (*write)(const char *text);
    void (*progress)(const char *text);
    char log[LOG];
} tap;

/* --- lines ------------------------------------------------------------------------------------ */

/* Control characters could end a line early. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void line(const char *text)
{
    uptr n = text_length(text);

    if (tap.write)
        tap.write(text);
    if (tap.used + n + 1 > LOG)
        return;
    memcpy(tap.log + tap.used, text, n + 1);
    tap.used += n + 1;
}

void log_replay(void (*write)(const char *text))
{
    for (uptr at = 0; at < tap.used; at += text_length(tap.log + at) + 1)
        write(tap.log + at);
}

void log_open(void (*write)(const char *text))
{
    tap.write = write;
    tap.progress = NULL;
    log_replay(write);
}

void log_progress(void (*write)(const char *text))
{
    tap.progress = write;
}

void note(const char *text, ...)
{
    char buffer[LINE];
    va_list list;

    va_start(list, text);
    format(buffer, sizeof(buffer), "# ");
    format_list(buffer + 2, sizeof(buffer) - 2, text, list);
    va_end(list);
    make_printable(buffer);
    line(buffer);
    if (tap.progress)
        tap.progress(buffer);
}

void tap_start(u32 number)
{
    tap.number = number;
}

u32 tap_number(void)
{
    return tap.number;
}

void tap_plan(void)
{
    char buffer[24];

    format(buffer, sizeof(buffer), "1..%u", tap.number);
    line(buffer);
}

/* --- tests ------------------------------------------------------------------------------------ */

void test_begin(const char *name)
{
    current.name = name;
    current.fix = NULL;
    current.bads = 0;
    current.skipped = false;
}

void test_bad(const char *text, ...)
{
    va_list list;

    if (current.bads++ >= BADS)
        return;
    va_start(list, text);
    format_list(current.bad[current.bads - 1], LINE, text, list);
    va_end(list);
    make_printable(current.bad[current.bads - 1]);
}

void test_fix(const char *text)
{
    current.fix = text;
}

void test_skip(const char *text, ...)
{
    va_list list;

    current.skipped = true;
    va_start(list, text);
    format_list(current.reason, LINE, text, list);
    va_end(list);
}

bool test_failed(void)
{
    return current.bads;
}

static void end(const char *seen)
{
    bool good = !current.bads;
    char buffer[LINE + 32];

    format(buffer, sizeof(buffer), "%sok %u - %s", good ? "" : "not ", ++tap.number, current.name);
    if (good && current.skipped)
        append(buffer, sizeof(buffer), " # SKIP %s", current.reason);
    line(buffer);
    if (tap.progress) {
        format(buffer, sizeof(buffer), "%s %s",
               !good             ? "not ok"
               : current.skipped ? "skip"
                                 : "ok",
               current.name);
        tap.progress(buffer);
    }
    for (u32 i = 0; i < current.bads && i < BADS; i++) {
        format(buffer, sizeof(buffer), "# found: %s", current.bad[i]);
        line(buffer);
    }
    if (current.bads > BADS) {
        format(buffer, sizeof(buffer), "# found: and %u more of this kind", current.bads - BADS);
        line(buffer);
    }
    if (current.bads && current.fix) {
        format(buffer, sizeof(buffer), "# fix: %s", current.fix);
        line(buffer);
    }
    if (good && !current.skipped && *seen) {
        format(buffer, sizeof(buffer), "# found: %s", seen);
        make_printable(buffer);
        line(buffer);
    }
}

bool test_end(const char *text, ...)
{
    char seen[LINE];
    va_list list;

    va_start(list, text);
    format_list(seen, sizeof(seen), text, list);
    va_end(list);
    end(seen);
    return !current.bads;
}

bool test(const char *name, bool good, const char *text, ...)
{
    char seen[LINE];
    va_list list;

    va_start(list, text);
    format_list(seen, sizeof(seen), text, list);
    va_end(list);
    test_begin(name);
    if (!good)
        test_bad("%s", seen);
    end(seen);
    return good;
}

void skip(const char *name, const char *text, ...)
{
    char reason[LINE];
    va_list list;

    va_start(list, text);
    format_list(reason, sizeof(reason), text, list);
    va_end(list);
    test_begin(name);
    test_skip("%s", reason);
    end("");
}
