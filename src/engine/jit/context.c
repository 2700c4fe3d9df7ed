/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLB contexts. A vCPU keeps several pairs of soft TLBs, one for each {ASID, mode} it has run in
 * lately, so that an exception, a return or a switch of address space swaps pointers instead of
 * emptying a TLB. The mode holds EL and PAN, which decide what an entry permits.
 *
 * Entries of one context may be global or not; what was filled under other values of SCTLR, TCR or
 * MAIR is dropped when these change, which is earlier than the architecture demands (manual D8.14:
 * such fields may be cached in a TLB).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "arm/debug.h"
#include "arm/pstate.h"
#include "engine/jit/jit.h"

/* What of SCTLR_EL1 TLB entries depend on. Linux writes other bits whenever it switches processes.
 */
#define IN_TLBS (ARM_SCTLR_M | ARM_SCTLR_C | ARM_SCTLR_I | ARM_SCTLR_WXN | ARM_SCTLR_EE)

/* Above this many pages a range is looked for in the TLBs rather than page by page. */
enum { RANGE_LIMIT = 64 };

/* The first contexts have TLBs from the beginning, the others when they are needed and there is
 * memory: the current one, and one for jit_user_context. */
enum { ALWAYS_FURNISHED = 2 };

/* What LDTR and STTR of running code look into. */
static void set_user_tlb(struct jit_vcpu *vcpu, struct jit_context *user)
{
    struct arm_cpu *cpu = &vcpu->cpu;

    vcpu->user = user;
    vcpu->no_user.rtag = vcpu->no_user.wtag = 1;
    cpu->utlb = user ? user->tlb : &vcpu->no_user;
    cpu->utlb_mask = user ? (user->entries - 1) * sizeof(*user->tlb) : 0;
}

static void clear_tlb(struct jit_context *context)
{
    for (unsigned i = 0; i < context->entries; i++)
        context->tlb[i].rtag = context->tlb[i].wtag = 1;
    context->fills = 0;
}

static void clear_itlb(struct jit_context *context)
{
    for (unsigned i = 0; i < context->code_entries; i++)
        context->itlb[i].tag = context->itlb[i].open = 1;
    context->code_fills = 0;
}

static void forget_searches(struct jit_context *context)
{
    memset(context->searched, 0xff, sizeof(context->searched)); /* no address's 2 MiB */
}

/* Empties a context: after this no entry in it comes from a block. */
static void clear_context(struct jit_context *context)
{
    clear_tlb(context);
    clear_itlb(context);
    memset(context->blocks, 0, sizeof(context->blocks));
    context->low_global = false;
    context->huge_first = ~0ull;
    context->huge_last = 0;
    forget_searches(context);
}

/* The bit of a context's filter for the 2 MiB around an address. */
static uint64_t *block_bit(struct jit_context *context, uint64_t va, uint64_t *mask)
{
    unsigned hash = (unsigned)((va >> 21) * 0x9e3779b1u >> 24 & 0xff);

    *mask = 1ull << (hash & 63);
    return &context->blocks[hash >> 6];
}

/* The place that remembers whether the 2 MiB around an address were searched. */
static uint64_t *searched(struct jit_context *context, uint64_t va, bool only_global)
{
    return &context->searched[only_global][va >> 21 & (JIT_SEARCHED - 1)];
}

/* Whether something near va may have been filled from a block since it was last searched. */
static bool near_block(struct jit_context *context, uint64_t va, bool only_global)
{
    uint64_t mask, *word;

    va &= ones(56);
    word = block_bit(context, va, &mask);
    if (!(*word & mask) && (va < context->huge_first || va > context->huge_last))
        return false;
    return *searched(context, va, false) != va >> 21 &&
           !(only_global && *searched(context, va, true) == va >> 21);
}

static void note_block(struct jit_context *context, uint64_t va, uint64_t size)
{
    uint64_t first, mask, *word;

    if (size <= IR_PAGE_SIZE)
        return;
    va &= ones(56);
    if (size <= 2u << 20) {
        word = block_bit(context, va, &mask);
        *word |= mask;
        for (int global = 0; global < 2; global++)
            if (*searched(context, va, global) == va >> 21)
                *searched(context, va, global) = ~0ull;
        return;
    }
    first = align_down(va, size);
    if (first < context->huge_first)
        context->huge_first = first;
    if (first + size - 1 > context->huge_last)
        context->huge_last = first + size - 1;
    forget_searches(context);
}

