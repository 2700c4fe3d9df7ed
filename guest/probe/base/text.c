/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

void *memset(void *to, int value, uptr size)
{
    volatile u8 *p = to;

    while (size--)
        *p++ = (u8)value;
    return to;
}

void *memcpy(void *to, const void *from, uptr size)
{
    volatile u8 *p = to;
    const u8 *q = from;

    while (size--)
        *p++ = *q++;
    return to;
}

int memcmp(const void *a, const void *b, uptr size)
{
    const u8 *p = a, *q = b;

    for (; size; size--, p++, q++)
        if (*p != *q)
            return *p < *q ? -1 : 1;
    return 0;
}

uptr text_length(const char *text)
{
    uptr n = 0;

    while (text[n])
        n++;
    return n;
}

bool text_equal(const char *a, const char *b)
{
    uptr n = text_length(a);

    return n == text_length(b) && !memcmp(a, b, n);
}

const u8 *find_bytes(const u8 *in, uptr size, const char *text)
{
    uptr n = text_length(text);

    for (; size >= n; size--, in++)
        if (!memcmp(in, text, n))
            return in;
    return NULL;
}

struct out {
    char *at, *end; /* the last byte is kept for the zero */
};

static void put(struct out *out, char c)
{
    if (out->at < out->end)
        *out->at++ = c;
}

static void put_number(struct out *out, u64 value, u32 base, u32 width, char fill)
{
    char digits[24];
    u32 n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n < width && n < sizeof(digits))
        digits[n++] = fill;
    while (n)
        put(out, digits[--n]);
}

struct field {
    u32 width, longs;
    char fill;
};

static u64 number(struct field field, bool sign, va_list *list)
{
    if (field.longs > 1)
        return va_arg(*list, u64);
    if (field.longs)
        return va_arg(*list, uptr);
    return sign ? (u64)(long long)va_arg(*list, int) : va_arg(*list, u32);
}

static void conversion(struct out *out, char kind, struct field field, va_list *list)
{
    const char *text;
    u64 value;

    switch (kind) {
    case 's':
        for (text = va_arg(*list, const char *); *text; text++)
            put(out, *text);
        break;
    case 'c':
        put(out, (char)va_arg(*list, int));
        break;
    case 'd':
        value = number(field, true, list);
        if ((long long)value < 0)
            put(out, '-');
        put_number(out, (long long)value < 0 ? -value : value, 10, field.width, field.fill);
        break;
    case 'u':
        put_number(out, number(field, false, list), 10, field.width, field.fill);
        break;
    case 'x':
        put_number(out, number(field, false, list), 16, field.width, field.fill);
        break;
    default:
        put(out, kind);
    }
}

void format_list(char *buffer, uptr size, const char *format, va_list list)
{
    struct out out = {buffer, buffer + size - 1};
    va_list copy;

    __builtin_va_copy(copy, list);
    for (; *format; format++) {
        struct field field = {0, 0, ' '};
        if (*format != '%') {
            put(&out, *format);
            continue;
        }
        if (*++format == '0')
            field.fill = '0';
        for (; *format >= '0' && *format <= '9'; format++)
            field.width = field.width * 10 + (u32)(*format - '0');
        for (; *format == 'l'; format++)
            field.longs++;
        conversion(&out, *format, field, &copy);
    }
    va_end(copy);
    *out.at = 0;
}

void format(char *out, uptr size, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    format_list(out, size, format, list);
    va_end(list);
}

void append(char *out, uptr size, const char *format, ...)
{
    uptr n = text_length(out);
    va_list list;

    va_start(list, format);
    format_list(out + n, size - n, format, list);
    va_end(list);
}
