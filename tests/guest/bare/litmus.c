/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Litmus tests of the memory model (manual B2.3): two to four CPUs run a few instructions each on
 * shared words, very often, and no outcome may be seen that the model forbids. The names are those
 * that are common for such tests, with what stands between each CPU's accesses.
 *
 * On the kernel's command line: rounds=N (of each test, default 20000), only=NAME (tests whose
 * names begin so), verbose (says how often outcomes were seen that are allowed but fit no order of
 * the accesses).
 *
 * A CPU's part finds the addresses of x, y and z in X0 to X2, and leaves what it has read in X4 and
 * X5; X6 to X13 are free.
 */
#include "bare.h"

enum { BATCH = 256, LINE = 64, WORDS = 3, MOST = 4 };

struct line {
    u64 word[LINE / 8];
} __attribute__((aligned(64)));

typedef void part(u64 x, u64 y, u64 z, u64 *read);
/* r: what the CPUs have read, two each; m: what x, y and z are in the end. */
typedef int check(const u64 *r, const u64 *m);

static struct line memory[WORDS][BATCH] PAGE_ALIGNED;
static u64 results[MOST][BATCH][2] PAGE_ALIGNED;
static struct line arrived, released;
static u64 cpus_there, rounds = 20000, verbose;
static const char *only;

/* What all CPUs are to do now. */
static part *parts[MOST];
static u64 parties, batches;

#define PART(name, text)                                                                           \
    static void name(u64 x, u64 y, u64 z, u64 *read)                                               \
    {                                                                                              \
        register u64 x0 asm("x0") = x;                                                             \
        register u64 x1 asm("x1") = y;                                                             \
        register u64 x2 asm("x2") = z;                                                             \
        register u64 x4 asm("x4") = 0;                                                             \
        register u64 x5 asm("x5") = 0;                                                             \
        asm volatile(".arch armv8.2-a+lse+rcpc\n" text                                             \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x4), "+r"(x5)::"x6", "x7", "x8", "x9",   \
                       "x10", "x11", "x12", "x13", "cc", "memory");                                \
        read[0] = x4;                                                                              \
        read[1] = x5;                                                                              \
    }

/* --- running ----------------------------------------------------------------------------------*/

/* All parties wait here for each other; number says which time it is. Who gives way at once ends up
 * on the same core of the host as the others, where nothing happens at the same time. */
static void meet(u64 number)
{
    if (__atomic_add_fetch(&arrived.word[0], 1, __ATOMIC_ACQ_REL) == number * parties)
        store_release(&released.word[0], number);
    for (u64 i = 0; load_acquire(&released.word[0]) < number; i++)
        if (i > 50000)
            relax();
}

/*
 * x, y and z are lines apart from those of other instances, so that only they are raced for. A
 * word is cleared by a CPU that does not begin with it, and whose cache has it then: stores to it
 * wait in a buffer, while loads of the other words do not.
 */
static void one_batch(u64 self, u64 batch)
{
    part *mine = parts[self];

    for (u64 w = 0; w < WORDS; w++)
        for (u64 i = 0; (w + 1) % parties == self && i < BATCH; i++)
            memory[w][i].word[0] = 0;
    meet(3 * batch + 1);
    for (u64 i = 0; i < BATCH; i++) {
        mine((u64)&memory[0][i], (u64)&memory[1][i], (u64)&memory[2][i], results[self][i]);
    }
    meet(3 * batch + 2);
}

static void other(u64 self)
{
    for (u64 batch = 0; batch < batches; batch++) {
        one_batch(self, batch);
        meet(3 * batch + 3);
    }
}

static u64 count(check *seen)
{
    u64 n = 0, r[MOST * 2], m[WORDS];

    for (u64 i = 0; i < BATCH; i++) {
        for (u64 w = 0; w < WORDS; w++)
            m[w] = memory[w][i].word[0];
        for (u64 c = 0; c < MOST; c++) {
            r[2 * c] = results[c][i][0];
            r[2 * c + 1] = results[c][i][1];
        }
        n += (u64)seen(r, m);
    }
    return n;
}