void jit_context_note(struct jit_context *context, uint64_t va, const struct arm_translation *tr)
{
    context->low_global |= tr->global && !bit(va, 55);
    note_block(context, va, tr->size);
}

/* To be called wherever an entry of the current TLB goes, or another TLB becomes the current one.
 */
static void clear_page_slots(struct jit_vcpu *vcpu)
{
    struct arm_cpu *cpu = &vcpu->cpu;

    for (unsigned g = 0; g < ARRAY_SIZE(cpu->page_slots_used); g++) {
        if (!cpu->page_slots_used[g])
            continue;
        cpu->page_slots_used[g] = 0;
        for (unsigned i = g * IR_SLOT_GROUP; i < (g + 1) * IR_SLOT_GROUP; i++)
            cpu->page_slot[i].page = IR_NO_PAGE;
    }
}

/* Gives a context TLBs of the smallest size, in place of any that it has. False: out of memory,
 * nothing has changed. */
static bool furnish(struct jit_context *context)
{
    struct ir_tlb_entry *tlb = aligned_alloc(64, JIT_TLB_MIN * sizeof(*tlb));
    struct ir_itlb_entry *itlb = aligned_alloc(64, JIT_ITLB_MIN * sizeof(*itlb));

    if (!tlb || !itlb) {
        free(tlb);
        free(itlb);
        return false;
    }
    free(context->tlb);
    free(context->itlb);
    context->tlb = tlb;
    context->itlb = itlb;
    context->entries = JIT_TLB_MIN;
    context->code_entries = JIT_ITLB_MIN;
    return true;
}

int jit_contexts_init(struct jit_vcpu *vcpu)
{
    for (unsigned i = 0; i < ALWAYS_FURNISHED; i++)
        if (!furnish(&vcpu->context[i]))
            return -ENOMEM;
    set_user_tlb(vcpu, NULL);
    memset(vcpu->cpu.page_slots_used, 1, sizeof(vcpu->cpu.page_slots_used));
    clear_page_slots(vcpu);
    vcpu->context_dirty = true;
    return 0;
}

void jit_contexts_destroy(struct jit_vcpu *vcpu)
{
    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        free(vcpu->context[i].tlb);
        free(vcpu->context[i].itlb);
    }
}

static void strip(struct jit_context *context)
{
    free(context->tlb);
    free(context->itlb);
    context->tlb = NULL;
    context->itlb = NULL;
    context->entries = context->code_entries = 0;
}

void jit_contexts_trim(struct jit_vcpu *vcpu)
{
    struct arm_cpu *cpu = &vcpu->cpu;

    vcpu->current = NULL;
    vcpu->context_dirty = true;
    jit_tlb_flush_all(vcpu);
    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        struct jit_context *context = &vcpu->context[i];
        context->crowded = context->code_crowded = false;
        if (i >= ALWAYS_FURNISHED)
            strip(context);
        else
            (void)furnish(context); /* else it stays as large as it is */
    }
    /* Nobody looks at them before the context is chosen anew. */
    cpu->tlb = cpu->itlb = NULL;
}

void jit_rstack_clear(struct jit_vcpu *vcpu)
{
    for (unsigned i = 0; i < ARRAY_SIZE(vcpu->cpu.rstack); i++)
        vcpu->cpu.rstack[i].va = 1;
}

void jit_tlb_flush_all(struct jit_vcpu *vcpu)
{
    clear_page_slots(vcpu);
    for (unsigned i = 0; i < JIT_CONTEXTS; i++)
        if (&vcpu->context[i] != vcpu->current)
            vcpu->context[i].valid = false;
    set_user_tlb(vcpu, NULL);
    if (vcpu->current) /* running code may be about to go on with it */
        clear_context(vcpu->current);
    jit_rstack_clear(vcpu);
}

void jit_itlb_flush_all(struct jit_vcpu *vcpu)
{
    for (unsigned i = 0; i < JIT_CONTEXTS; i++)
        if (vcpu->context[i].valid)
            clear_itlb(&vcpu->context[i]);
    jit_rstack_clear(vcpu);
}

