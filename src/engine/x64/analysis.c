/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What emission wants to know in advance, one forward and one backward scan of a block: lifetimes,
 * values that are the same register (zext and trunc of something suitable), values that are best
 * left to their user, pairs of operations that one host instruction does, and results that can be
 * computed right in the pinned register they are going to.
 */
#include "engine/x64/cg.h"

int x64_pin_at(const struct x64 *x, int32_t off, unsigned bytes)
{
    uint32_t rel = (uint32_t)(off - x->layout.x0);
    if (rel >= 256 || rel % 8 || bytes < 4)
        return -1;
    return x->pin_of[rel / 8];
}

bool x64_pin_overlaps(const struct x64 *x, int32_t off, unsigned bytes)
{
    int32_t first = off - x->layout.x0, last = first + (int32_t)bytes - 1;
    if (last < 0 || first >= 256)
        return false;
    for (int32_t r = first < 0 ? 0 : first / 8; r <= last / 8 && r < 32; r++)
        if (x->pin_of[r] >= 0)
            return true;
    return false;
}

void x64_make_traits(struct x64 *x)
{
    for (unsigned op = 0; op < IR_OP_COUNT; op++) {
        const struct ir_op_info *info = &ir_op_info[op];
        static const char letters[] = "-wixvf";
        static const uint8_t types[] = {IR_VOID, IR_I32, OWN_TYPE, IR_I64, IR_V128, IR_FLAGS};
        const char *at = strchr(letters, info->result);
        x->traits[op] = (struct op_traits){
            .type = at ? types[at - letters] : IR_VOID,
            .klass = info->klass,
            .useless = info->klass == IR_PURE || op == IR_GET || op == IR_GET8 || op == IR_GETV ||
                       op == IR_GETF || op == IR_PCREL,
        };
    }
}

/* The upper half of a 32-bit result is zero in its register, but for these. */
static bool zero_extended(const struct x64 *x, ir_ref root)
{
    const struct ir_insn *insn = &x->insn[root];
    return x->val[root].type == IR_I32 && insn->op != IR_GET && insn->op != IR_CONST;
}

static void find_representatives(struct x64 *x, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        const struct ir_insn *insn = &x->insn[i];
        x->val[i].rep = (ir_ref)i;
        x->val[i].type =
            x->traits[insn->op].type == OWN_TYPE ? insn->type : x->traits[insn->op].type;
        x->val[i].last = 0;
        x->val[i].uses = 0;
        x->val[i].mark = 0;
        x->val[i].group = 0;
        x->val[i].hint = NOREG;
        x->val[i].pair = IR_NONE;
        x->val[i].clear = 16;
        x->val[i].at = insn->op == IR_CONST ? AT_CONST : 0;
        if (insn->op == IR_TRUNC)
            x->val[i].rep = x->val[insn->arg[0]].rep;
        else if (insn->op == IR_ZEXT && zero_extended(x, x->val[insn->arg[0]].rep))
            x->val[i].rep = x->val[insn->arg[0]].rep;
    }
}

enum { MAX_OBSERVERS = 16 };

/* State that is written again before anybody could see it: nothing between leaves the code or calls
 * what looks at it. (The passes over the IR do not know which accesses cannot fault.) */
struct unseen {
    uint32_t general;
    bool flags;
    /* Who sees flags before their next write, the last one first: side exits and accesses, which
     * can store them on their way out and before their slow path. */
    uint16_t observer[MAX_OBSERVERS];
    unsigned observers;
    bool accesses;  /* are among them */
    unsigned first; /* instruction of the block */
};

/* State of the backward scan. */
struct scan {
    ir_ref going[16]; /* by pinned host register: the value that will be put there */
    uint32_t pending; /* which of them are valid */
    struct unseen unseen;
    unsigned flag_op, arith_op, logic_op; /* the ones seen last; 0: none */
    unsigned half[4]; /* halves of products, and remainders, seen last, the latest first */
    unsigned sha256;  /* rounds of SHA-256 seen last */
};

static bool same_args(const struct x64 *x, const struct ir_insn *a, const struct ir_insn *b,
                      unsigned n)
{
    if (a->type != b->type)
        return false;
    for (unsigned k = 0; k < n; k++)
        if (x->val[a->arg[k]].rep != x->val[b->arg[k]].rep)
            return false;
    return true;
}