static u64 run(u64 cpus, part *a, part *b, part *c, part *d, check *seen)
{
    u64 n = 0;

    if (cpus > cpus_there)
        return 0;
    parts[0] = a;
    parts[1] = b;
    parts[2] = c;
    parts[3] = d;
    parties = cpus;
    batches = (rounds + BATCH - 1) / BATCH;
    arrived.word[0] = released.word[0] = 0;
    dsb();
    for (u64 i = 1; i < cpus; i++)
        while (cpu_on(i, other, i))
            relax();
    for (u64 batch = 0; batch < batches; batch++) {
        one_batch(0, batch);
        n += count(seen);
        meet(3 * batch + 3);
    }
    for (u64 i = 1; i < cpus; i++)
        cpu_wait_off(i);
    return n;
}

/* Whether the test was asked for: all are unless only=TEXT says how the names begin. */
static int asked(const char *name)
{
    for (u64 i = 0; only && only[i] > ' '; i++)
        if (name[i] != only[i])
            return 0;
    return 1;
}

static void forbidden(const char *name, u64 cpus, part *a, part *b, part *c, part *d, check *seen)
{
    if (asked(name))
        say("%s: forbidden %d\n", name, run(cpus, a, b, c, d, seen));
}

static void allowed(const char *name, u64 cpus, part *a, part *b, part *c, part *d, check *seen)
{
    if (verbose && asked(name))
        say("%s: allowed, seen %d\n", name, run(cpus, a, b, c, d, seen));
}

/* --- message passing --------------------------------------------------------------------------*/

#define ONE     "mov x6, #1\n"
#define TWO     "mov x7, #2\n"
#define DMB     "dmb ish\n"
#define DMBST   "dmb ishst\n"
#define DMBLD   "dmb ishld\n"
#define DEP(to) "eor x8, x4, x4\n add " to ", " to ", x8\n" /* an address dependency on x4 */
#define CTRL    "cbnz x4, 9f\n 9:\n"

PART(mp_write, ONE "str x6, [x0]\n str x6, [x1]")
PART(mp_write_dmb, ONE "str x6, [x0]\n" DMB "str x6, [x1]")
PART(mp_write_dmbst, ONE "str x6, [x0]\n" DMBST "str x6, [x1]")
PART(mp_write_rel, ONE "str x6, [x0]\n stlr x6, [x1]")
PART(mp_write_swpl, ONE "str x6, [x0]\n swpl x6, x9, [x1]")
PART(mp_write_staddl, ONE "str x6, [x0]\n staddl x6, [x1]")
PART(mp_write_casl, ONE "mov x9, #0\n str x6, [x0]\n casl x9, x6, [x1]")
PART(mp_write_stlxr, ONE "str x6, [x0]\n 1: ldxr x9, [x1]\n stlxr w10, x6, [x1]\n cbnz w10, 1b")
PART(mp_write_swpal, ONE "str x6, [x0]\n swpal x6, x9, [x2]\n str x6, [x1]")
PART(mp_write_words, ONE "add x9, x0, #4\n str w6, [x9]\n" DMBST "str x6, [x1]")
PART(mp_write_stp, ONE "stp w6, w6, [x0]\n stlr w6, [x1]")
PART(mp_read, "ldr x4, [x1]\n ldr x5, [x0]")
PART(mp_read_dmb, "ldr x4, [x1]\n" DMB "ldr x5, [x0]")
PART(mp_read_dmbld, "ldr x4, [x1]\n" DMBLD "ldr x5, [x0]")
PART(mp_read_addr, "ldr x4, [x1]\n" DEP("x0") "ldr x5, [x0]")
PART(mp_read_isb, "ldr x4, [x1]\n" CTRL "isb\n ldr x5, [x0]")
PART(mp_read_acq, "ldar x4, [x1]\n ldr x5, [x0]")
PART(mp_read_acqpc, "ldapr x4, [x1]\n ldr x5, [x0]")
PART(mp_read_ldadda, "mov x6, #0\n ldadda x6, x4, [x1]\n ldr x5, [x0]")
PART(mp_read_casa, "mov x4, #7\n mov x6, #7\n casa x4, x6, [x1]\n ldr x5, [x0]")
PART(mp_read_ldaxr, "ldaxr x4, [x1]\n ldr x5, [x0]")
PART(mp_read_high, "ldar w4, [x1]\n add x9, x0, #4\n ldr w5, [x9]")
PART(mp_read_both, "ldar w4, [x1]\n ldr x5, [x0]\n lsr x5, x5, #32")