/* --- choosing the context ---------------------------------------------------------------------*/

/* Whether FP and SIMD instructions trap at this EL: CPACR_EL1.FPEN. */
static bool fp_traps(const struct arm_cpu *cpu)
{
    unsigned fpen = (unsigned)bits(cpu->cpacr_el1, 21, 20);

    return cpu->el == 0 ? fpen != 3 : !(fpen & 1);
}

static uint32_t current_mode(const struct jit_vcpu *vcpu)
{
    const struct arm_cpu *cpu = &vcpu->cpu;
    uint64_t sctlr = cpu->sctlr_el1;
    bool misaligned = cpu->x[31] & 15; /* FRONT_SA: SP would fail its check, see a64_region.c */
    uint32_t mode = 0;

    if (cpu->el) {
        mode = FRONT_EL1 | FRONT_DZE | FRONT_UCT | FRONT_UCI | FRONT_UMA | FRONT_NTWI | FRONT_NTWE;
        mode |= cpu->spsel ? FRONT_SPSEL : 0;
        mode |= bit(sctlr, 25) ? FRONT_BE : 0;
        mode |= bit(sctlr, 3) && misaligned ? FRONT_SA : 0;
        mode |= FRONT_MSC;
        mode |= cpu->pan ? FRONT_PAN : 0;
        mode |= cpu->uao ? FRONT_UAO : 0;
    } else {
        mode |= bit(sctlr, 24) ? FRONT_BE : 0;
        mode |= bit(sctlr, 4) && misaligned ? FRONT_SA : 0;
        mode |= bit(sctlr, 9) ? FRONT_UMA : 0;
        mode |= bit(sctlr, 14) ? FRONT_DZE : 0;
        mode |= bit(sctlr, 15) ? FRONT_UCT : 0;
        mode |= bit(sctlr, 16) ? FRONT_NTWI : 0;
        mode |= bit(sctlr, 18) ? FRONT_NTWE : 0;
        mode |= bit(sctlr, 26) ? FRONT_UCI : 0;
        mode |= sctlr & ARM_SCTLR_MSCEn ? FRONT_MSC : 0;
    }
    mode |= bit(sctlr, 1) ? FRONT_ALIGN : 0;
    mode |= sctlr & (cpu->el ? ARM_SCTLR_BT1 : ARM_SCTLR_BT0) ? FRONT_BT : 0;
    mode |= fp_traps(cpu) ? FRONT_FP_TRAP : 0;
    /* AHP, DN, FZ, RMode, FZ16: anything that changes what FP instructions compute. */
    mode |= cpu->fpcr & 0x07c80000u ? FRONT_FPCR : 0;
    mode |= cpu->pmu.retiring ? FRONT_COUNT : 0;
    mode |= arm_step_active(cpu) || vcpu->step ? FRONT_STEP : 0;
    mode |= vcpu->engine->breakpoints || arm_breakpoints_on(cpu, cpu->el) ? FRONT_BREAK : 0;
    return mode;
}

/* The context to be used for something else: one that is free, with TLBs if possible, or else the
 * least recently used. furnished: no other than with TLBs. */
static struct jit_context *spare_context(struct jit_vcpu *vcpu, bool furnished)
{
    struct jit_context *bare = NULL, *oldest = NULL;

    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        struct jit_context *context = &vcpu->context[i];
        if (!context->tlb)
            bare = context;
        else if (!context->valid)
            return context;
        else if (!oldest || context->used < oldest->used)
            oldest = context;
    }
    return bare && !furnished ? bare : oldest;
}

static struct jit_context *find_context(struct jit_vcpu *vcpu, uint16_t asid, uint32_t mode)
{
    struct jit_context *context;

    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        context = &vcpu->context[i];
        if (context->valid && context->asid == asid && context->mode == mode)
            return context;
    }
    context = spare_context(vcpu, false);
    if (!context->tlb && !furnish(context))
        context = spare_context(vcpu, true);
    context->valid = true;
    context->asid = asid;
    context->mode = mode;
    context->el = mode & FRONT_EL1 ? 1 : 0;
    clear_context(context);
    return context;
}