static unsigned counterpart(unsigned op)
{
    switch (op) {
    case IR_ADD:
        return IR_FLADD;
    case IR_SUB:
        return IR_FLSUB;
    case IR_ADC:
        return IR_FLADC;
    case IR_SBC:
        return IR_FLSBC;
    case IR_FLADD:
        return IR_ADD;
    case IR_FLSUB:
        return IR_SUB;
    case IR_FLADC:
        return IR_ADC;
    case IR_FLSBC:
        return IR_SBC;
    default:
        return IR_OP_COUNT;
    }
}

enum { FUSE_WINDOW = 16 };
_Static_assert((int)FUSE_WINDOW >= (int)IR_REMAINDER_WINDOW, "a remainder would divide once more");

static void fuse(struct x64 *x, unsigned i, unsigned j)
{
    const struct ir_insn *insn = &x->insn[i];
    x->val[i].mark |= MARK_FUSED;
    x->val[j].mark |= MARK_DONE;
    x->val[i].pair = (ir_ref)j;
    /* what only the later one needed besides, dies at the earlier one now */
    for (unsigned k = 0; k < 3 && insn->arg[k] != IR_NONE; k++) {
        ir_ref a = x->val[insn->arg[k]].rep;
        unsigned by_j = 0;
        for (unsigned n = 0; n < 3; n++)
            by_j += x->insn[j].arg[n] != IR_NONE && x->val[x->insn[j].arg[n]].rep == a;
        if (x->val[a].last == j && x->val[a].uses == by_j)
            x->val[a].last = (uint16_t)i;
    }
    /* defined early, so the way to its pinned register may not be clear */
    x->val[j].hint = NOREG;
}

/* Both halves of one product, whichever comes first, and in whatever order its factors stand. */
static bool same_product(const struct x64 *x, const struct ir_insn *a, const struct ir_insn *b)
{
    const struct ir_insn swapped = {.type = b->type, .arg = {b->arg[1], b->arg[0]}};
    bool both = (a->op == IR_MUL && b->op == IR_UMULH) || (a->op == IR_UMULH && b->op == IR_MUL);
    return both && is_wide(a) && (same_args(x, a, b, 2) || same_args(x, a, &swapped, 2));
}

/* A quotient and what is left. */
static bool same_division(const struct x64 *x, const struct ir_insn *a, const struct ir_insn *b)
{
    bool both = (a->op == IR_UDIV && b->op == IR_UREM) || (a->op == IR_SDIV && b->op == IR_SREM);
    return both && same_args(x, a, b, 2);
}

static void fuse_halves(struct x64 *x, struct scan *s, unsigned i)
{
    enum { KEPT = sizeof(s->half) / sizeof(s->half[0]) };
    for (unsigned k = 0; k < KEPT; k++) {
        unsigned j = s->half[k];
        const struct ir_insn *a = &x->insn[i], *b = &x->insn[j];
        if (j && j - i <= FUSE_WINDOW && (same_product(x, a, b) || same_division(x, a, b))) {
            fuse(x, i, j);
            s->half[k] = 0;
            return;
        }
    }
    if (x->insn[i].op == IR_UDIV || x->insn[i].op == IR_SDIV) /* a remainder never precedes it */
        return;
    memmove(s->half + 1, s->half, sizeof(s->half) - sizeof(s->half[0]));
    s->half[0] = i;
}

static bool is_half(unsigned op)
{
    return op == IR_MUL || op == IR_UMULH || op == IR_UDIV || op == IR_SDIV || op == IR_UREM ||
           op == IR_SREM;
}

/* SHA256H and SHA256H2 are the two halves of what four rounds leave. */
static void fuse_sha256(struct x64 *x, struct scan *s, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    unsigned j = s->sha256;
    const struct ir_insn *later = &x->insn[j];
    const struct ir_insn swapped = {.type = later->type,
                                    .arg = {later->arg[1], later->arg[0], later->arg[2]}};
    s->sha256 = i;
    if (!x->config.host.sha || !j || j - i > FUSE_WINDOW || insn->op == later->op ||
        !same_args(x, insn, &swapped, 3))
        return;
    fuse(x, i, j);
    s->sha256 = 0;
}

