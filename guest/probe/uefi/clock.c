/* SPDX-License-Identifier: Apache-2.0 */
/* The real-time clock (UEFI 2.10, 8.3). */
#include "base/tap.h"
#include "uefi/uefi.h"

static bool plausible(const struct efi_time *t)
{
    return t->year >= 1970 && t->year <= 9999 && t->month >= 1 && t->month <= 12 && t->day >= 1 &&
           t->day <= 31 && t->hour < 24 && t->minute < 60 && t->second < 60 &&
           t->nanosecond < 1000000000 &&
           ((t->zone >= -1440 && t->zone <= 1440) || t->zone == 0x7ff);
}

/* Seconds, good for differences: the days since March 1st of year 0. */
static long long seconds(const struct efi_time *t)
{
    long long year = t->year - (t->month < 3), month = t->month + (t->month < 3 ? 12 : 0) - 3;
    long long days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + t->day;

    return ((days * 24 + t->hour) * 60 + t->minute) * 60 + t->second;
}

static void say_time(char *text, uptr size, const struct efi_time *t)
{
    format(text, size, "%04u-%02u-%02u %02u:%02u:%02u", t->year, t->month, t->day, t->hour,
           t->minute, t->second);
}

static bool get(struct efi_time *time)
{
    efi_status status = efi.runtime->get_time(time, NULL);

    if (status)
        test_bad("GetTime: %s", efi_name(status));
    else if (!plausible(time))
        test_bad("GetTime: year %u, month %u, day %u, %u:%u:%u", time->year, time->month, time->day,
                 time->hour, time->minute, time->second);
    return !test_failed();
}

static void test_get(void)
{
    struct efi_time first, second;
    char text[32] = "";
    long long passed = 0;

    test_begin("F7 GetTime tells the time, and it passes");
    if (get(&first)) {
        say_time(text, sizeof(text), &first);
        efi.boot->stall(1200000);
        if (get(&second)) {
            passed = seconds(&second) - seconds(&first);
            if (passed < 1 || passed > 30)
                test_bad("1.2 s took the clock %lld s", passed);
        }
    }
    test_fix("give the machine a clock that the firmware knows (arm,pl031)");
    test_end("%s", text);
}

/* The day after, and back again: only the seconds that this takes are lost. */
static void test_set(void)
{
    struct efi_time old, new, now;
    efi_status status;
    long long off;

    test_begin("F7 SetTime sets the clock");
    if (get(&old)) {
        new = old;
        new.day = old.day < 15 ? old.day + 1 : old.day - 1;
        status = efi.runtime->set_time(&new);
        if (status)
            test_bad("SetTime: %s", efi_name(status));
        else if (get(&now)) {
            off = seconds(&now) - seconds(&new);
            if (off < 0 || off > 30)
                test_bad("after SetTime, GetTime is %lld s off", off);
            status = efi.runtime->set_time(&old);
            if (status)
                test_bad("SetTime back: %s", efi_name(status));
        }
    }
    test_end("a day ahead and back");
}

void test_clock(void)
{
    test_get();
    test_set();
}