/* Whether a context is EL0's in the current address space. */
static bool is_user(const struct jit_vcpu *vcpu, const struct jit_context *context)
{
    return context && context->valid && !context->el && context->asid == vcpu->current->asid;
}

struct jit_context *jit_user_context(struct jit_vcpu *vcpu)
{
    struct jit_context *user = vcpu->user;

    if (is_user(vcpu, user))
        return user;
    user = NULL;
    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        struct jit_context *context = &vcpu->context[i];
        if (is_user(vcpu, context) && (!user || context->used > user->used))
            user = context;
    }
    if (!user) {
        /* Never the current one, which is the most recently used. */
        user = find_context(vcpu, vcpu->current->asid, 0);
        user->used = vcpu->clock;
    }
    set_user_tlb(vcpu, user);
    return user;
}

/* A TLB that was refilled twice over since it was last emptied is too small for what runs. */
static void grow(struct jit_context *context)
{
    uint32_t entries = context->entries * 4;
    struct ir_tlb_entry *tlb = aligned_alloc(64, entries * sizeof(*tlb));

    context->crowded = false;
    if (!tlb)
        return; /* goes on with what it has */
    free(context->tlb);
    context->tlb = tlb;
    context->entries = entries;
    clear_tlb(context);
}

static void grow_code(struct jit_context *context)
{
    uint32_t entries = context->code_entries * 4;
    struct ir_itlb_entry *itlb = aligned_alloc(64, entries * sizeof(*itlb));

    context->code_crowded = false;
    if (!itlb)
        return;
    free(context->itlb);
    context->itlb = itlb;
    context->code_entries = entries;
    clear_itlb(context);
}

void jit_context_note_code_fill(struct jit_vcpu *vcpu)
{
    struct jit_context *context = vcpu->current;

    if (++context->code_fills > 2 * context->code_entries && context->code_entries < JIT_ITLB_MAX &&
        !context->code_crowded) {
        context->code_crowded = true;
        vcpu->context_dirty = true;
    }
}

void jit_context_note_fill(struct jit_vcpu *vcpu)
{
    struct jit_context *context = vcpu->current;

    if (++context->fills > 2 * context->entries && context->entries < JIT_TLB_MAX &&
        !context->crowded) {
        context->crowded = true;
        vcpu->context_dirty = true;
    }
}

void jit_context_sync(struct jit_vcpu *vcpu)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    const uint64_t regime[3] = {cpu->sctlr_el1 & IN_TLBS, cpu->tcr_el1, cpu->mair_el1};
    struct jit_context *context;
    uint32_t mode;
    uint16_t asid;

    vcpu->context_dirty = false;
    if (memcmp(regime, vcpu->regime, sizeof(regime))) {
        memcpy(vcpu->regime, regime, sizeof(regime));
        jit_tlb_flush_all(vcpu);
    }
    mode = current_mode(vcpu);
    asid = arm_asid(cpu);
    context = vcpu->current;
    if (context && context->asid == asid && context->mode == mode && !context->crowded &&
        !context->code_crowded)
        return;
    context = find_context(vcpu, asid, mode);
    if (context->crowded)
        grow(context);
    if (context->code_crowded)
        grow_code(context);
    context->used = ++vcpu->clock;
    vcpu->current = context;
    clear_page_slots(vcpu);
    vcpu->stat_switches++;
    cpu->tlb = context->tlb;
    cpu->tlb_mask = (context->entries - 1) * sizeof(struct ir_tlb_entry);
    cpu->itlb = context->itlb;
    cpu->itlb_mask = (context->code_entries - 1) * sizeof(struct ir_itlb_entry);
    if (!is_user(vcpu, vcpu->user))
        set_user_tlb(vcpu, NULL);
    else
        set_user_tlb(vcpu, vcpu->user); /* it may have grown */
    jit_rstack_clear(vcpu);
}

/* --- TLB maintenance --------------------------------------------------------------------------*/

static void drop_page(struct jit_context *context, uint64_t va, bool only_global)
{
    struct ir_tlb_entry *entry = &context->tlb[va >> IR_PAGE_BITS & (context->entries - 1)];
    struct ir_itlb_entry *code = jit_itlb_slot(context, va);

    /* The tag holds the address with its top byte as used (TBI); the operation ignores it. What
     * else lives in the slot may be dropped: an entry more than asked for is always allowed. */
    if (!only_global || entry->attr & JIT_TLB_GLOBAL)
        entry->rtag = entry->wtag = 1;
    code->tag = code->open = 1;
}

