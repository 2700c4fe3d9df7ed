/* SPDX-License-Identifier: Apache-2.0 */
/* What all of the probe's files use: types, text, memory. */
#ifndef PROBE_BASE_H
#define PROBE_BASE_H

/* For all that follows: addresses relative to the program counter, no table that nobody fills. */
#pragma GCC visibility push(hidden)

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long uptr;
typedef _Bool bool;
typedef __builtin_va_list va_list;

#define true 1
#define false 0
#define NULL         ((void *)0)
#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))
#define PAGE         4096u
#define PAGE_ALIGNED __attribute__((aligned(4096)))
#define PRINTF(at)   __attribute__((format(printf, at, (at) + 1)))
#define va_start     __builtin_va_start
#define va_arg       __builtin_va_arg
#define va_end       __builtin_va_end

/* The compiler calls the first three by itself. */
void *memset(void *to, int value, uptr size);
void *memcpy(void *to, const void *from, uptr size);
int memcmp(const void *a, const void *b, uptr size);
uptr text_length(const char *text);
bool text_equal(const char *a, const char *b);
/* The first occurrence of a text among bytes; NULL: none. */
const u8 *find_bytes(const u8 *in, uptr size, const char *text);

/* %s %c %d %u %x with ll, width and a leading 0; cut at size, always terminated. */
void format_list(char *out, uptr size, const char *format, va_list list);
void format(char *out, uptr size, const char *format, ...) PRINTF(3);
void append(char *out, uptr size, const char *format, ...) PRINTF(3);

static inline u64 align_up(u64 x, u64 to)
{
    return (x + to - 1) & ~(to - 1);
}

static inline u64 align_down(u64 x, u64 to)
{
    return x & ~(to - 1);
}

/* At any alignment. */
static inline u32 be32(const void *p)
{
    const u8 *b = p;

    return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

static inline u32 le16(const void *p)
{
    const u8 *b = p;

    return (u32)(b[0] | b[1] << 8);
}

static inline u32 le32(const void *p)
{
    return le16(p) | le16((const u8 *)p + 2) << 16;
}

static inline u64 le64(const void *p)
{
    return le32(p) | (u64)le32((const u8 *)p + 4) << 32;
}

#endif