static void try_fuse(struct x64 *x, struct scan *s, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    unsigned op = insn->op;
    if (x->config.without & X64_NO_FUSE)
        return;
    if (is_half(op)) {
        fuse_halves(x, s, i);
        return;
    }
    if (op == IR_SHA256H || op == IR_SHA256H2) {
        fuse_sha256(x, s, i);
        return;
    }
    bool flags = x->val[i].type == IR_FLAGS;
    unsigned j = flags ? s->arith_op : s->flag_op;
    if (op == IR_AND || op == IR_ANDN) {
        j = s->logic_op;
        if (j && j - i <= FUSE_WINDOW && x->val[x->insn[j].arg[0]].rep == i &&
            is_wide(&x->insn[j]) == is_wide(insn)) {
            x->val[i].mark |= MARK_FUSED;
            x->val[j].mark |= MARK_DONE;
            x->val[i].pair = (ir_ref)j;
            s->logic_op = 0;
        }
        return;
    }
    unsigned want = counterpart(op);
    if (want == IR_OP_COUNT || x->val[i].mark & MARK_LAZY)
        return;
    unsigned n = op == IR_ADC || op == IR_SBC || op == IR_FLADC || op == IR_FLSBC ? 3 : 2;
    if (j && x->insn[j].op == want && j - i <= FUSE_WINDOW && same_args(x, insn, &x->insn[j], n)) {
        fuse(x, i, j);
        s->arith_op = s->flag_op = 0;
    } else if (flags) {
        s->flag_op = i;
    } else {
        s->arith_op = i;
    }
}

bool x64_is_access(unsigned op)
{
    switch (op) {
    case IR_LD:
    case IR_ST:
    case IR_LD2:
    case IR_ST2:
    case IR_LDV:
    case IR_STV:
    case IR_LDV2:
    case IR_STV2:
        return true;
    default:
        return false;
    }
}

bool x64_is_store(unsigned op)
{
    return op == IR_ST || op == IR_ST2 || op == IR_STV || op == IR_STV2;
}

/* Whether its only user computes it better itself. */
static bool is_lazy(const struct x64 *x, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    if (x->val[i].uses != 1 || x->config.without & X64_NO_LAZY)
        return false;
    const struct ir_insn *user = &x->insn[x->val[i].last];
    switch (insn->op) {
    case IR_ADD: {
        const struct ir_insn *b = &x->insn[x->val[insn->arg[1]].rep];
        return insn->type == IR_I64 && x64_is_access(user->op) && x->val[user->arg[0]].rep == i &&
               b->op == IR_CONST && b->imm >= INT32_MIN / 2 && b->imm <= INT32_MAX / 2;
    }
    case IR_SHLI: /* as a scaled index */
        return user->op == IR_ADD && user->type == insn->type && insn->imm >= 1 && insn->imm <= 3 &&
               x->val[user->arg[1]].rep == i && x->insn[x->val[user->arg[0]].rep].op != IR_CONST &&
               !(x->val[x->val[i].last].mark & (MARK_FUSED | MARK_DONE | MARK_LAZY));
    case IR_FLADD:
    case IR_FLSUB:
    case IR_FLLOG:
        return user->op == IR_FLSEL && x->val[user->arg[1]].rep == i &&
               x->val[user->arg[0]].rep != i;
    case IR_AESE:
        return user->op == IR_AESMC && x->config.host.aes;
    case IR_AESD:
        return user->op == IR_AESIMC && x->config.host.aes;
    default:
        return false;
    }
}

static void note_use(struct x64 *x, ir_ref v, unsigned until)
{
    ir_ref a = x->val[v].rep;
    x->val[a].uses++;
    if (x->val[a].last < until)
        x->val[a].last = (uint16_t)until;
}

static void note_uses(struct x64 *x, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    unsigned until = x->val[i].mark & MARK_LAZY ? x->val[i].last : i;
    for (unsigned k = 0; k < 3; k++) {
        if (insn->arg[k] != IR_NONE)
            note_use(x, insn->arg[k], until);
    }
}

