/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library's string and memory functions, whichever variants it has chosen for this CPU: all
 * alignments to 64, lengths to 600 and some beyond, overlapping moves, strings that end where their
 * mapping does; outline atomics under contention; FEAT_MOPS instructions where the kernel offers
 * them. Results are compared with what plain loops say. It prints which variants there are as
 * offsets into the library, and a line of counts.
 *
 * To be built with -fno-builtin, so that calls are calls.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define HWCAP_LSE   (1ul << 8)
#define HWCAP2_MEMS (1ul << 43) /* FEAT_MOPS */

enum { ALIGN = 64, LENGTH = 600, GUARD = 64, BIG = 1 << 20, ROOM = BIG + 8192 };

typedef uint64_t word __attribute__((aligned(1), may_alias));
typedef void *copy_fn(void *to, const void *from, size_t n);
typedef void *set_fn(void *to, int value, size_t n);

static uint8_t *dst, *src; /* ROOM bytes each, a hole behind */
static uint64_t checks, failures;

static void verdict(bool right, const char *name, size_t a, size_t b, size_t n)
{
    checks++;
    if (!right && failures++ < 20)
        printf("strings: wrong: %s, at %zu and %zu, length %zu\n", name, a, b, n);
}

static uint64_t random_word(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

static uint8_t *room(void)
{
    uint8_t *p =
        mmap(NULL, ROOM + 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || mprotect(p + ROOM, 65536, PROT_NONE)) {
        perror("strings: mmap");
        exit(1);
    }
    for (size_t i = 0; i < ROOM; i += 8)
        *(word *)(p + i) = random_word();
    return p;
}

/* --- what functions must do, by loops ----------------------------------------------------------*/

static void fill(uint8_t *p, uint8_t value, size_t n)
{
    uint64_t all = value * 0x0101010101010101;

    for (; n >= 8; n -= 8, p += 8)
        *(word *)p = all;
    while (n--)
        *p++ = value;
}

static bool is_filled(const uint8_t *p, uint8_t value, size_t n)
{
    uint64_t all = value * 0x0101010101010101, odd = 0;

    for (; n >= 8; n -= 8, p += 8)
        odd |= *(const word *)p ^ all;
    while (n--)
        odd |= *p++ ^ value;
    return !odd;
}

static bool is_same(const uint8_t *p, const uint8_t *q, size_t n)
{
    uint64_t odd = 0;

    for (; n >= 8; n -= 8, p += 8, q += 8)
        odd |= *(const word *)p ^ *(const word *)q;
    while (n--)
        odd |= *p++ ^ *q++;
    return !odd;
}

/* --- copying and setting -----------------------------------------------------------------------*/

static void copy_once(const char *name, copy_fn *copy, size_t to, size_t from, size_t n)
{
    uint8_t *p = dst + GUARD + to;

    fill(p - GUARD, 0xee, n + 2 * GUARD);
    verdict(copy(p, src + from, n) == p && is_same(p, src + from, n) &&
                is_filled(p - GUARD, 0xee, GUARD) && is_filled(p + n, 0xee, GUARD),
            name, to, from, n);
}

/* Lengths around powers of two, page crossings included. */
static void big_copies(const char *name, copy_fn *copy)
{
    for (size_t n = 1024; n <= BIG; n *= 2)
        for (int i = 0; i < 24; i++) {
            size_t to = random_word() % 4096, from = random_word() % 4096;
            copy_once(name, copy, to, from, n - 12 + (size_t)i);
        }
}

static void copies(const char *name, copy_fn *copy)
{
    for (size_t to = 0; to < ALIGN; to++)
        for (size_t from = 0; from < ALIGN; from++)
            for (size_t n = 0; n <= LENGTH; n++)
                copy_once(name, copy, to, from, n);
    for (size_t n = 0; n <= LENGTH; n++) /* up to the hole on both sides */
        verdict(copy(dst + ROOM - n, src + ROOM - n, n) == dst + ROOM - n &&
                    is_same(dst + ROOM - n, src + ROOM - n, n),
                name, ROOM, ROOM, n);
    big_copies(name, copy);
}

static void move_once(const char *name, copy_fn *move, size_t to, size_t from, size_t n)
{
    size_t low = to < from ? to : from, high = (to < from ? from : to) + n;
    uint8_t *p = dst + GUARD;

    for (size_t i = 0; i < high - low + 2 * GUARD; i += 8)
        *(word *)(p + low - GUARD + i) = *(word *)(src + low + i);
    verdict(move(p + to, p + from, n) == p + to && is_same(p + to, src + GUARD + from, n) &&
                is_same(p + low - GUARD, src + low, to - low + GUARD) &&
                is_same(p + to + n, src + GUARD + to + n, high - to - n + GUARD),
            name, to, from, n);
}

static void moves(const char *name, copy_fn *move)
{
    for (size_t from = ALIGN; from < 2 * ALIGN; from++)
        for (size_t to = 0; to < 3 * ALIGN; to++)
            for (size_t n = 0; n <= LENGTH; n += n < 160 ? 1 : 7)
                move_once(name, move, to, from, n);
    for (size_t n = 1024; n <= BIG / 2; n *= 2)
        for (int i = 0; i < 16; i++) {
            size_t at = random_word() % 4096, by = random_word() % (2 * n);
            move_once(name, move, at, at + by % 3000, n + (size_t)i);
            move_once(name, move, at + by % 3000, at, n + (size_t)i);
        }
}

static void set_once(const char *name, set_fn *set, size_t to, uint8_t value, size_t n)
{
    uint8_t *p = dst + GUARD + to;

    fill(p - GUARD, 0xee, n + 2 * GUARD);
    verdict(set(p, value | 0x100, n) == p && is_filled(p, value, n) &&
                is_filled(p - GUARD, 0xee, GUARD) && is_filled(p + n, 0xee, GUARD),
            name, to, value, n);
}

static void sets(const char *name, set_fn *set)
{
    for (size_t to = 0; to < ALIGN; to++)
        for (size_t n = 0; n <= 2500; n++) {
            set_once(name, set, to, 0, n); /* zeroes may go by DC ZVA */
            if (n <= LENGTH)
                set_once(name, set, to, 0xa5, n);
        }
    for (size_t n = 4096; n <= BIG; n *= 2)
        for (int i = 0; i < 24; i++)
            set_once(name, set, random_word() % 4096, i & 1 ? 0 : 0x5a, n - 12 + (size_t)i);
}

/* --- strings -----------------------------------------------------------------------------------*/

/* n characters, none of them `never` or 0, at an alignment or before the hole. */
static uint8_t *string(uint8_t *in, size_t at, size_t n, uint8_t never, bool at_end)
{
    uint8_t *p = at_end ? in + ROOM - n - 1 : in + at;

    for (size_t i = 0; i < n; i++) {
        p[i] = src[4096 + at + i];
        if (!p[i] || p[i] == never)
            p[i] = never == 0xff ? 0x80 : 0xff;
    }
    p[n] = 0;
    return p;
}

static void lengths(size_t at, size_t n, bool at_end)
{
    uint8_t *p = string(dst, at, n, '/', at_end);
    char *s = (char *)p;
    size_t half = n / 2;

    verdict(strlen(s) == n, "strlen", at, at_end, n);
    verdict(strnlen(s, n + 1) == n && strnlen(s, n) == n && strnlen(s, half) == half &&
                strnlen(s, SIZE_MAX) == n,
            "strnlen", at, at_end, n);
    verdict(!strchr(s, '/') && strchr(s, 0) == s + n && !strrchr(s, '/') &&
                strrchr(s, 0) == s + n && strchrnul(s, '/') == s + n,
            "strchr, not there", at, at_end, n);
    verdict(!memchr(s, '/', n) && !memrchr(s, '/', n) && memchr(s, 0, n + 1) == s + n &&
                memchr(s, 0, SIZE_MAX) == s + n && rawmemchr(s, 0) == s + n,
            "memchr, not there", at, at_end, n);
    if (!n)
        return;
    p[half] = '/';
    verdict(strchr(s, '/') == s + half && strrchr(s, '/') == s + half &&
                strchrnul(s, '/') == s + half && memchr(s, '/', n) == s + half &&
                memrchr(s, '/', n) == s + half && rawmemchr(s, '/') == s + half &&
                !memchr(s, '/', half) && !memrchr(s + half + 1, '/', n - half - 1),
            "strchr", at, at_end, n);
    p[n - 1] = '/';
    verdict(strchr(s, '/') == s + half && strrchr(s, '/') == s + n - 1 &&
                memchr(s, '/', n) == s + half && memrchr(s, '/', n) == s + n - 1,
            "strchr of two", at, at_end, n);
}

static void string_copies(size_t to, size_t at, size_t n, bool at_end)
{
    char *s = (char *)string(src + 65536, at, n, 0, false), *p = (char *)dst + GUARD + to;

    if (at_end)
        p = (char *)dst + ROOM - n - 1;
    fill((uint8_t *)p - GUARD, 0xee, at_end ? n + 1 + GUARD : n + 2 * GUARD);
    verdict(strcpy(p, s) == p && is_same((uint8_t *)p, (uint8_t *)s, n + 1) &&
                p[-1] == (char)0xee && (at_end || p[n + 1] == (char)0xee),
            "strcpy", to, at, n);
    p[0] = 1;
    verdict(stpcpy(p, s) == p + n && is_same((uint8_t *)p, (uint8_t *)s, n + 1), "stpcpy", to, at,
            n);
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void comparisons(size_t a, size_t b, size_t n, bool at_end)
{
    char *s = (char *)string(src + 65536, a, n, 0, false);
    uint8_t *q = at_end ? dst + ROOM - n - 1 : dst + b;
    char *t = (char *)q;
    size_t i = n ? random_word() % n : 0;
    int want;

    for (size_t k = 0; k <= n; k++)
        q[k] = (uint8_t)s[k];
    verdict(!strcmp(s, t) && !strncmp(s, t, n + 1) && !strncmp(s, t, SIZE_MAX) &&
                !memcmp(s, t, n + 1) && !bcmp(s, t, n + 1),
            "strcmp of equals", a, b, n);
    if (!n)
        return;
    q[i] ^= 1u << random_word() % 8;
    want = (uint8_t)s[i] < q[i] ? -1 : 1;
    verdict(sign(strcmp(s, t)) == want && sign(strcmp(t, s)) == -want, "strcmp", a, b, n);
    verdict(sign(strncmp(s, t, i + 1)) == want && !strncmp(s, t, i), "strncmp", a, b, n);
    verdict(sign(memcmp(s, t, n)) == want && !memcmp(s, t, i) && bcmp(s, t, n), "memcmp", a, b, n);
}

static void strings(void)
{
    for (size_t n = 0; n <= LENGTH; n++) {
        for (size_t at = 0; at < ALIGN; at++) {
            lengths(at, n, false);
            string_copies(at, random_word() % ALIGN, n, false);
            comparisons(at, random_word() % ALIGN, n, false);
        }
        lengths(n % ALIGN, n, true);
        string_copies(0, n % ALIGN, n, true);
        comparisons(n % ALIGN, 0, n, true);
    }
    for (size_t a = 0; a < ALIGN; a++)
        for (size_t b = 0; b < ALIGN; b++)
            for (size_t n = a % 3; n < 80; n += 3) {
                comparisons(a, b, n, false);
                string_copies(a, b, n, false);
            }
}

/* --- FEAT_MOPS ---------------------------------------------------------------------------------*/

#define MOPS ".arch armv8.8-a+mops\n "

static void *mops_copy(void *to, const void *from, size_t n)
{
    void *p = to;

    __asm__ volatile(MOPS "cpyfp [%0]!, [%1]!, %2!\n cpyfm [%0]!, [%1]!, %2!\n"
                          "cpyfe [%0]!, [%1]!, %2!"
                     : "+r"(p), "+r"(from), "+r"(n)
                     :
                     : "memory", "cc");
    return to;
}

static void *mops_move(void *to, const void *from, size_t n)
{
    void *p = to;

    __asm__ volatile(MOPS "cpyp [%0]!, [%1]!, %2!\n cpym [%0]!, [%1]!, %2!\n cpye [%0]!, [%1]!, %2!"
                     : "+r"(p), "+r"(from), "+r"(n)
                     :
                     : "memory", "cc");
    return to;
}

static void *mops_set(void *to, int value, size_t n)
{
    void *p = to;

    __asm__ volatile(MOPS "setp [%0]!, %1!, %2\n setm [%0]!, %1!, %2\n sete [%0]!, %1!, %2"
                     : "+r"(p), "+r"(n)
                     : "r"((long)value)
                     : "memory", "cc");
    return to;
}

/* --- atomics -----------------------------------------------------------------------------------*/

enum { THREADS = 4, ROUNDS = 200000 };

static uint64_t sum, swapped, bits;
static uint32_t small;

static void *contend(void *number)
{
    uint64_t bit = 1ull << (uintptr_t)number, kept = 0;

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t seen = __atomic_load_n(&swapped, __ATOMIC_RELAXED);

        __atomic_fetch_add(&sum, 3, __ATOMIC_ACQ_REL);
        __atomic_fetch_add(&small, 1, __ATOMIC_RELAXED);
        kept += __atomic_exchange_n(&bits, bit, __ATOMIC_ACQ_REL);
        while (!__atomic_compare_exchange_n(&swapped, &seen, seen + 5, true, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
            ;
    }
    return (void *)(uintptr_t)kept;
}

static void atomics(void)
{
    pthread_t thread[THREADS];
    uint64_t kept = 0, want = 0;

    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, contend, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        kept += (uintptr_t)result;
        want += (1ull << i) * ROUNDS;
    }
    verdict(sum == 3ull * THREADS * ROUNDS && small == THREADS * ROUNDS, "fetch_add", 0, 0, 8);
    verdict(swapped == 5ull * THREADS * ROUNDS, "compare_exchange", 0, 0, 8);
    verdict(kept + bits == want, "exchange", 0, 0, 8);
}

/* --- what was chosen ---------------------------------------------------------------------------*/

extern bool __aarch64_have_lse_atomics __attribute__((visibility("hidden"))); /* libgcc's */

static void variants(void)
{
    static const char *const names[] = {"memcpy", "memmove", "memset", "memchr",
                                        "strlen", "memrchr", "strchr", "strcmp"};
    Dl_info info;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        void *p = dlsym(RTLD_DEFAULT, names[i]);
        if (p && dladdr(p, &info))
            printf("strings: variant %s %zx\n", names[i],
                   (size_t)((uintptr_t)p - (uintptr_t)info.dli_fbase));
    }
    printf("strings: atomics %s\n", __aarch64_have_lse_atomics ? "LSE" : "exclusives");
    verdict(__aarch64_have_lse_atomics == !!(getauxval(AT_HWCAP) & HWCAP_LSE), "choice of atomics",
            0, 0, 0);
}

int main(void)
{
    bool mops = getauxval(AT_HWCAP2) & HWCAP2_MEMS;

    setvbuf(stdout, NULL, _IOLBF, 0);
    dst = room();
    src = room();
    variants();
    copies("memcpy", memcpy);
    copies("memmove, apart", memmove);
    moves("memmove", memmove);
    sets("memset", memset);
    strings();
    if (mops) {
        copies("CPYF", mops_copy);
        copies("CPY, apart", mops_move);
        moves("CPY", mops_move);
        sets("SET", mops_set);
    }
    atomics();
    printf("strings: %llu checks%s, %llu wrong\n", (unsigned long long)checks,
           mops ? " with FEAT_MOPS" : "", (unsigned long long)failures);
    return failures > 0;
}