static int mp(const u64 *r, const u64 *m)
{
    return r[2] == 1 && r[3] == 0;
}

static void message_passing(void)
{
    allowed("MP", 2, mp_write, mp_read, 0, 0, mp);
    forbidden("MP+dmbs", 2, mp_write_dmb, mp_read_dmb, 0, 0, mp);
    forbidden("MP+dmb.st+dmb.ld", 2, mp_write_dmbst, mp_read_dmbld, 0, 0, mp);
    forbidden("MP+dmb.st+addr", 2, mp_write_dmbst, mp_read_addr, 0, 0, mp);
    forbidden("MP+dmb+ctrl-isb", 2, mp_write_dmb, mp_read_isb, 0, 0, mp);
    forbidden("MP+rel+acq", 2, mp_write_rel, mp_read_acq, 0, 0, mp);
    forbidden("MP+rel+acqpc", 2, mp_write_rel, mp_read_acqpc, 0, 0, mp);
    forbidden("MP+rel+addr", 2, mp_write_rel, mp_read_addr, 0, 0, mp);
    forbidden("MP+swpl+ldadda", 2, mp_write_swpl, mp_read_ldadda, 0, 0, mp);
    forbidden("MP+staddl+acqpc", 2, mp_write_staddl, mp_read_acqpc, 0, 0, mp);
    forbidden("MP+casl+casa", 2, mp_write_casl, mp_read_casa, 0, 0, mp);
    forbidden("MP+stlxr+ldaxr", 2, mp_write_stlxr, mp_read_ldaxr, 0, 0, mp);
    forbidden("MP+swpal-between+dmb.ld", 2, mp_write_swpal, mp_read_dmbld, 0, 0, mp);
    forbidden("MP+rel+acq, a pair, its upper word", 2, mp_write_stp, mp_read_high, 0, 0, mp);
    forbidden("MP+rel+acq, a pair, read as one", 2, mp_write_stp, mp_read_both, 0, 0, mp);
    forbidden("MP+dmb.st+acq, a word, read as part", 2, mp_write_words, mp_read_both, 0, 0, mp);
}

/* --- store buffering --------------------------------------------------------------------------*/