/* Follows values on their way to pinned registers. */
static void note_destination(struct x64 *x, struct scan *s, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    if (x->val[i].uses)
        for (uint32_t m = s->pending; m; m &= m - 1) {
            unsigned pin = (unsigned)__builtin_ctz(m);
            if (s->going[pin] == i)
                x->val[i].hint = (uint8_t)pin;
        }
    int pin;
    unsigned klass;
    switch (insn->op) {
    case IR_PUT:
        pin = x64_pin_at(x, (int32_t)insn->imm, is_wide(insn) ? 8 : 4);
        if (pin < 0)
            break;
        s->pending &= ~(1u << pin);
        if (is_wide(insn) && !(x->config.without & X64_NO_HINT)) {
            s->going[pin] = x->val[insn->arg[0]].rep;
            s->pending |= 1u << pin;
        }
        break;
    case IR_GET:
        pin = x64_pin_at(x, (int32_t)insn->imm, is_wide(insn) ? 8 : 4);
        if (pin >= 0)
            s->pending &= ~(1u << pin);
        else if (x64_pin_overlaps(x, (int32_t)insn->imm, 8))
            s->pending = 0;
        break;
    case IR_GET8:
    case IR_PUT8:
    case IR_GETV:
    case IR_PUTV:
        if (x64_pin_overlaps(x, (int32_t)insn->imm, 16))
            s->pending = 0;
        break;
    case IR_INSN:
    case IR_HI:
    case IR_HIV:
        break;
    default:
        klass = x->traits[insn->op].klass;
        if (klass != IR_PURE && klass != IR_STATE && klass != IR_FP)
            s->pending = 0;
    }
}

/* An access whose page is known, and that may lie anywhere there, happens. */
static bool is_quiet(const struct x64 *x, unsigned i)
{
    unsigned n = x->val[i].group, align = IR_MEM_ALIGN | IR_MEM_ALIGN_EL;
    return n && x->group[n - 1].head != i && !(x->insn[i].aux & align) &&
           !(x->insn[i].op == IR_LD2 && x->config.whole_pairs); /* these look at SP */
}

static int general_at(const struct x64 *x, int64_t off)
{
    int64_t rel = off - x->layout.x0;
    return rel >= 0 && rel < 256 && rel % 8 == 0 ? (int)(rel / 8) : -1;
}

/* Whether a value of before `at` stays where it is until then, in a general register's place. */
static bool stays(const struct x64 *x, ir_ref v, unsigned at, unsigned until)
{
    const struct ir_insn *insn = &x->insn[v];
    int home = insn->op == IR_GET ? general_at(x, insn->imm & ~7ll) : -1;
    for (unsigned i = v + 1u; i < until; i++) {
        insn = &x->insn[i];
        if (insn->op != IR_PUT)
            continue;
        int to = general_at(x, insn->imm & ~7ll);
        if (i < at && is_wide(insn) && x->val[insn->arg[0]].rep == v)
            home = to;
        else if (to >= 0 && to == home)
            return false;
    }
    return home >= 0;
}

/* Whether flags of `at` are best had by comparing once more until then: one operand has to be moved
 * away at most. */
static bool can_compare(const struct x64 *x, ir_ref flags, unsigned at, unsigned until)
{
    const struct ir_insn *insn = &x->insn[flags];
    if (insn->op != IR_FLSUB || x->insn[x->val[insn->arg[0]].rep].op == IR_CONST)
        return false;
    const struct ir_insn *b = &x->insn[x->val[insn->arg[1]].rep];
    bool imm = b->op == IR_CONST && (!is_wide(insn) || b->imm == (int32_t)b->imm);
    return imm || stays(x, x->val[insn->arg[0]].rep, at, until) ||
           stays(x, x->val[insn->arg[1]].rep, at, until);
}

/* Whether older flags of the block are wanted later, which may be in CPU state alone. */
static bool older_wanted(const struct x64 *x, unsigned first, unsigned at, ir_ref flags)
{
    for (unsigned i = first; i < at; i++)
        if (x->val[i].type == IR_FLAGS && x->val[i].last > at && i != flags)
            return true;
    return false;
}

/* Leaves a write of flags to those who see them. False: they cannot do it. */
static bool leave_to_observers(struct x64 *x, const struct unseen *u, unsigned at)
{
    ir_ref flags = x->val[x->insn[at].arg[0]].rep;
    unsigned until = u->observers ? u->observer[0] : at;
    if (u->accesses && (!can_compare(x, flags, at, until) || older_wanted(x, u->first, at, flags)))
        return false;
    for (unsigned k = 0; k < u->observers; k++) {
        x->val[u->observer[k]].pair = flags;
        if (!u->accesses)
            note_use(x, flags, u->observer[k]);
    }
    for (unsigned k = 0; k < 2 && u->accesses; k++)
        note_use(x, x->insn[flags].arg[k], until);
    return true;
}