/* Whether both addresses, less their tags, are in one block of 1 << log2 bytes. An entry that was
 * never filled has any log2. */
static bool same_block(uint64_t a, uint64_t b, unsigned log2)
{
    return !(((a ^ b) & ones(56)) >> (log2 & 63));
}

/* Drops all that was filled from the block around va: one operation on any address in a block
 * removes its whole translation (manual D8.14.5), and Linux uses just one for a huge page. */
static void drop_block(struct jit_context *context, uint64_t va, bool only_global)
{
    for (unsigned i = 0; i < context->entries; i++) {
        struct ir_tlb_entry *entry = &context->tlb[i];
        uint64_t page = entry->rtag & 1 ? entry->wtag : entry->rtag;
        if (same_block(page, va, entry->attr >> JIT_TLB_SIZE_SHIFT) &&
            (!only_global || entry->attr & JIT_TLB_GLOBAL))
            entry->rtag = entry->wtag = 1;
    }
    for (unsigned i = 0; i < context->code_entries; i++)
        if (same_block(context->itlb[i].tag, va, context->itlb[i].attr))
            context->itlb[i].tag = context->itlb[i].open = 1;
    *searched(context, va & ones(56), only_global) = (va & ones(56)) >> 21;
}

/* Whether a translation of 1 << log2 bytes around page has a part in the operation's range. */
static bool in_range(const struct arm_tlbi *op, uint64_t page, unsigned log2)
{
    uint64_t size = 1ull << (log2 & 63);
    uint64_t first = align_down(page & ones(56), size), start = op->va & ones(56);

    return page != 1 && first < start + (op->pages << IR_PAGE_BITS) && start < first + size;
}

static void drop_long_range(struct jit_context *context, const struct arm_tlbi *op,
                            bool only_global)
{
    for (unsigned i = 0; i < context->entries; i++) {
        struct ir_tlb_entry *entry = &context->tlb[i];
        uint64_t page = entry->rtag & 1 ? entry->wtag : entry->rtag;
        if (in_range(op, page, (unsigned)(entry->attr >> JIT_TLB_SIZE_SHIFT)) &&
            (!only_global || entry->attr & JIT_TLB_GLOBAL))
            entry->rtag = entry->wtag = 1;
    }
    for (unsigned i = 0; i < context->code_entries; i++)
        if (in_range(op, context->itlb[i].tag, (unsigned)context->itlb[i].attr))
            context->itlb[i].tag = 1;
}

static void drop_range(struct jit_context *context, const struct arm_tlbi *op, bool only_global)
{
    /* Kernels have nothing global in the lower half: what a process unmaps is in its context. */
    if (only_global && !bit(op->va, 55) && !context->low_global)
        return;
    if (op->pages > RANGE_LIMIT) {
        drop_long_range(context, op, only_global);
        return;
    }
    for (uint64_t i = 0; i < op->pages; i++) {
        uint64_t va = op->va + (i << IR_PAGE_BITS);
        drop_page(context, va, only_global);
        /* Within the page of a larger granule nothing new can be found. */
        if (i % JIT_SMALLEST_BLOCK == 0 && near_block(context, va, only_global))
            drop_block(context, va, only_global);
    }
}

void jit_tlbi_local(struct jit_vcpu *vcpu, const struct arm_tlbi *op)
{
    if (op->kind == ARM_TLBI_ALL) {
        jit_tlb_flush_all(vcpu);
        return;
    }
    clear_page_slots(vcpu);
    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        struct jit_context *context = &vcpu->context[i];
        bool same = context->asid == op->asid;
        if (!context->valid)
            continue;
        if (op->kind == ARM_TLBI_ASID && same) {
            clear_context(context);
        } else if (op->kind == ARM_TLBI_VA) {
            drop_range(context, op, !same);
        } else if (op->kind == ARM_TLBI_VAA) {
            drop_range(context, op, false);
        }
    }
    jit_rstack_clear(vcpu);
}