#define SB(name, text0, text1)                                                                     \
    PART(name##0, ONE text0) PART(name##1, ONE "mov x9, x0\n mov x0, x1\n mov x1, x9\n" text1)
/* Both CPUs alike: stores to [x0], loads [x1]. */
#define SB2(name, text) SB(name, text, text)

SB2(sb, "str x6, [x0]\n ldr x4, [x1]")
SB2(sb_dmb, "str x6, [x0]\n" DMB "ldr x4, [x1]")
SB2(sb_dsb, "str x6, [x0]\n dsb ish\n ldr x4, [x1]")
SB2(sb_rel_acq, "stlr x6, [x0]\n ldar x4, [x1]")
SB2(sb_rel_acqpc, "stlr x6, [x0]\n ldapr x4, [x1]")
SB2(sb_swpl_acq, "swpl x6, x9, [x0]\n ldar x4, [x1]")
SB2(sb_staddl_acq, "staddl x6, [x0]\n ldar x4, [x1]")
SB2(sb_stlxr_acq, "1: ldxr x9, [x0]\n stlxr w10, x6, [x0]\n cbnz w10, 1b\n ldar x4, [x1]")
SB2(sb_casal_acq, "mov x9, #0\n casal x9, x6, [x0]\n ldar x4, [x1]")
SB2(sb_rel_ldaddal, "mov x9, #0\n stlr x6, [x0]\n ldaddal x9, x4, [x1]")
SB2(sb_word, "stlr w6, [x0]\n ldar x4, [x1]")
SB2(sb_swpal_between, "mov x9, #0\n str x6, [x0]\n swpal x9, x10, [x2]\n ldr x4, [x1]")
SB(sb_mixed, "str x6, [x0]\n" DMB "ldr x4, [x1]", "stlr x6, [x0]\n ldar x4, [x1]")

static int sb_seen(const u64 *r, const u64 *m)
{
    return r[0] == 0 && r[2] == 0;
}

#define FORBIDDEN2(title, name, seen) forbidden(title, 2, name##0, name##1, 0, 0, seen)

static void store_buffering(void)
{
    allowed("SB", 2, sb0, sb1, 0, 0, sb_seen);
    allowed("SB+rel-acqpcs", 2, sb_rel_acqpc0, sb_rel_acqpc1, 0, 0, sb_seen);
    FORBIDDEN2("SB+dmbs", sb_dmb, sb_seen);
    FORBIDDEN2("SB+dsbs", sb_dsb, sb_seen);
    FORBIDDEN2("SB+rel-acqs", sb_rel_acq, sb_seen);
    FORBIDDEN2("SB+swpl-acqs", sb_swpl_acq, sb_seen);
    FORBIDDEN2("SB+staddl-acqs", sb_staddl_acq, sb_seen);
    FORBIDDEN2("SB+stlxr-acqs", sb_stlxr_acq, sb_seen);
    FORBIDDEN2("SB+casal-acqs", sb_casal_acq, sb_seen);
    FORBIDDEN2("SB+rel-ldaddals", sb_rel_ldaddal, sb_seen);
    FORBIDDEN2("SB+rel-acqs, words stored", sb_word, sb_seen);
    FORBIDDEN2("SB+swpals-between", sb_swpal_between, sb_seen);
    FORBIDDEN2("SB+dmb+rel-acq", sb_mixed, sb_seen);
}

/* --- load buffering ---------------------------------------------------------------------------*/

SB2(lb, "ldr x4, [x1]\n str x6, [x0]")
SB2(lb_dmb, "ldr x4, [x1]\n" DMB "str x6, [x0]")
SB2(lb_data, "ldr x4, [x1]\n eor x8, x4, x4\n add x6, x6, x8\n str x6, [x0]")
SB2(lb_addr, "ldr x4, [x1]\n" DEP("x0") "str x6, [x0]")
SB2(lb_ctrl, "ldr x4, [x1]\n" CTRL "str x6, [x0]")
SB2(lb_acq, "ldar x4, [x1]\n str x6, [x0]")
SB2(lb_acqpc, "ldapr x4, [x1]\n str x6, [x0]")
SB2(lb_rel, "ldr x4, [x1]\n stlr x6, [x0]")
SB2(lb_ldadda, "mov x9, #0\n ldadda x9, x4, [x1]\n str x6, [x0]")

static int lb_seen(const u64 *r, const u64 *m)
{
    return r[0] == 1 && r[2] == 1;
}

static void load_buffering(void)
{
    allowed("LB", 2, lb0, lb1, 0, 0, lb_seen);
    FORBIDDEN2("LB+dmbs", lb_dmb, lb_seen);
    FORBIDDEN2("LB+datas", lb_data, lb_seen);
    FORBIDDEN2("LB+addrs", lb_addr, lb_seen);
    FORBIDDEN2("LB+ctrls", lb_ctrl, lb_seen);
    FORBIDDEN2("LB+acqs", lb_acq, lb_seen);
    FORBIDDEN2("LB+acqpcs", lb_acqpc, lb_seen);
    FORBIDDEN2("LB+rels", lb_rel, lb_seen);
    FORBIDDEN2("LB+ldaddas", lb_ldadda, lb_seen);
}

/* --- S, R, 2+2W -------------------------------------------------------------------------------*/

PART(s_write_dmb, ONE TWO "str x7, [x0]\n" DMB "str x6, [x1]")
PART(s_write_dmbst, ONE TWO "str x7, [x0]\n" DMBST "str x6, [x1]")
PART(s_write_rel, ONE TWO "str x7, [x0]\n stlr x6, [x1]")
PART(s_write_swpl, ONE TWO "str x7, [x0]\n swpl x6, x9, [x1]")
PART(s_read_dmb, ONE "ldr x4, [x1]\n" DMB "str x6, [x0]")
PART(s_read_data, ONE "ldr x4, [x1]\n eor x8, x4, x4\n add x6, x6, x8\n str x6, [x0]")
PART(s_read_ctrl, ONE "ldr x4, [x1]\n" CTRL "str x6, [x0]")
PART(s_read_acq, ONE "ldar x4, [x1]\n str x6, [x0]")
PART(s_read_acqpc, ONE "ldapr x4, [x1]\n swp x6, x9, [x0]")
PART(r_write_dmb, ONE "str x6, [x0]\n" DMB "str x6, [x1]")
PART(r_write_rel, ONE "str x6, [x0]\n stlr x6, [x1]")
PART(r_read_dmb, TWO "str x7, [x1]\n" DMB "ldr x4, [x0]")
PART(r_read_rel_acq, TWO "stlr x7, [x1]\n ldar x4, [x0]")
PART(r_read_swpl_acq, TWO "swpl x7, x9, [x1]\n ldar x4, [x0]")
SB(ww_dmb, TWO "str x6, [x0]\n" DMB "str x7, [x1]", TWO "str x6, [x0]\n" DMB "str x7, [x1]")
SB2(ww_dmbst, TWO "str x6, [x0]\n" DMBST "str x7, [x1]")
SB2(ww_rel, TWO "str x6, [x0]\n stlr x7, [x1]")
SB2(ww_swpl, TWO "str x6, [x0]\n swpl x7, x9, [x1]")

static int s_seen(const u64 *r, const u64 *m)
{
    return r[2] == 1 && m[0] == 2;
}

static int r_seen(const u64 *r, const u64 *m)
{
    return r[2] == 0 && m[1] == 2;
}

static int ww_seen(const u64 *r, const u64 *m)
{
    return m[0] == 1 && m[1] == 1;
}

static void writes(void)
{
    forbidden("S+dmbs", 2, s_write_dmb, s_read_dmb, 0, 0, s_seen);
    forbidden("S+dmb.st+data", 2, s_write_dmbst, s_read_data, 0, 0, s_seen);
    forbidden("S+dmb.st+ctrl", 2, s_write_dmbst, s_read_ctrl, 0, 0, s_seen);
    forbidden("S+rel+acq", 2, s_write_rel, s_read_acq, 0, 0, s_seen);
    forbidden("S+swpl+acqpc-swp", 2, s_write_swpl, s_read_acqpc, 0, 0, s_seen);
    forbidden("R+dmbs", 2, r_write_dmb, r_read_dmb, 0, 0, r_seen);
    forbidden("R+rel+rel-acq", 2, r_write_rel, r_read_rel_acq, 0, 0, r_seen);
    forbidden("R+rel+swpl-acq", 2, r_write_rel, r_read_swpl_acq, 0, 0, r_seen);
    FORBIDDEN2("2+2W+dmbs", ww_dmb, ww_seen);
    FORBIDDEN2("2+2W+dmb.sts", ww_dmbst, ww_seen);
    FORBIDDEN2("2+2W+rels", ww_rel, ww_seen);
    FORBIDDEN2("2+2W+swpls", ww_swpl, ww_seen);
}

/* --- coherence --------------------------------------------------------------------------------*/

PART(co_write1, ONE "str x6, [x0]")
PART(co_write2, TWO "str x7, [x0]")
PART(co_stp, "mov w6, #1\n stp w6, w6, [x0]")
PART(co_str, "mov x6, #0x100000001\n str x6, [x0]")
PART(co_write_1_2, ONE TWO "str x6, [x0]\n str x7, [x0]")
PART(co_read2, "ldr x4, [x0]\n ldr x5, [x0]")
PART(co_read_ldar, "ldar x4, [x0]\n ldr x5, [x0]")
PART(co_read_ldadd, "mov x9, #0\n ldr x4, [x0]\n ldadd x9, x5, [x0]")
PART(co_read_words, "ldr w4, [x0]\n ldr x5, [x0]\n and x5, x5, #1")
PART(co_read_one, "ldr x4, [x0]\n lsr x5, x4, #32\n and x4, x4, #1")
PART(co_read_write, ONE "ldr x4, [x0]\n str x6, [x0]")
PART(co_write_read, ONE "str x6, [x0]\n ldr x4, [x0]")
PART(co_add, ONE "ldadd x6, x4, [x0]\n ldr x5, [x0]")

static int corr(const u64 *r, const u64 *m)
{
    return r[2] == 1 && r[3] == 0;
}

static int corr_12(const u64 *r, const u64 *m)
{
    return r[2] > r[3];
}

static int coww(const u64 *r, const u64 *m)
{
    return m[0] != 2;
}

static int corw(const u64 *r, const u64 *m)
{
    return r[0] == 1 || (r[0] == 2 && m[0] == 2);
}

static int cowr(const u64 *r, const u64 *m)
{
    return r[0] == 0 || (r[0] == 2 && m[0] == 1);
}

static int torn(const u64 *r, const u64 *m)
{
    return r[2] != r[3];
}

static int adds(const u64 *r, const u64 *m)
{
    return r[0] == r[2] || r[1] <= r[0] || r[3] <= r[2] || m[0] != 2;
}

static void coherence(void)
{
    forbidden("CoRR", 2, co_write1, co_read2, 0, 0, corr);
    forbidden("CoRR, LDAR and LDR", 2, co_write1, co_read_ldar, 0, 0, corr);
    forbidden("CoRR, LDR and LDADD", 2, co_write1, co_read_ldadd, 0, 0, corr);
    forbidden("CoRR, a word and all of it", 2, co_stp, co_read_words, 0, 0, corr);
    forbidden("CoWW+RR", 2, co_write_1_2, co_read2, 0, 0, corr_12);
    forbidden("CoWW", 2, co_write_1_2, co_read2, 0, 0, coww);
    forbidden("CoRW", 2, co_read_write, co_write2, 0, 0, corw);
    forbidden("CoWR", 2, co_write_read, co_write2, 0, 0, cowr);
    forbidden("64 bits at once", 2, co_str, co_read_one, 0, 0, torn);
    forbidden("LDADD twice", 2, co_add, co_add, 0, 0, adds);
}

/* --- three and four CPUs ----------------------------------------------------------------------*/

PART(write_x, ONE "str x6, [x0]")
PART(write_y, ONE "str x6, [x1]")
PART(rel_x, ONE "stlr x6, [x0]")
PART(rel_y, ONE "stlr x6, [x1]")
PART(swp_x, ONE "swp x6, x9, [x0]")
PART(swp_y, ONE "swp x6, x9, [x1]")
PART(xy_plain, "ldr x4, [x0]\n ldr x5, [x1]")
PART(yx_plain, "ldr x4, [x1]\n ldr x5, [x0]")
PART(xy_addr, "ldr x4, [x0]\n" DEP("x1") "ldr x5, [x1]")
PART(yx_addr, "ldr x4, [x1]\n" DEP("x0") "ldr x5, [x0]")
PART(xy_dmbld, "ldr x4, [x0]\n" DMBLD "ldr x5, [x1]")
PART(yx_dmbld, "ldr x4, [x1]\n" DMBLD "ldr x5, [x0]")
PART(xy_acq, "ldar x4, [x0]\n ldar x5, [x1]")
PART(yx_acq, "ldar x4, [x1]\n ldar x5, [x0]")
PART(xy_acqpc, "ldapr x4, [x0]\n ldapr x5, [x1]")
PART(yx_acqpc, "ldapr x4, [x1]\n ldapr x5, [x0]")
PART(xy_dmb, "ldr x4, [x0]\n" DMB "ldr x5, [x1]")
PART(wrc_data, "ldr x4, [x0]\n eor x8, x4, x4\n add x8, x8, #1\n str x8, [x1]")
PART(wrc_rel, ONE "ldr x4, [x0]\n stlr x6, [x1]")
PART(wrc_acq, ONE "ldar x4, [x0]\n str x6, [x1]")
PART(isa2_data, "ldr x4, [x1]\n eor x8, x4, x4\n add x8, x8, #1\n str x8, [x2]")
PART(isa2_acq_rel, ONE "ldar x4, [x1]\n stlr x6, [x2]")
PART(zx_addr, "ldr x4, [x2]\n" DEP("x0") "ldr x5, [x0]")
PART(zx_acq, "ldar x4, [x2]\n ldr x5, [x0]")
PART(rwc_last, ONE "str x6, [x1]\n" DMB "ldr x4, [x0]")
PART(rwc_last_rel_acq, ONE "stlr x6, [x1]\n ldar x4, [x0]")

static int iriw(const u64 *r, const u64 *m)
{
    return r[4] == 1 && r[5] == 0 && r[6] == 1 && r[7] == 0;
}

static int wrc(const u64 *r, const u64 *m)
{
    return r[2] == 1 && r[4] == 1 && r[5] == 0;
}

static int rwc(const u64 *r, const u64 *m)
{
    return r[2] == 1 && r[3] == 0 && r[4] == 0;
}

static void many(void)
{
    forbidden("WRC+data+addr", 3, write_x, wrc_data, yx_addr, 0, wrc);
    forbidden("WRC+rel+acq", 3, write_x, wrc_rel, yx_acq, 0, wrc);
    forbidden("WRC+acq+dmb.ld", 3, write_x, wrc_acq, yx_dmbld, 0, wrc);
    forbidden("ISA2+dmb.st+data+addr", 3, mp_write_dmbst, isa2_data, zx_addr, 0, wrc);
    forbidden("ISA2+rel+acq-rel+acq", 3, mp_write_rel, isa2_acq_rel, zx_acq, 0, wrc);
    forbidden("RWC+dmbs", 3, write_x, xy_dmb, rwc_last, 0, rwc);
    forbidden("RWC+acq+rel-acq", 3, rel_x, xy_acq, rwc_last_rel_acq, 0, rwc);
    allowed("IRIW", 4, write_x, write_y, xy_plain, yx_plain, iriw);
    forbidden("IRIW+addrs", 4, write_x, write_y, xy_addr, yx_addr, iriw);
    forbidden("IRIW+dmb.lds", 4, write_x, write_y, xy_dmbld, yx_dmbld, iriw);
    forbidden("IRIW+rels+acqs", 4, rel_x, rel_y, xy_acq, yx_acq, iriw);
    forbidden("IRIW+acqpcs", 4, write_x, write_y, xy_acqpc, yx_acqpc, iriw);
    forbidden("IRIW+swps+addrs", 4, swp_x, swp_y, xy_addr, yx_addr, iriw);
}

/* --- options ----------------------------------------------------------------------------------*/

static u64 number(const char *digits)
{
    u64 n = 0;

    while (*digits >= '0' && *digits <= '9')
        n = 10 * n + (u64)(*digits++ - '0');
    return n;
}

static void options(void)
{
    const char *at = boot_option("rounds=");

    if (at)
        rounds = number(at);
    only = boot_option("only=");
    verbose = boot_option("verbose") != 0;
}

int main(void)
{
    options();
    cpus_there = cpu_count(MOST);
    message_passing();
    store_buffering();
    load_buffering();
    writes();
    coherence();
    many();
    say("done\n");
    return 0;
}