/* Whether it can see flags only after it has stored them itself; takes it in. Accesses and polls
 * have lost EFLAGS by then. */
static bool observes(const struct x64 *x, struct unseen *u, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    bool access = insn->op == IR_POLL ||
                  (x64_is_access(insn->op) && !(insn->aux & (IR_MEM_UNPRIV | IR_MEM_BE)));
    if ((!access && !ir_is_side(insn->op)) || x->config.without & X64_NO_LAZY)
        return false;
    u->general = 0;
    u->flags &= u->observers < MAX_OBSERVERS;
    if (u->flags) {
        u->observer[u->observers++] = (uint16_t)i;
        u->accesses |= access;
    }
    return true;
}

/* Whether the block writes flags before anybody can see them. */
static bool begins_with_flags(const struct x64 *x, const struct ir_block *block)
{
    for (unsigned i = block->first; i < block->end; i++) {
        const struct ir_insn *insn = &x->insn[i];
        if (insn->op == IR_PUTF)
            return true;
        bool reads_general = insn->op == IR_GET && general_at(x, insn->imm & ~7ll) >= 0;
        if (x->traits[insn->op].klass != IR_PURE && insn->op != IR_INSN && !reads_general)
            return false;
    }
    return false;
}

/* Whether i only writes what is unseen; keeps account of that. */
static bool is_unseen(struct x64 *x, struct unseen *u, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    unsigned klass = x->traits[insn->op].klass;
    int reg = insn->op == IR_PUT || insn->op == IR_GET ? general_at(x, insn->imm) : -1;
    if (insn->op == IR_PUTF) {
        bool before = u->flags && leave_to_observers(x, u, i);
        *u = (struct unseen){.general = u->general, .flags = true, .first = u->first};
        return before;
    }
    if (insn->op == IR_PUT && reg >= 0 && is_wide(insn)) {
        bool before = u->general >> reg & 1;
        u->general |= 1u << reg;
        return before;
    }
    if (insn->op == IR_GET && reg >= 0)
        u->general &= ~(1u << reg);
    else if (insn->op == IR_GETF)
        u->flags = false;
    else if (klass != IR_PURE && klass != IR_FP && insn->op != IR_HI && insn->op != IR_HIV &&
             insn->op != IR_GETV && insn->op != IR_PUTV && !is_quiet(x, i) && !observes(x, u, i))
        *u = (struct unseen){.first = u->first};
    if (insn->op == IR_BR)
        u->flags = begins_with_flags(x, &x->ir->block[insn->imm]);
    return false;
}

static void scan_back(struct x64 *x, unsigned first, unsigned end)
{
    struct scan s = {.unseen.first = first};
    for (unsigned i = end; i-- > first;) {
        const struct ir_insn *insn = &x->insn[i];
        unsigned klass = x->traits[insn->op].klass;
        if (insn->op == IR_INSN)
            continue;
        if (x->val[i].rep != i) { /* its users count as its representative's */
            x->val[i].mark |= MARK_DONE;
            continue;
        }

        if ((x->traits[insn->op].useless && !x->val[i].uses) || is_unseen(x, &s.unseen, i)) {
            x->val[i].mark |= MARK_DONE;
            continue;
        }
        if (is_lazy(x, i))
            x->val[i].mark |= MARK_LAZY;
        note_destination(x, &s, i);
        if (insn->op == IR_FLLOG && !(x->val[i].mark & MARK_LAZY))
            s.logic_op = i;
        else if (klass == IR_PURE)
            try_fuse(x, &s, i);
        note_uses(x, i);
    }
}

/* Blocks stand in the order in which they were begun, the entry first. */
static void order_blocks(struct x64 *x, const struct ir_block *block)
{
    for (unsigned b = 0; b < x->ir->blocks; b++) {
        unsigned at = b;
        for (; at > 1 && block[x->order[at - 1]].first > block[b].first; at--)
            x->order[at] = x->order[at - 1];
        x->order[at] = (uint16_t)b;
    }
}

void x64_analyse(struct x64 *x, const struct ir_block *block)
{
    x->groups = 0;
    order_blocks(x, block);
    x64_find_loops(x);
    for (unsigned b = 0; b < x->ir->blocks; b++) {
        find_representatives(x, block[b].first, block[b].end);
        x64_find_groups(x, block[b].first, block[b].end);
        scan_back(x, block[b].first, block[b].end);
    }
}
